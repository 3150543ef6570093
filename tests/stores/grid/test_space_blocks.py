"""Nearest neighbors over several levels from saved blocks equal those from rows, whatever happened to either since."""

from __future__ import annotations

import math

import numpy as np
import pytest
from block_minds import N, saved

import neurograph
from neurograph.derived.saved import checksum
from neurograph.model.levels import LEVELS
from neurograph.stores.grid import block_build, blocks, plain, space_blocks

SUBJECT = blocks.subject(None)
WEIGHTS = dict(zip(LEVELS, (1.0, 0.0, 2.5, 0.1, 1.0, 3.0, 1e-3, 1.0), strict=True))


def points() -> np.ndarray:
    """Return clusters, points in one place, tokens with two, three, all or no levels."""
    rng = np.random.default_rng(5)
    found = rng.normal(size=(N, 8, 3)) + rng.integers(0, 4, (N, 1, 1)) * 9.0
    found[100:140] = found[99]
    found[::9] = math.nan
    found[1::9, 2:] = math.nan
    found[2::9, [0, 3, 4, 6, 7]] = math.nan
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("blocks") / "mind.ngdb", points(), SUBJECT)


@pytest.fixture
def db(kept, tmp_path):
    path = tmp_path / "mind.ngdb"
    path.write_bytes(kept)
    with neurograph.open(path, synchronous="off", engine="sql") as db:
        yield db


def questions(seed: int):
    rng, places = np.random.default_rng(seed), points()
    for at in range(18):
        row = places[99 if at % 5 == 0 else rng.integers(N)]
        place = {level: tuple(row[n].tolist()) for n, level in enumerate(LEVELS) if not np.isnan(row[n, 0])}
        if at % 3 == 0:
            place.pop("social", None)
        k, radius = [(1, math.inf), (10, math.inf), (10, 1.0), (plain.EVERY, 1.5), (0, 1.0), (500, math.inf)][at % 6]
        place = {level: point for level, point in place.items() if WEIGHTS[level] > 0}
        if place:
            yield place, k, radius, int(rng.integers(1, N)) if at % 2 else 0
    yield {"physical": (1e300, 0.0, -1e300), "motor": (0.0, 0.0, 0.0)}, 3, math.inf, 0
    yield {"physical": (0.0, 0.0, 0.0)}, N + 700, math.inf, 100


def agree(db: neurograph.Database, seed: int = 1) -> None:
    with db._session.reading() as line:
        for place, k, radius, out in questions(seed):
            expected = plain.near(line.connection, place, WEIGHTS, k, radius, out)
            assert space_blocks.near(line.connection, place, WEIGHTS, k, radius, out) == expected


def answer(db: neurograph.Database) -> list[float] | None:
    with db._session.reading() as line:
        found = space_blocks.near(line.connection, {"physical": (0.0, 0.0, 0.0)}, WEIGHTS, N, math.inf)
    return None if found is None else found[1]


def test_blocks_answer_as_rows_do(db):
    agree(db)


def test_changed_tokens_are_asked_in_their_rows(db):
    db.tokens.update(77, coordinates=dict.fromkeys(LEVELS, (0.0, 0.0, 0.0)))
    db.tokens.delete(99)
    agree(db)
    assert db.grid.nearest({"physical": (0, 0, 0)}, 1)[0] == (77, 0.0)
    db.tokens.create_many(count=700, coordinates=np.zeros((700, 8, 3)))
    agree(db, 2)


def test_uncommitted_and_undone_changes_count_as_in_sql(db):
    db.begin()
    db.tokens.update(77, coordinates={"motor": (0.0, 0.0, 0.0)})
    agree(db)
    db.rollback()
    agree(db)


def test_where_much_has_changed_rows_answer(db):
    db.execute("update token set physical_x = physical_x + 1 where id % 300 = 2 and physical_x is not null")
    assert answer(db) is None
    assert len(db.grid.nearest({"physical": (0, 0, 0)}, 5)) == 5


@pytest.mark.parametrize("chunk", [0, 1])
@pytest.mark.parametrize(
    "damage", ["zeroblob(length(body))", "substr(body, 1, 100)", "x''", "cast(body || x'00' as blob)"]
)
def test_damaged_blocks_are_not_believed(db, chunk, damage):
    expected = list(db.grid.nearest({"physical": (0, 0, 0)}, N))
    db.execute(f"update derived_chunk set body = {damage} where subject = ? and chunk = ?", [SUBJECT, chunk])
    assert answer(db) is None
    assert list(db.grid.nearest({"physical": (0, 0, 0)}, N)) == expected


def test_a_directory_with_less_than_no_groups_is_not_believed(db):
    header = space_blocks.HEADER.pack(space_blocks.MAGIC, space_blocks.GROUP, -2, 49)
    db.execute(
        "update derived_chunk set body = ?, checksum = ? where subject = ? and chunk = 0",
        [header, checksum(SUBJECT, 0, 7, header), SUBJECT],
    )
    db.execute("update derived_chunk set nonce = 7 where subject = ?", [SUBJECT])
    assert answer(db) is None


def test_a_group_of_another_save_is_not_believed(db):
    db.execute("update derived_chunk set nonce = nonce + 1 where subject = ? and chunk = 1", [SUBJECT])
    assert answer(db) is None


@pytest.mark.parametrize("place", ["a box", "the levels of a group", "a coordinate"])
def test_check_finds_blocks_that_differ_from_the_rows(db, place):
    assert db.check() == []
    chunk = 1 if place == "a coordinate" else 0
    ((number, body),) = db.execute(
        "select nonce, body from derived_chunk where subject = ? and chunk = ?", [SUBJECT, chunk]
    ).fetchall()
    groups = space_blocks.HEADER.unpack_from(body)[2]
    wrong = bytearray(body)
    patterns = space_blocks.HEADER.size
    at = {"a box": patterns + 8 * groups, "the levels of a group": patterns, "a coordinate": len(body) - 8}[place]
    wrong[at : at + 8] = (np.int64(1) if at == patterns else np.float64(12345.0)).tobytes()
    db.execute(
        "update derived_chunk set body = ?, checksum = ? where subject = ? and chunk = ?",
        [bytes(wrong), checksum(SUBJECT, chunk, number, bytes(wrong)), SUBJECT, chunk],
    )
    assert {violation.invariant for violation in db.check()} == {"derived.content"}


def test_levels_nobody_defines_take_nothing_of_the_budget(tmp_path):
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off", engine="sql") as db:
        db.tokens.create_many(count=N, coordinates={"motor": points()[:, 2]})
        db.optimize(budget_bytes=120 * N)
        assert blocks.are_saved(db._session.writer.connection, None)
        assert db.execute("select sum(length(body)) from derived_chunk").fetchone()[0] < 120 * N


@pytest.mark.parametrize("after", [0, 5])
def test_of_two_that_save_at_once_one_is_left_whole_or_none(db, monkeypatch, after):
    make, other = block_build._space_groups, neurograph.open(db.path, synchronous="off", engine="sql")

    def interleaved(*args):
        for at, body in enumerate(make(*args)):
            if at == after:
                monkeypatch.setattr(block_build, "_space_groups", make)
                other.optimize(budget_bytes=1 << 30)
            yield body

    db.execute("update token set motor_x = motor_x + 1 where id % 3000 = 2 and motor_x is not null")
    monkeypatch.setattr(block_build, "SLICE", 1)
    monkeypatch.setattr(block_build, "_space_groups", interleaved)
    db.optimize(budget_bytes=1 << 30)
    other.close()
    assert db.check() == []
    assert (answer(db) is not None) == (after == 0)
    db.optimize(budget_bytes=1 << 30)
    agree(db)


def test_no_row_is_searched_where_blocks_are_true(db, monkeypatch):
    expected = list(db.grid.nearest({"motor": (0, 0, 0)}, 3))
    monkeypatch.setattr(plain, "near", None)
    assert list(db.grid.nearest({"motor": (0, 0, 0)}, 3)) == expected


@pytest.mark.kernels
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # kernels as plain Python say so; compiled ones don't
def test_kernels_take_over_what_blocks_hold(kept, tmp_path, monkeypatch):
    path = tmp_path / "mind.ngdb"
    path.write_bytes(kept)
    with neurograph.open(path, synchronous="off", engine="numba") as db:
        db.tokens.update(77, coordinates={"motor": (0.0, 0.0, 0.0)})
        db.tokens.delete(99)
        for change in (None, "update token set motor_x = motor_x + 1 where id between 300 and 1400"):
            if change:
                db._derived.forget()
                db.execute(change)
            with db._session.reading() as line:
                for place, k, radius, _ in questions(3):
                    expected = plain.near(line.connection, place, WEIGHTS, k, radius)
                    assert list(db.grid.nearest(place, k, weights=WEIGHTS, max_distance=radius)) == list(
                        zip(*expected, strict=True)
                    )
