"""What users add is left alone, over a migration too; what they change or drop of ours is named."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from schemas import NEXT, STATEMENTS, content, fill, ours, schema, script, version

import neurograph
from neurograph import errors, migrate
from processes import digest

THEIRS = (
    "create table note (id integer primary key, token_id integer references token (id) on delete set null, text)",
    "insert into note (token_id, text) values (1, 'warm'), (2, 'bright'), (null, 'nobody''s')",
    "create table scrap (anything)",
    "create index note_token on note (token_id)",
    "alter table token add column color text default 'grey'",
    "alter table cdna add column author text",
    "update token set color = 'yellow' where label = 'sun'",
    "create index token_color on token (color) where color <> 'grey'",
    "create view bright as select label from token where color = 'yellow'",
    "create trigger note_of_new after insert on token begin insert into note (token_id) values (new.id); end",
    "create trigger no_orphans before delete on token begin delete from note where token_id = old.id; end",
)


def raw(path: Path, *statements: str) -> None:
    """Run SQL as another program does, without our functions and with foreign keys off."""
    with closing(apsw.Connection(str(path))) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mind.ngdb"
    fill(path)
    return path


def objects(path: Path) -> set[Any]:
    with closing(apsw.Connection(str(path))) as connection:
        return set(connection.execute("select type, name, tbl_name, sql from sqlite_schema"))


def test_one_that_is_compared_object_by_object_opens_beside_a_writer(path: Path) -> None:
    raw(path, *THEIRS)
    with closing(apsw.Connection(str(path))) as writer:
        writer.execute("begin immediate")
        with neurograph.open(path, busy_timeout_s=0) as db:
            assert db.tokens.get("sun").label == "sun"
        writer.execute("rollback")


class TestLeftAlone:
    def test_tables_indexes_triggers_views_and_columns_outlive_a_migration(self, path: Path, tmp_path: Path) -> None:
        before = objects(path)
        raw(path, *THEIRS)
        theirs = {row for row in objects(path) - before if row[1] not in ("token", "cdna")}
        assert len(theirs) == 7
        rows = content(path)
        with schema(ours(tmp_path / "next", script(*STATEMENTS))), neurograph.open(path) as db:
            assert db.check() == []
            assert theirs <= set(db.execute("select type, name, tbl_name, sql from sqlite_schema"))
            assert db.execute("select * from bright").fetchall() == [("sun",)]
            assert db.execute("select color, mood from token where label = 'sun'").fetchall() == [("yellow", 0.0)]
            notes = "select token_id, text from note order by id"
            assert db.execute(notes).fetchall() == [(1, "warm"), (2, "bright"), (None, "nobody's")]
            token = db.tokens.create("dusk")
            assert db.execute(notes).fetchall()[3:] == [(token.id, None)]
            db.tokens.delete("dusk")
            assert db.execute(notes).fetchall()[3:] == []
        assert content(path) == rows
        assert version(path) == (NEXT, NEXT, NEXT)

    def test_property_indexes_outlive_a_migration(self, path: Path, tmp_path: Path) -> None:
        with neurograph.open(path) as db:
            db.index("token", "$.far")
            before = db.indexes()
        with schema(ours(tmp_path / "next", script(*STATEMENTS))), neurograph.open(path) as db:
            assert db.indexes() == before != []
            assert db.check() == []

    def test_columns_added_before_and_after_ours_are_theirs(self, path: Path, tmp_path: Path) -> None:
        with schema(ours(tmp_path / "next", script(*STATEMENTS))):
            raw(path, "alter table token add column color text default 'a, (b'")
            neurograph.open(path).close()
            raw(path, "alter table token add column smell text", "alter table token add column sound text")
            with neurograph.open(path) as db:
                assert db.check() == []
                assert db.execute("select color, mood, smell from token where id = 1").fetchall() == [
                    ("a, (b", 0.25, None)
                ]

    def test_a_table_of_theirs_in_the_way_of_ours_is_kept_and_named(self, path: Path, tmp_path: Path) -> None:
        raw(path, "create table trace (mine)", "insert into trace values ('precious')")
        before = digest(path)
        folder = ours(tmp_path / "next", script(*STATEMENTS))
        with schema(folder), pytest.raises(errors.CannotOpen, match=r"table trace already exists\); rename what of"):
            neurograph.open(path)
        assert digest(path) == before
        raw(path, "alter table trace rename to my_trace")
        with schema(folder), neurograph.open(path) as db:
            assert db.execute("select * from my_trace").fetchall() == [("precious",)]

    def test_the_planners_statistics_are_no_change(self, path: Path, tmp_path: Path) -> None:
        raw(path, "analyze")
        with schema(ours(tmp_path / "next", script(*STATEMENTS))), neurograph.open(path) as db:
            assert db.check() == []


def created() -> list[tuple[str, str, str]]:
    """Return (type, name, sql) of everything our schema creates."""
    with closing(apsw.Connection(":memory:")) as connection:
        for migration in migrate.migrations():
            connection.execute(migration.sql)
        return connection.execute(  # type: ignore[return-value]
            "select type, name, sql from sqlite_schema where sql is not null and name not like 'sqlite_%' order by name"
        ).fetchall()


CREATED = created()
GROUND = ("meta", "migration")  # a file without these is nobody's we know
WHERE = ["of our schema", "of an older schema"]


def refused(path: Path, folder: str | None, message: str) -> None:
    """See a file refused with a message, whichever way it is opened, and left as it was."""
    before = digest(path)
    with schema(folder or migrate.schema_folder()):
        for mode in ("rwc", "r"):
            with pytest.raises(errors.SchemaChanged, match=message):
                neurograph.open(path, mode=mode)
    assert digest(path) == before


class TestNamed:
    @pytest.mark.parametrize("older", [False, True], ids=WHERE)
    def test_whatever_of_ours_is_dropped(self, path: Path, tmp_path: Path, older: bool) -> None:
        folder = ours(tmp_path / "next", script(*STATEMENTS)) if older else None
        sound = path.read_bytes()
        for kind, name, _ in CREATED[::7] if older else CREATED:
            if name not in GROUND:
                path.write_bytes(sound)
                raw(path, f"drop {kind} {name}")
                refused(path, folder, rf"{kind} {name} \(missing\).* must be as neurograph created them; restore them")

    @pytest.mark.parametrize("name", GROUND)
    def test_a_file_without_the_ground_is_not_ours(self, path: Path, name: str) -> None:
        raw(path, f"drop table {name}")
        with pytest.raises(errors.ForeignApplication, match="without neurograph's tables"):
            neurograph.open(path)

    @pytest.mark.parametrize("older", [False, True], ids=WHERE)
    @pytest.mark.parametrize("kind", ["trigger", "view", "index"])
    def test_whatever_of_ours_is_changed(self, path: Path, tmp_path: Path, kind: str, older: bool) -> None:
        folder = ours(tmp_path / "next", script(*STATEMENTS)) if older else None
        changes = {
            "trigger": lambda sql: sql[: sql.rindex("end")] + "select 1; end",
            "view": lambda sql: sql + " limit 10",
            "index": lambda sql: sql + (" and 1" if " where " in sql else " where 1"),
        }
        sound = path.read_bytes()
        for _, name, sql in [row for row in CREATED if row[0] == kind][:: 7 if kind == "trigger" else 1]:
            path.write_bytes(sound)
            raw(path, f"drop {kind} {name}", changes[kind](sql))
            refused(path, folder, rf": {kind} {name}(, trigger \w+ \(missing\))* must be as neurograph created")

    @pytest.mark.parametrize(
        "change",
        [
            "alter table token rename column weight to mass",
            "alter table token drop column properties",
            "alter table degree rename to degrees",
        ],
    )
    def test_a_table_of_ours_that_is_altered(self, path: Path, change: str) -> None:
        raw(path, *_without_readers(path), change)
        refused(path, None, "table (token|degree)")

    def test_several_at_once(self, path: Path) -> None:
        raw(path, "drop trigger token_delete", "drop trigger edge_delete")
        refused(path, None, r"trigger (edge|token)_delete \(missing\), trigger (edge|token)_delete \(missing\)")

    def test_it_is_sound_again_when_what_was_dropped_is_restored(self, path: Path) -> None:
        raw(path, "drop trigger token_delete")
        refused(path, None, "trigger token_delete")
        raw(path, next(sql for _, name, sql in CREATED if name == "token_delete"))
        with neurograph.open(path) as db:
            assert db.check() == []


def _without_readers(path: Path) -> list[str]:
    """Return the statements that drop the triggers and views which would keep a table from being altered."""
    with closing(apsw.Connection(str(path))) as connection:
        rows = connection.execute(
            "select type, name from sqlite_schema where type in ('trigger', 'view') order by type"
        ).fetchall()
    return [f"drop {kind} {name}" for kind, name in rows]
