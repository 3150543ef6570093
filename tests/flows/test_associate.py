"""What words bring to mind: each word's energy by the naive spread, combined; texts by what they are nearest to."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import naive_bootstrap as naive
import numpy as np
import pytest

import neurograph
from neurograph import Library, errors

RNG = np.random.default_rng(23)


@pytest.fixture
def mind(db: neurograph.Database) -> np.ndarray:
    """Fill a mind with 40 tokens and 160 links, and return the tokens' ids."""
    ids = db.tokens.create_many([f"t{n}" for n in range(40)])
    for source, target in RNG.integers(0, 40, (160, 2)).tolist():
        if "" not in {edge.key for edge in db.graph.list(source=int(ids[source]), target=int(ids[target]))}:
            weight, both = float(RNG.random()), bool(source < target and RNG.random() < 0.1)
            if not db.graph.list(source=int(ids[target]), target=int(ids[source])):
                db.graph.create(int(ids[source]), int(ids[target]), weight=weight, bidirectional=both)
    return ids


@pytest.mark.parametrize("combine", ["sum", "max", "average"])
def test_energies_are_combined_over_the_words(db: neurograph.Database, mind: np.ndarray, combine: str) -> None:
    for words in ([1], [3, 7], [5, 11, 2]):
        asked = [int(mind[word]) for word in words]
        expected = naive.associate(db, asked, combine)
        found = db.associate(asked, len(mind), combine=combine)
        assert [one.id for one in found] == [id for id, _ in expected]
        np.testing.assert_allclose(found.energies, [energy for _, energy in expected], rtol=1e-12)
        assert db.associate(asked, 3, combine=combine) == found[:3]


def test_options_go_to_the_spread(db: neurograph.Database, mind: np.ndarray) -> None:
    asked = [int(mind[4]), int(mind[9])]
    how: dict[str, Any] = {"energy": 2.0, "decay": 0.5, "max_depth": 5, "min_energy": 0.001, "mode": "max"}
    expected = naive.associate(db, asked, "sum", **how)
    found = db.associate(asked, 100, **how)
    assert [one.id for one in found] == [id for id, _ in expected]
    assert len(db.associate(asked, types="before")) == 0
    assert len(db.associate(asked, max_depth=0)) == 0
    assert len(db.associate(asked, 0)) == 0


def test_the_diamond_adds_up(db: neurograph.Database) -> None:
    ids = db.tokens.create_many(["a", "b", "c", "d"])
    db.graph.create_many(ids[[0, 0, 1, 2]], ids[[1, 2, 3, 3]], weight=[0.5, 0.5, 1.0, 1.0])
    assert [(one.label, round(one.energy, 2), one.depth) for one in db.associate("a")] == [
        ("d", 0.64, 2),
        ("b", 0.4, 1),
        ("c", 0.4, 1),
    ]


def test_a_path_is_that_of_the_word_that_brings_most(db: neurograph.Database) -> None:
    ids = db.tokens.create_many(["weak", "strong", "between", "found"]).tolist()
    db.graph.create_many([1, 2, 3], [3, 4, 4], weight=[0.9, 0.6, 0.5])
    for combine in ("sum", "max", "average"):
        one = db.associate(["weak", "strong"], combine=combine, k=10)
        assert {one.label: one.path for one in one} == {"between": (1, 3), "found": (2, 4)}
        assert {one.label: one.depth for one in one} == {"between": 1, "found": 1}
    assert ids == [1, 2, 3, 4]


def test_words_are_left_out_though_others_reach_them(db: neurograph.Database) -> None:
    ids = db.tokens.create_many(["a", "b", "c"])
    db.graph.create_many(ids[[0, 1, 1]], ids[[1, 0, 2]])
    assert [one.label for one in db.associate(["a", "b", "a"])] == ["c"]


@pytest.fixture
def words(db: neurograph.Database) -> Library:
    library = db.library.create("words", dimension=2, metric="l2")
    library.add([[1, 0], [1, 0.1], [0, 1], [0, 1.2]], keys=["a", "b", "c", "d"])
    db.make_tokens(library)
    db.weave(library, k=1)
    return library


def test_a_word_may_be_given_in_many_ways(db: neurograph.Database, words: Library) -> None:
    hit = words.search("b", k=1)[0]
    a = words.get("a")
    for word in ("a", ["a"], db.tokens.get("a"), a.token_id, np.array([a.token_id]), a, hit, [hit], [a]):
        assert db.associate(word)[0].label == "b"
    for word in ("a", a.id, np.int64(a.id), a, hit, db.tokens.get("a"), words.search("b", k=1)):
        assert db.associate(word, library=words)[0].label == "b"
        assert db.associate(word, library="words")[0].label == "b"


def test_a_key_is_not_always_the_label(db: neurograph.Database, words: Library) -> None:
    words.update("a", token="c")
    assert db.associate("a", library=words)[0].label == "d"


def test_records_are_like_the_others(db: neurograph.Database, words: Library) -> None:
    found = db.associate("a", 5)
    assert pickle.loads(pickle.dumps(found)) == found
    assert found.ids.tolist() == [2]
    assert found.labels.tolist() == ["b"]
    assert found.to_dicts() == [{"id": 2, "label": "b", "energy": found[0].energy, "depth": 1, "path": (1, 2)}]
    assert found.energies.dtype == np.float64
    assert "<td>b</td>" in found._repr_html_()


def test_a_text_brings_the_items_near_it_to_mind(
    db: neurograph.Database, words: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = {"near a": (1.0, 0.0), "middle": (0.6, 0.6)}
    monkeypatch.setattr(Library, "_reads_text", lambda self: True)
    monkeypatch.setattr(Library, "_vector_of", lambda self, text: np.array(vectors[text], "<f4").tobytes())
    words.add([[1.0, 0.0]], keys=["without a token"])
    found = {one.label: one for one in db.associate("near a", 10, library=words)}
    # a, b and c are nearest; each is sent 0.8 / (1 + distance), and sends on along its own link
    far = float(np.hypot(1, 1))
    sent = {"a": 0.8, "b": 0.8 / (1 + float(np.float32(0.1))), "c": 0.8 / (1 + far)}
    weight = 1 / (1 + 0.1 * float(np.float32(0.1)))
    assert found["a"].energy == pytest.approx(sent["a"] + 0.8 * weight * sent["b"])
    assert found["b"].energy == pytest.approx(sent["b"] + 0.8 * weight * sent["a"])
    assert found["d"].energy == pytest.approx(sent["c"] * 0.8 / (1 + 0.1 * 0.2), rel=1e-6)
    assert [found[label].depth for label in "abcd"] == [1, 1, 1, 2]
    assert [found[label].path for label in "abcd"] == [(1,), (2,), (3,), (3, 4)]
    assert [one.label for one in db.associate(["a", "near a"], 10, library=words)] == ["b", "c", "d"]
    for options, said in (
        ({"max_depth": "3"}, "max_depth must be a whole number, got '3'"),
        ({"max_depth": -1}, "max_depth must be in .*, got -1"),
        ({"energy": -1}, "energy must be above 0, got -1"),
        ({"max_depth": 0, "mode": "x"}, "mode must be one of"),
    ):
        with pytest.raises(errors.InvalidValue, match=said):
            db.associate("near a", library=words, **options)  # type: ignore[arg-type]
    assert len(db.associate("near a", library=words, max_depth=0)) == 0


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda db: db.associate([]), errors.InvalidValue, "words must be a word or a sequence of at least one"),
        (lambda db: db.associate(None), errors.InvalidValue, "words must be a word or a sequence of at least one"),
        (lambda db: db.associate(b"a"), errors.InvalidValue, "words must be a word or a sequence of at least one"),
        (lambda db: db.associate("x"), errors.TokenNotFound, "no token has the label 'x'"),
        (lambda db: db.associate(99), errors.TokenNotFound, "no token has the id 99"),
        (lambda db: db.associate("x", library="words"), errors.ItemNotFound, "no item of 'words' has the key 'x'"),
        (lambda db: db.associate(7, library="words"), errors.ItemNotFound, "no item of 'words' has the id 7"),
        (lambda db: db.associate("a", library="no"), errors.LibraryNotFound, "no library has the name 'no'"),
        (lambda db: db.associate("bare", library="words"), errors.NotFound, "item 'bare' must have a token"),
        (lambda db: db.associate(db.library.get("words").get("bare")), errors.NotFound, "item 'bare' must have"),
        (lambda db: db.associate(neurograph.Hit(5, None, 0.0)), errors.ItemNotFound, "no item has the id 5"),
        (lambda db: db.associate("a", -1), errors.InvalidValue, "k must be in"),
        (
            lambda db: db.associate("a", combine="median"),
            errors.InvalidValue,
            "combine must be one of sum, max, average",
        ),
        (lambda db: db.associate("a", energy=0), errors.InvalidValue, "energy must be above 0"),
        (lambda db: db.associate("a", decay=2), errors.InvalidValue, "decay must be in [0, 1]"),
        (lambda db: db.associate("a", mode="x"), errors.InvalidValue, "mode must be one of"),
        (lambda db: db.associate("a", max_depth=-1), errors.InvalidValue, "max_depth must be in"),
        (lambda db: db.associate("a", timeout_s=0), errors.DeadlineExceeded, ""),
    ],
)
def test_what_is_wrong_is_said(
    db: neurograph.Database, words: Library, call: Callable[..., Any], error: type[Exception], said: str
) -> None:
    words.add(keys=["bare"])
    with pytest.raises(error) as caught:
        call(db)
    assert str(caught.value).startswith(said)
