"""After any changes, copies, rebuilds and reloads an index answers like one built of the tokens there are."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
from grid_cases import (  # noqa: F401
    EXAMPLES,
    PURE,
    cloud,
    columns,
    pairs,
    quiet,
    space_columns,
    space_query,
    space_tokens,
    tokens,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import naive_grid as naive
from neurograph.errors import InvalidValue
from neurograph.kernels import grid_forest, grid_index
from neurograph.kernels.grid_level import LevelIndex
from neurograph.kernels.grid_space import SpaceIndex

pytestmark = pytest.mark.kernels


class LevelMachine(RuleBasedStateMachine):
    """An index and a dict side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[int, naive.Token] = {}
        self.index = LevelIndex.build([], [], [], [])
        self.kept = (self.index.copy(), {})

    @initialize(crowd=tokens(most=80))
    def build(self, crowd: list[naive.Token]) -> None:
        self.model = {token.id: token for token in crowd}
        self.index = LevelIndex.build(**columns(crowd))
        self.kept = self.index.copy(), dict(self.model)

    @rule(crowd=tokens(most=12), share=st.floats(0, 1))
    def change(self, crowd: list[naive.Token], share: float) -> None:
        """Some ids are new, some move, some go, some are not there."""
        cut = int(share * len(crowd))
        self.index.apply([token.id for token in crowd[:cut]], **columns(crowd[cut:]))
        for token in crowd[:cut]:
            self.model.pop(token.id, None)
        self.model |= {token.id: token for token in crowd[cut:]}

    @rule()
    def keep_a_copy(self) -> None:
        self.kept = self.index.copy(), dict(self.model)

    @rule()
    def go_back_to_the_copy(self) -> None:
        self.index, self.model = self.kept[0].copy(), dict(self.kept[1])

    @rule()
    def rebuild(self) -> None:
        self.index = self.index.rebuild()

    @rule()
    def reload(self) -> None:
        arrays = {name: array.copy() for name, array in self.index.to_arrays().items()}
        self.index = LevelIndex.from_arrays(arrays)

    @invariant()
    def it_answers_as_the_model(self) -> None:
        for index, model in ((self.index, self.model), self.kept):
            crowd = list(model.values())
            assert len(index) == len(crowd)
            place = crowd[-1].point if crowd else (0.0, 0.0, 0.0)
            assert pairs(index.nearest(*place, 6)) == naive.nearest(crowd, place, 6)
            assert pairs(index.within(*place, 1.0)) == naive.within(crowd, place, 1.0)
            assert index.box([-1] * 3, [1] * 3).tolist() == naive.box(crowd, (-1,) * 3, (1,) * 3)
            assert index.influence(*place, weighted=True) == naive.influence(crowd, place, weighted=True)
            assert index.count_many([place], 2.0).tolist() == [len(naive.within(crowd, place, 2.0))]


LevelMachine.TestCase.settings = EXAMPLES
TestLevelMachine = LevelMachine.TestCase


@EXAMPLES
@given(space_tokens(), space_tokens(), st.floats(0, 1))
def test_tokens_of_all_levels_change_as_well(crowd: list[naive.Token], other: list[naive.Token], share: float) -> None:
    index, model = SpaceIndex.build(**space_columns(crowd)), {token.id: token for token in crowd}
    before = index.copy()
    cut = int(share * len(other))
    index.apply([token.id for token in other[:cut]], **space_columns(other[cut:]))
    for token in other[:cut]:
        model.pop(token.id, None)
    model |= {token.id: token for token in other[cut:]}
    reloaded = SpaceIndex.from_arrays({name: array.copy() for name, array in index.to_arrays().items()})
    for token in crowd[:2] + other[-2:]:
        if not token.levels:
            continue
        expected = naive.space_within(list(model.values()), token.levels, [1.0] * 8, math.inf)
        for one in (index, reloaded, index.rebuild()):
            assert pairs(one.within(*space_query(token.levels), math.inf)) == expected
            assert pairs(one.nearest(*space_query(token.levels), 5)) == expected[:5]
        assert (
            pairs(before.nearest(*space_query(token.levels), 5))
            == naive.space_within(crowd, token.levels, [1.0] * 8, math.inf)[:5]
        )


def test_a_rebuild_is_wanted_when_many_were_added_or_most_are_gone() -> None:
    n = 4000
    place = cloud("even", n, 0)
    index = LevelIndex.build(np.arange(n), *place.T)
    assert not index.wants_rebuild
    added = index.copy()
    added.apply(ids=np.arange(n, n + 400), x=np.zeros(400), y=np.zeros(400), z=np.zeros(400))
    assert added.wants_rebuild
    assert not added.rebuild().wants_rebuild
    index.apply(removed=np.arange(2500))
    assert index.wants_rebuild
    assert len(index.rebuild()) == len(index) == 1500


def test_a_reloaded_index_is_not_rebuilt(monkeypatch: pytest.MonkeyPatch) -> None:
    index = LevelIndex.build(np.arange(100), *cloud("even", 100, 1).T)
    arrays = index.to_arrays()
    monkeypatch.setattr(grid_forest.grid_build, "split", None)
    reloaded = LevelIndex.from_arrays(arrays)
    assert pairs(reloaded.nearest(0.0, 0.0, 0.0, 9)) == pairs(index.nearest(0.0, 0.0, 0.0, 9))


def test_read_only_arrays_serve_and_a_copy_of_them_changes() -> None:
    arrays = LevelIndex.build(np.arange(100), *cloud("even", 100, 1).T, radius=np.ones(100)).to_arrays()
    for array in arrays.values():
        array.flags.writeable = False
    index = LevelIndex.from_arrays(arrays)
    assert len(index.nearest(0.0, 0.0, 0.0, 9)[0]) == 9
    assert len(index.within_many([[0.0, 0.0, 0.0]], 9.0)[1]) == 100
    assert index.box([-9] * 3, [9] * 3).tolist() == list(range(100))
    assert index.influence(0.0, 0.0, 0.0) == 0.0
    changed = index.copy()
    changed.apply(removed=[5])
    assert (len(changed), len(index)) == (99, 100)


def damaged() -> list:
    def change(name: str, value: object) -> object:
        return lambda arrays: arrays | {name: value(arrays[name]) if callable(value) else value}

    def slots_twice(slots: np.ndarray) -> np.ndarray:
        return np.concatenate([slots[:1], slots[:-1]])

    return [
        change("points", lambda a: a[:-1]),
        change("boxes", lambda a: a.astype(np.float32)),
        change("ids", lambda a: a[:-32]),
        change("alive", lambda a: a[:, None]),
        change("sizes", lambda a: a + 1),
        change("sizes", lambda a: a * [[1, 10**15]]),
        change("sizes", np.array([[1, 50], [1, 50]])),
        change("slots", lambda a: a + 10**6),
        change("slots", lambda a: a - 10**6),
        change("slots", slots_twice),
        change("values", lambda a: a[:2]),
        change("values", lambda a: a[:, 1:]),
        change("weights", np.ones(3)),
        change("recent_ids", np.array([3, 2])),
        change("recent_rows", np.zeros((5, 3))),
        change("points", lambda a: np.asfortranarray(a)),
        lambda arrays: {name: array for name, array in arrays.items() if name != "boxes"},
    ]


@pytest.mark.parametrize("damage", damaged())
def test_arrays_that_do_not_fit_are_refused(damage: object) -> None:
    index = LevelIndex.build(np.arange(100), *cloud("even", 100, 1).T)
    with pytest.raises(InvalidValue, match="must"):
        LevelIndex.from_arrays(damage(index.to_arrays()))


def test_recent_patterns_out_of_range_are_refused() -> None:
    index = SpaceIndex.build([1], np.zeros((1, 8, 3)), [255])
    index.apply(ids=[2], coordinates=np.zeros((1, 8, 3)), masks=[1])
    with pytest.raises(InvalidValue, match="recent_patterns must"):
        SpaceIndex.from_arrays(index.to_arrays() | {"recent_patterns": np.array([256])})


def test_threads_share_an_index() -> None:
    n = 50 if PURE else 3000
    place = cloud("even", n, 2)
    index = LevelIndex.build(np.arange(n), *place.T)
    expected = [index.nearest(*row, 8)[0].tolist() for row in place[:50]]
    wrong = []

    def ask() -> None:
        for row, ids in zip(place[:50], expected, strict=True):
            if index.nearest(*row, 8)[0].tolist() != ids:
                wrong.append(ids)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_index_says_how_large_it_is() -> None:
    index = LevelIndex.build(np.arange(100), *cloud("even", 100, 1).T)
    index.apply(ids=[100], x=[0.0], y=[0.0], z=[0.0])
    assert repr(index) == "LevelIndex(101 tokens, 1 recent)"
    assert index.nbytes > 100 * 41
    assert grid_index.OVERLAY == 4096
