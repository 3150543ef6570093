"""One token at a time: what create, get, update and delete promise."""

from __future__ import annotations

import copy
import pickle

import pytest

import neurograph
from neurograph.errors import Conflict, RuleViolated, TokenNotFound
from neurograph.model.levels import LEVELS
from neurograph.model.token import TOKEN_COLUMNS, Token

PLACES = {level: (index + 0.25, -index - 0.5, 1 / (index + 3)) for index, level in enumerate(LEVELS)}


def test_a_created_token_is_the_stored_one(db: neurograph.Database) -> None:
    db.execute("insert into entity_type (code, name) values (256, 'dream'); insert into domain values (300, 'night')")
    created = [
        db.tokens.create(),
        db.tokens.create(
            "cat", entity_type="concept", domain=3, flags=0x8003, weight=1, field_radius=2, field_strength=0
        ),
        db.tokens.create("übung", entity_type="dream", domain="night", coordinates=PLACES, properties={"é": [1, None]}),
        db.tokens.create(entity_type=256, domain=300, coordinates={"L4": [1, 2, 3]}, properties={}),
        db.tokens.create(coordinates={"physical": (1, 2, 3), "social": None}),
    ]
    for token in created:
        assert db.tokens.get(token) == db.tokens.get(token.id) == token
        row = db.execute(f"select {', '.join(TOKEN_COLUMNS)} from token where id = ?", [token.id]).fetchone()
        assert row == token._row[:-2]
    assert [token.id for token in created] == [1, 2, 3, 4, 5]
    assert len({token.uid for token in created}) == 5
    assert created[2].coordinates == PLACES
    assert created[2].properties == {"é": [1, None]}
    assert (created[3].entity_type, created[3].domain) == ("dream", "night")
    assert created[4].coordinates == {"physical": (1.0, 2.0, 3.0)}


def test_the_defaults_are_those_of_the_table(db: neurograph.Database) -> None:
    ours = db.tokens.create()
    db.execute("insert into token default values")
    (theirs,) = db.tokens.list(after=ours)
    facts = ("label", "entity_type", "domain", "flags", "weight", "field_radius", "field_strength", "coordinates")
    assert [getattr(ours, fact) for fact in facts] == [getattr(theirs, fact) for fact in facts]
    assert (ours.properties, ours.legacy_id) == (theirs.properties, theirs.legacy_id) == ({}, None)


def test_a_token_is_found_by_record_id_and_label(db: neurograph.Database) -> None:
    import numpy as np

    cat = db.tokens.create("cat")
    assert db.tokens.get(cat) == db.tokens.get(cat.id) == db.tokens.get("cat") == db.tokens.get(np.int64(cat.id)) == cat
    assert cat in db.tokens
    assert "cat" in db.tokens
    assert 2 not in db.tokens


def test_records_are_frozen_hashable_picklable_and_compare_by_value(db: neurograph.Database) -> None:
    cat = db.tokens.create("cat", coordinates={"social": (1, 2, 3)}, properties={"n": 1})
    assert pickle.loads(pickle.dumps(cat)) == copy.deepcopy(cat) == cat
    assert {cat: 1}[db.tokens.get("cat")] == 1
    with pytest.raises(AttributeError, match=r"db\.tokens\.update"):
        cat.weight = 1.0  # type: ignore[misc]
    with pytest.raises(AttributeError, match="can't be changed"):
        del cat.label
    cat.properties["n"] = 2
    assert cat.properties == {"n": 1}
    assert db.tokens.update("cat", weight=0.75) != cat
    assert repr(cat) == "<Token 1 'cat' undefined weight=0.5>"
    assert "<td>(1.0, 2.0, 3.0)</td>" in cat._repr_html_()


def test_labels_are_shown_to_html_as_text(db: neurograph.Database) -> None:
    assert "<b>" not in db.tokens.create("<b>")._repr_html_()


def test_an_update_changes_what_it_names_and_nothing_else(db: neurograph.Database) -> None:
    before = db.tokens.create("cat", weight=0.25, coordinates=PLACES, properties={"a": 1, "b": {"c": 2, "d": 3}})
    after = db.tokens.update(before, coordinates={"emotional": None, "social": (0, 0, 0)})
    assert after == db.tokens.get("cat")
    assert after.coordinates == {**{k: v for k, v in PLACES.items() if k != "emotional"}, "social": (0.0, 0.0, 0.0)}
    assert (after.label, after.weight, after.properties) == ("cat", 0.25, before.properties)
    assert after.created_ns == before.created_ns
    assert after.modified_ns > before.modified_ns
    after = db.tokens.update(
        "cat",
        label="dog",
        entity_type="event",
        domain="domain_2",
        flags=9,
        weight=0,
        field_radius=0.5,
        field_strength=0.5,
    )
    assert [after.label, after.entity_type, after.domain, after.flags] == ["dog", "event", "domain_2", 9]
    assert [after.weight, after.field_radius, after.field_strength] == [0.0, 0.5, 0.5]
    assert db.tokens.update("dog", label=None).label is None
    assert db.tokens.update(1).modified_ns == db.tokens.get(1).modified_ns  # nothing named, nothing changed


def test_properties_are_replaced_or_merged(db: neurograph.Database) -> None:
    db.tokens.create("cat", properties={"a": 1, "b": {"c": 2, "d": 3}})
    merged = db.tokens.update("cat", merge_properties={"a": None, "b": {"d": 4}, "e": [5]})
    assert merged.properties == {"b": {"c": 2, "d": 4}, "e": [5]}
    assert db.tokens.update("cat", properties={"x": 1}).properties == {"x": 1}
    assert db.tokens.update("cat", properties=None).properties == {}
    assert db.execute("select properties from token").fetchone() == (None,)
    assert db.tokens.update("cat", merge_properties={"y": "ß"}).properties == {"y": "ß"}


def test_a_deleted_token_takes_its_edges_and_connections_along(db: neurograph.Database) -> None:
    cat, dog, eel = (db.tokens.create(label) for label in ("cat", "dog", "eel"))
    db.execute("insert into edge (source, target) values (1, 2), (2, 3), (3, 1), (1, 1)")
    db.execute("insert into connection (source, target) values (1, 2), (2, 3)")
    db.tokens.delete(cat)
    assert db.execute("select source, target from edge").fetchall() == [(dog.id, eel.id)]
    assert db.execute("select source, target from connection").fetchall() == [(dog.id, eel.id)]
    assert db.tokens.create("cat").id == 4  # no id is given twice


@pytest.mark.parametrize("token", [7, "dig", "zebra", "\ud800", "a\x00b", ""])
def test_what_is_not_there_is_not_found(db: neurograph.Database, token: object) -> None:
    db.tokens.create("dog")
    before = db.execute("select * from token").fetchall()
    for call in (db.tokens.get, db.tokens.update, db.tokens.delete, lambda t: db.tokens.update(t, weight=0.25)):
        with pytest.raises(TokenNotFound, match="no token has the"):
            call(token)  # type: ignore[operator]
    assert token not in db.tokens
    assert db.execute("select * from token").fetchall() == before


def test_a_label_not_found_names_the_closest(db: neurograph.Database) -> None:
    db.tokens.create_many(["mammal", "mamba", "cat"])
    with pytest.raises(TokenNotFound, match="the closest are 'mammal'"):
        db.tokens.get("mamal")


def test_a_taken_label_names_who_has_it(db: neurograph.Database) -> None:
    db.tokens.create_many(["cat", "dog"])
    with pytest.raises(Conflict, match="label must be unique, got 'dog', which token 2 has"):
        db.tokens.create("dog")
    with pytest.raises(Conflict, match="got 'dog', which token 2 has"):
        db.tokens.update("cat", label="dog")
    assert db.tokens.ids_to_labels([1, 2]) == ["cat", "dog"]


@pytest.mark.parametrize(
    ("change", "rule", "said"),
    [
        ({"weight": 1.5}, "token.weight", r"\[0.0, 1.0\].*max_token_weight.*got 1.5"),
        ({"weight": -0.25}, "token.weight", "got -0.25"),
        ({"field_radius": 3.0}, "token.field_radius", r"\[0.0, 2.55\].*got 3.0"),
        ({"field_strength": 1.25}, "token.field_strength", "got 1.25"),
    ],
)
def test_the_constitution_speaks_with_rule_limit_and_value(
    db: neurograph.Database, change: dict[str, float], rule: str, said: str
) -> None:
    db.tokens.create("cat")
    for call in (db.tokens.create, lambda **c: db.tokens.update("cat", **c)):
        with pytest.raises(RuleViolated, match=said) as caught:
            call(**change)
        assert caught.value.rule == rule
    assert db.tokens.count() == 1


def test_a_rollback_takes_creates_updates_and_deletes_back(db: neurograph.Database) -> None:
    cat = db.tokens.create("cat")
    db.begin()
    db.tokens.create("dog")
    db.tokens.update("cat", weight=0.75)
    with db.transaction():
        db.tokens.delete("dog")
    assert [token.label for token in db.tokens] == ["cat"]
    db.rollback()
    assert db.tokens.list() == [cat]


def test_a_record_holds_what_a_row_is_made_of() -> None:
    row = (1, b"u", None, 5, 2, 1, 0.5, 1.0, 1.0, *[None] * 24, 10, 11, 12, '{"a": 1}', None, None)
    token = Token(row)
    assert len(row) == len(TOKEN_COLUMNS) + 2
    assert (token.entity_type, token.domain, token.created_ns, token.modified_ns) == ("concept", "domain_2", 10, 11)
    assert (token.legacy_id, token.properties, token.uid) == (12, {"a": 1}, b"u")


def test_threads_create_and_read_side_by_side(db: neurograph.Database) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def work(number: int) -> list[int]:
        made = [db.tokens.create(f"{number}-{index}").id for index in range(100)]
        made += db.tokens.create_many([f"{number}-many-{index}" for index in range(100)]).tolist()
        assert [token.label for token in db.tokens.get_many(made[:3])] == [f"{number}-{index}" for index in range(3)]
        return made

    with ThreadPoolExecutor(4) as pool:
        made = [id for ids in pool.map(work, range(4)) for id in ids]
    assert sorted(made) == [*range(1, 801)]
    assert len({token.uid for token in db.tokens}) == 800
