"""One call is stopped alone, on the thread where it runs, and says when it only waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurograph
from neurograph import errors
from neurograph.connection import running

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"


class Call:
    """A call that runs here."""

    def __init__(self) -> None:
        self.stopping = False
        self.told: list[str] = []

    def waits(self, for_ever: bool) -> None:
        self.told.append("for ever" if for_ever else "waits")

    def goes_on(self) -> None:
        self.told.append("goes on")


@pytest.fixture
def call() -> Iterator[Call]:
    made = running.calls[threading.get_ident()] = Call()
    yield made
    del running.calls[threading.get_ident()]


def test_a_statement_is_stopped_and_the_next_runs(call: Call, db: neurograph.Database) -> None:
    call.stopping = True
    with pytest.raises(errors.Interrupted):
        db.execute(ENDLESS)
    assert not call.stopping
    assert db.execute("select 1").fetchone() == (1,)


def test_an_algorithm_is_stopped_between_its_slices(call: Call, db: neurograph.Database) -> None:
    with db._session.reading() as line:
        line.tick()
        call.stopping = True
        with pytest.raises(errors.Interrupted):
            line.tick()
        line.tick()


def test_another_thread_does_not_notice(call: Call, db: neurograph.Database) -> None:
    call.stopping = True
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(db.execute("select 1").fetchone()))
    thread.start()
    thread.join()
    assert (seen, running.heard()) == ([(1,)], True)


def test_who_waits_for_the_turn_says_so_and_gives_up(call: Call, tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", busy_timeout_s=60) as db:
        held, release = threading.Event(), threading.Event()

        def hold() -> None:
            with db.transaction():
                held.set()
                assert release.wait(60)

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait(60)
        for write in (lambda: db.tokens.create("cat"), lambda: db.begin()):
            call.stopping = True
            with pytest.raises(errors.Interrupted):
                write()
        release.set()
        thread.join()
        assert call.told == ["waits", "goes on"] * 2
        assert db.tokens.count() == 0


def test_who_waits_for_a_commit_is_told_to_stop(call: Call, db: neurograph.Database) -> None:
    changes = db.storage.watch()
    call.stopping = True
    with pytest.raises(errors.Interrupted):
        next(changes)


def test_who_works_for_others_is_deaf(call: Call) -> None:
    call.stopping = True
    with running.Deaf():
        assert not running.told_to_stop()
        assert not running.heard()
    assert running.heard()
    assert not running.heard()


def test_where_no_call_is_noted_nothing_is_told() -> None:
    with running.Idle(for_ever=True), running.Deaf():
        assert not running.heard()
    assert running.calls == {}
