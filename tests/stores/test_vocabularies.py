"""Words of one's own: added, found, renamed, switched, and kept while they are used, on every path."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

import neurograph
from neurograph.errors import Conflict, InvalidValue, RuleViolated, UnknownName
from neurograph.model.vocabulary import (
    CONNECTION_TYPE_MUTABILITIES,
    CONNECTION_TYPES,
    DOMAINS,
    ENTITY_TYPES,
    MUTABILITIES,
    ConnectionType,
)

STORES = ("entity_types", "domains", "connection_types")


@pytest.fixture(params=STORES)
def words(request: pytest.FixtureRequest, db: neurograph.Database) -> Any:
    return getattr(db, request.param)


def use(db: neurograph.Database, store: str, word: str) -> None:
    """Make a token or an edge that has the word."""
    if store == "connection_types":
        db.graph.create(db.tokens.create(), db.tokens.create(), type=word)
    else:
        db.tokens.create(**{store.removesuffix("s"): word})


@pytest.mark.parametrize(("store", "names"), [*zip(STORES, (ENTITY_TYPES, DOMAINS, CONNECTION_TYPES), strict=True)])
def test_ours_are_there_in_order_of_code(db, store, names):
    words = getattr(db, store)
    assert [(word.code, word.name) for word in words] == list(enumerate(names))
    assert [word.name for word in words.list(own=False)] == list(names)
    assert words.list(own=True) == []
    assert len(words) == len(names)


def test_ours_have_the_mutability_of_their_family(db):
    found = [MUTABILITIES.index(word.mutability) for word in db.connection_types]
    assert tuple(found) == CONNECTION_TYPE_MUTABILITIES


def test_codes_of_ones_own_go_up_from_256(words):
    assert [words.create("a"), words.create("b"), words.create("c", code=1000), words.create("d")] == [
        256,
        257,
        1000,
        1001,
    ]
    assert [word.name for word in words.list(own=True)] == ["a", "b", "c", "d"]
    assert words.get("c") == words.get(1000)
    assert "c" in words
    assert 1000 in words
    assert "e" not in words
    assert 999 not in words


def test_a_free_code_is_found_when_the_last_is_taken(words):
    words.create("last", code=65_535)
    assert words.create("a") == 256
    words.create("b", code=257)
    assert words.create("c") == 258
    assert "258" not in repr(words)
    assert repr(words).endswith("4 of them users' own>")


def test_a_full_vocabulary_says_so(db):
    db.executemany("insert into domain (code, name) values (?, ?)", [(code, f"w{code}") for code in range(256, 65_536)])
    with pytest.raises(InvalidValue, match="domain must have at most 65536 words; delete one"):
        db.domains.create("one more")
    db.domains.delete("w300")
    assert db.domains.create("one more") == 300


def test_an_update_of_nothing_returns_the_word(db):
    db.entity_types.create("robot")
    assert db.entity_types.update("robot") == db.entity_types.get("robot")


def test_a_word_of_ones_own_can_be_renamed_and_deleted(words):
    code = words.create("first")
    assert words.update("first", name="second").name == "second"
    assert words.update(code, name="third").code == code
    words.delete("third")
    assert words.list(own=True) == []


@pytest.mark.parametrize("name", ["", None, 5, "a\0b", "\ud800"])
def test_a_name_must_be_text(words, name):
    with pytest.raises(InvalidValue, match="name must be text"):
        words.create(name)


@pytest.mark.parametrize("code", [-1, 0, 255, 65_536, 1.5, True])
def test_a_code_must_be_ones_own(words, code):
    with pytest.raises(InvalidValue, match="code must be"):
        words.create("a", code=code)


def test_what_is_taken_is_named(words):
    words.create("a")
    ours = words.list()[0].name
    for name, code, message in (("a", None, "got 'a'"), (ours, None, f"got '{ours}'"), ("b", 256, "got 256")):
        with pytest.raises(Conflict, match=message):
            words.create(name, code=code)
    words.create("b")
    with pytest.raises(Conflict, match="got 'a'"):
        words.update("b", name="a")
    with pytest.raises(RuleViolated, match="codes below 256, and their names"):
        words.update("b", name=ours)


def test_ours_stay_as_they_are(words):
    ours = words.list()[3]
    for change in (lambda: words.delete(ours.name), lambda: words.update(ours.name, name="mine")):
        with pytest.raises(RuleViolated, match=f"codes below 256.*got '{ours.name}'"):
            change()
    assert words.list()[3] == ours


def test_an_unknown_word_is_named_with_the_closest(words):
    ours = words.list()[1].name
    for call in (words.get, words.delete, lambda word: words.update(word, name="x")):
        with pytest.raises(UnknownName, match=ours):
            call(ours + "s")
        with pytest.raises(UnknownName, match="got 999"):
            call(999)


@pytest.mark.parametrize("store", STORES)
def test_a_word_that_is_used_stays(db, store):
    words = getattr(db, store)
    words.create("mine")
    use(db, store, "mine")
    with pytest.raises(RuleViolated, match=r"can't be deleted, got 'mine'"):
        words.delete("mine")
    assert words.update("mine", name="ours").code == 256  # a name may change, what has it has the code


@pytest.mark.parametrize("foreign_keys", [False, True])
@pytest.mark.parametrize("store", STORES)
def test_plain_sql_cannot_take_a_word_from_what_uses_it(tmp_path, store, foreign_keys):
    table = store.removesuffix("s")
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        getattr(db, store).create("mine")
        getattr(db, store).create("spare")
        use(db, store, "mine")
    stranger = sqlite3.connect(path, isolation_level=None)
    stranger.execute(f"pragma foreign_keys = {foreign_keys:d}")
    before = stranger.execute(f"select * from {table}").fetchall()
    for sql in (
        "delete from {} where code = 256",
        "delete from {} where code >= 256",
        "insert or replace into {} (code, name) values (300, 'mine')",
        "update {} set code = 300 where code = 256",
        "update {} set rowid = 300 where code = 256",
        "update or replace {} set name = 'mine' where code = 257",
    ):
        with pytest.raises(sqlite3.IntegrityError, match=r"in_use|FOREIGN KEY"):
            stranger.execute(sql.format(table))
    assert stranger.execute(f"select * from {table}").fetchall() == before
    stranger.execute(f"insert or replace into {table} (code, name) values (256, 'renamed')")
    stranger.execute(f"insert or replace into {table} (code, name) values (301, 'spare')")
    stranger.execute(f"update {table} set code = 302 where code = 301")
    stranger.execute(f"delete from {table} where code = 302")
    stranger.close()
    with neurograph.open(path) as db:
        assert [(word.code, word.name) for word in getattr(db, store).list(own=True)] == [(256, "renamed")]
        assert db.check() == []


def test_a_type_that_is_not_allowed_is_refused_until_it_is(db):
    db.entity_types.create("robot", allowed=False)
    db.connection_types.create("imports", allowed=False)
    with pytest.raises(RuleViolated):
        db.tokens.create(entity_type="robot")
    a, b = db.tokens.create(), db.tokens.create()
    with pytest.raises(RuleViolated, match=r"type must be one the constitution allows \(.*allow_type\), got 'imports'"):
        db.connections.create(a, b, type="imports")
    assert db.entity_types.update("robot", allowed=True).allowed
    assert db.connection_types.update("imports", allowed=True).allowed
    db.tokens.create(entity_type="robot")
    db.connections.create(a, b, type="imports")


def test_the_constitution_says_whether_one_of_ours_is_allowed(db):
    assert db.connection_types.get("hates").allowed
    db.cdna.forbid_type("hates")
    assert not db.connection_types.get("hates").allowed
    db.connection_types.create("despises")
    db.cdna.forbid_type("despises")
    assert db.connection_types.get("despises") == ConnectionType(256, "despises", "user", "learnable", False)


def test_the_mutability_of_a_type_is_that_of_what_is_made_from_then_on(db):
    db.connection_types.create("imports", mutability="hypothesis")
    a, b = db.tokens.create(), db.tokens.create()
    first = db.connections.create(a, b, type="imports")
    assert db.connection_types.update("imports", mutability="immutable").mutability == "immutable"
    assert db.connections.create(b, a, type="imports").confidence == 1.0
    assert db.connections.get(first).mutability == "hypothesis"


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda db: db.connection_types.create("a", mutability="soft"), UnknownName),
        (lambda db: db.connection_types.create("a", mutability=3), InvalidValue),
        (lambda db: db.connection_types.create("a", allowed=1), InvalidValue),
        (lambda db: db.entity_types.create("a", allowed="no"), InvalidValue),
        (lambda db: db.connection_types.get(None), InvalidValue),
        (lambda db: db.connection_types.get(True), InvalidValue),
    ],
)
def test_bad_input_is_refused(db, call, error):
    with pytest.raises(error):
        call(db)
    assert db.connection_types.list(own=True) == db.entity_types.list(own=True) == []
