"""Every schedule of five events, with ``--slow`` of six, compared with SQL after each.

The events run as one de Bruijn sequence: every schedule of `DEPTH` events occurs in it as a run of neighbours, each
starting from the state the events before it left. An event that has no meaning in a state (a rollback without a
savepoint) does nothing there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

import neurograph
from neurograph.connection.line import Line
from neurograph.derived.mechanism import Derived
from neurograph.derived.policy import Policy
from neurograph.stores.token_ids import TOKEN_IDS
from processes import untraced

EVENTS = ("write", "savepoint", "undo", "commit", "other", "shell", "query")
DEPTH = 6 if os.environ.get("NGDB_SLOW") else 5  # 16 s and 2
ROOM = 1_500  # ids, so that three chunks are in play


def de_bruijn(symbols: int, length: int) -> list[int]:
    """Return the shortest cyclic sequence in which every word of `length` symbols occurs (Lyndon words)."""
    sequence: list[int] = []
    word = [0] * (symbols * length)

    def extend(at: int, period: int) -> None:
        if at > length:
            if length % period == 0:
                sequence.extend(word[1 : period + 1])
            return
        word[at] = word[at - period]
        extend(at + 1, period)
        for symbol in range(word[at - period] + 1, symbols):
            word[at] = symbol
            extend(at + 1, at)

    extend(1, 1)
    return sequence + sequence[: length - 1]


def test_a_de_bruijn_sequence_holds_every_word_once():
    words = de_bruijn(3, 4)
    assert len({tuple(words[at : at + 4]) for at in range(len(words) - 3)}) == len(words) - 3 == 3**4


class Shell:
    """A stock sqlite3 that stays open, so that an event costs a line on a pipe instead of a process."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [shutil.which("sqlite3") or "sqlite3", str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.run(".timeout 5000")

    def run(self, sql: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(sql + "\n.print done\n")
        self.process.stdin.flush()
        said = []
        while (line := self.process.stdout.readline().strip()) != "done":
            said.append(line)
        assert not said, said

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


class World:
    """One file, our handle on it, another connection, a shell; and the question asked of both engine and SQL."""

    def __init__(self, path: Path) -> None:
        self.db = neurograph.open(path, synchronous="off")
        self.session = self.db._session
        self.derived = Derived(self.session, Policy("numba", 1 << 30))
        self.other = apsw.Connection(str(path))
        self.other.set_busy_timeout(5000)
        self.other.execute("pragma synchronous = off")
        self.shell = Shell(path)
        self.levels = 0
        self.step = 0

    def change(self) -> str:
        """Return a statement that inserts, deletes or moves a row of some chunk, another at each step."""
        self.step += 1
        number = (self.step * 7919) % ROOM + 1
        if self.step % 3:
            return f"insert or ignore into token (id) values ({number})"
        return f"delete from token where id between {number} and {number + 100}"

    def run(self, event: str) -> None:
        if event == "write":
            self.db.execute(self.change())
        elif event == "savepoint":
            if self.levels < 3:
                self.db.begin()
                self.levels += 1
        elif event == "undo":
            if self.levels:
                self.db.rollback()
                self.levels -= 1
        elif event == "commit":
            if self.levels:
                self.db.commit()
                self.levels -= 1
        elif event == "other":
            if not self.levels:  # we hold the write lock otherwise
                self.other.execute(self.change())
        elif event == "shell":
            if not self.levels:
                self.shell.run(self.change() + ";")
        else:
            self.compare(self.session.writer)

    def compare(self, line: Line) -> None:
        arrays = self.derived.current(TOKEN_IDS, line)
        assert arrays is not None
        rows = [row[0] for row in line.connection.execute("select id from token order by id")]
        assert arrays.tolist() == rows

    def close(self) -> None:
        while self.levels:
            self.run("undo")
        self.shell.close()
        self.other.close()
        self.db.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    if shutil.which("sqlite3") is None:
        pytest.skip("the stock sqlite3 shell is not here")
    world = World(tmp_path / "mind.ngdb")
    yield world
    world.close()


@pytest.mark.compiled
def test_arrays_equal_sql_after_every_schedule(world):
    with untraced():  # 117,654 events; what they run, the tests below run as well
        for symbol in de_bruijn(len(EVENTS), DEPTH):
            world.run(EVENTS[symbol])
    world.compare(world.session.writer)


@pytest.mark.kernels
def test_a_reader_sees_its_own_state_while_the_writer_sees_uncommitted_rows(world):
    world.db.execute("insert into token (id) values (1), (600)")
    reader = world.session.borrow()
    world.compare(reader)
    world.db.begin()
    world.db.execute("delete from token where id = 600")
    world.compare(world.session.writer)
    world.compare(reader)
    world.db.rollback()
    world.compare(world.session.writer)
    world.compare(reader)
    world.session.give_back(reader)


@pytest.mark.kernels
def test_arrays_shared_by_two_lines_are_not_patched_under_the_other(world):
    world.db.execute("insert into token (id) values (1), (600)")
    reader = world.session.borrow()
    writers = world.derived.current(TOKEN_IDS, world.session.writer)
    readers = world.derived.current(TOKEN_IDS, reader)
    assert writers is readers
    world.db.execute("insert into token (id) values (2)")
    assert world.derived.current(TOKEN_IDS, world.session.writer).tolist() == [1, 2, 600]
    assert readers.tolist() == [1, 600]
    world.session.give_back(reader)
