"""What the parts of a subscription share: the session, its id, its row."""

from __future__ import annotations

from ...connection.session import Session
from ...errors import NeurographError, SubscriptionNotFound
from ...model.topic import SubscriptionSettings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COLUMNS = ", ".join({"where": "condition"}.get(name, name) for name in SubscriptionSettings._fields)


class SubscriptionPart:
    """One part of a subscription."""

    def __init__(self, session: Session, number: int, name: str) -> None:
        self._session = session
        self._id = number
        self._name = name

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def settings(self) -> SubscriptionSettings:
        """What it asks for, how it delivers and where its cursor is, as of now.

        Raises
        ------
        SubscriptionNotFound
            It was ended.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news", lease_ms=5000)
        ...     mails.settings.pattern, mails.settings.lease_ms
        ('news', 5000)
        """
        import json

        row = SubscriptionSettings(*self._row(COLUMNS))
        where = None if row.where is None else json.loads(row.where)  # type: ignore[arg-type]
        return row._replace(where=where, paused=bool(row.paused))

    def _row(self, columns: str, *bindings: Any) -> tuple[Any, ...]:
        """Return columns of its row; `columns` may have marks for `bindings`."""
        rows = self._session.rows(f"select {columns} from subscription where id = ?", (*bindings, self._id))
        if not rows:
            raise self._ended()
        return rows[0]

    @property
    def _news(self) -> tuple[str, int]:
        """What is announced in this process when entries come again, or the subscription is another."""
        return ("subscription", self._id)

    def _ended(self) -> SubscriptionNotFound:
        return SubscriptionNotFound(
            f"subscription {self._name!r} must still be there, but was ended; db.topics.subscribe(…) makes it anew"
        )

    def __repr__(self) -> str:
        try:
            rows = self._session.rows("select pattern from subscription where id = ?", (self._id,))
        except NeurographError:  # the file is closed: whoever prints this looks for another error
            return f"<Subscription {self._name!r}>"
        return f"<Subscription {self._name!r} {f'of {rows[0][0]!r}' if rows else 'ended'}>"
