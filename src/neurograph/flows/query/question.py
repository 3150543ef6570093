"""What a query asks, checked before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import InvalidValue
from ...model.query_result import LEGS
from ...model.token import Token
from ...stores.arguments import bindable, real, whole
from ...stores.where import Where, condition_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FUSIONS = ("rrf", "weighted")
GRAPHS = ("spread", "pagerank")
WEIGHTS = {"vector": 1.0, "text": 1.5, "graph": 2.0, "space": 1.0}
"""What each leg weighs unless the caller says otherwise (decision 0033)."""
LEAST_CANDIDATES = 20
MOST_K = 1 << 31


class Near(NamedTuple):
    """Where the space leg looks: at a place of a level, or around a token."""

    level: str | int | None
    place: Any


class Question(NamedTuple):
    """A query, checked."""

    k: int
    text: str | None
    vector: Any
    library: Any
    legs: frozenset[str] | None
    weights: Mapping[str, float]
    fusion: str
    near: Near | None
    where: Where | None
    graph: str
    seeds: int
    depth: int
    decay: float
    candidates: int
    standing: float

    def wants(self, leg: str) -> bool:
        """Tell whether a leg may take part."""
        return self.legs is None or leg in self.legs

    def names(self, leg: str) -> bool:
        """Tell whether a leg was asked for by name, so that it must take part."""
        return self.legs is not None and leg in self.legs


def question_of(
    query: str | ArrayLike | bytes | None,
    k: int,
    text: str | None,
    vector: ArrayLike | bytes | None,
    legs: str | Iterable[str] | None,
    weights: Mapping[str, float] | None,
    near: Any,
    where: Where | None,
    candidates: int | None,
    **rest: Any,
) -> Question:
    """Return a question whose every part is legal by itself."""
    if query is not None:
        if isinstance(query, str):
            if text is not None:
                raise InvalidValue(f"text must be given once, got {query!r} and {text!r}")
            text = query
        elif vector is not None:
            raise InvalidValue("vector must be given once, got one as query and one as vector")
        else:
            vector = query
    if text is not None and (not isinstance(text, str) or not text.strip() or bindable(text) is None):
        raise InvalidValue(f"text must be text of at least one character that UTF-8 can hold, got {text!r}")
    if text is None and vector is None and near is None:
        raise InvalidValue("a query must be given a text, a vector or near, got none of them")
    most = whole(k, "k", 0, MOST_K)
    if candidates is None:
        pool = max(LEAST_CANDIDATES, 2 * most)
    else:
        pool = whole(candidates, "candidates", max(1, most), 2 * MOST_K)
    if where is not None:
        condition_of(where)
    return Question(
        k=most,
        text=text,
        vector=vector,
        legs=_legs_of(legs),
        weights=_weights_of(weights),
        near=_near_of(near),
        where=where,
        candidates=pool,
        library=rest["library"],
        fusion=_one_of(rest["fusion"], "fusion", FUSIONS),
        graph=_one_of(rest["graph"], "graph", GRAPHS),
        seeds=whole(rest["seeds"], "seeds", 1, 1000),
        depth=whole(rest["depth"], "depth", 0, 100),
        decay=_decay_of(rest["decay"]),
        standing=real(rest["standing"], "standing", 0.0, 1.0),
    )


def _legs_of(legs: str | Iterable[str] | None) -> frozenset[str] | None:
    if legs is None:
        return None
    named = [legs] if isinstance(legs, str) else list(legs) if isinstance(legs, Iterable) else None
    if not named or any(leg not in LEGS for leg in named):
        raise InvalidValue(f"legs must be some of {', '.join(LEGS)}, got {legs!r}")
    return frozenset(named)


def _weights_of(weights: Mapping[str, float] | None) -> Mapping[str, float]:
    if weights is None:
        return WEIGHTS
    if not isinstance(weights, Mapping) or not weights.keys() <= set(LEGS):
        raise InvalidValue(f"weights must map some of {', '.join(LEGS)} to numbers, got {weights!r}")
    given = {leg: real(weight, f"weights[{leg!r}]", 0.0, 1e6) for leg, weight in weights.items()}
    return {**WEIGHTS, **given}


def _near_of(near: Any) -> Near | None:
    if near is None:
        return None
    if isinstance(near, Token | str | int) and not isinstance(near, bool):
        return Near(None, near)
    if isinstance(near, Sequence) and len(near) == 2 and isinstance(near[0], str | int):
        level, place = near
        if not isinstance(place, Token | str | bytes) and hasattr(place, "__len__"):
            return Near(level, _place_of(place))
        if isinstance(place, Token | str | int) and not isinstance(place, bool):
            return Near(level, place)
    raise InvalidValue(f"near must be a token, (level, (x, y, z)) or (level, token), got {near!r}")


def _place_of(place: Any) -> tuple[float, ...]:
    if isinstance(place, Mapping | Set) or len(place) != 3:
        raise InvalidValue(f"near must be at three numbers, got {place!r}")
    return tuple(real(value, f"near[1][{axis}]") for axis, value in enumerate(place))


def _one_of(value: Any, name: str, names: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in names:
        raise InvalidValue(f"{name} must be one of {', '.join(names)}, got {value!r}")
    return value


def _decay_of(decay: Any) -> float:
    number = real(decay, "decay", 0.0, 1.0)
    if number == 0.0:
        raise InvalidValue("decay must be above 0, got 0.0")
    return number
