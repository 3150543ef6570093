"""What triggers write: each type once for what happened, one event for a bulk call, nothing for what is off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurograph
from neurograph.errors import Conflict, RuleViolated
from neurograph.stores.bulk import bulk
from neurograph.stores.event_triggers import triggers_of


@pytest.fixture
def on(db):
    db.events.enable("*")
    return db


def told(db: neurograph.Database, after: int = 0) -> list[tuple[str, dict[str, Any]]]:
    return [(event.type, event.data) for event in db.events.read(after=after)]


def test_a_new_file_writes_of_the_constitution_and_feedback_only(db):
    written = [found.name for found in db.events.types() if found.by_triggers and found.enabled]
    assert written == ["cdna.updated", "feedback.given", "feedback.undone"]
    sql = "select name from sqlite_schema where type = 'trigger' and name glob 'event_*' and tbl_name not glob 'event*'"
    names = [name for (name,) in db.execute(f"{sql} order by name")]
    assert names == ["event_cdna_updated", "event_feedback_given", "event_feedback_undone"]
    cat = db.tokens.create("cat")
    db.connections.create(cat, db.tokens.create("dog"))
    db.queue.publish("c", 1)
    assert told(db) == []


def test_what_is_switched_off_again_leaves_no_trigger(db):
    everything = "select count(*) from sqlite_schema where type = 'trigger'"
    before = db.execute(everything).fetchall()
    names = db.events.enable("*")
    assert {found.name for found in db.events.types() if not found.enabled} == set()
    assert sum(len(triggers_of(name)) for name in names) == db.execute(everything).fetchall()[0][0] - before[0][0]
    assert all(triggers_of(name) for name in names)
    assert db.events.enable("*") == []
    for name in names:
        assert db.events.disable(name) == [name]
    assert db.execute(everything).fetchall() == before


def test_a_type_of_the_users_that_is_called_like_a_trigger_has_none(on):
    for name in ("queue", "token", "connection", "experience", "token_deleted", "token.deleted.displaced"):
        on.events.register(name)
        assert on.events.disable(name) == [name]
    assert on.check() == []
    on.events.disable("queue.*")
    on.events.enable("queue")
    assert "event_queue_done" not in {name for (name,) in on.execute("select name from sqlite_schema")}
    on.tokens.delete(on.tokens.create("cat"))
    assert told(on) == [("token.created", {"id": 1}), ("token.deleted", {"id": 1, "label": "cat"})]


def test_tokens_are_told_of(on):
    cat = on.tokens.create("cat")
    on.tokens.update(cat, weight=0.7)
    on.tokens.update(cat, label="tom", properties={"a": 1})
    on.execute("update token set modified_ns = modified_ns + 1")
    on.tokens.delete(cat)
    assert told(on) == [
        ("token.created", {"id": 1}),
        ("token.updated", {"id": 1}),
        ("token.updated", {"id": 1}),
        ("token.deleted", {"id": 1, "label": "tom"}),
    ]


def test_one_call_on_many_tokens_is_one_event(on):
    ids = on.tokens.create_many(count=100)
    few = on.tokens.create_many(["a", "b", "c"])
    on.tokens.create_many(["c", "d"], on_conflict="ignore")
    on.tokens.create_many(["b", "a", "e"], weight=[0.1, 0.2, 0.3], on_conflict="update")
    on.tokens.set_coordinates([ids[4], ids[2]], np.ones((2, 3)), level="physical")
    on.tokens.set_coordinates(ids, np.ones((100, 3)), level="physical")
    on.tokens.delete_many([few[0], ids[0], few[0]])
    on.tokens.create_many(count=0)
    on.tokens.delete_many([])
    on.tokens.clear()
    on.tokens.clear()
    assert told(on) == [
        ("token.created", {"first": 1, "last": 100, "count": 100}),
        ("token.created", {"first": 101, "last": 103, "count": 3}),
        ("token.created", {"first": 104, "last": 104, "count": 1}),
        ("token.created", {"first": 105, "last": 105, "count": 1}),
        ("token.updated", {"first": 101, "last": 102, "count": 2}),
        ("token.updated", {"first": 3, "last": 5, "count": 2}),
        ("token.updated", {"first": 1, "last": 100, "count": 100}),
        ("token.deleted", {"first": 1, "last": 101, "count": 2}),
        ("token.deleted", {"first": 2, "last": 105, "count": 103}),
    ]
    assert on.check() == []


def test_a_bulk_call_goes_without_triggers_though_types_are_on(on):
    for table in ("token", "connection", "edge"):
        with bulk(on._session, table) as work:
            assert work.fast
    on.execute("create trigger event_mine after insert on token begin select 1; end")
    with bulk(on._session, "token") as work:
        assert not work.fast
    on.tokens.create_many(count=100)
    assert told(on) == [("token.created", {"first": 1, "last": 100, "count": 100})]


def test_a_bulk_call_that_fails_leaves_the_switch_as_it_was(on):
    on.tokens.create("cat")
    with pytest.raises(Conflict):
        on.tokens.create_many(["dog", "cat"])
    with pytest.raises(RuleViolated):
        on.tokens.create_many(count=2, weight=[0.5, 1e9])
    on.begin()
    with pytest.raises(Conflict):
        on.tokens.create_many([*map(str, range(100)), "cat"])
    on.tokens.create("dog")
    on.commit()
    assert told(on) == [("token.created", {"id": 1}), ("token.created", {"id": on.tokens.get("dog").id})]


@pytest.mark.parametrize("recursive", [0, 1])
def test_a_token_that_is_displaced_is_told_of_once(on, recursive):
    on.execute(f"pragma recursive_triggers = {recursive}")
    on.tokens.create_many(["a", "b"])
    after = on.events.newest
    on.execute("insert or replace into token (label) values ('a')")
    gone = [("token.deleted", 1)]
    assert sorted((kind, data["id"]) for kind, data in told(on, after)) == [("token.created", 3), *gone]
    after = on.events.newest
    on.execute("update or replace token set label = 'b' where label = 'a'")
    assert sorted((kind, data["id"]) for kind, data in told(on, after)) == [("token.deleted", 2), ("token.updated", 3)]
    after = on.events.newest
    on.execute("insert or ignore into token (label) values ('b')")
    on.execute("delete from token where label = 'b'")
    assert told(on, after)[0][0] == "token.deleted"
    assert len(told(on, after)) == 1


def test_a_bulk_call_goes_on_where_somebody_dropped_the_triggers(on):
    on.execute("drop trigger event_token_created")
    on.tokens.create_many(count=3)
    on.tokens.create_many(count=100)
    assert [data["count"] for _, data in told(on)] == [3, 100]
    assert [found.invariant for found in on.check()] == ["event_type.triggers"]
    on.events.enable("token.created")
    assert on.check() == []


def test_connections_are_told_of(on):
    on.events.disable("token.*")
    ids = on.tokens.create_many(count=4)
    one = on.connections.create(ids[0], ids[1], type="cause", key="k")
    on.connections.activate(one, 3)
    on.connections.update(one, pull=0.25)
    on.connections.delete(one)
    on.connections.create(ids[1], ids[2], type="cause")
    on.tokens.delete(ids[1])
    place = {"id": 1, "source": 1, "type": 16, "target": 2, "key": "k"}
    assert told(on) == [
        ("connection.created", place),
        ("connection.activated", {"id": 1, "count": 3}),
        ("connection.updated", {"id": 1}),
        ("connection.deleted", place),
        ("connection.created", {"id": 2, "source": 2, "type": 16, "target": 3, "key": ""}),
        ("connection.deleted", {"id": 2, "source": 2, "type": 16, "target": 3, "key": ""}),
    ]


@pytest.mark.parametrize("n", [5, 600])
def test_one_call_on_many_connections_is_one_event(on, n):
    ids = on.tokens.create_many(count=n + 1)
    after = on.events.newest
    on.connections.create_many(ids[:-1], ids[1:], type="cause")
    with pytest.raises(Conflict):
        on.connections.create_many(ids[:1], ids[1:2], type="cause")
    on.connections.create(ids[1], ids[0], type="cause")
    assert told(on, after)[0][1] == {"first": 1, "last": n, "count": n}
    assert [kind for kind, _ in told(on, after)] == ["connection.created"] * 2


def test_the_queue_is_told_of(on):
    queue = on.queue
    queue.create_channel("work", attempts=2, backoff_ms=0, jitter=0, dead_letter="lost")
    queue.create_channel("kept", keep_ms=1000)
    queue.publish("work", 1)
    (message,) = queue.claim("work")
    queue.nack(message, "no", delay_s=0)
    (message,) = queue.claim("work")
    queue.nack(message, "never")
    queue.publish("kept", 2)
    (message,) = queue.claim("kept")
    queue.ack(message)
    queue.publish("work", 3)
    (message,) = queue.claim("work")
    queue.ack(message)
    queue.publish("work", 4)
    queue.cancel(4)
    queue.publish("work", 5)
    queue.claim("work")
    queue.remove_channel("work")
    assert told(on) == [
        ("queue.published", {"id": 1, "channel": "work"}),
        ("queue.claimed", {"id": 1, "channel": "work", "attempt": 1}),
        ("queue.failed", {"id": 1, "channel": "work", "attempt": 1, "error": "no"}),
        ("queue.claimed", {"id": 1, "channel": "work", "attempt": 2}),
        ("queue.failed", {"id": 1, "channel": "work", "attempt": 2, "error": "never"}),
        ("queue.dead", {"id": 1, "channel": "work"}),
        ("queue.published", {"id": 2, "channel": "kept"}),
        ("queue.claimed", {"id": 2, "channel": "kept", "attempt": 1}),
        ("queue.done", {"id": 2, "channel": "kept"}),
        ("queue.published", {"id": 3, "channel": "work"}),
        ("queue.claimed", {"id": 3, "channel": "work", "attempt": 1}),
        ("queue.done", {"id": 3, "channel": "work"}),
        ("queue.published", {"id": 4, "channel": "work"}),
        ("queue.dropped", {"id": 4, "channel": "work", "state": "ready"}),
        ("queue.published", {"id": 5, "channel": "work"}),
        ("queue.claimed", {"id": 5, "channel": "work", "attempt": 1}),
        ("queue.dropped", {"id": 5, "channel": None, "state": "claimed"}),
    ]


def test_what_goes_while_it_is_claimed_was_not_done(on, monkeypatch):
    now = [4_000_000_000 * 10**9]
    monkeypatch.setattr("neurograph.stores.queue.clock.now_ns", lambda: now[0])
    queue = on.queue
    queue.publish_many("work", [1, 2, 3])
    queue.claim("work", n=2)
    after = on.events.newest
    assert queue.purge("work") == 3
    assert sorted(told(on, after), key=lambda event: event[1]["id"]) == [
        ("queue.dropped", {"id": 1, "channel": "work", "state": "claimed"}),
        ("queue.dropped", {"id": 2, "channel": "work", "state": "claimed"}),
        ("queue.dropped", {"id": 3, "channel": "work", "state": "ready"}),
    ]
    queue.publish("work", 4, ttl_s=60)
    queue.claim("work", lease_s=1)
    now[0] += 100 * 10**9
    after = on.events.newest
    assert queue.sweep() == 1
    assert told(on, after) == [
        ("queue.failed", {"id": 4, "channel": "work", "attempt": 1, "error": "the lease ran out"}),
        ("queue.dropped", {"id": 4, "channel": "work", "state": "claimed"}),
    ]
    on.events.disable("queue.dropped")
    queue.publish("work", 5)
    queue.claim("work")
    after = on.events.newest
    assert queue.purge("work", "claimed") == 1
    assert told(on, after) == []
    on.events.disable("queue.done")
    on.events.enable("queue.dropped")
    queue.publish("work", 6)
    queue.claim("work")
    assert queue.purge("work") == 1
    assert told(on)[-1] == ("queue.dropped", {"id": 6, "channel": "work", "state": "claimed"})
    assert [found.name for found in on.events.types("queue.*") if not found.enabled] == ["queue.done"]


def test_a_reply_that_was_waited_for_is_done(on):
    with on.queue.work("sums", lambda message: sum(message.payload)):
        reply = on.queue.request("sums", [1, 2], timeout_s=30)
    assert [(kind, data) for kind, data in told(on) if data["id"] == reply.id] == [
        ("queue.published", {"id": reply.id, "channel": "sums.replies"}),
        ("queue.done", {"id": reply.id, "channel": "sums.replies"}),
    ]
    assert [found.name for found in on.events.types("queue.*") if not found.enabled] == []


def test_the_constitution_and_feedback_are_told_of(db):
    db.cdna.update(max_out_degree=500)
    db.library.create("pets", dimension=1).add([[1]], keys=["cat"])
    said = db.query([1]).feedback("positive")
    db.feedback.undo(said)
    assert told(db) == [
        ("cdna.updated", {"version": 2, "action": "update", "profile": "custom"}),
        ("feedback.given", {"id": said.id, "kind": "positive"}),
        ("feedback.undone", {"id": said.id, "kind": "positive"}),
    ]


def test_experience_is_told_of(on):
    done = on.experience.record([1] * 8)
    on.experience.appraise(done, {"goal": 0.5})
    on.experience.appraise(done, {"curiosity": 0.25}, final=True)
    assert told(on) == [
        ("experience.recorded", {"id": 1, "episode": 1, "step": 0}),
        ("experience.appraised", {"id": 1, "episode": 1, "reward": 0.75}),
    ]


def test_a_switch_is_part_of_the_transaction(db):
    db.begin()
    db.events.enable("token.*")
    db.tokens.create("cat")
    assert db.events.count() == 1
    db.rollback()
    db.tokens.create("cat")
    assert db.events.count() == 0
    assert not db.events.types("token.created")[0].enabled


def test_plain_sql_switches_a_type_whose_triggers_are_made(db):
    db.events.enable("token.created")
    db.execute("update event_type set enabled = 0 where name = 'token.created'")
    db.tokens.create("cat")
    db.execute("update event_type set enabled = 1 where name = 'token.created'")
    db.tokens.create("dog")
    assert told(db) == [("token.created", {"id": 2})]


def test_a_missing_or_changed_trigger_is_found(db):
    db.events.enable("token.deleted")
    db.execute("drop trigger event_token_deleted_displaced")
    assert [(found.invariant, found.row) for found in db.check()] == [
        ("event_type.triggers", "event_token_deleted_displaced")
    ]
    db.execute("create trigger event_token_deleted_displaced after delete on token begin select 1; end")
    assert [found.row for found in db.check()] == ["event_token_deleted_displaced"]
    db.events.disable("token.deleted")
    assert db.check() == []
