"""The log of events: what is written when, that nobody rewrites it, and how it is read."""

from __future__ import annotations

import time

import pytest

import neurograph
from neurograph import Event
from neurograph.errors import Conflict, InvalidValue, RuleViolated, UnknownName
from neurograph.stores.events import writing

SECOND = 10**9


def happened(db: neurograph.Database, type: str = "*") -> list[tuple[str, dict[str, object]]]:
    return [(event.type, event.data) for event in db.events.read(type)]


@pytest.fixture
def clock(monkeypatch):
    now = [4_000_000_000 * SECOND]
    monkeypatch.setattr(writing, "now_ns", lambda: now[0])
    return now


def test_an_event_is_what_was_emitted(db):
    before = time.time_ns()
    number = db.events.emit("custom", {"n": 1, "é": [None, {"a": 0.5}]})
    (event,) = db.events.read()
    assert event == Event(number, "custom", event.created_ns, {"n": 1, "é": [None, {"a": 0.5}]})
    assert before <= event.created_ns <= time.time_ns()
    assert db.events.emit("custom") == 2
    assert next(db.events.read(order="newest")).data == {}


def test_an_event_is_part_of_the_transaction(db):
    db.events.enable("token.created")
    db.begin()
    db.tokens.create("cat")
    db.events.emit("custom")
    assert db.events.count() == 2
    db.rollback()
    assert db.events.count() == 0
    with db.transaction():
        db.events.emit("custom", {"n": 1})
        db.begin()
        db.events.emit("custom", {"n": 2})
        db.rollback()
    assert happened(db) == [("custom", {"n": 1})]


@pytest.mark.parametrize(
    "data", [{"a": float("nan")}, {1: 2}, {"a": object()}, [1], "a", {"a": "\ud800"}, {"a": [{1: 2}]}]
)
def test_data_that_json_cannot_say_is_refused(db, data):
    for call in (lambda: db.events.emit("custom", data), lambda: db.events.emit_many("custom", [{}, data])):
        with pytest.raises(InvalidValue, match=r"^data must "):
            call()
    assert db.events.count() == 0


def test_a_type_that_does_not_exist_is_refused_and_the_closest_named(db):
    for call in (
        db.events.emit,
        db.events.read,
        db.events.count,
        db.events.types,
        db.events.enable,
        db.events.subscribe,
    ):
        with pytest.raises(UnknownName, match=r"'token.craeted'; the closest are 'token.created'"):
            call("token.craeted")
    with pytest.raises(UnknownName):
        db.events.trim("token.craeted", keep=1)
    with pytest.raises(UnknownName):
        db.events.emit_many("token.craeted", [])


@pytest.mark.parametrize("name", ["", ".a", "a.", "a..b", "a*", "*.a", "a\x00", "\ud800", 7, None])
def test_what_is_no_name_is_refused(db, name):
    for call in (db.events.register, db.events.emit, db.events.read, db.events.types):
        with pytest.raises(InvalidValue, match="must be a name such as"):
            call(name)


def test_a_type_is_registered_once(db):
    made = db.events.register("order.paid", "money came")
    assert (made.id, made.enabled, made.by_triggers, made.trimmed) == (61441, True, False, 0)
    assert db.events.register("order.paid") == made
    assert db.events.register("order.paid", "it came").description == "it came"
    assert db.events.register("order").id == 61442
    assert [found.name for found in db.events.types("order.*")] == ["order.paid"]
    with pytest.raises(InvalidValue, match="description must be text"):
        db.events.register("order", "a\x00")


def test_the_original_codes_are_kept(db):
    codes = {found.name: found.id for found in db.events.types()}
    assert (codes["system.startup"], codes["cdna.updated"], codes["token.deleted"]) == (0x0001, 0x0010, 0x0101)
    assert (codes["connection.activated"], codes["action.failed"], codes["custom"]) == (0x0112, 0x0202, 0xF000)


def test_what_is_off_is_not_written(db):
    assert db.events.disable("custom") == ["custom"]
    assert db.events.emit("custom") is None
    assert db.events.emit_many("custom", [{}, {}]) == 0
    assert db.events.disable("custom") == []
    assert db.events.enable("custom") == ["custom"]
    assert db.events.emit("custom") == 1


def test_a_beginning_reads_what_begins_so(db):
    for name in ("order", "order.paid", "order.paid.late", "orders.paid", "order-x"):
        db.events.register(name)
        db.events.emit(name)
    assert [event.type for event in db.events.read("order.*")] == ["order.paid", "order.paid.late"]
    assert [event.type for event in db.events.read("order")] == ["order"]
    assert db.events.count("order.paid.*") == 1
    assert db.events.count("nothing.*") == 0


def test_reading_is_bounded_by_id_number_and_order(db):
    db.events.emit_many("custom", [{"n": number} for number in range(1, 3001)])
    assert [event.id for event in db.events.read()] == [*range(1, 3001)]
    assert [event.id for event in db.events.read(order="newest")] == [*range(3000, 0, -1)]
    assert [event.id for event in db.events.read(after=2500, limit=2)] == [2501, 2502]
    assert [event.id for event in db.events.read(after=2500, order="newest")] == [*range(3000, 2500, -1)]
    assert len([*db.events.read(limit=1000)]) == 1000
    assert len([*db.events.read(limit=2001, order="newest")]) == 2001
    assert [*db.events.read(limit=0)] == []
    for wrong in ({"limit": -1}, {"after": -1}, {"order": "random"}, {"since_ns": 1.5}, {"until_ns": -1}):
        with pytest.raises(InvalidValue):
            db.events.read(**wrong)


def test_reading_ends_where_it_began_to(db):
    db.events.emit_many("custom", [{}] * 3)
    events = db.events.read()
    db.events.emit("custom")
    assert [event.id for event in events] == [1, 2, 3]


def test_time_finds_its_place(db, clock):
    start = clock[0]
    for step in (0, 0, 5, 5, 5, 9):
        clock[0] = start + step
        db.events.emit("custom", {"step": step})
    for since in range(11):
        found = [event.data["step"] for event in db.events.read(since_ns=start + since)]
        assert found == [step for step in (0, 0, 5, 5, 5, 9) if step >= since]
        assert db.events.count(until_ns=start + since) == 6 - len(found)
        assert len([*db.events.read(since_ns=start + since, until_ns=start + since + 1)]) == found.count(since)


def test_times_do_not_fall_where_a_clock_is_set_back(db, clock):
    for step in (5, 3, 8, 1, 9):
        clock[0] = step * SECOND
        db.events.emit("custom", {"step": step})
    assert [event.created_ns // SECOND for event in db.events.read()] == [5, 5, 8, 8, 9]
    assert [event.data["step"] for event in db.events.read(since_ns=8 * SECOND)] == [8, 1, 9]


@pytest.mark.parametrize(
    "sql",
    [
        "update event set data = '{}'",
        "update event set created_ns = created_ns + 1",
        "update event set created_ns = 0 where id = 2",
        "update event set id = 9 where id = 2",
        "update event set rowid = 9 where id = 2",
        "update or replace event set id = 1 where id = 2",
        "update or ignore event set type_id = 1",
        "delete from event",
        "delete from event where id = 1",
        "insert or replace into event (id, type_id, data) values (1, 61440, '{\"x\": 1}')",
        "insert into event (id, type_id) values (1, 61440) on conflict (id) do update set data = '{}'",
        "insert into event (id, type_id) values (7, 61440)",
        "insert into event (type_id) values (7)",
        "insert into event_log (type) values ('nobody')",
        "insert or replace into event_type (id, name) values (61440, 'mine')",
        "insert or replace into event_type (name) values ('custom')",
        "insert into event_type (id, name) values (300, 'mine')",
        "insert into event_type (name, trimmed_to) values ('mine', 2)",
        "insert into event_type (name, by_triggers) values ('mine', 1)",
        "update event_type set name = 'mine' where name = 'custom'",
        "update event_type set id = 70000 where name = 'custom'",
        "update event_type set by_triggers = 1 where name = 'custom'",
        "update event_type set enabled = 1 where name = 'token.created'",
        "update event_type set trimmed_to = 3 where name = 'custom'",
        "update event_type set trimmed_to = 99 where name = 'token.created'",
        "delete from event_type where name = 'action.failed'",
    ],
)
@pytest.mark.parametrize("pragmas", [(0, 0), (1, 1)], ids=["plain", "strict"])
def test_nobody_rewrites_the_log(db, sql, pragmas):
    db.events.emit_many("custom", [{"n": number} for number in range(3)])
    before = [*db.events.read()], db.events.types()
    db.execute(f"pragma foreign_keys = {pragmas[0]}")
    db.execute(f"pragma recursive_triggers = {pragmas[1]}")
    with pytest.raises(RuleViolated):
        db.execute(sql)
    assert ([*db.events.read()], db.events.types()) == before


@pytest.mark.parametrize(
    "sql",
    [
        "insert into event (type_id, data) values (61440, '[1]')",
        "insert into event (type_id, data) values (61440, '{')",
        "insert into event (id, type_id) values (0, 61440)",
        "insert into event_type (name) values ('a..b')",
        "insert into event_type (name) values ('a*')",
        "insert into event_type (name) values ('')",
    ],
)
def test_what_can_never_be_is_refused_by_the_table(db, sql):
    with pytest.raises(Exception, match="CHECK constraint failed"):
        db.execute(sql)


def test_trimmed_to_may_not_fall(db):
    db.events.emit_many("custom", [{}] * 5)
    db.execute("update event_type set trimmed_to = 3 where name = 'custom'")
    with pytest.raises(RuleViolated, match="must not fall"):
        db.execute("update event_type set trimmed_to = 2 where name = 'custom'")
    assert [event.id for event in db.events.read()] == [4, 5]
    assert db.events.types("custom")[0].trimmed == 3


def test_ids_go_on_after_a_trim_and_a_new_opening(tmp_path):
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        db.events.emit_many("custom", [{}] * 5)
        assert db.events.trim(keep=0) == 4
    with neurograph.open(path) as db:
        assert db.events.emit("custom") == 6
        assert [event.id for event in db.events.read()] == [5, 6]
        assert db.check() == []


def test_a_name_that_a_trigger_needs_is_not_taken_from_its_owner(db):
    db.execute("create trigger event_token_created after insert on token begin select 1; end")
    with pytest.raises(Conflict, match="'event_token_created', which a trigger has"):
        db.events.enable("token.created")
    assert db.events.types("token.created")[0].enabled is False
    db.execute("drop trigger event_token_created")


def test_a_reader_emits_nothing(tmp_path):
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        db.events.emit("custom", {"n": 1})
        with db.reader() as reader:
            assert happened(reader) == [("custom", {"n": 1})]
            with pytest.raises(neurograph.errors.ReadOnlyDatabase):
                reader.events.emit("custom")


def test_a_handle_that_is_closed_or_only_reads_says_so(tmp_path):
    path = tmp_path / "mind.ngdb"
    db = neurograph.open(path)
    db.close()
    calls = (
        db.events.read,
        db.events.count,
        db.events.types,
        db.events.subscribe,
        lambda: db.events.emit("custom"),
        lambda: db.events.emit_many("custom", []),
        lambda: db.experience.sample(1),
        lambda: db.experience.record_many([]),
    )
    for call in calls:
        with pytest.raises(neurograph.errors.Closed):
            call()
    with neurograph.open(path, mode="r") as reader:
        for call in (lambda: reader.events.enable("*"), lambda: reader.events.register("a.b")):
            with pytest.raises(neurograph.errors.ReadOnlyDatabase):
                call()
