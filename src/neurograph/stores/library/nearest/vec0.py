"""A library's vectors as a `vec0` table of sqlite-vec, for those who want its SQL.

Invariants:

1. The table is temporary: nothing of it is ever in the file, where it would keep plain shells from changing the schema.
2. It is built whole or not at all, and without the file's write lock.
"""

from __future__ import annotations

import apsw

from ....connection.scope import deadline_after
from ....errors import Conflict, InvalidValue
from ..base import LibraryPart, Space, require_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ....connection.line import Line

METRICS = {"cosine": "cosine", "l2": "l2"}
SHADOWS = ("", "_info", "_chunks", "_rowids", "_vector_chunks00")  # the tables that vec0 makes
NAME = r"[A-Za-z_]\w*"


class Vec0Library(LibraryPart):
    """A library that can be had as a `vec0` table."""

    def vec0(self, name: str | None = None, *, timeout_s: float | None = None) -> str:
        """Build a temporary `vec0` table of the vectors as they are now, and return its name.

        It has the columns ``id`` and ``vector``, doesn't follow later changes, and lives on the connection that writes,
        until the file is closed. `db.execute` finds it there from every thread; a snapshot and a stream don't.

        Parameters
        ----------
        name
            Of the table, without ``temp.``: a word that no table, view or function has; None: the library's name with
            ``_vec0`` behind it.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        str
            The name with its schema: ``temp.pets_vec0``. Drop it when you are done: it holds all vectors in memory, or
            in a temporary file of SQLite's.

        Raises
        ------
        InvalidValue
            `name` is no word, or the metric is dot, which `vec0` does not have.
        Conflict
            A table, view or function has the name.
        LibraryNotFound
            The library was dropped.
        ReadOnlyDatabase
            The file was opened for reading.
        DeadlineExceeded
            It took longer than `timeout_s`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=2)
        ...     _ = pets.add([[1, 0], [0, 1]], keys=["cat", "dog"])
        ...     table = pets.vec0()
        ...     sql = f"select key from {table} join item using (id) where vector match ? and k = 1"
        ...     table, db.execute(sql, [pets.vector("dog").tobytes()]).fetchall()
        ('temp.pets_vec0', [('dog',)])

        Notes
        -----
        Grows with the number of vectors times their dimension: 1.5 s for 117,659 of 384 (two cores, Linux). Readers
        and other processes go on meanwhile; writers of this process wait. `vec0` returns at most 4,096 neighbors.
        """
        table = self._table_name(name)
        if self.metric not in METRICS:
            raise InvalidValue(
                f"the metric must be one of {', '.join(METRICS)} for a vec0 table, got {self.metric!r}; order by "
                "vec_distance_* over the table embedding instead"
            )
        with self._session.write_turn("build a vec0 table", deadline_after(timeout_s)) as line:
            connection = line.connection
            require_library(connection, self._space)
            _require_free(connection, table)
            self._session.private = True  # from now on reads look for what only this connection has
            _fill(line, self._space, table)
        return f"temp.{table}"

    def _table_name(self, name: str | None) -> str:
        table = f"{self.name}_vec0" if name is None else name
        reserved = ("sqlite_", "ng_", "vec_", "json_", "pragma_")
        import re

        is_word = isinstance(table, str) and re.fullmatch(NAME, table, re.ASCII) and table.upper() not in apsw.keywords
        if not is_word or table.lower().startswith(reserved):
            said = ", the library's name; pass name=" if name is None else ""
            raise InvalidValue(
                f"name must be a word of ASCII letters, no keyword, that doesn't begin with {', '.join(reserved)}, "
                f"got {table!r}{said}"
            )
        return table


def _require_free(connection: apsw.Connection, table: str) -> None:
    """Refuse a name that stands for something already: a temporary table would hide it from every other statement."""
    names = [table.lower() + suffix for suffix in SHADOWS]
    sql = f"""
        select name from pragma_table_list where lower(name) in ({", ".join("?" * len(names))})
         union all
        select name from pragma_module_list where lower(name) = ?"""
    rows: Any = connection.execute(sql, (*names, table.lower())).fetchall()
    if rows:
        raise Conflict(
            f"name must be free, got {table!r}, beside {rows[0][0]!r}; drop that table, or pass another name"
        )


def _fill(line: Line, space: Space, table: str) -> None:
    """Make the table whole, or not at all: a savepoint that reads the file and writes beside it."""
    connection, busy = line.connection, line.busy
    if not busy:
        line.busy, line.stopping = True, False
    connection.execute(f"savepoint {table}")
    try:
        connection.execute(
            f"create virtual table temp.{table} using vec0(id integer primary key, "
            f"vector float[{space.dimension}] distance_metric={METRICS[space.metric]})"
        )
        connection.execute(
            f"""insert into temp.{table} (id, vector)
                select id, vector from embedding where id between ? and ? and length(vector) = ?""",
            (*space.ids, 4 * space.dimension),
        )
        connection.execute(f"release {table}")
    except BaseException as error:
        if connection.in_transaction:  # else an interrupt has undone all of it
            connection.execute(f"rollback to {table}; release {table}")
        if line.must_stop:  # sqlite-vec says "out of memory" where it was interrupted
            raise line.failed(apsw.InterruptError("interrupted")) from error
        raise
    finally:
        line.busy = busy
