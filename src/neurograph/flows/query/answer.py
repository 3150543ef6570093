"""A query answered: planned, its text made a vector, its legs run on one state, fused and explained."""

from __future__ import annotations

import time
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from weakref import ref

from ...connection.line import Line
from ...connection.settings import seconds
from ...model.query_result import KINDS, Asked, LegUsed, QueryHit, QueryLeg, QueryResult
from ...stores.arguments import bound_ids
from ...stores.where import blamed, prepare
from .fusion import Entity, Ranking, fused, parts, shares, standing_score
from .legs import rankings
from .plan import Plan, plan_of
from .question import Question, question_of

if TYPE_CHECKING:
    from ...database import Database


def answer(db: Database, *, timeout_s: float | None = None, **arguments: Any) -> QueryResult:
    """Answer a query; the arguments are those of `Database.query`."""
    began = time.perf_counter()
    limit = None if timeout_s is None else seconds(timeout_s, "timeout_s")
    asked = question_of(**arguments)
    plan = plan_of(db, asked)
    left = None if limit is None else max(0.0, limit - (time.perf_counter() - began))
    with blamed(db._session, asked.where), db._session.reading(left) as line:
        if asked.where is not None:
            prepare(line.connection, asked.where)
        there = _still_there(line, plan)
        found = rankings(db, line, asked, there)
        hits = _hits(line, asked, found)
    used = [LegUsed(one.leg, one.library, one.weight, len(one.candidates)) for one in found]
    took_ms = (time.perf_counter() - began) * 1e3
    return QueryResult(hits, _noted(asked, plan), used, there.left_out, took_ms, ref(db))


def _still_there(line: Line, plan: Plan) -> Plan:
    """Return the plan without libraries that were dropped since it was made."""
    there = {*line.connection.execute("select id, created_ns from library").fetchall()}
    return plan._replace(
        libraries=[one for one in plan.libraries if one._space.itself in there],
        vectors=[one for one in plan.vectors if one.library._space.itself in there],
        texts=[one for one in plan.texts if one._space.itself in there],
    )


def _noted(asked: Question, plan: Plan) -> Asked:
    """Return the question as feedback notes it."""
    given = asked.vector is not None and plan.vectors
    text = None if asked.text is None else asked.text.replace("\0", " ")  # words end there, and SQL's texts would too
    return Asked(text, sha256(plan.vectors[0].vector).hexdigest() if given else None)


def _hits(line: Line, asked: Question, found: Sequence[Ranking]) -> list[QueryHit]:
    """Return the k best, explained."""
    added = parts(found, asked.fusion)
    scored = fused(added)
    places = [{one.entity: at for at, one in enumerate(ranking.candidates)} for ranking in found]
    standing = _standing(line, [entity for entity, _ in scored]) if asked.standing else {}
    scored = [(entity, standing_score(score, standing.get(entity, 0.0), asked.standing)) for entity, score in scored]
    best = sorted(scored, key=lambda one: (-one[1], one[0]))[: asked.k]
    items = {entity: _items(entity, found, places) for entity, _ in best}
    labels = _labels(line, [entity for entity, _ in best])
    texts = _texts(line, [id for ids in items.values() for id in ids])
    hits = []
    for entity, score in best:
        mine = shares(added[entity])
        legs = tuple(_leg(found[at], places[at][entity], share) for at, share in mine.items())
        text = next((texts[id] for id in items[entity] if texts.get(id) is not None), None)
        kind, id = entity
        own = standing.get(entity, 0.0)
        hits.append(QueryHit(kind, id, labels.get(entity), text, score, legs, tuple(sorted(items[entity])), own))
    return hits


def _leg(ranking: Ranking, at: int, share: float) -> QueryLeg:
    candidate = ranking.candidates[at]
    return QueryLeg(ranking.leg, ranking.library, at + 1, candidate.value, share, candidate.path)


def _items(entity: Entity, found: Sequence[Ranking], places: Sequence[dict[Entity, int]]) -> list[int]:
    """Return the items that led to an entity, in the order of the legs and of their rank there."""
    ids = [
        id
        for ranking, at in zip(found, places, strict=True)
        if entity in at
        for id in ranking.candidates[at[entity]].items
    ]
    return list(dict.fromkeys(ids))


def _labels(line: Line, entities: Sequence[Entity]) -> dict[Entity, str | None]:
    named: dict[Entity, str | None] = {}
    for kind, column in (("token", "label"), ("item", "key")):
        ids = [id for one, id in entities if one == kind]
        rows: Any = line.connection.execute(
            f"select id, {column} from {kind} where id in (select value from carray(?))", (bound_ids(ids),)
        ).fetchall()
        named |= {(kind, id): name for id, name in rows}
    return named


def _texts(line: Line, ids: list[int]) -> dict[int, str | None]:
    rows: Any = line.connection.execute(
        "select id, text from item where id in (select value from carray(?))", (bound_ids(ids),)
    ).fetchall()
    return dict(rows)


def _standing(line: Line, entities: Sequence[Entity]) -> dict[Entity, float]:
    """Return what feedback has made of those it has been given on."""
    values: dict[Entity, float] = {}
    for kind in KINDS:
        ids = [id for one, id in entities if one == kind]
        rows: Any = line.connection.execute(
            "select id, value from standing where kind = ? and id in (select value from carray(?))",
            (kind, bound_ids(ids)),
        ).fetchall()
        values |= {(kind, id): value for id, value in rows}
    return values
