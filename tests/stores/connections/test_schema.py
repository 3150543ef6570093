"""Random statements on tokens, edges and connections leave what a plain model says, with any setting of SQLite."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from connection_statements import TOKENS, a_statement
from effort import examples
from naive_connections import PREPARE, Key, Model, degrees, stored

SCHEMA = Path(__file__).resolve().parents[3] / "schema"
STATEMENTS = examples(400)


class File:
    """A database in memory, through one of the two libraries."""

    def __init__(self, library: str, foreign_keys: bool, recursive: bool) -> None:
        self.rows: Callable[..., list[Any]]
        if library == "apsw":
            connection = apsw.Connection(":memory:")
            self.close: Callable[[], None] = connection.close
            self.errors: Any = apsw.Error
            self.rows = lambda sql, values=(): connection.execute(sql, values).fetchall()
            script: Any = connection.execute
        else:
            stock = sqlite3.connect(":memory:", isolation_level=None)
            self.close = stock.close
            self.errors = sqlite3.Error
            self.rows = lambda sql, values=(): stock.execute(sql, values).fetchall()
            script = stock.executescript
        for path in sorted(SCHEMA.glob("*.sql")):
            script(path.read_text(encoding="utf-8"))
        self.rows(f"pragma foreign_keys = {foreign_keys:d}")
        self.rows(f"pragma recursive_triggers = {recursive:d}")
        script(PREPARE)

    def run(self, sql: str, values: tuple[Any, ...] = ()) -> bool:
        try:
            self.rows(sql, values)
        except self.errors as error:
            assert "constraint" in str(error).lower() or "ng:" in str(error), error  # noqa: PT017
            return False
        return True

    def state(self) -> Model:
        return stored(self.rows)

    def counters(self) -> dict[int, tuple[int, int, int]]:
        return {id: tuple(counts) for id, *counts in self.rows("select * from degree")}

    def nonces(self) -> dict[int, int]:
        return dict(self.rows("select chunk, nonce from mark where subject = 'edge'"))


def changed_chunks(before: dict[Key, Any], after: dict[Key, Any]) -> set[int]:
    return {key[0] >> 9 for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


@pytest.mark.parametrize("recursive", [False, True], ids=["flat", "recursive"])
@pytest.mark.parametrize("foreign_keys", [False, True], ids=["off", "on"])
@pytest.mark.parametrize("library", ["apsw", "sqlite3"])
@pytest.mark.parametrize("seed", [1, 2])
def test_random_statements_leave_what_the_model_says(
    library: str, foreign_keys: bool, recursive: bool, seed: int
) -> None:
    rng = random.Random(seed * 8 + 4 * foreign_keys + 2 * recursive + (library == "apsw"))
    file, model = File(library, foreign_keys, recursive), Model()
    for token in TOKENS:
        model.attempt("put_token", token)
        assert file.run("insert into token (id) values (?)", (token,))
    done = {True: 0, False: 0}
    for _ in range(STATEMENTS):
        method, arguments, sql, values = a_statement(rng, model)
        before, nonces = dict(model.edges), file.nonces()
        expected = model.attempt(method, *arguments)
        assert file.run(sql, values) is expected, (sql, values)
        done[expected] += 1
        state = file.state()
        assert state.last_id >= model.last_id  # an insert that is ignored may use an id up
        model.last_id = state.last_id
        assert state == model, (sql, values)
        assert file.counters() == degrees(model), (sql, values)
        drawn = file.nonces()
        for chunk in changed_chunks(before, model.edges):
            assert drawn[chunk] != nonces.get(chunk), (sql, values)
    assert min(done.values()) > STATEMENTS // 10
    assert file.rows("select count(*) from connection where id > ?", (model.last_id,)) == [(0,)]
    file.close()  # from Python 3.13 on, a sqlite3 connection that nobody closes is a warning
