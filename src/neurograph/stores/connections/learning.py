"""How connections learn and fade: activation, confidence, decay; each form for one connection and for many.

1. A call changes every connection it names, or none.
2. A connection named twice learns twice, in the order given.
3. Decay takes each hour once: what a hypothesis has lost depends on the time since it last changed, not on how often
   `decay` was called.
4. A connection is not marked as reinforced and as decaying at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, overload

import apsw

from ...errors import ImmutableConnection, InvalidValue
from ...model.vocabulary import CONNECTION_FLAGS
from ..arguments import MAX_ID, whole
from .base import ConnectionLike, ConnectionPart, connection_ids, moment

if TYPE_CHECKING:
    import numpy as np

    from .base import Ids

HOUR_NS = 3_600 * 1_000_000_000
STEP = 1 / 255
"""What one activation adds to the rigidity: a step of the original system's byte."""
INACTIVE_BELOW = 25 / 255
"""A hypothesis whose confidence decays below this is active no more."""
_ACTIVE, _MODIFIED, _REINFORCED, _DECAYING = (
    CONNECTION_FLAGS[name] for name in ("active", "modified", "reinforced", "decaying")
)

# Rigidity stops at the limit in force; one that an older constitution left beyond it stays where it is.
_ACTIVATE = f"""
    update connection
       set activation_count = min(activation_count, {MAX_ID} - :n) + :n,
           last_activation_ns = :now_ns,
           flags = case mutability
             when 1 then (flags | {_ACTIVE | _REINFORCED}) & ~{_DECAYING}
             else flags | {_ACTIVE}
           end,
           rigidity = case mutability
             when 1 then max(rigidity, min(rigidity + :n * {STEP!r}, (
               select case when validation then max_rigidity else 1.0 end from cdna_current)))
             else rigidity
           end
     where id in (select value from carray(:ids))
    returning id, activation_count"""

_LEARN = f"""
    update connection
       set confidence = case :success
             when 1 then min(1.0, confidence + learning_rate)
             else max(0.0, confidence - learning_rate / 2)
           end,
           evidence_count = min(evidence_count, {MAX_ID} - :success) + :success,
           flags = flags | {_MODIFIED},
           modified_ns = max(modified_ns + 1, :now_ns)
     where id in (select value from carray(:ids)) and mutability <> 0
    returning id, confidence"""

# `hours`: those that ended since the last change, the one that ends just now not among them (invariant 3).
_DECAY = f"""
    update connection
       set confidence = confidence * pow(1 - decay_rate, (:now_ns - modified_ns - 1) / {HOUR_NS}),
           flags = (flags & ~{_REINFORCED} | {_DECAYING}) & case
             when confidence * pow(1 - decay_rate, (:now_ns - modified_ns - 1) / {HOUR_NS}) < {INACTIVE_BELOW!r}
             then ~{_ACTIVE}
             else -1
           end,
           modified_ns = modified_ns + (:now_ns - modified_ns - 1) / {HOUR_NS} * {HOUR_NS}
     where mutability = 2 and modified_ns < :now_ns - {HOUR_NS}"""


class LearningConnections(ConnectionPart):
    """How connections learn and fade."""

    @overload
    def activate(self, connections: ConnectionLike, n: int = 1, *, now_ns: int | None = None) -> int: ...
    @overload
    def activate(
        self, connections: Iterable[ConnectionLike] | np.ndarray, n: int = 1, *, now_ns: int | None = None
    ) -> np.ndarray: ...
    def activate(
        self,
        connections: ConnectionLike | Iterable[ConnectionLike] | np.ndarray,
        n: int = 1,
        *,
        now_ns: int | None = None,
    ) -> int | np.ndarray:
        """Note that connections were used, and return how often each has been.

        Each becomes active; a learnable one also is reinforced: 1/255 is added to its rigidity, up to the
        constitution's `max_rigidity`.

        Parameters
        ----------
        connections
            A `Connection` or an id, or a sequence or array of them.
        n
            How often, 1 to 2**32.
        now_ns
            The time to record, in nanoseconds since 1970 UTC; None is now.

        Returns
        -------
        int or numpy.ndarray
            The activation counts: one number for one connection, else (n,) int64 in the order given.

        Raises
        ------
        ConnectionNotFound
            One of them does not exist; none was activated.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     fears = db.connections.create(cat, dog, type="fears")
        ...     db.connections.activate(fears), db.connections.activate([fears, fears]).tolist()
        (1, [2, 3])

        Notes
        -----
        One statement, 2 µs a connection. It does not move `modified_ns`.
        """
        ids, single = connection_ids(connections)
        bindings = {"n": whole(n, "n", 1, 1 << 32), "now_ns": moment(now_ns)}
        counts = self._change_each(_ACTIVATE, ids, [(places, bindings) for places in _rounds(ids)])
        return counts[0] if single else _array(counts, "int64")

    @overload
    def update_confidence(self, connections: ConnectionLike, success: bool, *, now_ns: int | None = None) -> float: ...
    @overload
    def update_confidence(
        self, connections: Iterable[ConnectionLike] | np.ndarray, success: Any, *, now_ns: int | None = None
    ) -> np.ndarray: ...
    def update_confidence(
        self,
        connections: ConnectionLike | Iterable[ConnectionLike] | np.ndarray,
        success: Any,
        *,
        now_ns: int | None = None,
    ) -> float | np.ndarray:
        """Let evidence for or against connections change their confidence, and return it.

        A confirmation adds the learning rate, up to 1, and counts as a piece of evidence; a refutation takes half the
        learning rate, down to 0. Decay starts anew.

        Parameters
        ----------
        connections
            A `Connection` or an id, or a sequence or array of them.
        success
            True for evidence that confirms, False for evidence that refutes; or n of them.
        now_ns
            The time to record, in nanoseconds since 1970 UTC; None is now.

        Returns
        -------
        float or numpy.ndarray
            The new confidence: one number for one connection, else (n,) float64 in the order given.

        Raises
        ------
        ConnectionNotFound
            One of them does not exist; none was changed.
        ImmutableConnection
            One of them is immutable; none was changed.
        InvalidValue
            `success` is no truth value, or there are not n of them.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     fears = db.connections.create(cat, dog, type="fears")
        ...     db.connections.update_confidence(fears, True)
        ...     db.connections.update_confidence([fears, fears], [True, False])
        0.625
        array([0.75  , 0.6875])

        Notes
        -----
        One statement for what confirms and one for what refutes, 2 µs a connection.
        """
        ids, single = connection_ids(connections)
        truths = _truths(success, len(ids), single)
        now = moment(now_ns)
        batches = [
            ([place for place in places if truths[place] is truth], {"success": int(truth), "now_ns": now})
            for places in _rounds(ids)
            for truth in (True, False)
        ]
        confidences = self._change_each(_LEARN, ids, batches)
        return confidences[0] if single else _array(confidences, "float64")

    def decay(
        self,
        connections: ConnectionLike | Iterable[ConnectionLike] | np.ndarray | None = None,
        *,
        now_ns: int | None = None,
    ) -> int:
        """Let hypotheses lose confidence for the hours that passed since they last changed.

        For each hour a hypothesis loses the share `decay_rate` of its confidence; below 25/255 it is active no more.
        Calling it twice takes nothing twice, calling it seldom takes nothing less. What is no hypothesis never decays.

        Parameters
        ----------
        connections
            A `Connection` or an id, or a sequence or array of them; None for all.
        now_ns
            The time it is, in nanoseconds since 1970 UTC; None is now.

        Returns
        -------
        int
            How many hypotheses lost confidence.

        Raises
        ------
        ConnectionNotFound
            One of those named does not exist; none has decayed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     guess = db.connections.create(cat, dog, mutability="hypothesis", decay_rate=0.5, now_ns=0)
        ...     later = 2 * 3600 * 10**9 + 1
        ...     db.connections.decay(now_ns=later), db.connections.decay(now_ns=later)
        ...     db.connections.get(guess).confidence
        (1, 0)
        0.125

        Notes
        -----
        One statement. For all of them it reads every row: 45 ms for a million connections, and 1.2 µs for each
        hypothesis that decays. Why each hour counts once: decision 0006.
        """
        now = {"now_ns": moment(now_ns)}
        if connections is None:
            return len(self._session.change(f"{_DECAY} returning 1", now))
        ids, _ = connection_ids(connections)
        if not ids:
            return 0
        with self._session.transaction():
            present = self._session.rows(
                "select count(*) from carray(?) where value in (select id from connection)", (apsw.carray(ids),)
            )
            if present[0][0] < len(ids):
                raise self._missing(ids)
            sql = f"{_DECAY} and id in (select value from carray(:ids)) returning 1"
            return len(self._session.change(sql, {**now, "ids": apsw.carray(ids)}))

    def _change_each(self, sql: str, ids: Ids, batches: Iterable[tuple[list[int], dict[str, Any]]]) -> list[Any]:
        """Run `sql` for each batch of places in `ids`, and return what it returns, in the order of `ids`."""
        found: list[Any] = [None] * len(ids)
        with self._session.transaction():
            for places, bindings in batches:
                if not places:
                    continue
                asked = array("q", [ids[place] for place in places])
                known: dict[int, Any] = dict(self._session.change(sql, {**bindings, "ids": apsw.carray(asked)}))
                if len(known) < len(asked):
                    raise self._refused(asked)
                for place in places:
                    found[place] = known[ids[place]]
        return found

    def _refused(self, ids: Ids) -> Exception:
        """Return the error for the first of `ids` that does not exist or can't learn."""
        rows = self._session.rows(
            """select value, id
                 from carray(?)
                 left join connection on id = value
                where id is null or mutability = 0
                limit 1""",
            (apsw.carray(ids),),
        )
        if rows[0][1] is None:
            return self._missing(ids)
        return ImmutableConnection(
            f"connection {rows[0][0]} is immutable, so no evidence changes its confidence; "
            "leave it out, or update its mutability first"
        )


def _rounds(ids: Ids) -> list[list[int]]:
    """Return the places of `ids` in rounds: the first time each id stands there, the second time, and so on."""
    if len(set(ids)) == len(ids):
        return [list(range(len(ids)))]
    rounds: list[list[int]] = []
    seen: dict[int, int] = {}
    for place, id in enumerate(ids):
        turn = seen.get(id, 0)
        seen[id] = turn + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(place)
    return rounds


def _truths(success: Any, n: int, single: bool) -> list[bool]:
    """Return a bool for each of n connections."""
    values = success.tolist() if hasattr(success, "tolist") else success
    if isinstance(values, bool):
        return [values] * n
    if single or isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidValue(f"success must be True or False, got {success!r}")
    truths = list(values)
    if len(truths) != n:
        raise InvalidValue(f"success must be one truth value or {n}, got {len(truths)}")
    wrong = [truth for truth in truths if not isinstance(truth, bool)]
    if wrong:
        raise InvalidValue(f"success must be True or False, got {wrong[0]!r}")
    return truths


def _array(values: list[Any], dtype: str) -> np.ndarray:
    import numpy as np

    return np.array(values, dtype)
