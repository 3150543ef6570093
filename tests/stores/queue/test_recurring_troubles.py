"""What recurs, in the hands of shells, of clocks that were wrong and of callers who are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import neurograph
from hand_clock import START_NS
from neurograph import Database, Message
from neurograph.errors import InvalidValue, ReadOnlyDatabase, RecurringNotFound
from processes import needs_shell, shell

HOUR_S, MINUTE_S = 3600, 60


def ns(text: str) -> int:
    """Return a moment given in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def taken(db: Database, channel: str = "c") -> list[Message]:
    messages = db.queue.claim(channel, 99)
    assert db.queue.ack_many(messages) == []
    return messages


# --- other tools ------------------------------------------------------------------------------------------------------


@needs_shell
def test_a_stock_shell_makes_changes_and_removes_what_recurs(tmp_path, now):
    path: Path = tmp_path / "q.ngdb"
    with neurograph.open(path) as db:
        db.queue.create_channel("c")
    insert = "insert into recurring (name, channel_id, expression, payload) values"
    shell(path, f"""{insert} ('tick', 1, '*/5 * * * *', '{{"n": 1}}');""")
    with neurograph.open(path) as db:
        assert db.queue.recurring()[0].next_ns == 0
        assert taken(db) == []
        assert db.queue.recurring()[0].next_ns == ns("2023-11-14 22:15")
        now.ns = ns("2023-11-14 22:15")
        assert [message.payload for message in taken(db)] == [{"n": 1}]
    shell(path, "update recurring set expression = '0 * * * *';")
    with neurograph.open(path) as db:
        assert taken(db) == []
        assert db.queue.recurring()[0].next_ns == ns("2023-11-14 23:00")
    shell(path, "update recurring set paused = 1; update recurring set paused = 0;")
    now.move(24 * HOUR_S)
    with neurograph.open(path) as db:
        assert taken(db) == []  # not made up for
        assert db.queue.recurring()[0].next_ns == ns("2023-11-15 23:00")
        assert db.check() == []
    shell(path, "pragma foreign_keys = off; delete from channel;")
    with neurograph.open(path) as db:
        assert db.queue.recurring() == []
        assert db.check() == []


@needs_shell
def test_what_a_shell_gets_wrong_is_refused_or_said(tmp_path, now, caplog):
    path: Path = tmp_path / "q.ngdb"
    with neurograph.open(path) as db:
        db.queue.create_channel("c")
    insert = "insert or replace into recurring (name, channel_id, expression, payload, time_zone) values"
    for row, rule in [
        ("('a', 7, '* * * * *', '1', 'UTC')", "ng:recurring.channel_id"),
        ("('a', 1, '* * * *', '1', 'UTC')", "CHECK constraint failed: expression"),
        ("('a', 1, '* * * * ?', '1', 'UTC')", "CHECK constraint failed: expression"),
        ("('a', 1, '* * * * *', '{', 'UTC')", "CHECK constraint failed: typeof(payload)"),
        ("('', 1, '* * * * *', '1', 'UTC')", "CHECK constraint failed: name"),
    ]:
        assert rule in shell(path, f"{insert} {row};", check=False)
    shell(path, f"{insert} ('a', 1, '61 * * * *', '1', 'UTC'), ('b', 1, '* * * * *', '2', 'Mars/Crater');")
    assert "ng:recurring.channel_id" in shell(path, "update recurring set channel_id = 9;", check=False)
    with neurograph.open(path) as db:
        assert taken(db) == []
        wrong = db.queue.recurring()
        assert [one.next_ns for one in wrong] == [None, None]
        assert "(bad minute)" in wrong[0].error
        assert "time_zone must be an IANA name" in wrong[1].error
        assert {violation.invariant for violation in db.check()} == {"recurring.next_ns"}
        assert taken(db) == []
        with pytest.raises(InvalidValue, match="IANA"):
            db.queue.resume_recurring("b")
        db.queue.every("a", "1 * * * *", "c", 1)
        shell(path, "update recurring set time_zone = 'UTC' where name = 'b';")
        assert taken(db) == []
        assert all(one.next_ns and one.error is None for one in db.queue.recurring())
        assert db.check() == []
    assert "recurring message 'a': expression must be five fields" in caplog.text


@pytest.mark.parametrize(("name", "zone"), [("cast(x'e9' as text)", "'UTC'"), ("'b'", "cast(x'e9' as text)")])
def test_what_recurs_and_can_not_be_read_harms_no_other(db, now, caplog, name, zone):
    db.queue.every("tick", "*/5 * * * *", "c", 1)
    row = f"({name}, 1, '* * * * *', '2', {zone})"
    db.execute(f"insert into recurring (name, channel_id, expression, payload, time_zone) values {row}")
    db.queue.publish("c", 3)
    assert [message.payload for message in taken(db)] == [3]
    now.ns = ns("2023-11-14 22:15")
    assert [message.payload for message in taken(db)] == [1]
    with db.transaction():
        assert taken(db) == []
    [(next_ns, error)] = db.execute("select next_ns, error from recurring where name <> 'tick'").fetchall()
    assert next_ns is None
    assert error == r"name and time_zone must be UTF-8, got b'\xe9'; delete the row, or set its time_zone anew"
    assert caplog.text.count("must be UTF-8") == 1
    assert [violation.invariant for violation in db.check()] == ["recurring.next_ns", "recurring.utf8"]
    with pytest.raises(InvalidValue, match=r"(name|time_zone) of a row of recurring must .* name = cast\(x'"):
        db.queue.recurring()
    with pytest.raises(RecurringNotFound, match="the closest are 'tick'"):
        db.queue.pause_recurring("ticks")
    db.execute(f"update recurring set time_zone = 'Europe/Berlin' where name = {name}")
    assert len(taken(db)) == 0
    now.move(MINUTE_S)
    assert [message.payload for message in taken(db)] == ([2] if name == "'b'" else [])
    db.execute("delete from recurring where name <> 'tick'")


# --- a clock that was wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expression", ["*/5 * * * *", "0 0 1 1 *"])
def test_what_a_clock_far_ahead_put_off_is_worked_out_anew(db, now, expression):
    first = db.queue.every("tick", expression, "c", 1).next_ns
    now.move(100_000 * HOUR_S)
    assert len(taken(db)) == 1
    now.ns = START_NS
    assert db.queue.recurring()[0].next_ns > ns("2035-01-01")
    assert db.queue.every("tick", expression, "c", 2).next_ns == first
    now.ns = first
    assert [message.payload for message in taken(db)] == [2]


def test_a_clock_that_is_set_back_by_less_than_a_day_lets_nothing_come_twice(db, now):
    for expression in ("*/5 * * * *", "0 3 * * *", "0 0 1 1 *"):
        now.ns = db.queue.every("tick", expression, "c", 1).next_ns
        assert len(taken(db)) == 1
        for back_s in (1, 7 * HOUR_S, 24 * HOUR_S):
            now.ns -= back_s * 10**9
            db.queue.every("tick", expression, "c", 1)
            assert taken(db) == []
            now.ns += back_s * 10**9


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("", "* * * * *", "c", 1), "name must be a string of at least one character"),
        ((7, "* * * * *", "c", 1), "name must be a string"),
        (("a", "* * * *", "c", 1), "expression must be five fields of cron .*wrong number of fields"),
        (("a", "60 * * * *", "c", 1), "got '60 . . . .' .bad minute."),
        (("a", "@daily", "c", 1), "wrong number of fields"),
        (("a", 5, "c", 1), "expression must be text"),
        (("a", "0 0 30 2 *", "c", 1), "bad day-of-month"),
        (("a", "* * */20 * 1L", "c", 1), "expression must have a time within 50 years"),
        (("a", "* * * * *", "", 1), "channel must be a string"),
        (("a", "* * * * *", "c", float("nan")), "payload must be what JSON can say"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_made(db, arguments, rule):
    with pytest.raises(InvalidValue, match=rule):
        db.queue.every(*arguments)
    assert db.queue.recurring() == db.queue.channels() == []


@pytest.mark.parametrize("zone", ["Mars/Crater", "", None, 7, "../etc/passwd", "Europe/Berlin\x00"])
def test_a_time_zone_must_be_known(db, zone):
    with pytest.raises(InvalidValue, match="time_zone must be an IANA name that this system knows"):
        db.queue.every("a", "* * * * *", "c", 1, time_zone=zone)
    with pytest.raises(InvalidValue, match="pip install tzdata"):
        db.queue.next_times("* * * * *", time_zone=zone)


@pytest.mark.parametrize(
    "options",
    [{"priority": 1001}, {"priority": "soon"}, {"headers": [1]}, {"ttl_s": -1}],
    ids=lambda options: next(iter(options)),
)
def test_options_must_be_those_of_a_publish(db, options):
    with pytest.raises(InvalidValue):
        db.queue.every("a", "* * * * *", "c", 1, **options)


@pytest.mark.parametrize("method", ["pause_recurring", "resume_recurring", "remove_recurring"])
def test_what_does_not_recur_is_named_with_the_closest(db, method):
    db.queue.every("decay", "0 3 * * *", "c", 1)
    with pytest.raises(RecurringNotFound, match="nothing recurs by the name 'decoy'; the closest are 'decay'"):
        getattr(db.queue, method)("decoy")
    with pytest.raises(InvalidValue, match="name must be"):
        getattr(db.queue, method)("")


def test_arguments_of_next_times_are_checked(db):
    for options in ({"n": -1}, {"after_ns": -1}, {"after_ns": 2**63 - 1}):
        with pytest.raises(InvalidValue):
            db.queue.next_times("* * * * *", **options)


def test_a_handle_that_only_reads_lists_and_refuses_the_rest(tmp_path, now):
    with neurograph.open(tmp_path / "q.ngdb") as db:
        made = db.queue.every("tick", "* * * * *", "c", 1)
    with neurograph.open(tmp_path / "q.ngdb", mode="r") as db:
        assert db.queue.recurring() == [made]
        with pytest.raises(ReadOnlyDatabase):
            db.queue.remove_recurring("tick")
