"""How a statement was answered: the plan SQLite made, what it read, and which paths were taken inside it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import apsw

from ..errors import Misuse
from .bindings import plain_bindings
from .paths import Paths
from .statement import checked_sql, refuse_words
from .words import is_several

if TYPE_CHECKING:
    from .line import Line
    from .session import Bindings, Session


# A statement that a function runs inside another counts on from what it counted before, as SQLite keeps it prepared; of
# one that ran before this explanation, the mean of all its runs is taken.
COUNTERS = ("RUN", "FULLSCAN_STEP", "VM_STEP")


class Explanation(NamedTuple):
    """How a statement is answered, as `Database.explain` returns it."""

    plan: tuple[str, ...]
    """SQLite's query plan, a line for each step, indented by what it is part of."""
    paths: tuple[str, ...]
    """Which way each of our functions took: kernels over which arrays, and what it cost to have them true, or rows,
    and why; empty where none was called."""
    rows: int | None
    """How many rows the statement returned; None for one that writes, which is not run."""
    scanned: int | None
    """How many rows were stepped over in full scans, of every table and index."""
    steps: int | None
    """How many instructions SQLite ran."""
    time_ms: float | None
    """How long it took, in milliseconds."""

    def __str__(self) -> str:
        plan = "\n".join(self.plan)
        if self.rows is None:
            return f"{plan}\nnot run: it writes"
        figures = f"{self.rows} rows, {self.scanned} scanned, {self.time_ms:.2f} ms"
        return "\n".join((plan, *self.paths, figures))


def explain(session: Session, sql: str, bindings: Bindings = None, timeout_s: float | None = None) -> Explanation:
    """Say how `sql` is answered; a statement that reads is run, one that writes is only planned."""
    if is_several(checked_sql(sql)):
        raise Misuse("explain must be given one statement; explain each on its own")
    refuse_words(sql, several=True)
    bindings = plain_bindings(bindings)
    with session.reading(timeout_s) as line:
        plan = _plan(line, sql, bindings)
        if not _reads(line, sql, bindings):
            return Explanation(plan, (), None, None, None, None)
        return _measured(line, sql, bindings, plan)


def _plan(line: Line, sql: str, bindings: Bindings) -> tuple[str, ...]:
    depth = {0: 0}
    lines = []
    found: Any = line.connection.execute(sql, bindings, explain=2).fetchall()
    for step, parent, _, detail in found:
        depth[step] = depth.get(parent, 0) + 1
        lines.append("  " * (depth[step] - 1) + detail.lower())
    return tuple(lines)


def _reads(line: Line, sql: str, bindings: Bindings) -> bool:
    reads = False

    def look(cursor: apsw.Cursor, statement: str, values: Any) -> bool:
        nonlocal reads
        reads = cursor.is_readonly
        return False

    cursor = line.connection.cursor()
    cursor.exec_trace = look
    try:
        cursor.execute(sql, bindings)
    except apsw.ExecTraceAbort:
        pass
    finally:
        cursor.close(True)
    return reads


def _measured(line: Line, sql: str, bindings: Bindings, plan: tuple[str, ...]) -> Explanation:
    connection = line.connection
    scanned = steps = rows = 0
    known: dict[int, tuple[int, int, int]] = {}

    def note(event: dict[str, Any]) -> None:
        nonlocal scanned, steps
        runs, *counts = (event["stmt_status"][f"SQLITE_STMTSTATUS_{name}"] for name in COUNTERS)
        before = known.get(event["id"], (0, 0, 0))
        known[event["id"]] = runs, *counts
        if 0 < before[0] < runs:
            counts = [count - old for count, old in zip(counts, before[1:], strict=True)]
        else:
            counts = [count // max(runs, 1) for count in counts]
        scanned += counts[0]
        steps += counts[1]

    before, paths = line.paths, Paths()
    try:  # around all: Ctrl-C right after the trace was set would leave it to every later statement
        line.paths = paths
        connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, note, id=note)
        started = time.perf_counter()
        for _ in connection.execute(sql, bindings):
            rows += 1
        took_ms = 1e3 * (time.perf_counter() - started)
        return Explanation(plan, paths.taken(), rows, scanned, steps, took_ms)
    finally:
        line.paths = before
        connection.trace_v2(0, None, id=note)
