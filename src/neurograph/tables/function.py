"""The one mechanism of table-valued functions: planning, arguments, remembered answers.

Invariants:

1. A plan in which an argument's value is not known yet is refused, so both orders of a join give the same rows.
2. A function answers on the connection whose statement calls it, and never writes.
3. An answer is remembered as long as the state it was read from, so a join does not search once a row.
4. NULL is no argument; an argument left out has its default.
5. A module holds its line by a weak reference only: SQLite keeps the module, Python's collector can't look through
   SQLite, and a dropped handle would never be closed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

import apsw

from ..errors import InvalidValue

if TYPE_CHECKING:
    from ..connection.line import Line

REMEMBERED_ANSWERS = 1024
REMEMBERED_ROWS = 200_000  # of all answers of one function on one connection
REQUIRED = object()

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument: a hidden column of the table."""

    name: str
    default: Any = REQUIRED


@dataclass(frozen=True, slots=True)
class Function:
    """What a table-valued function is called, takes and gives.

    Attributes
    ----------
    columns
        Names and SQL types of the columns.
    answer
        Called with the stores and the arguments; returns the rows in the order of `order`.
    rows
        How many rows the planner should expect.
    order
        The columns the rows are in order of, ascending unless they begin with ``-``.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    arguments: tuple[Argument, ...]
    answer: Callable[..., Sequence[Row]]
    rows: int = 100
    order: tuple[str, ...] = ()


class Module:
    """A function on one connection, as apsw wants it."""

    def __init__(self, function: Function, line: Line, stores: Any) -> None:
        self._function = function
        self._line = ref(line)
        self._stores = stores

    def Connect(self, connection: apsw.Connection, name: str, schema: str, table: str, *_: str) -> tuple[str, Table]:  # noqa: N802 — apsw's name
        """Describe the table to SQLite."""
        connection.vtab_config(apsw.SQLITE_VTAB_DIRECTONLY)
        columns = [f"{column} {kind}" for column, kind in self._function.columns]
        columns += [f"{argument.name} hidden" for argument in self._function.arguments]
        return f"create table {name} ({', '.join(columns)})", Table(self._function, self._line, self._stores)

    Create = Connect


class Table:
    """The planner's side of a function, and the answers it remembers."""

    def __init__(self, function: Function, line: ReferenceType[Line], stores: Any) -> None:
        self.function = function
        self._line = line
        self._stores = stores
        self._stamp: object = None
        self._answers: dict[tuple[Any, ...], Sequence[Row]] = {}
        self._rows = 0

    def BestIndexObject(self, plan: apsw.IndexInfo) -> bool:  # noqa: N802 — apsw's name
        """Take every argument that is given; refuse a plan in which one is not known yet."""
        function = self.function
        first = len(function.columns)
        given = 0
        used = 0
        for place in range(plan.nConstraint):
            column = plan.get_aConstraint_iColumn(place)
            if column < first or plan.get_aConstraint_op(place) != apsw.SQLITE_INDEX_CONSTRAINT_EQ:
                continue
            if not plan.get_aConstraint_usable(place):
                return False
            bit = 1 << (column - first)
            if given & bit:
                continue  # a second condition on one argument is left to SQLite
            given |= bit
            used += 1
            plan.set_aConstraintUsage_argvIndex(place, column - first + 1)
            plan.set_aConstraintUsage_omit(place, True)
        self._number(plan, given)
        for at, argument in enumerate(function.arguments):
            if argument.default is REQUIRED and not given >> at & 1:
                raise apsw.SQLError(f"{function.name} must be given {argument.name}; {self._usage()}")
        plan.idxNum = given
        plan.estimatedRows = function.rows
        plan.estimatedCost = 10.0 + 2.0 * function.rows
        plan.orderByConsumed = self._ordered(plan)
        return True

    def _number(self, plan: apsw.IndexInfo, given: int) -> None:
        """Give the arguments numbers without gaps, in their order, as SQLite asks."""
        first = len(self.function.columns)
        places = {}
        for place in range(plan.nConstraint):
            if plan.get_aConstraintUsage_argvIndex(place):
                places[plan.get_aConstraint_iColumn(place) - first] = place
        for number, at in enumerate(sorted(places), 1):
            plan.set_aConstraintUsage_argvIndex(places[at], number)

    def _ordered(self, plan: apsw.IndexInfo) -> bool:
        """Tell whether the order asked for is a beginning of the function's own."""
        names = [name for name, _ in self.function.columns]
        wanted = []
        for place in range(plan.nOrderBy):
            column = plan.get_aOrderBy_iColumn(place)
            if not 0 <= column < len(names):
                return False
            wanted.append(("-" if plan.get_aOrderBy_desc(place) else "") + names[column])
        return bool(wanted) and tuple(wanted) == self.function.order[: len(wanted)]

    def _usage(self) -> str:
        words = [a.name if a.default is REQUIRED else f"[{a.name}]" for a in self.function.arguments]
        return f"write {self.function.name}({', '.join(words)})"

    def Open(self) -> Cursor:  # noqa: N802 — apsw's name
        """Return a cursor."""
        return Cursor(self)

    def Disconnect(self) -> None:  # noqa: N802 — apsw's name
        """Forget what was remembered."""
        self._answers.clear()

    Destroy = Disconnect

    def rows(self, given: int, values: Sequence[Any]) -> tuple[Sequence[Row], tuple[Any, ...]]:
        """Return the rows for these arguments, and the arguments with defaults filled in."""
        filled = iter(values)
        arguments = tuple(
            next(filled) if given >> at & 1 else argument.default for at, argument in enumerate(self.function.arguments)
        )
        for at, (argument, value) in enumerate(zip(self.function.arguments, arguments, strict=True)):
            if value is None and given >> at & 1:
                raise InvalidValue(f"{self.function.name}: {argument.name} must not be NULL; {self._usage()}")
        key = tuple((type(value), value) for value in arguments)
        line = self._line()
        assert line is not None, "a statement runs on it"
        stamp = self._stores._derived.stamp(line)
        if stamp != self._stamp or self._rows > REMEMBERED_ROWS or len(self._answers) > REMEMBERED_ANSWERS:
            self._answers.clear()
            self._stamp, self._rows = stamp, 0
        if key not in self._answers:
            with self._stores._session.inside(line):
                self._answers[key] = self.function.answer(self._stores, *arguments)
            self._rows += len(self._answers[key])
        return self._answers[key], arguments


class Cursor:
    """The rows of one call."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._width = len(table.function.columns)
        self._rows: Sequence[Row] = ()
        self._arguments: tuple[Any, ...] = ()
        self._at = 0

    def Filter(self, number: int, name: str | None, values: Sequence[Any]) -> None:  # noqa: N802 — apsw's name
        """Begin a call."""
        self._rows, self._arguments = self._table.rows(number, values)
        self._at = 0

    def Eof(self) -> bool:  # noqa: N802 — apsw's name
        """Tell whether the rows are at their end."""
        return self._at >= len(self._rows)

    def Column(self, number: int) -> Any:  # noqa: N802 — apsw's name
        """Return a column, an argument, or the row's number."""
        if number < 0:
            return self._at + 1
        if number < self._width:
            return self._rows[self._at][number]
        return self._arguments[number - self._width]

    def Rowid(self) -> int:  # noqa: N802 — apsw's name
        """Return the number of the row, from 1."""
        return self._at + 1

    def Next(self) -> None:  # noqa: N802 — apsw's name
        """Go to the next row."""
        self._at += 1

    def Close(self) -> None:  # noqa: N802 — apsw's name
        """End the call."""
        self._rows = ()
