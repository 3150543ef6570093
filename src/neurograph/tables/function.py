"""The one mechanism of table-valued functions: planning, arguments, remembered answers.

Invariants:

1. A plan in which an argument's value is not known yet is refused, so both orders of a join give the same rows.
2. A function answers on the connection whose statement calls it, and never writes.
3. While statements run, an answer is remembered as long as the state it was read from, so a join does not search once
   a row. When the last of them ends, everything is forgotten: between statements a trial of the constitution may end,
   and the clock changes no row.
4. NULL is no argument; an argument left out has its default.
5. Equal rowids mean the same row of the same answer, whichever cursor tells them: SQLite joins the branches of an OR,
   and finds the partnerless rows of a RIGHT JOIN, by rowid.

An argument that is missing is found when the function is called, not when it is planned. SQLite plans the branches of
an OR one by one and shows each only its own conditions; such a plan must lose by its cost, and not end the statement.

LIMIT is not taken over: rows are handed out one by one, so a statement with a limit stops reading in any case, and an
answer cut short could not serve the next call with the same arguments. `k`, `max_depth` and `radius` bound a search.
"""

from __future__ import annotations

from collections import OrderedDict

import apsw

from ..errors import Closed, InvalidValue, NotFound
from .answer import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ..connection.line import Line
    from .answer import Found

    Columns = tuple[tuple[str, str], ...]

REMEMBERED_BYTES = 8 << 20  # of one function in one statement; the newest answer is kept whatever it takes
MISSING_COST = 1e50  # of a plan that lacks an argument: above any other, and far from where SQLite's costs overflow
REQUIRED = object()

# What may be said of an argument besides its value; `is null` is true of a default that is NULL, and of no other.
HARMLESS = frozenset(
    {
        apsw.SQLITE_INDEX_CONSTRAINT_EQ,
        apsw.SQLITE_INDEX_CONSTRAINT_ISNULL,
        apsw.SQLITE_INDEX_CONSTRAINT_ISNOTNULL,
    }
)
LIMITS = frozenset({apsw.SQLITE_INDEX_CONSTRAINT_LIMIT, apsw.SQLITE_INDEX_CONSTRAINT_OFFSET})  # of no column


class Type:
    """What an argument may be.

    Attributes
    ----------
    name
        As messages call it.
    classes
        Of the Python values SQLite hands over.
    """

    __slots__ = ("classes", "name")

    def __init__(self, name: str, classes: tuple[type, ...]) -> None:
        self.name = name
        self.classes = classes


TOKEN = Type("an id or a label", (int, str))
NAME = Type("a name or a code", (int, str))
TEXT = Type("a text", (str,))
WHOLE = Type("a whole number", (int,))
NUMBER = Type("a number", (int, float))
QUERY = Type("a vector (a blob of float32), the id of an item or its key", (bytes, int, str))
IDS = Type("ids, as in `among in (select …)`", (frozenset, int))


class Argument:
    """An argument: a hidden column of the table."""

    __slots__ = ("default", "name", "type")

    def __init__(self, name: str, type: Type, default: Any = REQUIRED) -> None:
        self.name = name
        self.type = type
        self.default = default


class Function:
    """What a table-valued function is called, takes and gives.

    Attributes
    ----------
    columns
        Names and SQL types of the columns; or what returns them, where they are not known without an import.
    answer
        Called with the stores and the arguments; returns the rows in the order of `order`.
    rows
        How many rows the planner should expect; 1 means at most one.
    order
        The columns the rows are in order of, ascending unless they begin with ``-``.
    """

    __slots__ = ("answer", "arguments", "columns", "name", "order", "rows")

    def __init__(
        self,
        name: str,
        columns: Columns | Callable[[], Columns],
        arguments: tuple[Argument, ...],
        answer: Callable[..., Found],
        rows: int = 100,
        order: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.columns = columns
        self.arguments = arguments
        self.answer = answer
        self.rows = rows
        self.order = order

    def usage(self) -> str:
        """Return how the function is written, for messages."""
        words = [a.name if a.default is REQUIRED else f"[{a.name}]" for a in self.arguments]
        return f"write {self.name}({', '.join(words)})"


class Module:
    """A function on one connection, as apsw wants it."""

    def __init__(self, function: Function, line: Line, stores: Any) -> None:
        self._function = function
        self._line = line
        self._stores = stores

    def Connect(self, connection: apsw.Connection, name: str, schema: str, table: str, *_: str) -> tuple[str, Table]:  # noqa: N802 — apsw's name
        """Describe the table to SQLite."""
        connection.vtab_config(apsw.SQLITE_VTAB_DIRECTONLY)
        table_ = Table(self._function, self._line, self._stores)
        columns = [f'"{column}" {kind}' for column, kind in table_.columns]
        columns += [f"{argument.name} hidden" for argument in self._function.arguments]
        return f"create table {name} ({', '.join(columns)})", table_

    Create = Connect


class Table:
    """The planner's side of a function, and the answers it remembers."""

    def __init__(self, function: Function, line: Line, stores: Any) -> None:
        self.function = function
        self.columns = function.columns() if callable(function.columns) else function.columns
        self._line = line
        self._stores = stores
        self._stamp: object = None
        self._answers: OrderedDict[tuple[Any, ...], Answer] = OrderedDict()
        self._nbytes = 0
        self._cursors = 0

    def BestIndexObject(self, plan: apsw.IndexInfo) -> bool:  # noqa: N802 — apsw's name
        """Take every argument that is given; refuse a plan in which one is not known yet."""
        function = self.function
        first = len(self.columns)
        known: dict[int, int] = {}
        named: dict[int, int] = {}
        compared: set[int] = set()
        for place in range(plan.nConstraint):
            argument = plan.get_aConstraint_iColumn(place) - first
            operator = plan.get_aConstraint_op(place)
            if operator in LIMITS or argument < 0:
                continue
            if operator != apsw.SQLITE_INDEX_CONSTRAINT_EQ:
                if operator not in HARMLESS:
                    compared.add(argument)
                continue
            named[argument] = named.get(argument, 0) + 1
            if plan.get_aConstraint_usable(place):
                known.setdefault(argument, place)  # a second condition on one argument is left to SQLite
        if named.keys() - known.keys():
            return False
        for number, argument in enumerate(sorted(known), 1):
            plan.set_aConstraintUsage_argvIndex(known[argument], number)
            plan.set_aConstraintUsage_omit(known[argument], True)
            if function.arguments[argument].type is IDS and plan.get_aConstraintUsage_in(known[argument]):
                plan.set_aConstraintUsage_in(known[argument], True)  # all of them in one call, not a call for each
        given = sum(1 << argument for argument in known)
        twice = {a for a, times in named.items() if times > 1 and function.arguments[a].type is IDS}  # else SQLite's
        unclear = sum(1 << argument for argument in (compared - known.keys()) | twice)
        plan.idxNum = given | unclear << len(function.arguments)
        missing = any(a.default is REQUIRED and not given >> at & 1 for at, a in enumerate(function.arguments))
        plan.estimatedRows = function.rows
        plan.estimatedCost = MISSING_COST if missing or unclear else 10.0 + 2.0 * function.rows
        if function.rows == 1:
            plan.idxFlags = apsw.SQLITE_INDEX_SCAN_UNIQUE
        plan.orderByConsumed = self._ordered(plan)
        return True

    def _ordered(self, plan: apsw.IndexInfo) -> bool:
        """Tell whether the order asked for is a beginning of the function's own."""
        wanted = []
        for place in range(plan.nOrderBy):
            column = plan.get_aOrderBy_iColumn(place)
            if not 0 <= column < len(self.columns):
                return False
            wanted.append(("-" if plan.get_aOrderBy_desc(place) else "") + self.columns[column][0])
        return bool(wanted) and tuple(wanted) == self.function.order[: len(wanted)]

    def Open(self) -> Cursor:  # noqa: N802 — apsw's name
        """Return a cursor."""
        self._cursors += 1
        return Cursor(self)

    def closed(self) -> None:
        """Note that a cursor was closed; the last one takes the answers with it."""
        self._cursors -= 1
        if self._cursors <= 0:
            self._forget()

    def Disconnect(self) -> None:  # noqa: N802 — apsw's name
        """Forget what was remembered."""
        self._forget()

    Destroy = Disconnect

    def answer(self, number: int, values: Sequence[Any]) -> tuple[Answer, tuple[Any, ...]]:
        """Return the answer for these arguments, and the arguments with defaults filled in."""
        arguments = self._arguments(number, values)
        stamp = self._line.stamp
        if stamp != self._stamp:
            self._forget()
            self._stamp = stamp
        key = tuple([(type(value), value) for value in arguments])
        found = self._answers.get(key)
        if found is None:
            found = self._ask(arguments)
            self._remember(key, found)
        else:
            self._answers.move_to_end(key)
        return found, arguments

    def _arguments(self, number: int, values: Sequence[Any]) -> tuple[Any, ...]:
        function = self.function
        count = len(function.arguments)
        filled = iter(values)
        arguments = []
        for at, argument in enumerate(function.arguments):
            if not number >> at & 1:
                if argument.default is REQUIRED:
                    raise InvalidValue(f"{function.name} must be given {argument.name}; {function.usage()}")
                if number >> count >> at & 1:
                    raise InvalidValue(f"{function.name}: {argument.name} must be compared by =; {function.usage()}")
                arguments.append(argument.default)
                continue
            if number >> count >> at & 1:
                raise InvalidValue(f"{function.name}: {argument.name} must be given once; intersect the lists")
            value = next(filled)
            if isinstance(value, set):
                value = frozenset(value)
            if value is None:
                raise InvalidValue(f"{function.name}: {argument.name} must not be NULL; {function.usage()}")
            if type(value) not in argument.type.classes:
                raise InvalidValue(f"{function.name}: {argument.name} must be {argument.type.name}, got {value!r}")
            arguments.append(value)
        return tuple(arguments)

    def _ask(self, arguments: tuple[Any, ...]) -> Answer:
        name, paths = self.function.name, self._line.paths
        try:
            with self._stores._session.inside(self._line):
                if paths is None:
                    return Answer(self.function.answer(self._stores, *arguments), len(self.columns))
                with paths.asked(name):
                    return Answer(self.function.answer(self._stores, *arguments), len(self.columns))
        except (InvalidValue, NotFound) as error:
            raise type(error)(f"{name}: {error}") from error
        except ReferenceError:
            raise Closed("the database was closed meanwhile; open it again with neurograph.open") from None

    def _remember(self, key: tuple[Any, ...], found: Answer) -> None:
        self._answers[key] = found
        self._nbytes += found.nbytes
        while self._nbytes > REMEMBERED_BYTES and len(self._answers) > 1:
            self._nbytes -= self._answers.popitem(last=False)[1].nbytes

    def _forget(self) -> None:
        self._answers.clear()
        self._nbytes = 0
        self._stamp = None


NOTHING = Answer((), 0)


class Cursor:
    """The rows of one call."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._width = len(table.columns)
        self._answer = NOTHING
        self._arguments: tuple[Any, ...] = ()
        self._block: Sequence[Sequence[Any]] = ()
        self._at = self._first = self._last = 0
        self._row_base: int | None = None

    def Filter(self, number: int, name: str | None, values: Sequence[Any]) -> None:  # noqa: N802 — apsw's name
        """Begin a call."""
        self._answer, self._arguments = self._table.answer(number, values)
        self._at = self._first = self._last = 0
        self._row_base = None

    def Eof(self) -> bool:  # noqa: N802 — apsw's name
        """Tell whether the rows are at their end."""
        return self._at >= self._answer.size

    def Column(self, number: int) -> Any:  # noqa: N802 — apsw's name
        """Return a column, an argument, or the rowid."""
        if number >= self._width:
            argument = self._arguments[number - self._width]
            return None if isinstance(argument, frozenset) else argument
        if number < 0:
            return self.Rowid()
        if not self._first <= self._at < self._last:
            self._block, self._first, self._last = self._answer.block(self._at)
        return self._block[number][self._at - self._first]

    def Rowid(self) -> int:  # noqa: N802 — apsw's name
        """Return a number that tells this row from every other one of the function, see invariant 5.

        That two calls of one statement have a number in common is possible: one pair in 2**62 / rows.
        """
        if self._row_base is None:
            from hashlib import blake2b

            told = repr([(type(value).__name__, value) for value in self._arguments]).encode(errors="surrogatepass")
            self._row_base = int.from_bytes(blake2b(told, digest_size=8).digest(), "little") >> 2
        return self._row_base + self._at

    def Next(self) -> None:  # noqa: N802 — apsw's name
        """Go to the next row."""
        self._at += 1

    def Close(self) -> None:  # noqa: N802 — apsw's name
        """End the call."""
        self._table.closed()
