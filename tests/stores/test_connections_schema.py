"""Random statements on tokens, edges and connections leave what a plain model says, with any setting of SQLite."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from naive_connections import KEY, NO_TYPE, PREPARE, TYPES, Connection, Key, Model

SCHEMA = Path(__file__).resolve().parents[2] / "schema"
TOKENS = (1, 2, 3, 600, 601)
VERBS = ("", "", "or ignore", "or replace")
AFTER = {"do nothing": "on conflict do nothing"}
STATEMENTS = 400


class File:
    """A database in memory, through one of the two libraries."""

    def __init__(self, library: str, foreign_keys: bool, recursive: bool) -> None:
        self.rows: Callable[..., list[Any]]
        if library == "apsw":
            connection = apsw.Connection(":memory:")
            self.errors: Any = apsw.Error
            self.rows = lambda sql, values=(): connection.execute(sql, values).fetchall()
            script: Any = connection.execute
        else:
            stock = sqlite3.connect(":memory:", isolation_level=None)
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
        return Model(
            tokens={id for (id,) in self.rows("select id from token")},
            edges={
                (source, kind, target, key): (weight, both)
                for source, kind, target, key, weight, both in self.rows(
                    "select source, type, target, key, weight, bidirectional from edge"
                )
            },
            connections={
                id: Connection((source, kind, target, key), *rest)
                for id, source, kind, target, key, *rest in self.rows(
                    """select id, source, type, target, key, flags, mutability, confidence, pull, rigidity
                         from connection"""
                )
            },
            last_id=self.rows("select coalesce(max(seq), 0) from sqlite_sequence where name = 'connection'")[0][0],
        )

    def counters(self) -> dict[int, tuple[int, int, int]]:
        return {id: tuple(counts) for id, *counts in self.rows("select * from degree")}

    def nonces(self) -> dict[int, int]:
        return dict(self.rows("select chunk, nonce from mark where subject = 'edge'"))


def degrees(model: Model) -> dict[int, tuple[int, int, int]]:
    counts: dict[int, list[int]] = {}
    for (source, _, target, _), (_, both) in model.edges.items():
        near, far = counts.setdefault(source, [0, 0, 0]), counts.setdefault(target, [0, 0, 0])
        near[0] += 1
        far[1] += 1
        near[2] += 1
        if source != target:
            far[2] += 1
            near[1] += both
            far[0] += both
    return {id: tuple(count) for id, count in counts.items()}


def random_key(rng: random.Random) -> Key:
    kind = rng.choice((*TYPES, NO_TYPE, 17)) if rng.random() < 0.1 else rng.choice((2, 16, 80, 80, 300))
    return rng.choice(TOKENS), kind, rng.choice(TOKENS), rng.choice(("", "", "a"))


def a_key(rng: random.Random, known: list[Key]) -> Key:
    """Return a random key, more often than not one of an edge that is there, sometimes its reverse."""
    if not known or rng.random() < 0.4:
        return random_key(rng)
    source, kind, target, name = rng.choice(known)
    return (target, kind, source, name) if rng.random() < 0.15 else (source, kind, target, name)


def a_step(rng: random.Random, model: Model) -> tuple[str, tuple[Any, ...], str, tuple[Any, ...]]:
    """Return a method of the model with its arguments, and the statement with its bindings."""
    known = list(model.edges)
    what = rng.choice(("token", "insert_edge", "update_edge", "delete_edge", *("insert", "update") * 3, "delete"))
    weight, both = rng.choice((0.0, 0.25, 1.0, 1.5)), int(rng.random() < 0.25)
    id = rng.choice([*model.connections, model.last_id + 3])
    if what == "token":
        token = rng.choice(TOKENS)
        if rng.random() < 0.7:
            return "put_token", (token,), "insert or replace into token (id) values (?)", (token,)
        return "delete_token", (token,), "delete from token where id = ?", (token,)
    if what == "insert_edge":
        key, verb = a_key(rng, known), rng.choice((*VERBS, "do nothing", "do update"))
        update = "on conflict do update set weight = excluded.weight, bidirectional = excluded.bidirectional"
        return "insert_edge", (verb, key, weight, both), (
            f"insert {'' if verb.startswith('do') else verb} into edge (source, type, target, key, weight, "
            f"bidirectional) values (?, ?, ?, ?, ?, ?) {AFTER.get(verb, update if verb == 'do update' else '')}"
        ), (*key, weight, both)  # fmt: skip
    if what == "update_edge":
        key, new, verb = a_key(rng, known), a_key(rng, known), rng.choice(VERBS)
        changed = rng.randrange(4)
        new = key if changed == 0 else (*key[:changed], new[changed], *key[changed + 1 :])
        return "update_edge", (verb, key, new, weight, both), (
            f"update {verb} edge set source = ?, type = ?, target = ?, key = ?, weight = ?, bidirectional = ? "
            "where source = ? and type = ? and target = ? and key = ?"
        ), (*new, weight, both, *key)  # fmt: skip
    if what == "delete_edge":
        key = a_key(rng, known)
        sql = "delete from edge where source = ? and type = ? and target = ? and key = ?"
        return "delete_edge", (key,), sql, key
    if what == "delete":
        return "delete_connection", (id,), "delete from connection where id = ?", (id,)
    if what == "insert":
        return an_insert(rng, known, rng.choice((None, None, id)))
    return an_update(rng, model, id)


def an_insert(
    rng: random.Random, known: list[Key], id: int | None
) -> tuple[str, tuple[Any, ...], str, tuple[Any, ...]]:
    verb = rng.choice((*VERBS, "do nothing", "do update"))
    id = None if verb == "do update" else id
    new = Connection(
        a_key(rng, known), flags=rng.choice((0, 0, 1, 4, 5)), mutability=rng.choice((-1, -1, 0, 1, 2)),
        confidence=rng.choice((0.5, 1.0)), pull=rng.choice((0.5, -1.0, 3.0)), rigidity=rng.choice((0.5, 0.5, 0.0)),
    )  # fmt: skip
    names = ["source", "type", "target", "key", "flags", "confidence", "pull", "rigidity"]
    values: list[Any] = [*new.key, new.flags, new.confidence, new.pull, new.rigidity]
    if new.mutability >= 0:
        names, values = [*names, "mutability"], [*values, new.mutability]
    update = "on conflict (source, type, target, key) do update set pull = excluded.pull, flags = excluded.flags"
    sql = f"""insert {"" if verb.startswith("do") else verb} into connection (id, {", ".join(names)})
              values (?, {", ".join("?" * len(names))}) {AFTER.get(verb, update if verb == "do update" else "")}"""
    return "insert_connection", (verb, id, new), sql, (id, *values)


def an_update(rng: random.Random, model: Model, id: int) -> tuple[str, tuple[Any, ...], str, tuple[Any, ...]]:
    key = a_key(rng, list(model.edges))
    choices: dict[str, Any] = {
        **{name: value for name, value in zip(KEY, key, strict=True) if rng.random() < 0.5},
        "flags": rng.choice((0, 1, 4, 5)), "mutability": rng.choice((-1, 0, 1, 2)),
        "confidence": rng.choice((0.25, 1.0)), "pull": rng.choice((1.0, 3.0, -3.0)),
        "rigidity": rng.choice((0.0, 0.5, 1.0)),
    }  # fmt: skip
    sets = {name: choices[name] for name in rng.sample(list(choices), min(len(choices), rng.choice((1, 1, 2, 3))))}
    if id in model.connections and key not in model.edges and rng.random() < 0.3:
        sets |= dict(zip(KEY, key, strict=True))
    verb = rng.choice(VERBS)
    sql = f"update {verb} connection set {', '.join(f'{name} = ?' for name in sets)} where id = ?"
    return "update_connection", (verb, id, sets), sql, (*sets.values(), id)


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
        method, arguments, sql, values = a_step(rng, model)
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
