"""Invariants of feedback and standings."""

from __future__ import annotations

from .invariant import Invariant

FEEDBACK = (
    Invariant(
        "standing.id",
        """select kind, id from standing
            where not exists (select 1 from token where standing.kind = 'token' and id = standing.id)
              and not exists (select 1 from item where standing.kind = 'item' and id = standing.id)""",
        "a standing must belong to a token or an item that exists; delete it",
    ),
    Invariant(
        "standing.value",
        "select kind, id, value from standing where not value between -1 and 1",
        "a standing must be in [-1, 1]; set it to 0",
    ),
    Invariant(
        "feedback.other",
        """select id from feedback
            where (other_kind is null) <> (other_id is null)
               or (other_id is null) <> (kind in ('positive', 'negative'))""",
        "a correction and an association must name another token or item, and nothing else must; delete the feedback",
    ),
    Invariant(
        "feedback.strength",
        "select id, strength from feedback where not (strength > 0 and strength <= 1)",
        "a strength must be above 0 and at most 1; delete the feedback",
    ),
    Invariant(
        "feedback_change.feedback",
        "select feedback_id, step from feedback_change where feedback_id not in (select id from feedback)",
        "a change must belong to feedback; delete it",
    ),
    Invariant(
        "feedback_change.row",
        """select feedback_id, step from feedback_change
            where not (json_valid(place) and json_valid(after) and coalesce(json_valid(before), 1))
               or json_array_length(place) <> case subject when 'standing' then 2 when 'edge' then 4 else 1 end""",
        "a change must hold a row's key, and its columns before and after, as JSON; delete the feedback",
    ),
)
