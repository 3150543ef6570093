"""What every part of the constitution's store shares: reading versions, and the one way to write one.

1. A version is written under the write lock, on top of the version then in force.
2. Whoever writes first records the trial that has ended since (action `expire`) and signs what plain SQL wrote.
3. While a change is on trial, nothing but its confirmation or its revert is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ...connection.session import Session
from ...errors import InvalidValue, Misuse, NotFound
from ...model.constitution import CDNA_COLUMNS, FIELDS, FLAGS, Constitution, Value, constitution
from ...model.names import unknown_name
from ..arguments import whole
from .checksum import checksum

SELECT = f"select {', '.join(CDNA_COLUMNS)} from cdna"
CURRENT = f"select {', '.join(CDNA_COLUMNS)} from cdna_current"
_WRITTEN = (*FIELDS, "profile", "action", "parent", "actor", "reason", "checksum", "trial_deadline_ns", "trial")
_INSERT = (
    f"insert into cdna ({', '.join(_WRITTEN)}) values ({', '.join('?' * len(_WRITTEN))}) "
    f"returning {', '.join(CDNA_COLUMNS)}"
)


class Draft(NamedTuple):
    """A version to be written."""

    fields: Mapping[str, Value]
    profile: str
    parent: int
    deadline_ns: int | None = None
    trial: str | None = None


class CdnaPart:
    """One part of the constitution's store; the parts share one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def _current(self) -> Constitution:
        return constitution(self._session.rows(CURRENT)[0])

    def _get(self, version: int) -> Constitution:
        number = whole(version, "version", 1)
        rows = self._session.rows(f"{SELECT} where version = ?", (number,))
        if not rows:
            newest = self._session.rows("select max(version) from cdna")[0][0]
            raise NotFound(f"no version of the constitution has the number {number}; they go from 1 to {newest}")
        return constitution(rows[0])

    def _before(self, version: Constitution) -> Constitution | None:
        """Return what a version was made from: its parent, or where plain SQL named none, what it followed."""
        if version.parent is not None:
            return self._get(version.parent)
        return self._confirmed_before(version.version)

    def _confirmed_before(self, number: int) -> Constitution | None:
        """Return the newest confirmed version below a number: what is in force when that one's trial is over."""
        rows = self._session.rows(
            f"{SELECT} where version < ? and trial_deadline_ns is null order by version desc limit 1", (number,)
        )
        return constitution(rows[0]) if rows else None

    def _profile(self, name: str) -> dict[str, Value]:
        """Return the fields of a named profile."""
        rows = self._session.rows(f"select {', '.join(FIELDS)} from cdna_profile where name = ?", (text(name, "name"),))
        if not rows:
            raise unknown_name("profile", name, [row[0] for row in self._session.rows("select name from cdna_profile")])
        return {field: bool(value) if field in FLAGS else value for field, value in zip(FIELDS, rows[0], strict=True)}

    def _write(self, action: str, actor: str, reason: str, draft: Callable[[Constitution], Draft]) -> Constitution:
        """Write what `draft` makes of the version in force; return that one if nothing would change."""
        with self._session.transaction():
            base = self._settled(actor, reason)
            if base.on_trial:
                raise Misuse(
                    f"cannot {action}; version {base.version} is on trial until {utc(base.trial_deadline_ns)}; "
                    "confirm() or revert() it first"
                )
            new = draft(base)
            if new.profile == base.profile and new.fields == base.fields and new.deadline_ns is None:
                return base
            return self._append(new, action, actor, reason)

    def _settled(self, actor: str, reason: str) -> Constitution:
        """Return the version in force, the end of a trial before it recorded and versions of plain SQL signed."""
        text(actor, "actor")
        text(reason, "reason")
        base = self._current()
        newest = self._session.rows(f"{SELECT} order by version desc limit 1")[0]
        for row in self._session.rows(f"{SELECT} where checksum is null"):
            version = constitution(row)
            self._session.change(
                "update cdna set checksum = ? where version = ? and checksum is null",
                (checksum(version.fields), version.version),
            )
        ended = constitution(newest)
        if ended.version == base.version:
            return base
        why = f"the trial of version {ended.version} ended at {utc(ended.trial_deadline_ns)} without being confirmed"
        return self._append(Draft(base.fields, base.profile, base.version), "expire", "", why)

    def _append(self, new: Draft, action: str, actor: str, reason: str) -> Constitution:
        values = (
            *(new.fields[name] for name in FIELDS),
            new.profile,
            action,
            new.parent,
            actor,
            reason,
            checksum(new.fields),
            new.deadline_ns,
            new.trial,
        )
        return constitution(self._session.change(_INSERT, values)[0])


def text(value: Any, what: str) -> str:
    """Return `value` if it is a string that SQLite keeps whole."""
    if not isinstance(value, str) or "\x00" in value:
        raise InvalidValue(f"{what} must be a string, got {value!r}")
    return value


def utc(time_ns: int | None) -> str:
    """Return a time in words, for messages."""
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=(time_ns or 0) // 10**9)
    return when.strftime("%Y-%m-%d %H:%M:%S UTC")
