"""A file that a stock `sqlite3` dumped and restored opens as it was, and is migrated where its schema is older."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from schemas import NEWEST, NEXT, STATEMENTS, content, fill, first, ours, schema, script, version

import neurograph
from neurograph import errors
from processes import files, needs_shell, python, shell


def by_the_shell(source: Path, target: Path) -> None:
    shell(target, shell(source, ".dump\n"))


def by_the_module(source: Path, target: Path) -> None:
    python(
        """
        import sqlite3, sys
        source, target = map(sqlite3.connect, sys.argv[1:])
        target.executescript("\\n".join(source.iterdump()))
        """,
        source,
        target,
    )


@pytest.fixture(params=[pytest.param(by_the_shell, marks=needs_shell), by_the_module], ids=["shell", "module"])
def restore(request: pytest.FixtureRequest) -> Callable[[Path, Path], None]:
    return request.param  # type: ignore[no-any-return]


def whole(path: Path) -> dict[str, list[object]]:
    """Return the rows of every table, without what the planner counted and the sum by which a schema is known."""
    with neurograph.open(path) as db:
        db.execute("delete from meta where name = 'schema_sum'")
        tables = "select name from sqlite_schema where type = 'table' and name not glob 'sqlite_stat*'"
        return {name: sorted(db.execute(f"select * from {name}"), key=repr) for (name,) in db.execute(tables)}


def test_it_opens_and_is_sound_and_whole(tmp_path: Path, restore: Callable[[Path, Path], None]) -> None:
    source, target = tmp_path / "mind.ngdb", tmp_path / "restored.ngdb"
    fill(source)
    with neurograph.open(source) as db:
        db.execute("create table note (text)")
        db.execute("insert into note values ('it''s; a\nnote')")
        db.execute("alter table token add column color text default 'grey'")
        db.index("token", "$.far")
        db.optimize()
    restore(source, target)
    assert version(target)[0] == 0  # a dump restores neither pragma
    with neurograph.open(target) as db:
        assert db.check() == []
        assert [index.name for index in db.indexes()] != []
    assert version(target) == (NEWEST,) * 3
    assert whole(target) == whole(source)
    assert files(target) == [target.name]


def test_it_can_be_read_before_it_was_opened_to_write(tmp_path: Path, restore: Callable[[Path, Path], None]) -> None:
    source, target = tmp_path / "mind.ngdb", tmp_path / "restored.ngdb"
    fill(source)
    restore(source, target)
    with neurograph.open(target, mode="r") as db:
        assert db.tokens.get("sun").properties == {"far": 1.5}
    assert version(target)[0] == 0


def test_one_of_an_older_schema_is_migrated(tmp_path: Path, restore: Callable[[Path, Path], None]) -> None:
    source, target = tmp_path / "mind.ngdb", tmp_path / "restored.ngdb"
    fill(source)
    restore(source, target)
    with schema(ours(tmp_path / "next", script(*STATEMENTS))):
        with pytest.raises(errors.OlderSchema, match=f"has schema {NEWEST}"):
            neurograph.open(target, mode="r")
        with neurograph.open(target) as db:
            assert db.check() == []
            assert db.execute("select count(*) from trace").fetchall() == [(102,)]
    assert version(target) == (NEXT,) * 3
    assert content(target) == content(source)
    copy = tmp_path / f"restored.ngdb.schema-{NEWEST}"
    with neurograph.open(copy) as db:
        assert db.check() == []
    assert content(copy) == content(source)


def test_an_empty_one_of_any_older_schema_is_migrated(tmp_path: Path, restore: Callable[[Path, Path], None]) -> None:
    for older in (1, NEWEST - 2):
        source, target = tmp_path / f"{older}.ngdb", tmp_path / f"{older}-restored.ngdb"
        with schema(first(tmp_path / f"older-{older}", older)):
            neurograph.open(source).close()
        restore(source, target)
        with neurograph.open(target, backup=False) as db:
            assert db.check() == []
            assert db.tokens.create().id == 1


def test_a_newer_one_is_refused(tmp_path: Path, restore: Callable[[Path, Path], None]) -> None:
    source, target = tmp_path / "mind.ngdb", tmp_path / "restored.ngdb"
    with schema(ours(tmp_path / "next", script(*STATEMENTS))):
        neurograph.open(source).close()
    restore(source, target)
    before = target.read_bytes()
    with pytest.raises(errors.NewerSchema, match=f"has schema {NEXT}"):
        neurograph.open(target)
    assert target.read_bytes() == before
