"""A table of vectors, run as any encoder is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_models import VOCABULARY, tokenizer, write_safetensors

from neurograph import EmbeddingEngine, errors

TABLE = np.random.default_rng(1).standard_normal((len(VOCABULARY), 6)).astype(np.float16)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    tokenizer().save(str(tmp_path / "tokenizer.json"))
    return write_safetensors(tmp_path / "table.safetensors", {"embedding.weight": TABLE})


def test_a_text_is_the_mean_of_its_words_without_special_tokens(path: Path) -> None:
    engine = EmbeddingEngine(path, normalize=False)
    expected = TABLE[[VOCABULARY["red"], VOCABULARY["sea"]]].astype(np.float32).mean(axis=0)
    assert engine.embed("red sea") == pytest.approx(expected, abs=1e-6)
    assert engine.identity[3:5] == ("float16", "mean")


def test_a_text_without_a_token_is_the_zero_vector(path: Path) -> None:
    vectors = EmbeddingEngine(path).embed_batch(["", "cat", " "])
    assert (np.abs(vectors).sum(axis=1) > 0).tolist() == [False, True, False]
    assert (EmbeddingEngine(path).embed("") == 0).all()


@pytest.mark.parametrize("arrays", [{}, {"a": TABLE, "b": TABLE}, {"a": TABLE[0]}, {"a": np.zeros((3, 4), np.int64)}])
def test_what_is_no_table_is_refused(path: Path, arrays: dict[str, np.ndarray]) -> None:
    write_safetensors(path, arrays)
    with pytest.raises(errors.InvalidValue, match=r"must hold one table of vectors.*convert_encoder"):
        EmbeddingEngine(path).embed("cat")
