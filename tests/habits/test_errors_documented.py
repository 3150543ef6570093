"""Every error is in the drawing at the top of `errors.py`, and in `docs/errors.md` with cause and remedy."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest
from repository import ROOT

from neurograph import errors

CLASSES = [value for _, value in inspect.getmembers(errors, inspect.isclass) if value.__module__ == "neurograph.errors"]
NAMES = [value.__name__ for value in CLASSES]
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def drawn() -> dict[str, tuple[int, str]]:
    """Return name → (depth, the built-in drawn beside it) of the tree in the module's docstring."""
    tree = re.findall(r"^ {4}([│ ├└─]*)([A-Z]\w+)(?: +([A-Z]\w+Error))?", errors.__doc__ or "", re.M)
    return {name: (len(branch) // 4, builtin) for branch, name, builtin in tree}


def test_the_drawing_names_every_error_and_no_other() -> None:
    assert sorted(drawn()) == sorted(NAMES)


def test_the_drawing_shows_the_parents() -> None:
    stack: list[str] = []
    for name, (depth, builtin) in drawn().items():
        del stack[depth:]
        cls = getattr(errors, name)
        if stack:
            assert stack[-1] in [base.__name__ for base in cls.__bases__]
        if builtin:
            assert builtin in [base.__name__ for base in cls.__bases__]
        stack.append(name)


def test_no_error_shadows_a_built_in_name() -> None:
    import builtins

    assert not [name for name in NAMES if hasattr(builtins, name)]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_states_cause_and_remedy_of(name: str) -> None:
    section = re.search(rf"^### {name}$\n(.*?)(?=^#|\Z)", PAGE, re.M | re.S)
    assert section, f"docs/errors.md has no section {name!r}"
    assert "**Cause.**" in section[1]
    assert "**Remedy.**" in section[1]


def test_the_page_describes_no_error_that_is_gone() -> None:
    assert sorted(re.findall(r"^### ([A-Z]\w+)$", PAGE, re.M)) == sorted(NAMES)


@pytest.mark.parametrize("cls", CLASSES, ids=NAMES)
def test_an_error_survives_pickling_and_copying(cls: type[Exception]) -> None:
    error = cls("weight must be in [0, 1], got 1.3")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(twin), str(twin), vars(twin)) == (cls, str(error), vars(error))
