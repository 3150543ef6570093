"""Recurring messages: each time has one message, whoever looks, whenever, and whatever the clocks of a country do."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from random import Random

import pytest

import neurograph
from hand_clock import START_NS
from neurograph import Database, Message
from processes import python

HOUR_S, MINUTE_S = 3600, 60


def ns(text: str) -> int:
    """Return a moment given in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def said(moments: list[int]) -> list[str]:
    return [datetime.fromtimestamp(moment // 10**9, UTC).strftime("%d %H:%M") for moment in moments]


def taken(db: Database, channel: str = "c") -> list[Message]:
    messages = db.queue.claim(channel, 99)
    assert db.queue.ack_many(messages) == []
    return messages


# --- when -------------------------------------------------------------------------------------------------------------


def test_nothing_comes_before_its_time_and_one_message_at_it(db, now):
    made = db.queue.every("tick", "*/5 * * * *", "c", {"n": 1}, headers={"trace": "t"})
    assert made == db.queue.recurring("c")[0]
    assert (made.next_ns, made.last_ns, made.created_ns) == (ns("2023-11-14 22:15"), None, START_NS)
    now.ns = made.next_ns - 1
    assert taken(db) == []
    now.ns += 1
    [message] = taken(db)
    assert (message.payload, message.published_ns) == ({"n": 1}, made.next_ns)
    assert message.headers == {"trace": "t", "recurring": "tick", "scheduled_ns": made.next_ns}
    assert taken(db) == []
    [after] = db.queue.recurring()
    assert (after.next_ns, after.last_ns) == (ns("2023-11-14 22:20"), made.next_ns)


def test_what_was_missed_is_one_message_with_the_first_time_missed(db, now):
    first = db.queue.every("tick", "* * * * *", "c", 1).next_ns
    now.move(10 * HOUR_S + 7)
    [message] = taken(db)
    assert message.headers["scheduled_ns"] == first
    assert message.published_ns == now.ns
    assert db.queue.recurring()[0].next_ns == now.ns - now.ns % (60 * 10**9) + 60 * 10**9
    now.move(MINUTE_S)
    assert len(taken(db)) == 1


def test_each_has_its_times_and_its_channel(db, now):
    db.queue.every("minute", "* * * * *", "c", "minute")
    db.queue.every("hour", "0 * * * *", "c", "hour", priority="high")
    db.queue.every("other", "* * * * *", "d", "other")
    now.ns = ns("2023-11-14 23:00")
    assert [message.payload for message in taken(db)] == ["hour", "minute"]
    assert [message.payload for message in taken(db, "d")] == ["other"]
    assert [one.name for one in db.queue.recurring("c")] == ["hour", "minute"]
    assert db.queue.recurring("none") == []


def test_messages_are_as_they_were_ordered(db, now):
    db.queue.create_channel("plain", priority=7, ttl_ms=5000)
    db.queue.every("bytes", "* * * * *", "plain", b"\x00\xff")
    db.queue.every("text", "* * * * *", "plain", "é", priority=-3, ttl_s=0.5)
    now.move(MINUTE_S)
    second, first = sorted(taken(db, "plain"), key=lambda message: -message.priority)
    assert (first.payload, first.priority, first.expires_ns) == ("é", -3, now.ns + 500_000_000)
    assert (second.payload, second.priority, second.expires_ns) == (b"\x00\xff", 7, now.ns + 5_000_000_000)


def test_seconds_come_first_of_six_fields(db, now):
    assert db.queue.every("tick", "*/10 * * * * *", "c", 1).next_ns == START_NS + 10 * 10**9
    assert db.queue.every("tick", " 0  3 *\t* * ", "c", 1).expression == "0 3 * * *"


@pytest.mark.parametrize(
    ("expression", "after", "times"),
    [
        # 31 March 2024, 02:00 to 03:00 is skipped: fixed hours come right after the gap, the others by the clock.
        ("30 2 * * *", "2024-03-30 12:00", ["31 01:00", "01 00:30"]),
        ("0,30 2,3 * * *", "2024-03-31 00:00", ["31 01:00", "31 01:30", "01 00:00"]),
        ("*/30 * * * *", "2024-03-31 00:15", ["31 00:30", "31 01:00", "31 01:30"]),
        # 27 October 2024, 02:00 to 03:00 comes twice: fixed hours are taken the first time, the others both.
        ("30 2 * * *", "2024-10-26 12:00", ["27 00:30", "28 01:30"]),
        ("30 2 * * *", "2024-10-27 00:30", ["28 01:30"]),
        ("30 2 * * *", "2024-10-27 01:10", ["28 01:30"]),
        ("*/30 * * * *", "2024-10-27 00:15", ["27 00:30", "27 01:00", "27 01:30", "27 02:00"]),
    ],
)
def test_clocks_that_change_do_as_debians_cron(db, expression, after, times):
    found = db.queue.next_times(expression, len(times), time_zone="Europe/Berlin", after_ns=ns(after))
    assert said(found) == times


def test_the_hour_that_comes_twice_has_one_message(db, now):
    now.ns = ns("2024-10-26 23:00")
    db.queue.every("night", "30 2 * * *", "c", 1, time_zone="Europe/Berlin")
    came = []
    for _ in range(30):
        now.move(HOUR_S / 4)
        came += [message.headers["scheduled_ns"] for message in taken(db)]
    assert came == [ns("2024-10-27 00:30")]


def test_times_are_those_of_a_naive_walk_over_minutes(db):
    walked = [
        moment
        for minute in range(3 * 24 * 60)
        if (at := datetime.fromtimestamp((moment := ns("2024-02-28 00:00") // 10**9 + minute * 60), UTC))
        and at.minute in {7, 37}
        and 8 <= at.hour <= 17
        and at.weekday() < 5
    ]
    after = ns("2024-02-28 00:00") - 10**9
    found = db.queue.next_times("7,37 8-17 * * MON-FRI", len(walked), after_ns=after)
    assert [moment // 10**9 for moment in found] == walked
    assert db.queue.next_times("0 0 29 2 *", 2, after_ns=after) == [ns("2024-02-29"), ns("2028-02-29")]
    assert db.queue.next_times("* * * * *", 0) == []
    assert db.queue.next_times("* * */20 * 1L") == []


# --- changed, paused, removed -----------------------------------------------------------------------------------------


def test_saying_it_again_loses_nothing_and_saying_it_otherwise_begins_anew(db, now):
    first = db.queue.every("tick", "* * * * *", "c", 1)
    now.move(HOUR_S)
    again = db.queue.every("tick", "* * * * *", "d", 2, priority=3)
    assert (again.next_ns, again.channel, again.payload, again.priority) == (first.next_ns, "d", 2, 3)
    assert again.created_ns == first.created_ns
    assert (taken(db), len(taken(db, "d"))) == ([], 1)
    for changed in (
        db.queue.every("tick", "0 0 1 1 *", "d", 2),
        db.queue.every("tick", "0 0 1 1 *", "d", 2, time_zone="Asia/Tokyo"),
    ):
        assert changed.next_ns in {ns("2024-01-01 00:00"), ns("2023-12-31 15:00")}
    assert len(db.queue.recurring()) == 1


def test_what_came_due_while_paused_is_not_made_up_for(db, now):
    db.queue.every("tick", "* * * * *", "c", 1)
    db.queue.pause_recurring("tick")
    now.move(HOUR_S)
    assert taken(db) == []
    db.queue.resume_recurring("tick")
    assert taken(db) == []
    db.queue.resume_recurring("tick")
    now.move(MINUTE_S)
    assert len(taken(db)) == 1


def test_a_paused_channel_gets_one_message_when_it_goes_on(db, now):
    db.queue.every("tick", "* * * * *", "c", 1)
    db.queue.pause("c")
    now.move(HOUR_S)
    assert taken(db) == []
    db.queue.resume("c")
    assert len(taken(db)) == 1


def test_a_sweep_publishes_nothing_as_nobody_claims(db, now):
    db.queue.every("tick", "* * * * *", "c", 1)
    now.move(HOUR_S)
    assert db.queue.sweep() == 0
    assert db.queue.peek("c") == []


def test_what_is_removed_recurs_no_more_and_a_channel_takes_it_along(db, now):
    db.queue.every("one", "* * * * *", "c", 1)
    db.queue.every("two", "* * * * *", "c", 2)
    db.queue.remove_recurring("one")
    now.move(MINUTE_S)
    assert [message.payload for message in taken(db)] == [2]
    db.queue.remove_channel("c")
    assert db.queue.recurring() == []


@pytest.mark.parametrize(
    "settings",
    [{"when_full": "reject"}, {"when_full": "block"}, {"when_full": "evict_lowest"}, {"rate_per_s": 0.001, "burst": 1}],
)
def test_a_time_without_room_is_left_out_and_counted(db, now, settings, caplog):
    db.queue.create_channel("c", **({} if "burst" in settings else {"capacity": 1}) | settings)
    db.queue.publish("c", "there")
    db.queue.every("tick", "* * * * *", "c", 1)
    for count in (1, 2):
        now.move(MINUTE_S)
        db.queue.claim("c")
        assert db.queue.recurring()[0].refused == count
        assert db.queue.stats("c").ready == 0
    assert "recurring message 'tick' was due and is left out: its channel" in caplog.text


# --- who, and in which transaction ------------------------------------------------------------------------------------


def test_a_claim_that_was_rolled_back_published_nothing(db, now):
    made = db.queue.every("tick", "* * * * *", "c", 1)
    now.move(MINUTE_S)

    def fail() -> None:
        with db.transaction():
            assert len(taken(db)) == 1
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert db.queue.recurring() == [made]
    assert [message.headers["scheduled_ns"] for message in taken(db)] == [made.next_ns]


def test_it_is_there_after_the_file_was_closed(tmp_path, now):
    with neurograph.open(tmp_path / "q.ngdb") as db:
        made = db.queue.every("tick", "0 3 * * *", "c", {"é": b"x".hex()}, time_zone="Europe/Berlin", headers={"a": 1})
    now.move(48 * HOUR_S)
    with neurograph.open(tmp_path / "q.ngdb") as db:
        assert db.queue.recurring() == [made]
        assert len(taken(db)) == 1


def test_a_consumer_wakes_when_it_is_due(tmp_path):
    with neurograph.open(tmp_path / "q.ngdb", synchronous="off") as db:
        consumer = db.queue.consume("c", timeout_s=60)
        made = db.queue.every("tick", "* * * * * *", "c", 1)
        message = next(consumer)
        assert message.headers["scheduled_ns"] == made.next_ns
        assert message.published_ns >= made.next_ns


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_calls_is_as_a_naive_model_says(tmp_path, now, seed):
    """The model keeps the next minute of each name; a channel's claim takes what is due and moves it past now."""
    random = Random(seed)
    model: dict[str, tuple[int, str, int | None]] = {}  # name: minutes between, channel, next; None while paused

    def following(minutes: int) -> int:
        return (now.ns // (minutes * 60 * 10**9) + 1) * minutes * 60 * 10**9

    db = neurograph.open(tmp_path / "q.ngdb", synchronous="off")
    for _ in range(120):
        name, channel, minutes = random.choice("abc"), random.choice("cd"), random.choice([1, 5, 30])
        known = model.get(name)
        match random.choice(["every", "pause", "resume", "remove", "move", "claim", "claim", "undo", "reopen"]):
            case "every":
                db.queue.every(name, f"*/{minutes} * * * *", channel, name)
                if known is None or (known[0] != minutes and known[2] is not None):
                    model[name] = (minutes, channel, following(minutes))
                else:
                    model[name] = (minutes, channel, known[2])
            case "pause" if known:
                db.queue.pause_recurring(name)
                model[name] = (*known[:2], None)
            case "resume" if known:
                db.queue.resume_recurring(name)
                model[name] = (*known[:2], following(known[0]) if known[2] is None else known[2])
            case "remove" if known:
                db.queue.remove_recurring(name)
                del model[name]
            case "move":
                now.move(random.choice([1, 59, 60, 301, 4000]))
            case "claim":
                due = {(name, at) for name, (_, to, at) in model.items() if to == channel and at and at <= now.ns}
                assert {(one.payload, one.headers["scheduled_ns"]) for one in taken(db, channel)} == due
                model |= {name: (*model[name][:2], following(model[name][0])) for name, _ in due}
            case "undo":
                db.begin()
                taken(db, channel)
                db.rollback()
            case "reopen":
                db.close()
                db = neurograph.open(tmp_path / "q.ngdb", synchronous="off")
        assert {one.name: None if one.paused else one.next_ns for one in db.queue.recurring()} == {
            name: at for name, (_, _, at) in model.items()
        }
    assert db.check() == []
    db.close()


def test_two_processes_publish_each_time_once(tmp_path):
    """Their clocks are their own: each sees every second from the first to the last."""
    path = tmp_path / "q.ngdb"
    with neurograph.open(path, synchronous="off") as db:
        db.queue.create_channel("c", keep_ms=10**12)
    code = """
        import sys
        import neurograph
        from neurograph.stores.queue import clock
        with neurograph.open(sys.argv[1], synchronous="off") as db:
            start = 1_700_000_000
            clock.now_ns = lambda: start * 10**9
            db.queue.every("tick", "* * * * * *", "c", 1)
            for second in range(150):
                clock.now_ns = lambda: (start + second) * 10**9
                for message in db.queue.claim("c", 9, lease_s=1e6):
                    db.queue.ack(message)
    """
    begun = [subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(path)]) for _ in range(2)]
    assert [child.wait(60) for child in begun] == [0, 0]
    with neurograph.open(path) as db:
        times = [message.headers["scheduled_ns"] // 10**9 for message in db.queue.list("c", n=None)]
        assert len(times) == len(set(times))
        assert times == sorted(times)
        assert times[-1] == db.queue.recurring()[0].last_ns // 10**9 == 1_700_000_149
        assert db.check() == []


def test_a_look_at_what_is_not_due_writes_nothing(db, now):
    db.queue.every("tick", "* * * * *", "c", 1)
    before = db.execute("select total_changes()").fetchall()
    assert taken(db) == taken(db, "d") == []
    assert db.execute("select total_changes()").fetchall() == before


def test_the_library_is_loaded_where_something_recurs_alone():
    code = """
        import sys
        import neurograph
        with neurograph.open(":memory:") as db:
            db.queue.publish("c", 1)
            db.queue.ack(db.queue.claim("c")[0])
            print("cronsim" in sys.modules)
            db.queue.every("tick", "* * * * *", "c", 1)
            print("cronsim" in sys.modules)
    """
    assert python(code).split() == ["False", "True"]
