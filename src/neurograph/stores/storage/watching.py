"""What changed since a version, and what changes from now on."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from typing import Any

from ...connection.scope import deadline_after
from ...connection.waiting import Waiting
from ...errors import ChangesForgotten
from ...model.stored import StorageChange
from ..arguments import newest_committed, reached, whole
from .base import StoragePart
from .texts import name, prefix_text

NEWEST = "select coalesce(max(version), 0) from storage_change"
CHANGES = """
    select version, namespace, key, deleted from storage_change where version > ? order by version limit 1000"""
Rows = Callable[[str, tuple[int]], builtins.list[Any]]


class Watching(StoragePart):
    """What changed, and what changes."""

    @property
    def version(self) -> int:
        """The version of the newest change of all namespaces; 0 where nothing was ever stored."""
        rows: Any = self._session.rows(NEWEST)
        return rows[0][0]  # type: ignore[no-any-return]

    def changes(
        self, since: int = 0, *, namespace: str | None = None, prefix: str = "", limit: int | None = None
    ) -> builtins.list[StorageChange]:
        """Return what changed after a version, in order.

        Parameters
        ----------
        since
            A version: what `set` returned, that of the last change you know, or `version` before you read.
        namespace
            Only changes of this one; None for all.
        prefix
            Only keys that begin with it.
        limit
            At most so many, the oldest first; None for all.

        Returns
        -------
        list of StorageChange
            (version, namespace, key, deleted), a value that changed twice twice. Read it with `get`. Empty also where
            `since` is above `version`, as may be in a file that was restored from an older copy.

        Raises
        ------
        ChangesForgotten
            Some changes after `since` are kept no more: at least the newest 65,536 are.
        InvalidValue
            A name is none, or a number below 0.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     version = db.storage.set("devices", "lamp", "on")
        ...     _ = db.storage.set("devices", "fan", "off"), db.storage.delete("devices", "lamp")
        ...     [(change.key, change.deleted) for change in db.storage.changes(version)]
        [('fan', False), ('lamp', True)]

        Notes
        -----
        Expiring is no change; deleting what has expired is, whoever does it: see `purge`. The cost grows with the
        number of changes since.
        """
        at, wanted = whole(since, "since"), _Wanted(namespace, prefix)
        most = None if limit is None else whole(limit, "limit")
        found: builtins.list[StorageChange] = []
        while most is None or len(found) < most:
            rows = _after(self._session.rows, at)
            if not rows:
                break
            found += wanted.of(rows)
            at = rows[-1][0]
        return found[:most]

    def watch(
        self,
        namespace: str | None = None,
        *,
        prefix: str = "",
        since: int | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[StorageChange]:
        """Yield what changes, as it is committed by this process or another, in order.

        Parameters
        ----------
        namespace, prefix
            As for `changes`.
        since
            A version to begin after; None for what is committed after this call.
        timeout_s
            The iteration ends when so long nothing was committed that it yields; None waits for ever.

        Yields
        ------
        StorageChange
            As `changes`.

        Raises
        ------
        ChangesForgotten
            The loop is so far behind that changes are kept no more: read anew, and watch from there.
        Closed, Interrupted
            The database was closed, or `interrupt` called, while it waits.
        TransactionOpen
            In memory, and the thread has a transaction open.
        InvalidValue
            As `changes`; or `since` is above `version`: changes up to it would be missed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     changes = db.storage.watch("devices", timeout_s=0)
        ...     _ = db.storage.set("devices", "lamp", "on")
        ...     [change.key for change in changes]
        ['lamp']

        Notes
        -----
        On a connection of its own, which looks whenever the file's log is written to (Linux) or every 1 to 50 ms. It
        holds no lock; the loop's body may take its time, and write.
        """
        wanted = _Wanted(namespace, prefix)
        deadline_after(timeout_s)  # refused here, not at the first step
        return self._watch(wanted, self._begin(since), timeout_s)

    def _begin(self, since: int | None) -> int:
        if since is None:
            return newest_committed(self._session, NEWEST)
        remedy = "read what is stored anew, and go on from db.storage.version as it was before"
        return reached(self._session, since, "since", NEWEST, remedy)

    def _watch(self, wanted: _Wanted, at: int, timeout_s: float | None) -> Iterator[StorageChange]:
        with Waiting(self._session) as waiting:
            until = deadline_after(timeout_s)
            while True:
                seen = waiting.seen()
                rows = _after(waiting.rows, at)
                for change in wanted.of(rows):
                    yield change
                    until = deadline_after(timeout_s)
                if rows:
                    at = rows[-1][0]
                elif not waiting.wait(seen, until):
                    return


class _Wanted:
    """Which changes somebody wants."""

    def __init__(self, namespace: str | None, prefix: str) -> None:
        self._namespace = None if namespace is None else name(namespace, "namespace")
        self._prefix = prefix_text(prefix)

    def of(self, rows: builtins.list[Any]) -> Iterator[StorageChange]:
        for version, namespace, key, deleted in rows:
            if self._namespace in (None, namespace) and key.startswith(self._prefix):
                yield StorageChange(version, namespace, key, bool(deleted))


def _after(rows_of: Rows, at: int) -> builtins.list[Any]:
    """Return the next changes; versions have no gaps, so that one tells what was forgotten, or deleted by SQL."""
    rows = rows_of(CHANGES, (at,))
    if rows and rows[-1][0] != at + len(rows):
        before = [at, *(row[0] for row in rows[:-1])]
        oldest = max(row[0] for row, known in zip(rows, before, strict=True) if row[0] != known + 1)
        raise ChangesForgotten(
            f"since must be at least {oldest - 1}, the oldest version whose changes are kept, got {at}; read what "
            "is stored anew, and go on from db.storage.version as it was before"
        )
    return rows
