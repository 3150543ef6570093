"""Messages waited for in `async for`: the loop goes on, and no cancellation loses one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurograph
from in_threads import LONG_S
from neurograph import Database, Message
from neurograph.errors import TransactionOpen
from processes import python


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    with neurograph.open(tmp_path / "q.ngdb", synchronous="off") as db:
        yield db


def test_async_for_waits_without_blocking_the_loop(file):
    async def main() -> list[object]:
        found: list[object] = []

        async def publish() -> None:
            for n in range(3):
                await asyncio.sleep(0)
                file.queue.publish("c", n)

        task = asyncio.create_task(publish())
        async with file.queue.consume("c", timeout_s=LONG_S) as consumer:
            async for message in consumer:
                file.queue.ack(message)
                found.append(message.payload)
                if len(found) == 3:
                    consumer.stop()
        await task
        return found

    assert asyncio.run(main()) == [0, 1, 2]


def test_a_step_that_is_cancelled_loses_no_message(file):
    async def main() -> Message:
        consumer = file.queue.consume("c", timeout_s=LONG_S)
        for _ in range(3):
            step = asyncio.create_task(anext(consumer))
            await asyncio.sleep(0.01)
            step.cancel()
            with pytest.raises(asyncio.CancelledError):
                await step
        file.queue.publish("c", 1)
        step = asyncio.create_task(anext(consumer))
        while not file.queue.stats("c").claimed:
            await asyncio.sleep(0)
        step.cancel()
        try:
            message = await step
        except asyncio.CancelledError:
            message = await anext(consumer)
        await asyncio.to_thread(consumer.close)
        return message

    assert asyncio.run(main()).payload == 1


def test_a_step_that_is_cancelled_twice_loses_no_message_either(file, monkeypatch):
    go, claimed, real = threading.Event(), threading.Event(), file.queue.claim

    def claim(*arguments, **named) -> list[Message]:
        messages = real(*arguments, **named)
        if messages:
            claimed.set()
            go.wait(LONG_S)
        return messages

    async def main() -> Message:
        consumer = file.queue.consume("c", timeout_s=LONG_S)
        file.queue.publish("c", 1)
        step = asyncio.create_task(anext(consumer))
        await asyncio.to_thread(claimed.wait)
        for _ in range(2):
            step.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await step
        async with consumer:
            return await anext(consumer)

    monkeypatch.setattr(file.queue, "claim", claim)
    assert asyncio.run(main()).payload == 1


def test_a_step_that_is_cancelled_says_so_though_it_fails(file):
    async def main() -> None:
        step = asyncio.create_task(anext(file.queue.consume("c")))
        await asyncio.sleep(0.01)
        file.close()
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step

    asyncio.run(main())


def test_a_loop_that_is_closed_early_keeps_no_process_from_its_end(tmp_path):
    code = """
        import asyncio, sys, neurograph
        async def wait():
            async for message in db.queue.consume("c"):
                pass
        db = neurograph.open(sys.argv[1])
        loop = asyncio.new_event_loop()
        task = loop.create_task(wait())
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()
    """
    python(code, tmp_path / "q.ngdb")


def test_async_for_ends_and_fails_as_for_does(file):
    async def main() -> list[Message]:
        with pytest.raises(TransactionOpen), file.transaction():
            await anext(aiter(file.queue.consume("c", timeout_s=0)))
        return [message async for message in file.queue.consume("c", timeout_s=0)]

    assert asyncio.run(main()) == []
