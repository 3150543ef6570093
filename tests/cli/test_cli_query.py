"""`ngdb query`: one question to everything, as Python asks it."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import answer, refusal, run

import neurograph


@pytest.fixture
def pets(mind: Path) -> Path:
    """Return the file with a library of vectors and words; cat, dog and mouse have an item each, money has no token."""
    with neurograph.open(mind) as db:
        library = db.library.create("pets", dimension=2, text_index=True)
        library.add(
            [[1, 0], [0.8, 0.6], [0, 1], [-1, 0]],
            keys=["on cats", "on dogs", "on mice", "on money"],
            texts=["a small feline purrs", "a loyal canine", "a small rodent", "shares fell"],
            tokens=["cat", "dog", "mouse", None],
        )
    return mind


def test_it_finds_and_explains_what_python_does(pets):
    with neurograph.open(pets, mode="r") as db:
        expected = db.query(text="small", vector=[1, 0.1], k=4, legs=["vector", "text"], weights={"text": 3}).to_dict()
    asked = ("query", pets, "small", "--vector", "1,0.1", "-k", 4, "--leg", "vector", "--leg", "text")
    found = answer(*asked, "--weight", "text=3")
    del found["took_ms"], expected["took_ms"]
    assert found == expected
    assert {hit["label"] for hit in found["hits"]} == {"cat", "mouse", "dog", "on money"}


def test_a_table_tells_rank_and_share_of_every_leg(pets):
    said = run("query", pets, "rodent", "--leg", "text", "--leg", "graph").stdout.splitlines()
    assert said[0].split() == ["kind", "id", "label", "score", "legs", "text"]
    assert "mouse" in said[2]
    assert "text 1 (43%), graph 1 (57%)" in said[2]


def test_legs_that_could_not_answer_are_told_on_stderr(pets):
    said = run("query", pets, "small").stderr
    assert said.startswith("without vector: ")
    assert "space" not in said


@pytest.mark.parametrize(
    "place", [["--near", "cat", "--level", "emotional"], ["--at=0.6,0.2,0.1", "--level", "emotional"]]
)
def test_space_is_asked_near_a_token_or_a_place(pets, place):
    found = answer("query", pets, *place, "--leg", "space", "-k", 2)["hits"]
    first = [] if place[0] == "--near" else ["cat"]
    assert [hit["label"] for hit in found] == [*first, "dog", "mouse"][:2]


def test_a_condition_applies_to_every_leg(pets):
    found = answer("query", pets, "small", "--where", "token.label = 'mouse'")["hits"]
    assert [hit["label"] for hit in found] == ["mouse"]


def test_a_library_s_encoder_is_named_by_its_path(pets):
    run("library", "create", pets, "notes", "--model", "default")
    Path("a.jsonl").write_text('{"key": "sofa", "text": "a cat asleep"}', encoding="utf-8")
    run("library", "add", pets, "notes", "a.jsonl")
    found = answer("query", pets, "kitten", "--library", "notes", "--leg", "vector", "--model", "default")["hits"]
    assert [hit["label"] for hit in found] == ["sofa"]


def test_nothing_found_is_said(pets):
    result = run("query", pets, "unicorn", "--leg", "text")
    assert (result.stdout, result.stderr) == ("", "nothing is found\n")
    assert "the leg 'space' must be one that can answer" in refusal("query", pets, "small", "--leg", "space")
