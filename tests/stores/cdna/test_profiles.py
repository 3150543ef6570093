"""Profiles, rollbacks and resets: what they put in force, and what they leave."""

from __future__ import annotations

import pytest

import neurograph
from neurograph.errors import InvalidValue, Misuse, NotFound, UnknownName
from neurograph.model.constitution import PROFILES


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_puts_its_fields_in_force(db: neurograph.Database, name: str) -> None:
    db.cdna.update(max_token_weight=5.0)
    now = db.cdna.set_profile(name)
    assert (now.profile, now.fields, now.action) == (name, db.cdna.profile(name), "profile")


def test_what_would_change_nothing_writes_nothing(db: neurograph.Database) -> None:
    db.cdna.set_profile("default")
    db.cdna.reset()
    db.cdna.update(max_token_weight=1.0)
    db.cdna.update_scales([1] * 8)
    db.cdna.set_flags()
    db.cdna.allow_type("hypernym")
    db.cdna.from_bytes(db.cdna.to_bytes())
    db.cdna.rollback(1)
    assert [v.version for v in db.cdna.history()] == [1]


def test_a_profile_of_ones_own_is_checked_like_a_version(db: neurograph.Database) -> None:
    db.cdna.create_profile("library", based_on="analyzer", max_in_degree=7, scales={"motor": 3})
    db.cdna.update(max_out_degree=9)
    db.cdna.create_profile("snapshot", based_on=None)
    assert db.cdna.set_profile("library").strict
    assert db.cdna.profile("snapshot")["max_out_degree"] == 9
    assert db.cdna.profiles() == sorted([*PROFILES, "library", "snapshot"])
    with pytest.raises(InvalidValue, match="scale_motor must be in"):
        db.cdna.create_profile("bad", scales={"motor": 21})
    with pytest.raises(UnknownName, match=r"profile must be a known name, got 'analyser'.*'analyzer'"):
        db.cdna.create_profile("bad", based_on="analyser")
    for name in ("", "x" * 65, "a\x00", 5, None):
        with pytest.raises(InvalidValue, match="name must"):
            db.cdna.create_profile(name)
    for name in ("library", "default"):
        with pytest.raises(neurograph.errors.Conflict, match="exists already"):
            db.cdna.create_profile(name)


def test_a_version_outlives_its_profile(db: neurograph.Database) -> None:
    db.cdna.create_profile("library", max_in_degree=7)
    db.cdna.set_profile("library")
    db.cdna.delete_profile("library")
    assert (db.cdna.current().profile, db.cdna.current().max_in_degree) == ("library", 7)
    with pytest.raises(UnknownName, match="got 'library'"):
        db.cdna.set_profile("library")
    with pytest.raises(UnknownName):
        db.cdna.delete_profile("library")
    with pytest.raises(InvalidValue, match="must be your own"):
        db.cdna.delete_profile("creative")


def test_rollbacks_go_back_one_state_each_and_skip_none(db: neurograph.Database) -> None:
    for weight in (2.0, 3.0, 4.0):
        db.cdna.update(max_token_weight=weight)
    assert [db.cdna.rollback().max_token_weight for _ in range(3)] == [3.0, 2.0, 1.0]
    with pytest.raises(Misuse, match="nothing before version 7 differs from it"):
        db.cdna.rollback()
    assert [(v.version, v.parent) for v in db.cdna.history(3)] == [(7, 1), (6, 2), (5, 3)]


def test_after_a_rollback_a_new_change_starts_a_new_branch(db: neurograph.Database) -> None:
    for weight in (2.0, 3.0):
        db.cdna.update(max_token_weight=weight)
    db.cdna.rollback()
    db.cdna.update(max_token_weight=9.0)
    assert [db.cdna.rollback().max_token_weight for _ in range(2)] == [2.0, 1.0]


def test_a_rollback_to_a_version_restores_fields_and_profile(db: neurograph.Database) -> None:
    db.cdna.set_profile("creative")
    db.cdna.reset()
    now = db.cdna.rollback(2, reason="it was better")
    assert (now.fields, now.profile, now.parent) == (db.cdna.profile("creative"), "creative", 2)
    with pytest.raises(NotFound):
        db.cdna.rollback(9)
    with pytest.raises(InvalidValue):
        db.cdna.rollback(0)


def test_a_rollback_follows_versions_of_plain_sql_too(db: neurograph.Database) -> None:
    db.execute("insert into cdna (max_token_weight) values (2)")
    db.execute("insert into cdna (max_token_weight) values (3)")
    assert [db.cdna.rollback().max_token_weight for _ in range(2)] == [2.0, 1.0]


def test_a_reset_is_the_default_profile(db: neurograph.Database) -> None:
    db.cdna.update(max_token_weight=5.0, validation=False)
    now = db.cdna.reset(actor="ana")
    assert (now.fields, now.profile, now.action, now.actor) == (
        db.cdna.profile("default"),
        "default",
        "reset",
        "ana",
    )
