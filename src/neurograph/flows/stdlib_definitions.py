"""What was found in a file: definitions, and what the names in them are bound to.

Invariants
----------
1. A definition's bindings, calls, branches and imports are its own alone, never those of the definitions in it.
2. ``members`` and the bindings of one name are in the order of their lines.
3. Only `label` is set later, when all files are known: it is unique among them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

Path = tuple[str, ...]

#: Stands in a path for "the result of calling what is left of it".
CALLED = "()"


class Binding(NamedTuple):
    """One way a scope gives a name a meaning.

    Parameters
    ----------
    how
        ``def``, ``import`` (a module), ``from`` (a name of a module), ``alias`` (another name), ``instance`` or
        ``class`` (a method's first parameter), ``none`` or ``value``.
    line
        Where it stands, from 1.
    conditional
        Whether an ``if``, ``try``, loop or ``with`` stands around it.
    definition
        For ``def`` alone.
    path
        The dotted module for ``import``, module and name for ``from``, the names (and calls) of an ``alias``.
    """

    how: str
    line: int
    conditional: bool = False
    definition: Definition | None = None
    path: Path = ()


@dataclass(slots=True, eq=False)
class Definition:
    """A module, class or function as its file says it; its bindings, calls and branches are its own alone."""

    kind: str
    name: str
    module: str
    qualname: str
    parent: Definition | None = None
    file: str | None = None
    line: int = 0
    end_line: int = 0
    docstring: str = ""
    native: bool = False
    package: bool = False
    is_property: bool = False
    does_nothing: bool = False
    branches: int = 0
    parameters: int = 0
    annotated: int = 0
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    members: list[Definition] = field(default_factory=list)
    calls: Counter[Path] = field(default_factory=Counter)
    bases: list[Path] = field(default_factory=list)
    imports: Counter[tuple[str, str]] = field(default_factory=Counter)
    stars: list[str] = field(default_factory=list)
    exports: frozenset[str] | None = None
    assigned: dict[str, list[tuple[Definition, Binding]]] = field(default_factory=dict)
    returns: list[bool] = field(default_factory=list)
    global_names: set[str] = field(default_factory=set)
    nonlocal_names: set[str] = field(default_factory=set)
    first_parameter: str = ""
    label: str = ""

    def bind(self, name: str, binding: Binding) -> None:
        """Note one more meaning of ``name`` in this scope.

        Parameters
        ----------
        name
            As it stands in the file.
        binding
            What it means there.
        """
        self.bindings.setdefault(self.mangled(name), []).append(binding)

    def mangled(self, name: str) -> str:
        """Spell a name as Python stores it here: inside a class C, ``__name`` is ``_C__name``.

        Parameters
        ----------
        name
            As it stands in the file.

        Returns
        -------
        str
            `name` itself, unless it is private to a class.
        """
        if not name.startswith("__") or name.endswith("__"):
            return name
        around: Definition | None = self
        while around is not None and around.kind != "class":
            around = around.parent
        return name if around is None else f"_{around.name.lstrip('_')}{name}"


def primary(bindings: list[Binding]) -> Definition | None:
    """Say which of several definitions a name stands for.

    Parameters
    ----------
    bindings
        All of one name in one scope, in the order of their lines.

    Returns
    -------
    Definition or None
        The last unconditional one, else the first; of a property the getter; None where nothing is defined.
    """
    made = [b for b in bindings if b.definition is not None]
    plain = [b for b in made if not b.conditional]
    if not made:
        return None
    if plain and not plain[-1].definition.is_property:  # type: ignore[union-attr]
        return plain[-1].definition
    return (plain or made)[0].definition
