"""Conditions of subscriptions: what they let pass is what a plain reading of them lets pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import neurograph
from effort import examples
from naive_conditions import holds
from neurograph import Database
from neurograph.errors import InvalidValue

plain = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from([0.5, 2.0, "a", "b", "", "1", 2**53, "ž"])
)
names = st.sampled_from(["n", "m", "o.n", "o.o", "l.0", "l.1", "l", "o.0.1"])
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["n", "m", "o", "l", "0", "1"]), inner, max_size=3)
    ),
    max_leaves=6,
)
compared = st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), plain.filter(lambda v: not_flag(v)))
equal = st.tuples(st.sampled_from(["$eq", "$ne"]), plain)
conditions = st.recursive(
    st.dictionaries(names, st.one_of(plain, st.one_of(compared, equal).map(lambda pair: dict([pair]))), max_size=2),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["$and", "$or"]), st.lists(inner, min_size=1, max_size=2), min_size=1),
        st.dictionaries(st.sampled_from(["n", "o", "o.l", "l"]), inner.filter(bool), min_size=1, max_size=2),
        st.dictionaries(st.just("$not"), inner, min_size=1),
    ),
    max_leaves=4,
)


def not_flag(value: Any) -> bool:
    return value is not None and not isinstance(value, bool)


@pytest.fixture(scope="module")
def db() -> Iterator[Database]:
    with neurograph.open(":memory:") as db:
        yield db


@given(where=conditions, payloads=st.lists(values, min_size=1, max_size=6))
@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_and_the_plain_reading_agree(db: Database, where: dict[str, Any], payloads: list[Any]) -> None:
    db.begin()
    first = db.topics.publish_many("a", payloads)[0]
    found = [entry.id - first for entry in db.topics.read("a", where=where)]
    db.rollback()
    assert found == [place for place, payload in enumerate(payloads) if holds(where, payload)]


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ({}, [1, 2, 3, 4]),
        ({"$headers": {"source": "x"}}, [2]),
        ({"$headers": {"source": {"$ne": "x"}}}, [1, 3, 4]),
        ({"$headers": {"source": "y"}, "$eq": "text"}, [3]),
        ({"n": None}, [2, 3, 4]),
        ({"$not": {"n": None}}, [1]),
        ({"$gt": "a"}, [3]),
    ],
)
def test_headers_bytes_and_whole_payloads(db: Database, where: dict[str, Any], wanted: list[int]) -> None:
    db.begin()
    first = db.topics.publish("h", {"n": 1})
    db.topics.publish("h", {}, headers={"source": "x"})
    db.topics.publish("h", "text", headers={"source": "y"})
    db.topics.publish("h", b'{"n": 1}')
    found = [entry.id - first + 1 for entry in db.topics.read("h", where=where)]
    db.rollback()
    assert found == wanted


@pytest.mark.parametrize(
    "where",
    [
        1, "n", [], {"$x": 1}, {1: 2}, {"a..b": 1}, {"": 1}, {'a"b': 1}, {"a\\b": 1}, {"a\x00": 1}, {"a": [1]},
        {"a": {"$gt": None}}, {"a": {"$lt": True}}, {"a": float("nan")}, {"a": 2**63}, {"$and": {}}, {"$or": [1]},
        {"a": "\ud800"}, {"\ud800": 1}, {"a": "x\x00"}, {"a": b"x"}, {"a": {"$eq": {}}},
        {"$or": [{"a": 1}] * 400}, {"a": {}}, {"$headers": {}}, {"$or": []}, {"a.1.2.3.4": 1},
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused(db: Database, where: Any) -> None:
    with pytest.raises(InvalidValue, match=r"(where|\$\w+) must"):
        db.topics.subscribe("r", where=where)
    assert db.topics.subscriptions() == []


def test_a_condition_may_be_deep_and_no_deeper(db: Database) -> None:
    where: dict[str, Any] = {"n": 1}
    for _ in range(15):
        where = {"$not": where}
    db.topics.read(where=where)
    for _ in range(30):
        where = {"$not": where}
    with pytest.raises(InvalidValue, match="at most 32 levels"):
        db.topics.read(where=where)


def test_names_mean_nothing_in_sql(db: Database) -> None:
    db.begin()
    db.topics.publish("q", {"a') or 1 --": 1, "a": "x' or '1"})
    assert len(db.topics.read("q", where={"a') or 1 --": 1, "a": "x' or '1"})) == 1
    assert db.topics.read("q", where={"a') or 1 --": 2}) == []
    db.rollback()


def test_a_condition_that_a_shell_made_wrong_is_told(db: Database) -> None:
    db.begin()
    db.topics.subscribe("r")
    db.topics.publish("a", 1)
    db.execute("""update subscription set condition = '{"$x": 1}'""")
    with pytest.raises(InvalidValue, match=r"got '\$x'"):
        db.topics.subscription("r").claim()
    assert [violation.invariant for violation in db.check()] == ["subscription.condition"]
    db.rollback()
