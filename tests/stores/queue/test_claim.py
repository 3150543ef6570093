"""Claiming and settling: leases, attempts, back-off, dead letters and the way back."""

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


def test_a_failed_message_waits_longer_each_time(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", attempts=5, backoff_ms=1000, backoff_most_ms=3000, jitter=0)
    db.queue.publish("c", 1)
    for attempt, wait_s in enumerate((1, 2, 3, 3), 1):
        message = one(db)
        assert message.attempts == attempt
        db.queue.nack(message, f"failure {attempt}")
        now.move(wait_s - 0.001)
        assert db.queue.claim("c") == []
        now.move(0.001)
    db.queue.nack(one(db), "the last")
    assert db.queue.get(1).state == "dead"
    assert [f.error for f in db.queue.failures(1)] == [*(f"failure {n}" for n in range(1, 5)), "the last"]


def test_jitter_takes_a_share_off_a_fixed_wait(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", backoff="fixed", backoff_ms=1000, jitter=0.5, attempts=100)
    db.queue.publish_many("c", [1] * 50)
    assert db.queue.nack_many(db.queue.claim("c", 50)) == []
    waits = [(message.due_ns or 0) - now.ns for message in db.queue.list("c", "delayed")]
    assert len(set(waits)) > 40
    assert all(5e8 <= wait <= 1e9 for wait in waits)


def test_a_wait_can_be_given(db: Database, now: Clock) -> None:
    db.queue.publish("c", 1)
    db.queue.nack(one(db), delay_s=0)
    assert one(db).attempts == 2


def test_a_failure_keeps_the_exception_and_its_trace(db: Database) -> None:
    db.queue.publish("c", 1)
    message = one(db)
    try:
        raise ValueError("no \x00 even \ud800")
    except ValueError as error:
        db.queue.nack(message, error)
    (failure,) = db.queue.failures(message)
    assert failure.error == "ValueError: no � even ?"
    assert "test_a_failure_keeps" in (failure.trace or "")
    assert pickle.loads(pickle.dumps(failure)) == failure


def test_the_dead_move_with_origin_error_trace_and_time_and_come_back(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter="dlq", capacity=1, ttl_ms=60_000)
    db.queue.publish("c", {"n": 1}, priority=7, key="k")
    db.queue.nack(one(db), "no file", trace="line 1")
    (dead,) = db.queue.dead("dlq")
    assert (dead.id, dead.channel, dead.origin, dead.attempts, dead.expires_ns) == (1, "dlq", "c", 0, None)
    assert db.queue.failures(dead)[0] == (1, "no file", "line 1", now.ns)
    assert (db.queue.stats("c").ready, db.queue.stats("dlq").ready) == (0, 1)
    db.queue.publish("c", {"n": 2})  # its place is free
    assert db.queue.redrive("dlq") == 1
    assert db.queue.redrive("dlq") == 0
    back = one(db)
    assert (back.id, back.attempts, back.origin, back.priority, back.expires_ns) == (1, 1, None, 7, now.ns + 60 * 10**9)
    assert db.queue.publish("c", 1, key="k").duplicate


def test_the_dead_stay_where_no_channel_takes_them(db: Database) -> None:
    db.queue.create_channel("c", attempts=1)
    db.queue.publish_many("c", [1, 2, 3])
    db.queue.nack_many(db.queue.claim("c", 3))
    assert db.queue.claim("c") == []
    assert db.queue.stats("c").dead == 3
    assert db.queue.redrive("c", [3, 99], n=5) == 1
    assert db.queue.redrive("c", n=1) == 1
    assert [message.payload for message in db.queue.claim("c", 5)] == [1, 3]
    assert [message.payload for message in db.queue.dead("c")] == [2]


def test_a_dead_letter_that_dies_again_goes_nowhere_else(db: Database) -> None:
    db.queue.create_channel("a", attempts=1, dead_letter="b")
    db.queue.update_channel("b", attempts=1, dead_letter="a")
    db.queue.publish("a", 1)
    db.queue.nack(one(db, "a"), "first")
    db.queue.nack(one(db, "b"), "second")
    (dead,) = db.queue.dead("b")
    assert (dead.state, dead.origin) == ("dead", "a")
    assert [failure.error for failure in db.queue.failures(dead)] == ["first", "second"]
    assert db.queue.redrive("b") == 1
    assert one(db, "a").payload == 1


def test_a_lease_that_runs_out_on_the_last_attempt_kills(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", attempts=2, lease_ms=1000, dead_letter="dlq")
    db.queue.publish("c", 1)
    for _ in range(2):
        one(db)
        now.move(1 + GRACE_S)
    assert db.queue.claim("c") == []
    assert [message.origin for message in db.queue.dead("dlq")] == ["c"]


def test_a_dead_letter_outlives_the_channel_it_came_from(db: Database) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter="dlq")
    db.queue.publish("c", 1)
    db.queue.nack(one(db))
    assert db.queue.remove_channel("c") == 0
    assert [message.origin for message in db.queue.dead("dlq")] == [None]
    assert db.queue.redrive("dlq") == 1
    assert db.queue.dead("dlq") == []
    assert one(db, "dlq").payload == 1


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


def test_what_publish_returned_stands_for_the_message(db: Database) -> None:
    db.queue.create_channel("small", capacity=1, attempts=1, when_full="evict_lowest")
    published = db.queue.publish("small", "x")
    dropped = db.queue.publish("small", "y", priority="LOW")
    assert db.queue.get(published).payload == "x"
    db.queue.nack(db.queue.claim("small")[0], "no")
    assert [failure.error for failure in db.queue.failures(published)] == ["no"]
    assert db.queue.redrive("small", [published]) == 1
    assert [db.queue.cancel(published), db.queue.cancel(published)] == [True, False]
    for refused in (db.queue.get, db.queue.cancel, db.queue.failures, lambda one: db.queue.redrive("small", [one])):
        with pytest.raises(InvalidValue, match="message must have been stored, got one that the full channel dropped"):
            refused(dropped)


def test_cancel_is_too_late_once_somebody_works_on_it(db: Database) -> None:
    ids = [p.id for p in db.queue.publish_many("c", [1, 2])]
    one(db)
    assert [db.queue.cancel(number) for number in ids if number] == [False, True]
    assert not db.queue.cancel(99)


def test_purge_takes_all_or_a_state(db: Database) -> None:
    db.queue.create_channel("c", capacity=9999)
    db.queue.publish_many("c", [0] * 5000)
    db.queue.publish("d", 1)
    db.queue.claim("c", 10)
    assert db.queue.purge("c", "ready") == 4990
    assert db.queue.purge("c") == 10
    assert db.queue.stats("d").ready == 1


def test_a_snapshot_sees_one_state(db: Database, tmp_path: Any) -> None:
    with neurograph.open(tmp_path / "q.ngdb") as file, neurograph.open(tmp_path / "q.ngdb") as other:
        file.queue.publish("c", 1)
        with other.snapshot():
            file.queue.publish("c", 2)
            assert other.queue.stats("c").ready == 1
            with pytest.raises(neurograph.errors.ReadOnlyDatabase):
                other.queue.claim("c")
        assert len(other.queue.claim("c", 5)) == 2


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


def test_an_exception_without_words_is_a_failure_all_the_same(db: Database) -> None:
    class SilentError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    db.queue.publish("c", 1)
    db.queue.nack(one(db), SilentError(), delay_s=0)
    assert db.queue.failures(1)[0].error == "SilentError: (its text can't be had: RuntimeError)"
    assert one(db).attempts == 2


def dies(db: Database, payload: Any, key: str) -> None:
    db.queue.publish("c", payload, key=key)
    db.queue.nack(one(db), "no")


@pytest.mark.parametrize("dead_letter", ["d", None])
def test_a_dead_letter_stays_while_a_newer_message_has_its_key(db: Database, dead_letter: str | None) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter=dead_letter)
    dies(db, 1, "k")
    db.queue.publish("c", 2, key="k")
    assert db.queue.redrive(dead_letter or "c") == 0
    db.queue.ack(one(db))
    assert db.queue.redrive(dead_letter or "c") == 1
    assert db.queue.publish("c", 3, key="k") == (1, True, 0)
    assert one(db).payload == 1


@pytest.mark.parametrize("dead_letter", ["d", None])
def test_a_dead_letter_that_stays_takes_no_others_place(db: Database, dead_letter: str | None) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter=dead_letter)
    for payload, key in [(1, "k"), (2, "l"), (3, "l"), (4, "m"), (5, "n")]:
        dies(db, payload, key)
    db.queue.publish("c", 6, key="k")
    assert db.queue.redrive(dead_letter or "c", n=2) == 2
    assert [message.payload for message in db.queue.claim("c", 9)] == [2, 4, 6]
    assert db.queue.redrive(dead_letter or "c", n=9) == 1
    assert [message.payload for message in db.queue.dead(dead_letter or "c")] == [1, 3]


def test_of_two_dead_letters_with_a_key_one_comes_back_at_a_time(db: Database) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter="d")
    dies(db, 1, "k")
    dies(db, 2, "k")
    assert [(m.payload, m.key) for m in db.queue.dead("d")] == [(1, "k"), (2, "k")]
    assert [db.queue.redrive("d"), db.queue.redrive("d")] == [1, 0]
    db.queue.ack(one(db))
    assert db.queue.redrive("d") == 1


def test_a_key_is_kept_by_the_channel_and_not_by_its_dead_letters(db: Database) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter="d")
    dies(db, 1, "k")
    assert not db.queue.publish("d", 2, key="k").duplicate
    assert db.queue.publish("d", 2, key="k").duplicate


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


def of_every_state(db: Database) -> None:
    """Fill two channels with messages in every state, one of them far behind the others."""
    for channel in "cd":
        db.queue.create_channel(channel, keep_ms=1000, attempts=1)
        db.queue.publish_many(channel, list(range(9)), ttl_s=5)
        db.queue.publish_many(channel, list(range(9, 12)))
        db.queue.publish_many(channel, list(range(12, 15)), delay_s=9)
        claimed = db.queue.claim(channel, 6)
        db.queue.ack_many(claimed[:2])
        db.queue.nack_many(claimed[2:4])
        db.execute(
            "insert into message (id, channel_id, payload) select (select max(id) + 20000 from message), id, '99' "
            "from channel where name = ?",
            [channel],
        )


@pytest.mark.parametrize("state", [None, "ready", "delayed", "claimed", "done", "dead"])
def test_a_list_has_each_message_of_its_channel_once(db: Database, state: str | None) -> None:
    of_every_state(db)
    rows = db.execute("select id from message where channel_id = 1 and state = coalesce(?, state) order by id", [state])
    ids = [row[0] for row in rows]
    assert ids
    assert [message.id for message in db.queue.list("c", state, None)] == ids
    pages = [db.queue.list("c", state, 2)]
    while pages[-1]:
        pages.append(db.queue.list("c", state, 2, after=pages[-1][-1]))
    assert [message.id for page in pages for message in page] == ids


@pytest.mark.parametrize("state", [None, "ready", "delayed", "claimed", "done", "dead"])
def test_purging_takes_each_message_of_its_channel_once(
    db: Database, state: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neurograph.stores.queue.looking.PURGED_AT_ONCE", 3)
    of_every_state(db)
    before = len(db.queue.list("c", state, None))
    assert db.queue.purge("c", state) == before
    assert db.queue.list("c", state) == []
    assert len(db.queue.list("d", n=None)) == 16


def test_a_removed_channel_takes_its_messages_of_every_state(db: Database) -> None:
    of_every_state(db)
    assert db.queue.remove_channel("c") == 16
    assert db.execute("select distinct channel_id from message").fetchall() == [(2,)]


def test_a_sweep_does_what_is_due_in_channels_where_nobody_claims(db: Database, now: Clock) -> None:
    of_every_state(db)
    assert db.queue.sweep() == 0
    now.move(10)
    assert db.queue.sweep() == 2 * (3 + 3 + 2)  # expired, delayed, done
    assert db.queue.sweep() == 0
    assert db.execute("select state, count(*) from message where channel_id = 1 group by 1 order by 1").fetchall() == [
        ("claimed", 2),
        ("dead", 2),
        ("ready", 7),
    ]
    now.move(3600)
    assert db.queue.sweep() == 4
    assert db.queue.stats("d").dead == 4


def test_a_sweep_forgets_keys_whose_time_is_over(db: Database, now: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurograph.stores.queue.due.AT_ONCE", 3)
    db.queue.create_channel("c", dedup_ms=1000)
    db.queue.publish_many("c", list(range(20)), key=[str(n) for n in range(20)])
    db.queue.ack_many(db.queue.claim("c", 19))
    db.queue.sweep()
    assert db.execute("select count(*) from message_key").fetchone() == (20,)
    now.move(1)
    assert db.queue.sweep() == 0
    assert db.execute("select count(*) from message_key").fetchone() == (1,)


def test_publishing_with_a_key_forgets_others_bit_by_bit(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", dedup_ms=1000)
    db.queue.publish_many("c", list(range(20)), key=[str(n) for n in range(20)])
    db.queue.ack_many(db.queue.claim("c", 20))
    now.move(1)
    db.queue.publish("c", 1, key="another")
    assert db.execute("select count(*) from message_key").fetchone() == (13,)
    assert not db.queue.publish("c", 1, key="19").duplicate


def test_optimizing_does_what_is_due(db: Database, now: Clock) -> None:
    db.queue.publish_many("c", [1, 2], ttl_s=1)
    now.move(2)
    db.optimize()
    assert db.execute("select count(*) from message").fetchone() == (0,)
    assert db.queue.stats("c").expired == 2


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
