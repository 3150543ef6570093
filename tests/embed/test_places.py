"""Which files of a folder are the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurograph import EmbeddingEngine, errors
from neurograph.embed.places import places, precision_of_name


def folder_with(folder: Path, *names: str) -> Path:
    for name in (*names, "tokenizer.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("names", "precision", "taken"),
    [
        (["model.onnx", "onnx/model.onnx"], None, "model.onnx"),
        (["onnx/model.onnx", "onnx/model_O4.onnx", "onnx/model_fp16.onnx"], None, "onnx/model.onnx"),
        (["onnx/model.onnx", "onnx/model_quantized.onnx"], "int8", "onnx/model_quantized.onnx"),
        (["model.onnx", "model_qint8_avx512.onnx", "model_qint8_arm64.onnx"], "int8", "model_qint8_arm64.onnx"),
        (["onnx/model_int8.onnx", "model_q4.onnx"], None, "onnx/model_int8.onnx"),
        (["model_FP16.onnx"], None, "model_FP16.onnx"),
    ],
)
def test_the_file_is_chosen_by_precision_then_by_name(
    tmp_path: Path, names: list[str], precision: str | None, taken: str
) -> None:
    assert places(folder_with(tmp_path, *names), precision).weights == tmp_path / taken


def test_several_without_a_float32_one_are_not_guessed_between(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "model_int8.onnx", "model_fp16.onnx")
    with pytest.raises(errors.InvalidValue, match=r"precision must be given, one of \['float16', 'int8'\]"):
        EmbeddingEngine(folder)


def test_a_precision_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidValue, match=r"one of \['float32'\], which the folder has, got 'int8'"):
        EmbeddingEngine(folder_with(tmp_path, "model.onnx"), precision="int8")


def test_a_file_has_the_precision_its_name_says(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "model_int8.onnx")
    with pytest.raises(errors.InvalidValue, match="precision must be 'int8', as the file's name says, got 'float16'"):
        EmbeddingEngine(folder / "model_int8.onnx", precision="float16")


@pytest.mark.parametrize("name", ["model.onnx", "onnx/model.onnx"])
def test_a_file_finds_the_tokenizer_beside_it_or_beside_its_folder(tmp_path: Path, name: str) -> None:
    found = places(folder_with(tmp_path, name) / name, None)
    assert (found.folder, found.tokenizer) == (tmp_path, tmp_path / "tokenizer.json")


@pytest.mark.parametrize("path", [3, None, b"model"])
def test_what_is_no_path_is_refused(path: object) -> None:
    with pytest.raises(errors.InvalidValue, match="path must be a path, got"):
        EmbeddingEngine(path)  # type: ignore[arg-type]


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(errors.FileMissing, match=r"nothing is there"):
        EmbeddingEngine(tmp_path / "absent")


def test_a_folder_without_a_model_is_told_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(errors.FileMissing, match=r"must hold model\.onnx.*export the model"):
        EmbeddingEngine(folder_with(tmp_path))
    with pytest.raises(errors.FileMissing, match=r"convert_encoder"):
        EmbeddingEngine(folder_with(tmp_path, "model.safetensors"))


def test_a_model_without_its_tokenizer_is_told_so(tmp_path: Path) -> None:
    folder_with(tmp_path, "model.onnx")
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(errors.FileMissing, match=r"copy the model's tokenizer\.json there"):
        EmbeddingEngine(tmp_path)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"")
    with pytest.raises(errors.InvalidValue, match=r"an \.onnx file or a \.safetensors file"):
        EmbeddingEngine(tmp_path / "model.bin")


def test_a_name_says_its_precision_in_either_case() -> None:
    said = {"model": "float32", "model_O2": "float32", "Model_INT8": "int8", "m_uint8": "int8", "m_float16": "float16"}
    assert {name: precision_of_name(f"{name}.onnx") for name in said} == said
