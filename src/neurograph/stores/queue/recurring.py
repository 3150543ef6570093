"""Recurring messages made, listed, paused and removed; `firing.py` publishes them."""

from __future__ import annotations

import builtins
from collections.abc import Mapping

from ...errors import InvalidValue, RecurringNotFound
from ...model.recurring import Recurring
from ..arguments import json_text, whole
from ..attempts import MS, name_of, span_ns, stored
from ..named import closest_in, named_rows
from . import clock
from .base import NEW_CHANNEL, QueuePart, channel_name, priority_number
from .plan import latest_time, next_time, times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COLUMNS = ", ".join(
    {"channel": "(select name from channel where id = channel_id)"}.get(name, name) for name in Recurring._fields
)
TEXTS = ("name", "time_zone", "headers", "payload", "error")
SET = """
    insert into recurring (name, channel_id, expression, time_zone, priority, ttl_ms, headers, payload, created_ns)
    select ?1, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9 from channel where name = ?2
    on conflict (name)
    do update set channel_id = excluded.channel_id, expression = excluded.expression, time_zone = excluded.time_zone,
                  priority = excluded.priority, ttl_ms = excluded.ttl_ms, headers = excluded.headers,
                  payload = excluded.payload"""
PLAN = """
    update recurring set next_ns = ?1, error = null
     where name = ?2 and (coalesce(next_ns, 0) = 0 or next_ns > ?3 and paused = 0)"""

LATEST_NS = 7_000_000_000_000_000_000  # the year 2191: 50 years more are a time that 64 bits hold


class Repeating(QueuePart):
    """Messages that are published again and again."""

    def every(
        self,
        name: str,
        expression: str,
        channel: str,
        payload: Any,
        *,
        time_zone: str = "UTC",
        priority: int | str | None = None,
        headers: Mapping[str, Any] | None = None,
        ttl_s: float | None = None,
    ) -> Recurring:
        """Let a message be published in a channel again and again, and return what was made.

        Parameters
        ----------
        name
            What to call it. Where there is one of that name it is changed: a program may say at each start what recurs.
            When the next message is due stays as it was, unless expression or time zone are others, or a clock that
            was more than a day ahead has put it off.
        expression
            When, as five fields of cron: minute, hour, day of the month, month, day of the week; or six, with the
            seconds first. ``"*/5 * * * *"`` is every five minutes, ``"0 3 * * MON-FRI"`` three o'clock on weekdays,
            ``"0 0 L * *"`` the last day of each month.
        channel
            Where to; it is created where it is new.
        payload
            A JSON value, or bytes.
        time_zone
            Whose clock the expression means, as an IANA name: ``"Europe/Berlin"``.
        priority, headers, ttl_s
            Of each message, as for `publish`. The headers get ``recurring``, this name, and ``scheduled_ns``, when the
            message was due.

        Returns
        -------
        Recurring
            With the time of the next message as ``next_ns``.

        Raises
        ------
        InvalidValue
            An argument breaks its rule, the time zone is unknown here, or the expression has no time within 50 years.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     made = db.queue.every("decay", "0 3 * * *", "chores", {"do": "decay"}, time_zone="Europe/Berlin")
        ...     made.channel, made.expression, made.paused
        ('chores', '0 3 * * *', False)

        Notes
        -----
        Whoever claims or waits in the channel publishes what is due there: no other process is needed, and however many
        do, each time has one message. What came due while nobody claimed is one message, whose ``scheduled_ns`` is the
        first of the times missed. A time at which the channel is full, or gets more than its rate, is left out and
        counted as ``refused``.

        When clocks are changed it is as with Debian's cron: fixed hours that are skipped come right after the gap, and
        those that come twice are taken the first time; ``*`` as minute or hour follows the clock.
        """
        if not isinstance(expression, str):
            raise InvalidValue(f"expression must be text, five fields of cron, got {expression!r}")
        said = " ".join(expression.split())
        now = clock.now_ns()
        following, latest = next_time(said, time_zone, now), latest_time(said, time_zone, now)
        row = (
            name_of(name, "name"), channel_name(channel), said, time_zone,
            None if priority is None else priority_number(priority),
            None if ttl_s is None else max(1, span_ns(ttl_s, "ttl_s") // MS),
            None if headers is None else json_text(headers, "headers"),
            stored(payload), now,
        )  # fmt: skip
        with self._session.transaction():
            self._session.change(NEW_CHANNEL, (channel,))
            self._session.change(SET, row)
            self._session.change(PLAN, (following, name, latest))
            made = self._recurring("where name = ?", (name,))
            self._session.announce(channel)
        return made[0]

    def recurring(self, channel: str | None = None) -> builtins.list[Recurring]:
        """Return what recurs, in the order of names.

        Parameters
        ----------
        channel
            Only what goes to this channel; None: all.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.every("decay", "0 3 * * *", "chores", {"do": "decay"})
        ...     [(one.name, one.channel) for one in db.queue.recurring()]
        [('decay', 'chores')]
        """
        if channel is None:
            return self._recurring("order by name", ())
        name = channel_name(channel)
        return self._recurring("where channel_id = (select id from channel where name = ?) order by name", (name,))

    def pause_recurring(self, name: str) -> None:
        """Let nothing be published of what recurs until `resume_recurring`.

        Parameters
        ----------
        name
            Its name.

        Raises
        ------
        RecurringNotFound
            Nothing of that name recurs.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.every("decay", "0 3 * * *", "chores", {"do": "decay"})
        ...     db.queue.pause_recurring("decay")
        ...     db.queue.recurring()[0].paused
        True
        """
        sql = "update recurring set paused = 1 where name = ? returning name"
        if not self._session.change(sql, (name_of(name, "name"),)):
            raise self._nothing_recurs(name)

    def resume_recurring(self, name: str) -> None:
        """End a `pause_recurring`; what came due meanwhile is not made up for.

        Parameters
        ----------
        name
            Its name.

        Raises
        ------
        RecurringNotFound
            Nothing of that name recurs.
        InvalidValue
            Its expression or time zone, written by another tool, can't be read.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.every("decay", "0 3 * * *", "chores", {"do": "decay"})
        ...     db.queue.pause_recurring("decay")
        ...     db.queue.resume_recurring("decay")
        ...     db.queue.recurring()[0].paused
        False
        """
        with self._session.transaction():
            sql = "update recurring set paused = 0 where name = ? returning name"
            if not self._session.change(sql, (name_of(name, "name"),)):
                raise self._nothing_recurs(name)
            (one,) = self._recurring("where name = ?", (name,))
            if not one.next_ns:
                following = next_time(one.expression, one.time_zone, clock.now_ns())
                self._session.change(PLAN, (following, name, None))
            self._session.announce(one.channel)

    def remove_recurring(self, name: str) -> None:
        """Let something recur no more; messages that were published stay.

        Parameters
        ----------
        name
            Its name.

        Raises
        ------
        RecurringNotFound
            Nothing of that name recurs.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.every("decay", "0 3 * * *", "chores", {"do": "decay"})
        ...     db.queue.remove_recurring("decay")
        ...     db.queue.recurring()
        []
        """
        if not self._session.change("delete from recurring where name = ? returning name", (name_of(name, "name"),)):
            raise self._nothing_recurs(name)

    def next_times(
        self, expression: str, n: int = 5, *, time_zone: str = "UTC", after_ns: int | None = None
    ) -> builtins.list[int]:
        """Return the next times of a cron expression, to see what it means.

        Parameters
        ----------
        expression, time_zone
            As for `every`.
        n
            At most so many.
        after_ns
            After this moment, in nanoseconds since 1970 UTC; None: now.

        Returns
        -------
        list of int
            In nanoseconds since 1970 UTC; fewer than `n` where no more come within 50 years.

        Raises
        ------
        InvalidValue
            An argument breaks its rule, or the time zone is unknown here.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     [ns // 10**9 for ns in db.queue.next_times("*/5 * * * *", 3, after_ns=0)]
        [300, 600, 900]
        """
        most = whole(n, "n")
        after = clock.now_ns() if after_ns is None else whole(after_ns, "after_ns", 0, LATEST_NS)
        return [found for _, found in zip(range(most), times(expression, time_zone, after), strict=False)]

    def _recurring(self, condition: str, bindings: tuple[Any, ...]) -> builtins.list[Recurring]:
        sql = f"select {COLUMNS} from recurring {condition}"
        return [_record(row) for row in named_rows(self._session, "recurring", TEXTS, sql, bindings)]

    def _nothing_recurs(self, name: str) -> RecurringNotFound:
        hint = closest_in(self._session, "recurring", name, order="name")
        return RecurringNotFound(f"nothing recurs by the name {name!r}{hint}; db.queue.every(…) makes it")


def _record(row: tuple[Any, ...]) -> Recurring:
    import json

    one = Recurring(*row)
    return one._replace(
        headers=json.loads(row[6]) if row[6] else {},
        payload=row[7] if isinstance(row[7], bytes) else json.loads(row[7]),
        paused=bool(one.paused),
    )
