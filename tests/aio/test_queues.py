"""Messages are waited for and worked on by tasks: none lost, none left claimed, handlers on the loop that asked."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path

import pytest
from loops import in_loop, raised, until, waiting

from neurograph import aio, errors
from neurograph.aio.runner import MOST
from neurograph.model.message import Message


@pytest.fixture(params=["file", "memory"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return ":memory:" if request.param == "memory" else str(tmp_path / "mind.ngdb")


async def claimed(db: aio.Database) -> int:
    return (await db.execute("select count(*) from message where state = 'claimed'")).fetchone()[0]  # type: ignore[index, no-any-return]


@in_loop
async def test_messages_come_as_they_are_published(path: str) -> None:
    async with aio.open(path) as db, db.queue.consume("jobs") as messages:
        for number in range(5):
            step = asyncio.create_task(anext(messages))
            await until(lambda: waiting(db._runner) == 1)
            await db.queue.publish("jobs", number)
            message = await step
            assert message.payload == number
            await db.queue.ack(message)


@in_loop
async def test_it_ends_when_it_is_stopped_or_its_time_is_over(path: str) -> None:
    async with aio.open(path) as db:
        await db.queue.publish_many("jobs", ["a", "b"])
        assert [message.payload async for message in db.queue.consume("jobs", timeout_s=0)] == ["a", "b"]
        messages = db.queue.consume("jobs")
        step = asyncio.create_task(_all(messages))
        await until(lambda: waiting(db._runner) == 1)
        messages.stop()
        assert await step == []


async def _all(messages: aio.Consumer[Message]) -> list[Message]:
    return [message async for message in messages]


@in_loop
async def test_who_blocks_for_room_keeps_nobody_from_making_it(path: str) -> None:
    async with aio.open(path, synchronous="off") as db:
        await db.queue.create_channel("jobs", capacity=1, when_full="block", block_ms=600_000)
        publishing = [asyncio.create_task(db.queue.publish("jobs", number)) for number in range(MOST + 2)]
        await until(lambda: waiting(db._runner) == MOST + 1)
        got = []
        async with asyncio.timeout(60), db.queue.consume("jobs") as messages:
            while len(got) < len(publishing):
                message = await anext(messages)
                got.append(message.payload)
                await db.queue.ack(message)
        await asyncio.gather(*publishing)
        assert sorted(got) == list(range(len(publishing)))


@pytest.mark.parametrize("how", ["publish", "request"])
@in_loop
async def test_who_blocks_for_room_is_cancelled_and_closed_at_once(path: str, how: str) -> None:
    db = await aio.open(path)
    await db.queue.create_channel("jobs", capacity=1, when_full="block", block_ms=600_000)
    await db.queue.publish("jobs", 1)
    for end in ("cancel", "close"):
        if how == "publish":
            blocking = asyncio.create_task(db.queue.publish("jobs", 2))
        else:
            blocking = asyncio.create_task(db.queue.request("jobs", 2, timeout_s=600))
        await until(lambda: waiting(db._runner) == 1)
        async with asyncio.timeout(60):
            if end == "cancel":
                blocking.cancel()
                assert isinstance(await raised(blocking), asyncio.CancelledError)
                assert [message.payload for message in await db.queue.list("jobs")] == [1]
            else:
                await db.close()
                assert isinstance(await raised(blocking), errors.Closed)


@in_loop
async def test_a_cancelled_step_claims_nothing_and_the_next_goes_on(path: str) -> None:
    async with aio.open(path) as db, db.queue.consume("jobs") as messages:
        for number in range(10):
            step = asyncio.create_task(anext(messages))
            await until(lambda: waiting(db._runner) == 1)
            step.cancel()
            assert isinstance(await raised(step), asyncio.CancelledError)
            await db.queue.publish("jobs", number)
            assert await claimed(db) == 0
            message = await anext(messages)
            assert message.payload == number
            await db.queue.ack(message)


@in_loop
async def test_a_cancellation_beside_a_publish_loses_no_message(path: str) -> None:
    async with aio.open(path, synchronous="off") as db:
        seen = []
        async with db.queue.consume("jobs", n=3) as messages:
            for number in range(30):
                step = asyncio.create_task(anext(messages))
                for _ in range(number % 5):
                    await asyncio.sleep(0)
                publishing = asyncio.create_task(db.queue.publish("jobs", number))
                for _ in range(number % 7):
                    await asyncio.sleep(0)
                step.cancel()
                if not isinstance(await raised(step), asyncio.CancelledError):
                    seen.append(step.result())
                await publishing
            while len(seen) < 30:
                seen.append(await anext(messages))
        assert sorted(message.payload for message in seen) == list(range(30))


@in_loop
async def test_a_timeout_of_asyncio_ends_a_step(path: str) -> None:
    async with aio.open(path) as db, db.queue.consume("jobs") as messages:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(messages)
        await db.queue.publish("jobs", "a")
        assert (await anext(messages)).payload == "a"


@pytest.mark.parametrize("how", ["block", "close", "database", "drop"])
@in_loop
async def test_what_was_claimed_ahead_is_given_back(how: str, tmp_path: Path) -> None:
    db = await aio.open(tmp_path / "mind.ngdb")
    await db.queue.publish_many("jobs", list(range(5)))
    messages = db.queue.consume("jobs", n=4)
    if how == "block":
        async with messages:
            await anext(messages)
    else:
        await anext(messages)
        assert await claimed(db) == 4
    if how == "close":
        await messages.aclose()
        await messages.aclose()
    elif how == "drop":
        del messages
        gc.collect()
        while await claimed(db) != 1:
            await asyncio.sleep(0)
    await db.close()
    async with aio.open(tmp_path / "mind.ngdb") as db:
        assert await claimed(db) == 1
        assert await db.check() == []


@in_loop
async def test_closing_it_while_a_step_waits_gives_everything_back(path: str) -> None:
    async with aio.open(path) as db:
        messages = db.queue.consume("jobs")
        step = asyncio.create_task(_all(messages))
        await until(lambda: waiting(db._runner) == 1)
        await asyncio.gather(messages.aclose(), db.queue.publish("jobs", "a"))
        assert await step == []
        assert await claimed(db) == 0


@in_loop
async def test_closing_the_database_ends_who_waits(path: str) -> None:
    db = await aio.open(path)
    steps = [asyncio.create_task(_all(db.queue.consume("jobs"))) for _ in range(12)]
    await until(lambda: waiting(db._runner) == 12)
    await db.close()
    assert [type(await raised(step)) for step in steps] == [errors.Closed] * 12


@in_loop
async def test_in_a_transaction_it_is_refused(path: str) -> None:
    async with aio.open(path) as db:
        async with db.transaction():
            with pytest.raises(errors.TransactionOpen):
                await anext(db.queue.consume("jobs"))
        with pytest.raises(errors.InvalidValue):
            db.queue.consume("jobs", n=0)


@in_loop
async def test_a_handler_that_is_a_coroutine_runs_on_this_loop(path: str) -> None:
    async with aio.open(path, busy_timeout_s=60) as db:
        here, seen = threading.get_ident(), []

        async def handle(message: Message) -> int:
            seen.append(threading.get_ident())
            async with db.transaction():
                await db.tokens.create(str(message.payload))
            return message.payload * 2  # type: ignore[no-any-return]

        await db.queue.create_channel("jobs", keep_ms=60_000)
        async with db.queue.work("jobs", handle, concurrency=3) as worker:
            asked = [await db.queue.publish("jobs", number) for number in range(10)]
            assert [await db.queue.wait_result(each, timeout_s=60) for each in asked] == [2 * n for n in range(10)]
        assert (set(seen), worker.done, worker.failed, worker.lost, worker.running) == ({here}, 10, 0, 0, 0)
        assert await db.tokens.count() == 10


@in_loop
async def test_a_handler_that_is_a_function_runs_in_a_thread(path: str) -> None:
    async with aio.open(path) as db:
        async with db.queue.work("sums", lambda message: [sum(message.payload), threading.get_ident()]):
            total, thread = (await db.queue.request("sums", [1, 2, 3], timeout_s=60)).payload
        assert total == 6
        assert thread != threading.get_ident()


@in_loop
async def test_a_handler_settles_its_message_in_its_own_transaction(path: str) -> None:
    async with aio.open(path, busy_timeout_s=60) as db:
        done = asyncio.Event()

        async def handle(message: Message) -> None:
            async with db.transaction():
                await db.tokens.create(message.payload)
                await db.queue.ack(message)
            done.set()

        async with db.queue.work("jobs", handle, settles=True):
            await db.queue.publish("jobs", "cat")
            await done.wait()
        assert (await db.tokens.count(), await db.queue.peek("jobs")) == (1, [])


@in_loop
async def test_a_handler_that_takes_too_long_is_cancelled_on_this_loop(path: str) -> None:
    async with aio.open(path) as db:
        ended = asyncio.Event()

        async def handle(message: Message) -> None:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ended.set()

        await db.queue.create_channel("jobs", attempts=1)
        async with db.queue.work("jobs", handle, timeout_s=0.01) as worker:
            await db.queue.publish("jobs", "a")
            await ended.wait()
        assert worker.failed == 1


def test_a_worker_whose_loop_is_gone_gives_its_messages_back_and_ends(tmp_path: Path) -> None:
    async def begun() -> tuple[aio.Database, aio.Worker]:
        async def handle(message: Message) -> None:
            return None

        db = await aio.open(tmp_path / "mind.ngdb")
        await db.queue.create_channel("jobs", attempts=1)
        worker = db.queue.work("jobs", handle, n=2)
        worker.start()
        return db, worker

    async def ended(db: aio.Database, worker: aio.Worker) -> None:
        await db.queue.publish_many("jobs", [1, 2, 3])
        while worker._worker._slots:
            await asyncio.sleep(0.001)
        stats = await db.queue.stats("jobs")
        assert (stats.ready, stats.dead, worker.failed) == (3, 0, 0)
        await db.close()

    asyncio.run(ended(*asyncio.run(begun())))


@in_loop
async def test_a_worker_runs_until_its_task_is_cancelled(path: str) -> None:
    async with aio.open(path) as db:
        handled = asyncio.Event()

        async def handle(message: Message) -> None:
            handled.set()

        worker = db.queue.work("jobs", handle)
        running = asyncio.create_task(worker.run())
        await db.queue.publish("jobs", "a")
        await handled.wait()
        running.cancel()
        assert isinstance(await raised(running), asyncio.CancelledError)
        assert (worker.done, await worker.stop()) == (1, True)
        assert "done=1" in repr(worker)
        with pytest.raises(errors.Misuse):
            worker.start()
        with pytest.raises(errors.InvalidValue):
            db.queue.work("jobs", "no handler")  # type: ignore[arg-type]
        other = db.queue.work("jobs", handler=handle)
        handled.clear()
        running = asyncio.create_task(other.run())
        await db.queue.publish("jobs", "b")
        await handled.wait()
        assert await other.stop() is True
        await running


@pytest.mark.parametrize("way", ["itself", "by a task", "from its thread"])
@in_loop
async def test_handlers_may_stop_their_worker(path: str, way: str) -> None:
    async with aio.open(path) as db:
        loop, together = asyncio.get_running_loop(), asyncio.Barrier(2)
        await db.queue.create_channel("jobs", keep_ms=60_000, attempts=1)

        async def stop() -> bool:
            await together.wait()
            with pytest.raises(errors.InvalidValue):
                await worker.stop(-1)
            return await worker.stop()

        async def handle(message: Message) -> bool:
            return await (stop() if way == "itself" else asyncio.wait_for(stop(), 60))

        def handle_in_thread(message: Message) -> bool:
            return asyncio.run_coroutine_threadsafe(stop(), loop).result()

        worker = db.queue.work("jobs", handle_in_thread if way == "from its thread" else handle, concurrency=2)
        *handled, left = await db.queue.publish_many("jobs", [1, 2, 3])
        await worker.run()
        assert [await db.queue.wait_result(one) for one in handled] == [False, False]
        assert (await db.queue.get(left.id)).state == "ready"


@in_loop
async def test_who_is_no_handler_any_more_waits_for_those_that_run(path: str) -> None:
    async with aio.open(path) as db:
        began, go, tasks = asyncio.Event(), asyncio.Event(), []

        async def later() -> bool:
            await began.wait()
            return await worker.stop()

        async def handle(message: Message) -> None:
            if message.payload == "first":
                tasks.append(asyncio.create_task(later()))
                return
            began.set()
            await go.wait()

        async with db.queue.work("jobs", handle) as worker:
            await db.queue.publish_many("jobs", ["first", "second"])
            await began.wait()
            await until(lambda: worker._worker._concurrency == 0)
            assert not tasks[0].done()
            go.set()
            assert await tasks[0] is True


@in_loop
async def test_many_who_wait_keep_nobody_from_publishing(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        await db.queue.create_channel("jobs", keep_ms=60_000)
        asked = [await db.queue.publish("jobs", number) for number in range(20)]
        results = [asyncio.create_task(db.queue.wait_result(each)) for each in asked]
        await until(lambda: waiting(db._runner) == 20)
        async for message in db.queue.consume("jobs", timeout_s=0):
            await db.queue.ack(message, message.payload)
        assert await asyncio.gather(*results) == list(range(20))
