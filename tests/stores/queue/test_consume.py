"""Messages waited for: they come once each, in order, whoever publishes and whatever ends the wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurograph
from in_threads import LONG_S, in_thread, until
from neurograph import Consumer, Database
from neurograph.connection.waiting import Waiting
from neurograph.errors import Closed, Interrupted, InvalidValue, TransactionOpen
from neurograph.stores.queue.consuming import lease_left_s
from processes import Held, needs_shell, shell


@pytest.fixture(params=["a file", "in memory"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with neurograph.open(":memory:" if request.param == "in memory" else tmp_path / "q.ngdb", synchronous="off") as db:
        yield db


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    with neurograph.open(tmp_path / "q.ngdb", synchronous="off") as db:
        yield db


def taken(consumer: Consumer, count: int) -> list[object]:
    """Return the payloads of the next messages."""
    return [next(consumer).payload for _ in range(count)]


def waits_for_news_alone(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let who waits look again only after what is announced; return what is set when it begins to wait."""
    asleep, real = threading.Event(), Waiting._sleep

    def sleep(self: Waiting, selector: object, end: float, until: float | None) -> bool:
        asleep.set()
        return real(self, self._announced, time.monotonic() + LONG_S, None)

    monkeypatch.setattr(Waiting, "_sleep", sleep)
    return asleep


def test_what_is_there_comes_in_order_and_the_end_after_the_timeout(db):
    db.queue.publish_many("c", [1, 2, 3], priority=[50, 0, 50])
    assert [message.payload for message in db.queue.consume("c", timeout_s=0)] == [2, 1, 3]
    assert db.queue.stats("c").claimed == 3
    assert list(db.queue.consume("c", timeout_s=0.01)) == []
    assert list(db.queue.consume("nothing", timeout_s=0)) == []


def test_what_is_published_later_ends_the_wait(db):
    with db.queue.consume(["a", "b"], timeout_s=LONG_S) as consumer:
        for channel in ("b", "a", "b"):
            thread, came = in_thread(lambda: next(consumer).channel)
            db.queue.publish(channel, 1)
            thread.join()
            assert came == [channel]


def test_it_sees_nothing_of_a_transaction_before_its_commit(file):
    with file.queue.consume("c", timeout_s=LONG_S) as consumer:
        thread, came = in_thread(lambda: next(consumer).payload)
        file.begin()
        file.queue.publish("c", "rolled back")
        file.rollback()
        with file.transaction():
            token = file.tokens.create("cat")
            file.queue.publish("c", token.id)
            assert came == []
        thread.join()
        assert came == [1]


@pytest.mark.parametrize("how", ["the package", pytest.param("the shell", marks=needs_shell)])
def test_another_process_ends_the_wait(file, how):
    code = """
        import neurograph, sys
        with neurograph.open(sys.argv[1]) as db:
            hold()
            db.queue.publish("c", "other")
    """
    with file.queue.consume("c", timeout_s=LONG_S) as consumer, Held(code, file.path) as other:
        thread, came = in_thread(lambda: next(consumer).payload)
        if how == "the shell":
            shell(Path(file.path), """insert into outbox (channel, payload) values ('c', '"other"')""")
        else:
            other.release()
        thread.join()
        assert came == ["other"]


@pytest.mark.parametrize("what", ["delay", "lease", "resume", "nack"])
def test_time_and_settings_bring_messages_too(file, what):
    file.queue.create_channel("c", backoff_ms=20, jitter=0)
    with neurograph.open(file.path, busy_timeout_s=0) as other:  # no grace after the lease
        if what == "delay":
            file.queue.publish("c", "later", delay_s=3600)
            file.queue.publish("c", 1, delay_s=0.02)
        else:
            file.queue.publish("c", 1)
        if what == "lease":
            other.queue.claim("c", lease_s=0.02)
            file.queue.publish("c", "worked on")
            other.queue.claim("c", lease_s=3600)
        if what == "nack":
            file.queue.nack(file.queue.claim("c")[0], "no")
        if what == "resume":
            file.queue.pause("c")
        with other.queue.consume("c", timeout_s=LONG_S) as consumer:
            thread, came = in_thread(lambda: next(consumer).payload)
            if what == "resume":
                file.queue.resume("c")
            thread.join()
            assert came == [1]


def test_what_was_kept_for_long_enough_goes_while_somebody_waits(file):
    file.queue.create_channel("c", keep_ms=3_600_000)
    file.queue.publish_many("c", ["for an hour", "for a moment"])
    for message in file.queue.claim("c", 2):
        file.queue.ack(message)
        file.queue.update_channel("c", keep_ms=20)
    with file.queue.consume("c", timeout_s=LONG_S) as consumer:
        thread, came = in_thread(lambda: next(consumer, None))
        until(lambda: file.execute("select payload from message").fetchall() == [('"for an hour"',)])
        consumer.stop()
        thread.join()
    assert came == [None]


@pytest.mark.parametrize("what", ["paused", "elsewhere"])
def test_work_that_is_due_where_it_can_not_be_claimed_is_not_looked_at_all_the_time(file, monkeypatch, what):
    where = "c" if what == "paused" else "other"
    for name in {where, "c"}:
        file.queue.create_channel(name, keep_ms=1)
    with neurograph.open(file.path, busy_timeout_s=0) as hasty:  # no grace after a lease
        hasty.queue.publish_many(where, [1, 2])
        hasty.queue.ack_many(hasty.queue.claim(where))
        hasty.queue.claim(where, lease_s=0)
        hasty.queue.publish(where, 3, delay_s=0.001)
        hasty.queue.publish(where, 4, at_ns=0, ttl_s=0)
    if what == "paused":
        file.queue.pause("c")
    looks = []
    claim = type(file.queue).claim
    monkeypatch.setattr(type(file.queue), "claim", lambda self, *a, **k: looks.append(a) or claim(self, *a, **k))
    assert list(file.queue.consume("c", timeout_s=0.2)) == []
    assert len(looks) <= 3


WAYS_BACK = {
    "release": lambda queue, message: queue.release(message),
    "release_many": lambda queue, message: queue.release_many([message]),
    "nack": lambda queue, message: queue.nack(message, delay_s=0),
    "redrive": lambda queue, message: queue.redrive("c.dead"),
    "resume": lambda queue, message: queue.resume("c"),
    "dead letters": lambda queue, message: queue.nack(message),
}


@pytest.mark.parametrize("way", WAYS_BACK)
def test_what_comes_back_ends_the_wait_and_not_only_the_next_look(db, way, monkeypatch):
    queue, channel = db.queue, "c.dead" if way == "dead letters" else "c"
    queue.create_channel("c", attempts=1 if way in ("redrive", "dead letters") else 9, dead_letter="c.dead")
    queue.publish("c", 1)
    message = None
    if way == "resume":
        queue.pause("c")
    else:
        [message] = queue.claim("c")
    if way == "redrive":
        queue.nack(message)
    with queue.consume(channel, timeout_s=LONG_S) as consumer:
        asleep = waits_for_news_alone(monkeypatch)
        thread, came = in_thread(lambda: taken(consumer, 1))
        assert asleep.wait(LONG_S)
        WAYS_BACK[way](queue, message)
        thread.join(LONG_S / 2)
        assert came == [[1]]


def test_many_are_claimed_at_once_and_given_back(db):
    db.queue.publish_many("c", list(range(10)))
    with db.queue.consume("c", n=4, timeout_s=0) as consumer:
        assert taken(consumer, 5) == [0, 1, 2, 3, 4]
        assert db.queue.stats("c").claimed == 8
    assert db.queue.stats("c").claimed == 5
    assert [message.attempts for message in db.queue.claim("c", 10)] == [1] * 5
    consumer.close()
    assert list(consumer) == []


def test_what_is_claimed_ahead_keeps_its_lease_or_is_left_out(file, now):
    file.queue.publish_many("c", list(range(4)))
    consumer = file.queue.consume("c", n=4, lease_s=30, timeout_s=0)
    first = next(consumer)
    for _ in range(3):  # 33 s: beyond the lease that they were claimed with
        now.move(11)
        file.queue.extend(first)
        message = next(consumer)
        assert message.due_ns >= now.ns + 29 * 10**9
        file.queue.ack(message)
    consumer.close()
    file.queue.publish_many("c", [5, 6])
    consumer = file.queue.consume("c", n=2, timeout_s=0)
    next(consumer)
    now.move(100)
    [stolen] = [message for message in file.queue.claim("c", 9) if message.payload == 6]
    assert list(consumer) == []
    file.queue.ack(stolen)


def test_the_grace_after_a_lease_is_no_part_of_it(tmp_path, now):
    with neurograph.open(tmp_path / "q.ngdb", busy_timeout_s=7) as db:
        db.queue.publish("c", 1)
        (message,) = db.queue.claim("c", lease_s=30)
        now.move(10)
        assert lease_left_s(message, db.queue._session) == pytest.approx(20)


def test_stop_ends_a_wait_and_keeps_what_was_claimed(file):
    file.queue.publish_many("c", [1, 2])
    consumer = file.queue.consume("c", n=2, timeout_s=LONG_S)
    assert next(consumer).payload == 1
    consumer.stop()
    assert [message.payload for message in consumer] == [2]
    consumer = file.queue.consume("c", timeout_s=LONG_S)
    thread, came = in_thread(lambda: list(consumer))
    consumer.stop()
    thread.join()
    assert came == [[]]


@pytest.mark.parametrize(("end", "error"), [("close", Closed), ("interrupt", Interrupted)])
def test_closing_and_interrupting_end_it(tmp_path, end, error):
    db = neurograph.open(tmp_path / "q.ngdb")
    db.queue.publish("c", 1)
    consumer = db.queue.consume("c", timeout_s=LONG_S)
    next(consumer)
    thread, came = in_thread(lambda: next(consumer))
    while consumer._waiting is None or not thread.is_alive():
        time.sleep(0.001)
    getattr(db, end)()
    thread.join()
    assert came == [error]
    consumer.close()
    db.close()


def test_nobody_waits_in_a_transaction(db):
    consumer = db.queue.consume("c", timeout_s=0)
    with db.transaction(), pytest.raises(TransactionOpen, match="cannot wait for work"):
        next(consumer)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"channel": ""}, "channel"),
        ({"channel": []}, "channel must be a name, or at least one"),
        ({"channel": ["c", 1]}, "channel"),
        ({"channel": "c", "n": 0}, "n must"),
        ({"channel": "c", "lease_s": -1}, "lease_s"),
        ({"channel": "c", "timeout_s": float("nan")}, "timeout_s"),
    ],
)
def test_wrong_arguments_are_refused_before_the_first_step(db, arguments, what):
    with pytest.raises(InvalidValue, match=what):
        db.queue.consume(**arguments)


def test_many_consumers_get_each_message_once(file):
    count, seen, lock = 200, [], threading.Lock()
    consumers = [file.queue.consume("c", n=n, timeout_s=LONG_S) for n in (1, 1, 7)]

    def run(consumer: Consumer) -> None:
        for message in consumer:
            file.queue.ack(message)
            with lock:
                seen.append(message.payload)
                if len(seen) == count:
                    for other in consumers:
                        other.stop()

    threads = [threading.Thread(target=run, args=(consumer,)) for consumer in consumers]
    for thread in threads:
        thread.start()
    for n in range(0, count, 2):
        file.queue.publish("c", n)
        file.queue.publish_many("c", [n + 1])
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(count))


def test_who_need_not_wait_makes_nothing_for_it(db, monkeypatch):
    db.queue.publish_many("c", [1, 2])
    monkeypatch.setattr("neurograph.stores.consumer.Waiting", None)
    assert taken(db.queue.consume("c"), 2) == [1, 2]
    assert list(db.queue.consume("c", timeout_s=0)) == []
