"""The condition of a subscription: stored as JSON, and applied as SQL by whoever reads it later."""

from __future__ import annotations

import json
from functools import lru_cache

from ..json_conditions import Conditions, Part, condition_on

PAYLOAD = "case when typeof(e.payload) = 'text' then e.payload end"  # SQLite would take a blob for its own JSON
HEADERS = "e.headers"


def condition_text(where: Conditions | None) -> str | None:
    """Return a condition as the file holds it; refuse one that can't be applied."""
    if where is None:
        return None
    condition_on(PAYLOAD, where, HEADERS)  # refuses what `json.dumps` would make something else of
    return json.dumps(where, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


@lru_cache(64)
def condition_sql(text: str) -> Part:
    """Return the SQL of a stored condition on an entry called `e`, and its values."""
    return condition_on(PAYLOAD, json.loads(text), HEADERS)
