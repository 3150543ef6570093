"""What a user does with plain SQL and transactions: the part of a database that needs no store."""

from __future__ import annotations

from .scope import Snapshot, Transaction
from .statement import execute, execute_many

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from .explanation import Explanation
    from .result import Result, Row
    from .session import Bindings, Session


class Handle:
    """Plain SQL, transactions and snapshots over one session."""

    _session: Session

    # --- plain SQL ------------------------------------------------------------------------------------------

    def execute(self, sql: str, bindings: Bindings = None, *, timeout_s: float | None = None) -> Result:
        """Run SQL and return its rows, already fetched.

        Parameters
        ----------
        sql
            One statement or several; all are kept or all undone. ``?`` and ``:name`` mark parameters.
        bindings
            A sequence for ``?``, a mapping for ``:name``. Numbers of numpy are taken as Python's, its arrays as blobs;
            NaN is stored as NULL, as SQLite does.
        timeout_s
            Stop after so many seconds, waiting included, and undo what was begun.

        Returns
        -------
        Result
            An iterable of tuples with `columns`, `fetchone`, `to_dicts`, `to_dataframe`; of several statements, the
            rows of the last one that has any.

        Raises
        ------
        Misuse
            A word that controls transactions; use `transaction`. Or ``pragma``, ``vacuum`` or ``attach`` among other
            statements.
        InvalidValue
            The values don't fit the parameters, or a text in the file is not UTF-8.
        RuleViolated
            The constitution refuses a row.
        Conflict
            A row with the same unique value exists.
        TransactionBusy
            Another thread, task or process kept its transaction open for the busy timeout.
        DeadlineExceeded
            `timeout_s` ran out; what the call began is undone. A write that is stopped inside a transaction undoes
            all of it, as SQLite does.
        Interrupted
            `interrupt` was called.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.execute("insert into token (label) values (?), (?)", ["cat", "dog"])
        ...     db.execute("select label from token order by label").fetchall()
        [('cat',), ('dog',)]
        """
        return execute(self._session, sql, bindings, timeout_s)

    def executemany(self, sql: str, rows: Iterable[Any], *, timeout_s: float | None = None) -> None:
        """Run SQL once for each of `rows`, all in one transaction.

        Parameters
        ----------
        sql
            One statement with parameters.
        rows
            A sequence or mapping of values for each run; may be a generator.
        timeout_s
            Stop after so many seconds and undo all of it.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.executemany("insert into token (label) values (?)", [("cat",), ("dog",)])
        ...     db.execute("select count(*) from token").fetchone()
        (2,)
        """
        execute_many(self._session, sql, rows, timeout_s)

    def stream(self, sql: str, bindings: Bindings = None, *, timeout_s: float | None = None) -> Iterator[Row]:
        """Return an iterator over the rows of a reading statement, without holding them all.

        The rows are those of this moment, whatever is written while they are read. They come from a connection of
        their own; inside a transaction or a snapshot from that one, and then they must be read before it ends. In
        memory, and with ``journal="rollback"``, where readers keep writers waiting, all rows are fetched first.
        Parameters as for `execute`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     sum(n for (n,) in db.stream("select value from json_each('[1, 2, 3]')"))
        6
        """
        from .streaming import stream

        return stream(self._session, sql, bindings, timeout_s)

    def explain(self, sql: str, bindings: Bindings = None, *, timeout_s: float | None = None) -> Explanation:
        """Return how a statement is answered: SQLite's plan, what was read, and which paths were taken inside.

        A statement that reads is run; one that writes is only planned. Parameters as for `execute`.

        Returns
        -------
        Explanation
            `plan`; `paths`, which say of each function whether kernels or rows answered, why, and what it cost to have
            the arrays true; `rows`, `scanned`, `steps`, `time_ms`. As text it is all of it, a line each.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:", engine="sql") as db:
        ...     _ = db.tokens.create("cat")
        ...     db.explain("select id from token where label = 'cat'").plan[0]
        ...     db.explain("select id from ng_bfs('cat')").paths
        'search token using covering index sqlite_autoindex_token_1 (label=?)'
        ("ng_bfs: rows, engine='sql'",)
        """
        from .explanation import explain

        return explain(self._session, sql, bindings, timeout_s)

    # --- transactions ---------------------------------------------------------------------------------------

    def transaction(self) -> Transaction:
        """Return a context in which everything written is kept together, or undone together on an error.

        Nested ones are savepoints. It belongs to the thread and the asyncio task that opened it; others wait for the
        busy timeout, then get `TransactionBusy`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     try:
        ...         with db.transaction():
        ...             _ = db.tokens.create("cat")
        ...             raise RuntimeError
        ...     except RuntimeError:
        ...         db.execute("select count(*) from token").fetchone()
        (0,)
        """
        return self._session.transaction()

    def snapshot(self) -> Snapshot:
        """Return a context whose reads all see one state, without holding the write lock; it refuses writes.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db, db.snapshot():
        ...     db.execute("select count(*) from token").fetchone()
        (0,)
        """
        return Snapshot(self._session)

    def begin(self) -> None:
        """Begin a transaction at a prompt; in a program, use ``with db.transaction():``."""
        self._session.begin()

    def commit(self) -> None:
        """Keep what was written since `begin`."""
        self._session.commit()

    def rollback(self) -> None:
        """Undo what was written since `begin`."""
        self._session.rollback()

    @property
    def in_transaction(self) -> bool:
        """True where the calling thread and task have a transaction open."""
        return self._session.in_transaction

    def interrupt(self) -> None:
        """Stop what is running, from another thread; the stopped calls raise `Interrupted`.

        A worker goes on: what its handlers run is stopped, as all else.
        """
        self._session.interrupt()
