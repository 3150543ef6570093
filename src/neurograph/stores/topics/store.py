"""Topics, put together from their parts."""

from __future__ import annotations

from .publishing import Publishing
from .reading import Reading
from .subscribing import Subscribing
from .topics import TopicSettings


class Topics(TopicSettings, Publishing, Reading, Subscribing):
    """The log of a database, reached as `db.topics`: entries under topics, and the subscriptions that read them.

    Each call is part of the caller's transaction, or one of its own. An entry is an `Entry`; a topic is named, and
    created on first publish, or with settings by `create`.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     mails = db.topics.subscribe("mails", "news.*")
    ...     prints = db.topics.subscribe("prints", "news.*")
    ...     _ = db.topics.publish("news.local", "rain")
    ...     [entry.payload for reader in (mails, prints) for entry in reader.claim(16)]
    ['rain', 'rain']
    """
