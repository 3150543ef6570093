"""Questions about several items: gensim as a second opinion, and naive sums."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import neurograph
from neurograph import Library, errors

RNG = np.random.default_rng(11)
WORDS = [f"w{n}" for n in range(200)]
VECTORS = RNG.normal(size=(200, 12)).astype(np.float32) * RNG.uniform(0.1, 9, (200, 1)).astype(np.float32)


@pytest.fixture
def db() -> Iterator[neurograph.Database]:
    with neurograph.open(":memory:") as db:
        yield db


@pytest.fixture(params=["cosine", "l2", "dot"])
def words(request: pytest.FixtureRequest, db: neurograph.Database) -> Library:
    library = db.library.create("words", dimension=12, metric=request.param)
    library.add(VECTORS, keys=WORDS)
    return library


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def nearest(library: Library, query: np.ndarray, without: list[str], k: int) -> list[str]:
    """Return the keys nearest to a vector by numpy, in float64."""
    vectors = VECTORS.astype(np.float64)
    if library.metric == "cosine":
        told = -unit(vectors) @ query
    else:
        told = -vectors @ query if library.metric == "dot" else np.linalg.norm(vectors - query, axis=1)
    return [WORDS[i] for i in np.argsort(told, kind="stable") if WORDS[i] not in without][:k]


def as_used(library: Library, *keys: str) -> np.ndarray:
    vectors = VECTORS[[WORDS.index(key) for key in keys]].astype(np.float64)
    return unit(vectors) if library.metric == "cosine" else vectors


@pytest.mark.parametrize("combine", ["average", "sum"])
def test_words_are_searched_near_their_sum_or_mean(words: Library, combine: str) -> None:
    asked = ["w3", "w50", "w7"]
    together = getattr(as_used(words, *asked), "sum" if combine == "sum" else "mean")(axis=0)
    found = [hit.key for hit in words.similar(asked, 20, combine=combine)]
    assert found == nearest(words, together, asked, 20)


def test_the_distance_to_any_of_them_is_the_least(words: Library) -> None:
    asked = ["w3", "w50"]
    every = {key: {hit.key: hit.distance for hit in words.search(key, 300)} for key in asked}
    for hit in words.similar(asked, 30, combine="max"):
        assert hit.distance == min(every[key][hit.key] for key in asked)
    assert [hit.key for hit in words.similar(["w3"], 9, combine="max")] == [hit.key for hit in words.search("w3", 9)]


def test_an_analogy_is_what_is_near_c_plus_b_minus_a(words: Library) -> None:
    a, b, c = as_used(words, "w1", "w2", "w9")
    found = [hit.key for hit in words.analogy("w1", "w2", "w9", 15)]
    assert found == nearest(words, c + (b - a), ["w1", "w2", "w9"], 15)


def test_an_analogy_is_gensims(db: neurograph.Database) -> None:
    models = pytest.importorskip("gensim.models", reason="gensim has no wheel for this Python")
    theirs = models.KeyedVectors(12)
    theirs.add_vectors(WORDS, VECTORS)
    ours = db.library.create("words", dimension=12)
    ours.add(VECTORS, keys=WORDS)
    for a, b, c in (("w1", "w2", "w3"), ("w100", "w7", "w55")):
        wanted = [word for word, _ in theirs.most_similar(positive=[b, c], negative=[a], topn=20)]
        assert [hit.key for hit in ours.analogy(a, b, c, 20)] == wanted


def test_a_condition_applies_before_k(words: Library) -> None:
    found = words.similar(["w3", "w4"], 5, where=("key >= ?", ["w9"]))
    assert len(found) == 5
    assert all(hit.key is not None and hit.key >= "w9" for hit in found)
    assert all((hit.key or "") >= "w9" for hit in words.analogy("w1", "w2", "w3", 5, where="key >= 'w9'"))


def test_words_asked_for_twice_are_left_out_once(words: Library) -> None:
    assert [hit.key for hit in words.similar(["w3", "w3"], 200)] == [hit.key for hit in words.similar(["w3"], 200)]
    assert len(words.similar(["w3", "w3"], 300)) == 199


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda w: w.similar([]), errors.InvalidValue, "items must be a sequence"),
        (lambda w: w.similar("w3"), errors.InvalidValue, "items must be a sequence"),
        (lambda w: w.similar(["w3"], combine="median"), errors.InvalidValue, "combine must be one of"),
        (lambda w: w.similar(["w3", "w999"]), errors.ItemNotFound, "no item of 'words' has the key 'w999'"),
        (lambda w: w.analogy("w3", "w4", 5), errors.ItemNotFound, "no item of 'words' has the id 5"),
        (lambda w: w.analogy("w3", "w4", "w5", -1), errors.InvalidValue, "k must be in"),
        (lambda w: w.similar(["w3"], where="1) or (1"), errors.InvalidValue, "where must be an SQL condition"),
    ],
)
def test_what_is_wrong_is_said(words: Library, call, error, said) -> None:
    with pytest.raises(error, match="^" + said.replace("(", r"\(")):
        call(words)
