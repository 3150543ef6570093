"""The reserved vocabulary is one thing in Python and in SQL, and nobody changes it by any path.

Each claim about SQL is made three times: with apsw, with the stock shell where there is one, and with the
interpreter's own SQLite; the latter two in processes of their own, as a stranger's would be.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from neurograph.model.vocabulary import (
    CONNECTION_FAMILIES,
    CONNECTION_FLAGS,
    CONNECTION_TYPE_CODES,
    CONNECTION_TYPES,
    DOMAIN_CODES,
    DOMAINS,
    ENTITY_TYPE_CODES,
    ENTITY_TYPES,
    FIRST_USER_CODE,
    LAST_CODE,
    TOKEN_FLAGS,
    USER_FAMILY,
)

SCHEMA = (Path(__file__).resolve().parents[2] / "schema" / "0002_vocabulary.sql").read_text(encoding="utf-8")
TABLES = ("entity_type", "domain", "connection_type")
RESERVED = {"entity_type": 16, "domain": 16, "connection_type": 176}

# Statement for statement, errors gathered; then the rows of one query, as JSON.
MODULE = """
import json, sqlite3, sys
statements, query = json.load(sys.stdin)
db = sqlite3.connect(":memory:", isolation_level=None)
errors = []
for statement in statements:
    try:
        db.executescript(statement)
    except sqlite3.Error as error:
        errors.append(str(error))
print(json.dumps([errors, db.execute(query).fetchall()]))
"""


def by_apsw(statements: list[str], query: str) -> tuple[list[str], list[list[object]]]:
    db = apsw.Connection(":memory:")
    errors = []
    for statement in statements:
        try:
            db.execute(statement).fetchall()
        except apsw.Error as error:
            errors.append(str(error))
    return errors, [list(row) for row in db.execute(query)]


def by_module(statements: list[str], query: str) -> tuple[list[str], list[list[object]]]:
    answer = subprocess.run(
        [sys.executable, "-c", MODULE],
        input=json.dumps([statements, query]),
        capture_output=True,
        text=True,
        check=True,
    )
    errors, rows = json.loads(answer.stdout)
    return errors, rows


def by_shell(statements: list[str], query: str) -> tuple[list[str], list[list[object]]]:
    script = ";\n".join(statements) + f";\n.mode json\n{query};\n"
    # Read from standard input, the shell reports an error and goes on to the next statement.
    answer = subprocess.run([shell(), ":memory:"], input=script, capture_output=True, text=True, check=False)
    return answer.stderr.splitlines(), [list(row.values()) for row in json.loads(answer.stdout or "[]")]


def shell() -> str:
    found = shutil.which("sqlite3")
    assert found is not None
    return found


Run = Callable[[list[str], str], tuple[list[str], list[list[object]]]]
RUNS: list[Run] = [by_apsw, by_module, *([by_shell] if shutil.which("sqlite3") else [])]
every_path = pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
every_table = pytest.mark.parametrize("table", TABLES)


def all_rows(table: str) -> str:
    return f"select * from {table} order by code"


def rows_of(table: str) -> list[list[object]]:
    """Return the reserved rows as Python has them."""
    if table == "entity_type":
        return [[code, name, 1] for code, name in enumerate(ENTITY_TYPES)]
    if table == "domain":
        return [[code, name] for code, name in enumerate(DOMAINS)]
    return [
        [16 * place + position, name, family, mutability, 1]
        for place, (family, mutability, members) in enumerate(CONNECTION_FAMILIES)
        for position, name in enumerate(members)
    ]


# ---------------------------------------------------------------------------------------------- in Python


def test_there_are_16_entity_types_16_domains_and_176_connection_types_in_11_families() -> None:
    assert (len(ENTITY_TYPES), len(DOMAINS), len(CONNECTION_TYPES)) == (16, 16, 176)
    assert [len(members) for _, _, members in CONNECTION_FAMILIES] == [16] * 11


@pytest.mark.parametrize("names", [ENTITY_TYPES, DOMAINS, CONNECTION_TYPES])
def test_names_are_distinct_and_in_snake_case(names: tuple[str, ...]) -> None:
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() or name in {"and", "or", "not"} for name in names)
    assert all(name == name.lower() for name in names)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("synonym", 0x00),
        ("usage", 0x0E),
        ("cause", 0x10),
        ("before", 0x20),
        ("extended", 0x2F),
        ("near", 0x30),
        ("overlapping", 0x39),
        ("impossible", 0x4F),
        ("associated_with", 0x50),
        ("similar_to", 0x52),
        ("contains", 0x66),
        ("optimized_for", 0x7F),
        ("likes", 0x80),
        ("rule", 0x90),
        ("metaphor", 0x96),
        ("becomes", 0xA0),
        ("alternates", 0xAF),
    ],
)
def test_codes_are_those_of_the_originals(name: str, code: int) -> None:
    assert CONNECTION_TYPE_CODES[name] == code
    assert CONNECTION_TYPES[code] == name


def test_codes_and_names_are_each_others_inverse() -> None:
    for names, codes in (
        (ENTITY_TYPES, ENTITY_TYPE_CODES),
        (DOMAINS, DOMAIN_CODES),
        (CONNECTION_TYPES, CONNECTION_TYPE_CODES),
    ):
        assert [codes[name] for name in names] == list(range(len(names)))


def test_families_are_immutable_or_learnable_as_in_the_originals() -> None:
    immutable = {family for family, mutability, _ in CONNECTION_FAMILIES if mutability == 0}
    assert immutable == {"semantic", "spatial", "logical", "structural", "rule_metaphor"}
    assert {mutability for _, mutability, _ in CONNECTION_FAMILIES} == {0, 1}


def test_flags_are_single_bits_and_leave_the_entity_type_alone() -> None:
    assert sum(TOKEN_FLAGS.values()) == 0xFFFF & ~0x0F00
    assert sum(CONNECTION_FLAGS.values()) == 0xFF
    for flags in (TOKEN_FLAGS, CONNECTION_FLAGS):
        assert all(bit.bit_count() == 1 for bit in flags.values())
        assert len(set(flags.values())) == len(flags)


# ---------------------------------------------------------------------------------------------- in SQL


@every_path
@every_table
def test_the_rows_in_sql_equal_those_in_python(run: Run, table: str) -> None:
    assert run([SCHEMA], all_rows(table)) == ([], rows_of(table))


@every_path
@every_table
def test_users_rows_live_from_256_up(run: Run, table: str) -> None:
    script = [
        SCHEMA,
        f"insert into {table} (code, name) values ({FIRST_USER_CODE}, 'mine')",
        f"insert or replace into {table} (code, name) values ({FIRST_USER_CODE}, 'mine, again')",
        f"insert into {table} (code, name) values ({LAST_CODE}, 'last') on conflict do nothing",
        f"insert into {table} (code, name) values (256, 'x') on conflict (code) do update set name = 'up'",
        f"update {table} set code = 300 where name = 'up'",
        f"insert into {table} (code, name) values (400, 'gone')",
        f"delete from {table} where code = 400",
    ]
    assert run(script, f"select code, name from {table} where code > 255 order by code") == (
        [],
        [[300, "up"], [LAST_CODE, "last"]],
    )


@every_path
def test_users_connection_types_are_a_family_of_their_own_and_learnable(run: Run) -> None:
    script = [SCHEMA, "insert into connection_type (code, name) values (256, 'cites')"]
    assert run(script, "select * from connection_type where code > 255") == (
        [],
        [[256, "cites", USER_FAMILY, 1, 1]],
    )


@every_path
@every_table
@pytest.mark.parametrize("pragma", ["pragma recursive_triggers = off", "pragma recursive_triggers = on"])
def test_no_path_changes_a_reserved_row(run: Run, table: str, pragma: str) -> None:
    taken = rows_of(table)[1][1]
    refused = [
        # a reserved code, taken or not
        *(
            f"{verb} into {table} (code, name) values ({code}, 'new')"
            for verb in ("insert", "insert or replace", "insert or ignore", "replace")
            for code in (-1, 0, 15, RESERVED[table] - 1, RESERVED[table], 255, "'7'", "null", "max(3, 200)")
        ),
        # no code: an automatic one would be reserved, or next to a user's
        f"insert into {table} (name) values ('automatic')",
        f"insert or replace into {table} (name) values ('automatic')",
        f"insert into {table} (name) select 'automatic' || name from {table} where code = 256",
        # a reserved name
        f"insert into {table} (code, name) values (300, '{taken}')",
        f"insert or replace into {table} (code, name) values (300, '{taken}')",
        f"insert into {table} (code, name) values (300, '{taken}') on conflict (name) do update set code = 9",
        f"update {table} set name = '{taken}' where code = 256",
        f"update or replace {table} set name = '{taken}' where code = 256",
        # a reserved code by an update
        f"update {table} set code = 3 where code = 256",
        f"update or replace {table} set code = 3 where code = 256",
        f"update or replace {table} set rowid = 3 where code = 256",
        f"update or replace {table} set code = 200 where code = 256",
        # the reserved rows themselves
        f"update {table} set name = 'renamed' where code = 3",
        f"update or replace {table} set code = 300 where code = 3",
        f"update {table} set code = code + 1000",
        f"update {table} set name = name",
        f"delete from {table} where code = 3",
        f"delete from {table}",
        f"delete from {table} where name = '{taken}'",
    ]
    user = f"insert into {table} (code, name) values (256, 'mine')"
    errors, rows = run([SCHEMA, pragma, user, *refused], all_rows(table))
    assert rows[:-1] == rows_of(table)
    assert rows[-1][:2] == [256, "mine"]
    messages = [error for error in errors if "ng:vocabulary.reserved: " in error]
    assert len(messages) == len(errors) == len(refused)


@every_path
@every_table
def test_what_can_never_be_a_row_is_refused(run: Run, table: str) -> None:
    refused = [
        f"insert into {table} (code, name) values (65536, 'x')",
        f"insert into {table} (code, name) values (256, '')",
        f"insert into {table} (code, name) values (256, null)",
        f"insert into {table} (code, name) values (256, x'00')",
        f"insert into {table} (code, name) values ('a', 'x')",
        f"insert into {table} (code, name) values (256.5, 'x')",
    ]
    if table != "domain":
        refused += [f"insert into {table} (code, name, allowed) values (256, 'x', {wrong})" for wrong in (2, "null")]
    if table == "connection_type":
        refused += [
            "insert into connection_type (code, name, mutability) values (256, 'x', 3)",
            "insert into connection_type (code, name, family) values (256, 'x', 'semantic')",
        ]
    errors, rows = run([SCHEMA, *refused], all_rows(table))
    assert len(errors) == len(refused)
    assert rows == rows_of(table)


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no stock sqlite3 shell on the path")
def test_a_dump_of_the_stock_shell_restores_rows_and_rules(tmp_path: Path) -> None:
    user = "insert into connection_type (code, name) values (256, 'cites');"
    first, second = tmp_path / "first.ngdb", tmp_path / "second.ngdb"
    subprocess.run([shell(), first], input=SCHEMA + user, text=True, check=True)
    dump = subprocess.run([shell(), first, ".dump"], capture_output=True, text=True, check=True).stdout
    subprocess.run([shell(), "-bail", second], input=dump, text=True, check=True)
    objects = "select type, name, tbl_name, sql from sqlite_schema order by type, name"
    copies = [apsw.Connection(str(path)) for path in (first, second)]
    for query in (objects, *map(all_rows, TABLES)):
        before, after = (db.execute(query).fetchall() for db in copies)
        assert before == after
        assert before
    with pytest.raises(apsw.ConstraintError, match=r"ng:vocabulary\.reserved: "):
        copies[1].execute("delete from connection_type where code = 3")
    for db in copies:
        db.close()
