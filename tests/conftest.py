"""What every test shares: the options, the marks they obey, and where real data is found.

How the suite is organised (a file's name says its kind; `tests/README.md` says more):

- `test_*.py` mirrors `src/neurograph/` and claims one thing a test;
- `naive_<area>.py` is the slow, obvious version that fast code is compared with;
- `habits/` holds what `CONTRIBUTING.md` asks of the code and the documentation.

Switches: `--slow` runs what takes minutes, and all examples of `effort.py`; `NGDB_KERNELS=off` keeps the engine from
importing numba and skips the tests marked `kernels` and `compiled`; `NGDB_DATA` names the folder with real data
(default: `../shared/data` beside this repository).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurograph
from compiling import compile_kernels
from unchanged import contents, written

REPOSITORY = Path(__file__).resolve().parent.parent
KERNELS_OFF = os.environ.get("NGDB_KERNELS", "").lower() == "off"
if KERNELS_OFF:
    sys.modules["numba"] = None  # type: ignore[assignment]  # from here on `import numba` fails, whoever tries
collect_ignore = ["kernels"] if KERNELS_OFF else []
# A shell ignores SIGINT for its background jobs; the tests of Ctrl-C and the processes they start would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests that take minutes")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--slow"):
        os.environ["NGDB_SLOW"] = "1"  # before a test file is imported, see effort.py


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let no two workers compile the same kernel at the same time, where all tests run; few compile what they need."""
    config, option = session.config, session.config.option
    every_test = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not (option.keyword or option.markexpr)
    if every_test and not option.collectonly and not hasattr(config, "workerinput"):
        compile_kernels()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = pytest.mark.skip(reason="takes minutes; run with --slow")
    kernels = pytest.mark.skip(reason="needs kernels, and NGDB_KERNELS=off")
    compiled = pytest.mark.skip(reason="needs compiled kernels, and NUMBA_DISABLE_JIT is set")
    for item in items:
        if "slow" in item.keywords and not config.getoption("--slow"):
            item.add_marker(slow)
        if KERNELS_OFF and ("kernels" in item.keywords or "compiled" in item.keywords):
            item.add_marker(kernels)
        if "compiled" in item.keywords and os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
            item.add_marker(compiled)


def data_folder(name: str) -> Path:
    """Return the folder of real data called `name`, or skip and say where it was looked for."""
    named = os.environ.get("NGDB_DATA")
    root = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    found = next((folder for folder in (root / name, root) if folder.name == name and folder.is_dir()), None)
    if found is None:
        pytest.skip(f"no data here: {name!r} is not in {str(root)!r}; NGDB_DATA can name its folder")
    return found


@pytest.fixture(scope="session")
def wordnet() -> Path:
    """Return the folder with WordNet 3.0 as tables."""
    return data_folder("wordnet")


@pytest.fixture(scope="session")
def glove() -> Path:
    """Return the folder with the first rows of GloVe 6B."""
    return data_folder("glove")


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return what a file holds that was just made: writing it anew takes a third of the time of making another."""
    path = tmp_path_factory.mktemp("empty") / "mind.ngdb"
    with neurograph.open(path) as db:
        assert db.check() == []
    return path.read_bytes()


@pytest.fixture
def db(tmp_path: Path, empty_file: bytes) -> Iterator[neurograph.Database]:
    """Yield an open, empty file; when the test is over, nothing may be wrong with it."""
    path = tmp_path / "mind.ngdb"
    path.write_bytes(empty_file)
    os.utime(path, ns=(0, 0))
    with neurograph.open(path) as database:
        yield database
        if not database.closed and written(path):
            assert database.check() == []


@pytest.fixture(scope="module")
def shared_db(tmp_path_factory: pytest.TempPathFactory, empty_file: bytes) -> Iterator[neurograph.Database]:
    """Yield an open file for those tests of a module that change nothing; a module overrides it to fill it first."""
    path = tmp_path_factory.mktemp("shared") / "mind.ngdb"
    path.write_bytes(empty_file)
    with neurograph.open(path) as database:
        yield database
        assert database.check() == []


@pytest.fixture
def unchanged(shared_db: neurograph.Database) -> Iterator[neurograph.Database]:
    """Yield the module's shared file; when the test is over, every row is as it was, and no transaction is open."""
    before = contents(shared_db)
    yield shared_db
    assert not shared_db.in_transaction
    assert contents(shared_db) == before
