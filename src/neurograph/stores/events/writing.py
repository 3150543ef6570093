"""Types of events, what is switched on, and events that somebody emits."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import InvalidValue
from ...model.event import EventType
from ..arguments import bindable
from ..event_triggers import drop_triggers, make_triggers
from ..event_types import ids_of, type_name
from ..json_texts import json_of
from .base import TOPIC, EventPart, now_ns

_TYPE = "id, name, enabled, by_triggers, description, trimmed"
EMIT = "insert into event (type_id, created_ns, data) select id, ?, ? from event_type where name = ? and enabled"


class Writing(EventPart):
    """Types, switches, and what is emitted."""

    def register(self, type: str, description: str | None = None) -> EventType:
        """Make an event type, and return it; where it is there already, change its description.

        Parameters
        ----------
        type
            Words with dots between them, such as ``"order.paid"``; ``"order.*"`` then reads all that begin so.
        description
            What it says; None leaves it as it is.

        Returns
        -------
        EventType
            As it is now. A type stays for ever, and keeps its id.

        Raises
        ------
        InvalidValue
            The name is none, or the description no text.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.events.register("order.paid", "money came").id
        61441
        """
        name = type_name(type)
        if description is not None and (
            not isinstance(description, str) or "\x00" in description or bindable(description) is None
        ):
            raise InvalidValue(f"description must be text without NUL, got {description!r}")
        with self._session.transaction():
            known = self._session.rows("select 1 from event_type where name = ?", (name,))
            if not known:
                self._session.change("insert into event_type (name, description) values (?, ?)", (name, description))
            elif description is not None:
                self._session.change("update event_type set description = ? where name = ?", (description, name))
            return self.types(name)[0]

    def types(self, type: str = "*") -> builtins.list[EventType]:
        """Return event types in order of id.

        Parameters
        ----------
        type
            A name, the beginning of names as ``"token.*"``, or ``"*"`` for all.

        Returns
        -------
        list of EventType
            Ours first; `enabled` tells which are switched on.

        Raises
        ------
        UnknownName
            No type has the name.
        InvalidValue
            It is neither name nor beginning.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     [(found.name, found.enabled) for found in db.events.types("cdna.*")]
        [('cdna.updated', True)]
        """
        with self._session.reading() as line:
            wanted = ids_of(line.connection, type)
            rows: Any = line.connection.execute(f"select {_TYPE} from event_type order by id").fetchall()
        return [
            EventType(id, name, bool(enabled), bool(by_triggers), *rest)
            for id, name, enabled, by_triggers, *rest in rows
            if id in wanted
        ]

    def enable(self, type: str) -> builtins.list[str]:
        """Let events of these types be written from now on, for every writer of the file.

        Of ours, those of tokens, connections, the queue and experience are off until then.

        Parameters
        ----------
        type
            As for `types`.

        Returns
        -------
        list of str
            The names of those that were off.

        Raises
        ------
        UnknownName, InvalidValue
            As `types`.
        Conflict
            Something of yours has the name that a trigger needs.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.events.enable("token.*")
        ...     _ = db.tokens.create("cat"), db.tokens.create_many(["dog", "eel"])
        ...     [event.data for event in db.events.read()]
        [{'id': 1}, {'first': 2, 'last': 3, 'count': 2}]

        Notes
        -----
        It makes the type's triggers, in the caller's transaction or one of its own; other connections see them with
        their next statement. An event costs its writer 1 to 2 µs, and a page in the log of each commit.
        """
        return self._switch(type, True)

    def disable(self, type: str) -> builtins.list[str]:
        """Let no events of these types be written any more; what was written stays.

        Parameters
        ----------
        type
            As for `types`.

        Returns
        -------
        list of str
            The names of those that were on.

        Raises
        ------
        UnknownName, InvalidValue
            As `types`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.events.register("debug.step"), db.events.disable("debug.*")
        ...     db.events.emit("debug.step") is None
        True
        """
        return self._switch(type, False)

    def _switch(self, type: str, on: bool) -> builtins.list[str]:
        with self._session.transaction():
            connection = self._session.writer.connection
            make, sql = (make_triggers if on else drop_triggers), "update event_type set enabled = ? where name = ?"
            ours = {name for (name,) in connection.execute("select name from event_type where by_triggers")}
            changed = []
            for name in ids_of(connection, type).values():
                if name in ours:  # a type of the user's may be called as triggers of ours begin
                    make(connection, name)
                if connection.execute(f"{sql} and enabled <> ? returning 1", (on, name, on)).fetchall():
                    changed.append(name)
        return changed

    def emit(self, type: str, data: Mapping[str, Any] | None = None) -> int | None:
        """Write an event, in the caller's transaction or one of its own.

        Parameters
        ----------
        type
            The name of a type that exists; `register` makes one. ``"custom"`` is there for what needs none.
        data
            What JSON can say of it: a dict with strings as keys. None is an empty one.

        Returns
        -------
        int or None
            The event's id; None where its type is switched off.

        Raises
        ------
        UnknownName
            No type has the name; the message names the closest.
        InvalidValue
            `data` is no dict of JSON values: it holds NaN, an infinity, keys that are no strings, or over 256 levels.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.events.register("order.paid")
        ...     db.events.emit("order.paid", {"euro": 12.5})
        1

        Notes
        -----
        About 9 µs in a transaction; a commit of its own comes on top.
        """
        name, text = type_name(type), _object({} if data is None else data)
        number = self._session.insert_or_none(EMIT, (now_ns(), text, name))
        if number is None:
            self.types(name)  # which tells whether there is one
        else:
            self._session.announce(TOPIC)
        return number

    def emit_many(self, type: str, data: Iterable[Mapping[str, Any]]) -> int:
        """Write an event for each of `data`, all or none, and return how many that were.

        Parameters
        ----------
        type
            As for `emit`.
        data
            As for `emit`, one for each event.

        Returns
        -------
        int
            How many were written; 0 where the type is switched off.

        Raises
        ------
        UnknownName, InvalidValue
            As `emit`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.events.emit_many("custom", [{"n": n} for n in range(3)])
        3
        """
        name, now = type_name(type), now_ns()
        rows = [(now, _object(one), name) for one in data]
        with self._session.transaction():
            known = self.types(name)[0]
            if known.enabled:
                self._session.writer.connection.executemany(EMIT, rows)
                self._session.announce(TOPIC)
        return len(rows) if known.enabled else 0


def _object(data: Any) -> str:
    if not isinstance(data, Mapping):
        raise InvalidValue(f"data must map strings to JSON values, got {data!r}")
    return json_of(dict(data), "data")
