"""The connection record: a value that is read, compared, pickled, shown and never changed."""

from __future__ import annotations

import copy
import pickle

import pytest

import neurograph
from neurograph.model.connection import Connection


@pytest.fixture
def connection(db: neurograph.Database) -> Connection:
    cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
    return db.connections.create(cat, dog, type="fears", key="<k>", active_levels=("social",), aim={"motor": 1.5},
                                 properties={"why": "<b>"})  # fmt: skip


def test_a_record_survives_pickling_and_copying(connection):
    for twin in (pickle.loads(pickle.dumps(connection)), copy.copy(connection), copy.deepcopy(connection)):
        assert twin == connection
        assert hash(twin) == hash(connection)


def test_a_record_cannot_be_changed(connection):
    with pytest.raises(AttributeError, match=r"use db.connections.update\(connection, pull=…\)"):
        connection.pull = 1.0
    with pytest.raises(AttributeError, match="can't be changed"):
        del connection._row
    connection.properties["why"] = "changed"
    assert connection.properties == {"why": "<b>"}


def test_a_record_is_no_other_thing(connection):
    assert connection != connection._row
    assert {connection: 1}[copy.copy(connection)] == 1


def test_a_record_is_shown_in_a_line_and_in_html(connection):
    assert repr(connection) == "<Connection 1 1 → 2 fears '<k>' learnable confidence=0.5>"
    html = connection._repr_html_()
    assert "<td>&lt;b&gt;</td>" in html
    assert "<td>(&#x27;social&#x27;,)</td>" in html


def test_an_arrow_shows_the_direction(db, connection):
    assert "1 ↔ 2" in repr(db.connections.update(connection, bidirectional=True))
