"""Where compiled kernels are kept is told as numba will find it; without such a folder plain SQL answers."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import neurograph
from neurograph.derived import kernel_cache

ROOT = Path(neurograph.__file__).parents[1]
SCRIPT = """
import sys
import neurograph
from neurograph.derived.kernel_cache import cache_folder, is_compiled
from neurograph.derived.policy import why_no_kernels
with neurograph.open(":memory:", engine=sys.argv[1]) as db:
    ids = db.tokens.create_many(count=600)
    db.graph.create_many(ids[:-1], ids[1:])
    print(len(db.graph.bfs(1)))
print(neurograph.__file__)
print(cache_folder())
print(why_no_kernels())
print(is_compiled("graph"), is_compiled("grid"))
if "numba" in sys.modules:
    from neurograph.kernels.graph_bfs_kernel import bfs
    print(bfs.stats.cache_path)
"""


@pytest.fixture
def read_only_package(tmp_path: Path) -> Path:
    """Return a folder with a copy of the package beside whose kernels nothing can be kept, not even by root."""
    package = tmp_path / "installed" / "neurograph"
    shutil.copytree(ROOT / "neurograph", package, ignore=shutil.ignore_patterns("__pycache__", "schema"))
    schema = ROOT / "neurograph" / "schema"
    shutil.copytree(schema if schema.is_dir() else ROOT.parent / "schema", package / "schema")
    (package / "kernels" / "__pycache__").touch()
    return package.parent


def lines(package: Path, engine: str, **changes: str) -> list[str]:
    changes = {
        "COVERAGE_PROCESS_START": "",  # a copy of the package is no source to measure
        "PYTHONPATH": str(package),
        "NUMBA_CACHE_DIR": "",
        "NGDB_KERNELS": "",
        "NUMBA_DISABLE_JIT": "0",
        **changes,
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, engine], env={**os.environ, **changes}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.compiled
@pytest.mark.skipif(sys.platform != "linux", reason="the user's cache folder has a variable of its own on Linux alone")
def test_a_read_only_package_keeps_them_in_the_user_s_folder(read_only_package, tmp_path):
    count, package, folder, why, compiled, kept = lines(
        read_only_package, "numba", XDG_CACHE_HOME=str(tmp_path / "cache")
    )
    assert (count, why) == ("600", "None")
    assert package.startswith(str(read_only_package))
    assert folder == str(tmp_path / "cache" / "numba")
    assert Path(kept).parent == Path(folder)
    assert list(Path(kept).glob("*.nbi"))
    assert compiled == "True False"


@pytest.mark.compiled
def test_a_folder_that_is_named_comes_first(read_only_package, tmp_path):
    named = str(tmp_path / "named")
    *_, folder, _, compiled, kept = lines(read_only_package, "numba", NUMBA_CACHE_DIR=named)
    assert folder == named
    assert Path(kept).parent == Path(folder)
    assert compiled == "True False"
    changed = read_only_package / "neurograph" / "kernels" / "graph_bfs.py"
    os.utime(changed, (4e9, 4e9))
    *_, compiled = lines(read_only_package, "auto", NUMBA_CACHE_DIR=named)
    assert compiled == "False False"


@pytest.mark.compiled
def test_kernels_of_an_older_version_do_no_harm(read_only_package, tmp_path):
    """numba reads the index of a kernel before it looks how old it is, and fails where a class in it is gone."""
    import numba

    *_, kept = lines(read_only_package, "numba", NUMBA_CACHE_DIR=str(tmp_path / "named"))
    (index,) = Path(kept).glob("graph_bfs_kernel.bfs-*.nbi")
    index.write_bytes(pickle.dumps(numba.__version__) + b"cneurograph.kernels\nGone\n.")
    os.utime(index, (1e9, 1e9))
    other = Path(kept) / "grid_search.nearest-1.py30.nbi"  # another Python's is left alone
    other.touch()
    os.utime(other, (1e9, 1e9))
    count, *_ = lines(read_only_package, "numba", NUMBA_CACHE_DIR=str(tmp_path / "named"))
    assert count == "600"
    assert index.stat().st_mtime > 1e9
    assert other.exists()


@pytest.mark.compiled
@pytest.mark.skipif(sys.platform != "linux", reason="the user's cache folder has a variable of its own on Linux alone")
def test_without_any_folder_plain_sql_answers(read_only_package, tmp_path):
    (tmp_path / "file").touch()
    count, _, folder, why, _ = lines(read_only_package, "auto", XDG_CACHE_HOME=str(tmp_path / "file"))
    assert (count, folder) == ("600", "None")
    assert "NUMBA_CACHE_DIR" in why


@pytest.mark.parametrize(
    ("name", "writable"), [("there", True), ("there/not/yet", True), ("file", False), ("file/below", False)]
)
def test_a_folder_counts_that_exists_or_can_be_made(tmp_path, name, writable):
    (tmp_path / "there").mkdir()
    (tmp_path / "file").touch()
    assert kernel_cache._writable(str(tmp_path / name)) is writable
