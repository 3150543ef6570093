"""Imports go downward only, and heavy or foreign things stay where they belong.

`lint-imports` holds the same contracts and more; these run with the suite, on the list in `pyproject.toml`,
without an extra. The layers are drawn in `docs/architecture.md`.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
from repository import (
    ROOT,
    SOURCE,
    docstring_nodes,
    imports_of,
    module_name,
    source_files,
    tree_of,
)

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
LAYERS = next(contract["layers"] for contract in CONTRACTS if contract["type"] == "layers")
STORES = next(contract["modules"] for contract in CONTRACTS if contract["type"] == "independence")
RANK = {name.strip(" ()"): rank for rank, layer in enumerate(reversed(LAYERS)) for name in re.split(r"[|:]", layer)}
DDL = re.compile(
    r"\b(create|alter|drop)\s+(temp\s+|temporary\s+|unique\s+|virtual\s+)*(table|index|view|trigger)\b", re.I
)

DDL_ELSEWHERE = {
    "tables/function.py": "a table-valued function describes its columns to SQLite so; nothing is stored",
    "stores/library/nearest/vec0.py": "a temporary table, whose columns are the library's; nothing is stored",
    "stores/property_index.py": "an index on a property is the user's: only the call knows its name",
}


def layer_of(module: str) -> str | None:
    return next((layer for layer in RANK if module == layer or module.startswith(layer + ".")), None)


def places(found: list[tuple[Path, int, str]]) -> str:
    return "\n".join(f"{path.relative_to(ROOT).as_posix()}:{line}: {what}" for path, line, what in found)


def test_imports_go_downward_only() -> None:
    upward = []
    for path in source_files():
        here = layer_of(module_name(path))
        for module, line, _ in imports_of(path):
            there = layer_of(module)
            if here and there and here != there and RANK[there] >= RANK[here]:
                upward.append((path, line, f"{here} must not import {there}"))
    assert not upward, places(upward)


def test_every_module_has_a_layer() -> None:
    without = [
        module_name(path)
        for path in source_files()
        if path.parent == SOURCE and path.stem not in {"__init__", "__main__", "_version"}
        if layer_of(module_name(path)) is None
    ]
    assert not without, f"not in the layers of pyproject.toml: {without}"


def test_stores_do_not_import_each_other() -> None:
    """What they share (`stores/arguments.py`) imports no store either."""
    crossing = []
    for path in source_files():
        here = module_name(path)
        if here.startswith("neurograph.stores."):
            for module, line, _ in imports_of(path):
                there = next((name for name in STORES if f"{module}.".startswith(f"{name}.")), None)
                if there and not f"{here}.".startswith(f"{there}."):
                    crossing.append((path, line, f"{here} must not import {there}"))
    assert not crossing, places(crossing)


WITHOUT_ARRAYS = [
    "tokens", "cdna", "connections", "vocabulary", "storage", "queue", "events", "experience", "topics"
]  # fmt: skip


@pytest.mark.parametrize("store", WITHOUT_ARRAYS)
def test_a_store_that_never_asks_for_arrays_imports_nothing_that_has_them(store: str) -> None:
    """So `.ci/run` leaves its tests out where kernels are off; `derived.kind` holds how many ids a chunk has."""
    asking = [
        (path, line, f"stores/{store} must not import {module}")
        for path in source_files()
        if module_name(path).startswith(f"neurograph.stores.{store}")
        for module, line, _ in imports_of(path)
        if f"{module}.".startswith(("neurograph.derived.", "neurograph.kernels.", "neurograph.vectors."))
        and not f"{module}.".startswith("neurograph.derived.kind.")
    ]
    assert not asking, places(asking)


def test_every_store_is_in_the_contract() -> None:
    folders = {module_name(path) for path in (SOURCE / "stores").glob("*/__init__.py")}
    assert folders <= set(STORES)


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("numba", "kernels"),
        ("llvmlite", "kernels"),
        ("onnxruntime", "embed"),
        ("tokenizers", "embed"),
        ("click", "cli"),
    ],
)
def test_a_heavy_library_is_imported_in_one_folder_only(library: str, home: str) -> None:
    strays = [
        (path, line, f"{library} belongs in {home}/")
        for path in source_files()
        for module, line, _ in imports_of(path)
        if module.split(".")[0] == library and not path.is_relative_to(SOURCE / home)
    ]
    assert not strays, places(strays)


def test_numpy_is_imported_inside_functions_outside_the_kernels() -> None:
    early = [
        (path, line, "numpy must be imported inside the function that uses it")
        for path in source_files()
        for module, line, at_import in imports_of(path)
        if module.split(".")[0] == "numpy" and at_import and not path.is_relative_to(SOURCE / "kernels")
    ]
    assert not early, places(early)


def test_the_standard_sqlite3_is_never_imported() -> None:
    found = [
        (path, line, "a second SQLite in one process drops the first one's locks")
        for path in source_files()
        for module, line, _ in imports_of(path)
        if module.split(".")[0] == "sqlite3"
    ]
    assert not found, places(found)


def test_a_kernel_file_imports_no_other_kernel_file() -> None:
    """numba's disk cache checks only the file a kernel stands in."""
    found = []
    for path in source_files():
        if path.is_relative_to(SOURCE / "kernels") and "njit" in path.read_text(encoding="utf-8"):
            found += [
                (path, line, f"{module} would not be checked by the cache")
                for module, line, _ in imports_of(path)
                if module.startswith("neurograph.kernels") and module_name(path) != module
            ]
    assert not found, places(found)


def test_ddl_stands_in_the_schema_folder_only() -> None:
    found = []
    for path in source_files():
        tree = tree_of(path)
        docstrings = docstring_nodes(tree)
        found += [
            (path, node.lineno, "DDL belongs in schema/*.sql")
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if id(node) not in docstrings and DDL.search(node.value)
            if path.relative_to(SOURCE).as_posix() not in DDL_ELSEWHERE
        ]
    assert not found, places(found)
