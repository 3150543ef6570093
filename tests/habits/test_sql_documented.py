"""`docs/sql.md` has a section for every SQL function of ours: its arguments, its columns, an example that runs."""

from __future__ import annotations

import re

import pytest
from repository import ROOT

import neurograph
from neurograph.tables import FUNCTIONS as ALL

PAGE = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (ng_\w+)$\n(.*?)(?=^#|\Z)", PAGE, re.M | re.S))
FUNCTIONS = {function.name: function for function in ALL}


def test_the_page_has_a_section_for_every_function_and_no_other() -> None:
    with neurograph.open(":memory:") as db:
        names = db.execute(
            "select name from pragma_module_list where name glob 'ng_*'"
            " union select name from pragma_function_list where name glob 'ng_*' order by 1"
        ).fetchall()
    assert sorted(SECTIONS) == [name for (name,) in names]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_page_names_arguments_and_columns_in_order(name: str) -> None:
    function = FUNCTIONS[name]
    arguments = ", ".join(argument.name for argument in function.arguments)
    columns = ", ".join(f"`{column}`" for column, _ in function.columns)
    assert SECTIONS[name].strip().splitlines()[0] == f"`{name}({arguments})` → {columns}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_section_shows_an_example(name: str) -> None:
    assert re.search(rf"```sql\n[^`]*\b{name}\(", SECTIONS[name])
