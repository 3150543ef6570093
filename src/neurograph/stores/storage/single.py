"""One value at a time: get, set, compare and set, increment, delete."""

from __future__ import annotations

import operator
from typing import Any, SupportsIndex

from ...errors import InvalidValue, NotFound, VersionConflict
from ...model.stored import StorageItem
from ..arguments import MAX_ID, whole
from ..json_texts import json_of
from . import clock
from .base import LIVING, NEXT, StoragePart
from .texts import name, value_of

GET = f"select value from storage where namespace = ? and key = ? and {LIVING}"
ITEM = f"select value, version, expires_ns from storage where namespace = ? and key = ? and {LIVING}"
# An integer as Python writes it, whose sum fits 64 bits; anything else is looked at in Python.
ADD = f"""
    update storage set value = cast(value + ?1 as text), version = {NEXT}
     where namespace = ?2 and key = ?3 and (expires_ns is null or expires_ns > ?4)
       and value = cast(cast(value as integer) as text) and typeof(value + ?1) = 'integer'
    returning value"""
REPLACE_VERSION = f"""
    update storage set value = ?, expires_ns = ?, version = {NEXT}
     where namespace = ? and key = ? and version = ? and {LIVING}
    returning version"""
INSERT_NEW = f"""
    insert into storage (value, expires_ns, version, namespace, key) values (?, ?, {NEXT}, ?, ?)
        on conflict (namespace, key) do update
       set value = excluded.value, expires_ns = excluded.expires_ns, version = excluded.version
     where expires_ns <= ?
    returning version"""


class Single(StoragePart):
    """Values one at a time."""

    def get(self, namespace: str, key: str, default: Any = None) -> Any:
        """Return a value, or `default` where there is none or it has expired.

        Parameters
        ----------
        namespace, key
            Names: text with at least one character, without NUL.
        default
            What to return where nothing is stored.

        Returns
        -------
        Any
            What JSON said: None, a bool, a number, a text, a list or a dict, made anew in each call.

        Raises
        ------
        InvalidValue
            A name is none; or the stored text is JSON that Python can't read, written by somebody else.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.storage.set("devices", "lamp", {"on": True})
        ...     db.storage.get("devices", "lamp"), db.storage.get("devices", "fan", "none")
        ({'on': True}, 'none')
        """
        place = (name(namespace, "namespace"), name(key, "key"), clock.now_ns())
        rows: Any = self._session.rows(GET, place)
        return value_of(rows[0][0], namespace, key) if rows else default

    def item(self, namespace: str, key: str) -> StorageItem:
        """Return a value with its version and expiry.

        Parameters
        ----------
        namespace, key
            Names, as for `get`.

        Returns
        -------
        StorageItem
            (namespace, key, value, version, expires_ns).

        Raises
        ------
        NotFound
            Nothing is stored there, or it has expired.
        InvalidValue
            As `get`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.storage.set("devices", "lamp", "on")
        ...     db.storage.item("devices", "lamp")
        StorageItem(namespace='devices', key='lamp', value='on', version=1, expires_ns=None)
        """
        rows: Any = self._session.rows(ITEM, (name(namespace, "namespace"), name(key, "key"), clock.now_ns()))
        if not rows:
            raise NotFound(f"nothing is stored as {key!r} in {namespace!r}, or it has expired")
        text, version, expires_ns = rows[0]
        return StorageItem(namespace, key, value_of(text, namespace, key), version, expires_ns)

    def set(
        self, namespace: str, key: str, value: Any, *, ttl_s: float | None = None, if_version: int | None = None
    ) -> int:
        """Store a value, whatever is there or only where nobody changed it, and return its version.

        Parameters
        ----------
        namespace, key
            Names, as for `get`.
        value
            What JSON can say, at most 256 levels deep. A tuple is stored as a list.
        ttl_s
            Seconds until it is gone, above 0; None keeps it, also where the value it replaces would have expired.
        if_version
            Store it only where the version there is this one; 0 is that of a key without a value.

        Returns
        -------
        int
            The version: larger than that of every change before.

        Raises
        ------
        InvalidValue
            A name is none; the value has NaN, an infinity, a key that is no string, too many levels, or a type that
            JSON lacks; ttl_s isn't above 0.
        VersionConflict
            The version there is another one; its attribute `version` says which.
        StorageQuotaExceeded
            The namespace would outgrow its quota.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     version = db.storage.set("devices", "lamp", {"on": True})
        ...     db.storage.set("devices", "lamp", {"on": False}, if_version=version)
        ...     db.storage.set("codes", "door", 4711, ttl_s=60, if_version=0)
        2
        3

        Notes
        -----
        In the caller's transaction, or one of its own. One that is rolled back gives its versions back.
        """
        name(namespace, "namespace"), name(key, "key")
        text, now = json_of(value), clock.now_ns()
        expires_ns = clock.expiry(ttl_s, now)
        if if_version is None:
            return self._store(namespace, key, text, expires_ns)
        version = whole(if_version, "if_version")
        if version:
            rows = self._write(namespace, REPLACE_VERSION, (text, expires_ns, namespace, key, version, now))
        else:
            rows = self._write(namespace, INSERT_NEW, (text, expires_ns, namespace, key, now))
        if not rows:
            raise self._conflict(namespace, key, version)
        return rows[0][0]  # type: ignore[no-any-return]

    def delete(self, namespace: str, key: str, *, if_version: int | None = None) -> bool:
        """Delete a value and return whether it was there.

        Parameters
        ----------
        namespace, key
            Names, as for `get`.
        if_version
            Delete it only where its version is this one.

        Returns
        -------
        bool
            False where nothing was stored, or it had expired.

        Raises
        ------
        InvalidValue
            A name is none.
        VersionConflict
            The version there is another one.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.storage.set("devices", "lamp", "on")
        ...     db.storage.delete("devices", "lamp"), db.storage.delete("devices", "lamp")
        (True, False)
        """
        place, now = (name(namespace, "namespace"), name(key, "key")), clock.now_ns()
        sql = "delete from storage where namespace = ? and key = ?"
        if if_version is None:
            rows: Any = self._session.change(f"{sql} returning expires_ns", place)
            return bool(rows) and (rows[0][0] is None or rows[0][0] > now)
        version = whole(if_version, "if_version", 1)
        rows = self._session.change(f"{sql} and version = ? and {LIVING} returning 1", (*place, version, now))
        if not rows:
            raise self._conflict(namespace, key, version)
        return True

    def increment(
        self,
        namespace: str,
        key: str,
        by: SupportsIndex = 1,
        *,
        initial: SupportsIndex = 0,
        ttl_s: float | None = None,
    ) -> int:
        """Add to a whole number and return the sum; no increment is lost, whoever else adds.

        Parameters
        ----------
        namespace, key
            Names, as for `get`.
        by
            A whole number of any size and sign.
        initial
            What is added to where nothing is stored, or it has expired.
        ttl_s
            Seconds a number lives that this call makes. One that is there keeps the rest of its time.

        Returns
        -------
        int
            The sum.

        Raises
        ------
        InvalidValue
            What is stored is no whole number (nothing is changed); or a name, `by`, `initial` or ttl_s is none.
        StorageQuotaExceeded
            The namespace would outgrow its quota.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.storage.increment("visits", "home"), db.storage.increment("visits", "home", 10, initial=5)
        ...     db.storage.increment("visits", "shop", -1, initial=5)
        (1, 11)
        4

        Notes
        -----
        One statement where the number and the sum fit 64 bits.
        """
        name(namespace, "namespace"), name(key, "key")
        step, first = _integer(by, "by"), _integer(initial, "initial")
        now = clock.now_ns()
        expires_ns = clock.expiry(ttl_s, now)
        if -MAX_ID <= step <= MAX_ID:
            rows: Any = self._write(namespace, ADD, (step, namespace, key, now))
            if rows:
                return int(rows[0][0])
        with self._session.transaction():
            rows = self._session.rows(ITEM, (namespace, key, now))
            if not rows:
                total = first + step
            else:
                number = value_of(rows[0][0], namespace, key)
                if type(number) is not int:
                    raise InvalidValue(f"the value of {key!r} in {namespace!r} must be a whole number, got {number!r}")
                total, expires_ns = number + step, rows[0][2]
            self._store(namespace, key, json_of(total), expires_ns)
        return total

    def _conflict(self, namespace: str, key: str, wanted: int) -> VersionConflict:
        sql = f"select version from storage where namespace = ? and key = ? and {LIVING}"
        rows: Any = self._session.rows(sql, (namespace, key, clock.now_ns()))
        found = rows[0][0] if rows else 0
        return VersionConflict(
            f"the version of {key!r} in {namespace!r} must be {wanted}, got {found or 'nothing stored'}; read it with "
            "db.storage.item and decide anew",
            found,
        )


def _integer(value: Any, what: str) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise InvalidValue(f"{what} must be a whole number, got {value!r}") from None
