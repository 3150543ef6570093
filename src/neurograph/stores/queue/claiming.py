"""Messages claimed, in the order of rank, then of publishing."""

from __future__ import annotations

import builtins
from random import SystemRandom

from ...model.message import MESSAGE_COLUMNS, Message
from ..arguments import whole
from . import clock
from .base import MS, channel_name, span_ns
from .due import Due

_random = SystemRandom().getrandbits  # 0.5 µs; a forked or seeded generator would give the same numbers twice

LOOK = """
    select id, lease_ms,
           exists (select 1 from message where channel_id = channel.id and due_ns <= ?1)
           or exists (select 1 from recurring where channel_id = channel.id and next_ns <= ?1 and paused = 0),
           exists (select 1 from message where channel_id = channel.id and state = 'ready')
      from channel
     where name = ?2 and not paused"""
CLAIM = f"""
    update message
       set state = 'claimed', claim = ?1, due_ns = ?2, attempts = attempts + 1
     where id in (select id from message where channel_id = ?3 and state = 'ready' order by rank, id limit ?4)
    returning {", ".join({"channel": "?5", "claim": "?1"}.get(name, name) for name in MESSAGE_COLUMNS)}, rank"""
CLAIM = CLAIM.replace(" origin,", " (select name from channel where channel.id = message.origin),")


class Claiming(Due):
    """Messages taken to be worked on."""

    def claim(self, channel: str, n: int = 1, *, lease_s: float | None = None) -> builtins.list[Message]:
        """Take the next messages of a channel to work on them, and return them; it never waits.

        Parameters
        ----------
        channel
            The channel's name.
        n
            At most so many.
        lease_s
            How long they are yours; None: the channel's ``lease_ms``. Who is not done by then calls `extend`.
            Afterwards others may claim them, but only once the handle's busy timeout has passed as well: so long an
            `ack` in time may have waited for a lock.

        Returns
        -------
        list of Message
            By priority (with ageing: less one for each ``ageing_ms`` they waited), then in the order of publishing.
            Empty where nothing is ready, the channel is paused, or there is none of that name.

        Raises
        ------
        InvalidValue
            `n` is below 1 or `lease_s` negative.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish("jobs", "later", priority="low")
        ...     _ = db.queue.publish("jobs", "first", priority="high")
        ...     [message.payload for message in db.queue.claim("jobs", 2)]
        ['first', 'later']

        Notes
        -----
        A claim counts as an attempt; `release` takes it back. Nothing is written where nothing is ready. One
        statement for all `n`: 2.3 µs each in a batch.
        """
        most = whole(n, "n", 1)
        lease_ns = None if lease_s is None else span_ns(lease_s, "lease_s")
        name = channel_name(channel)
        now = clock.now_ns()
        look = self._session.rows(LOOK, (now, name))
        if not look:
            return []
        channel_id, lease_ms, due, ready = look[0]
        if due:
            self._pass_time(channel_id, now)
        elif not ready:
            return []
        claim = _random(62) + 1
        until = now + (lease_ms * MS if lease_ns is None else lease_ns) + self._grace_ns
        rows = self._session.change(CLAIM, (claim, until, channel_id, most, name))
        if len(rows) > 1:
            rows.sort(key=_order)
        return [Message(row[:-1]) for row in rows]

    @property
    def _grace_ns(self) -> int:
        return round(self._session.options.busy_timeout_s * 1e9)


def _order(row: tuple[int, ...]) -> tuple[int, int]:
    return row[-1], row[0]
