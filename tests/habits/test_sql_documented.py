"""`docs/sql.md` has a section for every SQL function of ours: its arguments, its columns, an example that runs.

It names every table and view of the file, and shows a statement that reads or writes it.
"""

from __future__ import annotations

import re

import pytest
from repository import ROOT

import neurograph
from neurograph.functions import VALUE_FUNCTIONS
from neurograph.tables import FUNCTIONS
from neurograph.tables.rows import ROW_FUNCTIONS

PAGE = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (ng_\w+)$\n(.*?)(?=^#|\Z)", PAGE, re.M | re.S))


def signatures() -> dict[str, str]:
    """Return name → the line that a section opens with."""
    found = {}
    for function in FUNCTIONS:
        arguments = ", ".join(argument.name for argument in function.arguments)
        columns = "the columns of the table `cdna`"
        if not callable(function.columns):
            columns = ", ".join(f"`{column}`" for column, _ in function.columns)
        found[function.name] = f"`{function.name}({arguments})` → {columns}"
    for scalar in (*VALUE_FUNCTIONS, *ROW_FUNCTIONS):
        found[scalar.name] = f"`{scalar.name}({', '.join(scalar.arguments)})`"
    return found


SIGNATURES = signatures()


def test_the_page_has_a_section_for_every_function_and_no_other() -> None:
    with neurograph.open(":memory:") as db:
        names = db.execute(
            "select name from pragma_module_list where name glob 'ng_*'"
            " union select name from pragma_function_list where name glob 'ng_*' order by 1"
        ).fetchall()
    assert sorted(SECTIONS) == [name for (name,) in names]


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_page_names_arguments_and_columns_in_order(name: str) -> None:
    assert SECTIONS[name].strip().splitlines()[0] == SIGNATURES[name]


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_section_shows_an_example(name: str) -> None:
    assert re.search(rf"```sql\n[^`]*\b{name}\(", SECTIONS[name])


def test_an_example_reads_or_writes_every_table_and_view_of_the_file() -> None:
    with neurograph.open(":memory:") as db:
        stored = db.execute(
            "select name from sqlite_schema where type in ('table', 'view') and name not like 'sqlite_%'"
        )
        names = [name for (name,) in stored]
    examples = " ".join(re.findall(r"```sql\n(.*?)```", PAGE, re.S))
    assert "token" in names
    assert not [name for name in names if not re.search(rf"\b{name}\b", examples)]
