"""`ngdb worker`: a function of a module, run on messages in a process of its own until that is told to stop."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest
from command_line import ended, refusal, run, start

import neurograph

posix_signals = pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-C for a child without a console")
HANDLERS = """
import time

def double(message):
    return message.payload * 2

def copy(message, db):
    db.queue.publish("copies", message.payload)

async def triple(message):
    return message.payload * 3

def settle(message, db):
    with db.transaction():
        db.queue.publish("settled", message.payload)
        db.queue.ack(message)

def slow(message, db):
    db.queue.publish("begun", 1)
    while not db.queue.claim("go"):
        time.sleep(0.01)
    return "whole"

def broken(message):
    raise ValueError("broken as it was made")
"""


@pytest.fixture
def folder(mind: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (mind.parent / "handlers.py").write_text(HANDLERS, encoding="utf-8")
    (mind.parent / "torn.py").write_text("raise RuntimeError('as it was made')", encoding="utf-8")
    return mind.parent


@posix_signals
def test_sigterm_lets_the_handler_that_runs_finish(mind, folder):
    with neurograph.open(mind) as db:
        db.queue.create_channel("jobs", keep_ms=60_000)
        first, second = db.queue.publish_many("jobs", [1, 2])
        with start("worker", mind, "handlers:slow", "jobs", "--lease", "30", "--json", cwd=folder) as child:
            assert next(db.queue.consume("begun", timeout_s=60)).payload == 1
            child.send_signal(signal.SIGTERM)
            db.queue.publish("go", 1, delay_s=0.1)
            out, err = ended(child)
        assert json.loads(out) == {"done": 1, "failed": 0, "lost": 0}
        assert (err, child.returncode) == ("handlers:slow works on 'jobs'; Ctrl-C ends it\n", 0)
        assert db.queue.wait_result(first, timeout_s=0) == "whole"
        assert db.queue.get(second.id).state == "ready"
        assert db.check() == []


@posix_signals
def test_ctrl_c_ends_it_too_and_a_second_one_does_not_wait(mind, folder):
    with neurograph.open(mind) as db:
        db.queue.publish("jobs", 1)
        with start("worker", mind, "handlers:slow", "jobs", cwd=folder) as child:
            assert next(db.queue.consume("begun", timeout_s=60)).payload == 1
            child.send_signal(signal.SIGINT)
            with pytest.raises(StopIteration):
                next(db.queue.consume("begun", timeout_s=0.3))
            assert child.poll() is None
            child.send_signal(signal.SIGINT)
            out, err = ended(child)
        assert (out, child.returncode) == ("0 done, 0 failed, 0 lost\n", 130)
        assert "ngdb: interrupted" in err  # beside which the handler may find the file closed, and say so
        assert db.queue.list("jobs")[0].state == "claimed"


@posix_signals
def test_a_channel_that_nobody_made_is_said(mind, folder):
    with neurograph.open(mind) as db, start("worker", mind, "handlers:slow", "jbos", cwd=folder) as child:
        assert child.stderr.readline() == "no channel has the name 'jbos' yet; what comes is handled\n"
        db.queue.publish("jbos", 1)
        assert next(db.queue.consume("begun", timeout_s=60)).payload == 1
        db.queue.publish("go", 1)
        child.send_signal(signal.SIGTERM)
        ended(child)


@posix_signals
def test_failures_that_nobody_reads_of_are_failures_all_the_same(mind, folder):
    with neurograph.open(mind) as db:
        db.queue.create_channel("jobs", attempts=1, dead_letter="dead")
        with start("worker", mind, "handlers:broken", "jobs", cwd=folder) as child:
            assert child.stderr.readline() == "handlers:broken works on 'jobs'; Ctrl-C ends it\n"
            child.stderr.close()
            db.queue.publish_many("jobs", [1, 2])
            consumer = db.queue.consume("dead", timeout_s=20)
            assert [next(consumer).payload, next(consumer).payload] == [1, 2]
            child.send_signal(signal.SIGTERM)
            assert child.stdout.read() == "0 done, 2 failed, 0 lost\n"
            assert child.wait(60) == 0


@posix_signals
def test_failures_are_said_and_the_worker_goes_on(mind, folder):
    with neurograph.open(mind) as db:
        db.queue.create_channel("jobs", attempts=1, dead_letter="dead")
        db.queue.publish_many("jobs", [1, 2])
        with start("worker", mind, "handlers:broken", "jobs", "--concurrency", "2", cwd=folder) as child:
            consumer = db.queue.consume("dead", timeout_s=60)
            assert {next(consumer).payload, next(consumer).payload} == {1, 2}
            child.send_signal(signal.SIGTERM)
            out, err = ended(child)
        assert out == "0 done, 2 failed, 0 lost\n"
        assert "ngdb: message 1 of 'jobs' failed: ValueError('broken as it was made')\n" in err


def worked(mind: Path, monkeypatch: pytest.MonkeyPatch, name: str, *options: object) -> None:
    """Run a worker in this process until it has worked on what is there."""

    def until_empty(worker):
        with worker, neurograph.open(mind) as db:
            stats = db.queue.stats("jobs")
            consumer = db.queue.consume("nothing", timeout_s=0.01)
            while stats.ready or stats.claimed:
                assert not list(consumer)
                stats = db.queue.stats("jobs")

    monkeypatch.setattr("neurograph.stores.queue.worker.Worker.run", until_empty)
    monkeypatch.delitem(sys.modules, "handlers", raising=False)
    run("worker", mind, f"handlers:{name}", "jobs", *options)


@pytest.mark.parametrize(("name", "results"), [("double", [4, 6]), ("triple", [6, 9])])
def test_what_a_function_returns_is_the_result(mind, folder, monkeypatch, name, results):
    with neurograph.open(mind) as db:
        db.queue.create_channel("jobs", keep_ms=60_000)
        published = db.queue.publish_many("jobs", [2, 3])
    worked(mind, monkeypatch, name, "--timeout", "60", "--batch", "2")
    with neurograph.open(mind) as db:
        assert [db.queue.get(one.id).result for one in published] == results


@pytest.mark.parametrize(("name", "options", "channel"), [("copy", [], "copies"), ("settle", ["--settles"], "settled")])
def test_a_function_of_two_gets_the_database(mind, folder, monkeypatch, name, options, channel):
    run("queue", "publish", mind, "jobs", "2", "3")
    worked(mind, monkeypatch, name, *options)
    with neurograph.open(mind) as db:
        assert [message.payload for message in db.queue.peek(channel, 9)] == [2, 3]
        assert db.queue.stats("jobs").ready == 0


def test_a_module_that_can_not_be_loaded_says_why(mind, folder):
    assert "got 'torn:f' (RuntimeError: as it was made)" in refusal("worker", mind, "torn:f", "jobs")
    (folder / "script.py").write_text("import sys\n\nsys.exit(3)", encoding="utf-8")
    assert "got 'script:f' (SystemExit: 3)" in refusal("worker", mind, "script:f", "jobs")
