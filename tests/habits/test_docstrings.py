"""Every public callable says what it does, takes, returns and raises, and shows an example."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest
from public import callables, classes, properties

CALLABLES = callables()
HEADER = re.compile(r"^(?P<name>[A-Z][\w ]+)\n-{3,}$", re.M)


def sections(doc: str) -> dict[str, str]:
    """Return section → text of a NumPy docstring."""
    found = list(HEADER.finditer(doc))
    parts = {}
    for match, after in itertools.zip_longest(found, found[1:]):
        parts[match["name"]] = doc[match.end() : after.start() if after else None]
    return parts


def parameters(function: Callable[..., Any]) -> list[str]:
    names = inspect.signature(function).parameters
    return [name for name in names if name not in {"self", "cls"} and not name.startswith("_")]


def returns(function: Callable[..., Any]) -> bool:
    annotation = inspect.signature(function).return_annotation
    return annotation not in {None, "None", "NoReturn"}


def described(section: str) -> set[str]:
    """Return the names a section describes: those at the margin, before a colon, several by commas."""
    lines = [line.partition(" : ")[0] for line in section.splitlines() if line and not line.startswith(" ")]
    return {name.strip().lstrip("*") for line in lines for name in line.split(",")}


every_callable = pytest.mark.parametrize(("name", "function"), CALLABLES, ids=[name for name, _ in CALLABLES])


@every_callable
def test_it_opens_with_one_line_that_ends_with_a_stop(name: str, function: Callable[..., Any]) -> None:
    first, _, rest = (inspect.getdoc(function) or "").partition("\n")
    assert re.match(r"[A-Z`].*[.:]$", first), f"{name}: {first!r}"
    assert not rest.partition("\n")[0].strip(), f"{name}: a blank line must follow the first"


@every_callable
def test_it_describes_every_parameter_and_no_other(name: str, function: Callable[..., Any]) -> None:
    doc = inspect.getdoc(function) or ""
    told = described(sections(doc).get("Parameters", ""))
    if "Parameters as for `" in doc:  # described once, by the callable it names
        assert told <= set(parameters(function)), name
    else:
        assert sorted(told) == sorted(parameters(function)), name


@every_callable
def test_it_says_what_it_returns(name: str, function: Callable[..., Any]) -> None:
    doc = inspect.getdoc(function) or ""
    if returns(function):
        opening = doc.partition("\n")[0]
        told = re.search(r"\b([Rr]eturn|[Yy]ield)", opening) or {"Returns", "Yields"} & set(sections(doc))
        assert told, f"{name}: {opening!r}"


@every_callable
def test_it_shows_an_example(name: str, function: Callable[..., Any]) -> None:
    """An example of its class, or of another method there, that calls it will do."""
    if parameters(function) or returns(function):
        own = sections(inspect.getdoc(function) or "").get("Examples", "")
        shared = [inspect.getdoc(cls) or "" for cls in classes()]
        shared += [inspect.getdoc(other) or "" for other_name, other in CALLABLES if same_class(name, other_name)]
        call = re.compile(rf"(>>>|\.\.\.) .*\.{function.__name__}\(")
        assert ">>>" in own or any(call.search(doc) for doc in shared), name


def same_class(name: str, other: str) -> bool:
    return name.rpartition(".")[0] == other.rpartition(".")[0]


@pytest.mark.parametrize("cls", classes(), ids=lambda cls: cls.__name__)
def test_the_class_and_its_properties_are_described(cls: type) -> None:
    assert cls.__doc__
    assert not [name for name, doc in properties(cls) if not doc]
