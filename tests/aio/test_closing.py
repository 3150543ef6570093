"""Closing waits for what runs, stops what waits for ever, and leaves no thread."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from loops import Gate, in_loop, raised, until, waiting

from neurograph import aio, errors

INSERT = "insert into token (label) values (?)"


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("neurograph.aio")]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threads()
    yield
    for thread in threads():
        if thread not in before:
            thread.join(5)  # the one that closes ends right after it has said so
    assert set(threads()) <= set(before)


@in_loop
async def test_a_call_that_runs_is_waited_for(tmp_path: Path) -> None:
    db = await aio.open(tmp_path / "mind.ngdb")
    gate = Gate("cat")
    task = asyncio.create_task(db.executemany(INSERT, gate))
    await until(gate.entered.is_set)
    closing = asyncio.create_task(db.close())
    await until(lambda: db._runner._closing)
    assert not closing.done()
    assert not db.closed
    with pytest.raises(errors.Closed, match="is being closed"):
        await db.tokens.count()
    with pytest.raises(errors.Closed, match="is being closed"):
        await db.transaction().__aenter__()
    gate.open.set()
    await asyncio.gather(task, closing)
    assert db.closed
    async with aio.open(tmp_path / "mind.ngdb") as db:
        assert (await db.tokens.get(1)).label == "cat"


@in_loop
async def test_closing_that_is_cancelled_closes_and_then_says_so(tmp_path: Path) -> None:
    db = await aio.open(tmp_path / "mind.ngdb")
    gate = Gate("cat")
    task = asyncio.create_task(db.executemany(INSERT, gate))
    await until(gate.entered.is_set)
    closing = asyncio.create_task(db.close())
    await until(lambda: db._runner._closing)
    closing.cancel()
    await asyncio.sleep(0)
    assert not closing.done()
    gate.open.set()
    assert isinstance(await raised(closing), asyncio.CancelledError)
    assert db.closed
    await task


@pytest.mark.parametrize("path", ["mind.ngdb", ":memory:"])
@in_loop
async def test_who_waits_for_ever_is_told(path: str, tmp_path: Path) -> None:
    db = await aio.open(path if path == ":memory:" else tmp_path / path)
    steps = [asyncio.create_task(anext(db.storage.watch())) for _ in range(3)]
    await until(lambda: waiting(db._runner) == 3)
    await db.close()
    assert [type(await raised(step)) for step in steps] == [errors.Closed] * 3


@in_loop
async def test_after_it_every_call_says_closed_and_closing_again_does_nothing(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        rows = await db.stream("select 1 union all select 2")
        late = db.tokens.count()
    await db.close()
    for call in (late, db.tokens.count(), db.transaction().__aenter__(), anext(db.storage.watch())):
        error = await raised(call)
        assert isinstance(error, errors.Closed)
        assert "open it again with neurograph.aio.open" in str(error)
    await rows.aclose()
    assert repr(db) == f"<aio.Database {str(tmp_path / 'mind.ngdb')!r} closed>"


@in_loop
async def test_not_inside_a_transaction_of_the_same_task(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        async with db.transaction():
            with pytest.raises(errors.TransactionOpen, match="leave its block first"):
                await db.close()
            await db.tokens.create("cat")
        assert await db.tokens.count() == 1


@in_loop
async def test_the_transaction_of_another_task_is_waited_for_and_then_refused(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb", busy_timeout_s=0.01) as db:
        async with db.transaction():
            with pytest.raises(errors.TransactionOpen, match="another task has"):
                await asyncio.create_task(_close(db))
            await db.tokens.create("cat")
        assert await db.tokens.count() == 1


@in_loop
async def test_a_transaction_that_ends_in_time_is_kept(tmp_path: Path) -> None:
    db = await aio.open(tmp_path / "mind.ngdb", busy_timeout_s=60)
    async with db.transaction():
        closing = asyncio.create_task(_close(db))
        await until(lambda: any(thread.name == "neurograph.aio apart" for thread in threads()))
        await db.tokens.create("cat")
        assert not closing.done()
    await closing
    async with aio.open(tmp_path / "mind.ngdb") as db:
        assert await db.tokens.count() == 1


async def _close(db: aio.Database) -> None:
    await db.close()


@in_loop
async def test_portable_leaves_no_log(tmp_path: Path) -> None:
    db = await aio.open(tmp_path / "mind.ngdb")
    await db.tokens.create("cat")
    await db.close(portable=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mind.ngdb"]


@in_loop
async def test_refused_because_of_another_handle_it_stays_open(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as other, aio.open(tmp_path / "mind.ngdb") as db:
        await other.tokens.create("cat")
        with pytest.raises(errors.TransactionBusy):
            await db.close(portable=True)
        assert await db.tokens.count() == 1


@in_loop
async def test_a_reader_closes_on_its_own(tmp_path: Path) -> None:
    async with aio.open(tmp_path / "mind.ngdb") as db:
        async with await db.reader() as reader:
            with pytest.raises(errors.ReadOnlyDatabase):
                await reader.tokens.create("cat")
        assert reader.closed
        await db.tokens.create("cat")


def test_a_handle_that_is_dropped_ends_its_threads(tmp_path: Path) -> None:
    async def drop() -> None:
        db = await aio.open(tmp_path / "mind.ngdb")
        await db.tokens.create("cat")

    asyncio.run(drop())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_is_refused_instead_of_waiting_for_threads_it_has_not(tmp_path: Path) -> None:
    import subprocess

    code = """
import asyncio, os, sys, warnings
warnings.simplefilter("ignore")
from neurograph import aio, errors
async def opened():
    return await aio.open(sys.argv[1])
async def count(db):
    return await db.tokens.count()
db = asyncio.run(opened())
child = os.fork()
if not child:
    try:
        asyncio.run(count(db))
    except errors.WrongProcess:
        os._exit(7)
    os._exit(1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "mind.ngdb")], timeout=120)
    assert done.returncode == 7
