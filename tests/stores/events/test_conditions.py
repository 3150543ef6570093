"""Conditions on the data of events: SQL says what a plain evaluation says; what is no condition is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import neurograph
from effort import examples
from naive_conditions import holds
from neurograph.errors import InvalidValue
from neurograph.stores.json_conditions import condition_on

NAMES = ["a", "b", "é", "a b", "0"]
SIGNS = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]
texts = st.sampled_from(["", "a", "B", "é", "z", "\U0010ffff", "1", "it's", "true", "null"])
numbers = st.sampled_from([0, 1, -1, 2**53, 2**53 + 1, -(2**63), 2**63 - 1, 0.0, 0.5, 1.0, 2.0**53, -1e300, 1e-300])
OPERATORS = "where must have operators of $eq, $ne, $gt, $gte, $lt, $lte, $and, $or, $not"
scalars = st.none() | st.booleans() | numbers | texts
data = st.dictionaries(
    st.sampled_from(NAMES),
    scalars | st.dictionaries(st.sampled_from(NAMES), scalars, max_size=2) | st.lists(scalars, max_size=2),
    max_size=4,
)
paths = st.sampled_from([*NAMES, *(f"{one}.{two}" for one in NAMES for two in NAMES), "a.b.é"])
compared = scalars | st.one_of(
    st.dictionaries(st.sampled_from(["$eq", "$ne"]), scalars, min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(SIGNS), numbers | texts, min_size=1, max_size=3),
)
conditions = st.recursive(
    st.dictionaries(paths, compared, max_size=2),
    lambda inner: st.builds(
        lambda sign, parts, rest: {sign: parts, **rest},
        st.sampled_from(["$and", "$or"]),
        st.lists(inner, min_size=1, max_size=3),
        st.dictionaries(paths, compared, max_size=1),
    ),
    max_leaves=4,
)


@settings(max_examples=examples(600), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(data, min_size=1, max_size=6), conditions)
def test_a_condition_means_what_a_plain_evaluation_says(rows: list[dict[str, Any]], where: dict[str, Any]) -> None:
    db = DB
    after = db.events.newest
    db.events.emit_many("custom", rows)
    wanted = [row for row in rows if holds(where, row)]
    assert [event.data for event in db.events.read(where=where, after=after)] == wanted
    assert db.events.count(where=where, after=after) == len(wanted)


@pytest.fixture(scope="module", autouse=True)
def one_database():
    global DB
    with neurograph.open(":memory:") as DB:
        yield
        assert DB.check() == []


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"a": {"$near": 1}}, f"{OPERATORS}, got '$near'"),
        ({"$headers": {"a": 1}}, f"{OPERATORS}, got '$headers'"),
        ({"$not": [{}]}, "where must be a dict of conditions, got [{}]"),
        ({"$or": []}, "$or must have a list of at least one condition, got []"),
        ({"$and": {"a": 1}}, "$and must have a list of at least one condition, got {'a': 1}"),
        ({"$or": "ab"}, "$or must have a list of at least one condition, got 'ab'"),
        ({"$or": [1]}, "where must be a dict of conditions, got 1"),
        ("a = 1", "where must be a dict of conditions, got 'a = 1'"),
        ({"a": {}}, "where must have a value or an operator for 'a', got {}"),
        ({"a": {"$gt": None}}, "$gt must have a number or a text, got None"),
        ({"a": {"$lte": True}}, "$lte must have a number or a text, got True"),
        ({"a": [1]}, "where must compare with None, a truth value, a number or a text, got [1]"),
        ({"a": "\x00"}, "where must compare with None, a truth value, a number or a text, got '\\x00'"),
        ({"a": "\ud800"}, "where must compare with None, a truth value, a number or a text, got '\\ud800'"),
        ({"a": float("nan")}, "where must compare with finite numbers that 64 bits hold, got nan"),
        ({"a": 2**63}, f"where must compare with finite numbers that 64 bits hold, got {2**63}"),
        ({"": 1}, "where must name values by their keys, with dots between them and without quotes, got ''"),
        ({"a..b": 1}, "where must name values by their keys, with dots between them and without quotes, got 'a..b'"),
        ({'a"': 1}, "where must name values by their keys, with dots between them and without quotes, got 'a\"'"),
        ({"a\n": 1}, "where must name values by their keys, with dots between them and without quotes, got 'a\\n'"),
        ({"a.0.1.2.3": 1}, "where must have at most 3 numbers in a name, got 'a.0.1.2.3'"),
        ({1: 1}, "where must name values by their keys, with dots between them and without quotes, got 1"),
    ],
)
def test_what_is_no_condition_is_refused_by_name(where: Any, said: str) -> None:
    for ask in (DB.events.read, DB.events.count, DB.events.subscribe):
        with pytest.raises(InvalidValue) as refused:
            ask(where=where)
        assert str(refused.value) == said


def test_conditions_have_an_end() -> None:
    deep: Any = {"a": 1}
    for _ in range(32):
        deep = {"$and": [deep]}
    with pytest.raises(InvalidValue, match="at most 32 levels"):
        DB.events.count(where=deep)
    DB.events.count(where=deep["$and"][0])
    with pytest.raises(InvalidValue, match="at most 600 paths and values to compare, got 603"):
        DB.events.count(where={"$or": [{"a": number} for number in range(201)]})
    assert DB.events.count(where={"$or": [{"a": number} for number in range(200)]}) >= 0


def test_no_text_of_a_condition_becomes_sql() -> None:
    sql, bindings = condition_on("data", {"a') or 1 --": "x' or '1", "$or": [{"b": {"$gt": 'y" or 1'}}]})
    assert "or 1" not in sql
    assert bindings == ['$."a\') or 1 --"', '$."a\') or 1 --"', "x' or '1", '$."b"', '$."b"', 'y" or 1']
