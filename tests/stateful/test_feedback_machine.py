"""Feedback and plain dicts side by side: whatever was said, undone, changed by others or rolled back, in any order.

The dicts follow the formulas of the manual. A file is what they say after each step, and undoing is possible where, and
only where, everything a piece of feedback changed still is as it left it.
"""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import neurograph
from effort import examples
from neurograph import QueryHit, QueryLeg, QueryResult
from neurograph.errors import Conflict, InvalidValue

TOKENS = 4
LINKS = [(1, 2, 80), (2, 3, 80), (3, 4, 16), (1, 4, 16)]  # those of type 16, cause, have a connection
SIMILAR = 82
PATHS = [(1,), (1, 2), (1, 2, 3), (3, 4), (1, 4), (2, 3, 4)]

kinds = st.sampled_from(["positive", "negative", "correction", "association"])
strengths = st.sampled_from([0.25, 0.5, 1.0])
tokens = st.integers(1, TOKENS)
Place = tuple[Any, ...]


def learned(value: float, rate: float, strength: float, success: bool, low: float = 0.0) -> float:
    if success:
        return max(value, min(1.0, value + rate * strength))
    return min(value, max(low, value - rate * strength / 2))


class Minds(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.db = neurograph.open(":memory:")
        for id in range(1, TOKENS + 1):
            self.db.tokens.create(f"t{id}")
        self.values: dict[Place, float] = {}
        for source, target, type in LINKS:
            if type == 16:
                self.db.connections.create(source, target, type=type, weight=0.5)
                self.values["confidence", source, target, type] = 0.5
            else:
                self.db.graph.create(source, target, type=type, weight=0.5)
            self.values["weight", source, target, type] = 0.5
        self.said: dict[int, tuple[dict[Place, float | None], dict[Place, float]]] = {}
        self.saved: list[Any] = []

    def teardown(self) -> None:
        while self.db.in_transaction:
            self.db.rollback()
        assert self.db.check() == []
        self.db.close()

    def links(self, one: int, other: int) -> list[Place]:
        """Return the links that are followed from one token to another."""
        found = {key[1:] for key in self.values if key[0] == "weight"}
        return [
            link for link in found
            if link[:2] == (one, other) or (link[2] == SIMILAR and link[:2] == (other, one))
        ]  # fmt: skip

    def learn(self, link: Place, strength: float, success: bool) -> None:
        rate = 0.125 if link[2] == 16 or ("confidence", *link) not in self.values else 128 / 255
        for name in ("weight", "confidence"):
            if (name, *link) in self.values:
                self.values[name, *link] = learned(self.values[name, *link], rate, strength, success)

    def judge(self, token: int, path: Place, strength: float, success: bool) -> None:
        standing = self.values.get(("standing", token), 0.0)
        self.values["standing", token] = learned(standing, 0.125, strength, success, low=-1.0)
        for near, far in pairwise(path):
            for link in self.links(near, far):
                self.learn(link, strength, success)

    @rule(kind=kinds, path=st.sampled_from(PATHS), other=tokens, strength=strengths)
    def say(self, kind: str, path: Place, other: int, strength: float) -> None:
        token = path[-1]
        legs = (QueryLeg("graph", None, 1, 0.5, 1.0, path),)
        result = QueryResult([QueryHit("token", token, f"t{token}", None, 0.5, legs, ())])
        value = None if kind in ("positive", "negative") else f"t{other}"
        before = dict(self.values)
        if value is not None and other == token:
            with pytest.raises(InvalidValue, match="another"):
                self.db.feedback.give(result, kind, value=value, strength=strength)
            return
        if kind == "association":
            there = [link for link in self.links(token, other) if link[2] == SIMILAR]
            for link in there:
                self.learn(link, strength, True)
            if not there:
                self.values["weight", token, other, SIMILAR] = strength
                self.values["confidence", token, other, SIMILAR] = 0.5
        elif kind == "correction":
            self.judge(other, (), strength, True)
            self.judge(token, path, strength, False)
        else:
            self.judge(token, path, strength, kind == "positive")
        said = self.db.feedback.give(result, kind, value=value, strength=strength)
        new = {key: value for key, value in self.values.items() if before.get(key) != value}
        self.said[said.id] = ({key: before.get(key) for key in new}, new)

    @precondition(lambda self: self.said)
    @rule(which=st.integers(0, 99))
    def undo(self, which: int) -> None:
        number = sorted(self.said)[-1 - which % min(len(self.said), 3)]
        before, after = self.said[number]
        if all(self.values.get(key) == value for key, value in after.items()) and not self.touched(number):
            self.db.feedback.undo(number)
            del self.said[number]
            for key, value in before.items():
                if value is None:
                    del self.values[key]
                else:
                    self.values[key] = value
        else:
            with pytest.raises(Conflict, match=f"feedback {number} must be undone before"):
                self.db.feedback.undo(number)

    def touched(self, number: int) -> bool:
        """Tell whether later feedback changed a connection of this one without moving a value the dicts hold.

        A confirmation of a confidence that is 1 still is a piece of evidence.
        """
        rows = "select place from feedback_change where subject = 'connection' and feedback_id"
        mine = {row for (row,) in self.db.execute(f"{rows} = ?", [number])}
        later = self.db.execute(
            f"{rows} > ? and feedback_id in (select id from feedback where undone_ns is null)", [number]
        )
        return bool(mine & {row for (row,) in later})

    @rule(link=st.sampled_from(LINKS), weight=st.sampled_from([0.125, 0.5]))
    def somebody_sets_a_weight(self, link: Place, weight: float) -> None:
        source, target, type = link
        self.db.execute(
            "update edge set weight = ? where (source, target, type) = (?, ?, ?)", [weight, source, target, type]
        )
        self.values["weight", *link] = weight

    @rule(token=tokens, value=st.sampled_from([-1.0, 0.0, 0.5]))
    def somebody_sets_a_standing(self, token: int, value: float) -> None:
        self.db.execute(
            "insert into standing values ('token', ?, ?) on conflict do update set value = excluded.value",
            [token, value],
        )
        self.values["standing", token] = value

    @rule()
    def begin(self) -> None:
        if len(self.saved) < 3:
            self.db.begin()
            self.saved.append(copy.deepcopy((self.values, self.said)))

    @precondition(lambda self: self.saved)
    @rule(keep=st.booleans())
    def end(self, keep: bool) -> None:
        before = self.saved.pop()
        if keep:
            self.db.commit()
        else:
            self.db.rollback()
            self.values, self.said = before

    @invariant()
    def the_file_is_what_the_formulas_say(self) -> None:
        found: dict[Place, float] = {}
        for id, value in self.db.execute("select id, value from standing where kind = 'token'"):
            found["standing", id] = value
        for *link, weight in self.db.execute("select source, target, type, weight from edge"):
            found["weight", *link] = weight
        for *link, confidence in self.db.execute("select source, target, type, confidence from connection"):
            found["confidence", *link] = confidence
        assert found == self.values


Minds.TestCase.settings = settings(
    max_examples=examples(40), stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestMinds = Minds.TestCase
