"""What time alone does in a channel: delays end, leases run out, messages expire, results were kept enough.

Whoever claims does it first, and `sweep` where nobody claims. Each slice is a transaction of its own, unless the caller
has one.
"""

from __future__ import annotations

from ..arguments import bound_ids
from . import clock
from .base import DUE, QueuePart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

AT_ONCE = 1024  # messages: 20 ms under the write lock
CHOSEN = "id in (select value from carray(?))"
RAN_OUT = "the lease ran out"
DUE_CHANNELS = f"""
    select id from channel as c where exists ({DUE.format(channel="c.id", now="?1")}) order by id"""
DUE_ROWS = f"""
    select id, state, attempts, coalesce(expires_ns <= ?1, 0),
           (select attempts from channel where channel.id = channel_id)
      from message
     where id in (select id from ({DUE.format(channel="?2", now="?1")}) limit ?3)"""
# The same of one message that is pending no more, for time has dropped it or made it a dead letter.
OVER = """
    select m.id, m.state, m.attempts, coalesce(m.expires_ns <= ?1, 0), c.attempts
      from message as m join channel as c on c.id = m.channel_id
     where m.id = ?2 and m.due_ns <= ?1
       and (m.expires_ns <= ?1 or m.state = 'claimed' and m.attempts >= c.attempts)"""
FORGET_KEYS = """
    delete from message_key
     where (channel_id, key) in (
         select k.channel_id, k.key
           from channel as c cross join message_key as k
          where k.channel_id = c.id and k.pending = 0 and k.until_ns <= ?1
          limit ?2)"""


class Due(QueuePart):
    """What is due is done, and what is dead is buried."""

    def sweep(self) -> int:
        """Do what is due in all channels, and return how many messages that changed.

        Whoever claims does it for his channel, so this is for channels from which nobody claims: there, too, delays
        end, leases run out, and what expired or was kept long enough is deleted. `db.optimize` calls it.

        Returns
        -------
        int
            Messages that became ready or dead, or were deleted.

        Examples
        --------
        >>> import neurograph, time
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish("news", "old hat", ttl_s=0.001)
        ...     time.sleep(0.002)
        ...     db.queue.sweep(), db.queue.stats("news").expired
        (1, 1)

        Notes
        -----
        In slices of 1,024 messages, 20 ms each, a transaction of its own for each unless one is open.
        """
        now, count = clock.now_ns(), 0
        for (channel_id,) in self._session.rows(DUE_CHANNELS, (now,)):
            count += self._pass_time(channel_id, now)
        while self._session.changed(FORGET_KEYS, (now, AT_ONCE)):
            pass
        return count

    def _pass_time(self, channel_id: int, now: int) -> int:
        """Do all that is due in a channel, and return how many messages that changed."""
        count = done = self._pass_slice(channel_id, now)
        while done == AT_ONCE:
            done = self._pass_slice(channel_id, now)
            count += done
        return count

    def _pass_slice(self, channel_id: int, now: int) -> int:
        """Do what is due first in a channel, and return how many messages that changed."""
        with self._session.transaction():
            return self._pass_rows(channel_id, self._session.rows(DUE_ROWS, (now, channel_id, AT_ONCE)), now)

    def _end(self, channel_id: int, number: int, now: int) -> int:
        """Do what is due of one message if that ends it, and return whether it did, as 0 or 1."""
        return self._pass_rows(channel_id, self._session.rows(OVER, (now, number)), now)

    def _pass_rows(self, channel_id: int, rows: list[Any], now: int) -> int:
        """Do what is due of some messages of a channel, in the caller's transaction, and return how many they are."""
        gone: list[int] = []
        expired: list[int] = []
        ready: list[int] = []
        dead: list[int] = []
        lapsed: list[int] = []
        for number, state, attempts, late, most in rows:
            if state == "done":
                gone.append(number)
                continue
            if state == "claimed":
                lapsed.append(number)
                if attempts >= most:
                    dead.append(number)
                    continue
            (expired if late else ready).append(number)
        self._note_failures(lapsed, RAN_OUT, None, now)
        self._bury(channel_id, dead, now)
        self._on_ids("update message set state = 'ready', claim = null, due_ns = expires_ns where ", ready)
        if expired:
            self._session.change("update channel set expired = expired + ? where id = ?", (len(expired), channel_id))
        if gone or expired:
            self._drop(gone + expired)
        return len(rows)

    def _on_ids(self, sql: str, ids: Iterable[int], *bindings: Any) -> None:
        ids = list(ids)
        if ids:
            self._session.change(sql + CHOSEN, (*bindings, bound_ids(ids)))

    def _note_failures(self, ids: Iterable[int], error: str, trace: str | None, now: int) -> None:
        self._on_ids(
            "insert into failure (message_id, attempt, error, trace, failed_ns) "
            "select id, max(attempts, 1), ?, ?, ? from message where ",
            ids,
            error,
            trace,
            now,
        )

    def _bury(self, channel_id: int, ids: Iterable[int], now: int) -> None:
        """Move messages to the channel's dead letters. A dead letter that fails again stays where it is."""
        ids = list(ids)
        if not ids:
            return
        target = self._session.rows(
            "select d.id, d.ttl_ms, d.name from channel as c, channel as d where d.name = c.dead_letter and c.id = ?",
            (channel_id,),
        )
        if target:
            (there, ttl_ms, name) = target[0]
            expires = None if ttl_ms is None else now + ttl_ms * 1_000_000
            self._on_ids(
                "update message set channel_id = ?, origin = channel_id, state = 'ready', claim = null, attempts = 0, "
                "expires_ns = ?, due_ns = ? where origin is null and ",
                ids,
                there,
                expires,
                expires,
            )
            self._session.announce(name)
        self._on_ids(
            "update message set state = 'dead', claim = null, due_ns = null, expires_ns = null "
            f"where channel_id = {channel_id} and ",
            ids,
        )
