"""What the benchmarks share: timing in turns, rows of the table, and the machine it was run on."""

from __future__ import annotations

import contextlib
import gc
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import apsw

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LANCE_CPU_THREADS", "RAYON_NUM_THREADS")


class Row(NamedTuple):
    """A line of the table: what, ours, the peer's, how they compare, and what was to reach."""

    what: str
    ours: str
    peer: str
    ratio: float
    target: str
    reached: bool


def one_thread() -> None:
    """Begin this script anew where libraries, once loaded, would take more than one thread."""
    if any(os.environ.get(name) != "1" for name in THREADS):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **dict.fromkeys(THREADS, "1")})


def seconds(work: Callable[[], Any], repeat: int = 1) -> float:
    gc.collect()
    gc.disable()
    began = time.perf_counter()
    for _ in range(repeat):
        work()
    took = time.perf_counter() - began
    gc.enable()
    return took / repeat


def best(*works: Callable[[], Any], rounds: int = 5, repeat: int = 1) -> list[float]:
    """Return the best time of each of `works`, taken in turn."""
    times = [[seconds(work, repeat) for work in works] for _ in range(rounds)]
    return [min(column) for column in zip(*times, strict=True)]


def said(took: float) -> str:
    for unit, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if took * factor >= 1:
            return f"{took * factor:.3g} {unit}"
    return f"{took * 1e9:.3g} ns"


def faster(what: str, ours: float, peer: float, name: str, target: float) -> Row:
    """A row where ours should be `target` times as fast."""
    ratio = peer / ours
    return Row(what, said(ours), f"{name}: {said(peer)}", ratio, f"≥ {target:g} times", ratio >= target)


def at_most(what: str, ours: float, limit: float) -> Row:
    """A row where ours should take at most `limit` seconds."""
    return Row(what, said(ours), f"limit: {said(limit)}", limit / ours, f"≤ {said(limit)}", ours <= limit)


def share(what: str, ours: float, raw: float, target: float) -> Row:
    """A row where ours should reach a share of the rate of raw SQL."""
    return Row(what, said(ours), f"raw: {said(raw)}", raw / ours, f"≥ {target:g} of raw", raw / ours >= target)


def longer(what: str, ours: float, raw: float, target: float) -> Row:
    """A row where ours should take at most `target` times as long as raw SQL."""
    return Row(what, said(ours), f"raw: {said(raw)}", ours / raw, f"≤ {target:g} times", ours <= target * raw)


def beside(what: str, ours: float, peer: float, name: str, target: float) -> Row:
    """A row where ours should take at most `target` times as long as a peer."""
    return longer(what, ours, peer, target)._replace(peer=f"{name}: {said(peer)}")


def table(rows: list[Row]) -> str:
    lines = ["| | ours | beside | ratio | to reach | |", "|---|---|---|---|---|---|"]
    for row in rows:
        mark = "reached" if row.reached else "**short**"
        lines.append(f"| {row.what} | {row.ours} | {row.peer} | {row.ratio:.2f} | {row.target} | {mark} |")
    return "\n".join(lines)


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    system = f"{platform.system()}, Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}"
    return f"{cpu}, {os.cpu_count()} cores; {system}"


def write(script: str, text: str) -> None:
    """Put a table between the lines of ``docs/benchmarks.md`` that are `script`'s."""
    document = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
    before, begin, rest = document.read_text(encoding="utf-8").partition(f"<!-- begin: written by benches/{script} -->")
    if not begin:
        raise SystemExit(f"{document} must have a line <!-- begin: written by benches/{script} -->")
    after = rest.partition("<!-- end -->")[2]
    document.write_text(f"{before}{begin}\n\n{text}\n\n<!-- end -->{after}", encoding="utf-8")
