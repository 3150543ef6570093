"""Places by principal components: items and tokens at the same ones, and nobody's token moved unasked."""

from __future__ import annotations

import numpy as np
import pytest

import neurograph
from neurograph import Library, errors
from neurograph.flows.bootstrap import slices

VECTORS = np.random.default_rng(3).normal(size=(40, 6)).astype(np.float32) * [5, 3, 1, 1, 1, 1]


@pytest.fixture
def words(db: neurograph.Database) -> Library:
    library = db.library.create("words", dimension=6, metric="l2")
    library.add(VECTORS, keys=[f"w{n}" for n in range(40)])
    db.make_tokens(library)
    return library


def places(db: neurograph.Database) -> np.ndarray:
    return db.tokens.coordinates("abstract")[1]


def expected(library: Library) -> np.ndarray:
    """Return the z-scored first three components, the farthest at 3.27."""
    centered = VECTORS.astype(np.float64) - VECTORS.mean(axis=0, dtype=np.float64)
    _, _, turned = np.linalg.svd(centered, full_matrices=False)
    turned = turned[:3] * np.sign(turned[:3][np.arange(3), np.abs(turned[:3]).argmax(axis=1)])[:, None]
    points = centered @ turned.T
    points /= points.std(axis=0)
    return points * (3.27 / np.abs(points).max())


def test_items_and_tokens_are_at_the_same_places(db: neurograph.Database, words: Library) -> None:
    assert db.place_tokens(words) == (40, 40, 0)
    assert places(db).tolist() == [list(item.coordinates or ()) for item in words]
    np.testing.assert_allclose(places(db), expected(words), atol=1e-4)
    assert np.abs(places(db)).max() == 3.27


def test_they_fit_into_the_originals_record(db: neurograph.Database, words: Library) -> None:
    db.place_tokens(words)
    assert db.tokens.to_bytes_many()[0].shape == (40, 64)


def test_components_that_are_stored_are_used(db: neurograph.Database, words: Library) -> None:
    words.use_pca(neurograph.Pca(np.zeros(6), np.eye(6)[:2], [0.5, 0.5]))
    db.place_tokens(words, reach=1.0)
    assert (places(db)[:, 2] == 0).all()
    assert words.pca() == neurograph.Pca(np.zeros(6), np.eye(6)[:2], [0.5, 0.5])


def test_a_second_run_writes_nothing(db: neurograph.Database, words: Library) -> None:
    db.place_tokens(words)
    before = [db.execute(f"select * from {table}").fetchall() for table in ("token", "item", "mark", "projection")]
    assert db.place_tokens(words) == (40, 40, 0)
    after = [db.execute(f"select * from {table}").fetchall() for table in ("token", "item", "mark", "projection")]
    assert after == before


def test_all_move_when_words_were_added(db: neurograph.Database, words: Library) -> None:
    db.place_tokens(words)
    words.add([[50, 0, 0, 0, 0, 0]], keys=["far"])
    db.make_tokens(words)
    assert db.place_tokens(words) == (41, 41, 0)
    assert places(db).tolist() == [list(item.coordinates or ()) for item in words]
    assert np.abs(places(db)).max() == 3.27


def test_a_token_that_somebody_placed_stays_there(db: neurograph.Database, words: Library) -> None:
    db.tokens.update("w7", coordinates={"abstract": (0.5, 0.5, 0.5), "social": (0.1, 0.2, 0.3)})
    assert db.place_tokens(words) == (40, 39, 1)
    assert db.tokens.get("w7").coordinates["abstract"] == (0.5, 0.5, 0.5)
    with pytest.raises(errors.Conflict, match="must have no place in the level 'abstract' but its item's"):
        db.place_tokens(words, on_conflict="error")
    assert db.place_tokens(words, on_conflict="update") == (40, 40, 0)
    assert db.tokens.get("w7").coordinates == {
        "abstract": words.get("w7").coordinates,
        "social": (0.1, 0.2, 0.3),
    }


def test_a_token_of_two_items_is_where_the_first_is(db: neurograph.Database, words: Library) -> None:
    words.update("w9", token="w4")
    for _ in range(2):
        assert db.place_tokens(words) == (40, 39, 0)
        assert db.tokens.get("w4").coordinates["abstract"] == words.get("w4").coordinates


def test_items_without_a_vector_or_a_token_take_no_part(db: neurograph.Database, words: Library) -> None:
    words.add(keys=["nowhere"])
    words.update("w1", token=None)
    assert db.place_tokens(words) == (40, 39, 0)
    assert "abstract" not in db.tokens.get("w1").coordinates
    assert words.get("w1").coordinates is not None
    assert words.get("nowhere").coordinates is None


def test_what_was_broken_off_is_gone_on_with(
    db: neurograph.Database, words: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE_ITEMS", 16)
    told: list[tuple[str, int, int | None]] = []

    def press(what: str, done: int, total: int | None) -> None:
        told.append((what, done, total))
        if done == 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        db.place_tokens(words, progress=press)
    assert told == [("places", 16, 40), ("places", 32, 40)]
    assert np.isfinite(places(db)).all(axis=1).sum() == 32
    assert db.place_tokens(words) == (40, 40, 0)
    np.testing.assert_allclose(places(db), expected(words), atol=1e-4)


def test_in_a_transaction_all_of_it_is_undone(db: neurograph.Database, words: Library) -> None:
    tables = "token", "item", "mark", "projection"
    before = [db.execute(f"select * from {table}").fetchall() for table in tables]
    db.begin()
    db.place_tokens(words)
    db.rollback()
    assert [db.execute(f"select * from {table}").fetchall() for table in tables] == before


def test_what_is_wrong_is_said(db: neurograph.Database, words: Library) -> None:
    for wrong, said in (({"reach": 0}, "reach must be above 0"), ({"on_conflict": "x"}, "on_conflict must be one of")):
        with pytest.raises(errors.InvalidValue, match=said):
            db.place_tokens(words, **wrong)  # type: ignore[arg-type]
    db.library.create("empty", dimension=2)
    with pytest.raises(errors.InvalidValue, match="must have at least two vectors"):
        db.place_tokens("empty")
