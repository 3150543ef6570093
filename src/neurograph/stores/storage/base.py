"""What all parts of storage stand on: reads that honour expiry, writes that name the quota they met.

1. Every read leaves out what has expired, by the clock of `clock.py`.
2. The version is given by the file; a statement that names the next number spares the triggers a second write of the
   row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import RuleViolated, StorageQuotaExceeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...connection.session import Session

NEXT = "(select coalesce(max(version), 0) + 1 from storage_change)"
LIVING = "(expires_ns is null or expires_ns > ?)"
THERE = "select 1 from storage where namespace = ? and key = ?"
QUOTA_RULE = "storage_namespace.quota_bytes"

UPDATE = f"""
    update storage set value = ?, expires_ns = ?, version = {NEXT}
     where namespace = ? and key = ?"""
UPSERT = f"""
    insert into storage (value, expires_ns, version, namespace, key) values (?, ?, {NEXT}, ?, ?)
        on conflict (namespace, key) do update
       set value = excluded.value, expires_ns = excluded.expires_ns, version = excluded.version"""
UPDATE_RETURNING, UPSERT_RETURNING = (f"{sql} returning version" for sql in (UPDATE, UPSERT))


class StoragePart:
    """A part of storage: it has the session."""

    _adding = False  # the last value stored was a new one, so the next may be, too

    def __init__(self, session: Session) -> None:
        self._session = session

    def _write(self, namespace: str, sql: str, bindings: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run one writing statement; a refusal names the quota."""
        try:
            return self._session.change(sql, bindings)
        except RuleViolated as error:
            raise self._refusal(error, namespace) from error

    def _store(self, namespace: str, key: str, text: str, expires_ns: int | None) -> int:
        """Store a value whatever is there, and return its version.

        An update that finds no row is followed by an insert; the insert alone would note the bytes of a row it may
        displace, a page more in each commit. Such an update takes a lock for nothing, 7 µs, and a look 2.5.
        """
        bindings = (text, expires_ns, namespace, key)
        rows: list[Any] = []
        if not self._adding or self._session.rows(THERE, (namespace, key)):
            rows = self._write(namespace, UPDATE_RETURNING, bindings)
        self._adding = not rows
        return (rows or self._write(namespace, UPSERT_RETURNING, bindings))[0][0]  # type: ignore[no-any-return]

    def _refusal(self, error: RuleViolated, namespace: str) -> RuleViolated:
        if error.rule != QUOTA_RULE:
            return error
        rows: Any = self._session.rows(
            "select quota_bytes, bytes from storage_namespace where namespace = ?", (namespace,)
        )
        quota_bytes, taken = rows[0] if rows else (None, 0)
        return StorageQuotaExceeded(
            f"the values of {namespace!r} must fit its quota of {quota_bytes} bytes, got more with {taken} taken; "
            f"delete some, or raise it with db.storage.quota",
            error.rule,
        )
