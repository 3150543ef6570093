"""`ngdb library bootstrap` and `ngdb associate`: what Python's methods do, from a shell."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import answer, run

import neurograph

GLOVE = "cat 9 1 0\nlion 9 2 1\ncar 0 9 1\nbus 1 9 2\nriver 1 1 9\nsea 0 2 9\n"


@pytest.fixture
def words(mind: Path) -> Path:
    Path("tiny.txt").write_text(GLOVE, encoding="utf-8")
    run("library", "load", mind, "tiny.txt", "--name", "words")
    return mind


def test_a_library_becomes_a_mind_once(words):
    said = answer("library", "bootstrap", words, "words", "-k", 2, "--decay", 1, "--domain", "domain_3")
    assert {name: said[name] for name in ("tokens", "places", "links")} == {
        "tokens": {"created": 5, "found": 1, "kept": 0},
        "places": {"items": 6, "tokens": 6, "kept": 0},
        "links": {"links": 12, "created": 12, "changed": 0, "deleted": 0, "kept": 0},
    }
    with neurograph.open(words, mode="r") as db:
        assert db.tokens.get("bus").domain == "domain_3"
        assert db.tokens.get("cat").id == 1
        assert db.check() == []
    said = run("library", "bootstrap", words, "words", "-k", "2", "--decay", "1")
    assert "links   12 links, 0 created, 0 changed, 0 deleted" in said.stdout


def test_steps_are_left_out(words):
    said = answer("library", "bootstrap", words, "words", "--no-place", "--no-weave", "--where", "key < 'd'")
    assert said["tokens"] == {"created": 2, "found": 1, "kept": 0}
    assert said["places"] is said["links"] is None


def test_words_bring_to_mind_what_python_says(words):
    run("library", "bootstrap", words, "words", "-k", "2")
    with neurograph.open(words, mode="r") as db:
        for arguments, options in (
            ((), {}),
            (("-k", 3, "--mode", "max"), {"k": 3, "mode": "max"}),
            (
                ("--combine", "average", "--depth", 1, "--decay", 0.5),
                {"combine": "average", "max_depth": 1, "decay": 0.5},
            ),
            (("--type", "similar_to", "--library", "words"), {"types": "similar_to", "library": "words"}),
        ):
            found = db.associate(["car", "river"], **options)
            expected = [{**one, "path": db.tokens.ids_to_labels(one["path"])} for one in found.to_dicts()]
            assert answer("associate", words, "car", "river", *arguments) == expected
            assert expected


def test_a_text_brings_to_mind_what_is_near_it(mind):
    with neurograph.open(mind) as db:
        notes = db.library.create("notes", model=neurograph.EmbeddingEngine.default())
        notes.add(texts=["the cat sleeps", "shares fell"], keys=["sofa", "market"])
        db.bootstrap(notes, k=1, place=False)
    assert answer("associate", mind, "a small feline", "--library", "notes")[0]["label"] == "sofa"
    assert answer("associate", mind, "kitten", "--library", "notes", "--model", "default")[0]["label"] == "sofa"


def test_nothing_may_come_to_mind(mind):
    said = run("associate", mind, "animal")
    assert (said.stdout, said.stderr.strip()) == ("", "nothing comes to mind")
