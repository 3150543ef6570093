"""Each leg's ranking of candidates, on one line, inside one state.

1. A ranking holds each entity once, at the place of the best of its items.
2. `where` applies before the ranking is cut: it has as many candidates as the question asks for whenever they exist.
3. The graph starts from the tokens that the other legs rank best together. The first is given the energy 1, the second
   1/2, the third 1/3; a token's energy is its own and all that arrives. For PageRank these are where jumps go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ...connection.line import Line
from ...errors import NotHere
from ...stores.arguments import bound_ids
from ...stores.library import Library
from .filters import passing
from .fusion import Candidate, Entity, Ranking, fused, parts
from .plan import Plan, Searched
from .question import Question

if TYPE_CHECKING:
    from ...database import Database

TOUCHED = 10_000
"""Tokens that activation from one hit may touch: a hub with a million edges must not hold up a query."""
NO_TOKENS = "no hit belongs to a token; give items theirs with library.update(item, token=…)"


class Arrival(NamedTuple):
    """What reached a token over links."""

    energy: float
    path: tuple[int, ...]


def rankings(db: Database, line: Line, asked: Question, plan: Plan) -> list[Ranking]:
    """Return every leg's ranking, in the order of the legs and the libraries."""
    found = [_by_vector(line, asked, one) for one in plan.vectors]
    found += [_by_text(line, asked, library) for library in plan.texts]
    if asked.near is not None and asked.wants("space"):
        found.append(_in_space(db, line, asked, plan))
    if asked.wants("graph"):
        graph = _by_graph(db, line, asked, plan, found)
        if graph is not None:
            at = len(plan.vectors) + len(plan.texts)
            found.insert(at, graph)
    return found


def _by_vector(line: Line, asked: Question, one: Searched) -> Ranking:
    if one.made_by is not None:
        one.library._require_made_by(line.connection, one.made_by)
    hits = one.library.search(one.vector, asked.candidates, where=asked.where)
    found = [(id, distance, -distance) for id, _, distance in hits]
    return Ranking("vector", one.library.name, asked.weights["vector"], _of_items(line, found))


def _by_text(line: Line, asked: Question, library: Library) -> Ranking:
    assert asked.text is not None
    hits = library.match(asked.text, asked.candidates, where=asked.where, syntax="words")
    found = [(id, score, score) for id, _, score in hits]
    return Ranking("text", library.name, asked.weights["text"], _of_items(line, found))


def _of_items(line: Line, found: Sequence[tuple[int, float, float]]) -> list[Candidate]:
    """Return items as what they stand for, each once, with all of its items."""
    ids = [id for id, _, _ in found]
    rows: Any = line.connection.execute(
        "select id, token_id from item where id in (select value from carray(?)) and token_id is not null",
        (bound_ids(ids),),
    ).fetchall()
    token_of: dict[int, int] = dict(rows)
    best: dict[Entity, Candidate] = {}
    for id, value, good in found:
        entity = ("token", token_of[id]) if id in token_of else ("item", id)
        known = best.get(entity)
        best[entity] = (
            Candidate(entity, value, good, (id,)) if known is None else known._replace(items=(*known.items, id))
        )
    return list(best.values())


def _in_space(db: Database, line: Line, asked: Question, plan: Plan) -> Ranking:
    near = asked.near
    assert near is not None
    if isinstance(near.place, tuple):
        level = near.level

        def search(k: int) -> Any:
            return db.grid.nearest(near.place, k, level=level)
    else:

        def search(k: int) -> Any:
            return db.grid.neighbors(near.place, k, level=near.level)

    found = _enough(search, asked.candidates, lambda ids: passing(line.connection, ids, asked.where, plan.libraries))
    nearest = [Candidate(("token", id), distance, -distance) for id, distance in found]
    return Ranking("space", None, asked.weights["space"], nearest)


def _enough(search: Callable[[int], Any], k: int, allowed: Callable[[list[int]], set[int]]) -> list[tuple[int, float]]:
    """Return the k nearest that are allowed: search for more until there are k, or no more."""
    asked_for = k
    while True:
        hits = [(id, distance) for id, distance in search(asked_for)]
        kept = allowed([id for id, _ in hits])
        found = [hit for hit in hits if hit[0] in kept]
        if len(found) >= k or len(hits) < asked_for:
            return found[:k]
        asked_for *= 4


def _by_graph(db: Database, line: Line, asked: Question, plan: Plan, others: Sequence[Ranking]) -> Ranking | None:
    """Return what the best hits lead to; None, with the reason in the plan, where none of them is a token."""
    order = [entity for entity, _ in fused(parts(others, asked.fusion))]
    seeds = [id for kind, id in order if kind == "token"][: asked.seeds]
    if not seeds:
        plan.left_out["graph"] = NO_TOKENS
        if order and asked.names("graph"):
            raise NotHere(f"the leg 'graph' must be one that can answer: {NO_TOKENS}")
        return None
    energy = {id: 1.0 / rank for rank, id in enumerate(seeds, 1)}
    found = _spread(db, asked, energy) if asked.graph == "spread" else _ranked(db, asked, energy)
    allowed = passing(line.connection, found, asked.where, plan.libraries)
    ranked = sorted((-energy, id, path) for id, (energy, path) in found.items() if id in allowed)
    best = [Candidate(("token", id), -turned, -turned, (), path) for turned, id, path in ranked[: asked.candidates]]
    return Ranking("graph", None, asked.weights["graph"], best)


def _spread(db: Database, asked: Question, energy: dict[int, float]) -> dict[int, Arrival]:
    """Return token → its energy and the path of the largest arrival, added up in the order of the seeds."""
    total = dict(energy)
    largest: dict[int, Arrival] = {}
    if asked.depth:
        for seed, start in energy.items():
            arrived = db.graph.spread(
                seed, energy=start, decay=asked.decay, max_depth=asked.depth, min_energy=0.0, threshold=0.0,
                budget=TOUCHED,
            )  # fmt: skip
            for id, amount, _, path in arrived:
                if amount <= 0.0 or id == seed:
                    continue
                total[id] = total.get(id, 0.0) + amount
                if id not in largest or amount > largest[id].energy:
                    largest[id] = Arrival(amount, path)
    return {id: Arrival(amount, largest[id].path if id in largest else (id,)) for id, amount in total.items()}


def _ranked(db: Database, asked: Question, energy: dict[int, float]) -> dict[int, Arrival]:
    """Return token → its probability for a walk that now and then jumps back to a seed."""
    walk: Any = db.graph.pagerank(damping=1.0 - asked.decay, personalization=energy)  # type: ignore[arg-type]
    places = (walk.scores > 0.0).nonzero()[0]
    ids, scores = walk.ids[places].tolist(), walk.scores[places].tolist()
    return {id: Arrival(score, ()) for id, score in zip(ids, scores, strict=True)}
