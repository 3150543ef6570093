"""`docs/seeds.md` maps every name the first plans promised to what is here; each one that is mapped exists.

A row's last cell is "not yet", with or without a reason, or names in backquotes: `db.tokens.create` and
`ng.open` (Python), `ng_bfs` (SQL), `ngdb info` (command line), `[test]` (an extra), or a file of the repository.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import reduce

import pytest
from repository import ROOT, tracked_files

import neurograph

PAGE = (ROOT / "docs" / "seeds.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (?!promised|---)(.+?) \| (.+) \|$", PAGE, re.M)
MAPPED = sorted({name for _, here in ROWS for name in re.findall(r"`([^`]+)`", here)})


@pytest.fixture(scope="module")
def db() -> Iterator[neurograph.Database]:
    with neurograph.open(":memory:") as database:
        yield database


def exists(name: str, db: neurograph.Database) -> bool:
    if name.startswith(("db.", "ng.")):
        first, *rest = name.split(".")
        start = db if first == "db" else neurograph
        return reduce(lambda owner, part: owner and getattr(owner, part, None), rest, start) is not None
    if name.startswith("ng_"):
        known = "select name from pragma_module_list union select name from pragma_function_list"
        return (name,) in db.execute(known).fetchall()
    if name.startswith("ngdb "):
        from neurograph.cli.app import ngdb

        return name.split()[1] in ngdb.commands
    if name.startswith("["):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return name.strip("[]") in project["optional-dependencies"]
    return any(path == ROOT / name or (ROOT / name) in path.parents for path in tracked_files())


@pytest.mark.parametrize("name", MAPPED)
def test_what_is_mapped_exists(name: str, db: neurograph.Database) -> None:
    assert exists(name, db)


def test_a_row_is_mapped_or_says_not_yet() -> None:
    assert not [promised for promised, here in ROWS if "`" not in here and not here.startswith("not yet")]


@pytest.mark.parametrize("name", ["db.tokens.no_such", "ng.no_such", "ng_no_such", "[no_such]", "no/such"])
def test_a_name_that_does_not_exist_is_found_out(name: str, db: neurograph.Database) -> None:
    assert not exists(name, db)
