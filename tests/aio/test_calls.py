"""A call of the asyncio form is the engine's call, on a thread: same results, same errors, in any loop."""

from __future__ import annotations

import asyncio
import contextvars
import pickle
import threading
from pathlib import Path

import pytest
from loops import ENDLESS, Gate, in_loop, raised, until

import neurograph
from neurograph import aio, errors

INSERT = "insert into token (label) values (?)"


@in_loop
async def test_it_returns_what_the_engine_returns(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        cat = await db.tokens.create("cat", weight=0.7)
        await db.queue.publish("tokens.created", {"id": cat.id})
        (message,) = await db.queue.claim("tokens.created")
        await db.queue.ack(message)
        assert (await db.tokens.get("cat"), message.payload) == (cat, {"id": cat.id})
        assert (await db.execute("select label from token")).fetchall() == [("cat",)]
        assert await db.storage.version == 0
        assert (db.path, db.closed) == (str(tmp_path / "mind.ngdb"), False)


@in_loop
async def test_objects_that_use_the_file_are_awaited_too_and_can_be_passed_on(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        pets = await db.library.create("pets", dimension=2)
        cars = await db.library.create("cars", dimension=2)
        await pets.set("cat", [1, 0])
        await cars.set("car", [0, 1])
        assert isinstance(await db.library.get("pets"), aio.Library)
        assert [(type(each), each.name) for each in await db.library.list()] == [
            (aio.Library, "cars"),
            (aio.Library, "pets"),
        ]
        assert [hit.key for hit in await pets.search([1, 0.1])] == ["cat"]
        assert (await db.query([1, 0.1], library=pets))[0].label == "cat"
        assert len(await db.query([1, 0.1], library=[pets, cars])) == 2
        assert (await pets.identity).model == "unspecified"
        assert isinstance(pets.grid, aio.SemanticGrid)


@in_loop
async def test_errors_are_the_engines_own(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        await db.tokens.create("cat")
        with pytest.raises(errors.Conflict):
            await db.tokens.create("cat")
        with pytest.raises(errors.TokenNotFound):
            await db.tokens.get("dog")
        with pytest.raises(TypeError):
            await db.tokens.create(no_such_argument=1)  # type: ignore[call-arg]
        with pytest.raises(errors.DeadlineExceeded):
            await db.execute(ENDLESS, timeout_s=0.01)
        mine = ZeroDivisionError("mine")

        def rows() -> object:
            yield ("dog",)
            raise mine

        assert await raised(db.executemany(INSERT, rows())) is mine  # type: ignore[arg-type]


def stops() -> object:
    raise StopIteration


@in_loop
async def test_a_stop_iteration_that_no_task_can_raise_is_a_runtime_error(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await db._runner.call(None, stops)


@in_loop
async def test_a_file_that_is_refused_is_refused_as_by_the_engine(tmp_path: Path) -> None:
    with pytest.raises(errors.FileMissing):
        await aio.open(tmp_path / "none.ngdb", mode="r")
    with pytest.raises(errors.InvalidValue):
        async with aio.open(tmp_path / "mind.ngdb", synchronous="never"):
            pass
    with pytest.raises(TypeError):
        await aio.open(tmp_path / "mind.ngdb", no_such_option=1)  # type: ignore[call-arg]


@in_loop
async def test_the_loop_turns_while_calls_run(tmp_path: Path) -> None:
    """More of them than run at a time; the gates open only after the loop has turned."""
    async with aio.open(tmp_path / "mind.ngdb", busy_timeout_s=60) as db:
        gates = [Gate(str(number)) for number in range(12)]
        tasks = [asyncio.create_task(db.executemany(INSERT, gate)) for gate in gates]
        await until(lambda: any(gate.entered.is_set() for gate in gates))
        for _ in range(1000):
            await asyncio.sleep(0)
        assert not any(task.done() for task in tasks)
        for gate in gates:
            gate.open.set()
        await asyncio.gather(*tasks)
        assert await db.tokens.count() == 12


@in_loop
async def test_interrupt_stops_all_calls_at_once(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        tasks = [asyncio.create_task(db.execute(ENDLESS)) for _ in range(2)]
        await until(lambda: db._runner.threads._running == 2)
        while not all(task.done() for task in tasks):
            db.interrupt()
            await asyncio.sleep(0)
        assert [type(await raised(task)) for task in tasks] == [errors.Interrupted] * 2


def test_a_database_is_used_in_another_loop_than_it_was_opened_in(tmp_path: Path) -> None:
    async def opened() -> aio.Database:
        return await aio.open(tmp_path / "mind.ngdb")

    async def write(db: aio.Database) -> None:
        async with db.transaction():
            await db.tokens.create("cat")

    async def read(db: aio.Database) -> list[str]:
        async with db:
            return [token.label async for token in db.tokens]

    db = asyncio.run(opened())
    asyncio.run(write(db))
    assert asyncio.run(read(db)) == ["cat"]


def test_loops_of_several_threads_share_one_database(tmp_path: Path) -> None:
    async def opened() -> aio.Database:
        return await aio.open(tmp_path / "mind.ngdb", busy_timeout_s=60, synchronous="off")

    async def work(db: aio.Database, name: str) -> None:
        for number in range(20):
            async with db.transaction():
                await db.tokens.create(f"{name}{number}")
                await db.tokens.count()

    db = asyncio.run(opened())
    workers = [threading.Thread(target=asyncio.run, args=(work(db, name),)) for name in "abcd"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    async def after() -> None:
        async with db:
            assert await db.tokens.count() == 80
            assert await db.check() == []

    asyncio.run(after())


@in_loop
async def test_a_call_made_outside_a_loop_runs_where_it_is_awaited(tmp_path: Path) -> None:
    db = await aio.open(tmp_path / "mind.ngdb")
    made = await asyncio.to_thread(db.tokens.create, "cat")
    async with db.transaction():
        token = await made
        assert token.label == "cat"
    await db.close()


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="")


@in_loop
async def test_context_variables_are_those_of_the_caller(tmp_path: Path) -> None:
    seen = []

    def rows() -> object:
        seen.append(variable.get())
        yield ("cat",)

    async with aio.open(tmp_path / "mind.ngdb") as db:
        variable.set("mine")
        await db.executemany(INSERT, rows())  # type: ignore[arg-type]
    assert seen == ["mine"]


@in_loop
async def test_what_can_not_be_awaited_is_not_there(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        for name in ("begin", "commit", "rollback"):
            assert not hasattr(db, name)
        with pytest.raises(TypeError):
            len(db.tokens)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            "cat" in db.tokens  # type: ignore[operator]  # noqa: B015
        with pytest.raises(errors.Misuse, match="pickled or copied"):
            pickle.dumps(db)


@in_loop
async def test_handles_say_what_they_are(tmp_path: Path) -> None:
    async with aio.open(":memory:") as db:
        assert repr(db) == "<aio.Database ':memory:'>"
        assert repr(db.tokens) == "<aio.Tokens of ':memory:'>"
        assert db.tokens is db.tokens
        assert "Create" in (db.tokens.create.__doc__ or "")


def test_the_engine_beside_it_is_the_same(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb") as sync:
        sync.tokens.create("cat")

        async def main() -> int:
            async with aio.open(tmp_path / "mind.ngdb") as db:
                await db.tokens.create("dog")
                return await db.tokens.count()

        assert asyncio.run(main()) == sync.tokens.count() == 2
