"""Messages published, one or many.

Invariants:

1. A message's id is above all that were ever given: above the newest message's, and above message_floor, which keeps
   that of a newest message that was deleted. SQLite's own number, for messages inserted without an id, is never below.
2. What a full channel, a key or a rate refuses is decided by the triggers of the schema, in the statement that inserts.
3. What we remember of a channel is believed by a statement alone that compares it with the channel: where that changed,
   or is gone, nothing is inserted.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence

from apsw import carray

from ...errors import InvalidValue, RuleViolated
from ...model.message import Published
from ..arguments import whole
from ..attempts import MS, span_ns, stored
from ..noting import NotedIds
from . import clock
from .base import NEW_CHANNEL, channel_name, header_text, priority_number
from .full import Full

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...connection.session import Session

    Known = tuple[int, str, int, int | None, int | None]  # id, name, priority, ttl_ms, ageing_ms

PLAIN = "(capacity is null or when_full = 'reject' or when_full = 'block')"  # nothing is dropped for room
KNOWN = f"select id, name, priority, ttl_ms, ageing_ms from channel where name = ? and {PLAIN}"
MOST_KNOWN = 1024
# One message in a channel we know. `insert … select`, as below, keeps its rows in a temporary table before it inserts
# them, because of the triggers: 2.6 µs of 17. ?1 to ?5 what we know, ?6 state, ?7 priority, ?8 rank, ?9 now, ?10 when
# time changes it, ?11 when it expires, ?12 headers, ?13 payload
INSERT_KNOWN = f"""
    insert into message (id, channel_id, state, priority, rank, published_ns, due_ns, expires_ns, headers, payload)
    values (max(coalesce((select max(id) from message), 0), (select message_id from message_floor)) + 1,
            (select id from channel
              where id = ?1 and name = ?2 and priority = ?3 and ttl_ms is ?4 and ageing_ms is ?5 and {PLAIN}),
            ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"""

# ?1 channel, ?2 priority, ?3 now, ?4 when it is ready, ?5 when it expires, ?6 key, ?7 headers, ?8 payload
_INSERT = """
    insert into message
           (id, channel_id, state, priority, rank, published_ns, due_ns, expires_ns, key, headers, payload)
    select max(coalesce((select max(id) from message), 0), (select message_id from message_floor)) + {number},
           id,
           {state},
           coalesce(?2, priority),
           iif(ageing_ms is null, coalesce(?2, priority), coalesce(?2, priority) * ageing_ms * 1000000 + ?3),
           ?3,
           {due},
           coalesce(?5, ?3 + ttl_ms * 1000000),
           ?6, ?7, {payload}
      from {source}channel
     where name = ?1"""
ONE = {"number": "1", "payload": "?8", "source": ""}
# One statement for many payloads: 2.3 µs each; run once for each of them, in one transaction, 6.7.
EACH = {"number": "payloads.rowid", "payload": "payloads.value", "source": "carray(?8) as payloads cross join "}
NOW = {"state": "'ready'", "due": "coalesce(?5, ?3 + ttl_ms * 1000000)"}
LATER = {"state": "'delayed'", "due": "min(?4, coalesce(?5, ?3 + ttl_ms * 1000000, ?4))"}
INSERT_NOW, INSERT_LATER = _INSERT.format(**ONE, **NOW), _INSERT.format(**ONE, **LATER)
INSERT_MANY_NOW, INSERT_MANY_LATER = _INSERT.format(**EACH, **NOW), _INSERT.format(**EACH, **LATER)

# The message a key is another's duplicate of, and whether only for as long as that is pending.
FIRST = """
    select message_id, until_ns <= ?3 from message_key
     where channel_id = ?1 and key = ?2 and (pending or until_ns > ?3)"""


class Publishing(Full):
    """Messages put into channels."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._ids = NotedIds(session, "message")
        self._known: dict[str, Known] = {}

    def publish(
        self,
        channel: str,
        payload: Any,
        *,
        priority: int | str | None = None,
        key: str | None = None,
        headers: Mapping[str, Any] | None = None,
        delay_s: float | None = None,
        at_ns: int | None = None,
        ttl_s: float | None = None,
    ) -> Published:
        """Put a message into a channel, which is created where it is new.

        Parameters
        ----------
        channel
            The channel's name.
        payload
            A JSON value, or bytes.
        priority
            A whole number from -1000 to 1000, lower is claimed first; or ``"critical"`` 0, ``"high"`` 25,
            ``"normal"`` 50, ``"low"`` 75, ``"background"`` 100. None: the channel's.
        key
            Idempotency key: while a message with it is pending in the channel (and has not expired), or was published
            less than the channel's ``dedup_ms`` ago, another is a duplicate and not stored.
        headers
            What to say about the message: a JSON object. Names with a meaning: ``trace``, ``correlation``, ``source``,
            ``reply_to``.
        delay_s
            It can be claimed only after so many seconds.
        at_ns
            It can be claimed only from then on, in nanoseconds since 1970 UTC.
        ttl_s
            It is dropped unless it is claimed within so many seconds. None: the channel's ``ttl_ms``.

        Returns
        -------
        Published
            (id, duplicate, evicted). Of a duplicate `id` is the first message's; None where the full channel dropped
            this message because none of those that are ready is less urgent.

        Raises
        ------
        ChannelFull
            The channel is full, and rejects, or blocked for its ``block_ms``. In a transaction nobody else could make
            room, so that there blocking is rejecting.
        RateLimited
            Messages come faster than the channel's ``rate_per_s`` allows.
        Closed, Interrupted
            The database was closed, or `interrupt` called, while it was blocked.
        InvalidValue
            An argument breaks its rule above.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.queue.publish("jobs", {"n": 1}, key="job 1")
        ...     db.queue.publish("jobs", {"n": 1}, key="job 1")
        Published(id=1, duplicate=False, evicted=0)
        Published(id=1, duplicate=True, evicted=0)

        Notes
        -----
        One statement where the channel has no limit: the time is that of a commit, which `transaction` and
        `publish_many` share. Keep payloads small: each change of a message's state writes it again.
        """
        known = self._known.get(channel) if type(channel) is str else None
        if known is None:
            known = self._look_up(channel_name(channel))
        number = None if priority is None else priority_number(priority)
        word = None if key is None else _key(key)
        about = None if headers is None else header_text(headers)
        content = stored(payload)
        end = None  # of the wait for room
        while True:
            now = clock.now_ns()
            due = None if delay_s is None and at_ns is None else _due(now, delay_s, at_ns)
            expires = None if ttl_s is None else now + span_ns(ttl_s, "ttl_s")
            try:
                if known is None or word is not None:
                    sql = INSERT_NOW if due is None else INSERT_LATER
                    published = self._publish_whole(sql, (channel, number, now, due, expires, word, about, content))
                else:
                    row = _known_row(known, number, now, due, expires)
                    published = Published(self._session.insert(INSERT_KNOWN, (*row, about, content)))
                    self._session.announce(channel)
            except RuleViolated as error:
                if known is not None and error.rule == "message.channel_id":
                    known = None  # it is not any more as we know it
                    self._known.pop(channel, None)
                elif error.rule != "message.capacity" or (end := self._wait_for_room(channel, end)) is None:
                    raise self._refused(error, channel, not self._session.in_transaction) from error
                continue
            if published.id is not None:
                self._ids.given(published.id)
            return published

    def publish_many(
        self,
        channel: str,
        payloads: Sequence[Any],
        *,
        priority: int | str | Sequence[int | str] | None = None,
        key: Sequence[str | None] | None = None,
        headers: Mapping[str, Any] | None = None,
        delay_s: float | None = None,
        at_ns: int | None = None,
        ttl_s: float | None = None,
    ) -> builtins.list[Published]:
        """Put many messages into a channel, all or none, and return what became of each.

        Parameters
        ----------
        channel
            The channel's name.
        payloads
            JSON values or bytes.
        priority
            Of all, or of each.
        key
            Of each.
        headers, delay_s, at_ns, ttl_s
            Of all, as for `publish`.

        Returns
        -------
        list of Published
            In the given order.

        Raises
        ------
        ChannelFull
            There is no room for all of them, and the channel rejects or blocks; this call does not wait.
        RateLimited
            They are more than the channel's rate allows at once.
        InvalidValue
            An argument breaks its rule, or `priority` or `key` have another length than `payloads`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     [published.id for published in db.queue.publish_many("jobs", [{"n": n} for n in range(3)])]
        [1, 2, 3]

        Notes
        -----
        One transaction: beside its commit it takes 4.5 µs a message, 8 where priorities differ or JSON and bytes mix,
        35 where keys or evictions are looked at.
        """
        now = clock.now_ns()
        due = _due(now, delay_s, at_ns)
        expires = None if ttl_s is None else now + span_ns(ttl_s, "ttl_s")
        about = None if headers is None else header_text(headers)
        name = channel_name(channel)
        if isinstance(payloads, str | bytes | bytearray | Mapping) or not hasattr(payloads, "__iter__"):
            raise InvalidValue(f"payloads must be a sequence of payloads, got {payloads!r}")
        contents = [stored(payload) for payload in payloads]
        priorities, keys = _each_priority(priority, len(contents)), _each_key(key, len(contents))
        rows = [
            (name, number, now, due, expires, word, about, content)
            for number, word, content in zip(priorities, keys, contents, strict=True)
        ]
        sql = INSERT_NOW if due is None else INSERT_LATER
        if not rows:
            return []
        try:
            with self._session.transaction():
                self._session.change(NEW_CHANNEL, (name,))
                self._session.announce(name)
                (evicts,) = self._channel(f"not {PLAIN}", name)
                if evicts or key is not None:
                    return [self._publish_whole(sql, row) for row in rows]
                connection = self._session.writer.connection
                if len(set(priorities)) == 1 and len({type(content) for content in contents}) == 1:
                    many = INSERT_MANY_NOW if due is None else INSERT_MANY_LATER
                    connection.execute(many, (*rows[0][:-1], carray(tuple(contents))))
                else:
                    connection.executemany(sql, rows)
                last = connection.last_insert_rowid()
        except RuleViolated as error:
            raise self._refused(error, channel) from error
        self._ids.given(last)
        return [Published(number) for number in range(last - len(rows) + 1, last + 1)]

    def _look_up(self, name: str) -> Known | None:
        """Return what to know of a channel; None where there is none, or it may drop others for a new message."""
        rows: Any = self._session.rows(KNOWN, (name,))
        if not rows:
            return None
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[name] = rows[0]
        return rows[0]  # type: ignore[no-any-return]

    def _publish_whole(self, sql: str, row: tuple[Any, ...]) -> Published:
        """Publish in a channel that may be new, may evict, or where the key may be another message's."""
        name, now, key, session = row[0], row[2], row[5], self._session
        with session.transaction():
            session.announce(name)
            session.change(NEW_CHANNEL, (name,))
            channel_id, before = self._channel("id, evicted", name)
            if key is not None:
                first = session.rows(FIRST, (channel_id, key, now))
                if first and not (first[0][1] and self._end(channel_id, first[0][0], now)):
                    return Published(first[0][0], duplicate=True)
            if (number := session.insert_or_none(sql, row)) is None:
                return Published(None)
            (after,) = self._channel("evicted", name)
        return Published(number, evicted=after - before)


def _known_row(
    known: Known, priority: int | None, now: int, due: int | None, expires: int | None
) -> tuple[str | int | None, ...]:
    """Return what `INSERT_KNOWN` binds before headers and payload."""
    _, _, usual, ttl_ms, ageing_ms = known
    if priority is None:
        priority = usual
    if expires is None and ttl_ms is not None:
        expires = now + ttl_ms * MS
    rank = priority if ageing_ms is None else priority * ageing_ms * MS + now
    if due is None:
        return *known, "ready", priority, rank, now, expires, expires
    return *known, "delayed", priority, rank, now, due if expires is None else min(due, expires), expires


def _due(now: int, delay_s: float | None, at_ns: int | None) -> int | None:
    """Return when a message can be claimed, or None: at once."""
    if delay_s is None and at_ns is None:
        return None
    if delay_s is not None and at_ns is not None:
        raise InvalidValue(f"only one of delay_s and at_ns must be given, got {delay_s!r} and {at_ns!r}")
    due = whole(at_ns, "at_ns") if delay_s is None else now + span_ns(delay_s, "delay_s")
    return due if due > now else None


def _key(key: object) -> str | None:
    if key is None:
        return None
    if not isinstance(key, str) or not key or "\x00" in key:
        raise InvalidValue(f"key must be None, or a string of at least one character without NUL, got {key!r}")
    try:
        key.encode()
    except UnicodeEncodeError:
        raise InvalidValue(f"key must be text that UTF-8 can hold, got {key!r}") from None
    return key


def _each_priority(priority: Any, count: int) -> builtins.list[int | None]:
    if priority is None or isinstance(priority, str) or not hasattr(priority, "__len__"):
        return [None if priority is None else priority_number(priority)] * count
    if len(priority) != count:
        raise InvalidValue(f"priority must have one value for each of {count} payloads, got {len(priority)}")
    return [priority_number(value) for value in priority]


def _each_key(key: Any, count: int) -> builtins.list[str | None]:
    if key is None:
        return [None] * count
    if isinstance(key, str) or not hasattr(key, "__len__") or len(key) != count:
        raise InvalidValue(f"key must have one value for each of {count} payloads, got {key!r}")
    return [_key(value) for value in key]
