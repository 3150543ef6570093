"""What a folder's files say of how the model is used, and what wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_models import write_json

from neurograph import errors
from neurograph.embed.settings import settings

NOTHING = {"pooling": None, "normalize": None, "max_tokens": None, "query_prefix": None, "document_prefix": None}


def read(folder: Path, model: str | None = None, **given: Any) -> Any:
    return settings(folder, model, **{**NOTHING, **given})


@pytest.fixture
def full(tmp_path: Path) -> Path:
    modules = [("0", "", "Transformer"), ("1", "1_Pool", "Pooling")]
    write_json(
        tmp_path / "modules.json",
        [{"name": name, "path": path, "type": f"sentence_transformers.models.{kind}"} for name, path, kind in modules],
    )
    write_json(tmp_path / "1_Pool" / "config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    write_json(tmp_path / "sentence_bert_config.json", {"max_seq_length": 128})
    write_json(tmp_path / "tokenizer_config.json", {"model_max_length": 256})
    write_json(tmp_path / "config.json", {"max_position_embeddings": 500})
    write_json(tmp_path / "config_sentence_transformers.json", {"prompts": {"query": "q: ", "document": "d: "}})
    return tmp_path


def test_an_empty_folder_leaves_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path)[1:] == (None, True, 512, "", "", None)


def test_every_file_says_its_part(full: Path) -> None:
    assert read(full) == (full.name, "cls", False, 128, "q: ", "d: ", None)


def test_a_known_model_wins_over_the_files_and_an_argument_over_both(full: Path) -> None:
    known = read(full, "bge-small-en-v1.5")
    assert known[:4] == ("bge-small-en-v1.5", "cls", True, 500)
    assert known.query_prefix.startswith("Represent this sentence")
    assert (known.document_prefix, known.dimension) == ("", 384)
    given = read(full, "bge-small-en-v1.5", pooling="max", normalize=False, max_tokens=9, query_prefix="")
    assert given[1:5] == ("max", False, 9, "")


def test_the_tokenizer_s_length_serves_where_no_other_is_said(full: Path) -> None:
    (full / "sentence_bert_config.json").unlink()
    assert read(full).max_tokens == 256
    write_json(full / "tokenizer_config.json", {"model_max_length": 10**30})
    assert read(full).max_tokens == 500


@pytest.mark.parametrize("mode", ["pooling_mode_mean_sqrt_len_tokens", "pooling_mode_weightedmean_tokens"])
def test_a_pooling_that_is_not_supported_is_named(full: Path, mode: str) -> None:
    write_json(full / "1_Pool" / "config.json", {mode: True})
    with pytest.raises(errors.InvalidValue, match=f"{mode}.*pass pooling="):
        read(full)


def test_a_module_that_is_not_supported_is_named(full: Path) -> None:
    write_json(full / "modules.json", [{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}])
    with pytest.raises(errors.InvalidValue, match=r"Transformer, Pooling and Normalize only, got \['Dense'\]"):
        read(full)


@pytest.mark.parametrize("text", ["{", "\x00", "[" * 100_000])
def test_a_file_that_is_no_json_is_named(full: Path, text: str) -> None:
    (full / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(errors.CannotOpen, match=r"config\.json' must be JSON"):
        read(full)


@pytest.mark.parametrize("text", ["[]", "3", "null", '{"max_position_embeddings": "many", "prompts": 3}'])
def test_json_that_says_nothing_is_passed_over(tmp_path: Path, text: str) -> None:
    for name in ("config.json", "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert read(tmp_path).max_tokens == 512
