"""Bad input of every kind to the graph gets a clear error and changes nothing; odd input that is good is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import neurograph
from neurograph.errors import InvalidValue, NeurographError, RuleViolated, TokenNotFound
from neurograph.stores.connections import Connections
from neurograph.stores.graph import Graph

LABELS = ("ant", "bee", "cat", "dog")


@pytest.fixture
def db() -> Iterator[neurograph.Database]:
    with neurograph.open(":memory:") as db:
        db.tokens.create_many(LABELS)
        db.graph.create(1, 2)
        yield db


class Column:
    """Two values as pandas has them: their places are not 0 and 1, but tolist and an array of them are there."""

    def __init__(self, values: list[Any]) -> None:
        self._values = np.array(values)
        self.dtype = self._values.dtype

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, place: int) -> Any:
        raise KeyError(place)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self._values.astype(dtype or self.dtype)

    def tolist(self) -> list[Any]:
        return self._values.tolist()


REFUSED: list[Callable[[Graph], object]] = [
    lambda graph: graph.create(1, 3, bidirectional="yes"),
    lambda graph: graph.create(1, 3, bidirectional=2),
    lambda graph: graph.create(1, 3, key="\ud800"),
    lambda graph: graph.create(1, 3, key=None),
    lambda graph: graph.update(1, 2, bidirectional="yes"),
    lambda graph: graph.update(1, 2, key="\ud800", weight=0.5),
    lambda graph: graph.delete(1, 2, key="\ud800"),
    lambda graph: graph.get(1, 2, key=5),
    lambda graph: graph.create_many(1, [3]),
    lambda graph: graph.create_many(None, None),
    lambda graph: graph.create_many((id for id in [1]), [3]),
    lambda graph: graph.create_many("ant", "cat"),
    lambda graph: graph.create_many([1.0], [3.0]),
    lambda graph: graph.create_many([1], [3], key=["\ud800"]),
    lambda graph: graph.create_many([1], [3], key=5),
    lambda graph: graph.create_many([1], [3], type=None),
    lambda graph: graph.create_many(["ant"], ["eel"]),
    lambda graph: graph.neighbors(1, types=1.5),
    lambda graph: graph.shortest_path(1, 2, cutoff="far"),
    lambda graph: graph.list(limit=-1),
]


@pytest.mark.parametrize("call", REFUSED)
def test_bad_input_is_refused_and_changes_nothing(db: neurograph.Database, call: Callable[[Graph], object]) -> None:
    with pytest.raises(NeurographError, match=r"must be|no token"):
        call(db.graph)
    assert db.graph.list(limit=None) == [db.graph.get(1, 2)]


@pytest.mark.parametrize(
    "ends",
    [
        (["ant", "bee"], ["cat", "dog"]),
        (np.array(["ant", "bee"]), np.array(["cat", "dog"])),
        (np.array(["ant", "bee"], object), np.array([3, 4], object)),
        (Column([1, 2]), Column(["cat", "dog"])),
        (np.array([1, 0, 2, 0], np.int32)[::2], np.array([3, 4], np.uint8)),
        (["ant", 2], [3, "dog"]),
        (range(1, 3), (3, 4)),
    ],
)
@pytest.mark.parametrize("store", ["graph", "connections"])
def test_ends_are_ids_or_labels_in_any_sequence(db: neurograph.Database, ends: tuple[Any, Any], store: str) -> None:
    making: Graph | Connections = getattr(db, store)
    making.create_many(*ends, type="before")
    assert [(edge.source, edge.target) for edge in db.graph.list(types="before")] == [(1, 3), (2, 4)]


def test_ends_are_records_too(db: neurograph.Database) -> None:
    ant, *_, dog = db.tokens.list()
    db.graph.create_many([ant], [dog], type="before")
    assert db.graph.get("ant", "dog", type="before").weight == 1.0
    with pytest.raises(TokenNotFound, match="'elk'"):
        db.graph.create_many([ant], ["elk"])


@pytest.mark.parametrize("types", [80, np.int64(80), "associated_with", [np.int64(80)], np.array([80])])
def test_a_type_is_a_name_or_a_whole_number_of_any_kind(db: neurograph.Database, types: Any) -> None:
    assert db.graph.neighbors(1, types=types).tolist() == [2]
    assert db.graph.count(types=types) == 1
    db.connections.create(1, 2)
    assert db.connections.count(types=types) == 1


def test_truths_of_numpys_are_truths(db: neurograph.Database) -> None:
    assert db.graph.create(1, 3, bidirectional=np.bool_(True)).bidirectional
    assert db.connections.create(1, 4, bidirectional=np.bool_(True)).bidirectional
    with pytest.raises(InvalidValue, match="bidirectional must be True or False, got 'yes'"):
        db.connections.create(2, 4, bidirectional="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [1, 600])
def test_a_forbidden_type_is_named_with_what_allows_it(n: int) -> None:
    with neurograph.open(":memory:") as db:
        db.tokens.create_many(count=n + 1)
        db.cdna.forbid_type("cause")
        ids = np.arange(1, n + 1)
        said = r"must be one the constitution allows \(allow it with db\.cdna\.allow_type\), got 'cause'"
        with pytest.raises(RuleViolated, match=said):
            db.graph.create_many(ids, ids + 1, type="cause")
        with pytest.raises(RuleViolated, match=said):
            db.graph.create(1, 2, type="cause")
        with pytest.raises(RuleViolated, match=r"allow it with db\.cdna\.allow_type"):
            db.execute("insert into edge (source, target, type) values (1, 2, 16)")
        db.cdna.allow_type("cause")
        assert db.graph.create_many(ids, ids + 1, type="cause") == n
