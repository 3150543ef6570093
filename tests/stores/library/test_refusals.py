"""Bad input of every kind gets a clear error, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from library_cases import filled, refused

import neurograph
from neurograph import Identity
from neurograph.errors import (
    Closed,
    Conflict,
    InvalidValue,
    ItemNotFound,
    LibraryNotFound,
    ReadOnlyDatabase,
    TokenNotFound,
)
from neurograph.stores.library import Library

NAN, INF = float("nan"), float("inf")
Case = tuple[dict[str, Any], type[Exception], str]
N = 100  # long enough to go without triggers
ONES = np.ones((N, 2))


def with_bad(value: Any, fill: Any = None, index: int = 70) -> list[Any]:
    return [*[fill] * index, value, *[fill] * (N - index - 1)]


def row_with(*numbers: float, width: int = 2) -> np.ndarray:
    rows = np.ones((N, width))
    rows[70] = numbers
    return rows


VECTORS: list[tuple[Any, str]] = [
    (np.ones((N, 3)), "vectors must have shape (n, 2), got (100, 3)"),
    (np.ones((0, 3)), "vectors must have shape (n, 2), got (0, 3)"),
    (np.ones((N, 2, 1)), "vectors must have shape (n, 2), got (100, 2, 1)"),
    ([1, 2], "vectors must have shape (n, 2), got (2,)"),
    ([[]], "vectors must have shape (n, 2), got (1, 0)"),
    (5, "vectors must have shape (n, 2), got ()"),
    ([[1, 2], [1]], "vectors must all have 2 numbers"),
    ("ab", "vectors must be real numbers, got dtype <U2"),
    (b"12345678", "vectors must be real numbers, got dtype |S8"),
    ([["1", "2"]], "vectors must be real numbers, got dtype <U1"),
    ([[True, False]], "vectors must be real numbers, got dtype bool"),
    ([[1j, 2]], "vectors must be real numbers, got dtype complex128"),
    ([[1, None]], "vectors must be real numbers, got dtype object"),
    (np.ones((N, 2), object), "vectors must be real numbers, got dtype object"),
    ([[10**400, 1]], "vectors must be real numbers, got dtype object"),
    (np.zeros((2, 2), "M8[D]"), "vectors must be real numbers, got dtype datetime64[D]"),
    (np.ma.masked_equal(row_with(1, 3), 3), "vectors must have no masked numbers, got 1 of them"),
    (row_with(1, NAN), "vectors must be finite, got nan at index 70, dimension 1"),
    (row_with(-INF, 1), "vectors must be finite, got -inf at index 70, dimension 0"),
    (row_with(1, NAN).astype(np.float32), "vectors must be finite, got nan at index 70, dimension 1"),
    (row_with(1e39, 1), "vectors must be within float32's range (±3.4e38), got 1e+39 at index 70, dimension 0"),
    (row_with(1, -3.5e38), "vectors must be within float32's range (±3.4e38), got -3.5e+38 at index 70, dimension 1"),
]

COLUMNS: list[Case] = [
    ({"keys": ["x"]}, InvalidValue, "keys must have 100 values, one for each item, got 1"),
    ({"keys": "x" * N}, InvalidValue, "keys must be a sequence of 100 values, got 'xxx"),
    ({"keys": {str(i) for i in range(N)}}, InvalidValue, "keys must be a sequence of 100 values"),
    ({"keys": {str(i): i for i in range(N)}}, InvalidValue, "keys must be a sequence of 100 values"),
    ({"keys": iter(["x"] * N)}, InvalidValue, "keys must be a sequence of 100 values"),
    ({"keys": 5}, InvalidValue, "keys must be a sequence of 100 values, got 5"),
    ({"keys": with_bad("")}, InvalidValue, "keys[70] must be None, or a string of at least one character without NUL"),
    ({"keys": with_bad("a\x00b")}, InvalidValue, "keys[70] must be None, or a string of at least one character"),
    ({"keys": with_bad("\udc80")}, InvalidValue, "keys[70] must be text that UTF-8 can hold, got '\\udc80'"),
    ({"keys": with_bad(1)}, InvalidValue, "keys[70] must be None, or a string"),
    ({"keys": with_bad(b"x")}, InvalidValue, "keys[70] must be None, or a string"),
    ({"keys": with_bad("taken")}, Conflict, "keys must be unique in 'v', got 'taken' at index 70, which is there"),
    ({"keys": ["x", *with_bad("x")[1:]]}, Conflict, "keys must be unique, got 'x' at index 0 and 70"),
    ({"texts": with_bad("\x00")}, InvalidValue, "texts[70] must be None, or a string without NUL, got '\\x00'"),
    ({"texts": with_bad("\ud800")}, InvalidValue, "texts[70] must be text that UTF-8 can hold"),
    ({"texts": with_bad(5)}, InvalidValue, "texts[70] must be None, or a string without NUL, got 5"),
    ({"tokens": with_bad(99)}, TokenNotFound, "no token has the id 99; create it first"),
    ({"tokens": with_bad("nobody", "cat")}, TokenNotFound, "no token has the label 'nobody'"),
    ({"tokens": with_bad(0, 1)}, InvalidValue, "tokens must be at least 1, got 0 at index 70"),
    ({"tokens": with_bad(1.5, 1)}, InvalidValue, "tokens must be whole numbers, got dtype float64"),
    ({"tokens": with_bad(2**70, 1)}, InvalidValue, "tokens must be whole numbers, got dtype object"),
    ({"tokens": [1]}, InvalidValue, "tokens must have 100 values, one for each item, got 1"),
    ({"coordinates": np.ones((N, 2))}, InvalidValue, "coordinates must have shape (100, 3), got (100, 2)"),
    ({"coordinates": row_with(1, NAN, 3, width=3)}, InvalidValue, "coordinates must be three finite numbers, or NaN"),
    ({"coordinates": row_with(1, 2, INF, width=3)}, InvalidValue, "coordinates must be three finite numbers, or NaN"),
    ({"coordinates": np.ones((N, 3)) * 1j}, InvalidValue, "coordinates must be real numbers, got dtype complex128"),
    ({"coordinates": [["1", "2", "3"]] * N}, InvalidValue, "coordinates must be real numbers, got dtype <U1"),
    (
        {"coordinates": with_bad((1, 2, 10**400), (1, 2, 3))},
        InvalidValue,
        "coordinates must be real numbers, got dtype",
    ),
    ({"coordinates": with_bad((1, 2), (1, 2, 3))}, InvalidValue, "coordinates must be numbers, three for each item"),
    ({"metadata": [{}]}, InvalidValue, "metadata must have 100 values, one for each item, got 1"),
    ({"metadata": with_bad([1])}, InvalidValue, "metadata[70] must map strings to JSON values, got [1]"),
    ({"metadata": with_bad("{}")}, InvalidValue, "metadata[70] must map strings to JSON values, got '{}'"),
    ({"metadata": with_bad({1: 2})}, InvalidValue, "metadata[70] must map strings to JSON values, got {1: 2}"),
    ({"metadata": with_bad({"a": NAN})}, InvalidValue, "metadata[70] must be JSON values, got {'a': nan}"),
    ({"metadata": with_bad({"a": "\ud800"})}, InvalidValue, "metadata[70] must be JSON values"),
    ({"metadata": with_bad({"a": {1, 2}})}, InvalidValue, "metadata[70] must be JSON values"),
    ({"model": 5}, InvalidValue, "model must be a name, an Identity or an EmbeddingEngine, got 5"),
    ({"model": ""}, InvalidValue, "model must be None, or a string of at least one character"),
    ({"on_conflict": "replace"}, InvalidValue, "on_conflict must be one of error, ignore, update, got 'replace'"),
    ({"on_conflict": None}, InvalidValue, "on_conflict must be one of error, ignore, update, got None"),
]

# One vector: of `set` and `update`, and as what is asked for.
VECTOR: list[tuple[Any, str]] = [
    ([1, 2, 3], "vector must have 2 numbers, got 3"),
    ([], "vector must have 2 numbers, got 0"),
    ([[1, 2]], "vector must be a sequence of 2 numbers, got [[1, 2]]"),
    (5, "vector must be a sequence of 2 numbers, got 5"),
    ([True, 1], "vector must be a sequence of 2 numbers, got [True, 1]"),
    (["1", 2], "vector must be a sequence of 2 numbers, got ['1', 2]"),
    ([b"1", 2], "vector must be a sequence of 2 numbers"),
    ([1j, 2], "vector must be a sequence of 2 numbers"),
    ([None, 1], "vector must be a sequence of 2 numbers"),
    ({1: 1, 2: 2}, "vector must be a sequence of 2 numbers"),
    ({1, 2}, "vector must be a sequence of 2 numbers"),
    ([10**400, 1], "vector must be a sequence of 2 numbers, got [1000"),
    ([NAN, 1], "vector must be finite and within float32's range (±3.4e38), got nan"),
    ([1, -1e39], "vector must be finite and within float32's range (±3.4e38), got -1e+39"),
    (b"1234567", "vector must have 8 bytes, four for each dimension, got 7"),
    (bytearray(9), "vector must have 8 bytes, four for each dimension, got 9"),
    (b"\0\0\xc0\x7f\0\0\0\0", "vector must be finite, got nan"),
    (b"\0\0\0\0\0\0\x80\xff", "vector must be finite, got -inf"),
    (np.zeros(3), "vector must have shape (2,), got (3,)"),
    (np.zeros((1, 2)), "vector must have shape (2,), got (1, 2)"),
    (np.array(1.0), "vector must have shape (2,), got ()"),
    (np.float32(1), "vector must have shape (2,), got ()"),
    (np.array([1, 2], object), "vector must be real numbers, got dtype object"),
    (np.array([True, False]), "vector must be real numbers, got dtype bool"),
    (np.array(["1", "2"]), "vector must be real numbers, got dtype <U1"),
    (np.array([1, 2j]), "vector must be real numbers, got dtype complex128"),
    (np.array([NAN, 1]), "vector must be finite, got nan"),
    (np.array([1e39, 1]), "vector must be within float32's range (±3.4e38), got 1e+39"),
]

UPDATES: list[Case] = [
    ({"key": ""}, InvalidValue, "key must be None, or a string of at least one character without NUL, got ''"),
    ({"key": "a\x00"}, InvalidValue, "key must be None, or a string of at least one character without NUL"),
    ({"key": "\ud800"}, InvalidValue, "key must be text that UTF-8 can hold, got '\\ud800'"),
    ({"key": 5}, InvalidValue, "key must be None, or a string"),
    ({"key": "other"}, Conflict, "key must be unique in 'v', got 'other', which another item has"),
    ({"text": 5}, InvalidValue, "text must be None, or a string without NUL, got 5"),
    ({"text": "\x00"}, InvalidValue, "text must be None, or a string without NUL"),
    ({"token": "nobody"}, TokenNotFound, "no token has the label 'nobody'"),
    ({"token": 99}, TokenNotFound, "no token has the id 99"),
    ({"token": True}, InvalidValue, "token must be a record, an id or a label, got True"),
    ({"coordinates": (1, 2)}, InvalidValue, "coordinates must be three numbers, got (1, 2)"),
    ({"coordinates": 5}, InvalidValue, "coordinates must be three numbers, got 5"),
    ({"coordinates": {1, 2, 3}}, InvalidValue, "coordinates must be three numbers, got {1, 2, 3}"),
    ({"coordinates": (1, 2, NAN)}, InvalidValue, "coordinates[2] must be finite, got nan"),
    ({"coordinates": (1, 2, "3")}, InvalidValue, "coordinates[2] must be a number, got '3'"),
    ({"metadata": 5}, InvalidValue, "metadata must map strings to JSON values, got 5"),
    ({"metadata": {"a": INF}}, InvalidValue, "metadata must be JSON values, got {'a': inf}"),
]


@pytest.fixture(scope="module")
def mind() -> Iterator[tuple[neurograph.Database, Library]]:
    with filled() as (db, library):
        yield db, library
        assert db.check() == []


@pytest.mark.parametrize(("value", "message"), VECTORS, ids=[case[-1] for case in VECTORS])
def test_vectors(mind: tuple[neurograph.Database, Library], value: Any, message: str) -> None:
    db, library = mind
    refused(db, lambda: library.add(value), InvalidValue, message)
    said = message.replace("vectors", "queries") if not isinstance(value, str) else "queries must be several, got 'ab'"
    refused(db, lambda: library.search_many(value), InvalidValue, said)


@pytest.mark.parametrize(("options", "error", "message"), COLUMNS, ids=[case[-1] for case in COLUMNS])
def test_columns(mind: tuple[neurograph.Database, Library], options: Any, error: Any, message: str) -> None:
    db, library = mind
    refused(db, lambda: library.add(ONES, **options), error, message)


@pytest.mark.parametrize(("value", "message"), VECTOR, ids=[case[-1] for case in VECTOR])
def test_one_vector(mind: tuple[neurograph.Database, Library], value: Any, message: str) -> None:
    db, library = mind
    refused(db, lambda: library.set("new", value), InvalidValue, message)
    refused(db, lambda: library.update("taken", vector=value, text="never"), InvalidValue, message)
    refused(db, lambda: library.search(value), InvalidValue, message)


@pytest.mark.parametrize(("options", "error", "message"), UPDATES, ids=[case[-1] for case in UPDATES])
def test_changes_of_an_item(mind: tuple[neurograph.Database, Library], options: Any, error: Any, message: str) -> None:
    db, library = mind
    refused(db, lambda: library.update("taken", vector=[5, 5], **options), error, message)
    if "key" not in options:
        refused(db, lambda: library.set("new", [5, 5], **options), error, message)


WRONG_ITEMS: list[tuple[Any, type[Exception], str]] = [
    ("nobody", ItemNotFound, "no item of 'v' has the key 'nobody'"),
    ("\ud800", ItemNotFound, "no item of 'v' has the key '\\ud800'"),
    (1, ItemNotFound, "no item of 'v' has the id 1"),
    (2**62, ItemNotFound, f"no item of 'v' has the id {2**62}"),
    (0, InvalidValue, "item must have an id between 1 and 2**63 - 1, got 0"),
    (2**70, InvalidValue, "item must have an id between 1 and 2**63 - 1"),
    (True, InvalidValue, "item must be a record, an id or a key, got True"),
    (1.5, InvalidValue, "item must be a record, an id or a key, got 1.5"),
    (None, InvalidValue, "item must be a record, an id or a key, got None"),
    (b"taken", InvalidValue, "item must be a record, an id or a key, got b'taken'"),
    ([1], InvalidValue, "item must be a record, an id or a key, got [1]"),
]


@pytest.mark.parametrize(("item", "error", "message"), WRONG_ITEMS, ids=[case[-1] for case in WRONG_ITEMS])
def test_items_that_are_not_there(
    mind: tuple[neurograph.Database, Library], item: Any, error: Any, message: str
) -> None:
    db, library = mind
    for call in (
        lambda: library.get(item),
        lambda: library.vector(item),
        lambda: library.delete(item),
        lambda: library.update(item, text="never"),
        lambda: library.vectors(["taken", item]),
        lambda: library.delete_many(["taken", item]),
    ):
        refused(db, call, error, message)
    if item is not None:
        refused(db, lambda: library.search(item=item), error, message)
        refused(db, lambda: library.list(after=item), error, message)


def test_many_items_are_a_sequence(mind: tuple[neurograph.Database, Library]) -> None:
    db, library = mind
    for items in ("taken", b"taken", 5, None, {"taken": 1}):
        for call in (library.vectors, library.delete_many):
            message = "items must be a sequence of records, ids or keys, got"
            refused(db, lambda call=call, items=items: call(items), InvalidValue, message)  # type: ignore[misc]
    for limit in (-1, True, "1", 1.5):
        refused(db, lambda limit=limit: library.list(limit), InvalidValue, "limit must be")  # type: ignore[misc]
    refused(
        db, lambda: library.add(), InvalidValue, "add must be given vectors, keys, texts, tokens, coordinates or meta"
    )
    for name in ("keys", "texts", "tokens"):
        for one in ("taken", b"taken", 5, iter(["taken"])):
            message = f"{name} must be a sequence with a value for each item, got"
            refused(db, lambda named={name: one}: library.add(**named), InvalidValue, message)  # type: ignore[misc]
    refused(db, lambda: library.add([], keys=["a"]), InvalidValue, "keys must have 0 values, one for each item, got 1")
    refused(db, lambda: library.set(None), InvalidValue, "key must be a string, got None")  # type: ignore[arg-type]


CREATE: list[Case] = [
    ({"name": "v"}, Conflict, "name must be unique, got 'v', which a library has; get it, or drop it first"),
    ({"name": ""}, InvalidValue, "name must be a string of at least one character without NUL, got ''"),
    ({"name": None}, InvalidValue, "name must be a string of at least one character without NUL, got None"),
    ({"name": 5}, InvalidValue, "name must be a string of at least one character without NUL, got 5"),
    ({"name": "\x00"}, InvalidValue, "name must be a string of at least one character without NUL, got '\\x00'"),
    ({"name": "\ud800"}, InvalidValue, "name must be text that UTF-8 can hold, got '\\ud800'"),
    ({"dimension": 0}, InvalidValue, "dimension must be in [1, 8192], got 0"),
    ({"dimension": 8193}, InvalidValue, "dimension must be in [1, 8192], got 8193"),
    ({"dimension": True}, InvalidValue, "dimension must be a whole number, got True"),
    ({"dimension": 2.0}, InvalidValue, "dimension must be a whole number, got 2.0"),
    ({"metric": "euclid"}, InvalidValue, "metric must be one of cosine, l2, dot, got 'euclid'"),
    ({"metric": []}, InvalidValue, "metric must be one of cosine, l2, dot, got []"),
    ({"model": ""}, InvalidValue, "model must be"),
    ({"model": 5}, InvalidValue, "model must be a name, an Identity or an EmbeddingEngine, got 5"),
    ({"model": Identity(None)}, InvalidValue, "model must be a name, got None"),  # type: ignore[arg-type]
    ({"model": Identity("m", "ab")}, InvalidValue, "weights_sha256 must be 64 hexadecimal digits or None, got 'ab'"),
    ({"model": Identity("m", pooling=5)}, InvalidValue, "pooling must be None, or a string"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("options", "error", "message"), CREATE, ids=[case[-1] for case in CREATE])
def test_libraries_that_can_not_be(
    mind: tuple[neurograph.Database, Library], options: Any, error: Any, message: str
) -> None:
    db, _ = mind
    refused(db, lambda: db.library.create(**{"name": "new", "dimension": 2, **options}), error, message)


def test_libraries_that_are_not_there(mind: tuple[neurograph.Database, Library]) -> None:
    db, _ = mind
    for call in (db.library.get, db.library.drop):
        for name in ("no such", "\ud800", "v\x00"):
            refused(db, lambda call=call, name=name: call(name), LibraryNotFound, "no library has the name")  # type: ignore[misc]
        for name in (5, None, b"v"):
            refused(db, lambda call=call, name=name: call(name), InvalidValue, "name must be a string, got")  # type: ignore[misc]
    with pytest.raises(InvalidValue, match="name must be a string, got 5"):
        5 in db.library  # type: ignore[comparison-overlap]  # noqa: B015


WRITES: tuple[Callable[[neurograph.Database, Library], Any], ...] = (
    lambda db, library: db.library.create("new", dimension=1),
    lambda db, library: db.library.drop("v"),
    lambda db, library: library.add([[1, 2]]),
    lambda db, library: library.add([[1, 2]] * N),
    lambda db, library: library.set("new", [1, 2]),
    lambda db, library: library.update("a", vector=[1, 2]),
    lambda db, library: library.delete("a"),
    lambda db, library: library.delete_many(["a"]),
)
READS: tuple[Callable[[neurograph.Database, Library], Any], ...] = (
    lambda db, library: library.search([1, 2]),
    lambda db, library: library.search_many([[1, 2]]),
    lambda db, library: library.get("a"),
    lambda db, library: library.vectors(["a"]),
    lambda db, library: library.list(),
    lambda db, library: len(library),
    lambda db, library: next(iter(library)),
    lambda db, library: library.identity,
    lambda db, library: db.library.list(),
)


def test_a_handle_that_only_reads_refuses_every_write_and_a_closed_one_everything(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        db.library.create("v", dimension=2).add([[1, 2]], keys=["a"])
    with neurograph.open(path, mode="r") as db:
        library = db.library.get("v")
        for write in WRITES:
            with pytest.raises(ReadOnlyDatabase):
                write(db, library)
        for read in READS:
            read(db, library)
        assert [hit.key for hit in library.search([1, 2])] == ["a"]
        assert db.check() == []
    for call in WRITES + READS:
        with pytest.raises(Closed):
            call(db, library)
