"""A subscription, put together from its parts."""

from __future__ import annotations

from .changing import Changing
from .consuming import Consuming
from .looking import Looking


class Subscription(Consuming, Looking, Changing):
    """A reader of topics that the file remembers: what it asks for, and how far it is.

    Made by `db.topics.subscribe`, and found again by its name from any process. Its consumers share its entries: each
    is claimed by one of them at a time. Every call is part of the caller's transaction, or one of its own.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     index = db.topics.subscribe("index", "tokens.*")
    ...     with db.transaction():
    ...         cat = db.tokens.create("cat")
    ...         _ = db.topics.publish("tokens.created", {"id": cat.id})
    ...     for entry in index.claim(16):
    ...         print(entry.topic, entry.payload, entry.attempts)
    ...         index.ack(entry)
    tokens.created {'id': 1} 1
    """
