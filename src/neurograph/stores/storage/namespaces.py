"""Namespaces: what they hold, what they take, what they may take."""

from __future__ import annotations

import builtins
from typing import Any

from ...model.stored import StorageNamespace
from ..arguments import whole
from . import clock
from .base import StoragePart
from .texts import name

# The counters hold what has expired as well; there is little of that, and an index finds it.
NAMESPACES = """
    with expired (namespace, keys, bytes) as (
        select namespace, count(*), sum(length(cast(value as blob)))
          from storage indexed by storage_expiry where expires_ns <= ? group by namespace)
    select n.namespace, n.keys - coalesce(e.keys, 0), n.bytes - coalesce(e.bytes, 0), n.quota_bytes
      from storage_namespace as n
      left join expired as e on e.namespace = n.namespace
     where n.keys > coalesce(e.keys, 0) or n.quota_bytes is not null
     order by n.namespace"""


class Namespaces(StoragePart):
    """What namespaces hold and may take."""

    def namespaces(self) -> builtins.list[StorageNamespace]:
        """Return the namespaces that have keys or a quota, in order of name.

        Returns
        -------
        list of StorageNamespace
            (name, keys, bytes, quota_bytes); what has expired is not counted.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.storage.set_many("devices", {"lamp": "on", "fan": None})
        ...     db.storage.namespaces()
        [StorageNamespace(name='devices', keys=2, bytes=8, quota_bytes=None)]

        Notes
        -----
        From counters that triggers keep; the cost grows with the number of namespaces and of expired values.
        """
        rows: Any = self._session.rows(NAMESPACES, (clock.now_ns(),))
        return [StorageNamespace(*row) for row in rows]

    def quota(self, namespace: str, bytes: int | None) -> None:
        """Set how much the values of a namespace may take.

        The quota holds for every writer, a stock shell too. A namespace that takes more already keeps what it has; it
        can shrink, and grows again once it fits.

        Parameters
        ----------
        namespace
            A name, as for `get`; it need not have keys.
        bytes
            Compact JSON in UTF-8, names left out; None for no limit.

        Raises
        ------
        InvalidValue
            The name is none, or `bytes` no whole number from 0 up.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.storage.quota("notes", 1 << 20)
        ...     db.storage.namespaces()
        [StorageNamespace(name='notes', keys=0, bytes=0, quota_bytes=1048576)]
        """
        name(namespace, "namespace")
        if bytes is None:
            sql = "update storage_namespace set quota_bytes = null where namespace = ? and quota_bytes is not null"
            self._session.change(sql, (namespace,))
            return
        sql = """
            insert into storage_namespace (namespace, quota_bytes) values (?, ?)
                on conflict (namespace) do update set quota_bytes = excluded.quota_bytes"""
        self._session.change(sql, (namespace, whole(bytes, "bytes")))
