"""Experience, put together from its parts."""

from __future__ import annotations

from .looking import Looking
from .recording import Recording
from .sampling import Sampling


class Experiences(Recording, Looking, Sampling):
    """The experience of a mind, reached as `db.experience`: states, actions, rewards, in episodes.

    What was recorded stays as it was; only the rewards are set later, until the experience is fully appraised. What
    people said of answers is `db.feedback`.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     done = db.experience.record([1, 0.5, 0, 0.2, 0.3, 0.8, -0.1, 1], [0.5] * 8, intent="explore")
    ...     _ = db.experience.appraise(done, {"curiosity": 0.25, "goal": 1}, final=True)
    ...     [(found.intent, found.reward) for found in db.experience.sample(1, seed=1)]
    [('explore', 1.25)]
    """
