"""Transactions, savepoints and snapshots of one thread: all or none, whatever is raised, and every misuse named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurograph
from neurograph import errors


@pytest.fixture(params=["memory", "file"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[neurograph.Database]:
    path = ":memory:" if request.param == "memory" else tmp_path / "mind.ngdb"
    with neurograph.open(path, synchronous="off", busy_timeout_s=1) as db:
        yield db
        assert not db.in_transaction
        assert db._session._turn.take(0)
        db._session._turn.give()
        assert not db._session._turn.mine
        assert not db._session._pinned


def labels(db: neurograph.Database) -> list[str]:
    return [label for (label,) in db.execute("select label from token order by id")]


def test_it_keeps_everything_together(db: neurograph.Database) -> None:
    with db.transaction():
        assert db.in_transaction
        db.tokens.create("cat")
        db.execute("insert into token (label) values ('dog')")
        db.executemany("insert into token (label) values (?)", [("cow",)])
    assert labels(db) == ["cat", "dog", "cow"]


def test_it_undoes_everything_together(db: neurograph.Database) -> None:
    def block() -> None:
        with db.transaction():
            cat = db.tokens.create("cat")
            db.graph.create(cat, db.tokens.create("dog"))
            db.cdna.update(max_token_weight=0.5)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        block()
    assert labels(db) == []
    assert db.execute("select count(*) from edge").fetchone() == (0,)
    assert db.tokens.create("cat", weight=0.9).weight == 0.9


def test_its_value_is_none(db: neurograph.Database) -> None:
    with db.transaction() as nothing, db.transaction() as inner:
        assert (nothing, inner) == (None, None)
    with db.snapshot() as nothing:
        assert nothing is None


def test_an_inner_one_is_undone_alone(db: neurograph.Database) -> None:
    def inner() -> None:
        with db.transaction():
            db.tokens.create("inner")
            raise ZeroDivisionError

    with db.transaction():
        db.tokens.create("outer")
        with pytest.raises(ZeroDivisionError):
            inner()
        db.tokens.create("after")
    assert labels(db) == ["outer", "after"]


def test_an_outer_rollback_discards_a_released_savepoint(db: neurograph.Database) -> None:
    def outer() -> None:
        with db.transaction():
            with db.transaction():
                db.tokens.create("inner")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        outer()
    assert labels(db) == []


def test_an_error_of_sqlite_goes_through_many_blocks_in_the_same_words(db: neurograph.Database) -> None:
    db.tokens.create("cat")

    def block() -> None:
        with db.transaction(), db.transaction(), db.transaction():
            db.execute("insert into token (label) values ('cat')")

    with pytest.raises(
        errors.Conflict, match=r"^token\.label must be unique; a row with that value exists already$"
    ) as e:
        block()
    assert isinstance(e.value.__cause__, apsw.ConstraintError)

    def raw() -> None:
        with db.transaction(), db.transaction():
            db._session.writer.connection.execute("insert into token (label) values ('cat')")

    with pytest.raises(errors.Conflict) as e:
        raw()
    assert isinstance(e.value.__cause__, apsw.ConstraintError)

    def plain() -> None:
        with db.transaction(), db.transaction():
            db.execute("select absent")

    with pytest.raises(apsw.SQLError, match="no such column: absent") as plain_error:
        plain()
    assert plain_error.value.__cause__ is None


@pytest.mark.parametrize("verb", ["commit", "rollback"])
def test_ending_what_was_not_begun_is_refused(db: neurograph.Database, verb: str) -> None:
    words = {"commit": "cannot commit; no transaction is open", "rollback": "cannot roll back; no transaction is open"}
    with pytest.raises(errors.NoTransaction, match=words[verb]):
        getattr(db, verb)()


def test_begin_commit_and_rollback_at_a_prompt(db: neurograph.Database) -> None:
    db.begin()
    db.tokens.create("cat")
    db.begin()
    db.tokens.create("dog")
    db.rollback()
    db.commit()
    assert labels(db) == ["cat"]
    db.begin()
    db.tokens.create("cow")
    db.rollback()
    assert labels(db) == ["cat"]


def test_a_begin_inside_a_block_without_its_end_undoes_the_block(db: neurograph.Database) -> None:
    def block() -> None:
        with db.transaction():
            db.tokens.create("cat")
            db.begin()
            db.tokens.create("dog")

    with pytest.raises(errors.TransactionOpen, match=r"a begin\(\) inside the block was not ended"):
        block()
    assert labels(db) == []


@pytest.mark.parametrize("verb", ["commit", "rollback"])
def test_ending_a_block_from_inside_is_refused_at_its_end(db: neurograph.Database, verb: str) -> None:
    def block() -> None:
        with db.transaction():
            db.tokens.create("cat")
            getattr(db, verb)()

    with pytest.raises(errors.NoTransaction, match="cannot commit; the transaction was ended inside its block"):
        block()
    assert labels(db) == (["cat"] if verb == "commit" else [])


def test_an_error_after_ending_a_block_from_inside_is_the_error(db: neurograph.Database) -> None:
    def block() -> None:
        with db.transaction():
            db.rollback()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        block()


def test_a_deferred_reference_that_dangles_is_found_at_the_commit_and_undoes_it(db: neurograph.Database) -> None:
    db.execute("create table owner (token_id integer references token (id) deferrable initially deferred)")

    def block() -> None:
        with db.transaction():
            db.tokens.create("cat")
            db.execute("insert into owner values (99)")

    with pytest.raises(apsw.ConstraintError, match="FOREIGN KEY"):
        block()
    assert labels(db) == []
    assert db.execute("select count(*) from owner").fetchone() == (0,)


def test_every_undo_is_counted_on_the_line(db: neurograph.Database) -> None:
    """Arrays live by this number: nothing in SQLite moves at a rollback."""
    line = db._session.writer
    db.tokens.create("cat")

    def counted(call: object) -> int:
        before = line.undone
        call()  # type: ignore[operator]
        return line.undone - before

    def undone() -> None:
        db.begin()
        db.rollback()

    def savepoint() -> None:
        db.begin()
        db.begin()
        db.rollback()
        db.commit()

    def failed() -> None:
        with pytest.raises(errors.Conflict):
            db.tokens.create("cat")

    def failed_sql() -> None:
        with pytest.raises(errors.Conflict):
            db.execute("insert into token (label) values ('cat')")

    assert counted(undone) >= 1
    assert counted(savepoint) >= 1
    assert counted(failed) >= 1
    assert counted(failed_sql) >= 1
    assert counted(lambda: db.tokens.create("dog")) == 0
    assert counted(lambda: db.execute("select 1")) == 0


# --- snapshots -------------------------------------------------------------------------------------------------------


def test_a_snapshot_sees_one_state_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db, neurograph.open(path) as other:
        with db.snapshot():
            other.tokens.create("cat")
            assert labels(db) == []
            assert db.tokens.count() == 0
            with db.snapshot():
                other.tokens.create("dog")
                assert labels(db) == []
            assert labels(db) == []
        assert labels(db) == ["cat", "dog"]


WRITES = {
    "execute": lambda db: db.execute("insert into token (label) values ('cat')"),
    "several": lambda db: db.execute("select 1; insert into token (label) values ('cat')"),
    "executemany": lambda db: db.executemany("insert into token (label) values (?)", [("cat",)]),
    "create": lambda db: db.tokens.create("cat"),
    "create_many": lambda db: db.tokens.create_many(labels=["cat"]),
    "begin": lambda db: db.begin(),
    "vacuum": lambda db: db.execute("vacuum"),
    "attach": lambda db: db.execute("attach ':memory:' as o"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_snapshot_refuses_writes(db: neurograph.Database, write: object) -> None:
    with db.snapshot():
        with pytest.raises(errors.ReadOnlyDatabase, match="snapshots only read; write before or after"):
            write(db)  # type: ignore[operator]
        assert labels(db) == []
    db.tokens.create("dog")


def test_a_snapshot_inside_a_transaction_is_refused(db: neurograph.Database) -> None:
    with db.transaction():
        db.tokens.create("cat")
        with pytest.raises(errors.TransactionOpen, match="cannot open a snapshot; a transaction is open"):
            db.snapshot().__enter__()
    assert labels(db) == ["cat"]


def test_an_error_inside_a_snapshot_lets_it_go(db: neurograph.Database) -> None:
    def block() -> None:
        with db.snapshot(), db.snapshot():
            db.execute("select absent")

    with pytest.raises(apsw.SQLError):
        block()
    db.tokens.create("cat")


def test_several_reads_of_a_store_see_one_state_and_do_not_write(db: neurograph.Database) -> None:
    session = db._session
    with session.reading() as line:
        assert session.rows("select count(*) from token") == [(0,)]
        assert line.connection.in_transaction
        with session.reading() as inner:
            assert inner is line
        with pytest.raises(errors.ReadOnlyDatabase):
            session.change("insert into token (label) values ('cat')")
    assert not line.connection.in_transaction
    with db.transaction():
        db.tokens.create("cat")
        with session.reading() as line:
            assert line is session.writer
            db.tokens.create("dog")
    assert labels(db) == ["cat", "dog"]


# --- any order of it all ---------------------------------------------------------------------------------------------

STEPS = st.lists(st.sampled_from(["begin", "commit", "rollback", "write", "fail", "block", "bad block"]), max_size=24)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_any_order_of_steps_equals_a_stack_of_lists(steps: list[str]) -> None:
    """The model: a stack of states; begin pushes a copy, commit drops the one below the top, rollback the top."""
    with neurograph.open(":memory:") as db:
        stack: list[list[str]] = [[]]
        for number, step in enumerate(steps):
            label = f"{number} {step}"
            if step == "begin":
                db.begin()
                stack.append(list(stack[-1]))
            elif step in ("commit", "rollback"):
                if len(stack) == 1:
                    with pytest.raises(errors.NoTransaction):
                        getattr(db, step)()
                    continue
                getattr(db, step)()
                top = stack.pop()
                if step == "commit":
                    stack[-1] = top
            elif step == "write":
                db.tokens.create(label)
                stack[-1].append(label)
            elif step == "fail":
                with pytest.raises(errors.RuleViolated):
                    db.execute("insert into token (weight) values (7)")
            elif step == "block":
                with db.transaction():
                    db.tokens.create(label)
                stack[-1].append(label)
            else:
                with pytest.raises(errors.RuleViolated):
                    db.execute(f"insert into token (label) values ('{label}'); insert into token (weight) values (7)")
            assert labels(db) == stack[-1]
            assert db.in_transaction == (len(stack) > 1)
        while db.in_transaction:
            db.rollback()
        assert labels(db) == stack[0]
