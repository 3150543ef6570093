"""Algorithms and reads of what may be long take a limit: past it `DeadlineExceeded`, within it the same answer."""

from __future__ import annotations

import inspect
import time
from itertools import count

import numpy as np
import pytest

import neurograph
from neurograph.errors import DeadlineExceeded, InvalidValue
from neurograph.stores import id_pages

POINTS = [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0)]
CALLS = {
    "graph.bfs": (1,),
    "graph.dfs": (1,),
    "graph.neighborhood": (1,),
    "graph.shortest_path": (1, 50),
    "graph.steps": (1, 50),
    "graph.distances": (1,),
    "graph.pagerank": (),
    "graph.components": (),
    "graph.spread": (1,),
    "graph.clustering": (),
    "graph.metrics": (),
    "grid.neighbors": (1, 3),
    "grid.nearest": (POINTS[0], 3),
    "grid.in_range": (POINTS[0], 2.0),
    "grid.nearest_many": (POINTS, 3),
    "grid.in_range_many": (POINTS, 2.0),
    "grid.box": POINTS,
    "grid.influence": (POINTS[0],),
    "grid.influence_many": (POINTS,),
    "grid.density": (POINTS[0], 2.0),
    "grid.density_many": (POINTS, 2.0),
    "grid.fields": (),
    "topics.read": (),
    "events.read": (),
    "events.count": (),
    "experience.read": (),
    "experience.count": (),
    "experience.episodes": (),
    "experience.sample": (3, "recency"),
}
STORES = ("graph", "grid", "topics", "events", "experience")
WAITS = {"events.subscribe"}
"""Where `timeout_s` says how long to wait for more."""


@pytest.fixture(scope="module", params=["sql", pytest.param("numba", marks=pytest.mark.kernels)])
def mind(request):
    with neurograph.open(":memory:", engine=request.param) as db:
        rng = np.random.default_rng(3)
        db.tokens.create_many(count=60, coordinates={"physical": rng.normal(size=(60, 3))})
        db.graph.create_many(np.arange(1, 60), np.arange(2, 61))
        db.topics.publish_many("a", [{"n": n} for n in range(10)])
        db.events.emit_many("custom", [{"n": n} for n in range(10)])
        db.experience.record_many([[0.5] * 8] * 10)
        yield db


def ask(db: neurograph.Database, name: str, **options) -> object:
    store, _, method = name.partition(".")
    more = {"level": "physical"} if store == "grid" else {"seed": 1} if method == "sample" else {}
    return getattr(getattr(db, store), method)(*CALLS[name], **more, **options)


def plainly(answer: object) -> str:
    return repr(list(answer) if hasattr(answer, "__iter__") else answer)


@pytest.mark.parametrize("name", CALLS)
def test_an_algorithm_stops_at_its_deadline_and_answers_the_next_call(mind, name):
    expected = plainly(ask(mind, name))
    with pytest.raises(DeadlineExceeded, match="timeout_s"):
        ask(mind, name, timeout_s=0)
    assert plainly(ask(mind, name, timeout_s=60)) == expected
    assert plainly(ask(mind, name)) == expected


@pytest.mark.parametrize("limit", [-1, float("nan"), "soon"])
def test_a_limit_that_is_no_time_is_refused(mind, limit):
    with pytest.raises(InvalidValue, match="timeout_s must be"):
        mind.graph.bfs(1, timeout_s=limit)


def test_a_deadline_inside_a_transaction_leaves_it_open(mind):
    with mind.transaction():
        label = mind.tokens.create("kept").label
        with pytest.raises(DeadlineExceeded):
            mind.graph.pagerank(timeout_s=0)
        assert mind.tokens.get(label).label == "kept"
    mind.tokens.delete("kept")


@pytest.mark.parametrize("name", ["events", "experience"])
@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_a_limit_holds_for_later_pages(mind, monkeypatch, name, order):
    monkeypatch.setattr(id_pages, "PAGE", 4)
    found = getattr(mind, name).read(timeout_s=60, order=order)
    assert len([next(found) for _ in range(4)]) == 4
    late = count(time.monotonic() + 61)
    monkeypatch.setattr(time, "monotonic", lambda: next(late))
    with pytest.raises(DeadlineExceeded, match="timeout_s"):
        next(found)


@pytest.mark.kernels
def test_a_kernel_that_takes_long_stops_in_the_middle():
    with neurograph.open(":memory:", engine="numba") as db:
        rng = np.random.default_rng(4)
        db.tokens.create_many(
            count=8_000, coordinates={"physical": rng.normal(size=(8_000, 3))}, field_radius=np.full(8_000, 2.5)
        )
        db.grid.density(POINTS[0], 1.0, level="physical")
        with pytest.raises(DeadlineExceeded):
            db.grid.fields(level="physical", timeout_s=0.01)


def test_every_method_that_has_a_limit_is_tried_here():
    stores = {name: getattr(neurograph.open(":memory:"), name) for name in STORES}
    found = {
        f"{store}.{name}"
        for store, part in stores.items()
        for name, method in inspect.getmembers(part, callable)
        if not name.startswith("_") and "timeout_s" in inspect.signature(method).parameters
    }
    assert found == set(CALLS) | WAITS
