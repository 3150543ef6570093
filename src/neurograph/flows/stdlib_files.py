"""Where a library's text is, and the one module that is read without a text: ``builtins``."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Iterator
from pathlib import Path

from neurograph.flows.stdlib_definitions import Binding, Definition

_TESTS = frozenset({"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"})


def find_modules(root: Path) -> list[tuple[str, Path]]:
    """Find the modules below a folder, tests left out.

    Parameters
    ----------
    root
        The folder that would be on ``sys.path``.

    Returns
    -------
    list of (str, Path)
        Dotted names and files, sorted by name; a package wins over a module of its name, as in Python.
    """
    found: dict[str, Path] = {}
    for path in _walk(root):
        parts = list(path.relative_to(root).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        name = ".".join(parts)
        if all(part.isidentifier() for part in parts) and parts and (name not in found or is_package(path)):
            found[name] = path
    return sorted(found.items())


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in _TESTS and path.name.isidentifier():
                yield from _walk(path)
        elif path.suffix == ".py":
            yield path


def top_name(name: str) -> str:
    """Name the top-level package or module of a dotted name."""
    return name.partition(".")[0]


def is_package(path: Path) -> bool:
    """Say whether a file makes its folder a package."""
    return path.name == "__init__.py"


def read_builtins() -> Definition:
    """Describe the functions and classes every scope falls back to.

    Returns
    -------
    Definition
        The module ``builtins``; what ``site`` adds to it (``exit``, ``help`` …) is left out.
    """
    module = Definition("module", "builtins", "builtins", "", native=True)
    module.docstring = inspect.cleandoc(builtins.__doc__ or "")
    for name in sorted(vars(builtins)):
        found = getattr(builtins, name)
        is_class = inspect.isclass(found)
        if not is_class and not inspect.isbuiltin(found):
            continue
        if is_class and (found.__module__ != "builtins" or found.__name__.startswith("_")):
            continue
        if found.__name__ != name and hasattr(builtins, found.__name__):
            module.bind(name, Binding("alias", 0, path=(found.__name__,)))  # IOError is OSError
            continue
        made = Definition("class" if is_class else "function", name, "builtins", name, module, native=True)
        made.docstring = inspect.cleandoc(found.__doc__ or "")
        if is_class:
            made.bases = [(base.__name__,) for base in found.__bases__]
            made.assigned = {attribute: [] for attribute in vars(found)}
        module.bind(name, Binding("def", 0, definition=made))
        module.members.append(made)
    return module
