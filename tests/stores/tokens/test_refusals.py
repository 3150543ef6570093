"""Bad input of every kind gets a clear error, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import neurograph
from neurograph.errors import (
    Conflict,
    IdNotRepresentable,
    InvalidValue,
    NeurographError,
    RuleViolated,
    TokenNotFound,
    UnknownName,
)
from neurograph.stores.tokens import Tokens

NAN, INF = float("nan"), float("inf")
DEEP: Any = {}
for _ in range(100_000):
    DEEP = {"a": DEEP}
Case = tuple[dict[str, Any], type[NeurographError], str]

# What `create` and `update` refuse alike, and `create_many` as one value for all.
VALUES: list[Case] = [
    ({"entity_type": "no_such"}, UnknownName, "entity_type must be one of the table entity_type, got 'no_such'"),
    ({"entity_type": 99}, UnknownName, "got 99"),
    ({"entity_type": -1}, UnknownName, "got -1"),
    ({"entity_type": 2**70}, UnknownName, "got 1180591620717411303424"),
    ({"entity_type": True}, InvalidValue, "entity_type must be a name or a code, got True"),
    ({"entity_type": 1.0}, InvalidValue, "must be a name or a code, got 1.0"),
    ({"entity_type": "\ud800"}, UnknownName, "got '\\ud800'"),
    ({"entity_type": 300}, RuleViolated, "entity_type must be one whose row allows it"),
    ({"domain": "nowhere"}, UnknownName, "domain must be one of the table domain, got 'nowhere'"),
    ({"domain": 16}, UnknownName, "got 16"),
    ({"flags": -1}, InvalidValue, "flags must be in [0, 65535], got -1"),
    ({"flags": 65536}, InvalidValue, "flags must be in [0, 65535], got 65536"),
    ({"flags": True}, InvalidValue, "flags must be a whole number, got True"),
    ({"flags": 1.0}, InvalidValue, "flags must be a whole number, got 1.0"),
    ({"flags": "1"}, InvalidValue, "flags must be a whole number, got '1'"),
    ({"weight": NAN}, InvalidValue, "weight must be finite, got nan"),
    ({"weight": INF}, InvalidValue, "weight must be finite, got inf"),
    ({"weight": "0.5"}, InvalidValue, "weight must be a number, got '0.5'"),
    ({"weight": True}, InvalidValue, "weight must be a number, got True"),
    ({"weight": 10**400}, InvalidValue, "weight must be"),
    ({"weight": 1.0000001}, RuleViolated, "weight must be within the constitution's limits ([0.0, 1.0]"),
    ({"weight": -1e-9}, RuleViolated, "got -1e-09"),
    ({"field_radius": -0.5}, InvalidValue, "field_radius must be in [0, inf], got -0.5"),
    ({"field_radius": NAN}, InvalidValue, "field_radius must be finite, got nan"),
    ({"field_radius": 2.56}, RuleViolated, "[0.0, 2.55]"),
    ({"field_strength": -INF}, InvalidValue, "field_strength must be finite, got -inf"),
    ({"field_strength": 1.5}, RuleViolated, "got 1.5"),
]
# What only the single forms take.
SINGLE: list[Case] = [
    ({"label": ""}, InvalidValue, "label must be None, or a string of at least one character without NUL, got ''"),
    ({"label": "a\x00b"}, InvalidValue, "got 'a\\x00b'"),
    ({"label": "\udc80"}, InvalidValue, "label must be text that UTF-8 can hold, got '\\udc80'"),
    ({"label": 5}, InvalidValue, "got 5"),
    ({"label": b"cat"}, InvalidValue, "got b'cat'"),
    ({"label": "taken"}, Conflict, "label must be unique, got 'taken', which token 2 has"),
    ({"entity_type": []}, InvalidValue, "entity_type must be a name or a code, got []"),
    ({"entity_type": None}, InvalidValue, "entity_type must be a name or a code, got None"),
    ({"flags": None}, InvalidValue, "flags must be a whole number, got None"),
    ({"weight": None}, InvalidValue, "weight must be a number, got None"),
    ({"weight": [0.5]}, InvalidValue, "weight must be a number, got [0.5]"),
    ({"coordinates": [(1, 2, 3)]}, InvalidValue, "coordinates must map names of levels to (x, y, z)"),
    ({"coordinates": {"emotinal": (1, 2, 3)}}, UnknownName, "the closest are 'emotional'"),
    ({"coordinates": {8: (1, 2, 3)}}, UnknownName, "level must be an index in 0..7"),
    ({"coordinates": {"social": (1, 2)}}, InvalidValue, "social must be three numbers (x, y, z) or None, got (1, 2)"),
    ({"coordinates": {"social": (1, 2, 3, 4)}}, InvalidValue, "social must be three numbers"),
    ({"coordinates": {"social": "123"}}, InvalidValue, "social must be three numbers"),
    ({"coordinates": {"social": ("1", "2", "3")}}, InvalidValue, "social must be three numbers"),
    ({"coordinates": {"social": (1, 2, None)}}, InvalidValue, "social must be three numbers"),
    ({"coordinates": {"social": 5}}, InvalidValue, "social must be three numbers"),
    ({"coordinates": {"social": (1, NAN, 3)}}, InvalidValue, "social must be three finite numbers, got (1, nan, 3)"),
    ({"coordinates": {"social": (1, 2, INF)}}, InvalidValue, "None leaves the level undefined"),
    ({"coordinates": {"social": (1, 2, 10**400)}}, InvalidValue, "social must be three numbers"),
    ({"coordinates": {"social": (1, 2, 3), "L6": (1, 2, 3)}}, InvalidValue, "must name a level once, got 'social'"),
    ({"properties": [1]}, InvalidValue, "properties must map strings to JSON values, got [1]"),
    ({"properties": {"a": [{1: 2}]}}, InvalidValue, "properties must have strings as keys of its objects, got 1"),
    ({"properties": '{"a": 1}'}, InvalidValue, "properties must map strings"),
    ({"properties": {1: 2}}, InvalidValue, "properties must map strings"),
    ({"properties": {"a": NAN}}, InvalidValue, "properties must be JSON values"),
    ({"properties": {"a": {1, 2}}}, InvalidValue, "properties must be JSON values"),
    ({"properties": {"a": "\ud800"}}, InvalidValue, "properties must be JSON values"),
    ({"properties": DEEP}, InvalidValue, "properties must be nested less deeply"),
]
# What `create_many` takes for 100 tokens, long enough to go without triggers.
N = 100
ONES, PLACES = np.ones(N), np.ones((N, 3))


def with_bad(value: Any, index: int = 70) -> list[Any]:
    return [*[0.5] * index, value, *[0.5] * (N - index - 1)]


def labels_with(value: Any) -> list[Any]:
    return [*(f"w{i}" for i in range(70)), value, *(f"w{i}" for i in range(71, N))]


def place_with(*point: float) -> np.ndarray:
    places = PLACES.copy()
    places[70] = point
    return places


MANY: list[Case] = [
    ({}, InvalidValue, "count must be given where no argument has one entry for each token"),
    ({"count": -1}, InvalidValue, "count must be in"),
    ({"count": 10**12}, InvalidValue, "count must be in [0, 2147483647], got 1000000000000"),
    ({"count": 2.0}, InvalidValue, "count must be a whole number, got 2.0"),
    ({"count": 5, "weight": ONES}, InvalidValue, "weight must have one entry for each of the 5 tokens, got 100"),
    ({"labels": "cat"}, InvalidValue, "labels must be a sequence"),
    ({"labels": "cat", "count": 3}, InvalidValue, "labels must be a sequence with one entry for each token, got 'cat'"),
    ({"labels": 5, "count": 1}, InvalidValue, "labels must be a sequence with one entry for each token, got 5"),
    ({"labels": ["a", "b"], "weight": ONES}, InvalidValue, "weight must have one entry for each of the 2 tokens"),
    ({"labels": labels_with("")}, InvalidValue, "got '' at index 70"),
    ({"labels": labels_with("a\x00")}, InvalidValue, "at index 70"),
    (
        {"labels": labels_with("\ud800")},
        InvalidValue,
        "that UTF-8 can hold, got '\\ud800' at index 70",
    ),
    ({"labels": labels_with(7)}, InvalidValue, "got 7 at index 70"),
    ({"labels": labels_with(NAN)}, InvalidValue, "got nan at index 70"),
    ({"labels": labels_with("taken")}, Conflict, "label must be unique, got 'taken' at index 70, which token 2 has"),
    ({"labels": labels_with("w3")}, Conflict, "label must be unique, got 'w3' at index 3 and at index 70"),
    ({"labels": ["new", "taken"]}, Conflict, "got 'taken' at index 1, which token 2 has; pass on_conflict="),
    ({"labels": ["new"], "on_conflict": "replace"}, InvalidValue, "on_conflict must be one of error, ignore, update"),
    ({"entity_type": [*["concept"] * 99, "no_such"]}, UnknownName, "got 'no_such'"),
    ({"entity_type": [*["concept"] * 99, 1.5]}, InvalidValue, "must be names or codes, got 1.5 at index 99"),
    ({"entity_type": [*["concept"] * 99, True]}, InvalidValue, "got True at index 99"),
    ({"entity_type": [*["concept"] * 99, 300]}, RuleViolated, "got 300 at index 99"),
    ({"domain": np.full(N, 16)}, UnknownName, "got 16"),
    ({"flags": np.full(N, 65536)}, InvalidValue, "flags must be in [0, 65535], got 65536 at index 0"),
    ({"flags": np.ones(N)}, InvalidValue, "flags must be whole numbers, got float64"),
    ({"flags": np.ones(N, bool)}, InvalidValue, "flags must be whole numbers, got bool"),
    ({"flags": np.full(N, 2**64 - 1, np.uint64)}, InvalidValue, "got 18446744073709551615 at index 0"),
    ({"weight": with_bad(NAN)}, InvalidValue, "weight must be finite, got nan at index 70"),
    ({"weight": with_bad(-INF)}, InvalidValue, "weight must be finite, got -inf at index 70"),
    ({"weight": with_bad(1.5)}, RuleViolated, "max_token_weight=…)), got 1.5 at index 70"),
    ({"weight": with_bad("much")}, InvalidValue, "weight must be numbers"),
    ({"weight": with_bad(None)}, InvalidValue, "weight must be numbers, got object: None at index 70"),
    ({"weight": with_bad(Decimal("0.5"))}, InvalidValue, "at index 70"),
    ({"weight": with_bad([1, 2])}, InvalidValue, "weight must be an array"),
    ({"weight": np.ones((N, 1))}, InvalidValue, "weight must be one value, or one for each token, got shape (100, 1)"),
    ({"weight": ONES.astype(complex)}, InvalidValue, "weight must be numbers, got complex128"),
    ({"weight": np.full(N, "2020-01-01", "datetime64[D]")}, InvalidValue, "weight must be numbers, got datetime64"),
    ({"weight": iter([0.5])}, InvalidValue, "arrays must have a length"),
    ({"field_radius": with_bad(-0.25)}, InvalidValue, "field_radius must be at least 0, got -0.25 at index 70"),
    ({"field_radius": with_bad(2.56)}, RuleViolated, "got 2.56 at index 70"),
    ({"field_strength": with_bad(-0.25)}, RuleViolated, "got -0.25 at index 70"),
    ({"coordinates": {"socal": PLACES}}, UnknownName, "the closest are 'social'"),
    ({"coordinates": {"social": PLACES, "L6": PLACES}}, InvalidValue, "must name a level once"),
    ({"coordinates": {"social": PLACES[:, :2]}}, InvalidValue, "must have shape (100, 3), got (100, 2)"),
    (
        {"coordinates": {"social": PLACES, "motor": PLACES[1:]}},
        InvalidValue,
        "(100, 3), got (99, 3)",
    ),
    ({"coordinates": {"social": [*[(1, 2, 3)] * 99, (1, 2)]}}, InvalidValue, "social must be an array"),
    (
        {"coordinates": {"social": place_with(1, NAN, 1)}},
        InvalidValue,
        "or none, got (1.0, nan, 1.0) at index 70",
    ),
    (
        {"coordinates": {"social": place_with(1, INF, 1)}},
        InvalidValue,
        "finite numbers, got (1.0, inf, 1.0) at index 70",
    ),
    ({"coordinates": {"social": (1, NAN, 1)}, "count": 3}, InvalidValue, "all three axes or none, got (1.0, nan, 1.0)"),
    ({"coordinates": {"social": PLACES.astype(str)}}, InvalidValue, "social must be numbers"),
    ({"coordinates": np.ones((N, 8, 2))}, InvalidValue, "have shape (100, 8, 3), got (100, 8, 2)"),
    ({"coordinates": np.ones((N, 24))}, InvalidValue, "have shape (100, 8, 3), got (100, 24)"),
    (
        {"properties": [*[None] * 99, [1]]},
        InvalidValue,
        "must map strings to JSON values, got [1] at index 99",
    ),
    ({"properties": [*[None] * 99, "[1]"]}, InvalidValue, "the JSON text of an object, got '[1]' at index 99"),
    ({"properties": [*[None] * 99, "{nope"]}, InvalidValue, "the JSON text of an object, got '{nope' at index 99"),
    ({"properties": [*[None] * 99, '{"a":1}\x00']}, InvalidValue, "without NUL"),
    ({"properties": [*[None] * 99, '"\ud800"']}, InvalidValue, "UTF-8"),
    ({"properties": [*[None] * 99, {"a": NAN}]}, InvalidValue, "at index 99"),
    ({"properties": {"a": 1}, "count": 1}, InvalidValue, "properties must be a sequence with one entry for each token"),
]
Call = Callable[[Tokens], Any]
OTHERS: dict[str, tuple[Call, type[NeurographError], str]] = {
    "update both": (lambda t: t.update(1, properties={}, merge_properties={}), InvalidValue, "replaced or merged"),
    "update merge": (lambda t: t.update(1, merge_properties=[1]), InvalidValue, "properties must map strings"),
    "get float": (lambda t: t.get(1.0), InvalidValue, "token must be a record, an id or a label, got 1.0"),
    "get bool": (lambda t: t.get(True), InvalidValue, "got True"),
    "get zero": (lambda t: t.get(0), InvalidValue, "token must have an id between 1 and 2**63 - 1, got 0"),
    "get huge": (lambda t: t.get(2**63), InvalidValue, "got 9223372036854775808"),
    "get none": (lambda t: t.get(None), InvalidValue, "got None"),
    "delete list": (lambda t: t.delete([1]), InvalidValue, "got [1]"),
    "contains": (lambda t: 1.5 in t, InvalidValue, "got 1.5"),
    "get_many one": (lambda t: t.get_many("cat"), InvalidValue, "tokens must be a sequence"),
    "get_many int": (lambda t: t.get_many(5), InvalidValue, "tokens must be a sequence"),
    "get_many none": (lambda t: t.get_many(None), InvalidValue, "tokens must be a sequence"),
    "get_many floats": (lambda t: t.get_many(np.ones(3)), InvalidValue, "got 1.0 at index 0"),
    "get_many bool": (lambda t: t.get_many([1, True]), InvalidValue, "got True at index 1"),
    "get_many zero": (lambda t: t.get_many([1, 0]), InvalidValue, "got 0 at index 1"),
    "get_many 2-d": (lambda t: t.get_many(np.ones((2, 2), int)), InvalidValue, "at index 0"),
    "get_many missing": (lambda t: t.get_many([1], missing="no"), InvalidValue, "missing must be one of"),
    "get_many gone": (lambda t: t.get_many([1, 77]), TokenNotFound, "no token has the id 77 at index 1"),
    "delete_many": (lambda t: t.delete_many([1, "nobody"]), TokenNotFound, "'nobody' at index 1"),
    "coordinates": (lambda t: t.coordinates("nowhere"), UnknownName, "level must be a known name"),
    "coordinates of": (lambda t: t.coordinates("social", [1, 77]), TokenNotFound, "77"),
    "move": (lambda t: t.set_coordinates([1, 2], PLACES[:3], "social"), InvalidValue, "must have shape (2, 3)"),
    "move all": (lambda t: t.set_coordinates([1], PLACES[:1]), InvalidValue, "(1, 8, 3)"),
    "move nan": (lambda t: t.set_coordinates([1], [[1, NAN, 2]], "social"), InvalidValue, "all three axes or none"),
    "move gone": (lambda t: t.set_coordinates([1, 77], PLACES[:2], "social"), TokenNotFound, "77 at index 1"),
    "move mapping": (
        lambda t: t.set_coordinates([1], {"social": PLACES[:1]}),
        InvalidValue,
        "name one level at a time",
    ),
    "label id": (lambda t: t.label_to_id(5), InvalidValue, "label must be a string, got 5"),
    "no label": (lambda t: t.label_to_id("takn"), TokenNotFound, "the closest are 'taken'"),
    "id label": (lambda t: t.id_to_label("cat"), InvalidValue, "id must be a whole number, got 'cat'"),
    "no id": (lambda t: t.id_to_label(77), TokenNotFound, "77"),
    "labels": (lambda t: t.labels_to_ids(["taken", "x"]), TokenNotFound, "'x'"),
    "labels int": (lambda t: t.labels_to_ids(["taken", 3]), InvalidValue, "got 3 at index 1"),
    "labels missing": (lambda t: t.labels_to_ids(["taken"], missing="skip"), InvalidValue, "'error' or 'zero'"),
    "ids": (lambda t: t.ids_to_labels(["taken"]), InvalidValue, "ids must be whole numbers"),
    "ids gone": (lambda t: t.ids_to_labels([1, 77]), TokenNotFound, "77 at index 1"),
    "limit": (lambda t: t.list(-1), InvalidValue, "limit must be in"),
    "offset": (lambda t: t.list(offset=-1), InvalidValue, "offset must be in"),
    "after": (lambda t: t.list(after="nobody"), TokenNotFound, "nobody"),
    "filter": (lambda t: t.count(entity_type="no_such"), UnknownName, "no_such"),
    "level": (lambda t: t.count(level="no_such"), UnknownName, "no_such"),
    "where": (lambda t: t.list(where=5), InvalidValue, "where must be SQL"),
    "where empty": (lambda t: t.list(where=" "), InvalidValue, "where must be an SQL condition"),
    "where values": (lambda t: t.list(where=("id = ?", "12")), InvalidValue, "where must be SQL"),
    "record": (lambda t: t.from_bytes(b"short"), InvalidValue, "record must have 64 bytes, got 5"),
    "records": (lambda t: t.from_bytes_many(bytes(65)), InvalidValue, "multiple of 64"),
    "record zero": (lambda t: t.from_bytes_many(bytes(64)), InvalidValue, "no token"),
    "records ids": (lambda t: t.from_bytes_many(b"", ids="new"), InvalidValue, "ids must be 'remap' or 'keep'"),
    "record type": (lambda t: t.to_bytes("dreamer"), InvalidValue, "entity_type"),
    "record id": (lambda t: t.to_bytes(2**40), IdNotRepresentable, "1099511627776"),
    "record ids": (lambda t: t.to_bytes_many(ids="no"), InvalidValue, "ids must be"),
}


@pytest.fixture(scope="module")
def shared_db(shared_db: neurograph.Database) -> neurograph.Database:
    db = shared_db
    db.execute("insert into entity_type (code, name, allowed) values (300, 'off', 0), (301, 'dream', 1)")
    db.execute("insert into token (id, label) values (1, 'first'), (2, 'taken')")
    db.execute("insert into token (id, label, entity_type) values (3, 'dreamer', 301), (1099511627776, 'far', 0)")
    db.execute("insert into edge (source, target) values (1, 2)")
    return db


@pytest.fixture
def tokens(unchanged: neurograph.Database) -> Tokens:
    return unchanged.tokens


def refused(tokens: Tokens, call: Call, error: type[NeurographError], said: str) -> None:
    with pytest.raises(error) as caught:
        call(tokens)
    assert type(caught.value) is error
    assert said in str(caught.value)


def named(cases: list[Case]) -> pytest.MarkDecorator:
    ids = [f"{','.join(change)}-{index}" for index, (change, _, _) in enumerate(cases)]
    return pytest.mark.parametrize(("change", "error", "said"), cases, ids=ids)


@named(VALUES + SINGLE)
def test_create_refuses(tokens: Tokens, change: dict[str, Any], error: type[NeurographError], said: str) -> None:
    refused(tokens, lambda t: t.create(**change), error, said)


@named(VALUES + SINGLE)
def test_update_refuses(tokens: Tokens, change: dict[str, Any], error: type[NeurographError], said: str) -> None:
    refused(tokens, lambda t: t.update("first", **change), error, said)


@pytest.mark.parametrize("count", [3, N])
@named(VALUES)
def test_create_many_refuses_one_value_for_all(
    tokens: Tokens, change: dict[str, Any], error: type[NeurographError], said: str, count: int
) -> None:
    refused(tokens, lambda t: t.create_many(count=count, **change), error, said)


@named(MANY)
def test_create_many_refuses(tokens: Tokens, change: dict[str, Any], error: type[NeurographError], said: str) -> None:
    refused(tokens, lambda t: t.create_many(**change), error, said)


@pytest.mark.parametrize(("call", "error", "said"), OTHERS.values(), ids=[*OTHERS])
def test_a_call_is_refused(tokens: Tokens, call: Call, error: type[NeurographError], said: str) -> None:
    refused(tokens, call, error, said)
