"""Experience: what is recorded stays, rewards are set later by their rules, episodes, reading, trim and archive."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager

import numpy as np
import pytest

import neurograph
from neurograph import Episode
from neurograph.errors import InvalidValue, NotFound, RuleViolated, UnknownName
from neurograph.model.experience import FLAGS, REWARDS, STATE
from neurograph.stores.experience import looking, recording

S = (1.0, 0.5, 0.25, 0.125, 0.0, 0.75, -0.5, 1.0)
SECOND = 10**9
MOST = sys.float_info.max


def test_what_was_recorded_is_read_as_it_was(db):
    done = db.experience.record(
        S, [*range(8)], episode=5, step=3, type="action.failed", flags=["urgent", "trajectory"],
        rewards={"goal": -2, "curiosity": 0.25}, policy_hash=2**32 - 1, intent="é", executor="me",
        parameters={"a": [1]},
    )  # fmt: skip
    assert (done.id, done.episode, done.step, done.type, done.flags) == (1, 5, 3, "action.failed", 3)
    assert (done.state, done.action) == (S, tuple(map(float, range(8))))
    assert [getattr(done, name) for name in REWARDS] == [None, 0.25, None, -2.0]
    assert (done.reward, done.policy_hash, done.intent, done.executor) == (-1.75, 2**32 - 1, "é", "me")
    assert done.parameters == {"a": [1]}
    assert len(done.uid) == 16
    assert db.experience.get(1) == db.experience.get(done) == next(db.experience.read()) == done


def test_a_state_is_given_by_name_as_an_array_or_as_a_sequence(db):
    by_name = dict(zip(STATE, S, strict=True))
    for state in (S, [*S], np.array(S), by_name, dict(reversed(by_name.items()))):
        assert db.experience.record(state, np.zeros(8)).state == S
    assert db.experience.record(S).action == (0.0,) * 8


def test_episodes_and_steps_go_on_by_themselves(db):
    places = [
        (done.episode, done.step)
        for done in (
            db.experience.record(S),
            db.experience.record(S, episode=1),
            db.experience.record(S),
            db.experience.record(S, episode=1, step=7),
            db.experience.record(S, episode=1),
            db.experience.record(S, episode=0),
            db.experience.record(S, step=4),
        )
    ]
    assert places == [(1, 0), (1, 1), (2, 0), (1, 7), (1, 8), (0, 0), (3, 4)]
    ids = db.experience.record_many([S, S], rewards=[{"goal": 1}, None])
    assert [(done.id, done.episode, done.step) for done in db.experience.read(episode=4)] == [(8, 4, 0), (9, 4, 1)]
    assert ids == [8, 9]
    assert db.experience.record_many(np.array([S]), np.ones((1, 8)), episode=4) == [10]
    assert db.experience.get(10).step == 2
    assert db.experience.record_many([]) == []
    assert [(found.episode, found.steps) for found in db.experience.episodes()] == [
        (0, 1),
        (1, 4),
        (2, 1),
        (3, 1),
        (4, 3),
    ]
    assert db.experience.episodes(after=3)[0][:5] == (4, 3, 8, 10, 1.0)
    assert isinstance(db.experience.episodes(after=3)[0], Episode)
    assert [found.episode for found in db.experience.episodes(limit=2)] == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"state": S[:7]}, "state must be eight numbers"),
        ({"state": "12345678"}, "state must be eight numbers"),
        ({"state": [2, *S[1:]]}, r"state \(existence\) must be in \[0, 1\], got 2.0"),
        ({"state": [*S[:6], -1.5, 1]}, r"state \(valence\) must be in \[-1, 1\], got -1.5"),
        ({"state": [-0.1, *S[1:]]}, r"state \(existence\) must be in \[0, 1\], got -0.1"),
        ({"state": [float("nan"), *S[1:]]}, r"state \(existence\) must be finite"),
        ({"state": {"existence": 1}}, "state must have existence, novelty, .*, got existence"),
        ({"action": [0] * 9}, "action must be eight numbers"),
        ({"action": [float("inf")] * 8}, r"action \(action_1\) must be finite"),
        ({"flags": ["loud"]}, "flags must be some of urgent, .*, got 'loud'"),
        ({"flags": 65536}, "flags must be in"),
        ({"flags": "urgent"}, "flags must be a whole number"),
        ({"rewards": {"joy": 1}}, "rewards must map some of homeostasis"),
        ({"rewards": [1]}, "rewards must map some of homeostasis"),
        ({"rewards": {"goal": float("nan")}}, "goal must be finite"),
        ({"policy_hash": 2**32}, "policy_hash must be in"),
        ({"episode": -1}, "episode must be in"),
        ({"step": 2**32}, "step must be in"),
        ({"intent": "a\x00"}, "intent must be text without NUL"),
        ({"executor": 7}, "executor must be text without NUL"),
        ({"parameters": {"a": float("nan")}}, "parameters must be what JSON can say"),
        ({"parameters": [1]}, "parameters must map strings"),
        ({"type": "action.*"}, r"type must be the name of one event type, got 'action.\*'"),
        ({"type": "*"}, r"type must be the name of one event type, got '\*'"),
    ],
)
def test_a_value_that_breaks_its_rule_is_refused(db, arguments, said):
    with pytest.raises(InvalidValue, match=said):
        db.experience.record(**{"state": S, **arguments})
    assert db.experience.count() == 0


def test_many_are_recorded_or_none(db):
    for wrong in ({"actions": [S]}, {"rewards": [{}]}, {"rewards": [None, {"joy": 1}]}, {"flags": -1}):
        with pytest.raises(InvalidValue):
            db.experience.record_many([S, S], **wrong)
    with pytest.raises(InvalidValue):
        db.experience.record_many([S, S[:3]])
    assert db.experience.count() == 0


def test_rewards_are_set_until_all_is_appraised(db):
    done = db.experience.record(S, rewards={"goal": 1})
    assert db.experience.appraise(done, {"goal": 0.5, "curiosity": 0.25}).reward == 0.75
    assert db.experience.appraise(1, {"homeostasis": -1}).reward == -0.25
    assert db.experience.appraise(done) == db.experience.get(1)
    final = db.experience.appraise(done, {"efficiency": 0.5}, final=True)
    assert (final.reward, final.flags) == (0.25, FLAGS["fully_appraised"])
    assert db.experience.appraise(done, {"efficiency": 0.5}) == final  # changes nothing
    with pytest.raises(RuleViolated, match=r"can't be changed, got \{'goal': 9.0\} for 1") as refused:
        db.experience.appraise(done, {"goal": 9})
    assert refused.value.rule == "experience.appraised"
    with pytest.raises(NotFound, match="no experience has the id 7"):
        db.experience.appraise(7, {"goal": 1})
    with pytest.raises(NotFound):
        db.experience.get(7)
    for wrong in (0, "a", 1.5):
        with pytest.raises(InvalidValue):
            db.experience.get(wrong)


@pytest.mark.parametrize(
    "sql",
    [
        "update experience set valence = 0",
        "update experience set action_8 = 1",
        "update experience set episode = 2",
        "update experience set step = 2",
        "update experience set created_ns = 1",
        "update experience set uid = randomblob(16)",
        "update experience set intent = 'x'",
        "update experience set parameters = '{}'",
        "update experience set flags = 1",
        "update experience set rowid = 9",
        "update experience set flags = 16, goal = 1, type_id = 512",
        f"insert or replace into experience (id, episode, step, {', '.join(STATE)}) values (1, 1, 0{', 1' * 8})",
        f"insert into experience (episode, step, type_id, {', '.join(STATE)}) values (1, 0, 7{', 1' * 8})",
    ],
)
@pytest.mark.parametrize("foreign_keys", [0, 1])
def test_what_was_experienced_stays_as_it_was(db, sql, foreign_keys):
    done = db.experience.record(S)
    db.execute(f"pragma foreign_keys = {foreign_keys}")
    with pytest.raises(RuleViolated):
        db.execute(sql)
    assert [*db.experience.read()] == [done]


def test_sql_sets_a_reward_as_python_does(db):
    db.experience.record(S)
    db.execute("update experience set goal = 0.5, flags = flags | 16")
    assert db.experience.get(1).reward == 0.5
    with pytest.raises(RuleViolated):
        db.execute("update experience set goal = 1")
    with pytest.raises(RuleViolated):
        db.execute("update experience set flags = 0")


def test_reading_is_narrowed_by_everything(db, monkeypatch):
    now = [4_000_000_000 * SECOND]
    monkeypatch.setattr(recording, "now_ns", lambda: now[0])
    for number in range(12):
        now[0] += SECOND
        kind = "action.failed" if number % 3 else "action.completed"
        db.experience.record(S, episode=number % 2, type=kind, rewards={"goal": number})
    everything = [*db.experience.read()]
    start = everything[0].created_ns
    asked = [
        ({"episode": 1}, lambda one: one.episode == 1),
        ({"type": "action.failed"}, lambda one: one.type == "action.failed"),
        ({"type": "action.*"}, lambda one: True),
        ({"type": "system.*"}, lambda one: False),
        ({"since_ns": start + 3 * SECOND}, lambda one: one.id >= 4),
        ({"until_ns": start + 3 * SECOND}, lambda one: one.id < 4),
        ({"min_reward": 7}, lambda one: one.reward >= 7),
        ({"episode": 0, "min_reward": 2.5, "type": "action.failed"}, lambda one: one.id in {5, 9, 11}),
    ]
    for arguments, wanted in asked:
        found = [one for one in everything if wanted(one)]
        assert [*db.experience.read(**arguments)] == found
        assert [*db.experience.read(**arguments, order="newest")] == found[::-1]
        assert db.experience.count(**arguments) == len(found)
    assert [one.id for one in db.experience.read(after=9)] == [10, 11, 12]
    assert [one.id for one in db.experience.read(limit=2, order="newest")] == [12, 11]
    for wrong in ({"order": "x"}, {"limit": -1}, {"after": -1}, {"episode": -1}, {"min_reward": "x"}):
        with pytest.raises(InvalidValue):
            db.experience.read(**wrong)
    with pytest.raises(UnknownName):
        db.experience.count("action.fialed")


def test_more_than_a_page_is_read(db):
    db.experience.record_many([S] * 2100)
    assert [one.id for one in db.experience.read()] == [*range(1, 2101)]
    assert [one.id for one in db.experience.read(order="newest", limit=2050)] == [*range(2100, 50, -1)]


def test_the_oldest_go_but_what_persists(db, tmp_path):
    for number in range(10):
        db.experience.record(S, flags=["persist"] if number == 2 else 0, parameters={"n": number})
    assert db.experience.trim(keep=7) == 2
    assert [one.id for one in db.experience.read()] == [*range(3, 11)]
    old = [*db.experience.read(limit=4)]
    assert db.experience.archive(tmp_path / "old.jsonl", before=7) == 3
    rows = [json.loads(line) for line in (tmp_path / "old.jsonl").read_text().splitlines()]
    assert [row["parameters"] for row in rows] == [one.parameters for one in old[1:]]
    assert [bytes.fromhex(row["uid"]) for row in rows] == [one.uid for one in old[1:]]
    assert [one.id for one in db.experience.read()] == [3, 7, 8, 9, 10]
    assert db.experience.trim(keep=100) == 0
    assert db.experience.trim(keep=1, before=2) == 3
    assert db.experience.trim(keep=0) == 1
    assert db.experience.record(S).id == 11
    for call in (db.experience.trim, lambda: db.experience.archive(tmp_path / "new")):
        with pytest.raises(InvalidValue, match="one of keep, older_than_s and before"):
            call()
    with pytest.raises(InvalidValue, match="path must be that of a new file"):
        db.experience.archive(tmp_path / "old.jsonl", keep=0)


def test_an_archive_is_json_whatever_the_rewards(db, tmp_path):
    for sign in (1, -1):
        db.experience.record(S, rewards={"goal": sign * 1.7e308, "curiosity": sign * 1.7e308})
    assert db.experience.archive(tmp_path / "old.jsonl", keep=0) == 2
    rows = [json.loads(line, parse_constant=pytest.fail) for line in (tmp_path / "old.jsonl").read_text().splitlines()]
    assert [row["reward"] for row in rows] == [MOST, -MOST]
    assert [row["goal"] for row in rows] == [1.7e308, -1.7e308]


def test_what_is_appraised_while_it_is_archived_stays(db, tmp_path, monkeypatch):
    db.experience.record_many([S] * 4)
    lines = looking.json_lines

    @contextmanager
    def meddle(path):
        with lines(path) as write:
            yield write
        db.experience.appraise(2, {"goal": 1})
        db.experience.trim(before=2)

    monkeypatch.setattr(looking, "json_lines", meddle)
    assert db.experience.archive(tmp_path / "old.jsonl", keep=1) == 1
    assert [(one.id, one.reward) for one in db.experience.read()] == [(2, 1.0), (4, 0.0)]
    assert [json.loads(line)["id"] for line in (tmp_path / "old.jsonl").read_text().splitlines()] == [1, 2, 3]


def test_what_is_appraised_from_minus_one_to_minus_two_stays(db, tmp_path, monkeypatch):
    db.experience.record_many([S] * 2, rewards=[{"goal": -1}] * 2)  # for Python has one hash for -1.0 and -2.0
    lines = looking.json_lines

    @contextmanager
    def meddle(path):
        with lines(path) as write:
            yield write
        db.experience.appraise(1, {"goal": -2}, final=False)

    monkeypatch.setattr(looking, "json_lines", meddle)
    assert db.experience.archive(tmp_path / "old.jsonl", keep=1) == 0
    assert db.experience.get(1).goal == -2.0


def test_an_archive_holds_what_only_escapes_can_say(db, tmp_path):
    record = db.experience.record(S, parameters={"a": 1})
    sql = "insert into experience select 2, zeroblob(16), 9, 0, type_id, flags, created_ns"
    columns = ", ".join((*STATE, *(f"action_{number}" for number in range(1, 9)), *REWARDS))
    sql = f"{sql}, {columns}, policy_hash, intent, executor, ? from experience where id = 1"
    db.execute(sql, [r'{"lone": "\ud800", "greatest": [1e999, {"least": -1e999}]}'])
    assert db.experience.archive(tmp_path / "old.jsonl", keep=0) == 2
    rows = [json.loads(line, parse_constant=pytest.fail) for line in (tmp_path / "old.jsonl").read_text().splitlines()]
    assert rows[0]["parameters"] == record.parameters
    assert rows[1]["parameters"] == {"lone": "\ud800", "greatest": [MOST, {"least": -MOST}]}


def test_a_number_that_has_none_after_it_is_named(db):
    db.experience.record(S, episode=7, step=0xFFFFFFFF)
    for call in (lambda: db.experience.record(S, episode=7), lambda: db.experience.record_many([S], episode=7)):
        with pytest.raises(InvalidValue, match="got the one after the last of episode 7"):
            call()
    db.experience.record(S, episode=2**63 - 1)
    for call in (lambda: db.experience.record(S), lambda: db.experience.record_many([S])):
        with pytest.raises(InvalidValue, match="episode must be given; there is no number above the greatest"):
            call()
    assert db.experience.count() == 2


def test_what_is_old_goes_by_its_age(db, monkeypatch):
    now = [4_000_000_000 * SECOND]
    for module in (recording, looking):
        monkeypatch.setattr(module, "now_ns", lambda: now[0])
    for _ in range(5):
        db.experience.record(S)
        now[0] += SECOND
    assert db.experience.trim(older_than_s=3) == 2
    assert db.experience.count() == 3


def test_experience_is_part_of_the_transaction(tmp_path):
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        kept = db.experience.record(S)
        db.begin()
        db.experience.record(S)
        db.experience.appraise(kept, {"goal": 1}, final=True)
        db.rollback()
    with neurograph.open(path) as db:
        assert [*db.experience.read()] == [kept]
        assert db.check() == []
