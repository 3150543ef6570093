"""Many connections in one call, from arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import apsw

from ...errors import InvalidValue
from ...model.vocabulary import IMMUTABLE
from ..edge_place import TypeLike
from ..event_triggers import one_event
from . import columns, many_bulk
from .base import moment, type_mutability
from .columns import Column
from .single import EDGE, SingleConnections
from .values import BIDIRECTIONAL, Aim, Flags, Levels

if TYPE_CHECKING:
    import numpy as np

INF = float("inf")


class ManyConnections(SingleConnections):
    """Connections in bulk."""

    def create_many(
        self,
        source: Any,
        target: Any,
        *,
        type: TypeLike | Sequence[TypeLike] | np.ndarray = "associated_with",
        key: str | Sequence[str] = "",
        weight: Any = None,
        bidirectional: Any = None,
        rigidity: Any = 0.5,
        pull: Any = None,
        preferred_distance: Any = 1.0,
        active_levels: Levels | np.ndarray = (),
        flags: Flags | np.ndarray = (),
        mutability: str | int | Sequence[str | int] | np.ndarray | None = None,
        confidence: Any = 0.5,
        learning_rate: Any = 0.125,
        decay_rate: Any = 0.0625,
        origin: Any = 0,
        aim: Aim | np.ndarray | None = None,
        properties: Mapping[str, Any] | Sequence[Mapping[str, Any] | None] | None = None,
        now_ns: int | None = None,
    ) -> np.ndarray:
        """Create many connections, with the edges that are not there yet: all of them or none.

        Parameters
        ----------
        source, target
            (n,) int64: ids of tokens; or sequences of n labels.
        type, key, weight, bidirectional, rigidity, pull, preferred_distance, mutability, confidence, learning_rate, \
decay_rate, origin
            As for `create`: one value for all, or n of them.
        active_levels, flags
            Names for all, or one mask, or n masks.
        aim
            A mapping or eight numbers for all, or (n, 8) numbers.
        properties
            A mapping for all edges, or n mappings or None.
        now_ns
            The time to record; None is now.

        Returns
        -------
        numpy.ndarray
            The ids, (n,) int64, in the order given.

        Raises
        ------
        TokenNotFound
            An end does not exist; the message names the first.
        Conflict
            An edge has a connection already, or is given twice.
        RuleViolated
            The constitution refuses a weight, a type, a degree, a pull or a rigidity.
        InvalidValue, UnknownName
            Arrays of different lengths, values that are never legal, names that don't exist.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     ids = db.tokens.create_many(["cat", "dog", "bone"])
        ...     db.connections.create_many(ids[:-1], ids[1:], type=["fears", "likes"], weight=[0.5, 1.0])
        array([1, 2])

        Notes
        -----
        One transaction, or a savepoint inside the caller's. Without row triggers where all triggers of the tables are
        ours and no edge that exists would change: 8 µs a connection with its edge, else 25.
        """
        with self._session.transaction():
            connection = self._session.writer.connection
            sources, targets = columns.ends(connection, source, target)
            n = len(sources)
            kinds = columns.codes(connection, type, n)
            values = columns.dynamics(
                {
                    "rigidity": rigidity,
                    "pull": pull,
                    "preferred_distance": preferred_distance,
                    "active_levels": active_levels,
                    "flags": flags,
                    "mutability": mutability,
                    "confidence": confidence,
                    "learning_rate": learning_rate,
                    "decay_rate": decay_rate,
                    "origin": origin,
                    "aim": aim,
                },
                n,
            )
            values["created_ns"] = values["modified_ns"] = [moment(now_ns)] * n
            edges = (
                columns.reals("weight", weight, n, -INF, INF),
                columns.truths("bidirectional", bidirectional, n),
                columns.texts(properties, n),
            )
            places = (sources.tolist(), kinds, targets.tolist(), columns.keys(key, n))
            return self._insert_many(places, edges, values)

    def _insert_many(
        self,
        places: tuple[Column, Column, Column, Column],
        edges: tuple[Column | None, Column | None, Column | None],
        values: dict[str, Column],
    ) -> np.ndarray:
        """Insert checked columns, inside a transaction, and return the ids."""
        with one_event(self._session.writer.connection, "connection.created") as created:
            ids = self._insert_rows(places, edges, values)
            created.add(ids)
        return ids

    def _insert_rows(
        self,
        places: tuple[Column, Column, Column, Column],
        edges: tuple[Column | None, Column | None, Column | None],
        values: dict[str, Column],
    ) -> np.ndarray:
        import numpy as np

        n = len(places[0])
        connection = self._session.writer.connection
        _settle(connection, places[1], edges[1], values)
        found = many_bulk.insert(self._session, places, edges, values)
        if found is not None:
            return found
        given: list[Column] = [[None] * n if column is None else column for column in edges]
        names, holes = ["source", "type", "target", "key", *values], "?, " * (3 + len(values)) + "?"
        if "pull" not in values:
            names, holes = [*names, "pull"], holes + ", (select default_pull from cdna_current)"
        sql = f"insert into connection ({', '.join(names)}) values ({holes}) returning id"
        ids: list[int] = []
        at = Counted()
        try:
            if any(column is not None for column in edges):
                connection.executemany(EDGE, at.rows(*places, *given))
            at.index = -1
            # A list: the traceback of Ctrl-C would keep the cursor of a comprehension, and with it the statement, open.
            ids = [id for (id,) in list(connection.executemany(sql, at.rows(*places, *values.values())))]
        except apsw.Error as error:
            place = tuple(column[at.index] for column in places)
            row = {name: column[at.index] for name, column in values.items()}
            weight = None if edges[0] is None else edges[0][at.index]
            better = self._said_better(self._session.writer.failed(error), place, weight, row)
            better.args = (f"{better} at index {at.index}",)
            raise better from error
        return np.array(ids, np.int64)


class Counted:
    """Rows of columns, and the index of the row that was handed out last."""

    def __init__(self) -> None:
        self.index = -1

    def rows(self, *columns: Column) -> Iterator[tuple[Any, ...]]:
        """Yield the rows."""
        for self.index, row in enumerate(zip(*columns, strict=True)):
            yield row


def _settle(connection: apsw.Connection, kinds: Column, both: Column | None, values: dict[str, Column]) -> None:
    """Fill in the mutability of each type and the confidence of what is immutable; make flags and direction agree."""
    if "mutability" not in values:
        known = {code: type_mutability(connection, code) for code in set(kinds)}
        values["mutability"] = [known[code] for code in kinds]
    if IMMUTABLE in values["mutability"]:
        pairs = zip(values["confidence"], values["mutability"], strict=True)
        values["confidence"] = [1.0 if code == IMMUTABLE else confidence for confidence, code in pairs]
    if both is None:
        return
    for at, (bits, direction) in enumerate(zip(values["flags"], both, strict=True)):
        if bits & BIDIRECTIONAL and not direction:
            raise InvalidValue(f"bidirectional must not be False where the flags have its bit set, at index {at}")
    values["flags"] = [bits | BIDIRECTIONAL * direction for bits, direction in zip(values["flags"], both, strict=True)]
