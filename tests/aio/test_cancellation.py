"""A cancelled call has ended when its task is told so: done, or undone whole; nobody else's call notices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loops import ENDLESS, Gate, in_loop, raised, until, waiting

from effort import examples
from neurograph import aio, errors
from neurograph.aio.runner import Runner

INSERT = "insert into token (label) values (?)"


async def labels(db: aio.Database) -> list[str]:
    return [label for (label,) in await db.execute("select label from token order by id")]


@in_loop
async def test_a_call_that_reads_is_stopped_alone(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        one, other = (asyncio.create_task(db.execute(ENDLESS)) for _ in range(2))
        await until(lambda: db._runner.threads._running == 2)
        one.cancel()
        assert isinstance(await raised(one), asyncio.CancelledError)
        assert not other.done()
        other.cancel()
        assert isinstance(await raised(other), asyncio.CancelledError)
        assert await db.tokens.count() == 0


@in_loop
async def test_a_timeout_of_asyncio_ends_a_call(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await db.execute(ENDLESS)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(db.execute(ENDLESS), 0.01)
        assert await db.tokens.count() == 0


@in_loop
async def test_timeouts_in_one_another_both_end_a_call(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                async with asyncio.timeout(0.01):
                    await db.execute(ENDLESS)
        assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]
        assert await db.tokens.count() == 0


@in_loop
async def test_a_timeout_of_the_call_itself_is_an_error_of_ours(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        with pytest.raises(errors.DeadlineExceeded):
            await db.execute(ENDLESS, timeout_s=0.01)


@in_loop
async def test_the_task_is_told_when_the_call_has_ended_and_not_before(tmp_path: Path) -> None:
    """Here it runs code of the caller's, where nobody can stop it."""
    async with aio.open(tmp_path / "mind.ngdb") as db:
        gate = Gate("cat")
        task = asyncio.create_task(db.executemany(INSERT, gate))
        await until(gate.entered.is_set)
        for _ in range(3):  # being asked again changes nothing
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        gate.open.set()
        assert isinstance(await raised(task), asyncio.CancelledError)
        assert await labels(db) == []
        await db.executemany(INSERT, [("dog",)])


@in_loop
async def test_a_write_that_waits_for_its_turn_gives_up(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb", busy_timeout_s=60) as db:
        async with db.transaction():
            task = asyncio.create_task(_create(db, "dog"))
            await until(lambda: waiting(db._runner) == 1)
            task.cancel()
            assert isinstance(await raised(task), asyncio.CancelledError)
            await db.tokens.create("cat")
        assert await labels(db) == ["cat"]


async def _create(db: aio.Database, label: str) -> None:
    await db.tokens.create(label)


@in_loop
async def test_a_call_that_has_no_thread_yet_never_runs(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        endless = [asyncio.create_task(db.execute(ENDLESS)) for _ in range(8)]
        await until(lambda: db._runner.threads._running == 8)
        late = asyncio.create_task(db.tokens.create("late"))
        await asyncio.sleep(0)
        late.cancel()
        for task in endless:
            task.cancel()
        await asyncio.wait([late, *endless])
        assert late.cancelled()
        assert await labels(db) == []


@in_loop
async def test_a_timeout_inside_a_transaction_leaves_it_usable_or_says_that_it_is_gone(tmp_path: Path) -> None:
    """As in the sync form: what reads is stopped alone, what writes takes its transaction with it."""
    async with aio.open(tmp_path / "mind.ngdb") as db:
        async with db.transaction():
            await db.tokens.create("cat")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await db.execute(ENDLESS)
            await db.tokens.create("dog")
        assert await labels(db) == ["cat", "dog"]
        with pytest.raises(errors.NoTransaction):
            async with db.transaction():
                await db.tokens.create("owl")
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await db.execute(f"insert into token (label) {ENDLESS}")
                await db.tokens.create("emu")
        assert await labels(db) == ["cat", "dog"]


class CancelAt:
    """Cancels a task when its n-th call has been given to its thread: exactly where it awaits that call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, task: Callable[[], asyncio.Task[Any] | None], n: int) -> None:
        self.left = n
        post = Runner.post

        def counting(runner: Runner, *args: Any) -> None:
            post(runner, *args)
            if (target := task()) is not None and asyncio.current_task() is target:
                self.left -= 1
                if self.left == 0:
                    target.cancel()

        monkeypatch.setattr(Runner, "post", counting)


async def work(db: aio.Database) -> None:
    """Two transactions with a savepoint, a stream and a snapshot: 18 calls."""
    for name in ("a", "b"):
        async with db.transaction():
            await db.tokens.create(f"{name}1")
            async with db.transaction():
                await db.tokens.create(f"{name}2")
            await db.storage.increment("n", "pairs")
            assert [row async for row in db.stream("select 1")] == [(1,)]
    async with db.snapshot():
        assert await db.tokens.count() == 4


@pytest.mark.parametrize("n", range(1, 25))
def test_cancelled_at_any_of_its_calls_it_leaves_whole_transactions(
    n: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "mind.ngdb", busy_timeout_s=60, synchronous="off") as db:
            task: asyncio.Task[None] | None = None
            cancel = CancelAt(monkeypatch, lambda: task, n)
            task = asyncio.create_task(work(db))
            await asyncio.wait([task])
            assert task.cancelled() == (cancel.left <= 0)
            assert await labels(db) in ([], ["a1", "a2"], ["a1", "a2", "b1", "b2"])
            assert await db.storage.get("n", "pairs", default=0) == await db.tokens.count() / 2
            assert (db._runner._open_blocks, len(db._runner._calls)) == (0, 0)
            async with db.transaction():
                await db.tokens.create("after")
            assert await db.check() == []

    asyncio.run(main())


def test_the_calls_above_are_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> int:
        async with aio.open(tmp_path / "mind.ngdb") as db:
            task: asyncio.Task[None] | None = None
            cancel = CancelAt(monkeypatch, lambda: task, 1000)
            task = asyncio.create_task(work(db))
            await task
            return 1000 - cancel.left

    assert 15 < asyncio.run(main()) < 25


@in_loop
async def test_cancelled_while_it_opens_it_leaves_nothing_open(tmp_path: Path) -> None:
    async def opening() -> None:
        async with aio.open(tmp_path / "mind.ngdb"):
            await asyncio.get_running_loop().create_future()

    for turns in range(4):
        task = asyncio.create_task(opening())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        assert isinstance(await raised(task), asyncio.CancelledError)
    (tmp_path / "mind.ngdb").unlink(missing_ok=True)  # nobody has it: what is left is no log
    assert not [path for path in tmp_path.iterdir() if path.name.endswith("-wal")]


@in_loop
async def test_a_cancelled_write_that_leads_others_does_not_stop_theirs(tmp_path: Path) -> None:
    """Writes that wait share a commit, and the first of them runs the statements of all."""
    async with aio.open(tmp_path / "mind.ngdb", busy_timeout_s=60) as db:
        session, gate = db._sync._session, Gate()
        session.writer.connection.create_scalar_function("gate", lambda: len(list(gate)), 0)
        slow = """
            insert into storage (namespace, key, value)
            select 'n', i, '0'
              from (with recursive n(i) as (select gate() union all select i + 1 from n where i < 50000)
                    select max(i) as i from n)"""
        async with db.transaction():
            leading = asyncio.create_task(_create(db, "cat"))
            await until(lambda: waiting(db._runner) == 1)
            led = asyncio.create_task(db._runner.call(None, lambda: session.change(slow)))
            await until(lambda: waiting(db._runner) == 2)
        await until(gate.entered.is_set)
        leading.cancel()
        gate.open.set()
        assert await led == []
        assert isinstance(await raised(leading), asyncio.CancelledError)
        assert (await labels(db), await db.storage.keys("n")) == (["cat"], ["50000"])
        assert len(gate.threads) == 1  # nor was it run again


# --- any interleaving ---------------------------------------------------------------------------------------------

STEPS = st.lists(st.sampled_from(["write", "read", "nested", "fail", "pause"]), min_size=1, max_size=4)
TASKS = st.lists(st.tuples(STEPS, st.integers(0, 12) | st.none()), min_size=2, max_size=5)


class Undo(Exception):  # noqa: N818 - no error
    """Raised on purpose."""


async def scripted(db: aio.Database, number: int, steps: list[str], numbers: Iterator[int]) -> None:
    async with db.transaction():
        mine = 0
        for step in steps:
            if step == "write":
                await db.tokens.create(f"{number}-{next(numbers)}")
                mine += 1
            elif step == "read":
                assert len([label for label in await labels(db) if label.startswith(f"{number}-")]) == mine
            elif step == "nested":
                try:
                    async with db.transaction():
                        await db.tokens.create(f"{number}-{next(numbers)}")
                        raise Undo
                except Undo:
                    pass
            elif step == "pause":
                await asyncio.sleep(0)
            else:
                raise Undo
        await db.storage.set("done", str(number), mine)


@settings(max_examples=examples(60), deadline=None)
@given(tasks=TASKS)
def test_whatever_tasks_do_at_once_each_transaction_is_whole(tasks: list[tuple[list[str], int | None]]) -> None:
    async def main() -> None:
        async with aio.open(":memory:", busy_timeout_s=60) as db:
            numbers = iter(range(1000))
            running = [
                asyncio.create_task(_cancelled(scripted(db, number, steps, numbers), after))
                for number, (steps, after) in enumerate(tasks)
            ]
            await asyncio.wait(running)
            kept = await labels(db)
            for number, task in enumerate(running):
                wrote = sum(label.startswith(f"{number}-") for label in kept)
                done = await db.storage.get("done", str(number))
                assert wrote == (done or 0)
                if task.cancelled() or task.exception() is not None:
                    assert task.cancelled() or isinstance(task.exception(), Undo)
                else:
                    assert done == tasks[number][0].count("write")
            assert await db.check() == []

    asyncio.run(main())


async def _cancelled(work: Coroutine[Any, Any, None], after: int | None) -> None:
    """Do something, and cancel it when the loop has turned so many times."""
    task = asyncio.create_task(work)
    if after is not None:
        for _ in range(after):
            await asyncio.sleep(0)
        task.cancel()
    await task
