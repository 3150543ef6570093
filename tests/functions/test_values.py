"""Scalar functions on values compute what Python's functions compute, and say which argument is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurograph
from neurograph import Database, errors
from neurograph.codec import edge_id, token64
from neurograph.functions import VALUE_FUNCTIONS
from neurograph.model import connection
from neurograph.model.levels import LEVELS

GOOD = {
    "ng_compose_id": (1, 5, 2),
    "ng_edge_id": (1, 2, 0),
    "ng_force": (3.0, 1, 0.5, 0.5, 0.5),
    "ng_level": ("emotional",),
    "ng_point_distance": (0, 0, 0, 2.0, 3, 6),
    "ng_word_id": ("cat",),
}

uint32 = st.integers(0, 2**32 - 1)
finite = st.floats(-1e9, 1e9)


@pytest.fixture(scope="module")
def db() -> Iterator[Database]:
    with neurograph.open(":memory:") as database:
        yield database


def value(db: Database, name: str, arguments: tuple[object, ...]) -> object:
    return db.execute(f"select {name}({', '.join('?' * len(arguments))})", arguments).fetchall()[0][0]


def test_every_function_has_an_example_here():
    assert [*GOOD] == [function.name for function in VALUE_FUNCTIONS]


def test_their_values_are_known(db):
    assert [value(db, name, arguments) for name, arguments in GOOD.items()] == [
        0x25000001, 7779954275409725554, -0.25, 3, 7.0, 0xFB5A2833
    ]  # fmt: skip


@settings(max_examples=50)
@given(source=uint32, target=uint32, type=st.integers(0, 255))
def test_an_edges_id_is_the_codecs_as_a_signed_integer(db, source, target, type):
    found = value(db, "ng_edge_id", (source, target, type))
    assert found % 2**64 == edge_id.edge_id(source, target, type)


@settings(max_examples=50)
@given(id=st.integers(1, 2**24 - 1), kind=st.integers(0, 15), domain=st.integers(0, 15))
def test_a_composed_id_is_the_codecs(db, id, kind, domain):
    assert value(db, "ng_compose_id", (id, kind, domain)) == token64.compose_id(id, kind, domain)


@settings(max_examples=50)
@given(word=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12))
def test_a_words_id_is_the_codecs(db, word):
    assert value(db, "ng_word_id", (word,)) == edge_id.word_id(word)


@settings(max_examples=50)
@given(values=st.tuples(finite, finite, finite, finite, finite))
def test_a_force_is_the_one_of_connections(db, values):
    assert value(db, "ng_force", values) == connection.force(*values)


@settings(max_examples=25, deadline=None)
@given(a=st.tuples(finite, finite, finite), b=st.tuples(finite, finite, finite))
def test_a_distance_of_points_is_the_one_of_tokens_to_the_bit(db, a, b):
    with db.transaction():
        one, two = (db.tokens.create(coordinates={"social": point}) for point in (a, b))
        assert value(db, "ng_point_distance", (*a, *b)) == db.grid.distance(one, two, level="social")
        db.tokens.delete(one)
        db.tokens.delete(two)


@pytest.mark.parametrize(("at", "name"), [*enumerate(LEVELS)])
def test_a_level_is_known_by_its_names(db, at, name):
    assert [value(db, "ng_level", (way,)) for way in (name, name.upper(), f"L{at + 1}", at)] == [at] * 4


@pytest.mark.parametrize("name", GOOD)
def test_null_in_any_place_gives_null(db, name):
    for at in range(len(GOOD[name])):
        assert value(db, name, (*GOOD[name][:at], None, *GOOD[name][at + 1 :])) is None


@pytest.mark.parametrize("function", VALUE_FUNCTIONS, ids=lambda function: function.name)
def test_a_value_of_another_type_is_refused_by_name(db, function):
    for at, argument in enumerate(function.arguments):
        arguments = (*GOOD[function.name][:at], b"\x00", *GOOD[function.name][at + 1 :])
        with pytest.raises(errors.InvalidValue, match=rf"^{function.name}: .*\b{argument}\w*\b.* must be .*, got b'"):
            value(db, function.name, arguments)


@pytest.mark.parametrize("function", VALUE_FUNCTIONS, ids=lambda function: function.name)
def test_another_number_of_arguments_is_refused(db, function):
    for arguments in (GOOD[function.name][1:], (*GOOD[function.name], 1)):
        with pytest.raises(apsw.SQLError, match="wrong number of arguments"):
            value(db, function.name, arguments)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ("ng_level('L9')", errors.UnknownName, "ng_level: level must be a known name, got 'L9'"),
        ("ng_level(8)", errors.UnknownName, "ng_level: level must be an index in 0..7"),
        ("ng_edge_id(1, 2, 256)", errors.InvalidValue, "ng_edge_id: type_code must be in 0..255, got 256"),
        ("ng_edge_id(-1, 2, 0)", errors.IdNotRepresentable, "ng_edge_id: source must fit 32 bits, got -1"),
        ("ng_compose_id(1 << 24, 0, 0)", errors.IdNotRepresentable, "ng_compose_id: id of token 16777216 must be in"),
        ("ng_force(1, 1, 1, 1, 'high')", errors.InvalidValue, "ng_force: confidence must be a number, got 'high'"),
    ],
)
def test_what_is_out_of_range_is_refused_in_pythons_words(db, call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        db.execute(f"select {call}")


def test_they_may_stand_in_views_and_indexes_of_a_user(db):
    db.execute("create table word (text text)")
    db.execute("create index word_id on word (ng_word_id(text))")
    db.execute("create view numbered as select text, ng_word_id(text) as id from word")
    db.execute("insert into word values ('cat'), ('dog')")
    assert db.execute("select text from numbered where id = ng_word_id('cat')").fetchall() == [("cat",)]
    assert "using" in db.explain("select text from word where ng_word_id(text) = 7").plan[0]


def test_the_files_own_schema_needs_no_function_of_ours():
    with neurograph.open(":memory:") as db:
        ours = " ".join(sql for (sql,) in db.execute("select sql from sqlite_schema where sql is not null"))
        names = db.execute(
            """select name from pragma_function_list where name like 'ng!_%' escape '!'
                union select name from pragma_module_list where name like 'ng!_%' escape '!'"""
        )
        assert [name for (name,) in names if name in ours] == []
        assert "create table token" in ours.lower()
