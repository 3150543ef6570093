"""Space and a plain dict side by side: whatever moves tokens, in whatever order, both give the same answers.

Writers are Python one by one and in bulk, plain SQL, another connection that knows nothing of the package, and the
stock shell; transactions are rolled back wholly and to savepoints. After each step rows, saved blocks and kernels are
asked, in the state of that moment. Coordinates are few, so that many tokens are equally far.
"""

from __future__ import annotations

import copy
import math
import tempfile
from pathlib import Path

import apsw
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import naive_grid as naive
import neurograph
from effort import examples
from neurograph.derived.mechanism import Derived
from neurograph.derived.policy import Policy, kernels_available
from neurograph.model.levels import LEVELS as ALL_LEVELS
from neurograph.model.levels import level_index
from neurograph.stores.grid import Grid, block_build
from processes import SHELL, shell

ENGINES = ("sql", "numba") if kernels_available() else ("sql",)
LEVELS = ("physical", "social")
WEIGHTS = {"physical": 1.0, "social": 2.5}

Point = tuple[float, float, float]
Places = dict[str, Point]

axes = st.sampled_from([-1.0, 0.0, 0.5, 2.0])
points = st.tuples(axes, axes, axes)
levels = st.sampled_from(LEVELS)
numbers = st.integers(0, 30)


class Spaces(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "mind.ngdb"
        self.tokens: dict[int, Places] = {}
        self.saved: list[dict[int, Places]] = []
        self.steps = 0
        self.least, block_build.LEAST = block_build.LEAST, 1  # so few points are saved as blocks too
        self.open()
        self.other = apsw.Connection(str(self.path))
        self.other.set_busy_timeout(5000)

    def open(self) -> None:
        self.db = neurograph.open(self.path, synchronous="off")
        session = self.db._session
        self.grids = [Grid(session, Derived(session, Policy(engine, 1 << 28))) for engine in ENGINES]

    def teardown(self) -> None:
        while self.saved:
            self.rollback()
        self.all_give_the_same_answers()
        assert self.db.check() == []
        self.other.close()
        self.db.close()
        block_build.LEAST = self.least
        self.folder.cleanup()

    def token(self, number: int) -> int:
        ids = sorted(self.tokens)
        return ids[number % len(ids)]

    # --- Python ---------------------------------------------------------------------------------------------------

    @rule(level=levels, many=st.lists(points, min_size=1, max_size=5), radius=st.sampled_from([0.0, 1.0, 2.5]))
    def create_many(self, level: str, many: list[Point], radius: float) -> None:
        ids = self.db.tokens.create_many(count=len(many), coordinates={level: many}, field_radius=[radius] * len(many))
        self.tokens |= {id: {level: point} for id, point in zip(ids.tolist(), many, strict=True)}

    @precondition(lambda self: self.tokens)
    @rule(number=numbers, level=levels, point=points)
    def add(self, number: int, level: str, point: Point) -> None:
        self.db.grid.add(self.token(number), point, level=level)
        self.tokens[self.token(number)][level] = point

    @precondition(lambda self: self.tokens)
    @rule(number=numbers, level=levels)
    def remove(self, number: int, level: str) -> None:
        self.db.grid.remove(self.token(number), level=level)
        self.tokens[self.token(number)].pop(level, None)

    @precondition(lambda self: self.tokens)
    @rule(number=numbers)
    def delete(self, number: int) -> None:
        id = self.token(number)
        self.db.tokens.delete(id)
        del self.tokens[id]

    # --- SQL ------------------------------------------------------------------------------------------------------

    def statement(self, id: int, level: str, point: Point) -> str:
        values = ", ".join(f"{level}_{axis} = {value}" for axis, value in zip("xyz", point, strict=True))
        self.tokens[id][level] = point
        return f"update token set {values} where id = {id};"

    @precondition(lambda self: self.tokens)
    @rule(number=numbers, level=levels, point=points)
    def move_by_sql(self, number: int, level: str, point: Point) -> None:
        self.db.execute(self.statement(self.token(number), level, point))

    @precondition(lambda self: self.tokens and not self.saved)
    @rule(number=numbers, level=levels, point=points, lost=st.booleans())
    def move_elsewhere(self, number: int, level: str, point: Point, lost: bool) -> None:
        id = self.token(number)
        self.other.execute(self.statement(id, level, point))
        if lost:
            self.other.execute("delete from token where id = ?", (id,))
            del self.tokens[id]

    @precondition(lambda self: self.tokens and not self.saved and SHELL is not None)
    @rule(number=numbers, level=levels, point=points)
    def move_in_a_shell(self, number: int, level: str, point: Point) -> None:
        sql = self.statement(self.token(number), level, point)
        assert shell(self.path, f".timeout 5000\n{sql}") == ""

    # --- transactions ---------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.saved) < 3)
    @rule()
    def begin(self) -> None:
        self.db.begin()
        self.saved.append(copy.deepcopy(self.tokens))

    @precondition(lambda self: self.saved)
    @rule()
    def commit(self) -> None:
        self.db.commit()
        self.saved.pop()

    @precondition(lambda self: self.saved)
    @rule()
    def rollback(self) -> None:
        self.db.rollback()
        self.tokens = self.saved.pop()

    @precondition(lambda self: not self.saved)
    @rule(save=st.booleans())
    def reopen(self, save: bool) -> None:
        if save:
            self.db.optimize()
        self.db.close()
        self.open()

    # --- what holds -----------------------------------------------------------------------------------------------

    def crowd(self, level: str) -> list[naive.Token]:
        """Return the tokens of a level; their fields are read from the rows."""
        rows = self.db.execute("select id, field_radius, field_strength, weight from token").fetchall()
        fields = {id: rest for id, *rest in rows}
        assert sorted(fields) == sorted(self.tokens)
        return [naive.Token(id, places[level], *fields[id]) for id, places in self.tokens.items() if level in places]

    def far(self, here: Places) -> list[tuple[int, float]]:
        """Return every token and its weighted distance over the levels both define, in order."""

        def numbered(places: Places) -> dict[int, Point]:
            return {level_index(level): point for level, point in places.items()}

        crowd = [naive.Token(id, levels=numbered(places)) for id, places in self.tokens.items()]
        weights = [WEIGHTS.get(level, 0.0) for level in ALL_LEVELS]
        return naive.space_within(crowd, numbered(here), weights, math.inf)

    @invariant()
    def all_give_the_same_answers(self) -> None:
        self.steps += 1
        level, k = LEVELS[self.steps % 2], 1 + self.steps % 6
        point = (float(self.steps % 3 - 1), 0.5, float(self.steps % 2))
        crowd, here = self.crowd(level), {"physical": point, "social": point[::-1]}
        near, around = naive.nearest(crowd, point, k), naive.within(crowd, point, 1.5)
        inside, influence = naive.box(crowd, (-1, 0, -1), (1, 2, 1)), naive.influence(crowd, point)
        for grid in self.grids:
            assert [*grid.nearest(point, k, level=level)] == near
            assert [*grid.in_range(point, 1.5, level=level)] == around
            assert grid.box((-1, 0, -1), (1, 2, 1), level=level).tolist() == inside
            assert grid.influence(point, level=level) == influence
            assert [*grid.nearest(here, k, weights=WEIGHTS)] == self.far(here)[:k]
            if self.tokens:
                id = self.token(self.steps)
                others = [
                    hit for hit in naive.nearest(crowd, self.tokens[id].get(level, point), len(crowd)) if hit[0] != id
                ]
                assert [*grid.neighbors(id, k, level=level)] == (others[:k] if level in self.tokens[id] else [])


Spaces.TestCase.settings = settings(
    max_examples=examples(60), stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestSpaces = Spaces.TestCase
