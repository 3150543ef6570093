"""What happened: by type, by what it says, by time and by id."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...connection.scope import deadline_after
from ...connection.waiting import Waiting
from ...errors import ChangesForgotten
from ...model.event import Event
from ..arguments import MAX_ID, newest_committed, reached, whole
from ..id_pages import PAGE, in_pages, is_newest_first
from ..json_conditions import Conditions
from .base import NEWEST, TOPIC, EventPart, first_since
from .question import Question


class Reading(EventPart):
    """Events in order, and as they come."""

    def read(
        self,
        type: str = "*",
        *,
        where: Conditions | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        after: int = 0,
        limit: int | None = None,
        order: str = "oldest",
        timeout_s: float | None = None,
    ) -> Iterator[Event]:
        """Yield events that had happened when it was called.

        Parameters
        ----------
        type
            A name, the beginning of names as ``"token.*"``, or ``"*"`` for all.
        where
            Conditions on `data`: ``{"euro": {"$gte": 10}, "by": "card"}``. Keys are paths with dots between them,
            ``"from.city"``; operators are ``$eq``, ``$ne``, ``$gt``, ``$gte``, ``$lt`` and ``$lte``; a bare value is
            ``$eq``. All of a dict must hold; ``{"$or": [{…}, {…}]}`` asks for one of several, ``$and`` for all.
        since_ns, until_ns
            Only events from this time on, and before that one, in nanoseconds since 1970 UTC.
        after
            Only events with a greater id.
        limit
            At most so many; None for all.
        order
            ``"oldest"`` or ``"newest"`` first.
        timeout_s
            Seconds from the call after which it raises `DeadlineExceeded`, here or at a later page; None for no limit.

        Yields
        ------
        Event
            (id, type, created_ns, data), in order of id.

        Raises
        ------
        UnknownName
            No type has the name.
        InvalidValue
            A condition has an unknown operator or a value that can't be compared, or another argument breaks its rule.
        DeadlineExceeded
            It took longer than `timeout_s`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.events.register("order.paid")
        ...     _ = db.events.emit_many("order.paid", [{"euro": 5}, {"euro": 20, "by": "card"}, {"euro": 30}])
        ...     [event.id for event in db.events.read("order.*", where={"euro": {"$gt": 10}, "by": {"$ne": "card"}})]
        ...     next(db.events.read(order="newest")).data
        [3]
        {'euro': 30}

        Notes
        -----
        A value equals one of its own kind: ``1`` is not ``True`` nor ``"1"``; what is not there is None. Only two
        numbers, or two texts, are in order. Events are fetched a thousand at a time, so any number of them takes little
        memory and no lock, and those that are trimmed before their turn are left out. The time grows with the events
        between the bounds, 0.1 µs for each that is passed over.
        """
        question, deadline = Question(type, where), deadline_after(timeout_s)
        low, most = whole(after, "after"), None if limit is None else whole(limit, "limit")
        times = [
            None if at is None else whole(at, what) for at, what in ((since_ns, "since_ns"), (until_ns, "until_ns"))
        ]
        newest_first = is_newest_first(order)
        with self._session.reading(timeout_s) as line:
            question.require_type(line.connection)
            high: int = line.connection.execute(NEWEST).fetchall()[0][0]  # type: ignore[assignment]
            if times[0] is not None:
                low = max(low, first_since(line.connection, times[0]) - 1)
            if times[1] is not None:
                high = min(high, first_since(line.connection, times[1]) - 1)
        rows = partial(self._session.rows_until, deadline)
        return in_pages(partial(question.page, rows, newest=newest_first), low, high, most, newest_first)

    def count(
        self,
        type: str = "*",
        *,
        where: Conditions | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        after: int = 0,
        timeout_s: float | None = None,
    ) -> int:
        """Return how many events there are.

        Parameters
        ----------
        type, where, since_ns, until_ns, after
            As for `read`.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        int
            At least 0.

        Raises
        ------
        UnknownName, InvalidValue, DeadlineExceeded
            As for `read`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.events.emit_many("custom", [{"n": n} for n in range(3)])
        ...     db.events.count("custom", where={"$or": [{"n": 0}, {"n": {"$gte": 2}}]})
        2
        """
        question, low = Question(type, where), whole(after, "after")
        with self._session.reading(timeout_s) as line:
            question.require_type(line.connection)
            high = MAX_ID
            if since_ns is not None:
                low = max(low, first_since(line.connection, whole(since_ns, "since_ns")) - 1)
            if until_ns is not None:
                high = first_since(line.connection, whole(until_ns, "until_ns")) - 1
            sql = f"select count(*) from event where {question.condition}"
            return line.connection.execute(sql, (low, high, *question.bindings)).fetchall()[0][0]  # type: ignore[return-value]

    def subscribe(
        self,
        type: str = "*",
        *,
        where: Conditions | None = None,
        after: int | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[Event]:
        """Yield events as they are committed, by this process or another, in order.

        Parameters
        ----------
        type, where
            As for `read`. A beginning includes types that are registered later.
        after
            The id of an event to begin after, such as the last one you handled; None for what is committed after
            this call.
        timeout_s
            The iteration ends when so long nothing was committed that it yields; None waits for ever.

        Yields
        ------
        Event
            As `read`.

        Raises
        ------
        ChangesForgotten
            The loop is so far behind that events after its place may have been trimmed: read what is there, and go on
            from `newest` as it was before.
        Closed, Interrupted
            The database was closed, or `interrupt` called, while it waits.
        TransactionOpen
            In memory, and the thread has a transaction open.
        UnknownName
            As `read`.
        InvalidValue
            As `read`; or `after` is above `newest`: events up to it would be missed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     events = db.events.subscribe("custom", timeout_s=0)
        ...     _ = db.events.emit("custom", {"n": 1})
        ...     [event.data for event in events]
        [{'n': 1}]

        Notes
        -----
        On a connection of its own, which is woken by `emit` in this process, and whenever the file's log is written to
        (Linux), or looks every 1 to 50 ms: of 300 events of another process half were told within 0.4 ms, 99 of 100
        within 8, of a thread within 0.5. It holds no lock; the loop's body may take its time, and write. Who keeps the
        id of the last event it handled in the transaction that handles it, misses none and handles none twice.
        """
        question = Question(type, where)
        deadline_after(timeout_s)  # refused here, not at the first step
        with self._session.reading() as line:
            question.require_type(line.connection)
        remedy = "read what is there, and go on from db.events.newest as it was before"
        if after is None:
            at = newest_committed(self._session, NEWEST)
        else:
            at = reached(self._session, after, "after", NEWEST, remedy)
        return self._subscribe(question, at, timeout_s)

    @property
    def newest(self) -> int:
        """The id of the newest event; 0 where nothing ever happened."""
        return self._session.rows(NEWEST)[0][0]  # type: ignore[no-any-return]

    def _subscribe(self, question: Question, at: int, timeout_s: float | None) -> Iterator[Event]:
        with Waiting(self._session, TOPIC) as waiting:
            until = deadline_after(timeout_s)
            while True:
                seen = waiting.seen()
                newest = waiting.rows(NEWEST)[0][0]
                events = question.page(waiting.rows, at, newest, PAGE)
                forgotten = question.trimmed_to(waiting.rows)  # after the page: what goes later was read
                if forgotten > at:
                    raise ChangesForgotten(
                        f"after must be at least {forgotten}, up to which events were trimmed, got {at}; read what is "
                        "there, and go on from db.events.newest as it was before"
                    )
                for event in events:
                    yield event
                    until = deadline_after(timeout_s)
                at = events[-1].id if len(events) == PAGE else newest
                if not events and not waiting.wait(seen, until):
                    return
