"""Events as they come: in order, after the commit, from every process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurograph
from neurograph import Event
from neurograph.errors import ChangesForgotten, Closed, Interrupted, InvalidValue, TransactionOpen
from processes import Held


def numbers(events: Iterator[Event]) -> list[object]:
    return [event.data["n"] for event in events]


def test_what_was_committed_since_is_told_in_order(db):
    db.events.emit("custom", {"n": 0})
    events = db.events.subscribe(timeout_s=0)
    db.events.emit_many("custom", [{"n": number} for number in range(1, 2501)])
    assert numbers(events) == [*range(1, 2501)]
    assert numbers(db.events.subscribe(after=0, timeout_s=0)) == [*range(2501)]
    assert numbers(db.events.subscribe(after=2499, timeout_s=0)) == [2499, 2500]


def test_an_event_that_the_file_has_not_reached_is_refused(db):
    db.events.emit_many("custom", [{"n": 1}, {"n": 2}])
    newest = db.events.newest
    rule = f"after must be at most {newest}, the newest there is, got {newest + 1}, .* older copy; read what is there"
    with pytest.raises(InvalidValue, match=rule):
        db.events.subscribe(after=newest + 1)
    assert numbers(db.events.subscribe(after=newest, timeout_s=0)) == []


def test_types_and_conditions_narrow_it(db):
    for name in ("order.paid", "order.lost"):
        db.events.register(name)
    subscriptions = [
        db.events.subscribe("order.*", timeout_s=0),
        db.events.subscribe("order.paid", where={"n": {"$gt": 1}}, timeout_s=0),
        db.events.subscribe("custom", timeout_s=0),
    ]
    for number, name in enumerate(("order.paid", "custom", "order.lost", "order.paid")):
        db.events.emit(name, {"n": number})
    db.events.register("order.new")
    db.events.emit("order.new", {"n": 4})
    assert [numbers(events) for events in subscriptions] == [[0, 2, 3, 4], [3], [1]]


def test_what_is_not_committed_is_not_told(db):
    with db.transaction():
        db.events.emit("custom", {"n": 1})
        assert numbers(db.events.subscribe(after=0, timeout_s=0)) == []
    assert numbers(db.events.subscribe(after=0, timeout_s=0)) == [1]
    db.begin()
    db.events.emit("custom", {"n": 2})
    db.rollback()
    assert numbers(db.events.subscribe(after=0, timeout_s=0)) == [1]


def test_what_comes_after_a_transaction_that_was_undone_is_told(db):
    db.begin()
    db.events.emit_many("custom", [{"n": 1}, {"n": 2}])
    events = db.events.subscribe("custom", timeout_s=0)
    db.rollback()
    db.events.emit_many("custom", [{"n": 3}, {"n": 4}, {"n": 5}])
    assert numbers(events) == [3, 4, 5]


def test_a_transaction_that_is_committed_later_is_told_whole(db):
    db.events.emit("custom", {"n": 0})
    with db.transaction():
        db.events.emit("custom", {"n": 1})
        events = db.events.subscribe("custom", timeout_s=0)
        db.events.emit("custom", {"n": 2})
    assert numbers(events) == [1, 2]


def test_the_loop_may_write(db):
    seen = []
    for event in db.events.subscribe(after=0, timeout_s=0) if db.events.emit("custom", {"n": 0}) else ():
        seen.append(event.data["n"])
        if event.data["n"] < 3:
            db.events.emit("custom", {"n": event.data["n"] + 1})
    assert seen == [0, 1, 2, 3]


def test_a_thread_and_another_process_are_heard(tmp_path: Path):
    path = tmp_path / "mind.ngdb"
    code = """
        import sys, neurograph
        with neurograph.open(sys.argv[1], synchronous="normal") as db:
            hold()
            for n in range(200):
                with db.transaction():
                    db.tokens.create()
                    db.events.emit("custom", {"n": n})
        """
    with neurograph.open(path) as db:
        db.events.enable("token.created")
        with Held(code, path) as other:
            thread = threading.Thread(target=other.release)
            thread.start()
            told = []
            for event in db.events.subscribe("*", after=0, timeout_s=30):
                told.append(event)
                if event.data.get("n") == 199:
                    break
            thread.join()
    assert [event.type for event in told] == ["token.created", "custom"] * 200
    assert [event.id for event in told] == [*range(1, 401)]


def test_who_is_too_far_behind_is_told_so(db):
    db.events.register("order.paid")
    db.events.emit_many("custom", [{"n": number} for number in range(10)])
    db.events.emit_many("order.paid", [{"n": number} for number in range(10)])
    events = db.events.subscribe("custom", after=2, timeout_s=0)
    assert next(events).id == 3
    db.events.trim("custom", keep=2)
    with pytest.raises(ChangesForgotten, match="after must be at least 8, up to which events were trimmed, got 2"):
        numbers(db.events.subscribe("custom", after=2, timeout_s=0))
    assert numbers(db.events.subscribe("custom", after=8, timeout_s=0)) == [8, 9]
    assert numbers(db.events.subscribe("order.*", after=2, timeout_s=0)) == [*range(10)]
    assert len(numbers(events)) == 7  # those of a page that was read before they went


def test_who_has_handled_all_that_was_trimmed_goes_on(db):
    db.events.register("order.paid")
    db.events.emit_many("order.paid", [{}] * 5)
    db.events.emit_many("custom", [{}] * 10)
    assert db.events.trim(before=12) == 11
    db.events.emit("order.paid", {"n": 1})
    assert numbers(db.events.subscribe("order.paid", after=5, timeout_s=0)) == [1]
    with pytest.raises(ChangesForgotten, match="after must be at least 5"):
        next(db.events.subscribe("order.paid", after=4, timeout_s=0))


@pytest.mark.parametrize(("end", "error"), [("close", Closed), ("interrupt", Interrupted)])
def test_closing_and_interrupting_end_the_wait(tmp_path, end, error):
    db = neurograph.open(tmp_path / "mind.ngdb")
    begun, raised = threading.Event(), []

    def wait(events: Iterator[Event]) -> None:
        try:
            for _ in events:
                begun.set()
        except BaseException as error:
            raised.append(error)

    db.events.emit("custom")
    thread = threading.Thread(target=wait, args=(db.events.subscribe(after=0),))
    thread.start()
    assert begun.wait(30)
    getattr(db, end)()
    thread.join(30)
    assert [type(found) for found in raised] == [error]
    db.close()


def test_in_memory_a_transaction_is_in_the_way():
    with neurograph.open(":memory:") as db:
        db.events.emit("custom", {"n": 1})
        events = db.events.subscribe(after=0, timeout_s=0)
        assert next(events).data == {"n": 1}
        with db.transaction(), pytest.raises(TransactionOpen):
            next(events)


@pytest.mark.parametrize("wrong", [{"after": -1}, {"after": "a"}, {"timeout_s": -1}, {"timeout_s": "a"}])
def test_an_argument_that_breaks_its_rule_is_refused_at_once(db, wrong):
    with pytest.raises(InvalidValue):
        db.events.subscribe(**wrong)
