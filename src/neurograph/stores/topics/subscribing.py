"""Subscriptions made, found, listed, ended."""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping

from ...errors import Conflict, InvalidValue
from ...model.topic import Entry
from ..attempts import name_of
from ..named import named_rows
from ..settings import checked
from .base import NEWEST, TopicsPart, pattern_of
from .changing import SETTINGS, cursor_before
from .condition import condition_text
from .subscription import Subscription

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Subscribing(TopicsPart):
    """Subscriptions by their names."""

    def subscribe(
        self,
        name: str,
        pattern: str = "*",
        *,
        where: Mapping[str, Any] | None = None,
        start: str | Entry | int | None = None,
        at_ns: int | None = None,
        **settings: Any,
    ) -> Subscription:
        """Return the subscription of that name, made where it is new: it gets each entry that it asks for.

        Each subscription gets all of them, and its consumers share what it gets.

        Parameters
        ----------
        name
            Its name, by which any process finds it again.
        pattern
            The name of a topic, which need not exist yet; with ``*`` at its end, all topics that begin so.
        where
            A condition on the payload in JSON, or None: names (joined by dots; a number counts in a list) and what must
            stand there, a value or ``{"$gt": 0.5}`` with ``$eq``, ``$ne``, ``$gt``, ``$gte``, ``$lt``, ``$lte``. All
            must hold; ``$and`` and ``$or`` take lists of conditions, ``$not`` and ``$headers`` one. What is not there
            equals None, and nothing else; bytes have no names in them.
        start
            Where a new one starts: ``"new"`` (the default), after all that is there; ``"first"``; or an entry or its
            id, which is the first it gets.
        at_ns
            Or at what was published then, in nanoseconds since 1970 UTC.
        settings
            Any of: ``lease_ms`` (30 s); ``attempts`` (5), then an entry is dead; ``backoff`` (``"exponential"`` or
            ``"fixed"``), ``backoff_ms`` (1 s), ``backoff_most_ms`` (5 min) and ``jitter`` (0.1, the share that is
            random); ``paused`` (False).

        Returns
        -------
        Subscription
            The same, whoever asks for it, where it exists; `start` and `at_ns` then mean nothing.

        Raises
        ------
        Conflict
            There is one of that name with another pattern, condition or setting than given here.
        InvalidValue
            No such setting, a value it can't have, or no such condition.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.topics.publish("tokens.created", {"id": 1, "weight": 0.9})
        ...     heavy = db.topics.subscribe("heavy", "tokens.*", where={"weight": {"$gt": 0.5}}, start="first")
        ...     for entry in heavy.claim(16):
        ...         print(entry.topic, entry.payload["id"])
        ...         heavy.ack(entry)
        tokens.created 1
        """
        name_of(name, "subscription")
        pattern_of(pattern)
        condition = condition_text(where)
        values = checked(settings, SETTINGS, f"subscription {name!r}")
        session = self._session
        found = self._find(name)
        if found is None:
            with session.transaction():
                found = self._find(name)
                if found is None:
                    row = {"name": name, "pattern": pattern, "condition": condition, **values}
                    row["cursor"] = self._start(start, at_ns)
                    names, marks = ", ".join(row), ", ".join("?" * len(row))
                    number = session.insert(f"insert into subscription ({names}) values ({marks})", (*row.values(),))
                    return Subscription(session, number, name)
        self._require_same(found, name, pattern, condition, values)
        return found

    def subscription(self, name: str, /) -> Subscription:
        """Return a subscription that exists.

        Parameters
        ----------
        name
            Its name.

        Raises
        ------
        SubscriptionNotFound
            There is none; the message names the closest.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.topics.subscribe("mails", "news")
        ...     db.topics.subscription("mails")
        <Subscription 'mails' of 'news'>
        """
        found = self._find(name_of(name, "subscription"))
        if found is None:
            raise self._no_subscription(name)
        return found

    def subscriptions(self) -> builtins.list[Subscription]:
        """Return all subscriptions, in the order they were made.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.topics.subscribe("mails", "news"), db.topics.subscribe("all")
        ...     db.topics.subscriptions()
        [<Subscription 'mails' of 'news'>, <Subscription 'all' of '*'>]
        """
        rows = named_rows(self._session, "subscription", ("name",), "select id, name from subscription order by id")
        return [Subscription(self._session, *row) for row in rows]

    def unsubscribe(self, name: str, /) -> None:
        """End a subscription: what it had settled, and what it had not, is forgotten.

        Parameters
        ----------
        name
            Its name.

        Raises
        ------
        SubscriptionNotFound
            There is none of that name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.topics.subscribe("mails", "news")
        ...     db.topics.unsubscribe("mails")
        ...     db.topics.subscriptions()
        []
        """
        if not self._session.change(
            "delete from subscription where name = ? returning id", (name_of(name, "subscription"),)
        ):
            raise self._no_subscription(name)

    def _find(self, name: str) -> Subscription | None:
        rows = self._session.rows("select id, name from subscription where name = ?", (name,))
        return Subscription(self._session, *rows[0]) if rows else None

    def _require_same(
        self, found: Subscription, name: str, pattern: str, condition: str | None, values: dict[str, Any]
    ) -> None:
        there = found.settings
        where = None if condition is None else json.loads(condition)
        for setting, value in {"pattern": pattern, "where": where, **values}.items():
            if not _alike(getattr(there, setting), value):
                raise Conflict(
                    f"subscription {name!r} must be asked for as it is, with {setting} {getattr(there, setting)!r}, "
                    f"got {value!r}; change it with db.topics.subscription({name!r}).update"
                )

    def _start(self, start: Any, at_ns: int | None) -> int:
        """Return the cursor of a new subscription."""
        if start is not None and at_ns is not None:
            raise InvalidValue(f"only one of start and at_ns must be given, got {start!r} and {at_ns!r}")
        if at_ns is not None or isinstance(start, Entry | int):
            return cursor_before(self._session, "start", start, at_ns)
        if start in {None, "new"}:
            return self._session.rows(NEWEST)[0][0]  # type: ignore[no-any-return]
        if start == "first":
            return 0
        raise InvalidValue(f'start must be "new", "first", or an entry or its id, got {start!r}')


def _alike(one: Any, other: Any) -> bool:
    """Tell whether two settings are the same; in a condition true is not 1, as Python would have it."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
