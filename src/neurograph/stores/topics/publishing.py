"""Entries published, one or many; what a topic keeps is looked after on the way.

Invariant: an entry's id is above all that ever were: above the newest entry's, and above topic_entry_floor, which keeps
that of a newest entry that was deleted. SQLite's own number, for entries inserted without an id, is never below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apsw import carray

from ...errors import InvalidValue
from ..arguments import json_text
from ..attempts import stored
from ..noting import NotedIds, afterwards
from . import clock
from .base import NEW_TOPIC, announced, topic_name
from .trimming import SLICE, Trimming

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...connection.session import Session

# ?1 topic, ?2 now, ?3 headers, ?4 payload
_INSERT = """
    insert into topic_entry (id, topic_id, published_ns, headers, payload)
    select max(coalesce((select max(id) from topic_entry), 0), (select entry_id from topic_entry_floor)) + {number},
           id, ?2, ?3, {payload}
      from {source}topic
     where name = ?1"""
INSERT = _INSERT.format(number="1", payload="?4", source="")
INSERT_MANY = _INSERT.format(
    number="payloads.rowid", payload="payloads.value", source="carray(?4) as payloads cross join "
)

TRIM_EVERY = 256  # entries of a handle in a topic


class Publishing(Trimming):
    """Entries put at the end of the log."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._ids = NotedIds(session, "topic_entry")

    def publish(self, topic: str, payload: Any, *, headers: Mapping[str, Any] | None = None) -> int:
        """Put an entry at the end of the log, under a topic that is created where it is new; return its sequence.

        Parameters
        ----------
        topic
            The topic's name.
        payload
            A JSON value, or bytes.
        headers
            What to say about it: a JSON object.

        Returns
        -------
        int
            The entry's id: above those of all entries published before, over all topics.

        Raises
        ------
        InvalidValue
            `topic` is no name, or another argument no JSON.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.topics.publish("tokens.created", {"id": 1}), db.topics.publish("tokens.deleted", {"id": 1})
        (1, 2)

        Notes
        -----
        One statement: the time is that of a commit, which `transaction` and `publish_many` share. Publishers never
        wait for subscribers.
        """
        about = None if headers is None else json_text(headers, "headers")
        row = (topic_name(topic), clock.now_ns(), about, stored(payload))
        session = self._session
        number = session.insert_or_none(INSERT, row)
        if number is None:
            with session.transaction():
                session.change(NEW_TOPIC, (topic,))
                number = session.insert(INSERT, row)
        self._published(topic, number, 1)
        return number

    def publish_many(self, topic: str, payloads: Sequence[Any], *, headers: Mapping[str, Any] | None = None) -> range:
        """Put many entries at the end of the log, all or none, and return their sequences.

        Parameters
        ----------
        topic
            The topic's name.
        payloads
            JSON values or bytes.
        headers
            Of all of them.

        Returns
        -------
        range
            Their ids, in the given order, without gaps.

        Raises
        ------
        InvalidValue
            An argument breaks its rule; nothing is published.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.topics.publish_many("jobs", [{"n": n} for n in range(3)])
        range(1, 4)

        Notes
        -----
        One transaction: beside its commit it takes 3.4 µs an entry, a third of which makes the JSON.
        """
        name, now = topic_name(topic), clock.now_ns()
        about = None if headers is None else json_text(headers, "headers")
        if isinstance(payloads, str | bytes | bytearray | Mapping) or not hasattr(payloads, "__iter__"):
            raise InvalidValue(f"payloads must be a sequence of payloads, got {payloads!r}")
        contents = tuple([stored(payload) for payload in payloads])
        if not contents:
            return range(0)
        session = self._session
        alike = len({type(content) for content in contents}) == 1
        with session.transaction():
            if alike:
                row = (name, now, about, carray(contents))
                last = session.insert_or_none(INSERT_MANY, row)
                if last is None:
                    session.change(NEW_TOPIC, (name,))
                    last = session.insert(INSERT_MANY, row)
            else:
                session.change(NEW_TOPIC, (name,))
                connection = session.writer.connection
                connection.executemany(INSERT, [(name, now, about, content) for content in contents])
                last = connection.last_insert_rowid()
        self._published(name, last, len(contents))
        return range(last - len(contents) + 1, last + 1)

    def _published(self, topic: str, number: int, count: int) -> None:
        """Tell who waits; note ids ahead and trim, now and then."""
        self._session.announce(announced(topic))
        self._session.announce(announced("*"))
        self._ids.given(number)
        due = self._untrimmed.get(topic, TRIM_EVERY) + count  # the first publish looks, too
        if due > TRIM_EVERY:
            due = 0
            afterwards(self._session, lambda: self._trim_slice(topic, max(SLICE, 2 * count)))
        self._untrimmed[topic] = due
