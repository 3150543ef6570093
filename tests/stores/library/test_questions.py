"""Bad questions of every kind get a clear error, and change nothing; nobody's text becomes more than a condition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apsw
import numpy as np
import pytest
from library_cases import filled, refused

import neurograph
from neurograph import Hit
from neurograph.errors import InvalidValue, ItemNotFound
from neurograph.stores.library import Library
from neurograph.stores.where import blamed

NAN, INF = float("nan"), float("inf")
Case = tuple[dict[str, Any], type[Exception], str]

SEARCHES: list[Case] = [
    ({"k": -1}, InvalidValue, "k must be in [0, 9223372036854775807], got -1"),
    ({"k": 2**63}, InvalidValue, "k must be in [0, 9223372036854775807], got 9223372036854775808"),
    ({"k": True}, InvalidValue, "k must be a whole number, got True"),
    ({"k": 1.0}, InvalidValue, "k must be a whole number, got 1.0"),
    ({"k": None}, InvalidValue, "k must be a whole number, got None"),
    ({"max_distance": NAN}, InvalidValue, "max_distance must be finite, got nan"),
    ({"max_distance": -INF}, InvalidValue, "max_distance must be finite, got -inf"),
    ({"max_distance": -1}, InvalidValue, "max_distance must be in [0, inf], got -1.0"),
    ({"max_distance": None}, InvalidValue, "max_distance must be a number, got None"),
    ({"among": 5}, InvalidValue, "among must be a sequence of ids, got 5"),
    ({"among": "12"}, InvalidValue, "among must be a sequence of ids, got '12'"),
    ({"among": [True]}, InvalidValue, "among must be ids, got True"),
    ({"among": [0]}, InvalidValue, "among must have an id between 1 and 2**63 - 1, got 0"),
    ({"among": [2**63]}, InvalidValue, "among must have an id between 1 and 2**63 - 1"),
    ({"among": np.array([1.5])}, InvalidValue, "among must be whole numbers, got dtype float64"),
    ({"timeout_s": -1}, InvalidValue, "timeout_s must be a number of seconds"),
]

WHERES: list[tuple[Any, type[Exception], str]] = [
    ("", InvalidValue, "where must be an SQL condition, one expression, got ''"),
    (" \n", InvalidValue, "where must be an SQL condition, one expression"),
    ("1) or (1", InvalidValue, "where must be an SQL condition, one expression, got '1) or (1'"),
    ("1; drop table item", InvalidValue, "where must be an SQL condition, one expression"),
    ("1;", InvalidValue, "where must be an SQL condition, one expression"),
    ("(1", InvalidValue, "where must be an SQL condition, one expression"),
    ("1 -- )\n) or (1", InvalidValue, "where must be an SQL condition, one expression"),
    ("')' = ')') or (1", InvalidValue, "where must be an SQL condition, one expression"),
    ("1 \x00", InvalidValue, "where must be an SQL condition, one expression"),
    ("key = '\ud800'", InvalidValue, "where must be an SQL condition, one expression"),
    (5, InvalidValue, "where must be SQL, or SQL and a sequence of its values, got 5"),
    (("key = ?",), InvalidValue, "where must be SQL, or SQL and a sequence of its values"),
    (("key = ?", "a"), InvalidValue, "where must be SQL, or SQL and a sequence of its values"),
    (("key = ?", None), InvalidValue, "where must be SQL, or SQL and a sequence of its values"),
    (("key = ?", 5), InvalidValue, "where must be SQL, or SQL and a sequence of its values"),
    (("key = :a", {"a": 1}), InvalidValue, "where must be SQL, or SQL and a sequence of its values"),
    (("key = :a", ["a"]), InvalidValue, "where must have a plain ? for each of its values, got ':a' in 'key = :a'"),
    (("key = ?1", ["a"]), InvalidValue, "where must have a plain ? for each of its values, got '?1'"),
    ("id = ?5", InvalidValue, "where must have a plain ? for each of its values, got '?5'"),
    ("key = $a", InvalidValue, "where must have a plain ? for each of its values, got '$a'"),
    ("key = @a", InvalidValue, "where must have a plain ? for each of its values, got '@a'"),
    ("key = ?", InvalidValue, "where must be given 1 values, one for each ?, got 0"),
    (("key = ? and '?'", ["a", "b"]), InvalidValue, "where must be given 1 values, one for each ?, got 2"),
    (("key = ?", ["\ud800"]), InvalidValue, "where must be given values SQLite knows"),
    (("key = ?", [2**63]), InvalidValue, "where must be given values SQLite knows"),
    (("key = ?", [object()]), InvalidValue, "where must be given values SQLite knows"),
    (("key = ?", [["a"]]), InvalidValue, "where must be given values SQLite knows"),
    *(
        (text, InvalidValue, f"where must be an SQL condition, one expression, got {text!r}")
        for text in (
            "'unclosed",
            '"unclosed',
            "[unclosed",
            "`unclosed",
            "1 /* unclosed",
            "1 /*/ unclosed",
            "key = 'a'' or (1",
            "1); delete from item; select (1",
            "1) union select id from item where (1",
            "1;--",
            ";",
        )
    ),
    *(
        (text, InvalidValue, f"where must only read rows, got a pragma in {text!r}")
        for text in (
            "exists (select 1 from pragma_optimize(65538))",
            'exists (select 1 from "PRAGMA_optimize"(-1))',
            "exists (select 1 from [pragma_optimize])",
            "1 in 'pragma_optimize'",
            "1 in main.pragma_Optimize",
        )
    ),
    *(
        (text, InvalidValue, f"where must be an SQL condition on columns of item and token, got {text!r}: {said}")
        for text, said in (
            ("-- nothing", 'near ")": syntax error'),
            ("key =", 'near ")": syntax error'),
            ("1, 2", "row value misused"),
            ("1 limit 1", 'near "limit": syntax error'),
            ("1 group by 1", 'near "group": syntax error'),
            ("delete from item", 'near "delete": syntax error'),
            ("insert into item (id) values (1)", 'near "insert": syntax error'),
            ("update item set key = 1", 'near "update": syntax error'),
            ("pragma user_version", 'near "user_version": syntax error'),
            ("attach 'x' as y", "near"),
            ("drop table item", 'near "drop": syntax error'),
            ("with a as (delete from item) select 1", 'near "delete": syntax error'),
            ("count(*) > 0", "misuse of aggregate"),
            ("row_number() over ()", "misuse of window function"),
            ("raise(abort, 'ng:item.id: no')", "RAISE() may only be used within a trigger-program"),
            ("load_extension('x')", "not authorized"),
            ("no_such_column = 1", "no such column: no_such_column"),
            ("no_such_function(key)", "no such function: no_such_function"),
            ("label = 'cat'", "no such column: label"),
            ("vector is not null", "no such column: vector"),
            ("embedding.id > 0", "no such column: embedding.id"),
            ("low < 0.5", "no such column: low"),
            ("rank < 0", "no such column: rank"),
            ("token.id is null and vector is not null", "no such column: vector"),
            ("json_extract(key, '$')", "malformed JSON"),
            ("abs(-9223372036854775808)", "integer overflow"),
        )
    ),
]


@pytest.fixture(scope="module")
def mind() -> Iterator[tuple[neurograph.Database, Library]]:
    with filled() as (db, library):
        library.index_text()
        yield db, library
        assert db.check() == []


@pytest.mark.parametrize(("options", "error", "message"), SEARCHES, ids=[case[-1] for case in SEARCHES])
def test_searches(mind: tuple[neurograph.Database, Library], options: Any, error: Any, message: str) -> None:
    db, library = mind
    refused(db, lambda: library.search([1, 0], **options), error, message)
    refused(db, lambda: library.search_many([[1, 0]], **options), error, message)


@pytest.mark.parametrize(("where", "error", "message"), WHERES, ids=[case[-1] for case in WHERES])
def test_conditions(mind: tuple[neurograph.Database, Library], where: Any, error: Any, message: str) -> None:
    db, library = mind
    for call in (
        lambda: library.search([1, 0], where=where),
        lambda: library.search_many([[1, 0]], where=where),
        lambda: library.list(where=where),
        lambda: library.count(where),
        lambda: library.similar(["taken"], where=where),
        lambda: library.analogy("taken", "other", "taken", where=where),
        lambda: library.match("taken", where=where),
        lambda: db.query([1, 0], library=library, where=where),
        lambda: db.make_tokens(library, where=where),
        lambda: db.weave(library, where=where),
    ):
        refused(db, call, error, message)


def test_a_condition_on_tokens_is_the_same_for_all_that_take_one(mind: tuple[neurograph.Database, Library]) -> None:
    db, library = mind
    db.begin()
    try:
        token = db.tokens.create("owl", weight=0.25)
        library.set("taken", token=token)
        for where, keys in (
            ("token.label = 'owl'", ["taken"]),
            (("token.weight between ? and ? and item.key = ?", [0.2, 0.3, "taken"]), ["taken"]),
            (("token.weight < ?", [0.2]), []),
        ):
            assert [hit.key for hit in library.search([1, 0], where=where)] == keys
            assert [hit.key for hit in library.match("taken", where=where)] == keys
            assert [item.key for item in library.list(where=where)] == keys
            assert library.count(where) == len(keys)
        without = library.list(None, where="token.id is null")
        assert len(without) == library.count("token.id is null") == len(library) - 1
        assert library.list(None, where="token.id is null", after=without[0]) == without[1:]
    finally:
        db.rollback()


@pytest.mark.parametrize("where", ["nosuch = 1", ("weight > ? and", [0]), "1 in (select 1", "1 in pragma_optimize"])
def test_conditions_on_tokens(mind: tuple[neurograph.Database, Library], where: Any) -> None:
    db, _ = mind
    refused(db, lambda: db.tokens.list(where=where), InvalidValue, "where must ")
    refused(db, lambda: db.tokens.count(where=where), InvalidValue, "where must ")


def test_a_condition_that_is_refused_leaves_the_transaction_open(mind: tuple[neurograph.Database, Library]) -> None:
    db, library = mind
    with db.transaction():
        before = db.execute("select name from sqlite_schema").fetchall()
        for where in ("nosuch = 1", "exists (select 1 from pragma_optimize(65538))", "x'0"):
            with pytest.raises(InvalidValue, match="where must"):
                library.search([1, 0], where=where)
        assert db.execute("select name from sqlite_schema").fetchall() == before
        assert len(library.search([1, 0], where="key = 'taken'")) == 1


def test_what_fails_beside_a_condition_is_not_blamed_on_it(mind: tuple[neurograph.Database, Library]) -> None:
    db, library = mind

    with pytest.raises(apsw.SQLError, match="no such table"), blamed(db._session, "key = 'taken'"):
        db._session.rows("select * from nowhere")
    with pytest.raises(InvalidValue, match="language of FTS5"):
        library.match('"', where="true", syntax="fts5")


def test_products_may_be_looked_for_below_a_negative_distance(mind: tuple[neurograph.Database, Library]) -> None:
    db, library = mind
    with db.transaction():
        products = db.library.create("products", dimension=1, metric="dot")
        products.add([[1], [2], [3]], keys=["a", "b", "c"])
        assert [hit.key for hit in products.search([1], max_distance=-2)] == ["c", "b"]
        db.library.drop("products")
    assert [hit.distance for hit in library.search([1, 0], max_distance=0)] == [0.0]


def test_a_search_is_about_one_thing(mind: tuple[neurograph.Database, Library]) -> None:
    db, library = mind
    ways: list[dict[str, Any]] = [{}, {"query": [1, 0], "key": "taken"}, {"key": "a", "item": 1, "token": "cat"}]
    for options in ways:
        message = f"search must be given one of query, text, key, item and token, got {len(options)} of them"
        refused(db, lambda options=options: library.search(**options), InvalidValue, message)  # type: ignore[misc]
    refused(db, lambda: library.search(key=5), InvalidValue, "key must be a string, got 5")  # type: ignore[arg-type]
    for nobody in ("", "a\x00", "\ud800"):
        refused(db, lambda key=nobody: library.search(key), ItemNotFound, "no item of 'v' has the key")  # type: ignore[misc]
    for after in (3, (0.5, 3), None):
        if after is not None:
            refused(db, lambda after=after: library.search([1, 0], after=after), InvalidValue, "after must be a hit of")  # type: ignore[misc]
    hit = Hit(1, None, NAN)
    refused(db, lambda: library.search([1, 0], after=hit), InvalidValue, "after.distance must be finite, got nan")
