"""The records of storage: a value under its name, a namespace, a change."""

from __future__ import annotations

from typing import Any, NamedTuple


class StorageItem(NamedTuple):
    """A value that is stored."""

    namespace: str
    """The name of the namespace."""
    key: str
    """The name of the value, unique in its namespace."""
    value: Any
    """What JSON can say: None, a bool, a number, a text, a list or a dict."""
    version: int
    """The number of its newest change, for ``if_version``."""
    expires_ns: int | None
    """When it is gone, in nanoseconds since 1970 UTC, or None."""


class StorageNamespace(NamedTuple):
    """A namespace that has keys or a quota."""

    name: str
    """Its name."""
    keys: int
    """How many values it holds."""
    bytes: int
    """What they take: compact JSON in UTF-8, names left out."""
    quota_bytes: int | None
    """What they may take, or None."""


class StorageChange(NamedTuple):
    """Something that was stored or deleted."""

    version: int
    """The number of the change in this file; later changes have larger ones."""
    namespace: str
    """The name of the namespace."""
    key: str
    """The name of the value."""
    deleted: bool
    """True where the value was deleted, by somebody or because it had expired."""
