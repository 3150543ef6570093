"""The public API is one short sorted list, and what it promises is there."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest
from public import exported

import neurograph


def test_the_list_is_sorted_and_names_nothing_twice() -> None:
    assert list(neurograph.__all__) == sorted(set(neurograph.__all__))


def test_the_list_is_what_can_be_imported() -> None:
    namespace: dict[str, object] = {}
    exec("from neurograph import *", namespace)
    del namespace["__builtins__"]
    assert sorted(namespace) == list(neurograph.__all__)


def test_nothing_else_is_public() -> None:
    fresh = "import neurograph as n, types\nprint(*[k for k, v in vars(n).items() if not k.startswith('_')"
    fresh += " and not isinstance(v, types.ModuleType) and k not in n.__all__ and k != 'annotations'])"
    done = subprocess.run([sys.executable, "-c", fresh], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_dir_shows_every_public_name() -> None:
    assert set(neurograph.__all__) <= set(dir(neurograph))


def test_no_public_name_is_a_module_by_accident() -> None:
    modules = [name for name, value in exported().items() if isinstance(value, types.ModuleType)]
    assert set(modules) <= {"aio", "errors", "vectors"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        neurograph.no_such_name  # noqa: B018
