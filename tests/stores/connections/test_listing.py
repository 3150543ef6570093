"""Lists and counts agree with a filter in Python, in order of id, page by page."""

from __future__ import annotations

import itertools
import random

import pytest

import neurograph
from neurograph.errors import InvalidValue, TokenNotFound, UnknownName


@pytest.fixture
def mind(db: neurograph.Database) -> neurograph.Database:
    """Return a database with sixty random connections between eight tokens, t1 to t8."""
    rng = random.Random(3)
    db.tokens.create_many([f"t{n}" for n in range(1, 9)])
    db.connection_types.create("mine")
    for n in range(60):
        source, target = rng.sample(range(1, 9), 2)
        db.connections.create(
            source, target, type=rng.choice(("fears", "antonym", "mine")), key=str(n), flags=rng.randrange(4),
            mutability=rng.choice((None, "hypothesis")),
        )  # fmt: skip
    db.connections.delete(30)
    return db


FILTERS = {
    "token": (None, "t1", 2, 77),
    "source": (None, "t3"),
    "target": (None, 4),
    "types": (None, "fears", ["antonym", "mine"], (0x84, 256), []),
    "mutability": (None, "hypothesis", 0),
    "active": (None, True, False),
}
COMBINED = [dict(zip(FILTERS, values, strict=True)) for values in itertools.product(*FILTERS.values())]


def matches(connection: neurograph.model.connection.Connection, wanted: dict) -> bool:
    def id_of(token):
        return int(token.removeprefix("t")) if isinstance(token, str) else token

    kinds = {"fears": 0x84, "antonym": 1, "mine": 256}
    types = wanted["types"]
    codes = {kinds.get(name, name) for name in ([types] if isinstance(types, str) else types or ())}
    return all((
        wanted["token"] is None or id_of(wanted["token"]) in (connection.source, connection.target),
        wanted["source"] is None or id_of(wanted["source"]) == connection.source,
        wanted["target"] is None or id_of(wanted["target"]) == connection.target,
        types is None or kinds[connection.type] in codes,
        wanted["mutability"] in (None, connection.mutability)
        or (wanted["mutability"] == 0 and connection.mutability == "immutable"),
        wanted["active"] in (None, connection.active),
    ))  # fmt: skip


def test_every_combination_of_filters_finds_what_a_loop_finds(mind):
    everything = mind.connections.list(limit=None)
    assert [connection.id for connection in everything] == [n for n in range(1, 61) if n != 30]
    for wanted in random.Random(1).sample(COMBINED, 150):
        expected = [connection for connection in everything if matches(connection, wanted)]
        assert mind.connections.list(limit=None, **wanted) == expected, wanted
        assert mind.connections.count(**wanted) == len(expected), wanted


def test_pages_follow_each_other(mind):
    everything = mind.connections.list(limit=None)
    assert mind.connections.list(limit=7, offset=9) == everything[9:16]
    assert len(mind.connections.list(limit=0)) == 0
    pages, after = [], None
    while page := mind.connections.list(limit=13, after=after, mutability="hypothesis"):
        pages += page
        after = page[-1]
    assert pages == mind.connections.list(limit=None, mutability="hypothesis")
    assert mind.connections.list(after=59) == everything[-1:]


def test_by_default_a_list_stops_at_a_hundred(mind):
    mind.connections.create_many([1] * 60, [2] * 60, key=[f"k{n}" for n in range(60)])
    assert len(mind.connections.list()) == 100
    assert len(mind.connections) == mind.connections.count() == 119


def test_many_come_back_in_the_order_given(mind):
    chosen = mind.connections.get_many([5, mind.connections.get(2), 5])
    assert [connection.id for connection in chosen] == [5, 2, 5]
    assert chosen[0] == mind.connections.get(5)


def test_a_connection_is_there_or_not(mind):
    assert 29 in mind.connections
    assert 30 not in mind.connections
    assert mind.connections.get(31) in mind.connections


def test_a_target_is_found_through_the_index_of_the_edges(mind):
    where, bindings = mind.connections._where(None, None, 4, None, None, None)
    plan = mind.execute(f"explain query plan select * from connection as c where {where[0]}", bindings).fetchall()
    assert not [row for row in plan if "SCAN" in row[3] and "SUBQUERY" not in row[3]], plan


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"token": "nobody"}, TokenNotFound),
        ({"types": "feers"}, UnknownName),
        ({"types": ["fears", 999]}, UnknownName),
        ({"mutability": "soft"}, UnknownName),
        ({"active": 1}, InvalidValue),
        ({"limit": -1}, InvalidValue),
        ({"offset": -1}, InvalidValue),
        ({"after": "t1"}, InvalidValue),
    ],
)
def test_bad_filters_are_named(mind, wanted, error):
    with pytest.raises(error):
        mind.connections.list(**wanted)
