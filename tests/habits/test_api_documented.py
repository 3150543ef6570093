"""The API pages show every public class and function."""

from __future__ import annotations

import re

import pytest
from public import classes, functions
from repository import ROOT

PAGES = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "api").glob("*.md")))
SHOWN = {name.rpartition(".")[2] for name in re.findall(r"^\.\. auto(?:class|function):: (\S+)", PAGES, re.M)}
FUNCTIONS = [name.rpartition(".")[2] for name in functions()]
CLASSES = [cls.__name__ for cls in classes() if not issubclass(cls, BaseException)]


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES])
def test_a_page_shows(name: str) -> None:
    assert name in SHOWN, f"docs/api/*.md lacks {name}"
