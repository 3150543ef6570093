"""What a search of a library is given at the door: no ids at all, wrong kinds of ids and hits, an empty key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import neurograph
from neurograph.errors import InvalidValue, ItemNotFound
from neurograph.stores.library import Library


@pytest.fixture
def db() -> Iterator[neurograph.Database]:
    with neurograph.open(":memory:") as database:
        database.library.create("pets", dimension=2).add([[1, 0], [0, 1]], keys=["cat", "dog"])
        yield database


def test_among_no_ids_nothing_is_found(db: neurograph.Database) -> None:
    pets = db.library.get("pets")
    assert pets.search([1, 0], among=[]) == []
    assert pets.search([1, 0], among=[], where="key = 'cat'") == []
    assert [len(found) for found in pets.search_many([[1, 0]], among=[])] == [1, 1]


def test_among_a_query_that_has_no_items_nothing_is_found(db: neurograph.Database) -> None:
    nothing = "select id from item where key = 'bee' union all select 1"  # apsw hands over no empty list
    assert db.execute(f"select key from ng_knn('pets', 'cat', 2) where among in ({nothing})").fetchall() == []


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda pets: pets.search([1, 0], among=5), InvalidValue, "among must be a sequence of ids, got 5"),
        (lambda pets: pets.search([1, 0], among="cat"), InvalidValue, "among must be a sequence of ids, got 'cat'"),
        (lambda pets: pets.search([1, 0], after=(1.0, 2)), InvalidValue, "after must be a hit of the page before"),
        (lambda pets: pets.search(""), ItemNotFound, "no item of 'pets' has the key ''"),
    ],
)
def test_refused(db: neurograph.Database, ask: Callable[[Library], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message.replace("(", r"\(")):
        ask(db.library.get("pets"))
