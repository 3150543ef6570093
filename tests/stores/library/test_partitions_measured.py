"""What recall by partitions is measured by: the neighbors and the order of partitions that searches have themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurograph
from neurograph import Library
from neurograph.stores.library.partitions import build, measure
from neurograph.stores.library.partitions.measure import Truth
from neurograph.stores.library.partitions.nearest import Reach, candidates, in_use, partitions_in_order

D, N = 40, 1500
METRICS = ("cosine", "l2", "dot")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "LEAST_ITEMS", 600)
    monkeypatch.setattr(measure, "BLOCK_BYTES", 1 << 13)


def tight(spread: float) -> np.ndarray:
    """Return vectors of six clusters that float32 hardly tells apart."""
    rng = np.random.default_rng(5)
    vectors = 3 * rng.normal(size=(6, D))[rng.integers(0, 6, N)] + spread * rng.normal(size=(N, D))
    return vectors.astype(np.float32)


def made(db: neurograph.Database, metric: str, vectors: np.ndarray) -> Library:
    library = db.library.create("v", dimension=D, metric=metric)
    library.add(vectors)
    return library


@pytest.mark.parametrize("spread", [0.5, 1e-3, 1e-4])
@pytest.mark.parametrize("metric", METRICS)
def test_neighbors_are_those_of_exact_searches(db: neurograph.Database, metric: str, spread: float) -> None:
    vectors = tight(spread)
    library = made(db, metric, vectors)
    ids = np.array([item.id for item in library.list(None)])
    asked = np.arange(0, N, 60)
    truth = Truth(ids[asked], vectors[asked], metric)
    rows = vectors / np.linalg.norm(vectors, axis=1)[:, None] if metric == "cosine" else vectors
    for begin in range(0, N, 500):
        truth.add(ids[begin : begin + 500], rows[begin : begin + 500])
    found = [
        len({*near.tolist()} & {*library.search(item=int(id), k=100, engine="sqlite-vec").ids.tolist()})
        for id, near in zip(ids[asked], truth.ids, strict=True)
    ]
    assert np.mean(found) > 99.5  # by products in float32 it was 40 to 51 where spread is small


@pytest.mark.parametrize("metric", METRICS)
def test_partitions_are_ordered_as_searches_take_them(db: neurograph.Database, metric: str) -> None:
    vectors = tight(1e-4)
    library = made(db, metric, vectors)
    library.optimize()
    row: Any = db.execute("select id from library").fetchone()
    of_item = dict(db.execute("select id, number from partition_item").fetchall())
    with db._session.reading() as line:
        space = library._space
        using = in_use(line.connection, space)
        assert using is not None
        assert row == (space.id,)
        for query in vectors[::100]:
            order = partitions_in_order(line.connection, space, using, query.tobytes())
            assert order is not None
            assert sorted(order) == sorted({*order})
            for some in (1, 3, 20):
                near = candidates(line.connection, space, using, query.tobytes(), Reach(some, N, 0.0))
                assert near is not None
                assert {of_item[id] for id in near} <= {*order[:some]}
                assert len(near) == sum(number in order[:some] for number in of_item.values())
