"""What a name can stand for, and how several meanings become one."""

from __future__ import annotations

from typing import NamedTuple

from neurograph.flows.stdlib_definitions import Definition

#: The label of the class that every other derives from.
OBJECT = "builtins.object"

#: Why a call has no target; the keys of `Source.calls` beside ``resolved``.
REASONS = ("value", "expression", "native", "unknown")


class Target(NamedTuple):
    """What a name or a path stands for.

    Parameters
    ----------
    how
        ``symbol`` (the definition itself), ``instance`` (an object of that class), ``super`` (the same, looked up
        behind that class), or a reason from `REASONS`.
    definition
        None for a reason.
    through
        The class a method was looked up on.
    """

    how: str
    definition: Definition | None = None
    through: Definition | None = None


VALUE = Target("value")
EXPRESSION = Target("expression")
NATIVE = Target("native")
UNKNOWN = Target("unknown")


def agreed(targets: list[Target]) -> Target:
    """Reduce several meanings to the one they share.

    Parameters
    ----------
    targets
        What each of a name's bindings says.

    Returns
    -------
    Target
        The first where all say the same, else `VALUE`.
    """
    return targets[0] if len({(target.how, target.definition) for target in targets}) == 1 else VALUE


def merged(lines: list[list[Definition]]) -> list[Definition]:
    """Merge the orders of a class's bases, and the bases themselves, as C3 does.

    Parameters
    ----------
    lines
        Each base's own order, in the order of the bases, and last the list of the bases.

    Returns
    -------
    list of Definition
        Each once; where no order is consistent (Python would refuse such a class) the first base goes first.
    """
    order: list[Definition] = []
    while lines := [line for line in lines if line]:
        heads = (line[0] for line in lines if not any(line[0] in other[1:] for other in lines))
        head = next(heads, lines[0][0])
        order.append(head)
        lines = [[cls for cls in line if cls is not head] for line in lines]
    return order
