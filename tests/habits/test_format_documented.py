"""`docs/file-format.md` describes every table, view and column of the file, and none that is gone."""

from __future__ import annotations

import re

import pytest
from repository import ROOT

import neurograph
from neurograph.model.levels import LEVELS

PAGE = (ROOT / "docs" / "file-format.md").read_text(encoding="utf-8")


def schema() -> dict[str, list[str]]:
    """Return table or view → columns of a new file; indexes of SQLite and of full text left out."""
    with neurograph.open(":memory:") as db:
        names = db.execute(
            "select name from sqlite_schema where type in ('table', 'view') and name not like 'sqlite_%'"
        )
        return {
            name: [row[0] for row in db.execute("select name from pragma_table_info(?)", [name])] for (name,) in names
        }


TABLES = schema()
SECTIONS = dict(re.findall(r"^### (\w+)$\n(.*?)(?=^#|\Z)", PAGE, re.M | re.S))


def test_the_page_names_every_table_and_no_other() -> None:
    assert sorted(SECTIONS) == sorted(TABLES)


@pytest.mark.parametrize("table", [name for name in TABLES if name not in {"cdna_current", "cdna_profile"}])
def test_the_page_names_every_column_of(table: str) -> None:
    named = set(re.findall(r"`([a-z_0-9*]+)`", SECTIONS[table]))
    for stem in [name.removesuffix("*") for name in named if name.endswith("_*")]:
        named |= {stem + level for level in LEVELS}
    assert not set(TABLES[table]) - named


def test_the_shared_columns_of_cdna_and_its_profiles_are_described_once() -> None:
    assert TABLES["cdna_current"] == TABLES["cdna"]
    assert set(TABLES["cdna_profile"]) - {"name"} <= set(TABLES["cdna"])
