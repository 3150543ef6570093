"""What ships: the wheel holds the package and its schema and nothing else; the sdist builds and tests it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from repository import ROOT, SOURCE, tracked_files

from neurograph._version import __version__


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(built / f"neurograph-{__version__}-py3-none-any.whl")


def test_the_wheel_holds_every_schema_file_as_it_is(wheel: zipfile.ZipFile) -> None:
    for path in (ROOT / "schema").glob("*.sql"):
        assert wheel.read(f"neurograph/schema/{path.name}") == path.read_bytes()


def test_the_wheel_holds_every_module_and_the_type_marker(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    sources = {path for path in tracked_files() if path.is_relative_to(SOURCE)}
    assert {path.relative_to(SOURCE.parent).as_posix() for path in sources} <= names
    assert "neurograph/py.typed" in names


def test_the_wheel_holds_nothing_but_the_package(wheel: zipfile.ZipFile) -> None:
    roots = {name.split("/")[0] for name in wheel.namelist()}
    assert roots == {"neurograph", f"neurograph-{__version__}.dist-info"}
    suffixes = {Path(name).suffix for name in wheel.namelist() if name.startswith("neurograph/")}
    assert suffixes <= {".py", ".sql", ".typed", ".pyi"}


def test_the_wheel_carries_the_licence(wheel: zipfile.ZipFile) -> None:
    name = f"neurograph-{__version__}.dist-info/licenses/LICENSE"
    assert wheel.read(name) == (ROOT / "LICENSE").read_bytes()


def test_the_sdist_holds_what_a_packager_needs(built: Path) -> None:
    top = f"neurograph-{__version__}"
    with tarfile.open(built / f"{top}.tar.gz") as archive:
        names = set(archive.getnames())
    needed = {"pyproject.toml", "LICENSE", "README.md", "CHANGELOG.md", "tests/conftest.py", "docs/conf.py"}
    assert {f"{top}/{name}" for name in needed} <= names
