"""The queue: channels, and messages that are claimed, worked on and acked.

| file | what it does |
|---|---|
| `store.py` | `db.queue`, put together from its parts |
| `base.py` | what every part has: the session, a channel by its name, what an argument means |
| `channels.py` | channels created, changed, listed, removed, paused; a configuration of many |
| `publishing.py` | messages published, one or many |
| `claiming.py` | messages claimed, in order |
| `settling.py` | ack, extend, release |
| `failing.py` | nack |
| `due.py` | what time alone does: delays that are over, leases that ran out, messages that expire |
| `recurring.py`, `plan.py` | recurring messages; when a cron expression comes round |
| `firing.py` | recurring messages published when they are due |
| `dead.py` | dead letters, why they failed, and the way back |
| `looking.py` | messages and figures read, without claiming; cancel and purge |
| `clock.py` | what time it is |
"""

from .store import Queue

__all__ = ["Queue"]
