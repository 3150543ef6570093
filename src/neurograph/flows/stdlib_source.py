"""The running Python's own standard library as plain columns: symbols, and what they contain, import, inherit, call.

Invariants
----------
1. Files are parsed, never imported. The one module that is looked at alive is ``builtins``, which is there anyway.
2. The answer depends on the files alone: not on the platform, the folder's order, or what was imported before.
3. What can't be resolved is counted in `Source.calls`, `Source.bases` and `Source.imports`, never guessed.
"""

from __future__ import annotations

import gc
import sys
import sysconfig
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from neurograph.errors import NotHere
from neurograph.flows.stdlib_columns import EDGE_TYPES, KINDS, Edge, Source, Symbol
from neurograph.flows.stdlib_definitions import Definition, primary
from neurograph.flows.stdlib_facts import read_module
from neurograph.flows.stdlib_files import find_modules, is_package, read_builtins, top_name
from neurograph.flows.stdlib_measures import measure
from neurograph.flows.stdlib_names import Names
from neurograph.flows.stdlib_targets import OBJECT, REASONS

__all__ = ["EDGE_TYPES", "KINDS", "Edge", "Source", "Symbol", "read_source", "read_standard_library"]


def read_standard_library(limit: int | None = None, progress: Callable[[int, int], None] | None = None) -> Source:
    """Read the standard library of the Python that runs.

    Tests and installed packages are left out; private names are included.

    Parameters
    ----------
    limit
        At most so many files, in the order of the modules' names; None: all.
    progress
        Called with (files read, files in all) after each file.

    Returns
    -------
    Source
        About 20,000 symbols and 59,000 edges.

    Raises
    ------
    NotHere
        This Python has its library without source text (an embedded or frozen one).

    Examples
    --------
    >>> source = read_standard_library(limit=3)
    >>> source.files, source.symbols[0].label
    (3, '__future__')

    Notes
    -----
    Grows with the text: 12 MB in 730 files take 3 s on one of two busy cores. A process pool could at best halve that,
    and can fail on its own account (a missing ``__main__`` guard, a sandbox without semaphores).
    """
    root = Path(sysconfig.get_path("stdlib"))
    known = sys.stdlib_module_names
    found = [(name, path) for name, path in find_modules(root) if top_name(name) in known] if root.is_dir() else []
    if not found:
        raise NotHere(f"the standard library's source text must be there to be read, got none in {str(root)!r}")
    native = known - {top_name(name) for name, _ in found}
    return read_source(root, found[:limit], native=native, progress=progress)


def read_source(
    root: Path,
    modules: Iterable[tuple[str, Path]] | None = None,
    *,
    native: Iterable[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Source:
    r"""Read the Python files of a folder.

    Parameters
    ----------
    root
        Where file names start from.
    modules
        Dotted names and files; None: what `find_modules` finds.
    native
        Top-level names that are modules even where no file says so; those that are imported become symbols.
    progress
        Called with (files read, files in all) after each file.

    Returns
    -------
    Source
        The built-ins are among the symbols.

    Raises
    ------
    OSError
        The folder can't be listed. A single file that can't be read is skipped and named in the answer.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "m.py").write_text("def f():\n    return len(g())\ndef g(): return ()\n")
    ...     source = read_source(Path(folder))
    >>> labels = source.labels()
    >>> [(labels[e.source], e.type, labels[e.target]) for e in source.edges if labels[e.source] == "m.f"]
    [('m.f', 'calls', 'builtins.len'), ('m.f', 'calls', 'm.g')]
    """
    files = list(modules) if modules is not None else find_modules(root)
    with _collector_paused():
        return _read(root, files, frozenset(native), progress)


def _read(
    root: Path,
    files: list[tuple[str, Path]],
    native: frozenset[str],
    progress: Callable[[int, int], None] | None,
) -> Source:
    read: dict[str, Definition] = {}
    skipped: list[tuple[str, str]] = []
    for done, (name, path) in enumerate(files, 1):
        file = path.relative_to(root).as_posix()
        try:
            read[name] = read_module(path.read_bytes(), name, package=is_package(path), file=file)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OSError) as error:
            skipped.append((file, f"{type(error).__name__}: {error}"))
        if progress is not None:
            progress(done, len(files))
    parsed = len(read)
    read["builtins"] = read_builtins()
    _add_native(read, native)
    read = dict(sorted(read.items()))
    _label(read.values())
    return _assemble(read, parsed, skipped)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector out: it walks all that was read for every syntax tree (5.8 s instead of 2.5 s).

    Nothing is lost by that: trees hold no cycles and go as their last reference goes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _add_native(read: dict[str, Definition], native: frozenset[str]) -> None:
    """Add the modules that are imported somewhere and have no file: those written in C."""
    everything = [definition for module in read.values() for definition in _below(module)]
    for source in {source for definition in everything for source, _ in definition.imports}:
        if source in native and source not in read:
            read[source] = Definition("module", source, source, "", native=True)


def _label(modules: Collection[Definition]) -> None:
    taken = {module.module for module in modules}
    for module in modules:
        module.label = module.module
    for module in modules:
        for scope in list(_below(module)):
            first = {id(primary(bindings)) for bindings in scope.bindings.values()}
            for made in sorted(scope.members, key=lambda member: id(member) not in first):
                plain = f"{made.module}.{made.qualname}"
                label, number = plain, 1
                while label in taken:
                    number += 1
                    label = f"{plain}#{number}"
                taken.add(label)
                made.label = label


def _below(definition: Definition) -> Iterator[Definition]:
    yield definition
    for member in definition.members:
        yield from _below(member)


def _assemble(modules: dict[str, Definition], files: int, skipped: list[tuple[str, str]]) -> Source:
    names = Names(modules, modules["builtins"])
    everything = [definition for module in modules.values() for definition in _below(module)]
    position = {definition: n for n, definition in enumerate(everything)}
    counts: Counter[tuple[int, int, str]] = Counter()
    calls, bases, imports = (Counter[str]() for _ in range(3))
    unresolved: Counter[Definition] = Counter()
    for made in everything:
        here = position[made]
        container = made.parent or modules.get(made.module.rpartition(".")[0])
        if container is not None:
            counts[position[container], here, "contains"] += 1
        for path, count in made.calls.items():
            reason, targets = names.called(made, path)
            calls[reason] += count
            unresolved[made] += count * (not targets)
            for target in targets:
                counts[here, position[target], "calls"] += count
        for parent in names.bases(made):
            base = parent.definition
            if base is None or parent.how != "symbol" or base.kind != "class":
                bases[parent.how if base is None else "value"] += 1
                continue
            bases["resolved"] += 1
            if base.label != OBJECT:
                counts[here, position[base], "inherits"] = 1
        for (source, name), count in made.imports.items():
            loaded = names.imported(source, name)
            imports["resolved" if loaded is not None else "unknown"] += count
            if loaded is not None and loaded is not made:
                counts[here, position[loaded], "imports"] += count
    edges = [Edge(s, t, kind, count) for (s, t, kind), count in sorted(counts.items())]
    measures = measure(everything, [(e.source, e.target, e.type, e.count) for e in edges], unresolved)
    symbols = [
        Symbol(d.label, d.kind, d.module, d.file, d.line, d.docstring, m)
        for d, m in zip(everything, measures, strict=True)
    ]
    tallies = ({key: tally[key] for key in ("resolved", *REASONS)} for tally in (calls, bases, imports))
    return Source(symbols, edges, files, skipped, *tallies)
