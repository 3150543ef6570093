"""`docs/command-line.md` has a section for every command, and none for one that is gone."""

from __future__ import annotations

import re

import click
import pytest
from command_line import commands
from repository import ROOT

from neurograph.cli.exit_codes import MEANINGS

PAGE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")


def test_the_page_has_a_section_for_every_command_and_no_other() -> None:
    assert sorted(re.findall(r"^### ngdb ([\w -]+)$", PAGE, re.M)) == sorted(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_the_section_of_a_command_names_its_options(name: str) -> None:
    section = PAGE.split(f"### ngdb {name}\n")[1].split("\n## ")[0].split("\n### ")[0]
    options = [parameter for parameter in commands()[name].params if isinstance(parameter, click.Option)]
    missing = [option.opts[-1] for option in options if not re.search(rf"`{option.opts[-1]}\b", section)]
    assert not missing


def test_the_page_lists_the_exit_codes() -> None:
    assert {int(code): meaning for code, meaning in re.findall(r"^\| (\d+) \| (.+) \|$", PAGE, re.M)} == MEANINGS
