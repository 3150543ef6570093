"""Kernels compiled before a whole run: once, on two cores and unmeasured, instead of in each worker under coverage.

Compiling all takes 35 s of one core, and half as much again while coverage traces the compiler.
"""

from __future__ import annotations

import subprocess
import sys

from processes import unmeasured

BEGINNING = """
import neurograph
from neurograph.flows import warm

with neurograph.open(":memory:", engine="numba") as db:
    warm._fill(db)
"""
# Two halves that take about as long: 21 s each where both cores are busy.
HALVES = (
    BEGINNING + "    warm._ask_grid(db)\nwarm._ask_vectors()\nwarm._read_text()\n",
    BEGINNING + "    warm._ask_graph(db)\n    warm._ask_library(db)\nwarm._scan_partitions()\n",
)


def compile_kernels() -> None:
    """Compile what was not compiled since its source was changed; what fails here fails in a test that says why."""
    from neurograph.derived.kernel_cache import is_compiled
    from neurograph.derived.policy import FAMILIES, kernels_available

    if kernels_available() and not all(map(is_compiled, FAMILIES)):
        env = unmeasured()
        halves = [subprocess.Popen([sys.executable, "-c", half], env=env) for half in HALVES]
        for half in halves:
            half.wait()
