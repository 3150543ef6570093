"""Habits of single files: length, opening, messages, and what must not stand in them."""

from __future__ import annotations

import ast
import re
import sys
import tomllib

import pytest
from repository import ROOT, SOURCE, source_files, tracked_files, tree_of

from neurograph._version import __version__

LONGEST = 400
# A message may open with the name of a thing that is written so; everything else starts in lower case.
PROPER = ("SQLite", "NaN", "JSON", "CSV", "SQL", "CDNA", "Parquet", "PATH", "Python", "WAL")


def test_no_file_is_longer_than_it_can_be_read() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in tracked_files()
        if path.suffix in {".py", ".sql"} and path.relative_to(ROOT).parts[0] in {"src", "schema"}
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert not long, f"over {LONGEST} lines; which two things does each do? {long}"


def test_no_script_hides_a_module_of_pythons() -> None:
    """A script's folder is the first that its imports look into: benches/queue.py was imported in place of `queue`."""
    scripts = {path.stem: path.name for path in tracked_files() if path.parent in (ROOT / "benches", ROOT / "tests")}
    assert not scripts.keys() & sys.stdlib_module_names


def test_every_module_opens_by_saying_what_it_is() -> None:
    silent = [path for path in source_files() if not ast.get_docstring(tree_of(path))]
    assert not silent


def test_no_two_tuples_of_kernels_have_one_name() -> None:
    """numba tells named tuples apart by name and fields: a twin's calls take 0.1 ms more, each."""
    places: dict[str, list[str]] = {}
    for path in source_files():
        if path.parent.name == "kernels":
            for node in ast.walk(tree_of(path)):
                if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "NamedTuple" for base in node.bases):
                    places.setdefault(node.name, []).append(path.name)
    assert len(places) > 10
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_only_the_command_line_prints() -> None:
    printing = [
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
        for path in source_files()
        if not path.is_relative_to(SOURCE / "cli")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not printing


def messages() -> list[tuple[str, ast.expr]]:
    """Return (place, message) of each error of ours that is raised with a literal text."""
    from neurograph import errors

    found = []
    for path in source_files():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                name = ast.unparse(node.exc.func).rpartition(".")[2]
                if hasattr(errors, name) and isinstance(node.exc.args[0], ast.JoinedStr | ast.Constant):
                    found.append((f"{path.relative_to(ROOT).as_posix()}:{node.lineno}", node.exc.args[0]))
    return found


def opening_of(message: ast.expr) -> str:
    """Return the text a message opens with, empty where it opens with a value."""
    first = message.values[0] if isinstance(message, ast.JoinedStr) else message
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def test_messages_start_in_lower_case_and_carry_no_prefix() -> None:
    wrong = [
        (place, opening)
        for place, message in messages()
        if (opening := opening_of(message))
        if (opening[0].isupper() and not opening.startswith(PROPER)) or opening.lower().startswith("error")
    ]
    assert not wrong


# Written in two pieces, so that this file does not find itself.
MACHINE = re.compile("|".join([r"(?<![\w.])/" + "(home/(?!me/)|root/|Users/|work/)", r"[A-Z]:\\" + "Users"]))
REGISTRY = re.compile("|".join(["pypi" + r"\.org", "python" + "hosted", "ana" + r"conda\.(org|com)"]))


@pytest.mark.parametrize("pattern", [MACHINE, REGISTRY], ids=["path of one machine", "package registry"])
def test_no_tracked_file_names_a_place_of_one_machine(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{number}: {line.strip()[:80]}"
        for path in tracked_files()
        if path.suffix in {".py", ".md", ".toml", ".yml", ".yaml", ".sql", ".cfg", ""}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, "\n".join(found)


def test_the_licence_is_the_one_the_package_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")


def test_the_changelog_has_an_entry_for_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(__version__)}\b", changelog, re.M)


def test_every_dependency_says_what_it_is_for() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    dependencies = text[text.index("\ndependencies = [") : text.index("[project.optional-dependencies]")]
    lines = [line for line in dependencies.splitlines() if line.strip().startswith('"')]
    assert lines
    assert not [line for line in lines if "#" not in line]
