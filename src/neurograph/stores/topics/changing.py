"""A subscription set back or on, changed, paused."""

from __future__ import annotations

from ...connection.session import Session
from ...errors import InvalidValue
from ...model.topic import Entry, SubscriptionSettings
from ..arguments import real, truth, whole
from ..attempts import MOST_MS
from ..settings import Check, checked, one_of, within
from .base import NEWEST, delivery_state, entry_id, pattern_of
from .condition import condition_text
from .part import SubscriptionPart
from .passing import first_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SETTINGS: dict[str, Check] = {
    "lease_ms": within(1, MOST_MS),
    "attempts": within(1, 1 << 31),
    "backoff": one_of("fixed", "exponential"),
    "backoff_ms": within(0, MOST_MS),
    "backoff_most_ms": within(0, MOST_MS),
    "jitter": lambda value, what: real(value, what, 0, 1),
    "paused": lambda value, what: truth(value, what),
}
"""Setting → what checks it; the names are those of the columns."""
# A topic that a pattern names, of which something above an id was deleted.
TRIMMED = """
    exists (
      select 1 from topic
       where trimmed_id > ?
         and case
           when pattern like '%*' then substr(name, 1, length(pattern) - 1) = substr(pattern, 1, length(pattern) - 1)
           else name = pattern
           end)"""
TRIMMED = TRIMMED.replace("name,", "topic.name,").replace("else name", "else topic.name")


class Changing(SubscriptionPart):
    """The cursor and the settings."""

    def seek(self, *, sequence: Entry | int | None = None, at_ns: int | None = None) -> bool:
        """Set the cursor, back to get entries again, or on to pass over some; return whether all are still there.

        What is claimed, delayed or dead after that place is forgotten, as it comes again, and who holds such an entry
        has lost it; what is before it stays as it is.

        Parameters
        ----------
        sequence
            An entry or its id: that is the first to come.
        at_ns
            Or the first published then or later, in nanoseconds since 1970 UTC.

        Returns
        -------
        bool
            False where entries of its topics after that place were trimmed, so that they can't come again. Of a topic
            that was dropped nothing is known any more.

        Raises
        ------
        InvalidValue
            Neither or both are given, or `sequence` is above what will be published next.
        SubscriptionNotFound
            The subscription was ended.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news")
        ...     _ = db.topics.publish_many("news", ["a", "b"])
        ...     _ = mails.ack_many(mails.claim(2))
        ...     mails.seek(sequence=1), [entry.payload for entry in mails.claim(16)]
        (True, ['a', 'b'])

        Notes
        -----
        A time is found by halving the log: about 20 looks, however long it is.
        """
        if (sequence is None) == (at_ns is None):
            raise InvalidValue(f"either sequence or at_ns must be given, got {sequence!r} and {at_ns!r}")
        session = self._session
        with session.transaction():
            cursor = cursor_before(session, "sequence", sequence, at_ns)
            if not session.change("update subscription set cursor = ? where id = ? returning 1", (cursor, self._id)):
                raise self._ended()
            (trimmed,) = self._row(TRIMMED, cursor)
            session.announce(self._news)
        return not trimmed

    def update(self, **settings: Any) -> SubscriptionSettings:
        """Change what a subscription asks for or how it delivers, and return all of it; what is not named stays.

        Parameters
        ----------
        settings
            As for `subscribe`, `pattern` and `where` among them. These hold for what is above the cursor.

        Raises
        ------
        InvalidValue
            No such setting, or a value it can't have.
        SubscriptionNotFound
            The subscription was ended.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news")
        ...     mails.update(attempts=2, where={"urgent": True}).where
        {'urgent': True}
        """
        values: dict[str, Any] = {}
        if "pattern" in settings:
            values["pattern"] = pattern_of(settings.pop("pattern"))
        if "where" in settings:
            values["condition"] = condition_text(settings.pop("where"))
        values |= checked(settings, SETTINGS, f"subscription {self._name!r}")
        if values:
            changes = ", ".join(f"{column} = ?" for column in values)
            sql = f"update subscription set {changes} where id = ? returning 1"
            if not self._session.change(sql, (*values.values(), self._id)):
                raise self._ended()
            self._session.announce(self._news)
        return self.settings

    def purge(self, state: str | None = None) -> int:
        """Take entries below the cursor for settled, as nobody wants them any more; return how many they were.

        Parameters
        ----------
        state
            Only those ``"claimed"``, ``"ready"``, ``"delayed"`` or ``"dead"``; None: all, also those that somebody
            works on.

        Raises
        ------
        InvalidValue
            No such state.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news", attempts=1)
        ...     _ = db.topics.publish("news", "hello")
        ...     mails.nack(mails.claim()[0], "no address")
        ...     mails.purge("dead"), mails.dead()
        (1, [])
        """
        only, chosen = ("", ()) if delivery_state(state) is None else (" and state = ?", (state,))
        sql = f"delete from delivery where subscription_id = ?{only} returning 1"
        return len(self._session.change(sql, (self._id, *chosen)))

    def pause(self) -> None:
        """Let nothing be claimed until `resume`; publishing goes on.

        Raises
        ------
        SubscriptionNotFound
            The subscription was ended.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news")
        ...     _ = db.topics.publish("news", "hello")
        ...     mails.pause()
        ...     mails.claim()
        []
        """
        self.update(paused=True)

    def resume(self) -> None:
        """End a `pause`.

        Raises
        ------
        SubscriptionNotFound
            The subscription was ended.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news", paused=True)
        ...     _ = db.topics.publish("news", "hello")
        ...     mails.resume()
        ...     len(mails.claim())
        1
        """
        self.update(paused=False)


def cursor_before(session: Session, name: str, first: Entry | int | None, at_ns: int | None) -> int:
    """Return the cursor of who is to get an entry next, or what was published at a time, inside a transaction.

    `name` is that of the caller's argument.
    """
    newest: int = session.rows(NEWEST)[0][0]
    if first is not None:
        first = entry_id(first, name)
        if first > newest + 1:
            raise InvalidValue(f"{name} must be at most {newest + 1}, what is published next, got {first}")
        return first - 1
    found = first_at(session.writer.connection, whole(at_ns, "at_ns"))
    if found is None:
        return newest
    # Not found - 1: what is trimmed between the two may have been published later.
    return session.rows("select coalesce(max(id), 0) from topic_entry where id < ?", (found,))[0][0]  # type: ignore
