"""Tokens by plain SQL: every way to write a row, against a plain model, with SQLite's switches on and off."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

import neurograph
from naive_tokens import QUERIES, Mind, RefusedError, expected, statements
from neurograph.model.levels import LEVELS

SWITCHES = [(keys, recursive) for keys in (0, 1) for recursive in (0, 1)]


@pytest.fixture
def connection(tmp_path: Path) -> apsw.Connection:
    """Return a bare connection, as any program has one."""
    path = tmp_path / "mind.ngdb"
    neurograph.open(path, synchronous="off").close()
    connection = apsw.Connection(str(path))
    connection.pragma("synchronous", 0)
    return connection


@pytest.mark.parametrize(("keys", "recursive"), SWITCHES)
@pytest.mark.parametrize("seed", range(3))
def test_random_statements_equal_the_model(connection: apsw.Connection, keys: int, recursive: int, seed: int) -> None:
    connection.pragma("foreign_keys", keys)
    connection.pragma("recursive_triggers", recursive)
    mind = Mind()
    connection.execute("begin")
    for step, (sql, same) in enumerate(statements(seed, mind, 1500)):
        refused = []
        for run in (lambda sql=sql: connection.execute(sql), same):
            try:
                run()
                refused.append(False)
            except (apsw.ConstraintError, RefusedError):
                refused.append(True)
        assert refused[0] == refused[1], (step, sql)
        if step % 10 == 0:
            assert [connection.execute(query).fetchall() for query in QUERIES] == expected(mind), (step, sql)
    connection.execute("commit")
    assert [connection.execute(query).fetchall() for query in QUERIES] == expected(mind)
    path = connection.db_filename("main")
    connection.close()
    with neurograph.open(path, synchronous="off") as db:
        assert db.check() == []


NONCES = "select chunk, nonce from mark where subject = 'token'"


@pytest.mark.parametrize(
    "statement",
    [
        "insert into token (id) values (600)",
        "insert into token (label) values ('new')",
        "insert or replace into token (id) values (600)",
        "insert or replace into token (label) values ('low')",
        "insert or replace into token (id, label) values (600, 'low')",
        "update or replace token set label = 'low' where id = 700",
        "update token set weight = 0.25 where id = 700",
        "update token set field_radius = 0.25 where id = 700",
        "update token set field_strength = 0.25 where id = 700",
        *(f"update token set {level}_x = 1, {level}_y = 1, {level}_z = 1 where id = 700" for level in LEVELS),
        "insert into token (id) values (700) on conflict do update set weight = 0.125",
        "delete from token where id = 1",
        "delete from token",
    ],
)
def test_every_change_of_existence_place_or_weight_draws_a_nonce(connection: apsw.Connection, statement: str) -> None:
    connection.execute("insert into token (id, label) values (1, 'low'), (700, 'high')")
    before = dict(connection.execute(NONCES))
    rows = dict(connection.execute("select id, id >> 9 from token"))
    values = "select id, weight, field_radius, field_strength, coalesce(physical_x, social_x) from token"
    places = {row[0]: row for row in connection.execute(f"select * from ({values})")}
    connection.execute(statement)
    after = dict(connection.execute(NONCES))
    there = dict(connection.execute("select id, id >> 9 from token"))
    changed = {number >> 9 for number in rows.keys() ^ there.keys()}
    changed |= {row[0] >> 9 for row in connection.execute(f"select * from ({values})") if places.get(row[0]) != row}
    assert changed <= {chunk for chunk in after if after[chunk] != before.get(chunk)}


def test_a_label_alone_draws_no_nonce(connection: apsw.Connection) -> None:
    connection.execute("insert into token (label) values ('a')")
    before = connection.execute(NONCES).fetchall()
    connection.execute("update token set label = 'b', flags = 2, entity_type = 5, properties = '{}'")
    assert connection.execute(NONCES).fetchall() == before


def test_a_note_that_an_ignored_row_leaves_harms_nothing(connection: apsw.Connection) -> None:
    connection.execute("insert into token (label) values ('a'), ('b')")
    connection.execute("insert into edge (source, target) values (1, 2)")
    connection.execute("insert or ignore into token (label) values ('a')")
    connection.execute("update or ignore token set label = 'a' where id = 2")
    connection.execute("insert into token (label) values ('c')")
    assert connection.execute("select count(*) from edge").fetchone() == (1,)
    connection.execute("insert or ignore into token (label) values ('a')")
    connection.execute("delete from token where label = 'a'")
    connection.execute("insert into token (label) values ('a')")
    assert connection.execute(
        "select (select count(*) from edge), (select count(*) from displaced_token)"
    ).fetchone() == (
        0,
        0,
    )


@pytest.mark.parametrize("name", ["id", "rowid", "oid", "_rowid_"])
@pytest.mark.parametrize("conflict", ["", "or replace", "or ignore"])
def test_an_id_never_changes_under_any_of_its_names(connection: apsw.Connection, name: str, conflict: str) -> None:
    connection.execute("insert into token (label) values ('a'), ('b')")
    for value in (2, 9):
        with pytest.raises(apsw.ConstraintError, match=r"ng:token\.id"):
            connection.execute(f"update {conflict} token set {name} = {value} where id = 1")
    connection.execute(f"update {conflict} token set {name} = id, weight = 0.25 where id = 1")
    assert connection.execute("select id, weight from token").fetchall() == [(1, 0.25), (2, 0.5)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", "0"),
        ("id", "-3"),
        ("id", "9.5"),
        ("uid", "x'00'"),
        ("uid", "null"),
        ("label", "''"),
        ("label", "'a' || char(0) || 'b'"),
        ("label", "x'61'"),
        ("entity_type", "null"),
        ("entity_type", "16"),
        ("entity_type", "-1"),
        ("entity_type", "300"),
        ("domain", "16"),
        ("domain", "70000"),
        ("flags", "-1"),
        ("flags", "65536"),
        ("flags", "1.5"),
        ("weight", "9e999"),
        ("weight", "-9e999"),
        ("weight", "null"),
        ("weight", "'heavy'"),
        ("weight", "1.01"),
        ("field_radius", "-0.01"),
        ("field_radius", "9e999"),
        ("field_radius", "2.56"),
        ("field_strength", "9e999"),
        ("field_strength", "-0.5"),
        ("created_ns", "null"),
        ("modified_ns", "'now'"),
        ("properties", "'[1]'"),
        ("properties", "'{'"),
        ("properties", "'{}' || char(0) || '!'"),
        ("properties", "x'7b7d'"),
    ],
)
@pytest.mark.parametrize("keys", [0, 1])
def test_what_is_never_legal_is_refused(connection: apsw.Connection, column: str, value: str, keys: int) -> None:
    connection.pragma("foreign_keys", keys)
    connection.execute("insert into token (id, label) values (1, 'a')")
    before = connection.execute("select * from token").fetchall()
    with pytest.raises((apsw.ConstraintError, apsw.MismatchError)):
        connection.execute(f"insert into token ({column}) values ({value})")
    with pytest.raises((apsw.ConstraintError, apsw.MismatchError)):
        connection.execute(f"update token set {column} = {value}")
    assert connection.execute("select * from token").fetchall() == before


@pytest.mark.parametrize(
    ("column", "beyond", "closer", "within"),
    [
        ("weight", 3.0, 2.0, 0.5),
        ("weight", -3.0, -2.0, 0.0),
        ("field_radius", 9.0, 4.0, 1.0),
        ("field_strength", -1.0, -0.5, 0.5),
    ],
)
def test_a_value_beyond_a_limit_may_move_towards_it(
    connection: apsw.Connection, column: str, beyond: float, closer: float, within: float
) -> None:
    connection.execute("update cdna_current set validation = 0")
    connection.execute(f"insert into token ({column}) values ({beyond})")
    connection.execute("update cdna_current set validation = 1")
    rule = rf"ng:token\.{column}"
    for value in (beyond, closer, closer):
        connection.execute(f"update token set {column} = {value}")
    with pytest.raises(apsw.ConstraintError, match=rule):
        connection.execute(f"update token set {column} = {beyond}")
    connection.execute(
        f"update token set label = 'a', physical_x = 1, physical_y = 1, physical_z = 1, {column} = {column}"
    )
    connection.execute(f"update token set {column} = {within}")
    with pytest.raises(apsw.ConstraintError, match=rule):
        connection.execute(f"update token set {column} = {closer}")


def test_a_type_that_is_switched_off_takes_no_more_tokens(connection: apsw.Connection) -> None:
    connection.execute("insert into entity_type (code, name) values (256, 'dream')")
    connection.execute("insert into token (entity_type) values (256), (0)")
    connection.execute("update entity_type set allowed = 0 where code = 256")
    for refused in ("insert into token (entity_type) values (256)", "update token set entity_type = 256 where id = 2"):
        with pytest.raises(apsw.ConstraintError, match=r"ng:token\.entity_type"):
            connection.execute(refused)
    connection.execute("update token set entity_type = 256, weight = 0.25 where id = 1")  # it has that type already
    connection.execute("update cdna_current set validation = 0")
    connection.execute("insert into token (entity_type) values (256)")


def test_modified_moves_with_every_change_but_not_by_itself(connection: apsw.Connection) -> None:
    def modified() -> int:
        value = connection.execute("select modified_ns from token").fetchone()[0]
        assert isinstance(value, int)
        return value

    connection.execute("insert into token (label, created_ns, modified_ns) values ('a', 5, 5)")
    connection.execute("update token set weight = 0.25")
    first = modified()
    assert first > 10**18
    connection.execute("update token set properties = '{}'")
    assert modified() > first
    connection.execute("update token set modified_ns = 7, weight = 0.5")
    assert modified() == 7  # who writes it means it
    connection.execute("update token set created_ns = 6, legacy_id = 1")
    assert modified() == 7
    connection.execute("update token set modified_ns = 4000000000000000000")
    connection.execute("update token set flags = 2")
    assert modified() == 4000000000000000001  # a clock that was set back does not turn time back
