"""The handle itself: what it says of itself, what it refuses, what it logs, and what runs here."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

import neurograph
from neurograph import errors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mind.ngdb"


# --- copies ----------------------------------------------------------------------------------------------------------

COPIES = {"pickle": pickle.dumps, "copy": copy.copy, "deepcopy": copy.deepcopy}


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_it_can_not_be_copied(make: object) -> None:
    with (
        neurograph.open(":memory:") as db,
        pytest.raises(errors.Misuse, match="can't be pickled or copied; pass its path and open it again"),
    ):
        make(db)  # type: ignore[operator]


def test_it_says_what_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with neurograph.open("mind.ngdb") as db:
        assert repr(db) == f"<Database {str(path)!r}>"
        assert (db.path, db.closed, db.in_transaction) == (str(path), False, False)
    assert db.closed
    with neurograph.open(":memory:") as db:
        assert db.path == ":memory:"


def test_two_databases_in_memory_are_two() -> None:
    with neurograph.open(":memory:") as one, neurograph.open(":memory:") as other:
        one.tokens.create("cat")
        assert (one.tokens.count(), other.tokens.count()) == (1, 0)


def test_a_path_may_be_an_object(path: Path) -> None:
    neurograph.open(path).close()
    neurograph.open(os.fspath(path), mode="rw").close()


# --- the log ---------------------------------------------------------------------------------------------------------


def test_a_slow_statement_is_logged_with_its_time_and_without_its_values(caplog: pytest.LogCaptureFixture) -> None:
    with neurograph.open(":memory:", slow_query_s=0) as db:
        for call in (
            lambda: db.execute("select   ?,\n 7 as n", ["secret"]),
            lambda: db.executemany("insert into token (label) values (?)", [("secret",)]),
        ):
            caplog.clear()
            call()
            (record,) = [record for record in caplog.records if record.name == "neurograph"]
            assert record.levelno == logging.WARNING
            assert record.getMessage().startswith(":memory:: 0.00 s for ")
            assert "secret" not in caplog.text
        assert "for select ?, 7 as n" not in caplog.text
        db.execute("select   ?,\n 7 as n", ["secret"])
        assert "for select ?, 7 as n" in caplog.text


@pytest.mark.parametrize("slow_query_s", [None, 100.0])
def test_a_quick_one_is_not(caplog: pytest.LogCaptureFixture, slow_query_s: float | None) -> None:
    with neurograph.open(":memory:", slow_query_s=slow_query_s) as db:
        db.execute("select 1")
    assert not caplog.records


def test_a_slow_statement_that_fails_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    with neurograph.open(":memory:", slow_query_s=0) as db, pytest.raises(apsw.SQLError):
        db.execute("select absent")
    assert "for select absent" in caplog.text


def test_a_long_transaction_is_logged(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neurograph.connection import transactions

    monkeypatch.setattr(transactions, "LONG_TRANSACTION_S", -1)
    with caplog.at_level(logging.INFO, "neurograph"), neurograph.open(path) as db, db.transaction():
        db.tokens.create("cat")
    assert "mind.ngdb: a transaction held the write lock for 0.0 s" in caplog.text


# --- what runs here --------------------------------------------------------------------------------------------------


def test_runtime_info_says_what_runs_here() -> None:
    info = neurograph.runtime_info()
    assert info["version"] == neurograph.__version__
    assert info["sqlite_version"] == apsw.sqlite_lib_version()
    assert info["python_version"] == ".".join(map(str, sys.version_info[:3]))
    assert info["sqlite_vec_found"] is True
    assert set(info) >= {"platform", "apsw_version", "sqlite_vec_version", "numpy_version", "memory_bytes"}


@pytest.mark.parametrize(("switch", "expected"), [("off", "False False"), ("OFF", "False False"), ("", "True True")])
def test_native_available_obeys_the_switch_and_imports_nothing(switch: str, expected: str) -> None:
    code = "import neurograph, sys; print(neurograph.NATIVE_AVAILABLE, neurograph.runtime_info()['native_available']);"
    code += "assert not {'numba', 'numpy'} & sys.modules.keys()"
    environment = {**os.environ, "NGDB_KERNELS": switch}
    environment = {name: value for name, value in environment.items() if not name.startswith("COVERAGE")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
