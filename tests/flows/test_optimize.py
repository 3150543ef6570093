"""Saved arrays: the same answers with them, without them, with half of them, and with damaged ones."""

from __future__ import annotations

import numpy as np
import pytest

import neurograph
from neurograph.derived import saved
from neurograph.flows.kinds import KINDS
from neurograph.stores.grid import block_build


def mind(path) -> neurograph.Database:
    db = neurograph.open(path, synchronous="off", engine="numba")
    rng = np.random.default_rng(7)
    n = 1600
    points = rng.normal(size=(n, 3))
    points[::3] = np.nan
    db.tokens.create_many(count=n, coordinates={"physical": points, "social": rng.random((n, 3)) - 0.5})
    pairs = np.unique(rng.integers(1, n + 1, (4000, 2)), axis=0)
    db.graph.create_many(pairs[:, 0], pairs[:, 1], weight=rng.choice([0.25, 0.5, 1.0], len(pairs)))
    return db


def answers(db: neurograph.Database) -> list:
    """Return one answer of each kind."""
    return [
        list(db.graph.bfs(5, max_depth=3)),
        db.graph.shortest_path(1, 900),
        list(db.graph.pagerank()),
        list(db.graph.components()),
        list(db.graph.spread(7)),
        list(db.grid.neighbors(2, 20, level="physical")),
        list(db.grid.neighbors(2, 20)),
        list(db.grid.in_range((0, 0, 0), 0.3, level="social")),
        db.grid.influence((0, 0, 0), level="social"),
    ]


@pytest.mark.kernels
@pytest.mark.parametrize("damage", ["nothing", "dropped", "half", "cut", "zeroed", "stale"])
@pytest.mark.parametrize("least", [1, block_build.LEAST])  # space as blocks, or as chunks of rows
def test_answers_are_the_same_whatever_is_saved(tmp_path, monkeypatch, damage, least):
    monkeypatch.setattr(block_build, "LEAST", least)
    path = tmp_path / "mind.ngdb"
    with mind(path) as db:
        expected = answers(db)
        assert db.optimize().saved_bytes > 100_000
        assert db.check() == []
        if damage == "dropped":
            assert db.drop_derived() > 0
        elif damage == "half":
            db.execute("delete from derived_chunk where chunk % 2")
        elif damage == "cut":
            db.execute("update derived_chunk set body = substr(body, 1, length(body) / 2)")
        elif damage == "zeroed":
            db.execute("update derived_chunk set body = zeroblob(length(body))")
        elif damage == "stale":
            db.execute("update derived_chunk set nonce = nonce + 1")
    for engine in ("numba", "sql"):
        with neurograph.open(path, engine=engine) as db:
            assert answers(db) == expected


@pytest.mark.kernels
def test_check_finds_saved_arrays_that_differ_from_the_rows(tmp_path):
    with mind(tmp_path / "mind.ngdb") as db:
        db.optimize()
        subject, chunk, nonce, body = db.execute(
            "select subject, chunk, nonce, body from derived_chunk where subject = 'graph' limit 1"
        ).fetchone()
        forged = body[:-600] + bytes(600)  # the last column: no edge is bidirectional
        db.execute(
            "update derived_chunk set body = ?, checksum = ? where subject = ? and chunk = ?",
            (forged, saved.checksum(subject, chunk, nonce, forged) ^ 1, subject, chunk),
        )
        assert {violation.invariant for violation in db.check()} == {"derived.content"}


@pytest.mark.kernels
def test_only_what_changed_is_saved_again(tmp_path):
    with mind(tmp_path / "mind.ngdb") as db:
        first = db.optimize().saved_bytes
        assert db.optimize().saved_bytes == 0
        db.tokens.update(1, weight=0.25)
        again = db.optimize().saved_bytes
        assert 0 < again < first / 2
        assert db.optimize(budget_bytes=0).saved_bytes == 0


@pytest.mark.kernels
def test_the_budget_is_kept(tmp_path):
    with mind(tmp_path / "mind.ngdb") as db:
        assert 0 < db.optimize(budget_bytes=50_000).saved_bytes <= 50_000
        total = db.execute("select sum(length(body)) from derived_chunk").fetchone()[0]
        assert total <= 50_000


def test_every_kind_has_a_name_of_its_own():
    assert len({kind.name for kind in KINDS}) == len(KINDS) == 11


@pytest.mark.kernels
@pytest.mark.parametrize("subject", ["token", "edge", "embedding"])
def test_marks_that_somebody_deleted_are_named_and_given_back(tmp_path, subject):
    """Kernels find only what lies in chunks that have a mark."""
    rng, path = np.random.default_rng(8), tmp_path / "mind.ngdb"
    with mind(path) as db:
        db.library.create("v", dimension=4).add(rng.normal(size=(1600, 4)))
        db.execute("delete from mark where subject = ? and chunk % 2", [subject])
        db.execute("delete from mark where subject = ? and chunk = (select max(chunk) from mark)", [subject])

    def asked(engine: str = "numba") -> list:
        with neurograph.open(path, engine=engine) as db:
            found = [db.graph.bfs(5, max_depth=3), db.grid.neighbors(2, 900, level="physical")]
            return [*map(list, found), list(db.library.get("v").search([1, 2, 3, 4], k=1500))]

    expected = asked("sql")
    with neurograph.open(path) as db:
        wrong = db.check()
        assert {violation.invariant for violation in wrong} == {f"mark.{subject}"}
        assert "db.optimize()" in wrong[0].message
        assert asked() != expected
        db.optimize()
        assert db.check() == []
        assert asked() == expected


def test_chunks_that_have_rows_are_found_wherever_they_lie(tmp_path):
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        db.optimize()
        for id in (1, 511, 512, 513, 5000, 1 << 40, (1 << 62) + 1):
            db.execute("insert into token (id) values (?)", [id])
        before = db.execute("select subject, chunk from mark order by chunk").fetchall()
        db.execute("delete from mark")
        db.optimize()
        assert db.execute("select subject, chunk from mark order by chunk").fetchall() == before
