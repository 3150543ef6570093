"""The columns a library is read into: symbols, edges, and what was left unresolved.

Invariants
----------
1. Labels are unique: ``module.qualified.name`` as Python spells it (``f.<locals>.g``), with ``#2``, ``#3`` … for
   further definitions of one name. The plain label belongs to the one the name stands for (`stdlib_names`, 2).
2. Edges are unique by (source, target, type); ``count`` says how often; they are sorted by these three.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurograph.flows.stdlib_measures import Measures

#: The connection types of the edges. ``contains`` is one of the 176; none of the others says exactly what these do
#: (``depends`` would fit all three of them), so they are types of the file's own, with codes from 256 up.
EDGE_TYPES = {
    "contains": "a package its modules, a module its classes and functions, a class its methods",
    "imports": "a module another one as it loads, or a function one as it runs",
    "inherits": "a class its base; object, the base of all, is left out",
    "calls": "a definition the function or class its own code calls; calling a class calls its __init__ too",
}

_WEIGHTS = {"contains": 0.2, "inherits": 0.5}

#: The kinds of symbols: entity types of the file's own, from 256 up.
KINDS = ("module", "class", "function")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A module, class or function of the library.

    Parameters
    ----------
    label
        Unique, e.g. ``json.decoder.JSONDecoder.decode``.
    kind
        One of `KINDS`.
    module
        The dotted name of the module that holds it.
    file
        Relative to the library's root, with ``/``; None for what is written in C.
    line
        Where it begins, from 1; 0 for what is written in C.
    docstring
        Whole and without indentation; empty where there is none.
    measures
        Its coordinates, its weight, and the counts they were made from.
    """

    label: str
    kind: str
    module: str
    file: str | None
    line: int
    docstring: str
    measures: Measures

    @property
    def summary(self) -> str:
        """The docstring's first line."""
        return self.docstring.partition("\n")[0].strip()

    def properties(self) -> dict[str, object]:
        """Say as JSON values what has no column of its own.

        Returns
        -------
        dict
            ``kind``, ``module``, ``file``, ``line``, ``lines``, ``complexity``, ``fan_in``, ``fan_out``,
            ``summary`` and ``docstring``; without those that are unknown.
        """
        measures = self.measures
        known: dict[str, object] = {"kind": self.kind, "module": self.module}
        if self.file is not None:
            known |= {"file": self.file, "line": self.line, "lines": measures.lines}
            known["complexity"] = measures.complexity
        known |= {"fan_in": measures.fan_in, "fan_out": measures.fan_out}
        if self.docstring:
            known |= {"summary": self.summary, "docstring": self.docstring}
        return known


@dataclass(frozen=True, slots=True)
class Edge:
    """One relation between two symbols.

    Parameters
    ----------
    source, target
        Positions in `Source.symbols`.
    type
        A key of `EDGE_TYPES`.
    count
        How often the text says so, from 1.
    """

    source: int
    target: int
    type: str
    count: int

    @property
    def weight(self) -> float:
        """How strongly one end wakes the other, in (0, 1].

        ``count / (count + 1)`` for calls and imports, 0.5 for what is inherited, 0.2 for what is merely contained.
        """
        return _WEIGHTS.get(self.type, self.count / (self.count + 1))


@dataclass(frozen=True, slots=True)
class Source:
    """A library as columns, ready to be stored.

    Parameters
    ----------
    symbols
        Module by module in the order of their names, each followed by what it defines, in the order of the lines.
    edges
        Sorted by source, target, type.
    files
        How many files were read.
    skipped
        File and reason of each that could not be read or parsed.
    calls, bases, imports
        How many were ``resolved``, and how many not, by reason: ``value`` (decided at run time), ``expression`` (on the
        result of one), ``native`` (written in C), ``unknown`` (no file that was read binds the name).
    """

    symbols: list[Symbol]
    edges: list[Edge]
    files: int
    skipped: list[tuple[str, str]]
    calls: dict[str, int]
    bases: dict[str, int]
    imports: dict[str, int]

    def labels(self) -> list[str]:
        """List the labels, in the order of `symbols`."""
        return [symbol.label for symbol in self.symbols]

    def weights(self) -> list[float]:
        """List the weights in [0, 1], in the order of `symbols`."""
        return [symbol.measures.weight for symbol in self.symbols]

    def coordinates(self) -> list[list[tuple[float, float, float]]]:
        """List the coordinates, ready for ``numpy.asarray``.

        Returns
        -------
        list
            (n, 8, 3) floats, in the order of `symbols` and of the levels; NaN on all axes of an undefined level.
        """
        return [symbol.measures.levels() for symbol in self.symbols]
