"""The records of experience: what was done in what state, what it was worth; an episode of it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from .typed import NamedTuple

STATE = ("existence", "novelty", "velocity", "attention", "cognitive_load", "certainty", "valence", "coherence")
"""The names of a state's numbers; each is in [0, 1], valence in [-1, 1]."""
REWARDS = ("homeostasis", "curiosity", "efficiency", "goal")
"""The parts of a reward."""
FLAGS = {"urgent": 1, "trajectory": 2, "error": 4, "persist": 8, "fully_appraised": 16}
"""The names of flags."""


class Experience(NamedTuple):
    """Something that was done, as it was when it was read."""

    id: int
    """The id in this file, never used again; later experiences have larger ones."""
    uid: bytes
    """16 bytes that tell it from all others, in every copy."""
    episode: int
    """The number of its episode."""
    step: int
    """Its place in the episode, from 0."""
    type: str
    """The name of an event type, such as ``"action.completed"``."""
    flags: int
    """The sum of `FLAGS`, and of bits of your own below 65536."""
    created_ns: int
    """When, in nanoseconds since 1970 UTC."""
    state: tuple[float, ...]
    """Eight numbers, named by `STATE`."""
    action: tuple[float, ...]
    """Eight numbers."""
    homeostasis: float | None
    """A part of the reward, or None where it is not set."""
    curiosity: float | None
    """As `homeostasis`."""
    efficiency: float | None
    """As `homeostasis`."""
    goal: float | None
    """As `homeostasis`."""
    reward: float
    """The sum of the parts that are set."""
    policy_hash: int | None
    """Which policy acted: 32 bits, or None."""
    intent: str | None
    """What kind of action it was meant to be, or None."""
    executor: str | None
    """Who acted, or None."""
    parameters: dict[str, Any] | None
    """What JSON can say of the action, or None."""


class Episode(NamedTuple):
    """What belongs together."""

    episode: int
    """Its number."""
    steps: int
    """How many experiences it has."""
    first_id: int
    """The id of the first."""
    last_id: int
    """The id of the last."""
    reward: float
    """The sum of their rewards."""
    started_ns: int
    """When the first happened, in nanoseconds since 1970 UTC."""
    ended_ns: int
    """When the last did."""
