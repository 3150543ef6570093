"""What recurs in a channel is published when it is due, by whoever claims there.

Invariants:

1. Who moves `next_ns` on publishes the message, in the same transaction, and only from the value it has read: so each
   firing has one message, however many processes look.
2. `next_ns` always moves on, whatever the channel, the expression or the time zone say: who waits would spin else.
3. No expression is read inside the write transaction, unless the caller has one.
"""

from __future__ import annotations

from ... import log
from ...errors import InvalidValue, RuleViolated
from ..attempts import MS
from ..named import is_utf8
from .base import QueuePart
from .plan import next_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RECURS = "select 1 from recurring where channel_id = {channel} and next_ns <= {now} and paused = 0"
"""Tells whether anything recurs in a channel that is due."""
DUE_RECURRING = """
    select name, expression, time_zone, next_ns
      from recurring
     where channel_id = ? and next_ns <= ? and paused = 0
     order by next_ns, name"""
# As bytes: what a shell wrote may be no text.
DUE_TEXTS = """
    select cast(name as blob), cast(time_zone as blob)
      from recurring
     where channel_id = ? and next_ns <= ? and paused = 0"""
STOP = "update recurring set next_ns = null, error = ? where name = cast(? as text)"
MOVE = """
    update recurring
       set next_ns = ?1, error = ?2, last_ns = iif(next_ns > 0, next_ns, last_ns)
     where name = ?3 and next_ns = ?4 and expression = ?5 and time_zone = ?6 and channel_id = ?7 and paused = 0
    returning name"""
FIRE = f"""
    insert into message (channel_id, priority, published_ns, expires_ns, headers, payload)
    select channel_id, priority, ?1, ?1 + ttl_ms * {MS},
           json_set(coalesce(headers, '{{}}'), '$.recurring', name, '$.scheduled_ns', last_ns),
           payload
      from recurring
     where name = ?2"""


class Firing(QueuePart):
    """Recurring messages come due."""

    def _fire(self, channel_id: int, now: int) -> None:
        """Publish what recurs in a channel and is due."""
        for name, expression, time_zone, due in self._due_recurring(channel_id, now):
            following, error = None, None
            try:
                following = next_time(expression, time_zone, now)
            except InvalidValue as refusal:
                error = str(refusal)
                log.warning("recurring message %r: %s", name, error)
            with self._session.transaction():
                row = (following, error, name, due, expression, time_zone, channel_id)
                if self._session.change(MOVE, row) and due:
                    self._publish_due(name, now)

    def _due_recurring(self, channel_id: int, now: int) -> list[tuple[Any, ...]]:
        """Return what recurs in a channel and is due; what nobody can read is not any more, and has the reason."""
        try:
            return self._session.rows(DUE_RECURRING, (channel_id, now))
        except InvalidValue:
            with self._session.transaction():
                for texts in self._session.rows(DUE_TEXTS, (channel_id, now)):
                    if (wrong := next((text for text in texts if not is_utf8(text)), None)) is not None:
                        error = (
                            f"name and time_zone must be UTF-8, got {wrong[:60]!r}; delete the row, or set its "
                            "time_zone anew"
                        )
                        log.warning("recurring message %r: %s", texts[0].decode(errors="replace"), error)
                        self._session.change(STOP, (error, texts[0]))
            return self._session.rows(DUE_RECURRING, (channel_id, now))

    def _publish_due(self, name: str, now: int) -> None:
        why = "is full"
        try:
            if self._session.insert_or_none(FIRE, (now, name)) is not None:
                return
        except RuleViolated as error:
            if error.rule not in {"message.capacity", "message.rate_per_s"}:
                raise
            why = "is full" if error.rule == "message.capacity" else "gets more than its rate_per_s"
        self._session.change("update recurring set refused = refused + 1 where name = ?", (name,))
        log.warning("recurring message %r was due and is left out: its channel %s", name, why)
