"""What the parts of topics share: the session, a topic and a subscription by name, what an argument means."""

from __future__ import annotations

from ...connection.session import Session
from ...errors import InvalidValue, LeaseLost, SubscriptionNotFound, TopicNotFound
from ...model.topic import DELIVERY_COLUMNS, DELIVERY_STATES, ENTRY_COLUMNS, Entry
from ..arguments import whole
from ..attempts import name_of
from ..named import closest_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NEW_TOPIC = "insert into topic (name) select ?1 where not exists (select 1 from topic where name = ?1)"
ENTRY = ", ".join({"topic": "t.name"}.get(column, f"e.{column}") for column in ENTRY_COLUMNS)
DELIVERY = ", ".join({"claim": "null"}.get(column, f"d.{column}") for column in DELIVERY_COLUMNS)
CLAIM = len(ENTRY_COLUMNS) + DELIVERY_COLUMNS.index("claim")
NEWEST = "select max(entry_id, coalesce((select max(id) from topic_entry), 0)) from topic_entry_floor"


class TopicsPart:
    """One part of `db.topics`; the parts share one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def _topic(self, columns: str, name: str) -> tuple[Any, ...]:
        """Return columns of a topic that exists."""
        rows = self._session.rows(f"select {columns} from topic where name = ?", (topic_name(name),))
        if not rows:
            raise self._no_topic(name)
        return rows[0]

    def _no_topic(self, name: str) -> TopicNotFound:
        hint = closest_in(self._session, "topic", name)
        return TopicNotFound(f"no topic has the name {name!r}{hint}; db.topics.create(…) or publish makes it")

    def _no_subscription(self, name: str) -> SubscriptionNotFound:
        hint = closest_in(self._session, "subscription", name)
        return SubscriptionNotFound(f"no subscription has the name {name!r}{hint}; db.topics.subscribe(…) makes it")


def topic_name(name: object) -> str:
    """Return the name of a topic, if it can be one."""
    if "*" in name_of(name, "topic"):
        raise InvalidValue(f"topic must have a name without *, which stands in patterns, got {name!r}")
    return name  # type: ignore[return-value]


def pattern_of(pattern: object) -> str:
    """Return a pattern, if it is one: a name, or the beginning of names and ``*``."""
    if "*" in name_of(pattern, "pattern")[:-1]:
        raise InvalidValue(f"pattern must be the name of a topic, or have its only * at the end, got {pattern!r}")
    return pattern  # type: ignore[return-value]


def announced(pattern: str) -> tuple[str, ...]:
    """Return what a publish under a topic, or under any that a pattern names, is announced as in this process."""
    return ("topic",) if pattern.endswith("*") else ("topic", pattern)


def entry_id(entry: Entry | int, name: str = "entry") -> int:
    """Return the id of an entry given as record or id, by an argument of that name."""
    return entry.id if isinstance(entry, Entry) else whole(entry, name, 1)


def delivery_state(state: str | None) -> str | None:
    """Return a state that a delivery can have, or None."""
    if state is not None and state not in DELIVERY_STATES:
        raise InvalidValue(f"state must be None or one of {', '.join(map(repr, DELIVERY_STATES))}, got {state!r}")
    return state


def held(entry: Entry) -> tuple[int, int]:
    """Return id and claim of an entry that was claimed."""
    row = entry._row if isinstance(entry, Entry) else ()
    if len(row) <= CLAIM or row[CLAIM] is None:
        raise InvalidValue(f"entry must be one that claim or extend returned, got {entry!r}")
    return row[0], row[CLAIM]


def lost(entry: Entry) -> LeaseLost:
    """Return the error for an entry that is not its claimer's any more."""
    return LeaseLost(
        f"entry {entry.id} must still be yours, but its lease ran out and others took it, it was settled or trimmed "
        "before, or the subscription was set back; claim with more lease_s, or extend it in time"
    )
