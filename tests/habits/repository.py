"""What the habit tests look at: the repository's files, its modules, and the names it makes public.

1. Only tracked files count: a build folder or a notebook lying about is nobody's habit.
2. Source is read as a syntax tree, not imported, wherever the question is what the text says.
"""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "neurograph"


@functools.cache
def tracked_files() -> tuple[Path, ...]:
    """Return every tracked file that exists; without git (an unpacked sdist), every file of the sdist."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        names = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        names = [path for path in ROOT.rglob("*") if "__pycache__" not in path.parts]
    return tuple(sorted(path for path in names if path.is_file()))


def source_files() -> list[Path]:
    """Return the tracked Python files of the package."""
    return [path for path in tracked_files() if path.suffix == ".py" and path.is_relative_to(SOURCE)]


def module_name(path: Path) -> str:
    """Return the dotted name of a file of the package: ``neurograph.stores.tokens``."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports_of(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Yield (module, line, runs at import) for each import of a file, `if TYPE_CHECKING:` left out."""
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    yield from _imports(tree_of(path), package, at_import=True)


def _imports(node: ast.AST, package: str, at_import: bool) -> Iterator[tuple[str, int, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield alias.name, child.lineno, at_import
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                above = package.split(".")[: len(package.split(".")) - child.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            yield base, child.lineno, at_import
            for alias in child.names:  # `from neurograph.stores import tokens` imports a module too
                yield f"{base}.{alias.name}", child.lineno, at_import
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for branch in child.orelse:
                yield from _imports(branch, package, at_import)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, package, at_import and not inside)


def docstring_nodes(tree: ast.Module) -> set[int]:
    """Return the ids of the constants that are docstrings."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
    return found
