"""Graph and grid queries: what the command says is what the API says."""

from __future__ import annotations

import math

import pytest
from command_line import answer, run

import neurograph
from neurograph.model.levels import LEVELS


def labels(rows):
    return [row["label"] for row in rows]


def test_links_are_those_of_a_token(mind):
    assert answer("links", mind, "cat") == [
        {"id": 3, "label": "mouse", "type": "influences", "key": "", "weight": 0.9},
        {"id": 4, "label": "vet", "type": "fears", "key": "", "weight": 0.5},
        {"id": 5, "label": "animal", "type": "hypernym", "key": "", "weight": 1.0},
    ]
    assert labels(answer("links", mind, "vet", "--direction", "in", "--type", "fears")) == ["cat", "dog"]
    assert labels(answer("links", mind, "cat", "--type", "fears", "--type", "hypernym")) == ["vet", "animal"]


def test_an_empty_answer_is_said(mind):
    result = run("links", mind, "animal")
    assert (result.stdout, result.stderr) == ("", "no edges\n")
    assert answer("links", mind, "animal") == []


def test_bfs_goes_as_deep_as_it_is_told(mind):
    everything = answer("bfs", mind, "dog", "--direction", "both")
    assert [(row["label"], row["depth"]) for row in everything] == [
        ("dog", 0), ("vet", 1), ("animal", 1), ("cat", 2), ("mouse", 2),
    ]  # fmt: skip
    assert labels(answer("bfs", mind, "dog", "--direction", "both", "--depth", "1")) == ["dog", "vet", "animal"]
    assert labels(answer("bfs", mind, "dog", "--type", "hypernym")) == ["dog", "animal"]


def test_a_long_answer_is_cut_and_says_so(mind):
    result = run("bfs", mind, "dog", "--direction", "both", "--limit", "2")
    assert len(result.stdout.splitlines()) == 4
    assert result.stderr == "2 of 5; --limit 0 shows all\n"
    with neurograph.open(mind) as db:
        ids = db.tokens.create_many(count=30)
        db.graph.create_many([1] * 30, ids)
    assert len(answer("bfs", mind, "cat")) == 20
    assert len(answer("bfs", mind, "cat", "--limit", "0")) == 34


def test_a_path_shows_its_steps(mind):
    found = answer("path", mind, "mouse", "vet", "--direction", "both")
    assert found["hops"] == len(found["steps"]) - 1
    assert [(step["label"], step["by"]) for step in found["steps"]] == [
        ("mouse", None), ("cat", "influences"), ("vet", "fears"),
    ]  # fmt: skip
    assert found["cost"] == found["steps"][-1]["cost"] == pytest.approx(1 / 0.9 + 1 / 0.5)
    table = run("path", mind, "mouse", "vet", "--direction", "both", "--cost", "hops").stdout.splitlines()
    assert table[0].split() == ["id", "label", "by", "cost"]
    assert table[-1].split() == ["4", "vet", "fears", "2"]


def test_where_there_is_no_path_json_says_null(mind):
    assert answer("path", mind, "animal", "cat") is None
    assert answer("path", mind, "cat", "vet", "--cutoff", "0.5") is None
    result = run("path", mind, "animal", "cat")
    assert (result.stdout, result.stderr) == ("", "no path\n")


def test_spreading_explains_each_token(mind):
    found = answer("spread", mind, "cat")
    assert [(row["label"], row["depth"], row["path"]) for row in found][:2] == [
        ("animal", 1, ["cat", "animal"]), ("mouse", 1, ["cat", "mouse"]),
    ]  # fmt: skip
    with neurograph.open(mind, mode="r") as db:
        assert [row["energy"] for row in found] == [reached.energy for reached in db.graph.spread("cat")]
    assert "cat > mouse" in run("spread", mind, "cat").stdout
    assert labels(answer("spread", mind, "cat", "--type", "fears", "--energy", "2", "--decay", "0")) == ["vet"]
    assert len(answer("spread", mind, "cat", "--threshold", "0.7")) < len(found)
    assert answer("spread", mind, "cat", "--depth", "0") == []
    strongest = answer("spread", mind, "cat", "--mode", "max")[0]["energy"]
    assert strongest <= found[0]["energy"]


def test_pagerank_begins_with_the_highest(mind):
    found = answer("pagerank", mind)
    assert found[0]["label"] == "animal"
    scores = [row["score"] for row in found]
    assert scores == sorted(scores, reverse=True)
    assert math.isclose(sum(scores), 1, abs_tol=1e-6)
    assert labels(answer("pagerank", mind, "--from", "dog", "--damping", "0.5", "--limit", "1")) == ["dog"]
    seen = answer("pagerank", mind, "--from", "dog", "--from", "1", "--damping", "0", "--limit", "0")
    assert {row["label"] for row in seen if row["score"]} == {"cat", "dog"}


def test_components_are_counted_largest_first(mind):
    with neurograph.open(mind) as db:
        db.tokens.create("alone")
    assert answer("components", mind) == [
        {"id": 1, "label": "cat", "tokens": 5},
        {"id": 6, "label": "alone", "tokens": 1},
    ]
    assert len(answer("components", mind, "--strong")) == 6
    assert answer("components", mind, "--type", "fears", "--limit", "1") == [{"id": 1, "label": "cat", "tokens": 3}]


def test_near_is_true_to_the_level(mind):
    found = answer("near", mind, "cat", "--level", "emotional")
    assert labels(found) == ["dog", "mouse", "vet"]
    assert found[0]["distance"] == pytest.approx(math.dist((0.6, 0.2, 0.1), (0.7, 0.4, 0.2)))
    assert labels(answer("near", mind, "cat", "-k", "1")) == ["dog"]
    assert labels(answer("near", mind, "cat", "--weight", "emotional=2", "--max-distance", "0.3")) == ["dog"]
    assert labels(answer("near", mind, "--at=-0.4,0.7,0.5", "--level", "emotional", "-k", "1")) == ["vet"]
    assert run("near", mind, "cat", "--level", "physical").stderr == "nothing is near\n"


def test_range_holds_all_within_the_radius(mind):
    assert labels(answer("range", mind, "cat", "--level", "emotional", "--radius", "0.3")) == ["cat", "dog"]
    assert labels(answer("range", mind, "--at", "0.1,0.6,-0.5", "--level", "emotional", "--radius", "0")) == ["mouse"]
    assert labels(answer("range", mind, "cat", "--radius", "9", "--limit", "2")) == ["cat", "dog"]
    assert (
        run("range", mind, "--at", "9,9,9", "--level", "emotional", "--radius", "1").stderr == "nothing is in range\n"
    )


def test_density_tells_three_numbers(mind):
    found = answer("density", mind, "cat", "--level", "emotional", "--radius", "0.3")
    assert found["tokens"] == 2
    assert found["density"] == pytest.approx(2 / (4 / 3 * math.pi * 0.3**3))
    assert found["influence"] >= 0
    lines = run("density", mind, "cat", "--level", "emotional", "--radius", "0.3").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["tokens", "density", "influence"]


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_can_be_named(mind, level):
    with neurograph.open(mind) as db:
        for token in (1, 2):
            db.tokens.update(token, coordinates={level: (0.1, 0.2, 0.3)})
    assert answer("near", mind, "cat", "--level", level)[0]["distance"] == 0


def test_a_token_without_a_label_is_shown_by_its_id(mind):
    with neurograph.open(mind) as db:
        token = db.tokens.create()
        db.graph.create("cat", token, weight=0.9)
        db.graph.create(token, "vet", weight=0.9)
    rows = answer("links", mind, "cat", "--type", "associated_with")
    assert [(row["id"], row["label"]) for row in rows] == [(6, None)]
    found = {row["id"]: row["path"] for row in answer("spread", mind, "cat")}
    assert found[6] == ["cat", "#6"]
