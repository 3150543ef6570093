"""Entries waited for: they come once each, in order, whoever publishes and whatever ends the wait."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import neurograph
from in_threads import LONG_S, in_thread
from neurograph import Database
from neurograph.connection.waiting import Waiting
from neurograph.errors import Closed, Interrupted, InvalidValue, TransactionOpen
from processes import Held, needs_shell, shell


@pytest.fixture(params=["a file", "in memory"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with neurograph.open(":memory:" if request.param == "in memory" else tmp_path / "t.ngdb", synchronous="off") as db:
        yield db


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    with neurograph.open(tmp_path / "t.ngdb", synchronous="off") as db:
        yield db


def test_what_is_there_comes_in_order_and_the_end_after_the_timeout(db: Database) -> None:
    reader = db.topics.subscribe("r")
    db.topics.publish_many("a", [1, 2, 3])
    assert [entry.payload for entry in reader.consume(timeout_s=0)] == [1, 2, 3]
    assert reader.stats().claimed == 3
    assert list(reader.consume(timeout_s=0.01)) == []


@pytest.mark.parametrize("pattern", ["a", "a*", "*"])
def test_what_is_published_later_ends_the_wait(db: Database, pattern: str) -> None:
    reader = db.topics.subscribe("r", pattern)
    with reader.consume(timeout_s=LONG_S) as consumer:
        for n in range(3):
            thread, came = in_thread(lambda: next(consumer).payload)
            db.topics.publish("other", 0) if pattern != "*" else None
            db.topics.publish_many("a", [n]) if n else db.topics.publish("a", n)
            thread.join()
            assert came == [n]


def test_a_publish_is_announced_to_who_waits_for_its_topic(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: set[object] = set()
    monkeypatch.setattr(type(db._session), "announce", lambda _, topic: heard.add(topic))
    db.topics.publish("a.b", 1)
    for pattern, wanted in {"a.b": True, "a.*": True, "*": True, "a": False}.items():
        topic, _ = db.topics.subscribe(pattern, pattern).consume()._topics
        assert (topic in heard) == wanted, pattern


@pytest.mark.parametrize("how", ["the package", pytest.param("the shell", marks=needs_shell)])
def test_another_process_ends_the_wait(file: Database, how: str) -> None:
    code = """
        import neurograph, sys
        with neurograph.open(sys.argv[1]) as db:
            hold()
            db.topics.publish("a", "other")
    """
    reader = file.topics.subscribe("r", "a*")
    with reader.consume(timeout_s=LONG_S) as consumer, Held(code, file.path) as other:
        thread, came = in_thread(lambda: next(consumer).payload)
        if how == "the shell":
            shell(Path(file.path), """insert into topic_log (topic, payload) values ('a', '"other"')""")
        else:
            other.release()
        thread.join()
        assert came == ["other"]


TOPIC_WAYS_BACK: dict[str, Callable[[Any, Any], object]] = {
    "release": lambda reader, entry: reader.release(entry),
    "nack": lambda reader, entry: reader.nack(entry, delay_s=0),
    "redrive": lambda reader, entry: reader.redrive(),
    "resume": lambda reader, entry: reader.resume(),
    "seek": lambda reader, entry: reader.seek(sequence=1),
    "update": lambda reader, entry: reader.update(paused=False),
}


@pytest.mark.parametrize("way", TOPIC_WAYS_BACK)
def test_what_comes_back_ends_the_wait_and_not_only_the_next_look(
    db: Database, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = db.topics.subscribe("r", "a", attempts=1 if way == "redrive" else 9)
    db.topics.publish("a", 1)
    entry = None
    if way in ("resume", "update"):
        reader.pause()
    else:
        [entry] = reader.claim()
    if way == "redrive":
        reader.nack(entry)
    asleep, real = threading.Event(), Waiting._sleep

    def sleep(self: Waiting, selector: object, end: float, until: float | None) -> bool:
        asleep.set()
        return real(self, self._announced, time.monotonic() + LONG_S, None)

    monkeypatch.setattr(Waiting, "_sleep", sleep)
    with reader.consume(timeout_s=LONG_S) as consumer:
        thread, came = in_thread(lambda: next(consumer).payload)
        assert asleep.wait(LONG_S)
        TOPIC_WAYS_BACK[way](reader, entry)
        thread.join(LONG_S / 2)
        assert came == [1]


@pytest.mark.parametrize("what", ["lease", "resume", "nack", "redrive", "seek"])
def test_time_and_settings_bring_entries_too(file: Database, what: str) -> None:
    options = {"attempts": 1} if what == "redrive" else {"backoff_ms": 20, "jitter": 0}
    here = file.topics.subscribe("r", "a", **options)
    file.topics.publish("a", 1)
    with neurograph.open(file.path, busy_timeout_s=0) as other:  # no grace after the lease
        reader = other.topics.subscription("r")
        if what == "lease":
            reader.claim(lease_s=0.02)
        if what == "seek":
            here.ack(here.claim()[0])
        if what in {"nack", "redrive"}:
            here.nack(here.claim()[0], "no")
        if what == "resume":
            here.pause()
        with reader.consume(timeout_s=LONG_S) as consumer:
            thread, came = in_thread(lambda: next(consumer).payload)
            if what == "resume":
                here.resume()
            if what == "redrive":
                here.redrive()
            if what == "seek":
                here.seek(sequence=1)
            thread.join()
            assert came == [1]


def test_many_are_claimed_at_once_and_given_back(db: Database) -> None:
    reader = db.topics.subscribe("r")
    db.topics.publish_many("a", list(range(10)))
    with reader.consume(n=4, timeout_s=0) as consumer:
        assert [next(consumer).payload for _ in range(5)] == [0, 1, 2, 3, 4]
        assert reader.stats().claimed == 8
    assert reader.stats().claimed == 5
    assert [(entry.payload, entry.attempts) for entry in reader.claim(10)] == [(n, 1) for n in range(5, 10)]
    consumer.close()
    assert list(consumer) == []


def test_what_is_claimed_ahead_keeps_its_lease_or_is_left_out(file: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = file.topics.subscribe("r")
    file.topics.publish_many("a", list(range(4)))
    consumer = reader.consume(n=4, lease_s=30, timeout_s=0)
    first = next(consumer)
    before = reader.list()[1].due_ns or 0
    reader.ack(consumer._ahead.pop())  # it is settled behind the consumer's back
    consumer._extended_below_s = float("inf")
    assert next(consumer).id == first.id + 1
    assert (reader.list()[1].due_ns or 0) > before
    file.execute("delete from delivery where entry_id = 3")
    consumer._extended_below_s = float("inf")
    assert list(consumer) == []


def test_stop_ends_it_from_any_thread(db: Database) -> None:
    consumer = db.topics.subscribe("r").consume(timeout_s=LONG_S)
    thread, came = in_thread(lambda: list(consumer))
    consumer.stop()
    thread.join()
    assert came == [[]]
    consumer.close()


@pytest.mark.parametrize(("how", "wanted"), [("close", Closed), ("interrupt", Interrupted)])
def test_closing_and_interrupting_end_it(file: Database, how: str, wanted: type) -> None:
    with neurograph.open(file.path) as other:
        consumer = other.topics.subscribe("r").consume(timeout_s=LONG_S)
        assert consumer._waiting is None
        consumer._timeout_s = 0
        assert list(consumer) == []
        consumer._timeout_s = LONG_S
        thread, came = in_thread(lambda: next(consumer))
        while not came:
            getattr(other, how)()
            thread.join(0.01)
        assert came == [wanted]


def test_it_does_not_wait_inside_a_transaction(db: Database) -> None:
    consumer = db.topics.subscribe("r").consume(timeout_s=LONG_S)
    db.begin()
    with pytest.raises(TransactionOpen, match="cannot wait for work"):
        next(consumer)
    db.rollback()


def test_arguments_that_are_none_are_refused(db: Database) -> None:
    reader = db.topics.subscribe("r")
    for options in ({"n": 0}, {"lease_s": -1}, {"timeout_s": -1}):
        with pytest.raises(InvalidValue):
            reader.consume(**options)  # type: ignore[arg-type]


def test_it_works_in_an_event_loop(db: Database) -> None:
    reader = db.topics.subscribe("r")
    db.topics.publish_many("a", [1, 2, 3])

    async def main() -> list[Any]:
        async with reader.consume(n=2, timeout_s=0) as consumer:
            return [entry.payload async for entry in consumer]

    assert asyncio.run(main()) == [1, 2, 3]


def test_a_cancelled_step_loses_nothing(file: Database) -> None:
    reader = file.topics.subscribe("r")

    async def main() -> list[Any]:
        async with reader.consume(timeout_s=LONG_S) as consumer:
            step = asyncio.ensure_future(anext(consumer))
            await asyncio.sleep(0)
            step.cancel()
            with pytest.raises(asyncio.CancelledError):
                await step
            file.topics.publish_many("a", [1, 2])
            return [(await anext(consumer)).payload, (await anext(consumer)).payload]

    assert asyncio.run(main()) == [1, 2]
