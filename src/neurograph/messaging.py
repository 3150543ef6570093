"""The part of a `Database` that lets programs follow one another."""

from __future__ import annotations

from functools import cached_property

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .connection.session import Session
    from .stores.topics import Topics


class Messaging:
    """The part of a `Database` that lets programs follow one another."""

    _session: Session

    @cached_property
    def topics(self) -> Topics:
        """Topics: a log, and subscriptions that each get all of it that they ask for."""
        from .stores.topics import Topics

        return Topics(self._session)
