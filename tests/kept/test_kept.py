"""Promise P12: a file of every schema opens, answers as when it was made, and can be written to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from kept_mind import FOLDER, answers, kept_answers, kept_files, rows
from make_kept import make

import neurograph
from neurograph import errors, migrate
from neurograph.derived import saved
from neurograph.flows.kinds import KINDS
from processes import digest, files, needs_shell, python
from stock import Shell

AGAIN = "python tests/kept/make_kept.py"
NEWEST = migrate.newest_schema()


def schema_of(path: Path) -> list[tuple[str, str]]:
    """Return name and hash of what was applied to a file."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return connection.execute("select name, sha256 from migration order by number").fetchall()  # type: ignore[return-value]


@pytest.fixture(params=kept_files(), ids=lambda path: path.stem)
def kept(request: pytest.FixtureRequest) -> Path:
    """Return a kept file, in place; it is of our schema files, as they are."""
    path: Path = request.param
    applied = schema_of(path)
    if applied != [(migration.name, migration.sha256) for migration in migrate.migrations()[: len(applied)]]:
        pytest.fail(
            f"{path.name} was made by other files of schema/ than ours. While schema {len(applied)} is not released, "
            f"make it again: {AGAIN}. Once it is, its files must stay as they were."
        )
    return path


@pytest.fixture
def copy(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(kept, tmp_path / "mind.ngdb"))


def differing(found: Any, wanted: Any, where: str = "") -> Iterator[str]:
    """Name the places where two answers differ; sums of floats may differ in their last digits."""
    if isinstance(found, dict) and isinstance(wanted, dict) and found.keys() == wanted.keys():
        for name in found:
            yield from differing(found[name], wanted[name], f"{where}/{name}")
    elif isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        for at, (one, other) in enumerate(zip(found, wanted, strict=True)):
            yield from differing(one, other, f"{where}/{at}")
    elif found != wanted and not (isinstance(wanted, float) and found == pytest.approx(wanted, rel=1e-9)):
        yield f"{where}: {found!r} != {wanted!r}"


def test_there_is_one_of_this_schema() -> None:
    assert kept_files(), f"no kept file; make one: {AGAIN}"
    assert kept_files()[-1].name == f"schema_{NEWEST}.ngdb", f"make one of this schema: {AGAIN}"


def test_it_is_what_its_name_says_and_small(kept: Path) -> None:
    assert len(schema_of(kept)) == int(kept.stem.removeprefix("schema_"))
    assert kept.stat().st_size < 500 << 10


@pytest.mark.parametrize("engine", ["sql", "auto", pytest.param("numba", marks=pytest.mark.kernels)])
def test_a_copy_answers_as_when_it_was_made(kept: Path, copy: Path, engine: str) -> None:
    wanted = kept_answers(kept)
    with neurograph.open(copy, engine=engine) as db:
        assert db.check() == []
        given = answers(db, wanted)
        assert list(differing(given["questions"], wanted["questions"])) == []
        for name, table in wanted["tables"].items():
            assert rows(db, name, table["columns"]) == table


def test_its_saved_arrays_count_where_their_format_is_ours(copy: Path) -> None:
    with neurograph.open(copy, mode="rw"), closing(apsw.Connection(str(copy))) as connection:
        chunks = connection.execute("select subject, format, chunk from derived_chunk").fetchall()
        assert chunks != []
        for kind in KINDS:
            wanted = {chunk for subject, number, chunk in chunks if (subject, number) == (kind.name, kind.format)}
            assert saved.load(connection, kind, saved.nonces_of(connection, kind.subject)).keys() == wanted


def test_a_copy_is_written_to(copy: Path) -> None:
    with neurograph.open(copy) as db:
        with db.transaction():
            snow = db.tokens.create("snow", entity_type="feeling", coordinates={"abstract": (0.5, 0.25, 0.5)})
            db.graph.create(snow, "bread", type="warms")
            db.connections.create("rain", snow)
            db.cdna.update(max_pull=6.0, reason="snow")
            db.tokens.delete("grief")
            storms = db.library.create("storms", dimension=2)
            storms.add([[1, 0], [0, 1]], keys=["calm", "gale"], tokens=[snow, None])
        assert snow.id == 13  # 11 was given before
        assert db.graph.shortest_path(snow, "joy").ids == (13, 8, 4)  # type: ignore[union-attr]
        assert db.grid.nearest((0.5, 0.25, 0.5), 2, level="abstract")[0].id == 13
        assert [hit.key for hit in storms.search([0.25, 1])] == ["gale", "calm"]
        assert db.check() == []
        db.optimize()
    with neurograph.open(copy, mode="r") as db:
        assert db.check() == []
        assert "grief" not in db.tokens


def test_one_in_place_is_read_without_a_byte_changed(kept: Path) -> None:
    before, beside = digest(kept), files(kept)
    if kept == kept_files()[-1]:
        with neurograph.open(kept, mode="r") as db:
            wanted = kept_answers(kept)
            assert list(differing(answers(db, wanted)["questions"], wanted["questions"])) == []
            assert db.check() == []
    else:
        with pytest.raises(errors.OlderSchema, match="open it once with"):
            neurograph.open(kept, mode="r")
    assert (digest(kept), files(kept)) == (before, beside) == (before, [kept.name])


def test_a_stock_module_reads_and_writes_a_copy(kept: Path, copy: Path) -> None:
    code = """
        import json, sqlite3, sys
        connection = sqlite3.connect(sys.argv[1])
        print(json.dumps([label for (label,) in connection.execute("select label from token order by id")]))
        connection.execute("insert into token (label) values ('snow')")
        connection.commit()
        """
    assert json.loads(python(code, copy)) == kept_answers(kept)["questions"]["labels"]
    with neurograph.open(copy) as db:
        assert db.tokens.get("snow").id == 13
        assert db.check() == []


@needs_shell
def test_a_dump_by_the_stock_shell_restores_every_row(kept: Path, copy: Path, tmp_path: Path) -> None:
    """Whatever release the shell is of: what a CHECK makes of NULL must not hang on it."""
    neurograph.open(copy, backup=False).close()
    Shell().copy(copy, tmp_path / "restored.ngdb")
    wanted = kept_answers(kept)
    with neurograph.open(tmp_path / "restored.ngdb") as restored:
        assert restored.check() == []
        assert list(differing(answers(restored, wanted)["questions"], wanted["questions"])) == []
        for name, table in wanted["tables"].items():
            assert rows(restored, name, table["columns"]) == table


def test_the_newest_is_what_the_program_makes_now(tmp_path: Path) -> None:
    """Ids, names and answers; not times, nor what is drawn at random."""
    wanted, found = (kept_answers(path)["questions"] for path in (kept_files()[-1], make(tmp_path)))
    assert found.keys() == wanted.keys(), f"make it again: {AGAIN}"
    names = [name for name in wanted if not name.startswith("record of")]  # they hold the time
    assert [line for name in names for line in differing(found[name], wanted[name], name)] == [], AGAIN


def test_each_has_its_answers() -> None:
    assert {path.stem for path in kept_files()} == {path.stem for path in FOLDER.glob("schema_*.json")}
