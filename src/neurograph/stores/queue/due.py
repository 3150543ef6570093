"""What time alone does in a channel: delays end, leases run out, messages expire, results were kept enough.

Whoever claims does it first. Each slice is a transaction of its own, unless the caller has one.
"""

from __future__ import annotations

from ..arguments import bound_ids
from .firing import Firing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

AT_ONCE = 1024  # messages: 20 ms under the write lock
CHOSEN = "id in (select value from carray(?))"
RAN_OUT = "the lease ran out"


class Due(Firing):
    """What is due is done, and what is dead is buried."""

    def _pass_time(self, channel_id: int, now: int) -> None:
        """Do all that is due in a channel."""
        self._fire(channel_id, now)
        while self._pass_slice(channel_id, now) == AT_ONCE:
            pass

    def _pass_slice(self, channel_id: int, now: int) -> int:
        """Do what is due first in a channel, and return how many messages that changed."""
        with self._session.transaction():
            rows = self._session.rows(
                "select id, state, attempts, coalesce(expires_ns <= ?1, 0), "
                "(select attempts from channel where channel.id = channel_id) "
                "from message where channel_id = ?2 and due_ns <= ?1 order by due_ns, id limit ?3",
                (now, channel_id, AT_ONCE),
            )
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
                self._session.change(
                    "update channel set expired = expired + ? where id = ?", (len(expired), channel_id)
                )
            self._on_ids("delete from message where ", gone + expired)
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
            "select d.id, d.ttl_ms from channel as c join channel as d on d.name = c.dead_letter where c.id = ?",
            (channel_id,),
        )
        if target:
            (there, ttl_ms) = target[0]
            expires = None if ttl_ms is None else now + ttl_ms * 1_000_000
            self._on_ids(
                "update message set channel_id = ?, origin = channel_id, state = 'ready', claim = null, attempts = 0, "
                "expires_ns = ?, due_ns = ? where origin is null and ",
                ids,
                there,
                expires,
                expires,
            )
        self._on_ids(
            "update message set state = 'dead', claim = null, due_ns = null, expires_ns = null "
            f"where channel_id = {channel_id} and ",
            ids,
        )
