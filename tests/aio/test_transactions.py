"""A transaction belongs to the task that entered it, runs on one thread, and is kept or undone whole."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from loops import Gate, in_loop, raised, until, waiting

from neurograph import aio, errors

INSERT = "insert into token (label) values (?)"


async def labels(db: aio.Database) -> list[str]:
    return [label for (label,) in await db.execute("select label from token order by label")]


@pytest.fixture(params=["file", "memory"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return ":memory:" if request.param == "memory" else str(tmp_path / "mind.ngdb")


@in_loop
async def test_it_is_kept_at_the_end_of_its_block(path: str) -> None:
    async with aio.open(path) as db:
        async with db.transaction() as value:
            await db.tokens.create("cat")
            assert db.in_transaction
        assert (value, db.in_transaction, await labels(db)) == (None, False, ["cat"])


@in_loop
async def test_an_error_undoes_it_and_comes_out_as_it_was_raised(path: str) -> None:
    async with aio.open(path) as db:
        error = ValueError("mine")

        async def failing() -> None:
            async with db.transaction():
                await db.tokens.create("cat")
                raise error

        assert await raised(failing()) is error
        assert await labels(db) == []


@in_loop
async def test_nested_ones_are_savepoints(path: str) -> None:
    async with aio.open(path) as db:
        async with db.transaction():
            await db.tokens.create("outer")
            with pytest.raises(errors.Conflict):
                async with db.transaction():
                    await db.tokens.create("inner")
                    await db.tokens.create("outer")
            async with (await db.storage.objects()).transaction():
                await db.tokens.create("kept")
        assert await labels(db) == ["kept", "outer"]


@in_loop
async def test_a_function_that_is_called_in_one_may_be_a_coroutine_function(path: str) -> None:
    async with aio.open(path) as db:
        objects = await db.storage.objects()

        async def fill(storage: aio.StorageObjects) -> list[str]:
            assert db.in_transaction
            await storage.set("n", "a", {})
            return await storage.list_keys("n")

        async def fail(storage: aio.StorageObjects) -> None:
            await storage.set("n", "b", {})
            raise KeyError("b")

        assert await objects.transaction_callback(fill) == ["a"]
        assert await objects.transaction_callback(function=lambda storage: 7) == 7
        assert isinstance(await raised(objects.transaction_callback(fail)), KeyError)
        assert await objects.list_keys("n") == ["a"]


@in_loop
async def test_all_its_calls_run_on_one_thread(path: str) -> None:
    threads: list[int] = []

    def rows(label: str) -> Iterator[tuple[str]]:
        threads.append(threading.get_ident())
        yield (label,)

    async with aio.open(path) as db:
        async with db.transaction():
            for number in range(5):
                await db.executemany(INSERT, rows(str(number)))
            async with db.transaction():
                await db.executemany(INSERT, rows("inner"))
        assert len(set(threads)) == 1


@in_loop
async def test_the_write_of_another_task_waits_for_its_end(path: str) -> None:
    async with aio.open(path, busy_timeout_s=60) as db:
        async with db.transaction():
            await db.tokens.create("cat")
            other = asyncio.create_task(db_create(db, "dog"))
            await until(lambda: waiting(db._runner) == 1)
            await db.tokens.create("owl")
            assert not other.done()
        await other
        assert await labels(db) == ["cat", "dog", "owl"]


async def db_create(db: aio.Database, label: str) -> None:
    await db.tokens.create(label)


@in_loop
async def test_a_write_that_waits_too_long_is_busy(path: str) -> None:
    async with aio.open(path, busy_timeout_s=0.01) as db:
        async with db.transaction():
            await db.tokens.create("cat")
            with pytest.raises(errors.TransactionBusy):
                await asyncio.create_task(db_create(db, "dog"))
        assert await labels(db) == ["cat"]


@in_loop
async def test_other_tasks_read_what_is_committed(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        await db.tokens.create("cat")
        async with db.transaction():
            await db.tokens.create("dog")
            assert await asyncio.create_task(labels(db)) == ["cat"]
            assert await labels(db) == ["cat", "dog"]


@in_loop
async def test_what_a_task_calls_is_its_own_whoever_awaits_it(path: str) -> None:
    """`wait_for` and `gather` make tasks of their own for it."""
    async with aio.open(path, busy_timeout_s=0.01) as db:
        async with db.transaction():
            await asyncio.wait_for(db.tokens.create("cat"), 60)
            await asyncio.gather(db.tokens.create("dog"), db.tokens.create("owl"))
            assert await asyncio.create_task(db.tokens.count()) == 3
        assert await labels(db) == ["cat", "dog", "owl"]


@in_loop
async def test_a_call_that_is_awaited_after_the_end_is_refused(path: str) -> None:
    async with aio.open(path) as db:
        async with db.transaction():
            late = db.tokens.create("cat")
        with pytest.raises(errors.NoTransaction, match="await it inside that block"):
            await late
        assert await labels(db) == []


@in_loop
async def test_a_call_that_another_task_awaits_is_done_before_the_commit(path: str) -> None:
    async with aio.open(path) as db:
        async with db.transaction():
            task = asyncio.create_task(db.tokens.create("cat"))
            await asyncio.sleep(0)  # it is posted
        await task
        assert await labels(db) == ["cat"]


@in_loop
async def test_a_snapshot_sees_one_state_and_refuses_writes(path: str) -> None:
    async with aio.open(path) as db:
        await db.tokens.create("cat")
        async with db.snapshot():
            assert not db.in_transaction
            assert await labels(db) == ["cat"]
            with pytest.raises(errors.ReadOnlyDatabase):
                await db.tokens.create("dog")
        await db.tokens.create("dog")


@in_loop
async def test_others_write_while_a_snapshot_is_open(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        async with db.snapshot():
            assert await labels(db) == []
            await asyncio.create_task(db_create(db, "cat"))
            assert await labels(db) == []
        assert await labels(db) == ["cat"]


@in_loop
async def test_a_block_is_entered_once_and_in_a_task(path: str) -> None:
    async with aio.open(path) as db:
        block = db.transaction()
        async with block:
            with pytest.raises(errors.Misuse, match="entered once"):
                await block.__aenter__()
        with pytest.raises(errors.Misuse, match="before it is left"):
            await block.__aexit__(None, None, None)
        assert not db._runner._blocks


@in_loop
async def test_an_error_of_the_commit_comes_out_and_nothing_is_left_open(path: str) -> None:
    async with aio.open(path) as db:
        with pytest.raises(errors.NoTransaction):
            async with db.transaction():
                await db._runner.call(db._runner.block(), db._sync.rollback)
        async with db.transaction():
            await db.tokens.create("cat")
        assert await labels(db) == ["cat"]


@in_loop
async def test_a_hundred_readers_and_writers_lose_nothing(path: str) -> None:
    async with aio.open(path, busy_timeout_s=60, synchronous="off") as db:
        await db.storage.set("n", "count", 0)

        async def write(number: int) -> None:
            async with db.transaction():
                count = await db.storage.get("n", "count")
                await db.tokens.create(str(number))
                await db.storage.set("n", "count", count + 1)

        async def read() -> None:
            async with db.snapshot():
                assert await db.storage.get("n", "count") == await db.tokens.count()

        await asyncio.gather(*(write(number) if number % 2 else read() for number in range(100)))
        assert await db.storage.get("n", "count") == await db.tokens.count() == 50
        assert await db.check() == []


def test_a_transaction_whose_task_is_gone_is_undone(tmp_path: Path) -> None:
    """As where a loop is closed with tasks pending, which `asyncio.run` never does."""
    loop = asyncio.new_event_loop()
    db = loop.run_until_complete(_opened(tmp_path))

    async def begin() -> None:
        async with db.transaction():
            await db.tokens.create("cat")
            await loop.create_future()

    task = loop.create_task(begin())
    task._log_destroy_pending = False  # that it is pending is what this is about
    loop.run_until_complete(until(lambda: db._runner._blocks and not db._runner._calls))
    loop.close()
    del task, begin
    gc.collect()

    async def after() -> None:
        await db.tokens.create("dog")
        assert await labels(db) == ["dog"]
        await db.close()

    asyncio.run(after())


async def _opened(folder: Path) -> aio.Database:
    return await aio.open(folder / "mind.ngdb", busy_timeout_s=60)


@in_loop
async def test_a_transaction_beside_threads_of_the_same_database_takes_turns(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb", busy_timeout_s=60) as db:
        gate = Gate("held")
        held = asyncio.create_task(db.executemany(INSERT, gate))
        await until(gate.entered.is_set)
        entering = asyncio.create_task(_enter_and_write(db))
        await until(lambda: len(db._runner._blocks) == 1)
        assert await labels(db) == []
        gate.open.set()
        await asyncio.gather(held, entering)
        assert await labels(db) == ["after", "held"]


async def _enter_and_write(db: aio.Database) -> None:
    async with db.transaction():
        assert await labels(db) == ["held"]
        await db.tokens.create("after")


@in_loop
async def test_children_of_a_transaction_are_other_tasks(path: str) -> None:
    async with aio.open(path, busy_timeout_s=0.01) as db:

        async def child() -> BaseException | None:
            assert not db.in_transaction
            return await raised(db.tokens.create("child"))

        async with db.transaction(), asyncio.TaskGroup() as group:
            task = group.create_task(child())
        assert isinstance(task.result(), errors.TransactionBusy)
        assert await labels(db) == []
