"""The weave within the constitution's limits: what it refuses is not written, and what was written before stays."""

from __future__ import annotations

import naive_bootstrap as naive
import pytest
from test_bootstrap_weave import N, filled

import neurograph
from neurograph import Library, errors
from neurograph.flows.bootstrap import weaving


@pytest.fixture
def words(db: neurograph.Database) -> Library:
    return filled(db)


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"max_out_degree": 2}, "edge.out_degree"),
        ({"max_in_degree": 2}, "edge.in_degree"),
        ({"max_total_degree": 3}, "edge.total_degree"),
        ({"max_edge_weight": 0.9}, "edge.weight"),
    ],
)
def test_what_the_constitution_refuses_is_not_written(
    db: neurograph.Database, words: Library, limits: dict[str, float], rule: str
) -> None:
    db.cdna.update(**limits, reason="test")  # type: ignore[arg-type]
    with pytest.raises(errors.RuleViolated) as caught:
        db.weave(words, k=3)
    assert caught.value.rule == rule
    assert naive.woven(db) == {}


def test_blocks_before_a_refused_one_are_gone_on_from(
    db: neurograph.Database, words: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weaving, "MOST_TOKENS", 4)
    db.cdna.update(max_in_degree=4, reason="test")
    with pytest.raises(errors.RuleViolated):
        db.weave(words, k=3)
    there = naive.woven(db)
    assert 0 < len(there) < 3 * N
    assert len(there) % 12 == 0
    assert there.items() <= naive.weave(db, words, 3).items()
    db.cdna.update(max_in_degree=1000, reason="test")
    db.weave(words, k=3)
    assert naive.woven(db) == naive.weave(db, words, 3)


def test_a_type_the_constitution_forbids_is_refused(db: neurograph.Database, words: Library) -> None:
    db.cdna.forbid_type("similar_to", reason="test")
    with pytest.raises(errors.RuleViolated, match="type must be one the constitution allows"):
        db.weave(words, k=3)
    assert naive.woven(db) == {}
