"""Nearest neighbors from saved blocks equal those from rows, whatever happened to either since."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from block_minds import N, saved

import neurograph
from neurograph.derived.saved import checksum, nonces_of
from neurograph.stores.grid import block_load, blocks, plain
from neurograph.stores.grid.block_build import LEAST

LEVEL = "physical"
SUBJECT = blocks.subject(LEVEL)


def points() -> np.ndarray:
    """Return clusters, points in one place, and tokens without a place."""
    rng = np.random.default_rng(5)
    found = rng.normal(size=(N, 3)) + rng.integers(0, 4, (N, 1)) * 50.0
    found[100:140] = found[99]
    found[::9] = math.nan
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("blocks") / "mind.ngdb", {LEVEL: points()}, SUBJECT)


@pytest.fixture
def db(kept, tmp_path):
    path = tmp_path / "mind.ngdb"
    path.write_bytes(kept)
    with neurograph.open(path, synchronous="off", engine="sql") as db:
        yield db


def questions(seed: int):
    rng, places = np.random.default_rng(seed), points()
    for at in range(30):
        place = places[99] if at % 5 == 0 else places[rng.integers(N // 9) * 9 + 1] + rng.normal(0, 0.2, 3)
        k, radius = [(1, math.inf), (10, math.inf), (10, 0.05), (plain.EVERY, 0.5), (0, 1.0), (500, math.inf)][at % 6]
        yield tuple(place.tolist()), k, radius, int(rng.integers(1, N)) if at % 2 else 0
    yield (1e300, 0.0, -1e300), 3, math.inf, 0
    yield (0.0, 0.0, 0.0), N + 700, math.inf, 100


def agree(db: neurograph.Database, seed: int = 1) -> None:
    with db._session.reading() as line:
        for place, k, radius, out in questions(seed):
            expected = plain.near(line.connection, {LEVEL: place}, None, k, radius, out)
            assert blocks.near(line.connection, LEVEL, place, k, radius, out) == expected


def answers(db: neurograph.Database) -> list[float] | None:
    with db._session.reading() as line:
        found = blocks.near(line.connection, LEVEL, (0.0, 0.0, 0.0), 5, math.inf)
    return None if found is None else found[1]


def test_blocks_answer_as_rows_do(db):
    agree(db)


def test_changed_tokens_are_asked_in_their_rows(db):
    db.tokens.update(77, coordinates={LEVEL: (0.0, 0.0, 0.0)})
    db.tokens.delete(99)
    agree(db)
    assert db.grid.nearest((0, 0, 0), 1, level=LEVEL)[0] == (77, 0.0)
    db.tokens.create_many(count=700, coordinates={LEVEL: np.zeros((700, 3))})
    agree(db, 2)


def test_uncommitted_and_undone_changes_count_as_in_sql(db):
    db.begin()
    db.tokens.update(77, coordinates={LEVEL: (0.0, 0.0, 0.0)})
    agree(db)
    db.rollback()
    agree(db)


def test_what_a_stock_sqlite_changes_is_seen(db):
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
    for sql in (
        "update token set physical_x = physical_x / 2 where id between 200 and 300",
        "delete from token where id < 90",
    ):
        subprocess.run([sys.executable, "-c", code, db.path, sql], check=True)
        agree(db)


def test_where_much_has_changed_rows_answer(db):
    db.execute("update token set physical_x = physical_x + 1 where id % 300 = 2 and physical_x is not null")
    assert answers(db) is None
    assert len(db.grid.nearest((0, 0, 0), 5, level=LEVEL)) == 5


def test_blocks_are_saved_anew_when_they_are_worn_and_only_then(db):
    def number() -> int:
        return db.execute("select nonce from derived_chunk where subject = ? and chunk = 0", [SUBJECT]).fetchone()[0]

    before = number()
    db.optimize(budget_bytes=1 << 30)
    assert number() == before
    db.execute("update token set physical_x = physical_x + 1 where id % 3000 = 2 and physical_x is not null")
    db.optimize(budget_bytes=1 << 30)
    assert number() != before
    agree(db)


@pytest.mark.parametrize(
    "damage",
    [
        "update derived_chunk set body = zeroblob(length(body)) where chunk = 2",
        "update derived_chunk set nonce = nonce + 1 where chunk = 1",
        "delete from derived_chunk where chunk = 3",
        "insert into derived_chunk select subject, chunk + 100, nonce + 1, format, checksum, body from derived_chunk",
    ],
)
def test_damaged_blocks_are_saved_anew(db, damage):
    db.execute(damage)
    db.optimize(budget_bytes=1 << 30)
    with db._session.reading() as line:
        assert block_load.load(line.connection, LEVEL, nonces_of(line.connection, "token"))
    assert answers(db) is not None
    assert db.check() == []
    agree(db)


def test_where_the_budget_has_no_room_for_new_blocks_those_nobody_can_load_are_deleted(db):
    def saved_chunks(subject: str) -> int:
        return db.execute("select count(*) from derived_chunk where subject = ?", [subject]).fetchone()[0]

    db.execute("update token set physical_x = physical_x + 1 where id % 3000 = 2 and physical_x is not null")
    db.optimize(budget_bytes=30 * N)
    assert saved_chunks(SUBJECT) > 0
    db.execute("update token set physical_x = physical_x + 1 where physical_x is not null")
    db.optimize(budget_bytes=30 * N)
    assert saved_chunks(SUBJECT) == 0 < saved_chunks(f"grid.{LEVEL}")


def test_a_machine_with_another_order_of_bytes_saves_none(tmp_path, monkeypatch):
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off", engine="sql") as db:
        db.tokens.create_many(count=N, coordinates={LEVEL: points()})
        with monkeypatch.context() as patched:
            patched.setattr(sys, "byteorder", "big")
            db.optimize(budget_bytes=1 << 30)
        assert not blocks.are_saved(db._session.writer.connection, LEVEL)


def test_few_points_or_a_small_budget_leave_none(tmp_path):
    with neurograph.open(tmp_path / "small.ngdb", synchronous="off") as db:
        db.tokens.create_many(count=LEAST - 1, coordinates={LEVEL: np.zeros((LEAST - 1, 3))})
        db.optimize()
        assert not blocks.are_saved(db._session.writer.connection, LEVEL)
        db.tokens.create_many(count=1, coordinates={LEVEL: np.zeros((1, 3))})
        db.optimize(budget_bytes=1000)
        assert not blocks.are_saved(db._session.writer.connection, LEVEL)
        db.optimize()
        assert blocks.are_saved(db._session.writer.connection, LEVEL)
        agree(db)


@pytest.mark.parametrize("chunk", [0, 1])
@pytest.mark.parametrize(
    "damage", ["zeroblob(length(body))", "substr(body, 1, 100)", "x''", "cast(body || x'00' as blob)"]
)
def test_damaged_blocks_are_not_believed(db, chunk, damage):
    expected = [list(db.grid.nearest((0, 0, 0), k, level=LEVEL)) for k in (1, N)]
    db.execute(f"update derived_chunk set body = {damage} where subject = ? and chunk = ?", [SUBJECT, chunk])
    with db._session.reading() as line:
        assert blocks.near(line.connection, LEVEL, (0.0, 0.0, 0.0), N, math.inf) is None
    assert [list(db.grid.nearest((0, 0, 0), k, level=LEVEL)) for k in (1, N)] == expected


def test_a_directory_with_less_than_no_groups_is_not_believed(db):
    header = blocks.HEADER.pack(blocks.MAGIC, blocks.BLOCK, -1, 3, 0)
    db.execute(
        "update derived_chunk set body = ?, checksum = ? where subject = ? and chunk = 0",
        [header, checksum(SUBJECT, 0, 7, header), SUBJECT],
    )
    db.execute("update derived_chunk set nonce = 7 where subject = ?", [SUBJECT])
    assert answers(db) is None


def test_a_group_of_another_save_is_not_believed(db):
    db.execute("update derived_chunk set nonce = nonce + 1 where subject = ? and chunk = 1", [SUBJECT])
    with db._session.reading() as line:
        assert blocks.near(line.connection, LEVEL, (0.0, 0.0, 0.0), N, math.inf) is None


@pytest.mark.parametrize("place", ["the box of a block", "a coordinate"])
def test_check_finds_blocks_that_differ_from_the_rows(db, place):
    assert db.check() == []
    ((number, body),) = db.execute(
        "select nonce, body from derived_chunk where subject = ? and chunk = 1", [SUBJECT]
    ).fetchall()
    wrong = bytearray(body)
    at = blocks.HEADER.size if place == "the box of a block" else len(body) - 8
    wrong[at : at + 8] = np.float64(12345.0).tobytes()
    db.execute(
        "update derived_chunk set body = ?, checksum = ? where subject = ? and chunk = 1",
        [bytes(wrong), checksum(SUBJECT, 1, number, bytes(wrong)), SUBJECT],
    )
    assert {violation.invariant for violation in db.check()} == {"derived.content"}


def test_neither_numpy_nor_numba_is_needed(db):
    code = """
import sys, neurograph
with neurograph.open(sys.argv[1], mode="r") as db:
    print(db.grid.neighbors(102, 3, level="physical"))
    print([plan for plan in ("numpy", "numba") if plan in sys.modules])
"""
    expected = list(db.grid.neighbors(102, 3, level=LEVEL))
    done = subprocess.run(
        [sys.executable, "-c", code, db.path],
        env=os.environ | {"NGDB_KERNELS": "off"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [repr(expected), "[]"]


def test_explain_says_that_blocks_answered(db):
    assert "saved blocks" in str(db.explain("select * from ng_near(102, 3, 'physical')"))


def test_many_points_are_answered_alike(db):
    rng = np.random.default_rng(3)
    asked = rng.normal(size=(20, 3)) + rng.integers(0, 4, (20, 1)) * 50.0
    found = db.grid.nearest_many(asked, 7, level=LEVEL), db.grid.in_range_many(asked, 0.4, level=LEVEL)
    db.drop_derived()
    expected = db.grid.nearest_many(asked, 7, level=LEVEL), db.grid.in_range_many(asked, 0.4, level=LEVEL)
    for one, other in zip(found, expected, strict=True):
        assert [array.tolist() for array in one] == [array.tolist() for array in other]


def test_every_point_of_a_level_can_be_asked_for(db):
    with db._session.reading() as line:
        for k, radius in ((plain.EVERY, math.inf), (plain.EVERY, 60.0), (N // 2, math.inf)):
            expected = plain.near(line.connection, {LEVEL: (0.0, 0.0, 0.0)}, None, k, radius)
            assert blocks.near(line.connection, LEVEL, (0.0, 0.0, 0.0), k, radius) == expected
