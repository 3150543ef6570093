"""Changes on trial: in force until the deadline, confirmed or reverted before it, and what they have cost."""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import neurograph
from neurograph.errors import InvalidValue, Misuse, RuleViolated, UnknownName
from neurograph.model.constitution import Trial

LATER = 2**62
SINCE_1970 = 1


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let `try_out` set deadlines that are over."""
    monkeypatch.setattr(time, "time_ns", lambda: SINCE_1970)
    return


def actions(db: neurograph.Database) -> list[tuple[int, str, int | None]]:
    return [(v.version, v.action, v.parent) for v in reversed(db.cdna.history())]


def status(db: neurograph.Database) -> Trial:
    found = db.cdna.trial_status()
    assert found is not None
    return found


# --- its life ---------------------------------------------------------------------------------------------------


def test_a_trial_is_in_force_at_once_for_everyone(db: neurograph.Database) -> None:
    new = db.cdna.try_out(max_token_weight=5.0, duration_s=600, reason="counts", actor="ana")
    assert (new.version, new.action, new.profile, new.parent, new.on_trial) == (2, "trial", "custom", 1, True)
    assert db.cdna.current() == new
    assert db.cdna.on_trial
    with neurograph.open(db.path) as other:
        assert other.tokens.create("cat", weight=4.0).weight == 4.0
        assert other.cdna.on_trial


def test_the_status_says_how_long_and_under_which_terms(db: neurograph.Database) -> None:
    before = time.time_ns()
    db.cdna.try_out(max_token_weight=5.0, duration_s=600, broken_connections=1, churn=0.5, growth=2)
    found = status(db)
    assert 0 <= found.deadline_ns - before - 600 * 10**9 < 60 * 10**9
    assert 540 < found.time_left_s <= 600.001
    assert (found.version, found.max_broken_connections, found.max_churn, found.max_growth) == (2, 1, 0.5, 2.0)
    assert (found.broken_connections, found.churn, found.growth, found.exceeded) == (0, 0.0, 0.0, ())
    assert pickle.loads(pickle.dumps(found)) == found


def test_the_terms_are_the_originals_unless_given(db: neurograph.Database) -> None:
    new = db.cdna.try_out(max_token_weight=5.0)
    found = status(db)
    assert (found.max_broken_connections, found.max_churn, found.max_growth) == (10, 0.3, 0.2)
    assert 290 < found.time_left_s <= 300.001
    assert new.trial["start"] == {"connections": 0, "last_connection": 0, "tokens": 0, "last_token": 0}


def test_without_a_trial_there_is_no_status(db: neurograph.Database) -> None:
    assert db.cdna.trial_status() is None
    db.cdna.try_out(max_token_weight=5.0)
    db.cdna.revert()
    assert db.cdna.trial_status() is None
    assert not db.cdna.on_trial


def test_confirming_keeps_the_change(db: neurograph.Database) -> None:
    db.cdna.try_out(profile="explorer")
    kept = db.cdna.confirm(reason="fine", actor="ana")
    assert (kept.profile, kept.on_trial, kept.reason, kept.actor) == ("explorer", False, "fine", "ana")
    assert kept.fields == db.cdna.profile("explorer")
    assert actions(db) == [(1, "create", None), (2, "trial", 1), (3, "confirm", 2)]


def test_reverting_restores_what_was_before(db: neurograph.Database) -> None:
    db.cdna.update(max_out_degree=7)
    db.cdna.try_out(max_token_weight=5.0)
    old = db.cdna.revert(reason="no")
    assert (old.fields, old.profile, old.reason) == (db.cdna.at(2).fields, "custom", "no")
    assert actions(db)[2:] == [(3, "trial", 2), (4, "revert", 2)]


@pytest.mark.usefixtures("past")
def test_an_ended_trial_is_over_before_anyone_records_it(db: neurograph.Database) -> None:
    db.cdna.try_out(max_token_weight=5.0)
    assert db.cdna.version == 1
    assert not db.cdna.on_trial
    assert db.cdna.trial_status() is None
    with pytest.raises(RuleViolated):
        db.tokens.create("cat", weight=4.0)
    assert actions(db) == [(1, "create", None), (2, "trial", 1)]


@pytest.mark.usefixtures("past")
def test_the_next_write_records_the_end(db: neurograph.Database) -> None:
    db.cdna.try_out(max_token_weight=5.0)
    db.cdna.update(max_out_degree=7, actor="ana")
    assert actions(db) == [(1, "create", None), (2, "trial", 1), (3, "expire", 1), (4, "update", 3)]
    ended = db.cdna.at(3)
    assert (ended.fields, ended.actor) == (db.cdna.at(1).fields, "")
    assert ended.reason == "the trial of version 2 ended at 1970-01-01 00:05:00 UTC without being confirmed"
    db.cdna.update(max_out_degree=8)
    assert len(actions(db)) == 5


@pytest.mark.usefixtures("past")
def test_a_write_that_changes_nothing_records_the_end_too(db: neurograph.Database) -> None:
    db.cdna.try_out(max_token_weight=5.0)
    assert db.cdna.reset().version == 3
    assert actions(db)[-1] == (3, "expire", 1)


@pytest.mark.usefixtures("past")
def test_a_trial_may_follow_one_that_ended(db: neurograph.Database) -> None:
    for weight in (2.0, 3.0, 4.0):
        db.cdna.try_out(max_token_weight=weight)
    assert [action for _, action, _ in actions(db)] == ["create", "trial", "expire", "trial", "expire", "trial"]
    assert db.cdna.current().max_token_weight == 1.0


@pytest.mark.usefixtures("past")
def test_a_rollback_after_an_ended_trial_skips_it(db: neurograph.Database) -> None:
    db.cdna.update(max_token_weight=2.0)
    db.cdna.try_out(max_token_weight=5.0)
    assert db.cdna.rollback().max_token_weight == 1.0


def test_a_rollback_after_a_confirmed_trial_undoes_it(db: neurograph.Database) -> None:
    db.cdna.try_out(max_token_weight=5.0)
    db.cdna.confirm()
    assert db.cdna.rollback().max_token_weight == 1.0


def test_a_trial_survives_a_reopening(db: neurograph.Database, tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "other.ngdb") as other:
        other.cdna.try_out(max_token_weight=5.0)
    with neurograph.open(tmp_path / "other.ngdb") as other:
        assert other.cdna.on_trial
        assert other.cdna.confirm().max_token_weight == 5.0


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.update(max_pull=3.0),
        lambda c: c.update_scales([2] * 8),
        lambda c: c.set_flags(strict=True),
        lambda c: c.set_profile("explorer"),
        lambda c: c.rollback(),
        lambda c: c.rollback(1),
        lambda c: c.reset(),
        lambda c: c.forbid_type("hates"),
        lambda c: c.from_bytes(c.to_bytes(1)),
        lambda c: c.try_out(max_pull=3.0),
    ],
)
def test_on_trial_nothing_else_is_changed(db: neurograph.Database, call: Any) -> None:
    db.cdna.try_out(max_token_weight=5.0)
    with pytest.raises(Misuse, match=r"version 2 is on trial until .* UTC; confirm\(\) or revert\(\) it first"):
        call(db.cdna)
    assert db.cdna.version == 2


def test_a_type_of_ones_own_is_switched_on_trial_too(db: neurograph.Database) -> None:
    db.execute("insert into connection_type (code, name) values (256, 'mine')")
    db.cdna.try_out(max_token_weight=5.0)
    assert db.cdna.forbid_type("mine").version == 2


@pytest.mark.parametrize("verb", ["confirm", "revert"])
def test_without_a_trial_there_is_nothing_to_end(db: neurograph.Database, verb: str) -> None:
    with pytest.raises(Misuse, match=f"cannot {verb}; no change is on trial; use try_out to begin one"):
        getattr(db.cdna, verb)()


@pytest.mark.parametrize("verb", ["confirm", "revert"])
@pytest.mark.usefixtures("past")
def test_a_trial_that_ended_cannot_be_ended_again(db: neurograph.Database, verb: str) -> None:
    db.cdna.try_out(max_token_weight=5.0)
    with pytest.raises(Misuse, match="the trial of version 2 had until 1970-01-01 00:05:00 UTC"):
        getattr(db.cdna, verb)()
    assert len(actions(db)) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, InvalidValue, "fields must change something to be tried out"),
        ({"max_token_weight": 1.0}, InvalidValue, "fields must change something"),
        ({"profile": "default"}, InvalidValue, "fields must change something"),
        ({"profile": "explorar"}, UnknownName, "profile must be a known name"),
        ({"profile": 5}, InvalidValue, "name must be a string, got 5"),
        ({"max_pull": 3.0, "duration_s": 0}, InvalidValue, "duration_s must be more than 0, got 0"),
        ({"max_pull": 3.0, "duration_s": -1}, InvalidValue, "duration_s must be in"),
        ({"max_pull": 3.0, "duration_s": math.inf}, InvalidValue, "duration_s must be finite"),
        ({"max_pull": 3.0, "duration_s": 1e12}, InvalidValue, "duration_s must be in"),
        ({"max_pull": 3.0, "duration_s": None}, InvalidValue, "duration_s must be a number"),
        ({"max_pull": 3.0, "broken_connections": 1.5}, InvalidValue, "broken_connections must be a whole number"),
        ({"max_pull": 3.0, "broken_connections": -1}, InvalidValue, "broken_connections must be in"),
        ({"max_pull": 3.0, "churn": -0.1}, InvalidValue, "churn must be in"),
        ({"max_pull": 3.0, "growth": math.nan}, InvalidValue, "growth must be finite"),
        ({"max_pull": -30.0}, InvalidValue, "min_pull must be at most max_pull"),
        ({"max_pul": 3.0}, UnknownName, "field must be a known name"),
        ({"max_pull": 3.0, "reason": None}, InvalidValue, "reason must be a string"),
    ],
)
def test_bad_terms_are_refused_and_begin_nothing(
    db: neurograph.Database, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        db.cdna.try_out(**arguments)
    assert actions(db) == [(1, "create", None)]


def test_a_deadline_is_a_nanosecond_count_that_fits(db: neurograph.Database) -> None:
    new = db.cdna.try_out(max_pull=3.0, duration_s=1e9)
    assert new.trial_deadline_ns is not None
    assert new.trial_deadline_ns < 2**63
    assert status(db).time_left_s == pytest.approx(1e9, abs=60)


# --- its cost ---------------------------------------------------------------------------------------------------


def mind(db: neurograph.Database, tokens: int = 100) -> None:
    """Make tokens 1 … n with a connection from each to the next."""
    db.execute(
        "insert into token (label) with recursive n (i) as (select 1 union all select i + 1 from n where i < ?)"
        " select 't' || i from n",
        (tokens,),
    )
    db.execute("insert into connection (source, target) select id, id + 1 from token where id < ?", (tokens,))


def test_what_is_gone_and_what_is_new_is_counted(db: neurograph.Database) -> None:
    mind(db)
    db.cdna.try_out(max_token_weight=5.0)
    db.execute("delete from connection where source in (1, 2, 3)")
    db.execute("delete from token where id > 90")
    db.execute("insert into token (label) select 'new' || id from token where id <= 25")
    db.execute("insert into connection (source, target) values (1, 50), (2, 60)")
    found = status(db)
    assert found.broken_connections == 3 + 10
    assert found.churn == pytest.approx(0.10)
    assert found.growth == pytest.approx(0.15)
    assert found.exceeded == ("broken_connections",)


def test_replaced_rows_count_as_they_are_kept(db: neurograph.Database) -> None:
    mind(db, 10)
    db.cdna.try_out(max_token_weight=5.0)
    db.execute("insert or replace into token (label) values ('t1')")  # a new token takes the label of an old one
    found = status(db)
    assert (found.churn, found.growth, found.broken_connections) == (0.1, 0.0, 1)


def test_what_came_and_went_is_not_seen(db: neurograph.Database) -> None:
    mind(db, 10)
    db.cdna.try_out(max_token_weight=5.0)
    for _ in range(20):
        db.execute("delete from token where id = ?", (db.tokens.create("passing").id,))
    found = status(db)
    assert (found.churn, found.growth, found.broken_connections) == (0.0, 0.0, 0)


def test_an_empty_start_counts_as_one_token(db: neurograph.Database) -> None:
    db.cdna.try_out(max_token_weight=5.0)
    mind(db, 3)
    assert (status(db).growth, status(db).churn, status(db).exceeded) == (3.0, 0.0, ("growth",))


@pytest.mark.parametrize(
    ("deleted", "created", "broken", "exceeded"),
    [
        (0, 0, 0, ()),
        (30, 30, 0, ()),
        (31, 31, 0, ("churn",)),
        (0, 20, 0, ()),
        (0, 21, 0, ("growth",)),
        (0, 0, 10, ()),
        (0, 0, 11, ("broken_connections",)),
        (40, 90, 11, ("broken_connections", "churn", "growth")),
    ],
)
def test_exactly_what_may_be_is_still_fine(
    db: neurograph.Database, deleted: int, created: int, broken: int, exceeded: tuple[str, ...]
) -> None:
    mind(db)
    db.execute("delete from connection where source > 50")
    db.cdna.try_out(max_token_weight=5.0)
    db.execute("delete from connection where source <= ?", (broken,))
    db.execute("delete from token where id > ?", (100 - deleted,))
    db.executemany("insert into token (label) values (?)", [(f"new{n}",) for n in range(created)])
    assert status(db).exceeded == exceeded
    assert db.execute("select exceeded from cdna_trial").fetchone() == (int(bool(exceeded)),)
    if exceeded:
        with pytest.raises(RuleViolated, match=f"a trial must not cost more than it may, got {exceeded[0]} ") as caught:
            db.cdna.confirm()
        assert caught.value.rule == "cdna.trial"
        assert db.cdna.version == 2
        assert db.cdna.confirm(force=True).version == 3
    else:
        assert db.cdna.confirm().version == 3


def test_a_status_says_the_same_in_sql(db: neurograph.Database) -> None:
    mind(db, 10)
    db.cdna.try_out(max_token_weight=5.0)
    db.execute("delete from token where id = 5")
    found, row = status(db), db.execute("select * from cdna_trial").to_dicts()[0]
    assert row["churn"] == found.churn == 0.1
    assert row["broken_connections"] == found.broken_connections == 2
    assert row["exceeded"] == bool(found.exceeded) == 0


# --- plain SQL --------------------------------------------------------------------------------------------------


def test_sql_can_begin_and_confirm_a_trial(db: neurograph.Database) -> None:
    db.execute(f"update cdna_current set max_token_weight = 5, trial_deadline_ns = {LATER}")
    assert db.cdna.current().action == "trial"
    found = status(db)
    assert (found.churn, found.growth, found.broken_connections, found.exceeded) == (None, None, None, ())
    with pytest.raises(RuleViolated, match="a change is on trial"):
        db.execute("update cdna_current set max_pull = 3")
    db.execute("update cdna_current set trial_deadline_ns = null, reason = 'fine'")
    kept = db.cdna.current()
    assert (kept.version, kept.action, kept.parent, kept.profile, kept.reason) == (3, "confirm", 2, "custom", "fine")
    assert (kept.max_token_weight, kept.on_trial, kept.trial) == (5.0, False, {})


def test_sql_cannot_confirm_what_cost_too_much(db: neurograph.Database) -> None:
    db.cdna.try_out(max_token_weight=5.0)
    mind(db, 3)
    with pytest.raises(RuleViolated, match="the trial has cost more than it may") as caught:
        db.execute("update cdna_current set trial_deadline_ns = null")
    assert caught.value.rule == "cdna.trial"


def test_one_trial_at_a_time_in_sql_too(db: neurograph.Database) -> None:
    db.cdna.try_out(max_token_weight=5.0)
    for deadline in (1, LATER):
        with pytest.raises(RuleViolated, match="a change is on trial"):
            db.execute("insert into cdna (trial_deadline_ns) values (?)", (deadline,))


def test_a_confirmed_version_of_sql_ends_the_trial_for_good(db: neurograph.Database) -> None:
    db.cdna.try_out(max_token_weight=5.0)
    db.execute("insert into cdna (max_pull) values (3)")
    assert not db.cdna.on_trial
    db.execute("insert into cdna (max_pull, trial_deadline_ns) values (4, 1)")
    assert db.cdna.current().max_pull == 3.0


@pytest.mark.parametrize(
    "trial",
    [
        "{}",
        '{"churn": "x"}',
        '{"start": 5}',
        '{"start": {"tokens": "many"}}',
        '{"start": {"tokens": -1}}',
        '{"churn": null}',
    ],
)
def test_terms_that_make_no_sense_do_no_harm(db: neurograph.Database, trial: str) -> None:
    mind(db, 3)
    db.execute("insert into cdna (max_pull, trial_deadline_ns, trial) values (3, ?, ?)", (LATER, trial))
    found = status(db)
    assert found.version == 2
    assert isinstance(found.exceeded, tuple)
    assert db.cdna.confirm(force=True).max_pull == 3.0
