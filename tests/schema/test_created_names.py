"""What the schema files are read to create is what SQLite creates from them."""

from __future__ import annotations

import apsw

from neurograph.migrate import _expected, migrations, named_after


def test_every_object_of_the_schema_is_named() -> None:
    connection = apsw.Connection(":memory:")
    for migration in migrations():
        connection.execute(migration.sql).fetchall()
    rows = connection.execute("select name from sqlite_schema where sql is not null and name not glob 'sqlite_*'")
    created = {name for (name,) in rows}
    assert _expected(migrations())[0] == created


def test_only_the_beginning_of_a_line_counts() -> None:
    sql = "create table a(n);\n-- create table b\n  create table c (n);\ncreate unique index d on a (n);\n"
    assert list(named_after("create", sql)) == ["a", "d"]
    assert list(named_after("drop", f"{sql}drop table a;\n")) == ["a"]
