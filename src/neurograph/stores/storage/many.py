"""Many values at once: pages in order of key, several by name, a whole namespace."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from typing import Any

import apsw

from ...errors import InvalidValue, RuleViolated
from ...model.stored import StorageItem
from ..arguments import whole
from ..json_texts import json_of
from . import clock
from .base import LIVING, UPDATE, UPSERT, StoragePart
from .texts import after_prefix, name, prefix_text, value_of

PURGED_AT_ONCE = 2_000  # about 4 ms with the write lock


class Many(StoragePart):
    """Many values at once."""

    def list(
        self, namespace: str, prefix: str = "", *, after: str | None = None, limit: int | None = 100
    ) -> builtins.list[StorageItem]:
        """Return the values of a namespace in order of key.

        Parameters
        ----------
        namespace
            A name, as for `get`.
        prefix
            Only keys that begin with it, to the letter.
        after
            Only keys above it: the last key of the page before.
        limit
            At most so many; None for all.

        Returns
        -------
        list of StorageItem
            In order of key, by code points, as Python sorts.

        Raises
        ------
        InvalidValue
            A name is none, or `limit` is below 0.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.storage.set_many("devices", {"lamp:2": "off", "lamp:1": "on", "fan": "off"})
        ...     [item.key for item in db.storage.list("devices", "lamp:")]
        ...     [item.key for item in db.storage.list("devices", after="fan", limit=1)]
        ['lamp:1', 'lamp:2']
        ['lamp:1']
        """
        rows = self._page("key, value, version, expires_ns", namespace, prefix, after, limit)
        return [
            StorageItem(namespace, key, value_of(text, namespace, key), version, expires_ns)
            for key, text, version, expires_ns in rows
        ]

    def keys(
        self, namespace: str, prefix: str = "", *, after: str | None = None, limit: int | None = None
    ) -> builtins.list[str]:
        """Return the keys of a namespace in order.

        Parameters
        ----------
        namespace, prefix, after, limit
            As for `list`; all keys unless `limit` is given.

        Returns
        -------
        list of str
            By code points, as Python sorts.

        Raises
        ------
        InvalidValue
            As `list`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.storage.set_many("devices", {"lamp": "on", "fan": "off"})
        ...     db.storage.keys("devices")
        ['fan', 'lamp']
        """
        return [key for (key,) in self._page("key", namespace, prefix, after, limit)]

    def _page(self, columns: str, namespace: str, prefix: str, after: str | None, limit: int | None) -> Any:
        conditions, bindings = ["namespace = ?"], [name(namespace, "namespace")]
        if prefix_text(prefix):
            conditions.append("key >= ?")
            bindings.append(prefix)
            if (end := after_prefix(prefix)) is not None:
                conditions.append("key < ?")
                bindings.append(end)
        if after is not None:
            conditions.append("key > ?")
            bindings.append(name(after, "after"))
        most = -1 if limit is None else whole(limit, "limit")
        sql = f"select {columns} from storage where {' and '.join(conditions)} and {LIVING} order by key limit ?"
        return self._session.rows(sql, (*bindings, clock.now_ns(), most))

    def get_many(self, namespace: str, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of several keys, seen in one state.

        Parameters
        ----------
        namespace
            A name, as for `get`.
        keys
            Names; a bare text is refused.

        Returns
        -------
        dict
            Key → value in the order of `keys`, those left out that have none.

        Raises
        ------
        InvalidValue
            As `get`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.storage.set_many("devices", {"lamp": "on", "fan": "off"})
        ...     db.storage.get_many("devices", ["lamp", "door"])
        {'lamp': 'on'}
        """
        name(namespace, "namespace")
        wanted = _names(keys)
        if not wanted:
            self._session.require_open()
            return {}
        sql = f"""
            select key, value from storage
             where namespace = ? and {LIVING} and key in (select value from carray(?))"""
        rows: Any = self._session.rows(sql, (namespace, clock.now_ns(), apsw.carray(wanted)))
        found = dict(rows)
        return {key: value_of(found[key], namespace, key) for key in wanted if key in found}

    def set_many(self, namespace: str, values: Mapping[str, Any], *, ttl_s: float | None = None) -> int:
        """Store several values, all or none, and return the version of the last.

        Parameters
        ----------
        namespace
            A name, as for `get`.
        values
            Key → value, as for `set`.
        ttl_s
            Seconds until all of them are gone; None keeps them.

        Returns
        -------
        int
            The largest version given; 0 where `values` is empty.

        Raises
        ------
        InvalidValue
            As `set`; nothing was stored.
        StorageQuotaExceeded
            The namespace would outgrow its quota; nothing was stored.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.storage.set_many("devices", {"lamp": "on", "fan": "off"})
        2

        Notes
        -----
        One transaction, about 6 µs a key that is there and 15 a new one; others who write wait for its end.
        """
        name(namespace, "namespace")
        if not isinstance(values, Mapping):
            raise InvalidValue(f"values must map keys to values, got {values!r}")
        expires_ns = clock.expiry(ttl_s, clock.now_ns())
        bindings = [(json_of(value), expires_ns, namespace, name(key, "key")) for key, value in values.items()]
        if not bindings:
            self._session.require_open()
            return 0
        try:
            with self._session.transaction():
                connection = self._session.writer.connection
                for one in bindings:
                    connection.execute(UPDATE, one)
                    if not connection.changes():
                        connection.execute(UPSERT, one)
                rows: Any = connection.execute("select max(version) from storage_change").fetchall()
        except RuleViolated as error:
            raise self._refusal(error, namespace) from error
        return rows[0][0]  # type: ignore[no-any-return]

    def delete_many(self, namespace: str, keys: Iterable[str]) -> int:
        """Delete several values, all or none, and return how many were there.

        Parameters
        ----------
        namespace
            A name, as for `get`.
        keys
            Names; those without a value are left out.

        Returns
        -------
        int
            How many were deleted that had not expired.

        Raises
        ------
        InvalidValue
            A name is none.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.storage.set_many("devices", {"lamp": "on", "fan": "off"})
        ...     db.storage.delete_many("devices", ["lamp", "door"])
        1
        """
        name(namespace, "namespace")
        wanted = _names(keys)
        if not wanted:
            self._session.require_open()
            return 0
        sql = "delete from storage where namespace = ? and key in (select value from carray(?)) returning expires_ns"
        return _living(self._session.change(sql, (namespace, apsw.carray(wanted))))

    def clear(self, namespace: str) -> int:
        """Delete all values of a namespace, all or none, and return how many there were; its quota stays.

        Parameters
        ----------
        namespace
            A name, as for `get`.

        Returns
        -------
        int
            How many were deleted that had not expired.

        Raises
        ------
        InvalidValue
            The name is none.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.storage.set_many("devices", {"lamp": "on", "fan": "off"})
        ...     db.storage.clear("devices"), db.storage.keys("devices")
        (2, [])

        Notes
        -----
        One statement, about 2 µs a key; others who write wait for its end.
        """
        sql = "delete from storage where namespace = ? returning expires_ns"
        return _living(self._session.change(sql, (name(namespace, "namespace"),)))

    def purge(self) -> int:
        """Delete what has expired, in every namespace, and return how many values that were.

        No read depends on it: it gives their room back at once. Without it each value stored with `ttl_s` takes up to
        8 expired ones along, and a namespace that meets its quota all of its own.

        Returns
        -------
        int
            How many were deleted.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.storage.set("codes", "door", 4711, ttl_s=60)
        ...     db.storage.purge()
        0

        Notes
        -----
        In slices of 2,000, each a transaction of its own unless one is open.
        """
        sql = """
            delete from storage where rowid in (
                select rowid from storage where expires_ns <= ? order by expires_ns limit ?)
            returning 1"""
        now, deleted = clock.now_ns(), 0
        while True:
            rows = self._session.change(sql, (now, PURGED_AT_ONCE))
            deleted += len(rows)
            if len(rows) < PURGED_AT_ONCE:
                return deleted


def _names(keys: Iterable[str]) -> tuple[str, ...]:
    if isinstance(keys, str | bytes) or not isinstance(keys, Iterable):
        raise InvalidValue(f"keys must be several names, got {keys!r}")
    return tuple(dict.fromkeys(name(key, "key") for key in keys))


def _living(rows: Any) -> int:
    now = clock.now_ns()
    return sum(expires_ns is None or expires_ns > now for (expires_ns,) in rows)
