"""What a channel holds, counted by its stats as by hand, whatever time has done to its messages meanwhile."""

from __future__ import annotations

from itertools import product

import pytest

import neurograph
from hand_clock import START_NS, Clock
from neurograph import ChannelStats, Database

CHANNELS = {"c": 2, "d": 3}  # attempts
S = 1_000_000_000


def counted(db: Database, name: str, now: int) -> ChannelStats:
    """Look at the messages of a channel one by one."""
    rows = db.execute(
        "select state, due_ns, expires_ns, attempts, published_ns from message "
        "where channel_id = (select id from channel where name = ?)",
        [name],
    ).fetchall()
    found = dict.fromkeys(("ready", "delayed", "claimed", "done", "dead", "expired"), 0)
    oldest = []
    for state, due, expires, attempts, published in rows:
        due_now = due is not None and due <= now
        late = expires is not None and expires <= now
        if state == "done" and due_now:
            continue
        if state == "claimed" and due_now and attempts >= CHANNELS[name]:
            found["dead"] += 1
        elif state == "dead" or not due_now:
            found[state] += 1
            oldest += [published] if state == "ready" else []
        elif state != "done" and (late or state == "ready"):
            found["expired"] += 1
        else:
            found["ready"] += 1
            oldest.append(published)
    return ChannelStats(channel=name, evicted=0, oldest_ns=min(oldest, default=None), paused=name == "d", **found)


@pytest.fixture
def db(now: Clock) -> Database:
    db = neurograph.open(":memory:")
    for name, attempts in CHANNELS.items():
        db.queue.create_channel(name, attempts=attempts, paused=name == "d")
    times = (now.ns - S, now.ns, now.ns + S)
    cases = product(("ready", "delayed", "claimed", "done", "dead"), (None, *times), (None, *times), (1, 2), CHANNELS)
    for number, (state, due, expires, attempts, name) in enumerate(cases):
        if due is None and state not in ("ready", "dead"):
            continue
        db.execute(
            "insert into message (channel_id, payload, state, due_ns, expires_ns, attempts, published_ns, claim) "
            "select id, 'null', ?, ?, ?, ?, ?, ? from channel where name = ?",
            [state, due, expires, attempts, now.ns - 9 * S - number, 7 if state == "claimed" else None, name],
        )
    return db


@pytest.mark.parametrize("state", ["", "ready", "delayed", "claimed", "done", "dead"])
def test_stats_count_messages_as_time_has_made_them(db: Database, state: str) -> None:
    if state:
        db.execute("delete from message where state <> ?", [state])
    now = START_NS
    wanted = [counted(db, name, now) for name in CHANNELS]
    assert db.queue.stats_of_all() == wanted
    assert [db.queue.stats(name) for name in CHANNELS] == wanted
    if not state:
        assert all(figure for name in CHANNELS for figure in db.queue.stats(name)[:6])


@pytest.mark.parametrize("state", ["ready", "delayed", "claimed", "done", "dead"])
def test_the_oldest_of_all_is_told_only_where_it_is_ready(db: Database, state: str) -> None:
    now = START_NS
    newest = "select max(id) from message where channel_id = 1 and state = ?"
    ((id,),) = db.execute(f"update message set published_ns = 1 where id = ({newest}) returning id", [state])
    assert id
    assert db.queue.stats("c").oldest_ns == counted(db, "c", now).oldest_ns


def test_messages_are_counted_as_pending_only_where_there_is_a_capacity(db: Database) -> None:
    db.execute("delete from message where state = 'claimed'")
    db.queue.resume("d")
    db.queue.ack_many(db.queue.claim("d", 2))
    db.queue.nack_many(db.queue.claim("d", 2), "no")
    assert db.execute("select distinct pending from channel").fetchall() == [(0,)]
    db.queue.update_channel("d", capacity=1000)
    ((pending, there),) = db.execute(
        "select pending, (select count(*) from message where channel_id = 2 and state not in ('done', 'dead')) "
        "from channel where id = 2"
    )
    assert pending == there > 0
