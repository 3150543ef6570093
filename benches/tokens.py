"""Tokens beside raw apsw: the same rows into the same table without its triggers, with the same settings."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import apsw
import numpy as np
from measure import Row, longer, seconds, share

import neurograph
from neurograph.migrate import migrations

ROUNDS = 5
SINGLES = 5_000
Work = Callable[[neurograph.Database, apsw.Connection, list[str], list[int]], None]
INSERT = "insert into token (label, entity_type, emotional_x, emotional_y, emotional_z) values (?, ?, ?, ?, ?)"
LEVELS = ("physical", "emotional", "abstract")
FLAGS = apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
SHARED = "file:/raw-tokens?vfs=memdb"  # as our own ":memory:" is: threads share it
MEMORY = (":memory:", SHARED)
AXES = [f"{level}_{axis}" for level in LEVELS for axis in "xyz"]


PRAGMAS = ("journal_mode", "synchronous", "cache_size", "foreign_keys", "cell_size_check", "page_size", "auto_vacuum")


def raw(path: str) -> apsw.Connection:
    """Open apsw with our settings and our tables, without the triggers of `token`."""
    with neurograph.open(":memory:" if path in MEMORY else path, synchronous="normal") as db:
        wanted = {name: db.execute(f"pragma {name}").fetchone() for name in PRAGMAS}
    connection = apsw.Connection(path, flags=FLAGS, statementcachesize=256)
    for name in ("page_size", "auto_vacuum", *PRAGMAS):
        if name != "journal_mode" or path not in MEMORY:
            connection.pragma(name, *wanted[name])
    if path in MEMORY:
        for migration in migrations():
            connection.execute(migration.sql)
    assert path in MEMORY or wanted == {name: (connection.pragma(name),) for name in PRAGMAS}
    names = "select name from sqlite_schema where type = 'trigger' and tbl_name = 'token'"
    for (name,) in connection.execute(names).fetchall():
        connection.execute(f"drop trigger {name}")
    return connection


def in_transaction(connection: apsw.Connection, sql: str, rows: object) -> None:
    connection.execute("begin immediate")
    connection.executemany(sql, rows)
    connection.execute("commit")


def tokens(folder: Path, n: int) -> list[Row]:
    """In bulk, then one at a time."""
    return bulk(n, folder) + single(folder)


def bulk(rows: int, folder: Path) -> list[Row]:
    rng = np.random.default_rng(0)
    places = {level: rng.random((rows, 3)) for level in LEVELS}
    labels = [f"token {number}" for number in rng.permutation(rows).tolist()]
    table = np.hstack([places[level] for level in LEVELS])
    plain = [(0.5,)] * rows
    cases: dict[str, tuple[Callable[[neurograph.Database], object], str, object]] = {
        "create_many, no labels": (
            lambda db: db.tokens.create_many(count=rows),
            "insert into token (weight) values (?)",
            plain,
        ),
        "create_many, unique labels": (
            lambda db: db.tokens.create_many(labels),
            "insert into token (label) values (?)",
            [(label,) for label in labels],
        ),
        "create_many, three levels": (
            lambda db: db.tokens.create_many(coordinates=places),
            f"insert into token ({', '.join(AXES)}) values ({', '.join('?' * len(AXES))})",
            table.tolist(),
        ),
    }
    found = []
    for name, (ours, sql, bindings) in cases.items():
        best = [float("inf")] * 2
        for turn in range(ROUNDS):
            path = folder / f"{turn}.ngdb"
            with neurograph.open(path, synchronous="normal") as db:
                best[0] = min(best[0], seconds(lambda: ours(db)))
            path.unlink()
            connection = raw(str(path))
            best[1] = min(best[1], seconds(lambda: in_transaction(connection, sql, bindings)))
            connection.close()
            path.unlink()
        found.append(share(f"{name} ({rows / best[0] / 1e3:.0f}k/s)", *best, 0.8))
    return found


def single(folder: Path) -> list[Row]:
    found = []
    kinds = {
        "file, NORMAL": (str(folder / "ours.ngdb"), str(folder / "raw.ngdb")),
        "in memory": (":memory:", SHARED),
        "in memory, raw unshared": (":memory:", ":memory:"),
    }
    for where, (path, other) in kinds.items():
        with neurograph.open(path, synchronous="normal") as db:
            connection = raw(other)
            best: dict[Work, float] = {}
            random.seed(0)
            for turn in range(2 * ROUNDS):
                for number, work in enumerate((ours_create, raw_create, ours_get, raw_get)):
                    labels = [f"{turn} {number} {label}" for label in range(SINGLES)]
                    ids = [random.randrange(1, SINGLES) for _ in labels]
                    took = seconds(lambda: work(db, connection, labels, ids))
                    best[work] = min(best.get(work, took), took)
            for name, ours, theirs in (("create", ours_create, raw_create), ("get by id", ours_get, raw_get)):
                figures = [best[work] / SINGLES for work in (ours, theirs)]
                found.append(longer(f"{name}, {where}", *figures, 2))
            connection.close()
    return found


def ours_create(db: neurograph.Database, connection: apsw.Connection, labels: list[str], ids: list[int]) -> None:
    create = db.tokens.create
    for label in labels:
        create(label, entity_type="concept", coordinates={"emotional": (0.6, 0.2, 0.1)})


def raw_create(db: neurograph.Database, connection: apsw.Connection, labels: list[str], ids: list[int]) -> None:
    execute = connection.execute
    for label in labels:
        execute(INSERT, (label, 5, 0.6, 0.2, 0.1))
        connection.last_insert_rowid()


def ours_get(db: neurograph.Database, connection: apsw.Connection, labels: list[str], ids: list[int]) -> None:
    get = db.tokens.get
    for number in ids:
        get(number)


def raw_get(db: neurograph.Database, connection: apsw.Connection, labels: list[str], ids: list[int]) -> None:
    execute = connection.execute
    for number in ids:
        execute("select * from token where id = ?", (number,)).fetchall()
