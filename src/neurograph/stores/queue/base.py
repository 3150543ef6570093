"""What the parts of the queue share: the session, a channel by its name, what an argument means."""

from __future__ import annotations

from collections.abc import Mapping

from ...connection.session import Session
from ...errors import ChannelNotFound, InvalidValue, LeaseLost
from ...model.message import MESSAGE_COLUMNS, PRIORITIES, Message, NotUtf8, Published
from ..arguments import bound_ids, whole
from ..attempts import name_of
from ..event_triggers import switched_off
from ..json_texts import json_of
from ..named import closest_in, is_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

NEW_CHANNEL = "insert into channel (name) select ?1 where not exists (select 1 from channel where name = ?1)"
# The ids of what is due in a channel, each part from an index of its own.
DUE = """
    select id from message where channel_id = {channel} and state = 'claimed' and turn <= {now} union all
    select id from message where channel_id = {channel} and state = 'delayed' and turn <= {now} union all
    select id from message where channel_id = {channel} and state = 'ready' and due_ns <= {now} union all
    select id from message where channel_id = {channel} and state = 'done' and turn <= {now}"""
MESSAGE_SQL = [
    {
        "channel": "(select name from channel where channel.id = message.channel_id)",
        "origin": "(select name from channel where channel.id = message.origin)",
        "claim": "null",  # a reader is not who claimed it
    }.get(column, column)
    for column in MESSAGE_COLUMNS
]
MESSAGE = ", ".join(MESSAGE_SQL)

TEXTS = tuple(MESSAGE_COLUMNS.index(column) for column in ("key", "headers", "payload", "result"))
# As bytes, with what each was: a text may be none.
MESSAGE_IN_BYTES = ", ".join(
    [
        *(f"cast({sql} as blob)" if at in TEXTS else sql for at, sql in enumerate(MESSAGE_SQL)),
        *(f"typeof({MESSAGE_COLUMNS[at]})" for at in TEXTS),
    ]
)

TELL_DROPPED = """
    insert into event (type_id, data)
    select t.id, json_object('id', m.id, 'channel', c.name, 'state', m.state)
      from event_type as t, message as m join channel as c on c.id = m.channel_id
     where t.name = 'queue.dropped' and t.enabled
       and m.id in (select value from carray(?)) and m.state = 'claimed'
     order by m.id"""


class QueuePart:
    """One part of the queue; the parts share one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def _channel(self, columns: str, name: str, *bindings: Any) -> tuple[Any, ...]:
        """Return columns of a channel that exists; `columns` may have marks for `bindings`."""
        sql = f"select {columns} from channel where name = ?"
        rows = self._session.rows(sql, (*bindings, channel_name(name)))
        if not rows:
            raise self._no_channel(name)
        return rows[0]

    def _no_channel(self, name: str) -> ChannelNotFound:
        hint = closest_in(self._session, "channel", name)
        return ChannelNotFound(
            f"no channel has the name {name!r}{hint}; db.queue.create_channel(…) or publish makes it"
        )

    def _drop(self, ids: Sequence[int]) -> None:
        """Delete messages, inside a transaction, none of them because it was acked.

        The triggers of events take a claimed one that goes for acked, as it is nearly always; so it is told of here.
        """
        connection = self._session.writer.connection
        with switched_off(connection, "queue.done"):
            connection.execute(TELL_DROPPED, (bound_ids(ids),))
            connection.execute("delete from message where id in (select value from carray(?))", (bound_ids(ids),))

    def _messages(self, condition: str, bindings: tuple[Any, ...]) -> list[Message]:
        sql = f"select {{}} from message {condition}"
        try:
            return [Message(row) for row in self._session.rows(sql.format(MESSAGE), bindings)]
        except InvalidValue:  # a text that is not UTF-8: who reads it is told, and it hides no other
            rows = self._session.rows(sql.format(MESSAGE_IN_BYTES), bindings)
            return [Message(_with_texts(row)) for row in rows]


def _with_texts(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row of `MESSAGE_IN_BYTES` with the texts that are."""
    values = list(row[: len(MESSAGE_COLUMNS)])
    for at, kind in zip(TEXTS, row[len(MESSAGE_COLUMNS) :], strict=True):
        if kind == "text":
            values[at] = values[at].decode() if is_utf8(values[at]) else NotUtf8(values[at])
    return tuple(values)


def channel_name(name: object) -> str:
    """Return the name of a channel, if it can be one."""
    return name_of(name, "channel")


def message_id(message: Published | Message | int) -> int:
    """Return the id of a message given as what `publish` returned, as record or id."""
    if isinstance(message, Published):
        if message.id is None:
            raise InvalidValue("message must have been stored, got one that the full channel dropped")
        return message.id
    return message.id if isinstance(message, Message) else whole(message, "message", 1)


def held(message: Message) -> tuple[int, int]:
    """Return id and claim of a message that was claimed."""
    if not isinstance(message, Message) or message.claim is None:
        raise InvalidValue(f"message must be one that claim or extend returned, got {message!r}")
    return message.id, message.claim


def lost(message: Message) -> LeaseLost:
    """Return the error for a message that is not its claimer's any more."""
    return LeaseLost(
        f"message {message.id} must still be yours, but its lease ran out and others took it, or it was settled "
        "before; claim with more lease_s, or extend it in time"
    )


def priority_number(priority: int | str) -> int:
    """Return a priority given as a number or by name."""
    if isinstance(priority, str):
        number = PRIORITIES.get(priority.lower())
        if number is None:
            raise InvalidValue(f"priority must be a whole number or one of {', '.join(PRIORITIES)}, got {priority!r}")
        return number
    return whole(priority, "priority", -1000, 1000)


def header_text(headers: Any) -> str | None:
    """Return what is said about a message as JSON text."""
    if headers is None:
        return None
    if not isinstance(headers, Mapping):
        raise InvalidValue(f"headers must map strings to JSON values, got {headers!r}")
    return json_of(dict(headers), "headers")
