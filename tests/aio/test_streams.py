"""Iterators of the engine as asynchronous ones: each item once, none lost, closed when nobody reads on."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest
from loops import in_loop, raised, until, waiting

from neurograph import aio, errors

NUMBERS = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n limit {}"


@pytest.fixture(params=["file", "memory"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return ":memory:" if request.param == "memory" else str(tmp_path / "mind.ngdb")


@in_loop
async def test_rows_come_once_each_and_in_order(path: str) -> None:
    async with aio.open(path) as db:
        assert [n async for (n,) in db.stream(NUMBERS.format(1000))] == list(range(1, 1001))


@in_loop
async def test_a_loop_over_a_store_is_one(path: str) -> None:
    async with aio.open(path) as db:
        await db.tokens.create_many(labels=["cat", "dog"])
        assert [token.label async for token in db.tokens] == ["cat", "dog"]
        library = await db.library.create("pets", dimension=2)
        await library.set("cat", [1, 0])
        assert [item.key async for item in library] == ["cat"]
        assert [found.name async for found in db.library] == ["pets"]


@in_loop
async def test_what_a_loop_over_libraries_yields_is_awaited_too(path: str) -> None:
    async with aio.open(path) as db:
        await db.library.create("pets", dimension=2)
        assert [await library.count() async for library in db.library] == [0]


@in_loop
async def test_an_error_comes_after_the_rows_before_it(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        rows = db.stream(
            "select case value when 3 then abs(-9223372036854775808) else value end from json_each(?)", ["[1, 2, 3, 4]"]
        )
        assert [await anext(rows), await anext(rows)] == [(1,), (2,)]
        assert "integer overflow" in str(await raised(anext(rows)))
        assert isinstance(await raised(anext(rows)), StopAsyncIteration)


@in_loop
async def test_it_begins_with_its_first_step_or_when_it_is_awaited(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        later, now = db.stream("select label from token"), await db.stream("select label from token")
        await db.tokens.create("cat")
        assert [row async for row in later] == [("cat",)]
        assert [row async for row in now] == []


@in_loop
async def test_what_is_wrong_with_its_arguments_is_raised_where_it_begins(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        with pytest.raises(errors.InvalidValue, match="sql must be a string"):
            await db.stream(3)  # type: ignore[arg-type]
        with pytest.raises(errors.Misuse, match="statement that reads"):
            async for _ in db.stream("delete from token"):
                pass


@in_loop
async def test_a_cancelled_step_keeps_its_item_for_the_next(path: str) -> None:
    async with aio.open(path) as db, await db.storage.watch("devices") as changes:
        for number in range(20):
            step = asyncio.create_task(anext(changes))
            await until(lambda: waiting(db._runner) == 1)
            step.cancel()
            assert isinstance(await raised(step), asyncio.CancelledError)
            await db.storage.set("devices", str(number), None)
            assert (await anext(changes)).key == str(number)


@in_loop
async def test_a_timeout_for_a_step_is_asyncios(path: str) -> None:
    async with aio.open(path) as db, db.storage.watch() as changes:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(changes)
        await db.storage.set("devices", "lamp", "on")
        assert (await anext(changes)).key == "lamp"


@in_loop
async def test_waiting_streams_hold_no_thread_of_the_pool(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        streams = [await db.storage.watch(str(number)) for number in range(20)]
        steps = [asyncio.create_task(anext(stream)) for stream in streams]
        await until(lambda: waiting(db._runner) == 20)
        for number in range(20):
            await db.storage.set(str(number), "key", None)
        assert [(await step).namespace for step in steps] == [str(number) for number in range(20)]


@in_loop
async def test_writers_that_wait_keep_no_reader_waiting(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb", busy_timeout_s=60) as db:
        async with db.transaction():
            writers = [asyncio.create_task(_create(db, str(number))) for number in range(30)]
            await until(lambda: waiting(db._runner) == 30)
            assert await asyncio.create_task(_count(db)) == 0
        await asyncio.gather(*writers)
        assert await db.tokens.count() == 30
        await until(lambda: len(db._runner.threads.lanes) <= 9)  # those left over end


async def _create(db: aio.Database, label: str) -> None:
    await db.tokens.create(label)


async def _count(db: aio.Database) -> int:
    return await db.tokens.count()


@in_loop
async def test_one_task_reads_at_a_time(path: str) -> None:
    async with aio.open(path) as db, db.storage.watch() as changes:
        step = asyncio.create_task(anext(changes))
        await until(lambda: waiting(db._runner) == 1)
        with pytest.raises(errors.Misuse, match="one task at a time"):
            await anext(changes)
        await db.storage.set("devices", "lamp", "on")
        assert (await step).key == "lamp"


@in_loop
async def test_closing_it_ends_whoever_waits(path: str) -> None:
    async with aio.open(path) as db:
        changes = db.storage.watch()
        step = asyncio.create_task(anext(changes))
        await until(lambda: waiting(db._runner) == 1)
        await changes.aclose()
        assert isinstance(await raised(step), StopAsyncIteration | RuntimeError)  # a task can't raise the first
        await changes.aclose()
        assert [change async for change in changes] == []
        assert waiting(db._runner) == 0


@in_loop
async def test_one_that_was_never_begun_closes_and_drops(path: str) -> None:
    async with aio.open(path) as db:
        rows = db.stream("select 1")
        await rows.aclose()
        assert [row async for row in rows] == []
        del rows
        db.stream("select 1")


@in_loop
async def test_a_loop_that_is_left_gives_its_connection_back(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        readers = db._sync._session.readers
        async for _ in db.stream(NUMBERS.format(100_000)):
            break
        gc.collect()
        await until(lambda: len(readers._idle) == len(readers.lines) > 0)
        async with db.stream(NUMBERS.format(100_000)) as rows:
            assert await anext(rows) == (1,)
            assert len(readers._idle) < len(readers.lines)
        assert len(readers._idle) == len(readers.lines)


@in_loop
async def test_a_watcher_that_is_dropped_while_it_waits_ends_its_thread(path: str) -> None:
    async with aio.open(path) as db:
        step = asyncio.create_task(anext(db.storage.watch()))
        await until(lambda: waiting(db._runner) == 1)
        step.cancel()
        await raised(step)
        del step
        gc.collect()
        await until(lambda: waiting(db._runner) == 0)


@in_loop
async def test_in_a_transaction_it_sees_what_was_written_there(path: str) -> None:
    async with aio.open(path) as db:
        async with db.transaction():
            await db.tokens.create("cat")
            assert [row async for row in db.stream("select label from token")] == [("cat",)]
            rows = await db.stream(NUMBERS.format(100_000))
            assert await anext(rows) == (1,)
        with pytest.raises(errors.Misuse, match="before the transaction or snapshot it began in ends"):
            async for _ in rows:
                pass


@in_loop
async def test_one_that_is_dropped_in_a_transaction_does_not_disturb_it(path: str) -> None:
    async with aio.open(path) as db:
        async with db.transaction():
            for number in range(5):
                async for _ in db.stream(NUMBERS.format(100_000)):
                    break
                await db.tokens.create(str(number))
        assert await db.tokens.count() == 5
