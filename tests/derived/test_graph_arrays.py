"""Patched graph arrays equal arrays built from the rows, entry for entry."""

from __future__ import annotations

import random

import numpy as np
import pytest

import neurograph
from neurograph.derived.mechanism import Derived
from neurograph.derived.policy import Policy
from neurograph.stores.graph.arrays import GRAPH, GraphArrays

pytestmark = pytest.mark.kernels


def listed(arrays: GraphArrays) -> dict:
    """Return every node's entries by token id, both directions, in order."""
    found = {}
    ids = arrays.adjacency.ids
    entries = arrays.adjacency.entries
    for side, name in enumerate(("out", "into")):
        for slot, id in enumerate(ids.tolist()):
            at = slice(*entries.span[side, slot].tolist())
            if at.start != at.stop:
                found[name, id] = list(
                    zip(
                        entries.kind[at].tolist(),
                        ids[entries.neighbor[at]].tolist(),
                        entries.weight[at].tolist(),
                        strict=True,
                    )
                )
    return found


def change(db: neurograph.Database, rng: random.Random, tokens: int) -> None:
    a, b = rng.randint(1, tokens), rng.randint(1, tokens)
    kind, key, weight = rng.choice((1, 2, 80)), rng.choice(("", "a", "b")), rng.choice((0.25, 0.5, 1.0))
    what = rng.random()
    if what < 0.6:
        db.execute(
            """insert into edge (source, type, target, key, weight, bidirectional) values (?, ?, ?, ?, ?, ?)
                   on conflict do update set weight = excluded.weight""",
            (a, kind, b, key, weight, a != b and rng.random() < 0.3),
        )
    elif what < 0.8:
        db.execute("delete from edge where source = ? and target = ?", (a, b))
    elif what < 0.9:
        db.execute("update edge set weight = ? where source = ?", (weight, a))
    elif what < 0.95:
        db.execute("delete from token where id = ?", (a,))
        db.execute("insert into token (id) values (?)", (a,))
    else:
        db.execute("delete from edge where source between ? and ?", (a, a + 30))


@pytest.mark.parametrize(("seed", "tokens"), [(1, 8), (2, 60), (3, 1400)])
def test_patched_arrays_equal_built_ones(seed, tokens):
    rng = random.Random(seed)
    with neurograph.open(":memory:") as db:
        db.executemany("insert into token (id) values (?)", [(n,) for n in range(1, tokens + 1)])
        session = db._session
        derived = Derived(session, Policy("numba", 1 << 30))
        for _ in range(120):
            for _ in range(rng.choice((1, 1, 3, 40))):
                try:
                    change(db, rng, tokens)
                except neurograph.NeurographError as error:
                    assert "coexist" in str(error)  # noqa: PT017 — the only refusal this data can meet
            arrays = derived.current(GRAPH, session.writer)
            built = GRAPH.build(GRAPH.read(session.writer.connection, 0, 1 << 40))
            assert listed(arrays) == listed(built)
            assert arrays.adjacency.faults() == []
            total = sum(len(columns[0]) for columns in arrays.rows.values())
            assert total == db.graph.count()


def test_the_chunk_of_the_highest_ids_is_patched_too():
    highest = 2**63 - 1
    with neurograph.open(":memory:", engine="numba") as db:
        db.executemany("insert into token (id) values (?)", [(1,), (2,), (highest - 1,)])
        db.graph.create(1, 2)
        assert [id for id, _ in db.graph.components()] == [1, 2, highest - 1]
        assert db.graph.bfs(1).ids.tolist() == [1, 2]
        db.execute("insert into token (id) values (?)", (highest,))
        db.graph.create(highest, 1)
        assert list(db.graph.components()) == [(1, 1), (2, 1), (highest - 1, highest - 1), (highest, 1)]
        assert db.graph.bfs(highest).ids.tolist() == [highest, 1, 2]
        db.graph.delete(highest, 1)
        assert db.graph.bfs(highest).ids.tolist() == [highest]


def test_saved_chunks_give_the_same_arrays(tmp_path):
    from neurograph.derived import saved

    rng = random.Random(4)
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path, synchronous="off") as db:
        db.executemany("insert into token (id) values (?)", [(n,) for n in range(1, 2000)])
        with db.transaction():
            for _ in range(3000):
                try:
                    change(db, rng, 1999)
                except neurograph.NeurographError:
                    continue
        with db.transaction():
            assert saved.save(db._session.writer.connection, GRAPH, 1 << 30)[0] > 10_000
        db.execute("insert into edge (source, target) values (1, 1)")
        expected = listed(GRAPH.build(GRAPH.read(db._session.writer.connection, 0, 1 << 40)))
    with neurograph.open(path) as db:
        connection = db._session.writer.connection
        nonces = saved.nonces_of(connection, "edge")
        assert len(saved.load(connection, GRAPH, nonces)) == len(nonces) - 1  # one chunk is stale
        loaded = Derived(db._session, Policy("numba", 1 << 30)).current(GRAPH, db._session.writer)
        assert listed(loaded) == expected


@pytest.mark.parametrize(
    "damage", ["substr(body, 1, 40)", "zeroblob(length(body))", "cast(body || x'00' as blob)", "x''"]
)
def test_damaged_chunks_are_read_from_rows_instead(tmp_path, damage):
    from neurograph.derived import saved

    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        db.executemany("insert into token (id) values (?)", [(n,) for n in range(1, 2000)])
        db.executemany("insert into edge (source, target) values (?, ?)", [(n, n + 1) for n in range(1, 1999)])
        session = db._session
        with db.transaction():
            saved.save(session.writer.connection, GRAPH, 1 << 30)
        db.execute(f"update derived_chunk set body = {damage}")
        arrays = Derived(session, Policy("numba", 1 << 30)).current(GRAPH, session.writer)
        assert listed(arrays)["out", 5] == [(80, 6, 1.0)]
        # A checksum made for the damage does not help: the structure is looked at as well.
        rows = db.execute("select chunk, nonce, body from derived_chunk").fetchall()
        for chunk, nonce, body in rows:
            checksum = saved.checksum(GRAPH.name, chunk, nonce, body)
            db.execute("update derived_chunk set checksum = ? where chunk = ?", (checksum, chunk))
        arrays = Derived(session, Policy("numba", 1 << 30)).current(GRAPH, session.writer)
        assert listed(arrays)["out", 5] == [(80, 6, 1.0)]


def test_unpacked_columns_are_read_only_views_or_owned(tmp_path):
    columns = [np.arange(3), np.arange(3), np.zeros(3, np.int32), np.ones(3), np.zeros(3, np.uint8)]
    from neurograph.derived import saved

    unpacked = saved._unpack(saved._pack(columns, 1), 1)
    assert unpacked is not None
    assert all((a == b).all() for a, b in zip(columns, unpacked, strict=True))
