"""What edges cost: by weight, by hops, or as the caller says; for rows and for arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import apsw

from ...connection.line import Line
from ...errors import InvalidValue
from .arrays import GraphArrays
from .plain import Entry

COSTS = ("inverse_weight", "weight", "hops")
Cost = str | Sequence[float] | Any
CostOf = Callable[[Entry], float | None]


class Search(NamedTuple):
    """What a search is asked, checked."""

    line: Line
    direction: Any  # 'out', 'in' or 'both', as the kernels' type says
    codes: tuple[int, ...] | None
    cost: Any
    cost_of: CostOf
    cutoff: float


def _inverse(entry: Entry) -> float | None:
    return 1.0 / entry.weight if entry.weight else None


COST_OF: dict[str, CostOf] = {
    "inverse_weight": _inverse,
    "weight": lambda entry: entry.weight or None,
    "hops": lambda entry: 1.0,
}


def refuse_negative(connection: apsw.Connection, codes: tuple[int, ...] | None, purpose: str) -> None:
    """Refuse the graph if an edge of a type that is followed has a negative weight; one lookup in a partial index."""
    types = "" if codes is None else f"and type in ({', '.join(map(str, codes))})"
    row: Any = connection.execute(f"select min(weight) from edge where weight < 0 {types}").fetchone()
    if row[0] is not None:
        raise InvalidValue(
            f"weights of edges must be at least 0 for {purpose}, got {row[0]!r}; leave out the types that hold it"
        )


def given_costs(connection: apsw.Connection, cost: Any) -> Any:
    """Return the caller's costs as an array, one for each edge."""
    import numpy as np

    try:
        array = np.ascontiguousarray(cost, np.float64)
    except (TypeError, ValueError):
        raise InvalidValue(f"cost must be one of {', '.join(COSTS)} or an array, got {cost!r}") from None
    row: Any = connection.execute("select count(*) from edge").fetchone()
    if array.shape != (row[0],):
        raise InvalidValue(f"cost must have one value for each of {row[0]} edges, got shape {array.shape}")
    if not (array >= 0).all():
        raise InvalidValue(f"costs must be at least 0, got {float(array[~(array >= 0)][0])!r}")
    return array


def by_place(connection: apsw.Connection, costs: Any, direction: str) -> CostOf:
    """Return the cost of an entry by the caller's array, read only when plain SQL answers."""
    table: dict[tuple[Any, ...], float] = {}

    def cost_of(entry: Entry) -> float | None:
        if not table:
            keys: Any = connection.execute(
                "select source, type, target, key from edge order by source, type, target, key"
            ).fetchall()
            table.update(zip(keys, costs.tolist(), strict=True))
        turned = (direction == "in") != bool(entry.back)
        source, target = (entry.far, entry.near) if turned else (entry.near, entry.far)
        found = table[source, entry.type, target, entry.key]
        return None if math.isinf(found) else found

    return cost_of


def priced(search: Search, arrays: GraphArrays) -> tuple[Any, Any]:
    """Return the graph to walk and the cost of its entries."""
    if isinstance(search.cost, str):
        return arrays.adjacency, search.cost
    import numpy as np

    from ...kernels.graph_build import run_build

    # The caller's costs are in the order of the edges: weights that are the edges' places tell which is whose.
    source, target, kind, _, both = arrays.columns()
    slots = arrays.index.slots
    places = np.arange(len(source), dtype=np.float64)
    graph = run_build(arrays.adjacency.ids, slots(source), slots(target), places, kind, both)
    return graph, search.cost[graph.entries.weight.astype(np.int64)]


def price_of(cost: Any, place: int, weight: Any) -> float:
    """Return what an entry costs; infinity where it can't be walked."""
    if not isinstance(cost, str):
        return float(cost[place])
    if cost == "hops":
        return 1.0
    value = float(weight[place])
    if value == 0.0:
        return math.inf
    return 1.0 / value if cost == "inverse_weight" else value
