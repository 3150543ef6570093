"""What time alone does to the deliveries of a subscription: delays end, leases run out.

Whoever claims does it first. Each slice is a transaction of its own, unless the caller has one.
"""

from __future__ import annotations

from ..arguments import bound_ids
from ..attempts import RAN_OUT
from .part import SubscriptionPart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

AT_ONCE = 1024  # deliveries: 5 ms under the write lock
CHOSEN = "where subscription_id = ? and entry_id in (select value from carray(?))"
DUE = """
    select entry_id, state, attempts
      from delivery
     where subscription_id = ? and due_ns <= ?
     order by due_ns, entry_id
     limit ?"""


class Due(SubscriptionPart):
    """What is due is done."""

    def _pass_time(self, now: int) -> None:
        """Do all that is due."""
        while self._pass_slice(now) == AT_ONCE:
            pass

    def _pass_slice(self, now: int) -> int:
        """Do what is due first, and return how many deliveries that changed."""
        with self._session.transaction():
            (most,) = self._row("attempts")
            rows = self._session.rows(DUE, (self._id, now, AT_ONCE))
            delayed = [number for number, state, _ in rows if state == "delayed"]
            dead = [number for number, state, attempts in rows if state == "claimed" and attempts >= most]
            lapsed = [number for number, state, attempts in rows if state == "claimed" and attempts < most]
            failed = "claim = null, due_ns = null, error = ?, trace = null, failed_ns = ?"
            self._on_deliveries(f"update delivery set state = 'dead', {failed}", dead, RAN_OUT, now)
            self._on_deliveries(f"update delivery set state = 'ready', {failed}", lapsed, RAN_OUT, now)
            self._on_deliveries("update delivery set state = 'ready', due_ns = null", delayed)
        return len(rows)

    def _on_deliveries(self, sql: str, entries: Sequence[int], *bindings: Any) -> None:
        if entries:
            self._session.change(f"{sql} {CHOSEN}", (*bindings, self._id, bound_ids(entries)))
