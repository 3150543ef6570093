"""Proposals: the only way in which what learns may change connections, and when statistics are reason for one.

A proposal is a plain record; `db.connections.apply` checks it against the rules below and carries it out.

1. Nothing immutable is modified; only a hypothesis is deleted or promoted.
2. To modify takes 5 pieces of evidence, to promote 20.
3. What is created is a hypothesis that learns fast (128/255) and fades fast (32/255); once promoted it learns slowly
   (32/255) and no longer fades (8/255 stands by, should it become a hypothesis again).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..errors import InvalidValue
from .connection import Connection
from .token import Token

MODIFIABLE: tuple[str, ...] = ("confidence", "pull", "preferred_distance", "learning_rate", "decay_rate")
"""The fields a proposal may modify."""

MODIFY_EVIDENCE, PROMOTE_EVIDENCE = 5, 20
HYPOTHESIS_RATES = (128 / 255, 32 / 255)
"""Learning rate and decay rate of what a proposal creates."""
PROMOTED_RATES = (32 / 255, 8 / 255)
"""Learning rate and decay rate of what a proposal promotes."""

LEAST_CHANGE, LARGEST_CHANGE = 0.1, 0.2
FEWEST_MEETINGS, LEAST_CONFIDENCE, SIMULTANEOUS_MS = 5, 0.3, 1000.0


class ModifyProposal(NamedTuple):
    """Give one field of a connection another value."""

    connection: Connection | int
    """Which connection."""
    field: str
    """One of `MODIFIABLE`."""
    new: float
    """The value it should have."""
    evidence: int
    """How many pieces of evidence speak for it; 5 are needed."""
    old: float | None = None
    """The value it is thought to have; if it has another, the proposal is refused. None: whatever it has."""
    justification: str = ""
    """Why."""


class CreateProposal(NamedTuple):
    """Make a new hypothesis."""

    source: Token | int | str
    """The token it leaves."""
    target: Token | int | str
    """The token it enters."""
    type: str | int = "associated_with"
    """What it means."""
    strength: float = 1.0
    """Its pull."""
    confidence: float = 0.5
    """How sure it is to begin with."""
    key: str = ""
    """Tells parallel connections of one type apart."""
    origin: int = 1
    """The number of who proposes; 1 is the original system's intuition."""
    justification: str = ""
    """Why."""


class DeleteProposal(NamedTuple):
    """Put a hypothesis out of action; its row stays."""

    connection: Connection | int
    """Which hypothesis."""
    reason: str = ""
    """Why."""


class PromoteProposal(NamedTuple):
    """Turn a hypothesis into a learnable connection."""

    connection: Connection | int
    """Which hypothesis."""
    evidence: int
    """How many pieces of evidence speak for it; 20 are needed."""
    justification: str = ""
    """Why."""


Proposal = ModifyProposal | CreateProposal | DeleteProposal | PromoteProposal


def propose_confidence(connection: Connection, successes: int, trials: int) -> ModifyProposal | None:
    """Propose to move a connection's confidence towards its rate of success.

    Parameters
    ----------
    connection
        As it is now.
    successes, trials
        How often it held, of how often it was put to the test.

    Returns
    -------
    ModifyProposal or None
        None where rate and confidence differ by less than 0.1, or without a trial. It moves by at most 0.2.

    Raises
    ------
    InvalidValue
        More successes than trials, or fewer than none.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     a, b = db.tokens.create("a"), db.tokens.create("b")
    ...     proposal = neurograph.propose_confidence(db.connections.create(a, b), 9, 10)
    ...     proposal.new, db.connections.apply(proposal).confidence
    (0.7, 0.7)
    """
    if not 0 <= successes <= trials:
        raise InvalidValue(f"successes must be in [0, trials], got {successes!r} of {trials!r}")
    now = connection.confidence
    step = successes / trials - now if trials else 0.0
    if abs(step) < LEAST_CHANGE:
        return None
    new = now + max(-LARGEST_CHANGE, min(LARGEST_CHANGE, step))
    return ModifyProposal(connection.id, "confidence", new, trials, now, f"held {successes} of {trials} times")


def propose_order(
    source: Token | int | str, target: Token | int | str, offsets_ms: Sequence[float], confidence: float
) -> CreateProposal | None:
    """Propose a temporal connection between two tokens that were often met together.

    Parameters
    ----------
    source, target
        Which tokens.
    offsets_ms
        For each time they were met, how much later the target was, in milliseconds; less than 0 for earlier.
    confidence
        How sure the pattern is, in [0, 1].

    Returns
    -------
    CreateProposal or None
        None for fewer than 5 meetings or a confidence below 0.3. ``simultaneous`` where the mean distance in time is
        below a second, else ``after`` where the target comes later on average, else ``before``.

    Examples
    --------
    >>> import neurograph
    >>> neurograph.propose_order("thunder", "lightning", [-2100, -1800, -2500, -1900, -2000], 0.5).type
    'before'
    """
    if len(offsets_ms) < FEWEST_MEETINGS or confidence < LEAST_CONFIDENCE:
        return None
    apart = sum(abs(offset) for offset in offsets_ms) / len(offsets_ms)
    type = "simultaneous" if apart < SIMULTANEOUS_MS else "after" if sum(offsets_ms) > 0 else "before"
    why = f"met {len(offsets_ms)} times, {apart:.0f} ms apart"
    return CreateProposal(source, target, type, 1.0 + 2.0 * confidence, confidence, justification=why)
