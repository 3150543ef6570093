"""The handle of an open file: it composes sessions, derived state and stores, and computes nothing itself."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import proxy

from . import migrate, tables
from .connection import guard
from .connection.location import Location, check_header, locate
from .connection.session import Bindings, Session, Snapshot, Transaction
from .connection.settings import SYNCHRONOUS, Options, require_safe_sqlite
from .connection.statement import execute, execute_many, stream
from .derived.policy import Policy
from .errors import InvalidValue, Misuse
from .stores.property_index import PropertyIndexes

if TYPE_CHECKING:
    from .connection.result import Result, Row
    from .derived import Derived
    from .flows.check import Violation
    from .stores.cdna import Cdna
    from .stores.connections import Connections
    from .stores.graph import Graph
    from .stores.grid import Grid
    from .stores.tokens import Tokens
    from .stores.vocabulary import ConnectionTypes, Domains, EntityTypes

JOURNALS = ("wal", "rollback")


def open(
    path: str | os.PathLike[str],
    *,
    mode: str = "rwc",
    synchronous: str = "full",
    journal: str = "wal",
    busy_timeout_s: float = 10.0,
    memory_budget_bytes: int | None = None,
    engine: str = "auto",
    page_size_bytes: int = 8192,
    backup: bool = True,
) -> Database:
    """Open a file, creating it where there is none, and return the handle.

    Parameters
    ----------
    path
        The file, by convention with the suffix ``.ngdb``; or ``":memory:"`` for a database that is gone when
        the handle is closed.
    mode
        ``"rwc"`` reads, writes and creates; ``"rw"`` needs the file to exist; ``"r"`` only reads.
    synchronous
        ``"full"`` loses nothing at a power cut. ``"normal"`` may lose the last transactions, never consistency, and
        commits about fifteen times faster. ``"off"`` may lose the file.
    journal
        ``"wal"``: readers and the writer don't wait for each other. ``"rollback"``: for a file shared with SQLite
        shells older than 3.51.3, or on a network file system.
    busy_timeout_s
        How long a write waits for another thread or process, in seconds.
    memory_budget_bytes
        What derived arrays may take in RAM; None is a quarter of it and at most 1 GiB, 0 answers from SQL alone.
    engine
        ``"auto"`` uses kernels where they repay themselves, ``"sql"`` never, ``"numba"`` always; the answers are the
        same.
    page_size_bytes
        Of a file that is created.
    backup
        Keep a copy of the file before its schema is migrated.

    Returns
    -------
    Database
        The handle; a context manager that closes it.

    Raises
    ------
    CannotOpen
        In its kinds: no database, another application's, a newer schema's, read-only, locked, held by a foreign
        descriptor. The file is left as it was.
    InvalidValue
        An option is not one of those above.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     db.tokens.create("cat").id
    1
    """
    if synchronous not in SYNCHRONOUS:
        raise InvalidValue(f"synchronous must be one of {', '.join(SYNCHRONOUS)}, got {synchronous!r}")
    if journal not in JOURNALS:
        raise InvalidValue(f"journal must be one of {', '.join(JOURNALS)}, got {journal!r}")
    if not 0 <= busy_timeout_s < 1e6:
        raise InvalidValue(f"busy_timeout_s must be at least 0, got {busy_timeout_s!r}")
    require_safe_sqlite()
    location = locate(path, mode)
    if location.exists and not guard.is_open_here(location.path):
        guard.refuse_foreign_handles(location.path)
        check_header(location, migrate.newest_schema())
    options = Options(synchronous, journal, float(busy_timeout_s), page_size_bytes, read_only=mode == "r")
    return Database(location, options, memory_budget_bytes, engine, backup)


class Database(PropertyIndexes):
    """An open file. Made by `neurograph.open`; use it in a ``with`` block, or call `close`."""

    def __init__(
        self, location: Location, options: Options, memory_budget_bytes: int | None, engine: str, backup: bool
    ) -> None:
        self._policy = Policy(engine, 1 << 30 if memory_budget_bytes is None else memory_budget_bytes)
        self._session = Session(location, options, partial(tables.register, stores=proxy(self)))
        try:
            migrate.bring_up_to_date(self._session.writer.connection, location, options.read_only, backup)
        except BaseException:
            self._session.close()
            raise

    @cached_property
    def tokens(self) -> Tokens:
        """The tokens: what the mind holds."""
        from .stores.tokens import Tokens

        return Tokens(self._session)

    @cached_property
    def graph(self) -> Graph:
        """The graph: edges between tokens, and what following them finds."""
        from .stores.graph import Graph

        return Graph(self._session, self._derived)

    @cached_property
    def connections(self) -> Connections:
        """The connections: edges that pull, learn and fade."""
        from .stores.connections import Connections

        return Connections(self._session)

    @cached_property
    def entity_types(self) -> EntityTypes:
        """What a token may be: our entity types, and your own."""
        from .stores.vocabulary import EntityTypes

        return EntityTypes(self._session)

    @cached_property
    def domains(self) -> Domains:
        """Where a token may belong: our domains, and your own."""
        from .stores.vocabulary import Domains

        return Domains(self._session)

    @cached_property
    def connection_types(self) -> ConnectionTypes:
        """What an edge and a connection may mean: our 176 types, and your own."""
        from .stores.vocabulary import ConnectionTypes

        return ConnectionTypes(self._session)

    @cached_property
    def cdna(self) -> Cdna:
        """The constitution: the limits every writer meets, and the history of what they were."""
        from .stores.cdna import Cdna

        return Cdna(self._session)

    @cached_property
    def grid(self) -> Grid:
        """The space: who is near, and what is felt where."""
        from .stores.grid import Grid

        return Grid(self._session, self._derived)

    @cached_property
    def _derived(self) -> Derived:
        from .derived import Derived

        return Derived(self._session, self._policy)

    # --- plain SQL ------------------------------------------------------------------------------------------

    def execute(self, sql: str, bindings: Bindings = None, *, timeout_s: float | None = None) -> Result:
        """Run SQL and return its rows, already fetched.

        Parameters
        ----------
        sql
            One statement or several; all are kept or all undone. ``?`` and ``:name`` mark parameters.
        bindings
            A sequence for ``?``, a mapping for ``:name``.
        timeout_s
            Stop after so many seconds and undo what was begun.

        Returns
        -------
        Result
            An iterable of tuples with `columns`, `fetchone`, `to_dicts`, `to_dataframe`.

        Raises
        ------
        Misuse
            A word that controls transactions; use `transaction`.
        RuleViolated
            The constitution refuses a row.
        DeadlineExceeded
            `timeout_s` ran out.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.execute("insert into token (label) values (?), (?)", ["cat", "dog"])
        ...     db.execute("select label from token order by label").fetchall()
        [('cat',), ('dog',)]
        """
        return execute(self._session, sql, bindings, timeout_s)

    def executemany(self, sql: str, rows: Iterable[Any]) -> None:
        """Run SQL once for each of `rows`, all in one transaction.

        Parameters
        ----------
        sql
            One statement with parameters.
        rows
            A sequence or mapping of values for each run; may be a generator.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.executemany("insert into token (label) values (?)", [("cat",), ("dog",)])
        ...     db.execute("select count(*) from token").fetchone()
        (2,)
        """
        execute_many(self._session, sql, rows)

    def stream(self, sql: str, bindings: Bindings = None, *, timeout_s: float | None = None) -> Iterator[Row]:
        """Yield the rows of a reading statement without holding them all.

        The rows come from a connection of their own that sees one state throughout, or, inside a transaction, from
        that transaction. Parameters as for `execute`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     sum(n for (n,) in db.stream("select value from json_each('[1, 2, 3]')"))
        6
        """
        return stream(self._session, sql, bindings, timeout_s)

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
        """Stop what is running, from another thread; the stopped call raises `Interrupted`."""
        self._session.interrupt()

    # --- care ---

    def check(self, *, limit: int = 100) -> list[Violation]:
        """Audit the file and return what is wrong; an empty list when it is sound.

        Parameters
        ----------
        limit
            At most so many violations of each invariant.

        Returns
        -------
        list of Violation
            (invariant, row, message), in the order of the manual's list.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.check()
        []

        Notes
        -----
        Reads the whole file once or twice: about 1 s for 1M tokens with 1M edges.
        """
        from .flows.check import check

        return check(self._session, limit)

    # --- the handle -----------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The absolute path of the file, or ``":memory:"``."""
        return self._session.location.path

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._session.closed

    def close(self) -> None:
        """Roll back what is open and close the file; a second call does nothing."""
        self._session.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise Misuse("a Database can't be pickled or copied; pass its path and open it again")

    def __repr__(self) -> str:
        return f"<Database {self.path!r}{' closed' if self.closed else ''}>"
