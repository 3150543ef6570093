"""Proposals are carried out within their rules, and refused by name outside them."""

from __future__ import annotations

import pickle

import pytest

import neurograph
from neurograph.errors import (
    CannotDelete,
    Conflict,
    ConnectionNotFound,
    GuardianRejected,
    ImmutableConnection,
    InsufficientEvidence,
    InvalidValue,
    NotHypothesis,
    ProposalRefused,
    TokenNotFound,
    UnknownName,
)
from neurograph.model.proposal import (
    MODIFIABLE,
    CreateProposal,
    DeleteProposal,
    ModifyProposal,
    PromoteProposal,
    propose_confidence,
    propose_order,
)


@pytest.fixture
def mind(db: neurograph.Database) -> neurograph.Database:
    """Return a database with an immutable, a learnable and a hypothetical connection, in this order."""
    for label in ("cat", "dog"):
        db.tokens.create(label)
    for mutability in ("immutable", "learnable", "hypothesis"):
        db.connections.create("cat", "dog", key=mutability, mutability=mutability, flags="active", now_ns=10)
    return db


def test_creating_makes_a_hypothesis_that_learns_and_fades_fast(mind):
    made = mind.connections.apply(CreateProposal("dog", "cat", "fears", 1.5, 0.25), now_ns=20)
    assert (made.source, made.target, made.type, made.pull, made.confidence) == (2, 1, "fears", 1.5, 0.25)
    assert (made.mutability, made.learning_rate, made.decay_rate, made.origin) == ("hypothesis", 128 / 255, 32 / 255, 1)
    assert (made.created_ns, made.modified_ns) == (20, 20)
    assert mind.graph.get("dog", "cat", type="fears").weight == 1.0


def test_a_type_with_another_mutability_still_makes_a_hypothesis(mind):
    assert mind.connections.apply(CreateProposal("dog", "cat", "antonym", confidence=0.25)).confidence == 0.25


@pytest.mark.parametrize("field", MODIFIABLE)
@pytest.mark.parametrize("id", [2, 3])
def test_modifying_gives_one_field_a_value(mind, field, id):
    before = mind.connections.get(id)
    after = mind.connections.apply(ModifyProposal(id, field, 0.75, 5, getattr(before, field), "seen"), now_ns=30)
    assert getattr(after, field) == 0.75
    assert after.flags == 0x11
    assert after.modified_ns == 30
    assert after == mind.connections.get(id)


def test_deleting_puts_a_hypothesis_out_of_action_and_keeps_its_row(mind):
    after = mind.connections.apply(DeleteProposal(3, "wrong"))
    assert not after.active
    assert mind.connections.get(3) == after


def test_promoting_makes_a_hypothesis_learnable(mind):
    after = mind.connections.apply(PromoteProposal(mind.connections.get(3), 20))
    assert (after.mutability, after.learning_rate, after.decay_rate) == ("learnable", 32 / 255, 8 / 255)


REFUSED = [
    (ModifyProposal(1, "pull", 1.0, 9), ImmutableConnection, "connection 1 must not be immutable"),
    (ModifyProposal(2, "pull", 1.0, 4), InsufficientEvidence, "to modify a connection takes 5 .* got 4"),
    (ModifyProposal(2, "pull", 11.0, 5), GuardianRejected, r"pull must be within.* got 11.0"),
    (ModifyProposal(2, "confidence", 1.5, 5), InvalidValue, r"confidence must be in \[0, 1\], got 1.5"),
    (ModifyProposal(2, "pull", float("nan"), 5), InvalidValue, "pull must be finite"),
    (ModifyProposal(2, "pull", 1.0, 5, 0.75), InvalidValue, "old must be what pull is, 0.5, got 0.75"),
    (ModifyProposal(2, "rigidity", 1.0, 5), UnknownName, "'rigidity'"),
    (ModifyProposal(2, "pull", 1.0, True), InvalidValue, "evidence must be a whole number"),
    (ModifyProposal(9, "pull", 1.0, 5), ConnectionNotFound, "9"),
    (CreateProposal("dog", "cat", strength=-10.5), GuardianRejected, "pull must be within"),
    (CreateProposal("dog", "cat", "hates"), GuardianRejected, "type must be one the constitution allows"),
    (CreateProposal("cat", "dog", key="hypothesis"), Conflict, "exists already"),
    (CreateProposal("kat", "dog"), TokenNotFound, "kat"),
    (CreateProposal("cat", "cat"), InvalidValue, "target must differ"),
    (CreateProposal("dog", "cat", confidence=-0.5), InvalidValue, "confidence must be in"),
    (DeleteProposal(1), CannotDelete, "connection 1 must be a hypothesis .* got 'immutable'"),
    (DeleteProposal(2), CannotDelete, "connection 2 must be a hypothesis .* got 'learnable'"),
    (DeleteProposal(9), ConnectionNotFound, "9"),
    (PromoteProposal(1, 20), NotHypothesis, "got 'immutable'"),
    (PromoteProposal(2, 20), NotHypothesis, "got 'learnable'"),
    (PromoteProposal(3, 19), InsufficientEvidence, "to promote a connection takes 20 .* got 19"),
    (PromoteProposal(9, 20), ConnectionNotFound, "9"),
    ("make it so", InvalidValue, "proposal must be one of the four kinds"),
]


@pytest.mark.parametrize(("proposal", "error", "message"), REFUSED, ids=[str(case[0]) for case in REFUSED])
def test_what_breaks_a_rule_is_refused_and_changes_nothing(mind, proposal, error, message):
    mind.cdna.forbid_type("hates")
    before = [mind.execute(f"select * from {table}").fetchall() for table in ("connection", "edge")]
    with pytest.raises(error, match=message) as caught:
        mind.connections.apply(proposal)
    assert [mind.execute(f"select * from {table}").fetchall() for table in ("connection", "edge")] == before
    if isinstance(caught.value, InsufficientEvidence):
        required = 5 if isinstance(proposal, ModifyProposal) else 20
        assert (caught.value.required, caught.value.provided) == (required, proposal.evidence)
    refusals = (ImmutableConnection, NotHypothesis, CannotDelete, InsufficientEvidence, GuardianRejected)
    assert isinstance(caught.value, ProposalRefused) == isinstance(caught.value, refusals)


def test_a_refused_proposal_leaves_the_rest_of_a_transaction(mind):
    with mind.transaction():
        mind.connections.apply(PromoteProposal(3, 20))
        with pytest.raises(GuardianRejected):
            mind.connections.apply(ModifyProposal(3, "pull", 99.0, 5))
    assert mind.connections.get(3).mutability == "learnable"


def test_proposals_are_plain_values():
    proposal = ModifyProposal(1, "pull", 1.0, 5)
    assert pickle.loads(pickle.dumps(proposal)) == proposal == ModifyProposal(1, "pull", 1.0, 5)
    with pytest.raises(AttributeError):
        proposal.new = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("successes", "trials", "new"), [(10, 10, 0.7), (0, 10, 0.3), (13, 20, 0.65), (59, 100, None), (0, 0, None)]
)
def test_confidence_moves_towards_the_rate_of_success_in_small_steps(mind, successes, trials, new):
    proposal = propose_confidence(mind.connections.get(2), successes, trials)
    if new is None:
        assert proposal is None
    else:
        assert (proposal.connection, proposal.field, proposal.old, proposal.evidence) == (2, "confidence", 0.5, trials)
        assert proposal.new == pytest.approx(new)
        assert mind.connections.apply(proposal).confidence == proposal.new


@pytest.mark.parametrize(("successes", "trials"), [(2, 1), (-1, 1)])
def test_more_successes_than_trials_are_no_statistics(mind, successes, trials):
    with pytest.raises(InvalidValue, match="successes must be in"):
        propose_confidence(mind.connections.get(2), successes, trials)


@pytest.mark.parametrize(
    ("offsets_ms", "confidence", "type"),
    [
        ([900, -900, 900, -900, 900], 0.3, "simultaneous"),
        ([1000, 1000, 1000, 1000, 1000], 0.5, "after"),
        ([-1000, -2000, -1000, -1000, 500], 0.5, "before"),
        ([1000] * 4, 0.5, None),
        ([1000] * 5, 0.29, None),
    ],
)
def test_what_is_met_together_is_ordered_in_time(mind, offsets_ms, confidence, type):
    proposal = propose_order("dog", "cat", offsets_ms, confidence)
    if type is None:
        assert proposal is None
    else:
        made = mind.connections.apply(proposal)
        assert (made.type, made.pull, made.confidence) == (type, 1 + 2 * confidence, confidence)
