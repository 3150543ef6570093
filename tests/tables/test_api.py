"""What is registered is the API of SQL: names, order of columns and arguments, flags."""

from __future__ import annotations

from collections.abc import Iterator

import minds
import pytest

import neurograph
from neurograph import Database
from neurograph.functions import VALUE_FUNCTIONS
from neurograph.tables import FUNCTIONS
from neurograph.tables.rows import ROW_FUNCTIONS

TABLES = {
    "ng_links": ("id, type, key, weight", "token, direction, link_type"),
    "ng_bfs": ("id, depth", "token, max_depth, direction"),
    "ng_shortest_path": ("step, id, type, cost", "source, target, by"),
    "ng_spread": ("id, energy, depth", "token, strength"),
    "ng_pagerank": ("id, score", ""),
    "ng_components": ("id, component", "strong"),
    "ng_near": ("id, distance", "token, k, level"),
    "ng_in_range": ("id, distance", "level, x, y, z, radius"),
    "ng_density": ("value", "level, x, y, z, radius"),
    "ng_influence": ("value", "level, x, y, z, radius, falloff"),
    "ng_knn": ("id, key, distance", "library, query, k, among"),
    "ng_match": ("id, key, score", "library, text, k, among, syntax"),
    "ng_hybrid": ("kind, id, score, legs", "query, k, library"),
    "ng_messages": (
        "id, state, priority, due_ns, expires_ns, published_ns, attempts, origin, key, headers, payload, result",
        "of_channel, in_state",
    ),
}
"""Table-valued functions: columns and arguments; `ng_cdna_at` has the columns of the table `cdna`."""

VALUES = {
    "ng_compose_id": "id, entity_type, domain",
    "ng_edge_id": "source, target, type",
    "ng_force": "distance, preferred_distance, rigidity, pull, confidence",
    "ng_level": "level",
    "ng_point_distance": "x1, y1, z1, x2, y2, z2",
    "ng_word_id": "word",
}
"""Scalar functions on values, and their arguments."""

ROWS = {
    "ng_embed": ("library, text, kind", 2),
    "ng_token_distance": ("a, b, level", 2),
    "ng_token_record": ("token", 1),
}
"""Scalar functions that read rows: their arguments, and how many must be given."""

DETERMINISTIC, DIRECTONLY, INNOCUOUS = 0x800, 0x80000, 0x200000


@pytest.fixture(scope="module")
def memory() -> Iterator[Database]:
    with neurograph.open(":memory:") as db:
        yield db


def test_the_table_valued_functions_are_these_and_no_others(memory):
    found = memory.execute("select name from pragma_module_list where name like 'ng\\_%' escape '\\'")
    assert {name for (name,) in found} == {*TABLES, "ng_cdna_at"}
    assert [function.name for function in FUNCTIONS] == [*TABLES, "ng_cdna_at"] == [*minds.PYTHON]


@pytest.mark.parametrize("name", TABLES)
def test_columns_and_arguments_stand_in_this_order_in(memory, name):
    found = memory.execute(f"select name, hidden from pragma_table_xinfo('{name}') order by cid").fetchall()
    assert ", ".join(column for column, hidden in found if not hidden) == TABLES[name][0]
    assert ", ".join(column for column, hidden in found if hidden) == TABLES[name][1]


def test_the_constitution_at_a_time_has_the_columns_of_its_table_and_one_argument(memory):
    sql = "select name, lower(type), hidden from pragma_table_xinfo(?) order by cid"
    table = memory.execute(sql, ["cdna"]).fetchall()
    assert memory.execute(sql, ["ng_cdna_at"]).fetchall() == [*table, ("moment", "", 1)]


def test_the_scalar_functions_are_these_and_no_others(memory):
    found = memory.execute(
        "select distinct name, narg, flags from pragma_function_list where name like 'ng\\_%' escape '\\'"
    ).fetchall()
    values = {(name, len(arguments.split(", "))) for name, arguments in VALUES.items()}
    rows = {
        (name, count)
        for name, (arguments, least) in ROWS.items()
        for count in range(least, len(arguments.split(", ")) + 1)
    }
    assert {(name, count) for name, count, _ in found} == values | rows
    assert {function.name: ", ".join(function.arguments) for function in VALUE_FUNCTIONS} == VALUES
    assert {f.name: (", ".join(f.arguments), f.required) for f in ROW_FUNCTIONS} == ROWS


def test_functions_on_values_are_innocuous_and_deterministic_and_those_on_rows_are_direct_only(memory):
    found = memory.execute(
        "select name, flags from pragma_function_list where name like 'ng\\_%' escape '\\'"
    ).fetchall()
    assert found
    for name, flags in found:
        if name in VALUES:
            assert flags & (DETERMINISTIC | INNOCUOUS | DIRECTONLY) == DETERMINISTIC | INNOCUOUS, name
        else:
            assert flags & (DETERMINISTIC | INNOCUOUS | DIRECTONLY) == DIRECTONLY, name


def test_every_connection_has_them(tmp_path):
    with minds.open_mind(tmp_path / "mind.ngdb") as db, db.reader() as reader, db.snapshot():
        sql = "select count(*), ng_token_distance(1, 2, 'physical') > 0 from ng_bfs('a')"
        assert db.execute(sql).fetchall() == reader.execute(sql).fetchall() == [*db.stream(sql)] == [(5, 1)]
