"""The one mechanism by which derived arrays stay true.

Invariants:

1. Arrays a line holds equal what SQL says on that line at the moment `current` returns them: own uncommitted writes
   included, nobody else's.
2. Arrays are patched in place only by their single holder; shared ones are copied first. A line is used by one
   thread at a time, and who starts from arrays counts as a holder of theirs from the moment they are chosen, so nobody
   else is reading or copying arrays that are patched.
3. Arrays built from rows that were undone later match no nonces any more, and are patched back from the rows.
4. The cost of staying true follows what changed: all nonces of a subject are compared only after something changed.
5. What is kept takes no more than the budget, versions that other lines hold included; what does not fit goes.
"""

from __future__ import annotations

import time
from _thread import allocate_lock  # `threading` takes 0.6 ms to load
from collections.abc import Callable, Iterator
from itertools import chain
from weakref import WeakKeyDictionary

from .. import log
from ..connection.line import Line
from ..connection.paths import CURRENT, ROWS
from ..connection.session import Session
from . import saved
from .kind import CHUNK_BITS, Columns, Kind, joined
from .policy import FAMILIES, Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    A = TypeVar("A")
    T = TypeVar("T")

Stamp = tuple[int, int, int]
MOST_GROWTH = 8  # bytes of arrays for a byte of the rows they are made from: 2 to 6
PATCHED_BYTES = 1 << 26  # of rows at a time, held twice: 317 chunks of codes of 384 numbers, 16 of 8,192


class StaleError(Exception):
    """Loaded arrays turned out not to be true any more; ask again inside a transaction."""


# No dataclasses: their module loads `inspect` and `ast`, 4 ms of what a process takes for its first search.


class Version:
    """Arrays and the nonces they were built from."""

    def __init__(self, nonces: dict[int, int], arrays: Any) -> None:
        self.nonces = nonces
        self.arrays = arrays
        self.holders = 0


class Held:
    """What one line holds of one kind."""

    def __init__(self, version: Version, stamp: Stamp) -> None:
        self.version = version
        self.stamp = stamp


class Shelf:
    """What all lines hold of one kind, and the newest version among them."""

    def __init__(self, kind: Kind[Any]) -> None:
        self.kind = kind
        self.held: WeakKeyDictionary[Line, Held] = WeakKeyDictionary()
        self.newest: Version | None = None


class Derived:
    """The derived arrays of one open file."""

    def __init__(self, session: Session, policy: Policy) -> None:
        self._session = session
        self.policy = policy
        self._shelves: dict[str, Shelf] = {}
        self._lock = allocate_lock()
        self._room = 0  # bytes of the budget that are surely free; counted anew when they are used up

    def current(self, kind: Kind[A], line: Line, sql_cost_s: float = 0.0) -> A | None:
        """Return arrays that are true on `line` now, or None where plain SQL should answer.

        Parameters
        ----------
        kind
            What arrays are asked for.
        line
            The connection the caller holds, see `Session.enter`.
        sql_cost_s
            What plain SQL would cost instead, in seconds, as far as it can be told. Arrays not loaded yet are loaded
            only when they repay themselves.

        Returns
        -------
        A or None
            The arrays; they stay true until the caller lets go of the line or writes.
        """
        if not self.policy.usable:
            line.took(ROWS, self.policy.why_unusable)
            return None
        shelf = self._shelf(kind)
        held = shelf.held.get(line)
        stamp = line.stamp
        if held is not None and held.stamp == stamp:
            if line.paths is not None:
                line.took(_way(kind), CURRENT)
            found: A = held.version.arrays
            return found
        return self._refresh(shelf, line, held, sql_cost_s)  # type: ignore[no-any-return]

    def true_still(self, kind: Kind[A], line: Line) -> A | None:
        """Return arrays that were true on `line` when it was last looked at and are so still, else None.

        Costs 2 µs and needs no transaction: what was read on the line before this call is of the same state.
        """
        shelf = self._shelves.get(kind.name)
        held = None if shelf is None else shelf.held.get(line)
        return held.version.arrays if held is not None and held.stamp == line.stamp else None

    def ask(self, kind: Kind[Any], question: Callable[[Line], T], timeout_s: float | None = None) -> T:
        """Answer a question in one state.

        Where arrays are loaded the question is asked without a transaction, and counts if they are true still when it
        comes to them (`true_still`), else it raises `StaleError` and is asked again inside one. A call with a deadline
        goes there at once: 6 µs more.
        """
        if timeout_s is None and self.loaded(kind):
            line = self._session.enter()
            try:
                return question(line)
            except StaleError:
                pass
            except BaseException as error:
                line.refuse(error)
                raise
            finally:
                self._session.leave(line)
        with self._session.reading(timeout_s) as line:
            return question(line)

    def loaded(self, kind: Kind[Any]) -> bool:
        """Tell whether some line holds arrays of that kind."""
        return bool(self._shelf(kind).held)

    def nbytes(self) -> int:
        """Return what all arrays take, in bytes."""
        with self._lock:
            return sum(
                shelf.kind.nbytes(version.arrays) for shelf in self._shelves.values() for version in _versions(shelf)
            )

    def forget(self) -> None:
        """Let all arrays go; the next answers load them again."""
        with self._lock:
            self._shelves.clear()

    def forget_kind(self, kind: Kind[Any]) -> None:
        """Let the arrays of one kind go."""
        with self._lock:
            self._shelves.pop(kind.name, None)

    def _shelf(self, kind: Kind[Any]) -> Shelf:
        shelf = self._shelves.get(kind.name)
        if shelf is None:
            with self._lock:
                shelf = self._shelves.setdefault(kind.name, Shelf(kind))
        return shelf

    def _refresh(self, shelf: Shelf, line: Line, held: Held | None, sql_cost_s: float) -> Any:
        """Compare nonces and bring the line's arrays up to date, in one read transaction."""
        connection, kind = line.connection, shelf.kind
        started = time.perf_counter()
        began, start = not line.holds_state, None
        if began:
            connection.execute("begin")
        try:
            stamp = line.stamp
            nonces = saved.nonces_of(connection, kind.subject, kind.chunks)
            version, done = self._start(shelf, held, nonces), CURRENT
            start = version
            if version is None or version.nonces != nonces:
                version, done = self._update(shelf, line, version, nonces, sql_cost_s)
            if version is None:
                line.took(ROWS, done)
                return None
            with self._lock:
                mine = shelf.held.get(line)
                if mine is None or mine.version is not version:
                    if mine is not None:
                        mine.version.holders -= 1
                    version.holders += 1
                shelf.held[line] = Held(version, stamp)
                shelf.newest = version
        finally:
            if start is not None:
                with self._lock:
                    start.holders -= 1
            if began:
                connection.execute("rollback")
        if line.paths is not None:
            took_ms = 1e3 * (time.perf_counter() - started)
            line.took(_way(kind), done if done == CURRENT else f"{done} in {took_ms:.1f} ms")
        return version.arrays

    def _start(self, shelf: Shelf, held: Held | None, nonces: dict[int, int]) -> Version | None:
        """Return the version to start from: the newest if it is true already, else the line's own.

        The caller is one more holder of it, until the line holds what came of it (invariant 2).
        """
        with self._lock:
            newest = shelf.newest
            true = newest is not None and newest.nonces == nonces
            version = held.version if held is not None and not true else newest
            if version is not None:
                version.holders += 1
        return version

    def _update(
        self, shelf: Shelf, line: Line, version: Version | None, nonces: dict[int, int], sql_cost_s: float
    ) -> tuple[Version | None, str]:
        """Return a version that fits `nonces` and what was done for it, or None and why not."""
        kind: Kind[Any] = shelf.kind
        if version is not None:
            old = version.nonces
            changed = sorted({c for c, n in nonces.items() if old.get(c) != n} | (old.keys() - nonces.keys()))
            share = (len(changed) - 1) / max(1, len(nonces))
            if not kind.outdated(line.connection, version.arrays, share):
                patched = self._patched(shelf, line, version, nonces, changed)
                if patched is not None:
                    return patched, f"{len(changed)} of {len(nonces)} chunks read"
        rows, size = kind.estimate(line.connection, len(nonces))
        if not self.policy.worth(kind.name, rows, sql_cost_s):
            return None, self.policy.account(kind.name, rows, sql_cost_s) if line.paths is not None else ""
        if not self._make_room(shelf, size):
            return None, f"arrays of {size} bytes exceed the memory budget of {self.policy.budget_bytes}"
        found = saved.load(line.connection, kind, nonces)
        read = len(nonces) - len(found)
        arrays = kind.gather(line.connection, _parts(line, kind, nonces, found), nonces)
        return Version(nonces, arrays), f"{read} of {len(nonces)} chunks read"

    def _patched(
        self, shelf: Shelf, line: Line, version: Version, nonces: dict[int, int], changed: list[int]
    ) -> Version | None:
        """Return `version`, or a copy of it, with `changed` read again; None where that does not fit the budget."""
        kind = shelf.kind
        slices = _slices(line, kind, changed)
        first = next(slices)  # should reading fail, the arrays are as they were
        mine = shelf.held.get(line)
        with self._lock:
            alone = version.holders == (2 if mine is not None and mine.version is version else 1)
            if alone and shelf.newest is version:
                shelf.newest = None  # nobody may adopt it while it is being patched
        if not alone:
            if not self._make_room(shelf, kind.nbytes(version.arrays), version):
                return None
            version = Version({}, kind.copy(version.arrays))
        elif mine is not None and mine.version is version:
            mine.stamp = (-1, -1, -1)  # should patching fail half-way, nobody takes the arrays for true
            version.nonces = {}
        try:
            for some, columns in chain([first], slices):
                version.arrays = kind.patch(version.arrays, some, columns)
                self._room -= MOST_GROWTH * sum(column.nbytes for column in columns)
        except BaseException:
            shelf.held.pop(line, None)
            raise
        if self._room < 0:
            counted = mine is not None and mine.version is version
            if not self._make_room(shelf, 0 if counted else kind.nbytes(version.arrays), version):
                return None
        version.nonces = nonces
        return version

    def _make_room(self, shelf: Shelf, size: int, keep: Version | None = None) -> bool:
        """Tell whether `size` bytes more fit the budget, letting go of other arrays than `keep` if that helps.

        Arrays that go while another thread is using them are gone when its call returns.
        """
        budget = self.policy.budget_bytes
        while (left := budget - self.nbytes() - size) < 0 and self._let_go(shelf, keep):
            pass
        self._room = left
        if left < 0:
            log.info("%s: arrays of %d bytes exceed the memory budget; answering from SQL", shelf.kind.name, size)
        return left >= 0

    def _let_go(self, shelf: Shelf, keep: Version | None) -> bool:
        """Let go of another kind's arrays, or of all other versions of this kind; tell whether anything went."""
        with self._lock:
            other = next((name for name, s in self._shelves.items() if s is not shelf and _versions(s)), None)
            if other is not None:
                del self._shelves[other]
                return True
            found = _versions(shelf)
            for line in [line for line, held in shelf.held.items() if held.version is not keep]:
                del shelf.held[line]
            if shelf.newest is not keep:
                shelf.newest = None
            return len(_versions(shelf)) < len(found)


def _versions(shelf: Shelf) -> list[Version]:
    """Return what is kept of one kind, each once."""
    kept = [shelf.newest, *(held.version for held in shelf.held.values())]
    return list({id(version): version for version in kept if version is not None}.values())


def _way(kind: Kind[Any]) -> str:
    """Return what answers over arrays of a kind, for `Database.explain`."""
    return f"{'kernels' if kind.name.partition('.')[0] in FAMILIES else 'arrays'} over {kind.name}"


def all_rows(line: Line, kind: Kind[Any], nonces: dict[int, int]) -> tuple[Columns, int]:
    """Return all rows, from saved chunks where they are valid, and how many chunks were none."""
    found = saved.load(line.connection, kind, nonces)
    return joined([*_parts(line, kind, nonces, found)]), len(nonces) - len(found)


def _parts(line: Line, kind: Kind[Any], nonces: dict[int, int], found: dict[int, Columns]) -> Iterator[Columns]:
    """Yield the rows of every chunk, from `found` where it is there; of no rows where there is no chunk."""
    if not nonces:
        yield kind.read(line.connection, 1, 0)
    for chunk in sorted(nonces):
        columns = found.pop(chunk, None)
        yield _read(line, kind, chunk) if columns is None else columns


def _slices(line: Line, kind: Kind[Any], chunks: list[int]) -> Iterator[tuple[list[int], Columns]]:
    """Yield the rows of chunks, at least one, as many at a time as PATCHED_BYTES hold."""
    parts: list[Columns] = []
    begin = size = 0
    for end, chunk in enumerate(chunks, 1):
        parts.append(_read(line, kind, chunk))
        size += sum(column.nbytes for column in parts[-1])
        if size >= PATCHED_BYTES or end == len(chunks):
            yield chunks[begin:end], joined(parts)
            parts, begin, size = [], end, 0


def _read(line: Line, kind: Kind[Any], chunk: int) -> Columns:
    """Return the rows of one chunk.

    Chunk by chunk 400k edges take 0.18 s; all at once 0.53 s and 40 MB more at the peak, as Python's collector goes
    over all the values again and again.
    """
    line.tick()
    return kind.read(line.connection, chunk << CHUNK_BITS, ((chunk + 1) << CHUNK_BITS) - 1)
