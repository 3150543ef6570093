"""Storage and plain dicts side by side, under a clock that is turned by hand: sets, reads, rollbacks, new openings.

Time begins in 2096, so SQL's own clock finds nothing expired and deletes nothing by itself.
"""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import neurograph
from effort import examples
from neurograph import StorageNamespace
from neurograph.errors import InvalidValue, NotFound, StorageQuotaExceeded, VersionConflict
from neurograph.stores.json_texts import json_of
from neurograph.stores.storage import clock

namespaces = st.sampled_from(["a", "b"])
keys = st.sampled_from(["x", "xy", "y", "\U0010ffff"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
lives = st.sampled_from([None, None, 1, 2.5, 100])
SECOND = 10**9


class Row:
    """A value with its text's length, version and end."""

    def __init__(self, value: Any, size: int, version: int, expires_ns: int | None) -> None:
        self.value, self.size, self.version, self.expires_ns = value, size, version, expires_ns


class Stores(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 4_000_000_000 * SECOND
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(clock, "now_ns", lambda: self.now_ns)
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "mind.ngdb"
        self.rows: dict[tuple[str, str], Row] = {}
        self.changes: list[tuple[str, str, bool]] = []
        self.quotas: dict[str, int] = {}
        self.saved: list[Any] = []
        self.told: list[Any] = []

    @initialize()
    def open(self) -> None:
        self.db = neurograph.open(self.path, synchronous="off")

    def teardown(self) -> None:
        while self.db.in_transaction:
            self.db.rollback()
        assert self.db.check() == []
        self.db.close()
        self.folder.cleanup()
        self.patch.undo()

    # --- what the dicts say ---

    def living(self, namespace: str) -> dict[str, Row]:
        return {
            key: row
            for (space, key), row in sorted(self.rows.items())
            if space == namespace and (row.expires_ns is None or row.expires_ns > self.now_ns)
        }

    def fits(self, namespace: str, new: dict[str, int]) -> bool:
        """Tell whether values of these sizes may be stored beside all others; SQL's clock says nothing has expired."""
        sizes = {key: row.size for (space, key), row in self.rows.items() if space == namespace}
        quota = self.quotas.get(namespace)
        for key, size in new.items():
            before = sum(sizes.values())
            sizes[key] = size
            if quota is not None and sum(sizes.values()) > max(quota, before):
                return False
        return True

    def put(self, namespace: str, key: str, value: Any, expires_ns: int | None) -> int:
        self.changes.append((namespace, key, False))
        self.rows[namespace, key] = Row(value, self.size(value), len(self.changes), expires_ns)
        return len(self.changes)

    def gone(self, places: set[tuple[str, str]]) -> None:
        """Delete several at once, in the order in which the file has done it."""
        told = self.db.storage.changes(len(self.changes))
        assert {(change.namespace, change.key) for change in told} == places
        for change in told:
            del self.rows[change.namespace, change.key]
            self.changes.append((change.namespace, change.key, True))

    def ends(self, ttl_s: float | None) -> int | None:
        return None if ttl_s is None else self.now_ns + int(ttl_s * SECOND)

    @staticmethod
    def size(value: Any) -> int:
        return len(json_of(value).encode())

    # --- what is done ---

    @rule(namespace=namespaces, key=keys, value=values, ttl_s=lives)
    def set(self, namespace: str, key: str, value: Any, ttl_s: float | None) -> None:
        if self.fits(namespace, {key: self.size(value)}):
            version = self.db.storage.set(namespace, key, value, ttl_s=ttl_s)
            assert version == self.put(namespace, key, value, self.ends(ttl_s))
        else:
            with pytest.raises(StorageQuotaExceeded):
                self.db.storage.set(namespace, key, value, ttl_s=ttl_s)

    @rule(namespace=namespaces, key=keys, value=values, ttl_s=lives, version=st.integers(0, 30), right=st.booleans())
    def set_if(self, namespace: str, key: str, value: Any, ttl_s: float | None, version: int, right: bool) -> None:
        row = self.living(namespace).get(key)
        found = row.version if row else 0
        version = found if right else version
        if version != found:
            with pytest.raises(VersionConflict) as refused:
                self.db.storage.set(namespace, key, value, ttl_s=ttl_s, if_version=version)
            assert refused.value.version == found
        elif self.fits(namespace, {key: self.size(value)}):
            given = self.db.storage.set(namespace, key, value, ttl_s=ttl_s, if_version=version)
            assert given == self.put(namespace, key, value, self.ends(ttl_s))

    @rule(namespace=namespaces, new=st.dictionaries(keys, values, max_size=4), ttl_s=lives)
    def set_many(self, namespace: str, new: dict[str, Any], ttl_s: float | None) -> None:
        if self.fits(namespace, {key: self.size(value) for key, value in new.items()}):
            self.db.storage.set_many(namespace, new, ttl_s=ttl_s)
            for key, value in new.items():
                self.put(namespace, key, value, self.ends(ttl_s))
        else:
            with pytest.raises(StorageQuotaExceeded):
                self.db.storage.set_many(namespace, new, ttl_s=ttl_s)

    @rule(namespace=namespaces, key=keys, by=st.integers(-(2**64), 2**64), ttl_s=lives)
    def increment(self, namespace: str, key: str, by: int, ttl_s: float | None) -> None:
        row = self.living(namespace).get(key)
        if row is not None and type(row.value) is not int:
            with pytest.raises(InvalidValue):
                self.db.storage.increment(namespace, key, by)
            return
        total = by + (row.value if row else 7)
        if not self.fits(namespace, {key: self.size(total)}):
            with pytest.raises(StorageQuotaExceeded):
                self.db.storage.increment(namespace, key, by, initial=7, ttl_s=ttl_s)
            return
        assert self.db.storage.increment(namespace, key, by, initial=7, ttl_s=ttl_s) == total
        self.put(namespace, key, total, row.expires_ns if row else self.ends(ttl_s))

    @rule(namespace=namespaces, key=keys)
    def delete(self, namespace: str, key: str) -> None:
        assert self.db.storage.delete(namespace, key) == (key in self.living(namespace))
        if self.rows.pop((namespace, key), None):
            self.changes.append((namespace, key, True))

    @rule(namespace=namespaces, some=st.lists(keys, max_size=3), all=st.booleans())
    def delete_many(self, namespace: str, some: list[str], all: bool) -> None:
        there = self.living(namespace)
        if all:
            some = [key for space, key in self.rows if space == namespace]
            assert self.db.storage.clear(namespace) == len(there)
        else:
            assert self.db.storage.delete_many(namespace, some) == len(there.keys() & set(some))
        self.gone({(namespace, key) for key in some} & self.rows.keys())

    @rule()
    def purge(self) -> None:
        gone = {place: row for place, row in self.rows.items() if row.expires_ns and row.expires_ns <= self.now_ns}
        assert self.db.storage.purge() == len(gone)
        self.gone(set(gone))

    @rule(namespace=namespaces, bytes=st.sampled_from([None, None, 8, 30]))
    def quota(self, namespace: str, bytes: int | None) -> None:
        self.db.storage.quota(namespace, bytes)
        self.quotas.pop(namespace, None)
        if bytes is not None:
            self.quotas[namespace] = bytes

    @rule(seconds=st.sampled_from([0.5, 1, 3, 200]))
    def time_passes(self, seconds: float) -> None:
        self.now_ns += int(seconds * SECOND)

    @rule()
    def begin(self) -> None:
        if len(self.saved) < 3:
            self.db.begin()
            self.saved.append(copy.deepcopy((self.rows, self.changes, self.quotas)))

    @precondition(lambda self: self.saved)
    @rule(keep=st.booleans())
    def end(self, keep: bool) -> None:
        before = self.saved.pop()
        if keep:
            self.db.commit()
        else:
            self.db.rollback()
            self.rows, self.changes, self.quotas = before

    @precondition(lambda self: not self.saved)
    @rule()
    def open_again(self) -> None:
        self.db.close()
        self.open()

    @precondition(lambda self: not self.saved)
    @rule()
    def look_at_what_was_committed(self) -> None:
        """What is told once is never untold: rollbacks are seen by nobody else."""
        self.told += self.db.storage.watch(since=len(self.told), timeout_s=0)
        assert [tuple(change)[1:] for change in self.told] == self.changes

    # --- what must be so ---

    @invariant()
    def every_read_says_what_the_dicts_say(self) -> None:
        storage = self.db.storage
        assert storage.version == len(self.changes)
        told = []
        for namespace in "ab":
            there = self.living(namespace)
            found = storage.list(namespace)
            assert [(item.key, item.version, item.expires_ns) for item in found] == [
                (key, row.version, row.expires_ns) for key, row in there.items()
            ]
            assert repr([item.value for item in found]) == repr([row.value for row in there.values()])
            assert storage.keys(namespace, "x") == [key for key in there if key.startswith("x")]
            assert repr(storage.get_many(namespace, there)) == repr({key: row.value for key, row in there.items()})
            for key in ("x", "y"):
                assert storage.get(namespace, key, KeyError) == (there[key].value if key in there else KeyError)
                if key not in there:
                    with pytest.raises(NotFound):
                        storage.item(namespace, key)
            if there or namespace in self.quotas:
                sizes = [row.size for row in there.values()]
                told.append(StorageNamespace(namespace, len(there), sum(sizes), self.quotas.get(namespace)))
        assert storage.namespaces() == told
        assert [tuple(change)[1:] for change in storage.changes()] == self.changes


Stores.TestCase.settings = settings(
    max_examples=examples(60), stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestStores = Stores.TestCase
