"""The queue, put together from its parts."""

from __future__ import annotations

from .channels import Channels
from .dead import DeadLetters
from .looking import Looking
from .publishing import Publishing
from .recurring import Repeating
from .requesting import Requesting


class Queue(Requesting, Channels, Publishing, DeadLetters, Looking, Repeating):
    """The messages of a database, reached as `db.queue`.

    Each call is part of the caller's transaction, or one of its own. A message is a `Message`; a channel is named.
    Channels are created on first publish, or with settings by `create_channel`.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     with db.transaction():
    ...         cat = db.tokens.create("cat")
    ...         _ = db.queue.publish("tokens.created", {"id": cat.id}, priority="high")
    ...     for message in db.queue.claim("tokens.created", 16):
    ...         print(message.payload, message.attempts)
    ...         db.queue.ack(message)
    {'id': 1} 1
    """
