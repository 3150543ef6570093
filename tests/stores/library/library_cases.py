"""Vectors that are hard to search, what a library holds, table for table, and a refusal that changes none of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import neurograph
from neurograph.stores.library import Library

D = 7
METRICS = ("cosine", "l2", "dot")
GREATEST = float(np.finfo(np.float32).max)


def _scaled(rng: np.random.Generator, n: int, low: int, high: int) -> np.ndarray:
    return rng.normal(size=(n, D)) * 10.0 ** rng.integers(low, high, (n, 1), endpoint=True)


def _clustered(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.normal(size=(5, D))[rng.integers(0, 5, n)] + 1e-4 * rng.normal(size=(n, D))


def _nearly_equal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Vectors a rounding apart, which sums in float32 can't tell."""
    found = np.tile(rng.normal(size=D).astype(np.float32), (n, 1))
    return np.nextafter(found, np.where(rng.random((n, D)) < 0.5, np.float32(-9e9), found))


def _with_zeros(rng: np.random.Generator, n: int) -> np.ndarray:
    found = rng.normal(size=(n, D))
    found[rng.random(n) < 0.2] = 0.0
    found[::17] = -0.0
    return found


SPREADS = {
    "structureless": lambda rng, n: rng.normal(size=(n, D)),
    "clustered": _clustered,
    "nearly equal": _nearly_equal,
    "duplicates": lambda rng, n: rng.integers(-1, 2, (n, D)),
    "tiny": lambda rng, n: _scaled(rng, n, -38, -30),
    "subnormal": lambda rng, n: rng.integers(-3, 4, (n, D)) * 1.401298464324817e-45,
    "huge": lambda rng, n: _scaled(rng, n, 30, 37),
    "mixed": lambda rng, n: _scaled(rng, n, -38, 38),
    "zeros": _with_zeros,
    "around the bounds": lambda rng, n: rng.normal(size=(n, D)) * 2.0 ** rng.choice([-53, -50, 0, 58, 60, 63], (n, 1)),
    "opposite": lambda rng, n: np.outer(rng.choice([-3, -1, 1, 3], n), np.arange(1, D + 1)),
}


def vectors(name: str, n: int, seed: int = 0) -> np.ndarray:
    """Return (n, D) float32 of that spread."""
    found: np.ndarray = np.clip(SPREADS[name](np.random.default_rng(seed), n), -GREATEST, GREATEST).astype(np.float32)
    return found


# What differs by nature: the time a library was made, and nonces.
TABLES = {
    "library": """select id, name, dimension, metric, model, identity, norm_low, norm_high from library order by id""",
    "item": "select * from item order by id",
    "embedding": "select * from embedding order by id",
    "displaced_item": "select * from displaced_item",
    "mark": "select subject, chunk from mark order by subject, chunk",
    "token": "select id, label from token order by id",
}


def contents(db: neurograph.Database, *, nonces: bool = False) -> dict[str, list[tuple[Any, ...]]]:
    """Return every table of libraries; with `nonces`, what a refused call may not have changed either."""
    tables = TABLES | ({"mark": "select * from mark order by subject, chunk"} if nonces else {})
    return {table: db.execute(sql).fetchall() for table, sql in tables.items()}


@contextmanager
def filled() -> Iterator[tuple[neurograph.Database, Library]]:
    """Yield a mind with one token, a library of two items, and another."""
    with neurograph.open(":memory:") as db:
        db.tokens.create("cat")
        library = db.library.create("v", dimension=2)
        library.add([[1, 0], [0, 1]], keys=["taken", "other"], tokens=["cat", None])
        db.library.create("w", dimension=2).add([[1, 0]], keys=["theirs"])
        yield db, library


def refused(db: neurograph.Database, call: Callable[[], Any], error: type[Exception], message: str) -> None:
    """Assert that the call raises exactly that, and that every table is as it was."""
    before = contents(db, nonces=True)
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert str(caught.value).startswith(message), str(caught.value)
    assert contents(db, nonces=True) == before
    assert not db.in_transaction
