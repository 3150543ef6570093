"""Invariants of events, their types and triggers, and of experience."""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from ...stores.event_triggers import changed_triggers
from .invariant import Invariant, not_utf8


def _triggers(connection: apsw.Connection) -> Iterable[tuple[str]]:
    return [(name,) for name in changed_triggers(connection)]


EVENTS = (
    Invariant(
        "event_type.triggers",
        _triggers,
        "a type that is on must have its triggers as they were made; switch it off and on with db.events",
    ),
    Invariant(
        "event_type.text",
        lambda connection: not_utf8("event_type", ("name", "description"), connection),
        "names and descriptions must be UTF-8; restore the file",
    ),
    Invariant(
        "event_type.trimmed",
        """select coalesce(max(e.id), 0) - count(*), (select sum(trimmed) from event_type) from event as e
           having coalesce(max(e.id), 0) - count(*) <> (select sum(trimmed) from event_type)""",
        "as many events must be missing as were trimmed; restore the file",
    ),
    Invariant(
        "event.type",
        "select id, type_id from event where type_id not in (select id from event_type)",
        "an event must have a type that exists; insert it into event_type",
    ),
    Invariant(
        "event.trimmed",
        "select e.id, e.type_id from event as e join event_type as t on t.id = e.type_id where e.id <= t.trimmed_to",
        "an event up to trimmed_to of its type must be gone; raise trimmed_to by one",
    ),
    Invariant(
        "event.time",
        """select id, created_ns from (
             select id, created_ns, lag(created_ns) over (order by id) as before from event)
            where created_ns < before""",
        "created_ns must not fall from one event to the next; restore the file",
    ),
    Invariant(
        "event.data",
        "select id from event where case when json_valid(data) then json_type(data) <> 'object' else 1 end",
        "data must be a JSON object; restore the file",
    ),
    Invariant(
        "event.text",
        lambda connection: not_utf8("event", ("data",), connection),
        "data must be UTF-8; trim the event",
    ),
    Invariant(
        "experience.type",
        "select id, type_id from experience where type_id not in (select id from event_type)",
        "an experience must have an event type that exists; delete it",
    ),
    Invariant(
        "experience.state",
        """select id from experience
            where valence not between -1 and 1
               or min(existence, novelty, velocity, attention, cognitive_load, certainty, coherence) < 0
               or max(existence, novelty, velocity, attention, cognitive_load, certainty, coherence) > 1""",
        "a state must be in [0, 1], valence in [-1, 1]; delete the experience",
    ),
    Invariant(
        "experience.text",
        lambda connection: not_utf8("experience", ("intent", "executor", "parameters"), connection),
        "texts must be UTF-8; delete the experience",
    ),
)
