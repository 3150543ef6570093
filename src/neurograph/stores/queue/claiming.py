"""Messages claimed, in the order of rank, then of publishing."""

from __future__ import annotations

import builtins
from functools import cached_property
from random import SystemRandom

from ...errors import InvalidValue
from ...model.message import MESSAGE_COLUMNS, Message
from ..arguments import whole
from ..attempts import MS, span_ns
from . import clock
from .base import DUE, channel_name
from .due import Due
from .firing import RECURS, Firing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...connection.session import Session

_random = SystemRandom().getrandbits  # 0.5 µs; a forked or seeded generator would give the same numbers twice

LOOK = f"""
    select id, lease_ms,
           exists ({DUE.format(channel="channel.id", now="?1")})
           or exists ({RECURS.format(channel="channel.id", now="?1")}),
           exists (select 1 from message where channel_id = channel.id and state = 'ready')
      from channel
     where name = ?2 and not paused"""
_COLUMNS = {"channel": "?1", "claim": "?2", "origin": "(select name from channel where channel.id = message.origin)"}
_RETURNING = ", ".join(_COLUMNS.get(name, name) for name in MESSAGE_COLUMNS)
CLAIM = f"""
    update message
       set state = 'claimed', claim = ?2, due_ns = ?3, attempts = attempts + 1
     where id in (
         select id from message
          where channel_id = (select id from channel where id = ?4 and not paused) and state = 'ready'
          order by turn, id limit ?5)
    returning {_RETURNING}, rank"""
CLAIMED = """
    select id, channel_id from message
     where channel_id = (select id from channel where name = ?1) and state = 'claimed' and claim = ?2
     order by rank, id"""
ONE_CLAIMED = f"select {_RETURNING} from message where id = ?3"
# The next message of a channel where nothing is due.
CLAIM_NEXT = f"""
    update message
       set state = 'claimed', claim = ?2, attempts = attempts + 1,
           due_ns = ?3 + coalesce(?4, (select lease_ms from channel where id = channel_id) * {MS})
     where id = (
         select id from message
          where state = 'ready'
            and channel_id = (
                select id from channel
                 where name = ?1 and not paused
                   and not exists ({DUE.format(channel="channel.id", now="?5")})
                   and not exists ({RECURS.format(channel="channel.id", now="?5")}))
          order by turn, id limit 1)
    returning {_RETURNING}"""


class Claiming(Firing, Due):
    """Messages taken to be worked on."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._flowing: set[str] = set()  # channels whose last claim found a message

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
        A claim counts as an attempt; `release` takes it back. A message whose text is not UTF-8, as other tools may
        write it, is dead at once: nobody can read it. Nothing is written where nothing is ready, and the lock to write
        is not taken either, but for the first call that finds nothing. One statement for all `n`: 2.3 µs each in a
        batch.
        """
        most = whole(n, "n", 1)
        lease_ns = None if lease_s is None else span_ns(lease_s, "lease_s")
        name = channel_name(channel)
        now = clock.now_ns()
        claim = _random(62) + 1
        rows: builtins.list[Any] = []
        while not rows:
            try:
                if most == 1 and name in self._flowing:
                    rows = self._session.change(CLAIM_NEXT, (name, claim, now + self._grace_ns, lease_ns, now))
                if not rows:
                    rows = self._claim_what_is_there(name, claim, most, lease_ns, now)
                break
            except InvalidValue as error:
                rows = self._without_unreadable(name, claim, error, now)
        if rows:
            self._flowing.add(name)
        else:
            self._flowing.discard(name)
        return [Message(row) for row in rows]

    def _claim_what_is_there(
        self, name: str, claim: int, most: int, lease_ns: int | None, now: int
    ) -> builtins.list[Any]:
        """Look first, which takes no lock, at whether anything is due or ready; then do it, and claim."""
        look = self._session.rows(LOOK, (now, name))
        if not look:
            return []
        channel_id, lease_ms, due, ready = look[0]
        if due:
            self._fire(channel_id, now)
            self._pass_time(channel_id, now)
        elif not ready:
            return []
        until = now + (lease_ms * MS if lease_ns is None else lease_ns) + self._grace_ns
        rows = self._session.change(CLAIM, (name, claim, until, channel_id, most))
        if len(rows) > 1:
            rows.sort(key=_order)
        return [row[:-1] for row in rows]

    def _without_unreadable(self, name: str, claim: int, error: InvalidValue, now: int) -> builtins.list[Any]:
        """Bury what of a claim has a text that is not UTF-8, as a shell may write it, and return the rest.

        It was claimed with all the others, which nobody would work on before the lease is over.
        """
        rows: builtins.list[Any] = []
        buried = 0
        with self._session.transaction():
            for number, channel_id in self._session.rows(CLAIMED, (name, claim)):
                try:
                    rows += self._session.rows(ONE_CLAIMED, (name, claim, number))
                except InvalidValue as unreadable:
                    self._note_failures([number], str(unreadable), None, now)
                    self._bury(channel_id, [number], now)
                    buried += 1
        if not buried:
            raise error
        return rows

    @cached_property
    def _grace_ns(self) -> int:
        return round(self._session.options.busy_timeout_s * 1e9)


def _order(row: tuple[int, ...]) -> tuple[int, int]:
    return row[-1], row[0]
