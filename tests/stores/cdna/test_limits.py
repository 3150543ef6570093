"""What the constitution forbids is refused on every path, what it no longer forbids is not.

The stock shell, the path that is not in this process, has its own file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

import neurograph
from limit_cases import GROUND, LIMITS, Limit
from neurograph.errors import Conflict, RuleViolated

Run = Callable[[str], None]
PATHS = ("execute", "transaction", "apsw", "apsw with keys and recursive triggers")
TABLES = ("token", "edge", "connection", "degree", "displaced_token", "displaced_edge", "cdna")


@pytest.fixture
def db(tmp_path: Path, empty_file: bytes) -> Iterator[neurograph.Database]:
    (tmp_path / "mind.ngdb").write_bytes(empty_file)
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as database:
        yield database


def runner(db: neurograph.Database, path: str) -> Run:
    """Return what runs one statement; it raises an error that names the rule."""
    if path == "execute":
        return lambda sql: void(db.execute(sql))
    if path == "transaction":

        def run(sql: str) -> None:
            with db.transaction():
                db.execute("update meta set value = value where name = 'schema'")
                db.execute(sql)

        return run
    connection = apsw.Connection(db.path)
    on = int("keys" in path)
    connection.pragma("foreign_keys", on)
    connection.pragma("recursive_triggers", on)
    connection.set_busy_timeout(5000)
    return lambda sql: void(connection.execute(sql).fetchall())


def void(result: object) -> None:
    """Forget a result."""


def state(db: neurograph.Database) -> list[object]:
    return [db.execute(f"select * from {table} order by 1").fetchall() for table in TABLES]


def prepared(db: neurograph.Database, limit: Limit) -> None:
    """Write ground that breaks the limit, then put the limit in force."""
    db.cdna.set_flags(validation=False)
    db.execute(GROUND + limit.ground)
    db.cdna.update(validation=True, **limit.fields)


def refusal_of(run: Run, sql: str) -> str:
    """Return the rule by which a statement is refused, or an empty text."""
    try:
        run(sql)
    except RuleViolated as error:
        return error.rule
    except Conflict:
        return ""
    except apsw.ConstraintError as error:
        return str(error).partition("ng:")[2].partition(": ")[0]
    return ""


every_limit = pytest.mark.parametrize("limit", LIMITS, ids=[limit.rule for limit in LIMITS])
every_path = pytest.mark.parametrize("path", PATHS)


@every_path
@every_limit
def test_a_write_beyond_the_limit_is_refused_and_changes_nothing(
    db: neurograph.Database, limit: Limit, path: str
) -> None:
    prepared(db, limit)
    run, before = runner(db, path), state(db)
    wrong = {sql: rule for sql in limit.refused if (rule := refusal_of(run, sql)) != limit.rule}
    assert wrong == {}
    assert state(db) == before


@every_path
@every_limit
def test_a_violation_may_be_lowered_or_left_alone(db: neurograph.Database, limit: Limit, path: str) -> None:
    prepared(db, limit)
    run = runner(db, path)
    assert {sql: rule for sql in limit.allowed if (rule := refusal_of(run, sql))} == {}


@every_path
@every_limit
def test_validation_off_lifts_the_limit(db: neurograph.Database, limit: Limit, path: str) -> None:
    prepared(db, limit)
    db.cdna.set_flags(validation=False)
    run = runner(db, path)
    assert {sql: rule for sql in limit.refused[:3] if (rule := refusal_of(run, sql))} == {}


@every_path
@every_limit
def test_a_limit_on_trial_holds_until_the_deadline_and_not_a_moment_longer(
    db: neurograph.Database, limit: Limit, path: str
) -> None:
    db.cdna.set_flags(validation=False)
    db.execute(GROUND + limit.ground)
    run = runner(db, path)
    db.cdna.try_out(validation=True, duration_s=1000, **limit.fields)
    assert refusal_of(run, limit.refused[0]) == limit.rule
    db.cdna.revert()
    columns = ", ".join(limit.fields)
    values = ", ".join(map(repr, limit.fields.values()))
    db.execute(f"insert into cdna ({columns}, trial_deadline_ns) values ({values}, 1)")
    assert refusal_of(run, limit.refused[0]) == ""


@every_limit
def test_the_refusal_names_limits_and_remedy(db: neurograph.Database, limit: Limit) -> None:
    prepared(db, limit)
    with pytest.raises(RuleViolated, match=r"limits|allow") as caught:
        db.execute(limit.refused[0])
    assert caught.value.rule == limit.rule
    if limit.rule != "edge.type":
        assert "db.cdna.update(" in str(caught.value)


@every_limit
def test_rows_the_limit_forbids_stay_and_are_listed(db: neurograph.Database, limit: Limit) -> None:
    prepared(db, limit)
    listed = {violation.invariant for violation in db.check()}
    assert bool(limit.allowed) <= bool(listed)
    assert all(name.startswith("limits.") for name in listed)


def test_the_stores_are_refused_too(db: neurograph.Database) -> None:
    db.execute(GROUND)
    db.cdna.update(max_token_weight=0.75, max_edge_weight=0.75, max_out_degree=1)
    db.cdna.forbid_type("hates")
    before = state(db)
    for rule, call in {
        "token.weight": lambda: db.tokens.create("e", weight=0.8),
        "token.field_radius": lambda: db.tokens.create("e", field_radius=2.6),
        "token.field_strength": lambda: db.tokens.create("e", field_strength=1.1),
        "edge.weight": lambda: db.graph.create("c", "d", weight=0.8),
        "edge.type": lambda: db.graph.create("c", "d", type="hates", weight=0.5),
        "edge.out_degree": lambda: db.graph.create("a", "d", weight=0.5),
    }.items():
        with pytest.raises(RuleViolated) as caught:
            call()
        assert caught.value.rule == rule
    assert state(db) == before


@pytest.mark.parametrize("path", PATHS)
def test_a_type_of_ones_own_is_switched_by_its_row(db: neurograph.Database, path: str) -> None:
    db.execute(GROUND)
    run, sql = runner(db, path), "insert into edge (source, target, type) values (1, 3, 256)"
    assert refusal_of(run, sql) == "edge.type"
    db.cdna.allow_type("mine")
    assert refusal_of(run, sql) == ""
    db.cdna.forbid_type(256)
    assert refusal_of(run, "insert or replace into edge (source, target, type) values (1, 3, 256)") == "edge.type"


@pytest.mark.parametrize("path", PATHS)
def test_a_limit_of_the_newest_version_holds_not_one_of_the_first(db: neurograph.Database, path: str) -> None:
    """SQLite drops the ORDER BY, and not the LIMIT, of a view that it merges into a SELECT a trigger discards."""
    db.execute(GROUND)
    run = runner(db, path)
    for weight in (2.0, 3.0, 4.0):
        db.cdna.update(max_token_weight=weight)
        assert refusal_of(run, f"update token set weight = {weight} where id = 1") == ""
        assert refusal_of(run, f"update token set weight = {weight + 0.5} where id = 1") == "token.weight"
