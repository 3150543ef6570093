"""Promise P11 on one page: what a SQLite without anything of ours does with a file, while this process has it open.

It reads every table and view, inserts, upserts, replaces, updates, deletes, alters, vacuums, dumps and restores; it is
refused what the constitution refuses, in words that name the rule; and after each of these the next answer of handles
that hold arrays of the older state is right. Two such SQLites take the part: the `sqlite3` shell, where there is one,
and Python's own `sqlite3` module, each in a process of its own. The rules one by one are in the other files here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import neurograph
from conftest import KERNELS_OFF
from naive_graph import Edge, NaiveGraph
from naive_grid import Token, nearest, within
from neurograph.stores.graph.arrays import GRAPH
from neurograph.stores.grid.arrays import LEVEL_KINDS
from stock import STOCK, Module, Shell

TOKENS = 700  # two chunks of ids, and a part of the second
POINT = (40.25, 0.0, 1.0)


@pytest.fixture(params=STOCK)
def stock(request: pytest.FixtureRequest) -> Shell | Module:
    return request.param


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file with a chain of tokens on a line, shortcuts, connections, an index and saved arrays."""
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path, synchronous="off") as db:
        place = [[n / 2, n % 3, 1.0] for n in range(TOKENS)]
        ids = db.tokens.create_many([f"t{n}" for n in range(1, TOKENS + 1)], coordinates={"physical": place})
        db.graph.create_many(ids[:-1], ids[1:], weight=0.5, bidirectional=ids[1:] % 4 == 0)
        db.graph.create_many(ids[:-50:20], ids[50::20], type="before", weight=0.25)
        for source, target in ((1, 3), (5, 90), (600, 610)):
            db.connections.create(source, target, type="fears")
        db.index("token", "$.year")
        db.tokens.update(3, properties={"year": 1979, "said": "it's"})
        db.optimize()
    return path


@pytest.fixture
def handles(path: Path) -> Iterator[dict[str, neurograph.Database]]:
    """Yield the file open with each engine, for as long as the test runs."""
    with ExitStack() as stack:
        engines = ("auto", "sql") if KERNELS_OFF else ("numba", "sql")
        yield {engine: stack.enter_context(neurograph.open(path, engine=engine)) for engine in engines}


def answers(db: neurograph.Database) -> dict[str, Any]:
    """Return what the engine answers."""
    return {
        "bfs": list(map(tuple, db.graph.bfs(1))),
        "bfs, both ways, in SQL": db.execute("select id, depth from ng_bfs(2, 9, 'both')").fetchall(),
        "components": dict(map(tuple, db.graph.components())),
        "path": [step.id for step in db.graph.steps(1, 60, cost="hops") or ()],
        "nearest": list(map(tuple, db.grid.nearest(POINT, 12, level="physical"))),
        "in range": db.execute("select id, distance from ng_in_range('physical', ?, ?, ?, 9.5)", POINT).fetchall(),
        "tokens": [(token.id, token.label, token.weight) for token in db.tokens],
        "degree": db.graph.degree(2),
        "links": [(link.id, link.weight) for link in db.graph.links(5)],
        "connections": [(found.source, found.target, found.pull) for found in db.connections.list()],
    }


def truth(stock: Shell | Module, path: Path) -> dict[str, Any]:
    """Return the same from what the stock SQLite reads, by slow and obvious means."""
    tokens, rows, placed, pulls = stock.rows(
        path,
        "select id, label, weight from token order by id",
        "select source, target, type, key, weight, bidirectional from edge order by source, type, target, key",
        "select id, physical_x, physical_y, physical_z from token where physical_x is not null",
        "select source, target, pull from connection order by id",
    )
    edges = [Edge(*row[:5], bool(row[5])) for row in rows]
    space = [Token(id, (x, y, z)) for id, x, y, z in placed]
    graph = NaiveGraph([id for id, _, _ in tokens], edges)
    links = sorted((e.target, e.type, e.key, e.weight) for e in edges if e.source == 5)
    links += sorted((e.source, e.type, e.key, e.weight) for e in edges if e.target == 5 and e.bidirectional)
    components: dict[int, int] = {}
    for id in graph.ids:
        if id not in components:
            components |= dict.fromkeys((far for far, _ in graph.bfs(id, direction="both")), id)
    return {
        "bfs": graph.bfs(1),
        "bfs, both ways, in SQL": graph.bfs(2, 9, "both"),
        "components": components,
        "path": graph.shortest_path(1, 60) or [],
        "nearest": nearest(space, POINT, 12),
        "in range": within(space, POINT, 9.5),
        "tokens": tokens,
        "degree": sum(2 in (edge.source, edge.target) for edge in edges),
        "links": [(far, weight) for far, _, _, weight in sorted(links)],
        "connections": pulls,
    }


def everything(read: Callable[..., list[Any]], columns: dict[str, list[str]]) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of tables and views, bytes as hex, numbers to 12 digits: 3.40 prints no more exactly."""
    value = """case typeof("{0}") when 'blob' then hex("{0}") else "{0}" end as c{1}"""
    queries = [
        f'select {", ".join(value.format(column, at) for at, column in enumerate(found))} from "{name}"'
        for name, found in columns.items()
    ]
    return {
        name: sorted((tuple(float(f"{v:.12g}") if isinstance(v, float) else v for v in row) for row in rows), key=repr)
        for name, rows in zip(columns, read(*queries), strict=True)
    }


def tables_and_views(db: neurograph.Database) -> dict[str, list[str]]:
    """Return the columns of every table and view of the file."""
    found: dict[str, list[str]] = {}
    for name, column in db.execute(
        """select s.name, c.name
             from sqlite_schema as s join pragma_table_xinfo(s.name) as c
            where s.type in ('table', 'view') and s.name <> 'sqlite_stat4'  -- which SQLite builds without it can't see
            order by s.name, c.cid"""
    ):
        found.setdefault(name, []).append(column)
    return found


STEPS: dict[str, tuple[str, ...]] = {
    "inserts": (
        "insert into token (label, physical_x, physical_y, physical_z) values ('new', 40.5, 0, 1), ('bare', 0, 0, 0)",
        "insert into edge (source, target, weight) select 1, id, 0.75 from token where label = 'new'",
        "insert into edge (source, target, type, key) select id, 55, 2, 'k' from token where label = 'new'",
        "insert into connection (source, target, type, pull) values (610, 2, 132, 2.0)",
    ),
    "upserts": (
        "insert into token (label, weight) values ('t5', 0.125) on conflict (label) do update set weight = 0.125",
        """insert into token (id, physical_x, physical_y, physical_z) values (640, 40, 0, 0)
               on conflict (id) do update set physical_x = excluded.physical_x""",
        "insert into edge (source, target) values (5, 6), (5, 600) on conflict do update set bidirectional = 1",
        "insert into connection (source, target, type) values (1, 3, 132) on conflict do update set pull = 3.5",
    ),
    "replaces": (
        "insert or replace into token (label, physical_x, physical_y, physical_z) values ('t90', 41, 0, 1)",
        "insert or replace into token (id, label) values (12, 'twelve')",
        "insert or replace into token (id, label) values (600, 't14')",
        "insert or replace into edge (source, target, weight) values (30, 31, 0.875)",
        "replace into connection (source, target, type, pull) values (1, 3, 132, 4.0)",
    ),
    "updates": (
        "update token set physical_x = 350 - physical_x where id between 500 and 540",
        "update token set physical_x = null, physical_y = null, physical_z = null where id = 81",
        "update token set label = 'renamed', weight = 0.5 where label = 't82'",
        "update edge set target = 300 where source = 40 and type = 80",
        "update or replace edge set target = 52 where source = 50 and target = 51",
        "update edge set bidirectional = 1 where source between 200 and 210",
        "update connection set pull = pull / 2",
    ),
    "deletes": (
        "delete from edge where source between 100 and 103",
        "delete from token where id in (20, 83, 610) or label = 'bare'",
        "delete from connection where source = 5",
    ),
    "what is rolled back": ("begin", "delete from token", "update edge set weight = 0", "rollback"),
    "savepoints": ("savepoint a", "delete from token where id = 84", "savepoint b", "delete from edge", "rollback to b",
                   "release a"),
    "alterations": (
        "alter table token add column mood text",
        "update token set mood = 'calm' where id < 5",
        "alter table edge add column note text default 'none'",
        "create table mine (id integer primary key, token_id integer references token, word text)",
        "insert into mine (token_id, word) values (1, 'one'), (2, 'two')",
        "alter table mine rename to ours",
        "alter table ours rename column word to said",
        "create index ours_by_word on ours (said)",
        "create index token_by_mood on token (mood)",
        "create view calm as select id, mood from token where mood is not null",
        "insert into token (label, mood, physical_x, physical_y, physical_z) values ('moody', 'wild', 40.25, 0, 1)",
    ),
    "upkeep": ("vacuum", "reindex", "analyze", "pragma optimize"),
    "what comes after upkeep": (
        "update token set physical_x = 40.25 where id = 700",
        "insert into edge (source, target) values (700, 1)",
        "update ours set said = 'three' where id = 2",
        "alter table edge drop column note",
    ),
}  # fmt: skip

REFUSED = {
    "insert into token (weight) values (1.5)": "ng:token.weight: ",
    "insert or replace into token (id, weight) values (1, 7)": "ng:token.weight: ",
    "update or ignore token set entity_type = 250 where id = 2": "ng:token.entity_type: ",
    "update token set id = 5000 where id = 2": "ng:token.id: ",
    "insert into edge (source, target) values (1, 99999)": "ng:edge.target: ",
    "insert or ignore into edge (source, target, weight) values (2, 300, 1.25)": "ng:edge.weight: ",
    "update edge set type = 255 where source = 2": "ng:edge.type: ",
    "insert into edge (source, target, bidirectional) values (2, 1, 1)": "ng:edge.bidirectional: ",
    "insert into connection (source, target, pull) values (2, 300, 11)": "ng:connection.pull: ",
    "update connection set id = id + 100": "ng:connection.id: ",
    "update cdna set max_token_weight = 9": "ng:cdna.",
    "delete from cdna": "ng:cdna.",
    "delete from entity_type where code = 5": "ng:vocabulary.reserved: ",
    "update token set physical_y = null where id = 1": "CHECK constraint failed",
}  # fmt: skip


def test_a_stock_sqlite_does_all_of_it_and_the_engine_stays_right(
    stock: Shell | Module, path: Path, handles: dict[str, neurograph.Database], tmp_path: Path
) -> None:
    ours = tables_and_views(handles["sql"])
    assert {"token", "edge", "connection", "cdna", "cdna_current", "mark", "derived_chunk", "migration"} <= ours.keys()
    read = partial(stock.rows, path)
    for step, statements in {"nothing": (), **STEPS}.items():
        assert stock.write(path, statements) == [""] * len(statements), step
        check(stock, path, handles, step)
        before = everything(read, ours)
        messages = stock.write(path, list(REFUSED))
        for (sql, rule), message in zip(REFUSED.items(), messages, strict=True):
            assert rule in message, (step, sql, message)
        assert everything(read, ours) == before, step
        check(stock, path, handles, f"refusals after {step}")
    copies_are_as_good(stock, path, handles["sql"], tmp_path / "copy.ngdb")


def check(stock: Shell | Module, path: Path, handles: dict[str, neurograph.Database], step: str) -> None:
    """Ask every handle and the stock SQLite, which must agree."""
    expected = truth(stock, path)
    for engine, db in handles.items():
        found = answers(db)
        for question, answer in expected.items():
            assert found[question] == answer, (step, engine, question)
        assert db._derived.loaded(GRAPH) == db._derived.loaded(LEVEL_KINDS["physical"]) == (engine == "numba")
    assert handles["sql"].check() == [], step


def copies_are_as_good(stock: Shell | Module, path: Path, db: neurograph.Database, copy: Path) -> None:
    """A dump restores every table row for row; the engine opens it, and writes on from there."""
    stock.copy(path, copy)
    all_of_it = tables_and_views(db)
    assert {"ours", "calm", "sqlite_stat1"} <= all_of_it.keys()
    kept = everything(lambda *queries: [db.execute(sql).fetchall() for sql in queries], all_of_it)
    assert everything(partial(stock.rows, path), all_of_it) == kept
    assert everything(partial(stock.rows, copy), all_of_it) == kept
    with neurograph.open(copy) as restored:
        assert restored.check() == []
        assert answers(restored) == answers(db)
        assert restored.indexes() == db.indexes() != []
        assert restored.tokens.create().id == db.tokens.create().id
        assert restored.execute("select said from ours").fetchall() == [("one",), ("three",)]
