"""The records of feedback: what was said of an answer, and what that changed."""

from __future__ import annotations

from typing import Any, NamedTuple

FEEDBACK_KINDS = ("positive", "negative", "correction", "association")


class Change(NamedTuple):
    """A row that feedback changed."""

    subject: str
    """The table: ``"standing"``, ``"edge"`` or ``"connection"``."""
    place: tuple[Any, ...]
    """The row's key: (kind, id), (source, type, target, key) or (id,)."""
    before: dict[str, Any] | None
    """Column → value of those that changed, as they were; None where there was no row."""
    after: dict[str, Any]
    """Column → value, as the feedback left them."""


class Feedback(NamedTuple):
    """Something that was said of an answer."""

    id: int
    """The id in this file, never used again."""
    kind: str
    """``"positive"``, ``"negative"``, ``"correction"`` or ``"association"``."""
    query_text: str | None
    """The text that was asked, or None."""
    query_sha256: str | None
    """The vector that was asked, hashed, in hexadecimal, or None."""
    entity: tuple[str, int]
    """Kind and id of the hit it is about."""
    other: tuple[str, int] | None
    """Kind and id of what should have stood there, or is associated; else None."""
    strength: float
    """From 0, which is left out, to 1."""
    created_ns: int
    """When, in nanoseconds since 1970 UTC."""
    undone_ns: int | None
    """When it was undone, or None."""
    changes: tuple[Change, ...]
    """What it changed, in order."""
    gone: tuple[Change, ...] = ()
    """Of a record that `undo` returned: the changes it could not put back, as their rows are gone."""

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold of it.

        Examples
        --------
        >>> Feedback(1, "positive", "cat", None, ("token", 7), None, 1.0, 0, None, ()).to_dict()["entity"]
        ['token', 7]
        """
        values = self._asdict()
        values["entity"] = [*self.entity]
        values["other"] = None if self.other is None else [*self.other]
        for name in ("changes", "gone"):
            values[name] = [change._asdict() | {"place": [*change.place]} for change in values[name]]
        return values
