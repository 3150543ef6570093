"""Rankings made one: what each adds to a candidate's score, and what part of the score that is.

Everything is added up in the order of the rankings, which follows the legs' names and not the caller's list, so that
the same question has the same floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Entity = tuple[str, int]
"""Kind and id: ``("token", 7)``."""
MOST_BY_FEEDBACK = 5.0
"""So many times as much a score can become by feedback: the last of twenty candidates can overtake the first."""
RRF_CONSTANT = 5
"""The 60 of the paper is for lists of a thousand; with it the ranks of twenty are all but equal (decision 0033)."""


class Candidate(NamedTuple):
    """What a ranking says of one entity."""

    entity: Entity
    value: float
    """The leg's own figure."""
    good: float
    """The same, the greater the better."""
    items: tuple[int, ...] = ()
    path: tuple[int, ...] = ()


class Ranking(NamedTuple):
    """What one leg found in one place, best first, each entity once."""

    leg: str
    library: str | None
    weight: float
    candidates: Sequence[Candidate]


def parts(rankings: Iterable[Ranking], fusion: str) -> dict[Entity, dict[int, float]]:
    """Return entity → place of a ranking → what that ranking adds to the entity's score.

    Reciprocal rank (Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank
    learning methods", SIGIR 2009), with a weight for each ranking: ``weight / (5 + rank)``, ranks from 1.

    Weighted: ``weight · (s - least) / (most - least)`` of the ranking's own figures s, turned so that the greater is
    the better; 1 where all are equal (the min-max norm and CombSUM of Fox and Shaw, "Combination of multiple
    searches", TREC-2, 1994).
    """
    found: dict[Entity, dict[int, float]] = {}
    for place, ranking in enumerate(rankings):
        add = _by_rank(ranking) if fusion == "rrf" else _by_score(ranking)
        for candidate, share in zip(ranking.candidates, add, strict=True):
            found.setdefault(candidate.entity, {})[place] = share
    return found


def _by_rank(ranking: Ranking) -> list[float]:
    return [ranking.weight / (RRF_CONSTANT + rank) for rank in range(1, len(ranking.candidates) + 1)]


def _by_score(ranking: Ranking) -> list[float]:
    good = [candidate.good for candidate in ranking.candidates]
    least, most = min(good, default=0.0), max(good, default=0.0)
    if least == most:
        return [ranking.weight] * len(good)
    return [ranking.weight * ((value - least) / (most - least)) for value in good]


def shares(added: Mapping[int, float]) -> dict[int, float]:
    """Return what part of the sum each ranking gave; where all gave nothing, each has the same part."""
    total = sum(added.values())
    if total <= 0.0:
        return dict.fromkeys(added, 1.0 / len(added))
    return {place: value / total for place, value in added.items()}


def fused(added: Mapping[Entity, Mapping[int, float]]) -> list[tuple[Entity, float]]:
    """Return entities and scores: the highest first, equal ones in order of kind, then id."""
    scores = [(entity, sum(values.values())) for entity, values in added.items()]
    return sorted(scores, key=lambda scored: (-scored[1], scored[0]))


def standing_score(score: float, standing: float, factor: float) -> float:
    """Return a score with what feedback has made of the entity: ``score · 5 ** (factor · standing)``."""
    return score * MOST_BY_FEEDBACK ** (factor * standing)  # type: ignore[no-any-return]
