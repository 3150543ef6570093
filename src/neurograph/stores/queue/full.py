"""What becomes of a publish that a channel has no room for: it waits, or is told why not."""

from __future__ import annotations

from math import inf

from ...connection import refusal
from ...connection.running import Idle, heard
from ...errors import ChannelFull, RateLimited, RuleViolated
from . import clock
from .due import Due

ROOM = """
    select capacity is null or pending < capacity
           or exists (select 1 from message where channel_id = channel.id and state = 'ready' and due_ns <= ?1)
           or exists (
             select 1 from message
              where channel_id = channel.id and state = 'delayed' and turn <= ?1 and expires_ns <= ?1)
      from channel
     where name = ?2"""
PAUSES_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)  # between two looks at a full channel


class Full(Due):
    """Channels with a capacity or a rate."""

    def _wait_for_room(self, channel: str, end: float | None, latest: float = inf) -> float | None:
        """Wait until a channel that blocks has room, and return when waiting must end; None: there was none in time.

        A channel that is removed meanwhile has room, as it is made anew.
        """
        when_full, block_ms = self._channel("when_full, block_ms", channel)
        if when_full != "block" or self._session.in_transaction:
            return None
        if end is None:
            end = min(clock.monotonic() + block_ms / 1000, latest)
        pauses, before = iter(PAUSES_S), self._session.interrupts
        with Idle(for_ever=True):  # with the handle closed there is nobody left to make room
            while (left := end - clock.monotonic()) > 0:
                clock.sleep(min(left, next(pauses, PAUSES_S[-1])))
                if heard() or self._session.interrupts != before:
                    raise refusal.stopped(False)
                room = self._session.rows(ROOM, (clock.now_ns(), channel))
                if not room or room[0][0]:
                    return end
        return None

    def _refused(self, error: RuleViolated, channel: str, waits: bool = False) -> Exception:
        """Return the error for what a trigger refused."""
        if error.rule == "message.capacity":
            capacity, pending, when_full = self._channel("capacity, pending, when_full", channel)
            return ChannelFull(
                f"channel {channel!r} must have room, got {pending} pending messages of {capacity}"
                f"{' after waiting' if waits and when_full == 'block' else ''}; "
                "claim and ack some, or raise capacity with db.queue.update_channel"
            )
        if error.rule == "message.rate_per_s":
            rate, most = self._channel("rate_per_s, coalesce(burst, cast(max(1, 2 * rate_per_s) as integer))", channel)
            if rate is None:
                return RateLimited(f"channel {channel!r} had a rate_per_s, which is gone since; publish again")
            return RateLimited(
                f"messages must not come faster than {rate:g} a second in channel {channel!r}, and no more than {most} "
                "at once; publish later, or raise rate_per_s or burst with db.queue.update_channel"
            )
        return error
