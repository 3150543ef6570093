"""What a process that was just started takes for its first answer."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

from measure import Row, at_most, seconds

import neurograph


def process(code: str, *arguments: str, **environment: str) -> float:
    """Return the best whole-process time of some code, less that of a bare interpreter."""
    env = {**os.environ, **environment}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # an install has its modules compiled
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=env)
    times, bare = [], []
    for _ in range(5):
        bare.append(seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True, env=env)))
        times.append(seconds(lambda: subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=env)))
    return min(times) - min(bare)


# An install has no scipy unless it wants one; where numba finds it, it imports its linear algebra: 0.14 s more.
OPEN = "import sys; sys.modules['scipy'] = None; import neurograph; db = neurograph.open(sys.argv[1]); "
NEAR = OPEN + "db.grid.neighbors(5, 10, level='physical')[0]"
BFS = OPEN + "db.graph.bfs(500, max_depth=3)[0]"  # no hub
FIRST = {
    "neighbor": "db.grid.neighbors(5, 10, level='physical')[0]",
    "range": "db.grid.in_range((0, 0, 0), 2, level='physical')",
    "neighbor over eight levels": "db.grid.neighbors(5, 10)[0]",
    "influence": "db.grid.influence((0, 0, 0), level='physical')",
    "BFS": "db.graph.bfs(500, max_depth=3)[0]",
    "path": "db.graph.shortest_path(500, 600)",
    "PageRank": "db.graph.pagerank()",
    "components": "db.graph.components()",
    "spreading activation": "db.graph.spread(500)",
}


def fresh(folder: Path) -> list[Row]:
    for name in ("space", "graph"):
        with neurograph.open(folder / f"{name}.ngdb", synchronous="off", memory_budget_bytes=4 << 30) as db:
            db.optimize(budget_bytes=1 << 30)
    space_file, graph_file = str(folder / "space.ngdb"), str(folder / "graph.ngdb")
    rows = [
        at_most(f"import and open, {Path(space_file).stat().st_size / 1e9:.1f} GB", process(OPEN, space_file), 0.025),
        at_most(
            "fresh process to first neighbor, kernels",
            process(NEAR.replace("argv[1])", "argv[1], engine='numba')"), space_file),
            0.6,
        ),
        at_most(
            "fresh process to first BFS, kernels",
            process(BFS.replace("argv[1])", "argv[1], engine='numba')"), graph_file),
            0.6,
        ),
        at_most("fresh process to first neighbor, no kernels", process(NEAR, space_file, NGDB_KERNELS="off"), 0.06),
        at_most("fresh process to first BFS, no kernels", process(BFS, graph_file, NGDB_KERNELS="off"), 0.06),
    ]
    for (what, code), engine in product(FIRST.items(), ("auto", "numba")):
        file = graph_file if "graph" in code else space_file
        if engine == "auto" or what in ("neighbor", "BFS"):
            with tempfile.TemporaryDirectory() as cache:
                env = {**os.environ, "NUMBA_CACHE_DIR": cache}
                call = [sys.executable, "-c", OPEN.replace("argv[1])", f"argv[1], engine='{engine}')") + code, file]
                took = seconds(lambda: subprocess.run(call, check=True, env=env))
            rows.append(at_most(f"fresh install to first {what}, engine {engine}", took, 1.5))
    return rows
