"""The handle of an open file: it composes sessions, derived state and stores, and computes nothing itself."""

from __future__ import annotations

import os
from functools import cached_property, partial
from weakref import proxy

from . import log, tables
from .connection import guard
from .connection.handle import Handle
from .connection.location import Location, locate
from .connection.session import Session
from .connection.settings import Options, require_safe_sqlite, require_vec
from .derived.policy import Policy
from .errors import Misuse
from .flows.bootstrap.methods import Bootstrapping
from .migrate import Schema
from .questions import Questions
from .stores.property_indexes import PropertyIndexes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import NoReturn

    from .derived.mechanism import Derived
    from .flows.check import Violation
    from .flows.optimize import Optimized
    from .stores.cdna import Cdna
    from .stores.connections import Connections
    from .stores.graph import Graph
    from .stores.grid import Grid
    from .stores.library import Libraries
    from .stores.queue import Queue
    from .stores.storage import Storage
    from .stores.tokens import Tokens
    from .stores.vocabulary import ConnectionTypes, Domains, EntityTypes


def open(
    path: str | os.PathLike[str],
    *,
    mode: str = "rwc",
    synchronous: str = "full",
    journal: str = "wal",
    busy_timeout_s: float = 10.0,
    memory_budget_bytes: int | None = None,
    engine: str = "auto",
    slow_query_s: float | None = 1.0,
    page_size_bytes: int = 8192,
    backup: bool = True,
) -> Database:
    """Open a file, creating it where there is none, and return the handle.

    Parameters
    ----------
    path
        The file, by convention with the suffix ``.ngdb``; or ``":memory:"`` for a database that is gone when
        its last handle is closed.
    mode
        ``"rwc"`` reads, writes and creates; ``"rw"`` needs the file to exist; ``"r"`` only reads.
    synchronous
        ``"full"`` loses nothing at a power cut. ``"normal"`` may lose the last transactions, never consistency, and
        commits about fifteen times faster. ``"off"`` may lose the file.
    journal
        ``"wal"``: readers and the writer don't wait for each other. ``"rollback"``: for a file shared with SQLite
        shells older than 3.51.3; on a network file system it is chosen for you, with a warning in the log.
    busy_timeout_s
        How long a call waits for another thread or process, in seconds.
    memory_budget_bytes
        What derived arrays may take in RAM; None is a quarter of it and at most 1 GiB, 0 answers from SQL alone.
    engine
        ``"auto"`` uses kernels where they repay themselves, ``"sql"`` never, ``"numba"`` always; the answers are the
        same.
    slow_query_s
        A statement that takes longer is logged as a warning by the logger ``neurograph``; None logs none.
    page_size_bytes
        Of a file that is created: a power of two from 512 to 65536.
    backup
        Keep a copy of the file before its schema is migrated.

    Returns
    -------
    Database
        The handle; a context manager that closes it.

    Raises
    ------
    FileMissing
        There is no such file or folder, and `mode` does not allow to create it.
    NotAFile
        The path names a folder, a device or a pipe.
    NotADatabase
        The file is no SQLite database, or empty and opened for reading.
    DamagedFile
        The file is shorter than it says, or SQLite finds it damaged.
    ForeignApplication
        Another application's database.
    NewerSchema
        A newer version of this package wrote the file.
    OlderSchema
        The file has an older schema and `mode` is ``"r"``.
    SchemaChanged
        A table, index, view or trigger of ours was changed or dropped; the message names it.
    ReadOnlyFile
        The file or its folder can't be written, and `mode` is not ``"r"``.
    FileLocked
        Another process kept the file locked for longer than `busy_timeout_s`.
    ForeignHandle
        This process has the file open outside this package.
    WrongProcess
        The file was open when this process was forked.
    CannotOpen
        The system refuses it, or a table of yours has a name that a migration needs.
    InvalidValue
        An option is not one of those above.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     db.tokens.create("cat").id
    1

    Notes
    -----
    Costs about 2 ms, whatever the size of the file. A file that is refused is left as it was, byte for byte.
    """
    log.logger()  # `logging` may have come since the import
    require_safe_sqlite()
    options = Options(
        synchronous=synchronous,
        journal=journal,
        busy_timeout_s=busy_timeout_s,
        memory_budget_bytes=memory_budget_bytes,
        page_size_bytes=page_size_bytes,
        slow_query_s=slow_query_s,
        read_only=mode == "r",
    )
    location = locate(path, mode)
    if not location.exists:
        require_vec()
    if not location.in_memory and (kind := guard.network_file_system(location.path)):
        log.warning(
            "%s: on %s, where locks can't be trusted: never open it from two machines. A rollback journal is used, "
            "which is slower, and readers and writers wait for each other",
            location.path,
            kind,
        )
        options = options.replaced(journal="rollback")
    return Database(location, options, engine, backup)


class Database(Handle, PropertyIndexes, Bootstrapping, Questions):
    """An open file. Made by `neurograph.open`; use it in a ``with`` block, or call `close`.

    Threads may share one: writers queue in order, readers don't wait for them. It can't be pickled, copied, or used in
    a forked process.
    """

    def __init__(self, location: Location, options: Options, engine: str = "auto", backup: bool = True) -> None:
        self._policy = Policy(engine, options.memory_budget_bytes)
        schema = Schema(location, options, backup)
        self._session = Session(location, options, partial(tables.register, stores=proxy(self)), schema.check())
        try:
            schema.bring_up_to_date(self._session.writer.connection)
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
    def library(self) -> Libraries:
        """The libraries: vector spaces, and who is near in them."""
        from .stores.library import Libraries

        return Libraries(self._session, self._derived)

    @cached_property
    def queue(self) -> Queue:
        """The queue: messages that are claimed, worked on and acked."""
        from .stores.queue import Queue

        return Queue(self._session)

    @cached_property
    def storage(self) -> Storage:
        """The storage: a value in JSON for each namespace and key."""
        from .stores.storage import Storage

        return Storage(self._session)

    @cached_property
    def _derived(self) -> Derived:
        from .derived.mechanism import Derived

        return Derived(self._session, self._policy)

    def reader(self) -> Database:
        """Return a second handle on the same database that only reads, to be closed on its own.

        It sees what is committed. In memory, where there is no log, it waits while a transaction is open.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db, db.reader() as reader:
        ...     _ = db.tokens.create("cat")
        ...     reader.tokens.get("cat").label
        'cat'
        """
        session = self._session
        session.require_open()
        options = session.options.replaced(read_only=True)
        return Database(session.location.for_reading(), options, self._policy.engine, backup=False)

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

    def optimize(self, *, budget_bytes: int = 256 << 20) -> Optimized:
        """Leave the file so that the next process answers fast: save arrays, refresh statistics, give pages back.

        Parameters
        ----------
        budget_bytes
            What saved arrays may take in the file; the most useful kinds come first.

        Returns
        -------
        Optimized
            Bytes saved and pages given back.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create_many(count=1000)
        ...     db.optimize().saved_bytes > 8000
        True

        Notes
        -----
        Never needed for an answer, unless somebody deleted rows of the table ``mark``: it gives them back. Does what is
        due in the queue and deletes stored values that expired. Holds the write lock for about 100 ms at a time.
        """
        from .flows.optimize import optimize

        return optimize(self._session, budget_bytes)

    def drop_derived(self) -> int:
        """Delete saved arrays, partitions and kept vectors of texts; return how many. No exact answer changes.

        Where the encoder of a library is not on this machine, texts whose vectors were kept are not answered any more.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create_many(count=1000), db.optimize()
        ...     db.drop_derived() > 0, db.drop_derived()
        (True, 0)
        """
        from .flows.optimize import drop_derived

        return drop_derived(self._session)

    @property
    def path(self) -> str:
        """The absolute path of the file, or ``":memory:"``."""
        return self._session.location.path

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._session.closed

    def close(self, *, portable: bool = False) -> None:
        """Roll back what is open and close the file; a second call does nothing.

        The last close leaves one file.

        Parameters
        ----------
        portable
            Leave the file as read-only media can hold it, without a write-ahead log, until it is next opened for
            writing.

        Raises
        ------
        TransactionOpen
            Another thread or task has a transaction open; the handle stays open.
        TransactionBusy
            `portable`, and another process or handle has the file open; the handle stays open.

        Examples
        --------
        >>> import neurograph
        >>> db = neurograph.open(":memory:")
        >>> db.close()
        >>> db.closed
        True
        """
        self._session.close(portable)

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
