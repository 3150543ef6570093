"""Claiming and settling: leases, results, order, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import neurograph
from hand_clock import GRACE_S, Clock
from neurograph import Database, Message
from neurograph.connection.session import Session
from neurograph.errors import ChannelNotFound, InvalidValue, LeaseLost, MessageNotFound
from neurograph.stores import noting


def one(db: Database, channel: str = "c", **options: Any) -> Message:
    (message,) = db.queue.claim(channel, **options)
    return message


def test_a_claimed_message_is_nobody_elses(db: Database) -> None:
    db.queue.publish_many("c", [1, 2, 3])
    first, second = db.queue.claim("c", 2), db.queue.claim("c", 2)
    assert [[m.payload for m in batch] for batch in (first, second)] == [[1, 2], [3]]
    assert {m.state for m in first + second} == {"claimed"}
    assert db.queue.claim("c") == []


def test_a_channel_that_is_not_there_has_nothing_to_claim(db: Database) -> None:
    assert db.queue.claim("c") == []
    assert db.queue.peek("c") == []
    assert db.queue.channels() == []


def test_a_lease_that_ran_out_is_claimable_after_the_grace_and_counted(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", lease_ms=5000)
    db.queue.publish("c", 1)
    slow = one(db)
    now.move(5 + GRACE_S - 0.001)
    assert db.queue.claim("c") == []
    now.move(0.001)
    quick = one(db)
    assert (slow.attempts, quick.attempts, quick.id) == (1, 2, slow.id)
    assert [failure.error for failure in db.queue.failures(quick)] == ["the lease ran out"]
    for call in (db.queue.ack, db.queue.nack, db.queue.extend, db.queue.release):
        with pytest.raises(LeaseLost, match="message 1 must still be yours"):
            call(slow)
    db.queue.ack(quick)


def test_an_ack_after_the_lease_counts_if_nobody_took_it(db: Database, now: Clock) -> None:
    db.queue.publish("c", 1)
    message = one(db, lease_s=1)
    now.move(3600)
    db.queue.ack(message)
    with pytest.raises(LeaseLost):
        db.queue.ack(message)


def test_extending_keeps_a_message(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", lease_ms=5000)
    db.queue.publish("c", 1)
    message = one(db)
    for _ in range(5):
        now.move(4)
        message = db.queue.extend(message)
    assert message.due_ns == now.ns + round((5 + GRACE_S) * 1e9)
    assert db.queue.extend(message, 60).due_ns == now.ns + round((60 + GRACE_S) * 1e9)
    now.move(50)
    assert db.queue.claim("c") == []
    db.queue.ack(message)


def test_an_extended_lease_begins_when_the_file_can_be_written(
    db: Database, now: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.queue.publish("c", 1)
    message = one(db)
    real = Session.transaction

    def late(session: Session) -> Any:
        now.move(GRACE_S / 2)  # others write
        return real(session)

    monkeypatch.setattr(Session, "transaction", late)
    assert db.queue.extend(message, 60).due_ns == now.ns + round((60 + GRACE_S) * 1e9)


def test_releasing_gives_back_the_attempt_and_the_place(db: Database) -> None:
    db.queue.publish_many("c", [1, 2])
    db.queue.release(one(db))
    again = one(db)
    assert (again.payload, again.attempts) == (1, 1)
    assert db.queue.release_many([again, again]) == [again]


def test_a_result_is_kept_for_a_while(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", keep_ms=5000)
    db.queue.publish_many("c", [1, 2, 3])
    for result, message in zip(({"n": 2}, b"\x00", None), db.queue.claim("c", 3), strict=True):
        db.queue.ack(message, result)
    assert [db.queue.get(n).result for n in (1, 2, 3)] == [{"n": 2}, b"\x00", None]
    assert db.queue.stats("c").done == 3
    now.move(5)
    assert db.queue.stats("c").done == 0
    db.queue.claim("c")
    with pytest.raises(MessageNotFound, match="no message has the id 1; it was acked"):
        db.queue.get(1)


def test_a_result_needs_a_channel_that_keeps(db: Database) -> None:
    db.queue.publish("c", 1)
    db.queue.ack(one(db), "result")
    with pytest.raises(MessageNotFound):
        db.queue.get(1)


def test_many_are_acked_and_the_lost_told(db: Database, now: Clock) -> None:
    db.queue.create_channel("kept", keep_ms=1000)
    db.queue.publish_many("c", [1, 2])
    db.queue.publish("kept", 3)
    a, b, k = one(db, lease_s=1), one(db), one(db, "kept")
    now.move(1 + GRACE_S)
    again = one(db)
    assert again.id == a.id
    assert db.queue.ack_many([k, a, b]) == [a]
    assert db.queue.extend_many([again, b]) == [db.queue.extend(again), None]
    (told,) = db.queue.ack_many([a, again])  # one message, claimed twice: the first time is over
    assert told is a
    assert db.queue.ack_many([again]) == [again]
    assert db.queue.ack_many([]) == []
    assert db.queue.nack_many([b]) == [b]


def test_ageing_lets_old_messages_pass(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", ageing_ms=1000)
    db.queue.publish("c", "old", priority=50)
    now.move(10)
    db.queue.publish("c", "urgent by 9", priority=41)
    db.queue.publish("c", "urgent by 11", priority=39)
    assert [m.payload for m in db.queue.peek("c", 5)] == ["urgent by 11", "old", "urgent by 9"]
    db.queue.update_channel("c", ageing_ms=None)
    assert [m.payload for m in db.queue.peek("c", 5)] == ["urgent by 11", "urgent by 9", "old"]
    db.queue.update_channel("c", ageing_ms=100_000)
    assert [m.priority for m in db.queue.claim("c", 5)] == [39, 41, 50]


def test_a_paused_channel_takes_and_gives_nothing(db: Database) -> None:
    db.queue.create_channel("c", paused=True)
    db.queue.publish("c", 1)
    assert (db.queue.claim("c"), db.queue.stats("c").paused) == ([], True)
    db.queue.resume("c")
    assert one(db).payload == 1


def test_a_claim_undone_with_its_transaction_never_was(db: Database) -> None:
    db.queue.publish("c", 1)
    db.begin()
    message = one(db)
    db.queue.ack(message)
    db.rollback()
    with pytest.raises(LeaseLost):
        db.queue.ack(message)
    assert one(db).attempts == 1


def test_a_message_can_be_acked_in_another_process(db: Database) -> None:
    db.queue.publish("c", {"a": 1})
    message = pickle.loads(pickle.dumps(one(db)))
    assert repr(message) == "<Message 1 'c' claimed {\"a\":1}>"
    assert "<th>payload</th>" in message._repr_html_()
    with pytest.raises(AttributeError):
        message.payload = 5
    db.queue.ack(message)


@pytest.mark.parametrize("call", ["ack", "nack", "extend", "release"])
@pytest.mark.parametrize("wrong", ["peeked", 1, None])
def test_what_was_not_claimed_cannot_be_settled(db: Database, call: str, wrong: Any) -> None:
    db.queue.publish("c", 1)
    (peeked,) = db.queue.peek("c")
    given = peeked if wrong == "peeked" else wrong
    with pytest.raises(InvalidValue, match="message must be one that claim or extend returned"):
        getattr(db.queue, call)(given)
    with pytest.raises(InvalidValue, match="message must be one that claim or extend returned"):
        getattr(db.queue, f"{call}_many")([given])
    assert db.queue.get(1).state == "ready"


def test_bad_arguments_are_refused(db: Database) -> None:
    db.queue.publish("c", 1)
    queue = db.queue
    message = one(db)
    for call, said in [
        (lambda: queue.claim("c", 0), "n must be in"),
        (lambda: queue.claim("c", lease_s=-1), "lease_s must be in"),
        (lambda: queue.claim(""), "channel must be a string"),
        (lambda: queue.extend(message, float("nan")), "lease_s must be finite"),
        (lambda: queue.ack(message, {1}), "result must be what JSON can say"),
        (lambda: queue.nack(message, 5), "what went wrong must be an exception or a text"),  # type: ignore[arg-type]
        (lambda: queue.nack(message, delay_s=-1), "delay_s must be in"),
        (lambda: queue.peek("c", -1), "n must be in"),
        (lambda: queue.list("c", "lost"), "state must be None or one of"),
        (lambda: queue.list("c", n=-1), "n must be in"),
        (lambda: queue.purge("c", "lost"), "state must be None or one of"),
        (lambda: queue.dead("c", -1), "n must be in"),
        (lambda: queue.redrive("c", ["x"]), "message must be a whole number"),  # type: ignore[list-item]
        (lambda: queue.get(0), "message must be in"),
        (lambda: queue.failures("x"), "message must be a whole number"),  # type: ignore[arg-type]
        (lambda: queue.cancel(1.5), "message must be a whole number"),  # type: ignore[arg-type]
    ]:
        with pytest.raises(InvalidValue, match=said):
            call()  # type: ignore[no-untyped-call]
    queue.ack(message)


@pytest.mark.parametrize(
    "call", ["channel", "stats", "dead", "redrive", "list", "purge", "remove_channel", "pause", "resume"]
)
def test_a_channel_that_is_not_there_is_named(db: Database, call: str) -> None:
    db.queue.publish("tokens.created", 1)
    with pytest.raises(ChannelNotFound, match=r"'token\.created'; the closest are 'tokens\.created'"):
        getattr(db.queue, call)("token.created")


@pytest.mark.parametrize("payload", ["1" * 5000, "[" * 990 + "]" * 990], ids=["digits", "levels"])
def test_a_payload_that_python_can_not_read_is_named(
    db: Database, payload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.execute("insert into outbox (channel, payload) values ('c', ?)", [payload])
    message = one(db)
    if payload[0] == "[":  # how many levels fit depends on the stack of the day

        def overflowing(text: str) -> None:
            raise RecursionError

        monkeypatch.setattr("json.loads", overflowing)
    with pytest.raises(InvalidValue, match="payload of message 1 must be JSON that Python reads"):
        _ = message.payload


def test_a_publish_a_claim_and_an_ack_write_two_pages_each(tmp_path: Any) -> None:
    path = tmp_path / "q.ngdb"
    with neurograph.open(path, synchronous="off") as db:
        for n in range(noting.AFTER + 1):
            db.queue.publish("c", n)
        db.queue.ack(one(db))

        def pages(work: Any) -> float:
            db.execute("pragma wal_checkpoint(truncate)").fetchall()
            work()
            return max(0, path.with_name("q.ngdb-wal").stat().st_size - 32) / (8192 + 24)

        taken: list[Message] = []
        assert pages(lambda: db.queue.publish("c", 1)) == 2
        assert pages(lambda: taken.append(one(db))) == 2
        assert pages(lambda: db.queue.ack(taken[0])) == 2
        assert pages(lambda: db.queue.claim("d")) == 0
