"""asyncio tasks of one loop share a thread and not a transaction: the second is told at once, never kept waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurograph
from neurograph import errors


@pytest.fixture
def db(tmp_path: Path) -> Iterator[neurograph.Database]:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off", busy_timeout_s=30) as db:
        yield db
        assert db.check() == []


async def hold(db: neurograph.Database, begun: asyncio.Event, release: asyncio.Event) -> None:
    with db.transaction():
        db.tokens.create("held")
        begun.set()
        await release.wait()
        db.tokens.create("held on")


async def beside(db: neurograph.Database, call: object) -> object:
    """Call something in a task of its own while another holds a transaction."""
    begun, release = asyncio.Event(), asyncio.Event()
    holder = asyncio.create_task(hold(db, begun, release))
    await begun.wait()

    async def run() -> object:
        return call()  # type: ignore[operator]

    try:
        return await asyncio.create_task(run())
    finally:
        release.set()
        await holder


WRITES = {
    "create": lambda db: db.tokens.create("dog"),
    "execute": lambda db: db.execute("insert into token (label) values ('dog')"),
    "several": lambda db: db.execute("select 1; insert into token (label) values ('dog')"),
    "executemany": lambda db: db.executemany("insert into token (label) values (?)", [("dog",)]),
    "begin": lambda db: db.begin(),
    "transaction": lambda db: db.transaction().__enter__(),
    "pragma": lambda db: db.execute("pragma cache_size = -100"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_second_tasks_write_is_refused_at_once_with_the_remedy(db: neurograph.Database, write: object) -> None:
    started = time.monotonic()
    with pytest.raises(errors.TransactionBusy, match=r"another task of this event loop .* serialise the tasks with a"):
        asyncio.run(beside(db, lambda: write(db)))  # type: ignore[operator]
    assert time.monotonic() - started < 10
    assert [token.label for token in db.tokens.list()] == ["held", "held on"]


def test_a_second_tasks_reads_see_the_old_state(db: neurograph.Database) -> None:
    db.tokens.create("cat")

    def read() -> tuple[object, ...]:
        with db.snapshot():
            inside = db.tokens.count()
        return (
            db.execute("select label from token").fetchall(),
            db.tokens.get("cat").label,
            list(db.stream("select label from token")),
            inside,
            db.in_transaction,
        )

    assert asyncio.run(beside(db, read)) == ([("cat",)], "cat", [("cat",)], 1, False)


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_second_task_can_not_end_the_transaction(db: neurograph.Database, end: str) -> None:
    with pytest.raises(errors.NoTransaction, match="no transaction is open in this thread or task"):
        asyncio.run(beside(db, getattr(db, end)))
    assert db.tokens.count() == 2


def test_closing_in_a_second_task_is_refused(db: neurograph.Database) -> None:
    with pytest.raises(errors.TransactionOpen, match="another task of this loop has a transaction open"):
        asyncio.run(beside(db, db.close))
    assert not db.closed


def test_the_owner_goes_on_after_awaiting(db: neurograph.Database) -> None:
    async def main() -> None:
        with db.transaction():
            db.tokens.create("cat")
            await asyncio.sleep(0)
            assert db.in_transaction
            assert db.tokens.count() == 1
            with db.transaction():
                await asyncio.sleep(0)
                db.tokens.create("dog")

    asyncio.run(main())
    assert db.tokens.count() == 2


def test_a_cancelled_task_rolls_back_and_the_next_may_write(db: neurograph.Database) -> None:
    async def main() -> None:
        begun = asyncio.Event()
        holder = asyncio.create_task(hold(db, begun, asyncio.Event()))
        await begun.wait()
        holder.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holder
        db.tokens.create("dog")

    asyncio.run(main())
    assert [token.label for token in db.tokens.list()] == ["dog"]


def test_tasks_one_after_the_other_under_a_lock_lose_nothing(db: neurograph.Database) -> None:
    async def main() -> None:
        lock = asyncio.Lock()

        async def work(number: int) -> None:
            async with lock:
                with db.transaction():
                    count = db.tokens.count()
                    await asyncio.sleep(0)
                    db.tokens.create(f"{number}", weight=count / 100)

        await asyncio.gather(*(work(number) for number in range(10)))

    asyncio.run(main())
    assert sorted(token.weight for token in db.tokens.list()) == [number / 100 for number in range(10)]


def test_snapshots_of_tasks_are_their_own(db: neurograph.Database) -> None:
    async def main() -> None:
        opened, go_on = asyncio.Event(), asyncio.Event()

        async def look() -> tuple[int, int]:
            with db.snapshot():
                before = db.tokens.count()
                opened.set()
                await go_on.wait()
                return before, db.tokens.count()

        looking = asyncio.create_task(look())
        await opened.wait()
        db.tokens.create("cat")
        assert db.tokens.count() == 1
        go_on.set()
        assert await looking == (0, 0)

    asyncio.run(main())


def test_in_memory_a_second_task_is_refused_at_once_to_read_too() -> None:
    with neurograph.open(":memory:", busy_timeout_s=30) as db:
        with pytest.raises(errors.TransactionBusy, match=r"cannot read; another task .* has one connection"):
            asyncio.run(beside(db, lambda: db.tokens.count()))
        assert db.tokens.count() == 2


def test_in_memory_a_snapshot_of_one_task_refuses_another_tasks_write() -> None:
    """They share a thread and a connection: the write would vanish with the snapshot."""

    async def main(db: neurograph.Database) -> None:
        opened, go_on = asyncio.Event(), asyncio.Event()

        async def look() -> None:
            with db.snapshot():
                opened.set()
                await go_on.wait()

        looking = asyncio.create_task(look())
        await opened.wait()
        for write in (lambda: db.tokens.create("dog"), lambda: db.execute("insert into token (label) values ('dog')")):
            with pytest.raises(errors.TransactionBusy, match="another task of this event loop has a snapshot open"):
                write()
        go_on.set()
        await looking
        db.tokens.create("dog")

    with neurograph.open(":memory:", busy_timeout_s=30) as db:
        asyncio.run(main(db))
        assert db.tokens.count() == 1


def test_inside_a_running_loop_everything_works_as_outside(db: neurograph.Database) -> None:
    async def main() -> list[tuple[str]]:
        with db.transaction():
            db.tokens.create("cat")
        db.executemany("insert into token (label) values (?)", [("dog",)])
        return db.execute("select label from token order by id").fetchall()

    assert asyncio.run(main()) == [("cat",), ("dog",)]


def test_threads_of_a_loop_take_turns(db: neurograph.Database) -> None:
    async def main() -> None:
        await asyncio.gather(*(asyncio.to_thread(db.tokens.create, str(number)) for number in range(20)))

    asyncio.run(main())
    assert db.tokens.count() == 20


def test_a_snapshot_that_ends_in_the_middle_of_another_tasks_transaction_leaves_it_alone(
    db: neurograph.Database,
) -> None:
    async def main() -> None:
        opened, begun, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def look() -> None:
            with db.snapshot():
                opened.set()
                await begun.wait()

        looking = asyncio.create_task(look())
        await opened.wait()
        begin = asyncio.create_task(hold(db, begun, ended))
        await looking
        with pytest.raises(errors.TransactionBusy):
            db.tokens.create("between")
        ended.set()
        await begin

    asyncio.run(main())
    assert [token.label for token in db.tokens.list()] == ["held", "held on"]
