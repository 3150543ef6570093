"""The table-valued function over a channel's messages."""

from __future__ import annotations

from ..model.message import MESSAGE_COLUMNS
from .function import TEXT, Argument, Function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..database import Database
    from .answer import Found

_KINDS = {"state": "text", "origin": "text", "key": "text", "headers": "text", "payload": "any", "result": "any"}
_SHOWN = [at for at, name in enumerate(MESSAGE_COLUMNS) if name not in ("channel", "claim")]  # named, and nobody's


def _messages(db: Database, channel: str, state: str | None) -> Found:
    return [tuple(message._row[at] for at in _SHOWN) for message in db.queue.list(channel, state, None)]


QUEUE_FUNCTIONS = (
    Function(
        "ng_messages",
        tuple((MESSAGE_COLUMNS[at], _KINDS.get(MESSAGE_COLUMNS[at], "integer")) for at in _SHOWN),
        (Argument("of_channel", TEXT), Argument("in_state", TEXT, None)),
        _messages,
        rows=100,
        order=("id",),
    ),
)
