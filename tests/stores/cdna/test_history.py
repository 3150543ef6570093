"""The constitution's history: append-only on every path, and what it answers about the past."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

import neurograph
from neurograph.errors import InvalidValue, NotFound, ReadOnlyDatabase, RuleViolated, UnknownName
from neurograph.stores.cdna.checksum import checksum

MINUTE = 60 * 10**9


def row(db: neurograph.Database, created_ns: int, weight: float, deadline_ns: int | None = None) -> None:
    """Write a version by plain SQL, at a time of our choosing."""
    db.execute(
        "insert into cdna (created_ns, max_token_weight, trial_deadline_ns) values (?, ?, ?)",
        (created_ns, weight, deadline_ns),
    )


# --- append-only ----------------------------------------------------------------------------------------------

TAMPERING = [
    "update cdna set max_token_weight = 9",
    "update cdna set reason = 'other' where version = 1",
    "update cdna set created_ns = 1",
    "update cdna set trial_deadline_ns = 1",
    "update cdna set parent = 1 where version = 2",
    "update cdna set trial = '{}'",
    "update cdna set version = 9 where version = 2",
    "update cdna set rowid = 9 where version = 2",
    "update cdna set _rowid_ = 9 where version = 2",
    "update or replace cdna set version = 1 where version = 2",
    "update or replace cdna set oid = 1 where version = 2",
    "update or ignore cdna set max_pull = 1",
    "update cdna set checksum = 5 where version = 2",
    "update cdna set checksum = null where version = 2",
    "delete from cdna",
    "delete from cdna where version = 2",
    "insert into cdna (version) values (2)",
    "insert or replace into cdna (version) values (2)",
    "insert or ignore into cdna (version) values (1)",
    "replace into cdna (version, profile) values (1, 'default')",
    "insert into cdna (version) values (1) on conflict (version) do update set max_pull = 1",
    "insert into cdna (version) values (0)",
    "insert into cdna (version) values (-1)",
    "insert into cdna (version) values (-5)",
    "insert into cdna (version) values (4)",
    "insert into cdna (version) values (9223372036854775807)",
    "insert into cdna (parent) values (3)",
    "insert into cdna (parent) values (0)",
    "insert into cdna (parent) values (99)",
    "insert into cdna (profile) values ('')",
    "insert into cdna (allowed_types) values ('1')",
    "insert into cdna (trial) values ('[]')",
    "insert into cdna (trial) values ('{')",
    "insert into cdna (reason) values ('a' || char(0))",
    "insert into cdna (max_pull) values (9e999)",
    "insert into cdna_current (max_pull) values (1)",
    "delete from cdna_current",
    "update cdna_profile set max_pull = 1 where name = 'default'",
    "update cdna_profile set name = 'mine' where name = 'explorer'",
    "update or replace cdna_profile set name = 'explorer' where name = 'mine'",
    "delete from cdna_profile where name = 'custom'",
    "delete from cdna_profile",
    "insert or replace into cdna_profile (name) values ('creative')",
    "insert into cdna_profile (name) values ('creative') on conflict do update set max_pull = 1",
]


def paths(db: neurograph.Database) -> list[Callable[[str], Any]]:
    raw, strict = apsw.Connection(db.path), apsw.Connection(db.path)
    strict.pragma("foreign_keys", 1)
    strict.pragma("recursive_triggers", 1)
    return [db.execute, lambda sql: raw.execute(sql).fetchall(), lambda sql: strict.execute(sql).fetchall()]


@pytest.mark.parametrize("sql", TAMPERING)
def test_history_can_only_grow(db: neurograph.Database, sql: str) -> None:
    db.cdna.update(max_token_weight=5.0)
    db.cdna.create_profile("mine")
    before = db.execute("select * from cdna").fetchall(), db.execute("select * from cdna_profile").fetchall()
    for run in paths(db):
        with pytest.raises((apsw.Error, RuleViolated)):
            run(sql)
        assert before == (
            db.execute("select * from cdna").fetchall(),
            db.execute("select * from cdna_profile").fetchall(),
        )


def test_versions_are_numbered_without_gaps_after_a_rollback(db: neurograph.Database) -> None:
    db.begin()
    assert db.cdna.update(max_token_weight=5.0).version == 2
    db.rollback()
    assert db.cdna.version == 1
    assert db.cdna.update(max_token_weight=5.0).version == 2


def test_a_change_is_part_of_its_transaction(db: neurograph.Database) -> None:
    with db.transaction():
        db.cdna.update(max_token_weight=5.0)
        db.tokens.create("cat", weight=4.0)
    assert db.cdna.current().max_token_weight == 5.0
    db.begin()
    db.cdna.update(max_token_weight=10.0)
    with pytest.raises(RuleViolated, match=r"10\.0"):
        db.tokens.create("dog", weight=11.0)
    db.rollback()
    assert db.cdna.current().max_token_weight == 5.0


def test_a_column_of_ones_own_is_left_alone(db: neurograph.Database) -> None:
    db.execute("alter table cdna add column note text")
    db.cdna.update(max_token_weight=5.0)
    db.execute("update cdna_current set max_token_weight = 6")
    db.execute("update cdna set note = 'mine' where version = 2")
    assert db.cdna.current().max_token_weight == 6.0


# --- reading the past ------------------------------------------------------------------------------------------


def test_history_is_newest_first_and_pages(db: neurograph.Database) -> None:
    for weight in range(2, 12):
        db.cdna.update(max_token_weight=weight)
    assert [v.version for v in db.cdna.history()] == list(range(11, 0, -1))
    first = db.cdna.history(4)
    assert [v.version for v in first + db.cdna.history(4, after=first[-1].version)] == list(range(11, 3, -1))
    assert db.cdna.history(0) == []
    assert db.cdna.history(5, after=1) == []


@pytest.mark.parametrize("arguments", [{"limit": -1}, {"limit": 1.5}, {"limit": None}, {"after": 0}, {"after": "x"}])
def test_a_bad_page_is_refused(db: neurograph.Database, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        db.cdna.history(**arguments)


def test_every_version_says_who_what_why_and_from_where(db: neurograph.Database) -> None:
    db.cdna.update(max_token_weight=5.0, reason="weights are counts", actor="ana")
    db.cdna.set_profile("explorer", actor="ben")
    assert [(v.version, v.action, v.actor, v.reason, v.parent, v.profile) for v in db.cdna.history(2)] == [
        (3, "profile", "ben", "", 2, "explorer"),
        (2, "update", "ana", "weights are counts", 1, "custom"),
    ]


def test_the_version_in_force_at_a_time_is_the_newest_written_by_then(db: neurograph.Database) -> None:
    start = db.cdna.current().created_ns
    times = [start + place * MINUTE for place in range(1, 5)]
    for place, created_ns in enumerate(times):
        row(db, created_ns, float(place + 2))
    for place, created_ns in enumerate(times):
        assert db.cdna.at(created_ns).version == place + 2
        assert db.cdna.at(created_ns - 1).version == place + 1
        assert db.cdna.at(created_ns + 1).version == place + 2
    assert db.cdna.at(2**62).version == 5


def test_a_trial_was_in_force_until_its_deadline(db: neurograph.Database) -> None:
    start = db.cdna.current().created_ns
    row(db, start + MINUTE, 2.0, start + 3 * MINUTE)
    assert db.cdna.at(start + MINUTE).version == 2
    assert db.cdna.at(start + 3 * MINUTE - 1).version == 2
    assert db.cdna.at(start + 3 * MINUTE).version == 1


def test_a_trial_that_was_confirmed_or_superseded_ends_there(db: neurograph.Database) -> None:
    start = db.cdna.current().created_ns
    row(db, start + MINUTE, 2.0, start + 9 * MINUTE)
    row(db, start + 2 * MINUTE, 3.0)
    assert [db.cdna.at(start + at * MINUTE).version for at in (0, 1, 2, 8, 10)] == [1, 2, 3, 3, 3]


def test_where_a_clock_ran_backwards_a_version_counts_from_its_predecessors_time(db: neurograph.Database) -> None:
    start = db.cdna.current().created_ns
    row(db, start + 5 * MINUTE, 2.0)
    row(db, start - 5 * MINUTE, 3.0)
    assert [db.cdna.at(start + at * MINUTE).version for at in (0, 4, 5, 6)] == [1, 1, 3, 3]


def test_a_version_written_now_does_not_change_the_past(db: neurograph.Database) -> None:
    start = db.cdna.current().created_ns
    row(db, start + MINUTE, 2.0)
    before = [db.cdna.at(start + at).version for at in (0, MINUTE - 1)]
    row(db, start - MINUTE, 9.0)
    assert [db.cdna.at(start + at).version for at in (0, MINUTE - 1)] == before


def test_a_time_may_be_a_datetime_of_any_zone(db: neurograph.Database) -> None:
    when = datetime.datetime(2100, 1, 2, 3, 4, 5, 678901, datetime.UTC)
    nanoseconds = 4102542245678901000
    row(db, nanoseconds, 2.0)
    zone = datetime.timezone(datetime.timedelta(hours=-7))
    assert db.cdna.at(when).version == db.cdna.at(when.astimezone(zone)).version == 2
    assert db.cdna.at(when - datetime.timedelta(microseconds=1)).version == 1


@pytest.mark.parametrize("when", [None, "1", 1.0, True, datetime.datetime(2026, 1, 1), object()])
def test_what_is_neither_version_nor_time_is_refused(db: neurograph.Database, when: Any) -> None:
    with pytest.raises(InvalidValue, match="when must"):
        db.cdna.at(when)


@pytest.mark.parametrize(("when", "message"), [(2, "they go from 1 to 1"), (10**15, "the first is from 20")])
def test_a_version_or_time_that_is_not_there_is_not_found(db: neurograph.Database, when: int, message: str) -> None:
    with pytest.raises(NotFound, match=message):
        db.cdna.at(when)


def test_diff_shows_what_changed_in_the_order_of_the_table(db: neurograph.Database) -> None:
    second = db.cdna.update(scales={"abstract": 5}, max_token_weight=3.0, strict=True)
    changed = {"strict": (False, True), "max_token_weight": (1.0, 3.0), "scale_abstract": (1.0, 5.0)}
    assert db.cdna.diff(1) == db.cdna.diff(1, 2) == db.cdna.diff(db.cdna.at(1), second) == changed
    assert list(db.cdna.diff(1)) == list(changed)
    assert db.cdna.diff(2, 1) == {name: (new, old) for name, (old, new) in changed.items()}
    assert db.cdna.diff(2, 2) == {}
    with pytest.raises(NotFound):
        db.cdna.diff(3)


# --- types ----------------------------------------------------------------------------------------------------


def test_types_are_switched_by_version_and_ones_own_by_row(db: neurograph.Database) -> None:
    db.execute("insert into connection_type (code, name) values (300, 'mine')")
    now = db.cdna.forbid_type("hates", 0x84, "mine", reason="kind")
    assert now.forbidden_types == ("hates", "fears")
    assert (now.version, now.reason) == (2, "kind")
    assert db.execute("select allowed from connection_type where code = 300").fetchone() == (0,)
    assert db.cdna.allow_type("mine").version == 2
    assert db.execute("select allowed from connection_type where code = 300").fetchone() == (1,)


@pytest.mark.parametrize("name", ["hatez", 200, 999, -1, 2**70, None, 1.5, True])
def test_an_unknown_type_changes_nothing(db: neurograph.Database, name: Any) -> None:
    with pytest.raises((UnknownName, InvalidValue, OverflowError)):
        db.cdna.forbid_type("hates", name)
    assert db.cdna.version == 1


def test_no_type_is_refused(db: neurograph.Database) -> None:
    with pytest.raises(InvalidValue, match="types must name at least one"):
        db.cdna.allow_type()


# --- plain SQL -------------------------------------------------------------------------------------------------


def test_updating_the_view_writes_a_version(db: neurograph.Database) -> None:
    db.cdna.set_profile("explorer", reason="to see", actor="ana")
    db.execute("update cdna_current set max_pull = 3, scale_motor = 7")
    now = db.cdna.current()
    assert (now.version, now.parent, now.profile, now.action, now.actor, now.reason) == (
        3,
        2,
        "custom",
        "update",
        "",
        "",
    )
    assert db.cdna.diff(2) == {"max_pull": (10.0, 3.0), "scale_motor": (1.2, 7.0)}
    db.execute("update cdna_current set profile = 'mine', action = 'tune', actor = 'me', reason = 'why'")
    now = db.cdna.current()
    assert (now.version, now.profile, now.action, now.actor, now.reason) == (4, "mine", "tune", "me", "why")


@pytest.mark.parametrize("change", ["max_pull = -11", "scale_motor = 21", "allowed_types = '1'", "strict = 2"])
def test_the_view_takes_nothing_the_table_does_not(db: neurograph.Database, change: str) -> None:
    with pytest.raises(apsw.ConstraintError):
        db.execute(f"update cdna_current set {change}")
    assert db.cdna.version == 1


def test_versions_of_plain_sql_are_signed_by_the_next_engine_write(db: neurograph.Database) -> None:
    db.execute("insert into cdna (max_token_weight) values (2)")
    db.execute("update cdna_current set max_token_weight = 3")
    assert [v.checksum for v in db.cdna.history()] == [None, None, None]
    db.cdna.update(max_token_weight=4.0)
    for version in db.cdna.history():
        assert version.checksum == checksum(version.fields)
    assert len({version.checksum for version in db.cdna.history()}) == 4


def test_the_checksum_depends_on_every_field_and_on_nothing_else(db: neurograph.Database) -> None:
    fields = db.cdna.current().fields
    sums = {checksum(fields)}
    for name, value in fields.items():
        other = "0" + "1" * 255 if isinstance(value, str) else not value if isinstance(value, bool) else value + 1
        sums.add(checksum({**fields, name: other}))
    assert len(sums) == len(fields) + 1
    assert checksum(dict(reversed(fields.items()))) == checksum(fields)


def test_the_checksum_is_the_one_the_file_format_describes(db: neurograph.Database) -> None:
    lines = "".join(
        f"{name}={int(value) if isinstance(value, bool) else value}\n"
        for name, value in db.cdna.current().fields.items()
    )
    value = 14695981039346656037
    for byte in lines.encode():
        value = (value ^ byte) * 1099511628211 % 2**64
    db.cdna.update(max_token_weight=2.0)
    assert db.cdna.at(1).checksum == value - 2**64 * (value >> 63)


# --- modes of opening -------------------------------------------------------------------------------------------


def test_a_read_only_handle_reads_and_does_not_write(db: neurograph.Database) -> None:
    db.cdna.update(max_token_weight=2.0)
    with neurograph.open(db.path, mode="r") as reader:
        assert reader.cdna.current() == db.cdna.current()
        assert reader.cdna.trial_status() is None
        assert len(reader.cdna.to_bytes()) == 384
        with pytest.raises(ReadOnlyDatabase):
            reader.cdna.update(max_token_weight=3.0)


def test_a_snapshot_sees_the_constitution_of_its_moment(db: neurograph.Database, tmp_path: Path) -> None:
    with neurograph.open(db.path) as other, db.snapshot():
        assert db.cdna.version == 1
        other.cdna.update(max_token_weight=2.0)
        assert db.cdna.current().version == 1
    assert db.cdna.version == 2


def test_two_handles_write_one_history(db: neurograph.Database) -> None:
    with neurograph.open(db.path) as other:
        db.cdna.update(max_token_weight=2.0)
        other.cdna.update(max_out_degree=5)
        assert db.cdna.current().fields == {**db.cdna.at(1).fields, "max_token_weight": 2.0, "max_out_degree": 5}
        assert other.cdna.history() == db.cdna.history()
