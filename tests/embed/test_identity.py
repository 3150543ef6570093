"""What made a vector, and when two of them may be compared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from neurograph import EmbeddingEngine
from neurograph.embed.digest import weights_sha256


def test_the_same_files_in_another_folder_have_no_differences(converted: Path, tmp_path: Path) -> None:
    shutil.copytree(converted, tmp_path / "copy")
    ours, copied = EmbeddingEngine(converted).identity, EmbeddingEngine(tmp_path / "copy").identity
    assert (ours.model, copied.model) == ("tiny", "copy")
    assert ours.differences(copied) == ()


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"precision": "float16"}, ("weights_sha256", "precision")),
        ({"pooling": "cls"}, ("pooling",)),
        ({"normalize": False}, ("normalize",)),
        ({"max_tokens": 8}, ("max_tokens",)),
        ({"query_prefix": "query : "}, ("query_prefix",)),
    ],
)
def test_what_changes_the_vectors_is_a_difference(converted: Path, given: dict[str, object], names: tuple[str]) -> None:
    other = EmbeddingEngine(converted, **given)  # type: ignore[arg-type]
    assert EmbeddingEngine(converted).identity.differences(other.identity) == names


def test_a_tokenizer_that_is_only_written_otherwise_is_the_same(converted: Path, tmp_path: Path) -> None:
    shutil.copytree(converted, tmp_path / "copy")
    path = tmp_path / "copy" / "tokenizer.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    said["padding"] = {"strategy": {"Fixed": 128}, "direction": "Right", "pad_id": 0, "pad_type_id": 0}
    said["padding"] |= {"pad_token": "[PAD]", "pad_to_multiple_of": None}
    path.write_text(json.dumps(said, indent=4) + "\n", encoding="utf-8")
    identity = EmbeddingEngine(converted).identity
    assert identity.differences(EmbeddingEngine(tmp_path / "copy").identity) == ()
    said["model"]["vocab"]["cat"], said["model"]["vocab"]["dog"] = 6, 5
    path.write_text(json.dumps(said), encoding="utf-8")
    assert identity.differences(EmbeddingEngine(tmp_path / "copy").identity) == ("tokenizer_sha256",)


def test_external_data_is_part_of_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"graph")
    alone = weights_sha256(path)
    (tmp_path / "model.onnx_data").write_bytes(b"weights")
    assert weights_sha256(path) != alone
