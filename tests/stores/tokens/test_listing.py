"""All tokens or some: list, count, iterate, clear; and indexes on their properties."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import neurograph
from neurograph.errors import Conflict, InvalidValue, UnknownName


@pytest.fixture
def zoo(db: neurograph.Database) -> neurograph.Database:
    """Return a database with 250 tokens of which every third is an event and every fifth has a social place."""
    kinds = ["event" if n % 3 == 0 else "concept" for n in range(1, 251)]
    places = np.full((250, 3), np.nan)
    places[4::5] = 0.5
    years = [{"year": 1900 + n % 100, "tags": ["a", f"t{n}"]} for n in range(1, 251)]
    weight = np.arange(1, 251) / 250
    labels = [f"w{n}" for n in range(1, 251)]
    db.tokens.create_many(labels, entity_type=kinds, coordinates={"social": places}, weight=weight, properties=years)
    return db


def ids(tokens: list[neurograph.Token]) -> list[int]:
    return [token.id for token in tokens]


def test_a_list_is_in_order_of_id_page_after_page(zoo: neurograph.Database) -> None:
    assert ids(zoo.tokens.list()) == [*range(1, 101)]
    assert ids(zoo.tokens.list(None)) == [*range(1, 251)]
    assert ids(zoo.tokens.list(3, 7)) == [8, 9, 10]
    assert ids(zoo.tokens.list(0)) == ids(zoo.tokens.list(offset=250)) == []
    pages, last = [], None
    while page := zoo.tokens.list(40, after=last):
        pages += ids(page)
        last = page[-1]
    assert pages == [*range(1, 251)]
    assert ids(zoo.tokens.list(2, after="w9")) == ids(zoo.tokens.list(2, after=9)) == [10, 11]
    assert ids(zoo.tokens.list(1, 1, after=1000)) == []


def test_filters_leave_what_they_say(zoo: neurograph.Database) -> None:
    assert ids(zoo.tokens.list(2, entity_type="event")) == [3, 6]
    assert ids(zoo.tokens.list(2, level="L6", entity_type=2)) == [15, 30]
    assert zoo.tokens.list(domain="domain_1") == []
    assert ids(zoo.tokens.list(where="id in (5, 3)")) == [3, 5]
    assert ids(zoo.tokens.list(where=("weight > ? and label like ?", [0.99, "w2%"]), level="social")) == [250]
    assert ids(zoo.tokens.list(where="id = 3 or id = 4 -- a comment", entity_type="event")) == [3]
    assert zoo.tokens.count() == len(zoo.tokens) == 250
    assert zoo.tokens.count(entity_type="event") == 83
    assert zoo.tokens.count(level="social", where=("id <= ?", (10,))) == 2
    with pytest.raises(InvalidValue, match=r"where must be an SQL condition on columns of token, .*no such column"):
        zoo.tokens.list(where="wieght > 1")


def test_iteration_sees_one_state(zoo: neurograph.Database) -> None:
    walk = iter(zoo.tokens)
    assert next(walk).id == 1
    zoo.tokens.delete(2)
    zoo.tokens.create("late")
    assert [token.id for token in walk] == [*range(2, 251)]
    assert len(list(zoo.tokens)) == 250
    with zoo.transaction():
        zoo.tokens.create("mine")
        assert [token.label for token in zoo.tokens][-2:] == ["late", "mine"]


def test_a_snapshot_lists_what_it_saw(zoo: neurograph.Database) -> None:
    with zoo.snapshot():
        assert zoo.tokens.count() == 250
        with neurograph.open(zoo.path) as other:
            other.tokens.clear()
        assert zoo.tokens.count() == len(zoo.tokens.list(None)) == zoo.tokens.coordinates()[0].size == 250
    assert zoo.tokens.count() == 0


def test_clear_takes_all_with_edges_and_no_id_comes_back(zoo: neurograph.Database) -> None:
    zoo.execute(
        "insert into edge (source, target) values (1, 2); insert into connection (source, target) values (3, 4)"
    )
    assert zoo.tokens.clear() == 250
    assert zoo.tokens.clear() == 0
    left = "select (select count(*) from edge), (select count(*) from connection), (select count(*) from degree)"
    assert zoo.execute(left).fetchone() == (0, 0, 0)
    assert zoo.tokens.create().id == 251


def test_an_empty_store_is_still_a_store(db: neurograph.Database) -> None:
    assert len(db.tokens) == 0
    assert db.tokens
    assert list(db.tokens) == []


# --- indexes on properties --------------------------------------------------------------------------------------------


def plan(db: neurograph.Database, condition: str) -> str:
    rows = db.execute(f"explain query plan select * from token where {condition}").fetchall()
    return "\n".join(row[-1] for row in rows)


def test_the_planner_uses_an_index_on_a_property(zoo: neurograph.Database) -> None:
    year = "json_extract(properties, '$.year')"
    assert "user_token_year" not in plan(zoo, f"{year} = 1950")
    assert zoo.index("token", "$.year") == "user_token_year"
    for condition in (f"{year} = 1950", f"{year} between 1950 and 1952", f"{year} = 1950 and weight > 0.5"):
        assert "USING INDEX user_token_year" in plan(zoo, condition)
    assert "user_token_year" in plan(zoo, f"{year} = 1950 order by id limit 5")
    assert ids(zoo.tokens.list(where=(f"{year} = ?", [1950]))) == [50, 150, 250]
    zoo.tokens.update("w50", merge_properties={"year": 1951})
    assert ids(zoo.tokens.list(where=(f"{year} = ?", [1950]))) == [150, 250]


def test_indexes_are_named_listed_and_dropped(zoo: neurograph.Database) -> None:
    assert zoo.index("token", "$.author.name") == "user_token_author_name"
    assert zoo.index("token", "$.tags[1]", unique=True) == "user_token_tags_1"
    assert zoo.index("edge", '$."since when"') == "user_edge_since_when"
    assert zoo.index("token", "$.tags[1]", unique=True) == "user_token_tags_1"  # there already
    assert [tuple(index) for index in zoo.indexes()] == [
        ("user_edge_since_when", "edge", '$."since when"', False),
        ("user_token_author_name", "token", "$.author.name", False),
        ("user_token_tags_1", "token", "$.tags[1]", True),
    ]
    with pytest.raises(Conflict, match="must be unique"):
        zoo.tokens.create(properties={"tags": ["a", "t7"]})
    zoo.drop_index("user_token_tags_1")
    zoo.tokens.create(properties={"tags": ["a", "t7"]})
    with pytest.raises(UnknownName, match="'user_token_author_name'"):
        zoo.drop_index("user_token_author")
    with pytest.raises(UnknownName):
        zoo.drop_index("edge_by_target")


@pytest.mark.parametrize(
    ("arguments", "options", "error", "said"),
    [
        (("tokens", "$.year"), {}, UnknownName, "the closest are 'token'"),
        (("token", "year"), {}, InvalidValue, "path must be a JSON path like"),
        (("token", "$"), {}, InvalidValue, "path must be a JSON path like"),
        (("token", "$.a'); drop table token; --"), {}, InvalidValue, "path must be a JSON path like"),
        (("token", "$.year"), {"name": "token_year"}, InvalidValue, "name must be a word that starts with 'user_'"),
        (("token", "$.year"), {"name": "user_a b"}, InvalidValue, "name must be a word"),
        (("token", "$.tags[0]"), {"unique": True}, Conflict, "two rows share a value"),
        (("token", "$.other"), {"name": "user_taken"}, Conflict, "which another index has"),
    ],
)
def test_a_bad_index_is_refused(
    zoo: neurograph.Database, arguments: tuple[str, str], options: dict[str, object], error: type[Exception], said: str
) -> None:
    zoo.index("token", "$.year", name="user_taken")
    before = zoo.execute("select name from sqlite_schema").fetchall()
    with pytest.raises(error, match=said.replace("$", r"\$")):
        zoo.index(*arguments, **options)  # type: ignore[arg-type]
    assert zoo.execute("select name from sqlite_schema").fetchall() == before


def test_an_index_is_undone_with_its_transaction_and_kept_by_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        db.begin()
        db.index("token", "$.a")
        db.rollback()
        assert db.indexes() == []
        db.index("token", "$.b")
    with neurograph.open(path, mode="r") as db:
        assert [index.path for index in db.indexes()] == ["$.b"]
