"""A forked child neither uses, closes nor opens again what its parent has open, and its parent notices nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import neurograph
from neurograph import errors
from processes import files, python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="not here: forks")

# Warnings about forking with threads are about threads, of which there are none here.
PARENT = """
import gc, os, sys, threading, warnings
warnings.simplefilter("ignore")
import neurograph
from neurograph import errors
path, journal = sys.argv[1:3]
db = neurograph.open(path, journal=journal)
db.tokens.create("before")

def fork(child):
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writing, 1)
        child()
        sys.stdout.flush()
        sys.exit(0)  # runs what the interpreter runs at its end
    os.close(writing)
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
    with os.fdopen(reading) as pipe:
        return pipe.read()
"""

JOURNALS = pytest.mark.parametrize("journal", ["wal", "rollback"])


@JOURNALS
def test_every_call_of_the_child_says_so(tmp_path: Path, journal: str) -> None:
    out = python(
        PARENT
        + """
def child():
    calls = [
        lambda: db.execute("select 1"), lambda: db.tokens.create("child"), lambda: db.tokens.get("before"),
        lambda: db.begin(), lambda: db.commit(), lambda: db.rollback(), lambda: db.stream("select 1"),
        lambda: db.snapshot().__enter__(), lambda: db.transaction().__enter__(), lambda: db.reader(),
    ]
    for call in calls:
        try:
            call()
            print("went through")
        except errors.WrongProcess as error:
            print(error)

with db.transaction():
    db.tokens.create("inside")
    print(fork(child), end="")
""",
        tmp_path / "mind.ngdb",
        journal,
    )
    lines = out.splitlines()
    assert len(lines) == 10
    assert all("was opened before this process was forked" in line for line in lines)


@JOURNALS
def test_a_child_that_ends_in_the_middle_of_a_transaction_harms_nothing(tmp_path: Path, journal: str) -> None:
    path = tmp_path / "mind.ngdb"
    python(
        PARENT
        + """
def child():
    global db
    db.close()
    db = None
    gc.collect()

with db.transaction():
    db.tokens.create_many(labels=[f"token {n}" for n in range(3000)])
    fork(child)
    fork(lambda: None)
    db.tokens.create("after")
db.close()
""",
        path,
        journal,
    )
    with neurograph.open(path, journal=journal) as db:
        assert db.tokens.count() == 3002
        assert db.check() == []
    assert files(path) == ["mind.ngdb"]


def test_the_child_can_not_open_the_file_again(tmp_path: Path) -> None:
    """It would share SQLite's notes about locks it does not have, and lose what it commits."""
    out = python(
        PARENT
        + """
def child():
    try:
        neurograph.open(path)
        print("opened")
    except errors.WrongProcess as error:
        print(error)

print(fork(child), end="")
db.close()
""",
        tmp_path / "mind.ngdb",
        "wal",
    )
    assert "was open when this process was forked, and SQLite would lose its locks and commits here" in out
    assert '"spawn"' in out


def test_the_child_can_open_another_file_and_one_closed_before_the_fork(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    out = python(
        PARENT
        + """
other = neurograph.open(path + ".other")
db.close()

def child():
    with neurograph.open(path) as again, neurograph.open(path + ".third") as third:
        again.tokens.create("child")
        print(third.tokens.create("child").label)

print(fork(child), end="")
other.close()
""",
        path,
        "wal",
    )
    assert out == "child\n"
    with neurograph.open(path) as db:
        assert [token.label for token in db.tokens.list()] == ["before", "child"]


def test_workers_that_are_spawned_open_the_file_on_their_own(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        """
import multiprocessing, sys
import neurograph

def work(number):
    with neurograph.open(sys.argv[1]) as db:
        return db.tokens.create(f"worker {number}").id

if __name__ == "__main__":
    with neurograph.open(sys.argv[1]) as db:
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            print(sorted(pool.map(work, range(4))))
        print(db.tokens.count())
"""
    )
    out = python("import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')", script, tmp_path / "m.ngdb")
    assert out == "[1, 2, 3, 4]\n4\n"


def test_a_fork_with_nothing_open_leaves_nothing_behind(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        assert db.tokens.create("cat").id == 1


def test_wrong_process_is_misuse() -> None:
    assert issubclass(errors.WrongProcess, errors.Misuse)
