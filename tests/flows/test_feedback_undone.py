"""Feedback that is taken back: every byte, in order, and not where something else changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from feedback_mind import contents, everything, filled

from neurograph import Database, errors

NOW = 2 * 10**18


@pytest.fixture
def mind() -> Iterator[Database]:
    with filled() as db:
        yield db
        assert db.check() == []


KINDS: list[tuple[str, dict[str, Any]]] = [
    ("positive", {}), ("negative", {"strength": 0.3}), ("positive", {"of": 1}), ("negative", {"of": 3}),
    ("correction", {"value": 2}), ("correction", {"of": 1, "value": "d"}), ("association", {"value": "d"}),
    ("association", {"of": 1, "value": "d", "strength": 0.25}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "how"), KINDS)
def test_undo_restores_every_byte(mind, kind, how):
    found = mind.query([1, 0], depth=2)
    before, answer = contents(mind), mind.query([1, 0], depth=2)
    said = found.feedback(kind, **how)
    assert contents(mind) != before
    assert said.changes
    undone = mind.feedback.undo(said.id, now_ns=NOW)
    assert contents(mind) == before
    assert mind.query([1, 0], depth=2) == answer
    assert (undone.undone_ns, mind.feedback.get(said.id)) == (NOW, undone)
    with pytest.raises(errors.Conflict, match="must not have been undone before"):
        mind.feedback.undo(said)


@pytest.mark.parametrize(("kind", "how"), KINDS)
def test_the_log_of_events_keeps_that_it_was_said_and_undone_and_nothing_else_is_left(mind, kind, how):
    found = mind.query([1, 0], depth=2)
    mind.events.emit("custom", {"before": 1})
    before, logged = contents(mind), list(mind.events.read())
    said = found.feedback(kind, **how)
    mind.feedback.undo(said)
    events = list(mind.events.read())
    assert events[: len(logged)] == logged
    assert [(event.type, event.data) for event in events[len(logged) :]] == [
        (type, {"id": said.id, "kind": kind}) for type in ("feedback.given", "feedback.undone")
    ]
    assert contents(mind) == before
    mind.events.disable("feedback.*")
    without = everything(mind)
    mind.feedback.undo(found.feedback(kind, **how))
    assert everything(mind) == without


def test_feedback_in_a_row_is_undone_from_the_last_to_the_first_and_no_other_way(mind):
    found = mind.query([1, 0], depth=2)
    states, given = [contents(mind)], []
    for kind, how in KINDS * 2:
        given.append(found.feedback(kind, **how))
        states.append(contents(mind))
    with pytest.raises(errors.Conflict, match=r"feedback 1 must be undone before .* was changed since: value is"):
        mind.feedback.undo(1)
    assert contents(mind) == states[-1]
    for said in reversed(given):
        assert contents(mind) == states.pop()
        mind.feedback.undo(said)
    assert contents(mind) == states.pop()


@pytest.mark.parametrize(
    "change",
    [
        "update edge set weight = 0.7 where source = 1 and target = 2",
        "update connection set confidence = 0.9 where type = 16",
        "delete from edge where source = 2",
        "update standing set value = 0",
        "delete from token where label = 'c'",
    ],
)
def test_undo_refuses_and_changes_nothing_where_something_else_changed_a_value(mind, change):
    mind.graph.delete("a", "c", type="hypernym")
    found = mind.query([1, 0], depth=2, seeds=1)
    said = found.feedback("positive", next(hit for hit in found if hit.label == "c"))
    assert len(said.changes) == 4
    mind.execute(change)
    before = everything(mind)
    with pytest.raises(errors.Conflict, match=r"feedback 1 must be undone before anything else .*(is gone|since)"):
        mind.feedback.undo(said)
    assert everything(mind) == before
    assert mind.feedback.get(1).undone_ns is None


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ("delete from edge where source = 1", ["edge"]),
        ("delete from edge where source = 2", ["connection", "edge"]),
        ("delete from connection", ["connection"]),
        ("delete from edge", ["connection", "edge", "edge"]),
        ("delete from token where label = 'c'", ["connection", "edge"]),
        ("delete from standing", []),  # feedback made it
    ],
)
def test_what_is_gone_is_told_and_the_rest_put_back(mind, change, gone):
    mind.graph.delete("a", "c", type="hypernym")
    before = contents(mind)
    found = mind.query([1, 0], depth=2, seeds=1)
    said = found.feedback("positive", next(hit for hit in found if hit.label == "c"))
    assert len(said.changes) == 4
    mind.execute(change)
    after = contents(mind)
    if gone:
        with pytest.raises(errors.Conflict, match=r"feedback 1 .* is gone: missing='skip' puts back the rest"):
            mind.feedback.undo(said)
        assert contents(mind) == after
    undone = mind.feedback.undo(said, missing="skip", now_ns=NOW)
    assert sorted(one.subject for one in undone.gone) == gone
    assert all(one in undone.to_dict()["changes"] for one in undone.to_dict()["gone"])
    assert (mind.feedback.get(1).undone_ns, mind.feedback.get(1).changes) == (NOW, said.changes)
    now = contents(mind)
    for table in ("standing", "edge", "connection"):
        assert {*now[table]} <= {*before[table]}
    assert mind.check() == []
    with pytest.raises(errors.InvalidValue, match="missing must be 'error' or 'skip', got 'ignore'"):
        mind.feedback.undo(said, missing="ignore")


def test_what_was_changed_is_not_put_back_where_missing_is_skipped(mind):
    mind.graph.delete("a", "c", type="hypernym")
    found = mind.query([1, 0], depth=2, seeds=1)
    said = found.feedback("positive", next(hit for hit in found if hit.label == "c"))
    mind.execute("delete from edge where source = 2")
    mind.execute("update edge set weight = 0.7")
    before = everything(mind)
    with pytest.raises(errors.Conflict, match=r"was changed since: weight is 0\.7"):
        mind.feedback.undo(said, missing="skip")
    assert everything(mind) == before


def test_what_the_constitution_refuses_refuses_the_whole_feedback(mind):
    mind.graph.delete("a", "c", type="hypernym")
    found = mind.query([1, 0], depth=2)
    hit = next(hit for hit in found if hit.label == "c")
    mind.cdna.update(max_connection_weight=0.55)
    before = everything(mind)
    with pytest.raises(errors.GuardianRejected, match="weight must be within the constitution's limits"):
        found.feedback("positive", hit)
    assert everything(mind) == before
    assert mind.feedback.count() == 0
    found.feedback("positive", hit, strength=0.1)
    mind.cdna.forbid_type("similar_to")
    with pytest.raises(errors.GuardianRejected, match="type"):
        found.feedback("association", value="d")
    assert mind.feedback.count() == 1


def test_undoing_past_a_new_limit_is_refused_whole(mind):
    mind.graph.delete("a", "c", type="hypernym")
    found = mind.query([1, 0], depth=2)
    said = found.feedback("negative", next(hit for hit in found if hit.label == "c"))
    mind.cdna.update(max_connection_weight=0.45)
    before = everything(mind)
    with pytest.raises(errors.GuardianRejected, match="weight must be within the constitution's limits"):
        mind.feedback.undo(said)
    assert everything(mind) == before
    mind.cdna.update(max_connection_weight=1.0)
    assert mind.feedback.undo(said).undone_ns is not None
