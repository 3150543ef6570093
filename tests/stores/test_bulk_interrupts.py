"""Ctrl-C inside a bulk call: nothing of it stays, the Guardian is on guard, and the transaction around it goes on.

The error is kept, as a debugger or a shell keeps the last one: a cursor that its traceback held would keep the
statement running, and nothing could be committed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import neurograph
from neurograph import errors, flows, stores
from neurograph.flows.transfer import import_edges, import_tokens
from pressing import Call, pressed, pressed_inside

N = 400
FOLDERS = Path(stores.__file__).parent, Path(flows.__file__).parent
FIRST = np.arange(1, N + 1)
NEXT = FIRST % N + 1
VECTORS = np.ones((N, 2), np.float32)

# A user's own trigger makes bulk calls go row by row.
OWN = {
    "token": "create trigger mine after insert on token begin select 1; end",
    "edge": "create trigger mine after insert on edge begin select 1; end",
    "connection": "create trigger mine after insert on connection begin select 1; end",
    "item": "create trigger mine after insert on item begin select 1; end",
}
CALLS: dict[str, tuple[Call, str | None]] = {
    "tokens": (lambda db: db.tokens.create_many([None] * N, weight=np.full(N, 0.25)), None),
    "tokens by row": (lambda db: db.tokens.create_many([None] * N, weight=np.full(N, 0.25)), "token"),
    "tokens that exist": (
        lambda db: db.tokens.create_many([f"word {n}" for n in FIRST], weight=0.25, on_conflict="update"),
        None,
    ),
    "edges": (lambda db: db.graph.create_many(FIRST, NEXT), None),
    "edges by row": (lambda db: db.graph.create_many(FIRST, NEXT), "edge"),
    "connections": (lambda db: db.connections.create_many(FIRST, NEXT), None),
    "connections by row": (lambda db: db.connections.create_many(FIRST, NEXT), "connection"),
    "items": (lambda db: db.library.get("v").add(VECTORS, keys=[f"k{n}" for n in FIRST]), None),
    "items by row": (lambda db: db.library.get("v").add(VECTORS, keys=[f"k{n}" for n in FIRST]), "item"),
    "items that exist": (
        lambda db: db.library.get("v").add(VECTORS * 9, keys=[f"old {n}" for n in FIRST], on_conflict="update"),
        None,
    ),
    "tokens of a library": (lambda db: db.make_tokens("v"), None),
    "a library as a mind": (lambda db: db.bootstrap("v", k=2, place=False), None),
    "import of tokens": (lambda db: import_tokens(db, beside(db, "tokens.jsonl")), None),
    "import of edges": (lambda db: import_edges(db, beside(db, "edges.jsonl")), None),
}
TABLES = "token", "edge", "connection", "import_row", "item", "embedding"


def beside(db: neurograph.Database, name: str) -> Path:
    return Path(db.path).parent / name


@pytest.fixture
def mind(tmp_path: Path) -> Iterator[Callable[[str | None], neurograph.Database]]:
    for name, lines in {
        "tokens": ({"label": f"new {n}", "weight": 0.5} for n in FIRST.tolist()),
        "edges": ({"source": f"word {n}", "target": f"word {n % N + 1}"} for n in FIRST.tolist()),
    }.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        db.tokens.create_many([f"word {n}" for n in FIRST], weight=1.0)
        db.library.create("v", dimension=2, text_index=True).add(VECTORS[:100], keys=[f"old {n}" for n in FIRST[:100]])

        def prepared(own: str | None) -> neurograph.Database:
            if own is not None:
                db.execute(OWN[own])
            return db

        yield prepared


def counts(db: neurograph.Database) -> dict[str, int]:
    return {table: db.execute(f"select count(*) from {table}").fetchone()[0] for table in TABLES}


def on_guard(db: neurograph.Database, before: dict[str, int], created: int) -> None:
    """Nothing stayed but tokens that were created around the call, and the constitution holds."""
    assert counts(db) == {**before, "token": before["token"] + created}
    assert db.execute("select count(*) from token where weight = 0.25").fetchone() == (0,)
    assert db.execute("select count(distinct vector), max(norm_high) < 2 from embedding, library").fetchone() == (1, 1)
    with pytest.raises(errors.RuleViolated):
        db.execute("insert into token (weight) values (1e9)")


@pytest.mark.parametrize(("call", "own"), CALLS.values(), ids=CALLS)
def test_inside_sqlite(mind: Callable[[str | None], neurograph.Database], call: Call, own: str | None) -> None:
    """SQLite undoes the whole transaction; the next one finds everything as it was."""
    db = mind(own)
    before = counts(db)
    point, points = 1, 0
    while True:
        kept: list[BaseException] = []

        def in_a_transaction(db: neurograph.Database) -> None:
            with db.transaction():
                db.tokens.create("before")
                call(db)

        pressed_inside(point, db, in_a_transaction, kept)
        if not kept:
            break
        assert not db.in_transaction
        on_guard(db, before, 0)
        with db.transaction():
            db.tokens.delete(db.tokens.create("after").id)
        point, points = point + 1 + point // 3, points + 1
    assert points >= 5
    assert db.check() == []


@pytest.mark.filterwarnings("ignore:Exception ignored in. <generator")
@pytest.mark.filterwarnings("ignore:Exception ignored in. <_io", "ignore:unclosed file")  # pressed right after `open`
@pytest.mark.parametrize(("call", "own"), CALLS.values(), ids=CALLS)
def test_between_pythons_instructions(
    mind: Callable[[str | None], neurograph.Database], call: Call, own: str | None
) -> None:
    """The call is undone; the transaction around it goes on, whoever keeps the error."""
    db = mind(own)
    before = counts(db)
    left = point = points = 0
    while left <= 0:
        kept: list[BaseException] = []
        db.begin()
        db.tokens.create("before")
        left = pressed(point := point + 1 + point // 10, db, call, *FOLDERS, kept=kept).left
        if not kept:  # it ran through, or Ctrl-C came while Python closed a generator, where every error is lost
            db.rollback()
            continue
        db.execute("delete from import_run")  # an import that broke off could be resumed
        on_guard(db, before, 1)
        db.tokens.create("after")
        db.commit()
        assert not db.in_transaction
        db.tokens.delete("before")
        db.tokens.delete("after")
        points += 1
    assert points >= 15
    assert db.check() == []
