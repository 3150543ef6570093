"""Messages seen, cancelled, purged and swept without being claimed."""

from __future__ import annotations

from typing import Any

import pytest

import neurograph
from hand_clock import Clock
from neurograph import Database, Message
from neurograph.errors import InvalidValue


def one(db: Database, channel: str = "c", **options: Any) -> Message:
    (message,) = db.queue.claim(channel, **options)
    return message


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
