"""Feedback is stored, changes what the stated formulas say, moves the next answer so, and is undone byte for byte."""

from __future__ import annotations

import gc
import pickle
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from feedback_mind import contents, everything, filled

import neurograph
from neurograph import Database, QueryHit, errors
from pressing import pressed

NOW = 2 * 10**18
SOURCE = Path(neurograph.__file__).parent


@pytest.fixture
def mind() -> Iterator[Database]:
    with filled() as db:
        yield db
        assert db.check() == []


def test_a_standing_multiplies_the_score_by_the_formula_and_moves_the_order(mind):
    before = mind.query([1, 0], legs="vector")
    assert [hit.label for hit in before] == ["a", "b", "alone"]
    assert [hit.score for hit in before] == [1 / 6, 1 / 7, 1 / 8]
    said = before.feedback("positive", 2, strength=0.8)
    assert said.changes == (neurograph.Change("standing", ("item", before[2].id), None, {"value": 0.125 * 0.8}),)
    after = mind.query([1, 0], legs="vector")
    assert [(hit.label, hit.score, hit.standing) for hit in after] == [
        ("a", 1 / 6, 0.0), ("alone", 1 / 8 * 5**0.1, 0.1), ("b", 1 / 7, 0.0),
    ]  # fmt: skip
    after.feedback("positive", 1, strength=0.8)
    after = mind.query([1, 0], legs="vector")
    assert [(hit.label, hit.score) for hit in after][:2] == [("alone", 1 / 8 * 5**0.2), ("a", 1 / 6)]
    assert [hit.label for hit in mind.query([1, 0], legs="vector", standing=0)] == ["a", "b", "alone"]
    assert mind.query([1, 0], legs="vector", standing=0.5)[1].score == 1 / 8 * 5 ** (0.5 * 0.2)
    mind.query([1, 0], legs="vector").feedback("negative", 1)
    assert mind.query([1, 0], legs="vector").filter(lambda hit: hit.label == "a")[0].standing == -0.0625
    for _ in range(40):
        after.feedback("positive", 0)
    assert mind.execute("select max(value) from standing").fetchone() == (1.0,)


def test_links_on_the_path_learn_at_their_rate_and_the_graph_follows(mind):
    found = mind.query([1, 0], depth=2, legs=["vector", "graph"], seeds=1, decay=0.5)
    hit = next(hit for hit in found if hit.label == "c")
    assert hit.legs[0].path == (1, 3)  # 1 → 3 is 0.25, 1 → 2 → 3 is 0.0625: both arrive, the larger is the path
    mind.graph.delete("a", "c", type="hypernym")
    found = mind.query([1, 0], depth=2, legs=["vector", "graph"], seeds=1, decay=0.5)
    hit = next(hit for hit in found if hit.label == "c")
    assert (hit.legs[0].path, hit.legs[0].score) == ((1, 2, 3), 0.0625)
    said = found.feedback("positive", hit, strength=0.8, now_ns=NOW)
    assert mind.graph.get("a", "b").weight == 0.5 + 0.125 * 0.8
    cause = mind.connections.list()[0]
    assert (cause.weight, cause.confidence) == (0.5 + 0.125 * 0.8, 0.5 + 0.125 * 0.8)
    assert (cause.evidence_count, cause.modified_ns) == (1, NOW)
    assert [change.subject for change in said.changes] == ["standing", "edge", "edge", "connection"]
    again = mind.query([1, 0], depth=2, legs=["vector", "graph"], seeds=1, decay=0.5)
    assert next(hit for hit in again if hit.label == "c").legs[0].score == pytest.approx(0.6 * 0.5 * 0.6 * 0.5)
    again.feedback("negative", next(hit for hit in again if hit.label == "c"))
    assert mind.graph.get("a", "b").weight == 0.6 - 0.0625
    assert mind.connections.get(cause).confidence == 0.6 - 0.0625
    assert mind.connections.get(cause).evidence_count == 1


def test_what_is_immutable_and_what_is_beyond_the_rule_stays(mind):
    found = mind.query([1, 0], depth=1, seeds=1)
    hit = next(hit for hit in found if hit.label == "c")
    assert [change.subject for change in found.feedback("positive", hit).changes] == ["standing"]
    mind.cdna.update(max_edge_weight=5.0)
    mind.graph.update("a", "b", weight=3.0)
    hit = next(hit for hit in mind.query([1, 0], depth=1, seeds=1) if hit.label == "b")
    assert hit.legs[-1].path == (1, 2)
    said = mind.feedback.give(found, "positive", hit)
    assert [change.subject for change in said.changes] == ["standing"]
    assert mind.graph.get("a", "b").weight == 3.0


def test_a_correction_confirms_what_should_have_come_first_and_refutes_what_did(mind):
    found = mind.query([1, 0], legs="vector")
    for value in (2, found[2], mind.library.get("v").get("alone")):
        said = found.feedback("correction", value=value, strength=1.0)
        assert (said.entity, said.other) == (("token", 1), ("item", found[2].id))
        assert {change.place: change.after["value"] for change in said.changes} == {
            ("item", found[2].id): 0.125, ("token", 1): -0.0625,
        }  # fmt: skip
        assert mind.query([1, 0], legs="vector")[0].label == "alone"
        mind.feedback.undo(said)
    said = found.feedback("correction", 1, value="d")
    assert (said.entity, said.other) == (("token", 2), ("token", 4))
    assert found.feedback("correction", value=mind.library.get("v").get("two")).other == ("token", 2)


def test_an_association_makes_a_hypothesis_and_then_confirms_it(mind):
    found = mind.query([1, 0])
    assert "d" not in [hit.label for hit in found]
    said = found.feedback("association", value="d", strength=0.4)
    assert [(change.subject, change.before) for change in said.changes] == [("edge", None), ("connection", None)]
    made = mind.connections.list()[-1]
    assert (made.source, made.target, made.type, made.weight) == (1, 4, "similar_to", 0.4)
    assert (made.mutability, made.confidence, made.origin) == ("hypothesis", 0.5, 2)
    assert mind.graph.get("a", "d", type="similar_to").bidirectional
    assert "d" in [hit.label for hit in mind.query([1, 0])]
    found.feedback("association", value=mind.tokens.get("d"), strength=0.5)
    again = mind.connections.get(made)
    assert again.weight == 0.4 + 128 / 255 * 0.5
    assert again.confidence == 0.5 + 128 / 255 * 0.5
    other = mind.library.get("v").set("four", [0, 1], token="d")
    back = mind.query([0, 1], library="v")
    assert back[0].items == (other.id,)
    back.feedback("association", value="a", strength=0.1)  # the same link, from its other end
    assert mind.connections.count() == 3


def test_a_handle_that_only_reads_asks_and_says_nothing(tmp_path):
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        db.library.create("v", dimension=1).add([[1]], keys=["a"])
        said = db.query([1]).feedback("positive")
    with neurograph.open(tmp_path / "mind.ngdb", mode="r") as db:
        found = db.query([1])
        assert found[0].standing == 0.125
        assert db.feedback.list() == [said]
        with pytest.raises(errors.ReadOnlyDatabase):
            found.feedback("positive")
        with pytest.raises(errors.ReadOnlyDatabase):
            db.feedback.undo(said)


@pytest.mark.parametrize(("kind", "how"), [("positive", {"of": 1}), ("association", {"value": "d"})])
def test_ctrl_c_leaves_all_of_it_or_nothing(mind, kind, how):
    found = mind.query([1, 0], depth=2)
    before, point, stopped = contents(mind), 0, 0
    while True:
        point += 1 + point // 15
        left = pressed(point, mind, lambda db: db.feedback.give(found, kind, **how), SOURCE).left
        assert not mind.in_transaction
        given = mind.feedback.list(None)
        live = [said for said in given if said.undone_ns is None]
        stopped += left <= 0
        assert (contents(mind) == before) is (not live)
        for said in live:
            mind.feedback.undo(said)
        assert contents(mind) == before
        if left > 0:
            break
    assert stopped > 20


def test_one_transaction_holds_it_with_everything_else(mind):
    before = everything(mind)
    with pytest.raises(RuntimeError, match="no"):
        with_error(mind)
    assert everything(mind) == before
    assert mind.feedback.count() == 0
    with mind.snapshot(), pytest.raises(errors.ReadOnlyDatabase):
        mind.feedback.give(mind.query([1, 0]), "positive")


def with_error(db: Database) -> None:
    with db.transaction():
        db.query([1, 0]).feedback("association", value="d")
        raise RuntimeError("no")


def test_it_is_listed_and_read_in_plain_sql(tmp_path):
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        cat = db.tokens.create("cat")
        notes = db.library.create("notes", dimension=1, text_index=True)
        notes.add(texts=["a cat"], vectors=[[1]], tokens=[cat])
        one = db.query("cat", k=1).feedback("positive", now_ns=NOW)
        two = db.query([1]).feedback("negative", strength=0.25)
        assert (one.query_text, one.query_sha256) == ("cat", None)
        assert two.query_text is None
        assert len(two.query_sha256) == 64
        assert db.feedback.list() == [one, two]
        assert db.feedback.list(1) == [one]
        assert db.feedback.list(None, after=1) == [two]
        assert db.feedback.count() == 2
        assert pickle.loads(pickle.dumps(two)) == two
        assert one.to_dict()["changes"][0]["place"] == ["token", 1]
    shell = sqlite3.connect(path)
    assert shell.execute("select kind, query_text, strength, created_ns from feedback order by id").fetchall()[0] == (
        "positive", "cat", 1.0, NOW,
    )  # fmt: skip
    assert shell.execute(
        "select subject, place ->> 1, before ->> 'value', after ->> 'value' from feedback_change order by feedback_id"
    ).fetchall() == [("standing", 1, None, 0.125), ("standing", 1, 0.125, 0.125 - 0.125 * 0.25 / 2)]
    shell.close()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("neutral",), errors.InvalidValue, "kind must be one of"),
        (("positive", 9), errors.InvalidValue, "of must be a place in the result, from 0 to"),
        (("positive", -1), errors.InvalidValue, "of must be a place"),
        (("positive", True), errors.InvalidValue, "of must be a place"),
        (("positive", "a"), errors.InvalidValue, "of must be a place"),
        (("positive", 0, 1), errors.InvalidValue, "value must be left out"),
        (("correction",), errors.InvalidValue, "value must be given"),
        (("association", 0, 99), errors.InvalidValue, "value must be a place"),
        (("association", 0, 1.5), errors.InvalidValue, "value must be a place"),
        (("association", 0, True), errors.InvalidValue, "value must be a place"),
        (("association", 0, "nobody"), errors.TokenNotFound, "nobody"),
        (("association", 0, "a"), errors.InvalidValue, "another token"),
        (("correction", 0, 0), errors.InvalidValue, "another one"),
        (("positive", 0, None, 0), errors.InvalidValue, "strength must be above 0"),
        (("positive", 0, None, 1.5), errors.InvalidValue, "strength must be in"),
        (("positive", 0, None, "much"), errors.InvalidValue, "strength must be a number"),
        (("positive", 0, None, 1.0, -1), errors.InvalidValue, "now_ns must be in"),
        (
            ("positive", QueryHit("edge", 1, None, None, 0.0, (), ())),
            errors.InvalidValue,
            "must be a hit of a token or",
        ),
        (("positive", QueryHit("item", "x", None, None, 0.0, (), ())), errors.InvalidValue, "of must be a hit with"),  # type: ignore[arg-type]
        (("positive", QueryHit("token", 1 << 70, None, None, 0.0, (), ())), errors.InvalidValue, "an id between"),
    ],
)
def test_what_can_not_be_said_is_refused_with_the_rule_and_the_value(mind, arguments, error, message):
    names = ("kind", "of", "value", "strength", "now_ns")
    before = contents(mind)
    with pytest.raises(error, match=message):
        mind.query([1, 0]).feedback(**dict(zip(names, arguments, strict=False)))
    assert contents(mind) == before
    assert mind.feedback.count() == 0


def test_an_item_without_a_token_can_not_be_associated_and_what_is_gone_not_judged(mind):
    found = mind.query([1, 0], legs="vector")
    with pytest.raises(errors.InvalidValue, match="between tokens, got item"):
        found.feedback("association", 2, value="d")
    mind.tokens.delete("a")
    mind.library.get("v").delete("alone")
    with pytest.raises(errors.TokenNotFound, match="no token has the id 1"):
        found.feedback("positive", 0)
    with pytest.raises(errors.ItemNotFound, match="no item has the id"):
        found.feedback("positive", 2)
    with pytest.raises(errors.ItemNotFound, match="no item has the id"):
        found.feedback("correction", 1, value=2)
    with pytest.raises(errors.InvalidValue, match="result must be"):
        mind.feedback.give([*found], "positive")
    with pytest.raises(errors.NotFound, match="no feedback has the id 7"):
        mind.feedback.undo(7)
    with pytest.raises(errors.NotFound, match="no feedback has the id 7"):
        mind.feedback.get(7)
    with pytest.raises(errors.InvalidValue, match="feedback must be a record or an id"):
        mind.feedback.undo("first")
    with pytest.raises(errors.InvalidValue, match="limit"):
        mind.feedback.list(-1)


def test_a_question_with_a_nul_in_it_is_noted_without(mind):
    mind.library.get("v").index_text()
    assert mind.query("one\0two").feedback("positive").query_text == "one two"


def test_a_result_without_its_database_says_where_to_turn(mind):
    db = neurograph.open(":memory:")
    db.library.create("v", dimension=1).add([[1]], keys=["a"])
    found = db.query([1])
    with pytest.raises(errors.Misuse, match=r"db\.feedback\.give"):
        pickle.loads(pickle.dumps(found)).feedback("positive")
    assert db.feedback.give(pickle.loads(pickle.dumps(found)), "positive").id == 1
    db.close()
    with pytest.raises(errors.Closed):
        found.feedback("positive")
    del db
    gc.collect()
    with pytest.raises(errors.Misuse, match="its database is gone"):
        found.feedback("positive")


@pytest.mark.parametrize("keys", ["on", "off"])
@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("delete from token where id = 1", [("item",)]),
        ("insert or replace into token (id, label) values (1, 'a')", [("item",)]),
        ("insert or replace into token (label) values ('a')", [("item",)]),
        ("update or replace token set label = 'a' where label = 'd'", [("item",)]),
        ("delete from item where key = 'alone'", [("token",)]),
        ("insert or replace into item (id, library_id, key) select id, library_id, key from item where key = 'alone'",
         [("token",)]),
        ("insert or replace into item (id, library_id, key) values (4294967500, 1, 'alone')", [("token",)]),
        ("update or replace item set key = 'alone' where key = 'two'", [("token",)]),
        ("delete from library", [("token",)]),
    ],
)  # fmt: skip
def test_a_standing_goes_with_what_has_it_on_every_path(tmp_path, keys, statement, left):
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path, journal="rollback") as db:
        for label in "abcd":
            db.tokens.create(label)
        v = db.library.create("v", dimension=1)
        v.add([[1], [2]], keys=["alone", "two"])
        db.execute("insert into standing values ('token', 1, 0.5)")
        db.execute("insert into standing select 'item', id, -0.5 from item where key = 'alone'")
    shell = sqlite3.connect(path, isolation_level=None)
    shell.execute(f"pragma foreign_keys = {keys}")
    shell.execute(statement)
    assert shell.execute("select kind from standing").fetchall() == left
    shell.close()
    with neurograph.open(path) as db:
        assert db.check() == []


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("insert into standing values ('token', 99, 0.5)", "standing.id"),
        ("insert into standing values ('item', 1, 0.5)", "standing.id"),
        ("update standing set kind = 'item'", "standing.id"),
        ("update feedback set id = 9", "feedback.id"),
        ("update feedback_change set after = '{}'", "feedback_change.after"),
        ("insert into feedback_change values (9, 1, 'edge', '[]', null, '{}')", "feedback_change.feedback_id"),
    ],
)
def test_plain_sql_meets_the_rules(mind, statement, rule):
    mind.query([1, 0], legs="vector").feedback("positive")
    with pytest.raises(errors.RuleViolated) as caught:
        mind.execute(statement)
    assert caught.value.rule == rule


def test_feedback_that_is_deleted_takes_its_changes_along(mind):
    mind.query([1, 0]).feedback("positive")
    mind.execute("delete from feedback")
    assert mind.execute("select count(*) from feedback_change").fetchone() == (0,)
    assert mind.query([1, 0]).feedback("positive").id == 2
