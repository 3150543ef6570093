"""Topics: a log that is only appended to, and subscriptions that read it.

| file | what it does |
|---|---|
| `store.py` | `db.topics`, put together from its parts |
| `base.py` | what its parts have: the session, a topic by its name, what an argument means |
| `topics.py` | topics created, changed, listed, dropped |
| `publishing.py` | entries published, one or many |
| `trimming.py` | what a topic is not to keep is deleted |
| `entry_rows.py` | rows of entries, and what stands for one that nobody can read |
| `passing.py` | what a pattern and a condition let pass of the log |
| `condition.py` | a condition in JSON made into SQL |
| `reading.py` | the log read without a subscription |
| `subscribing.py` | subscriptions made, found, listed, ended |
| `subscription.py` | a subscription, put together from its parts |
| `part.py` | what its parts have: the session, its row |
| `changing.py` | its cursor and its settings |
| `claiming.py` | entries claimed, in order |
| `settling.py` | ack, extend, release |
| `failing.py` | nack, redrive |
| `consuming.py` | entries waited for |
| `due.py` | what time alone does: delays that are over, leases that ran out |
| `looking.py` | deliveries and figures read |
| `clock.py` | what time it is |
"""

from .store import Topics
from .subscription import Subscription

__all__ = ["Subscription", "Topics"]
