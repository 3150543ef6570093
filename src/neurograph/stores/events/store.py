"""Events, put together from their parts."""

from __future__ import annotations

from .reading import Reading
from .trimming import Trimming
from .writing import Writing


class Events(Writing, Reading, Trimming):
    """What happened in a database, reached as `db.events`.

    Events are only appended; each is written in the transaction of what happened, by triggers that are switched per
    type, or by `emit`. A stock shell reads the view ``event_log``, and emits by inserting into it.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     _ = db.events.enable("token.*")
    ...     with db.transaction():
    ...         cat = db.tokens.create("cat")
    ...         _ = db.events.emit("custom", {"who": "me", "id": cat.id})
    ...     [(event.id, event.type) for event in db.events.read()]
    [(1, 'token.created'), (2, 'custom')]
    """
