"""From a file of word vectors to a mind that answers: all steps together, on real words."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import naive_bootstrap as naive
import numpy as np
import pytest

import neurograph
from neurograph import errors
from neurograph.flows.bootstrap import weaving


def test_each_step_may_be_left_out(db: neurograph.Database) -> None:
    words = db.library.create("words", dimension=2)
    words.add([[1, 0], [0, 1], [1, 1]], keys=["cat", "dog", "eel"])
    assert db.bootstrap(words, tokens=False, place=False, weave=False) == (None, None, None)
    assert db.bootstrap(words, place=False, weave=False) == ((3, 0, 0), None, None)
    assert db.bootstrap(words, tokens=False, weave=False) == (None, (3, 3, 0), None)
    assert db.bootstrap("words", tokens=False, place=False, k=1, type="related_to", decay=1) == (
        None,
        None,
        (3, 3, 0, 0, 0),
    )
    assert naive.woven(db, type="related_to") == naive.weave(db, words, 1, 1.0)


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"on_conflict": "x"}, errors.InvalidValue, "on_conflict must be one of"),
        ({"k": -1}, errors.InvalidValue, "k must be in"),
        ({"decay": "x"}, errors.InvalidValue, "decay must be a number"),
        ({"type": "x"}, errors.UnknownName, "connection_type must be one of"),
        ({"library": "dots"}, errors.InvalidValue, "library must have the metric"),
        ({"progress": 1}, errors.InvalidValue, "progress must be True, False or a function"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(
    db: neurograph.Database, wrong: dict[str, Any], error: type[Exception], said: str
) -> None:
    for name, metric in (("words", "cosine"), ("dots", "dot")):
        db.library.create(name, dimension=2, metric=metric).add([[1, 0], [0, 1]], keys=["cat", "dog"])
    with pytest.raises(error, match=said):
        db.bootstrap(**{"library": "words"} | wrong)
    assert db.tokens.count() == 0


def test_a_transaction_takes_all_of_it_back(db: neurograph.Database) -> None:
    words = db.library.create("words", dimension=2)
    words.add(np.random.default_rng(0).normal(size=(30, 2)), keys=[f"w{n}" for n in range(30)])
    tables = "token", "item", "edge", "degree", "mark", "projection"
    before = [db.execute(f"select * from {table}").fetchall() for table in tables]
    db.begin()
    db.bootstrap(words)
    db.rollback()
    assert [db.execute(f"select * from {table}").fetchall() for table in tables] == before


def test_a_step_that_fails_in_a_transaction_leaves_it_as_it_was(
    db: neurograph.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weaving, "MOST_TOKENS", 8)
    words = db.library.create("words", dimension=2)
    words.add(np.random.default_rng(0).normal(size=(30, 2)), keys=[f"w{n}" for n in range(30)])
    tables = "token", "item", "edge", "degree", "mark", "projection"

    def press(what: str, done: int, total: int | None) -> None:
        if (what, done) == ("links", 16):
            raise KeyboardInterrupt

    with db.transaction():
        db.tokens.create("mine")
        before = [db.execute(f"select * from {table}").fetchall() for table in tables]
        with pytest.raises(KeyboardInterrupt):
            db.bootstrap(words, progress=press)
        assert [db.execute(f"select * from {table}").fetchall() for table in tables] == before
    assert db.tokens.count() == 1


def test_a_condition_is_for_tokens_and_links(db: neurograph.Database) -> None:
    words = db.library.create("words", dimension=2)
    words.add(np.random.default_rng(0).normal(size=(30, 2)), keys=[f"w{n}" for n in range(30)])
    done = db.bootstrap(words, k=2, where="key < 'w2'")
    assert done == ((12, 0, 0), (30, 12, 0), (24, 24, 0, 0, 0))
    assert naive.woven(db) == naive.weave(db, words, 2)


@pytest.fixture(scope="module")
def mind(glove: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[neurograph.Database]:
    """Yield a mind of the words of the GloVe sample."""
    with neurograph.open(tmp_path_factory.mktemp("glove") / "mind.ngdb", synchronous="off") as db:
        words = db.library.load(glove / "glove.6B.50d.first-2446.txt", name="glove", errors="cp1252")
        told: list[str] = []
        done = db.bootstrap(words, k=10, progress=lambda what, done, total: told.append(what))
        assert done == ((2446, 0, 0), (2446, 2446, 0), (24460, 24460, 0, 0, 0))
        assert list(dict.fromkeys(told)) == ["tokens", "places", "links"]
        yield db


@pytest.mark.data
def test_the_real_sample_is_sound(mind: neurograph.Database) -> None:
    assert mind.check() == []
    assert mind.tokens.count() == 2446
    assert mind.bootstrap("glove", k=10) == ((0, 0, 2446), (2446, 2446, 0), (24460, 0, 0, 0, 0))


@pytest.mark.data
def test_the_real_sample_is_woven_as_numpy_says(mind: neurograph.Database) -> None:
    library = mind.library.get("glove")
    ids = np.array([item.id for item in library])
    vectors = library.vectors(ids).astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    distances = 1.0 - vectors @ vectors.T
    np.fill_diagonal(distances, np.inf)
    tokens = np.array([item.token_id for item in library])
    found = naive.woven(mind, "glove")
    sources = np.repeat(np.arange(len(ids)), 10)
    targets = np.argpartition(distances, 10, axis=1)[:, :10].ravel()
    expected = {
        (int(tokens[a]), int(tokens[b])): 1 / (1 + 0.1 * distances[a, b]) for a, b in zip(sources, targets, strict=True)
    }
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[link] for link in expected], list(expected.values()), rtol=1e-9)


@pytest.mark.data
def test_near_words_of_the_real_sample_are_near_in_the_grid(mind: neurograph.Database) -> None:
    library = mind.library.get("glove")
    for word in ("king", "football"):
        ids = [hit.id for hit in mind.grid.neighbors(word, k=5, level="abstract")]
        assert mind.tokens.ids_to_labels(ids) == [hit.key for hit in library.grid.neighbors(word, k=5)]


@pytest.mark.data
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["king"], {"prince", "queen", "son", "brother", "father"}),
        (["paris", "france"], {"french", "european", "germany", "italy"}),
        (["money", "bank"], {"banks", "funds", "credit", "cash"}),
        (["football"], {"soccer", "league", "team", "basketball"}),
    ],
)
def test_words_of_the_real_sample_bring_their_likes_to_mind(
    mind: neurograph.Database, words: list[str], expected: set[str]
) -> None:
    found = {one.label for one in mind.associate(words, 12)}
    assert len(found & expected) >= len(expected) - 2, found
    close = {one.label for one in mind.associate(words, 12, mode="max", combine="max")}
    assert len(close & expected) >= len(expected) - 2, close
    assert not (found | close) & set(words)


@pytest.mark.data
@pytest.mark.slow
def test_all_of_wordnet_becomes_a_mind(wordnet: Path, tmp_path: Path) -> None:
    with gzip.open(wordnet / "synsets.tsv.gz", "rt", encoding="utf-8") as lines:
        names = [line.split("\t")[0] for line in lines][1:]
    vectors = np.load(wordnet / "gloss_minilm_f16.npy").astype(np.float32)
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        library = db.library.create("wordnet", dimension=384)
        ids = library.add(vectors, keys=names)
        n = len(names)
        assert db.bootstrap(library, k=10) == ((n, 0, 0), (n, n, 0), (10 * n, 10 * n, 0, 0, 0))
        for row in np.random.default_rng(1).integers(0, n, 20).tolist():
            hits = library.search(item=int(ids[row]), k=10)
            links = db.graph.list(source=names[row], limit=None)
            tokens = [library.get(id).token_id for id in hits.ids.tolist()]
            assert sorted(zip(tokens, (1 / (1 + 0.1 * hits.distances)).tolist(), strict=True)) == sorted(
                (link.target, link.weight) for link in links
            )
        assert db.check() == []
