"""Files that are run as they are, and files that are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import FREE, tokenizer, write_onnx, write_table_onnx

from neurograph import EmbeddingEngine, errors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tokenizer().save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def raw(folder: Path, **given: Any) -> Any:
    return EmbeddingEngine(folder, normalize=False, **given).embed("the cat")


@pytest.mark.parametrize("ids", [np.int64, np.int32])
@pytest.mark.parametrize("dimension", [8, "hidden"])
def test_ids_are_given_as_the_file_declares_them(folder: Path, ids: Any, dimension: Any) -> None:
    write_table_onnx(folder / "model.onnx", ids=ids, dimension=dimension)
    assert raw(folder).tolist() == [3.5 + column for column in range(8)]
    assert EmbeddingEngine(folder).dimension == 8


def test_a_dimension_that_the_file_does_not_say_is_found_by_a_run(folder: Path) -> None:
    nodes: list[Any] = [
        ("Gather", ["table", "input_ids"], ["rows"], {}),
        ("Compress", ["rows", "kept"], ["last_hidden_state"], {"axis": 2}),
    ]
    constants = {"table": np.arange(60, dtype=np.float32).reshape(20, 3), "kept": np.array([True, False, True])}
    outputs = {"last_hidden_state": (np.float32, [*FREE, "hidden"])}
    write_onnx(folder / "model.onnx", {"input_ids": (np.int64, FREE)}, nodes, outputs, constants)
    assert EmbeddingEngine(folder).dimension == 2
    assert raw(folder).tolist() == [10.5, 12.5]


def test_a_file_in_4_bits_is_not_run(folder: Path) -> None:
    path = write_table_onnx(folder / "model_q4.onnx")
    with pytest.raises(errors.CannotOpen, match=r"must be float32, float16 or int8; its name says another precision"):
        EmbeddingEngine(path).embed("cat")


@pytest.mark.parametrize(("dtype", "precision"), [(np.float16, "float16"), (np.float64, "float32")])
def test_the_precision_is_what_the_file_gives_whatever_its_name(folder: Path, dtype: Any, precision: str) -> None:
    write_table_onnx(folder / "model.onnx", dtype=dtype)
    engine = EmbeddingEngine(folder)
    assert (engine.embed("cat").dtype, engine.identity.precision) == (np.float32, precision)
    if precision == "float16":
        with pytest.raises(errors.InvalidValue, match="precision must be 'float16', as the file says, got 'float32'"):
            EmbeddingEngine(folder, precision="float32").embed("cat")


def test_a_file_that_pools_by_itself_is_left_to_it(folder: Path) -> None:
    inputs = {"input_ids": (np.int64, FREE)}
    nodes = [
        ("Gather", ["table", "input_ids"], ["rows"], {}),
        ("ReduceMax", ["rows", "axis"], ["sentence_embedding"], {"keepdims": 0}),
    ]
    constants = {"table": np.arange(40, dtype=np.float32).reshape(20, 2), "axis": np.array([1])}
    write_onnx(folder / "model.onnx", inputs, nodes, {"sentence_embedding": (np.float32, ["batch", 2])}, constants)
    assert raw(folder).tolist() == [10.0, 11.0]
    assert EmbeddingEngine(folder).identity.pooling == "model"
    with pytest.raises(errors.InvalidValue, match="pooling must be left out, got 'cls'"):
        raw(folder, pooling="cls")


def test_kinds_and_places_of_tokens_are_given_where_they_are_asked_for(folder: Path) -> None:
    inputs = dict.fromkeys(("position_ids", "token_type_ids", "input_ids"), (np.int64, FREE))
    nodes: list[Any] = [
        ("Add", ["position_ids", "token_type_ids"], ["sum"], {}),
        ("Cast", ["sum"], ["wide"], {"to": 1}),
        ("Unsqueeze", ["wide", "axis"], ["last_hidden_state"], {}),
    ]
    outputs = {"last_hidden_state": (np.float32, [*FREE, 1])}
    write_onnx(folder / "model.onnx", inputs, nodes, outputs, {"axis": np.array([2])})
    assert raw(folder, pooling="max").tolist() == [3.0]


def test_token_vectors_are_preferred_to_pooled_ones_wherever_they_stand(folder: Path) -> None:
    nodes: list[Any] = [
        ("Gather", ["table", "input_ids"], ["last_hidden_state"], {}),
        ("ReduceMax", ["last_hidden_state", "axis"], ["pooler_output"], {"keepdims": 0}),
    ]
    outputs = {"pooler_output": (np.float32, ["batch", 2]), "last_hidden_state": (np.float32, [*FREE, 2])}
    constants = {"table": np.arange(40, dtype=np.float32).reshape(20, 2), "axis": np.array([1])}
    write_onnx(folder / "model.onnx", {"input_ids": (np.int64, FREE)}, nodes, outputs, constants)
    assert raw(folder).tolist() == [7.0, 8.0]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (
            {"pixel_values": (np.float32, ["batch", 3, 224, 224])},
            r"a text encoder with inputs .*got \['pixel_values'\]",
        ),
        ({"input_ids": (np.int64, FREE), "bbox": (np.int64, FREE)}, r"got \['input_ids', 'bbox'\]"),
        ({"input_ids": (np.float32, FREE)}, r"input 'input_ids' must be int64 or int32, got tensor\(float\)"),
        ({"input_ids": (np.int64, [1, 128])}, r"must leave batch and length free, got the shape \[1, 128\]"),
        ({"input_ids": (np.int64, ["batch", 128])}, "export the model with dynamic axes"),
    ],
)
def test_a_model_that_takes_no_text_is_refused(folder: Path, inputs: Any, said: str) -> None:
    name = next(iter(inputs))
    nodes: list[Any] = [("Cast", [name], ["last_hidden_state"], {"to": 1})]
    write_onnx(folder / "model.onnx", inputs, nodes, {"last_hidden_state": (np.float32, None)})
    with pytest.raises(errors.InvalidValue, match=said):
        EmbeddingEngine(folder).embed("cat")


def test_a_classifier_is_refused(folder: Path) -> None:
    write_table_onnx(folder / "model.onnx", output="logits")
    with pytest.raises(errors.InvalidValue, match="must give a vector for each token, or one for each text"):
        EmbeddingEngine(folder).embed("cat")


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"\x08\x07" * 50])
def test_what_is_no_onnx_file_is_named(folder: Path, content: bytes) -> None:
    (folder / "model.onnx").write_bytes(content)
    with pytest.raises(errors.CannotOpen, match=r"model\.onnx' must be an ONNX file that onnxruntime runs"):
        EmbeddingEngine(folder).embed("cat")


def test_a_tokenizer_of_another_model_is_told_by_the_run(folder: Path) -> None:
    nodes: list[Any] = [("Gather", ["table", "input_ids"], ["last_hidden_state"], {})]
    outputs = {"last_hidden_state": (np.float32, [*FREE, 2])}
    table = {"table": np.zeros((4, 2), np.float32)}
    write_onnx(folder / "model.onnx", {"input_ids": (np.int64, FREE)}, nodes, outputs, table)
    with pytest.raises(errors.InvalidValue, match=r"must take token ids of shape \(1, 4\)"):
        EmbeddingEngine(folder).embed("the cat")
