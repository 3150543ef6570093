"""The turn to write: re-entrant, fair, and free again however a wait for it ends."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from neurograph.connection.turn import Turn, current_task
from processes import posix, untraced


def wait_until(condition: object) -> None:
    end = time.monotonic() + 20
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.001)


def is_free(turn: Turn) -> bool:
    """Tell whether another thread could take the turn now."""
    found: list[bool] = []

    def look() -> None:
        found.append(turn.take(0))
        if found[0]:
            turn.give()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found[0]


def test_a_thread_may_take_it_again_and_gives_it_back_as_often() -> None:
    turn = Turn()
    assert turn.take(0)
    assert turn.take(0)
    turn.give()
    assert turn.mine
    assert not is_free(turn)
    turn.give()
    assert not turn.mine
    assert is_free(turn)


def test_a_thread_without_time_does_not_wait() -> None:
    turn = Turn()
    turn.take(0)
    started = time.monotonic()
    assert not is_free(turn)
    assert time.monotonic() - started < 1


def test_threads_are_served_in_the_order_they_came() -> None:
    turn = Turn()
    turn.take(0)
    order: list[int] = []

    def work(number: int) -> None:
        assert turn.take(30)
        order.append(number)
        turn.give()

    threads = []
    for number in range(8):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        wait_until(lambda: len(turn._queue) == number + 1)  # noqa: B023
    turn.give()
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_who_gives_it_back_waits_behind_those_who_wait() -> None:
    turn = Turn()
    turn.take(0)
    order: list[str] = []

    def other() -> None:
        assert turn.take(30)
        order.append("other")
        turn.give()

    thread = threading.Thread(target=other)
    thread.start()
    wait_until(lambda: len(turn._queue) == 1)
    turn.give()
    assert turn.take(30)
    order.append("me")
    turn.give()
    thread.join()
    assert order == ["other", "me"]


def test_the_owner_takes_it_again_while_others_wait() -> None:
    turn = Turn()
    turn.take(0)
    thread = threading.Thread(target=lambda: turn.take(30) and turn.give())
    thread.start()
    wait_until(lambda: len(turn._queue) == 1)
    assert turn.take(0)
    turn.give()
    turn.give()
    thread.join()
    assert is_free(turn)


def test_who_gives_up_leaves_the_queue_and_the_next_is_served() -> None:
    turn = Turn()
    turn.take(0)
    served: list[str] = []

    def wait(name: str, timeout_s: float) -> None:
        if turn.take(timeout_s):
            served.append(name)
            turn.give()

    impatient = threading.Thread(target=wait, args=("impatient", 0.05))
    impatient.start()
    wait_until(lambda: len(turn._queue) == 1)
    patient = threading.Thread(target=wait, args=("patient", 30))
    patient.start()
    impatient.join()
    turn.give()
    patient.join()
    assert served == ["patient"]
    assert not turn._queue
    assert is_free(turn)


@posix
def test_ctrl_c_while_waiting_leaves_the_queue() -> None:
    turn = Turn()
    taken, release = threading.Event(), threading.Event()

    def hold() -> None:
        turn.take(0)
        taken.set()
        release.wait(30)
        turn.give()

    def press() -> None:
        wait_until(lambda: len(turn._queue) == 1)
        signal.raise_signal(signal.SIGINT)

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait(30)
    presser = threading.Thread(target=press)
    with untraced():
        presser.start()
        with pytest.raises(KeyboardInterrupt):
            turn.take(30)
    presser.join()
    assert not turn._queue
    assert not turn.mine
    release.set()
    holder.join()
    assert is_free(turn)


def test_many_threads_never_have_it_at_once() -> None:
    turn = Turn()
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(200):
            assert turn.take(60)
            inside += 1
            most = max(most, inside)
            inside -= 1
            turn.give()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 1)
    assert not turn._queue


def test_without_a_running_loop_there_is_no_task() -> None:
    assert current_task() is None
