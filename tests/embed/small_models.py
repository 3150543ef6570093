"""Small encoders with random weights, written as the published ones are: safetensors, tokenizer, settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = ("the", "cat", "dog", "sat", "on", "mat", "a", "small", "bird", "sings", "query", "passage", ":", "sea", "red")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
VOCABULARY = {word: number for number, word in enumerate((*SPECIAL, *WORDS))}
CONFIG = {
    "model_type": "bert",
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "layer_norm_eps": 1e-12,
    "hidden_act": "gelu",
    "max_position_embeddings": 12,
    "vocab_size": len(VOCABULARY),
    "type_vocab_size": 2,
}
NUMPY_NAMES = {"float32": "F32", "float16": "F16", "float64": "F64", "int64": "I64", "uint16": "BF16"}


def write_safetensors(path: Path, arrays: dict[str, np.ndarray[Any, Any]]) -> Path:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in arrays.items():
        end = len(data) + array.nbytes
        kind = NUMPY_NAMES[array.dtype.name]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def bert_weights(seed: int = 7, **changed: Any) -> dict[str, np.ndarray[Any, Any]]:
    config = {**CONFIG, **changed}
    rng = np.random.default_rng(seed)
    hidden, inner = config["hidden_size"], config["intermediate_size"]

    def normal(*shape: int) -> np.ndarray[Any, Any]:
        return (rng.standard_normal(shape) * 0.4).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": normal(config["vocab_size"], hidden),
        "embeddings.position_embeddings.weight": normal(config["max_position_embeddings"], hidden),
        "embeddings.token_type_embeddings.weight": normal(2, hidden),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{layer}"
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
        for linear, inputs, outputs in (
            ("attention.self.query", hidden, hidden),
            ("attention.self.key", hidden, hidden),
            ("attention.self.value", hidden, hidden),
            ("attention.output.dense", hidden, hidden),
            ("intermediate.dense", hidden, inner),
            ("output.dense", inner, hidden),
        ):
            weights[f"{name}.{linear}.weight"] = normal(outputs, inputs)
            weights[f"{name}.{linear}.bias"] = normal(outputs)
    for norm in norms:
        weights[f"{norm}.weight"] = 1 + normal(hidden)
        weights[f"{norm}.bias"] = normal(hidden)
    return weights


def tokenizer() -> Tokenizer:
    made = Tokenizer(models.WordPiece(VOCABULARY, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


def write_folder(folder: Path, **changed: Any) -> Path:
    """Write what a published BERT encoder's folder holds; `changed` goes to config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer().save(str(folder / "tokenizer.json"))
    write_json(folder / "config.json", {**CONFIG, **changed})
    write_safetensors(folder / "model.safetensors", bert_weights(**changed))
    return folder


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def write_onnx(
    path: Path,
    inputs: dict[str, Any],
    nodes: list[tuple[str, list[str], list[str], dict[str, Any]]],
    outputs: dict[str, Any],
    constants: dict[str, np.ndarray[Any, Any]] | None = None,
) -> Path:
    """Write a graph; inputs and outputs are name → (numpy dtype, shape)."""
    import onnx
    from onnx import helper, numpy_helper

    def values(named: dict[str, Any]) -> list[Any]:
        return [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
            for name, (dtype, shape) in named.items()
        ]

    graph = helper.make_graph(
        [helper.make_node(operator, ins, outs, **attributes) for operator, ins, outs, attributes in nodes],
        "small",
        values(inputs),
        values(outputs),
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    opset = [helper.make_opsetid("", 20)]
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), str(path))
    return path


FREE = ["batch", "sequence"]


def write_table_onnx(
    path: Path,
    *,
    dtype: Any = np.float32,
    ids: Any = np.int64,
    shape: Any = FREE,
    dimension: Any = 8,
    output: str = "last_hidden_state",
) -> Path:
    """Write an encoder that looks a token up, in a table whose row i is i, i + 1, …; a mask is all it takes besides."""
    table = (np.arange(len(VOCABULARY))[:, None] + np.arange(8)[None]).astype(dtype)
    return write_onnx(
        path,
        {"input_ids": (ids, shape), "attention_mask": (ids, shape)},
        [("Gather", ["table", "input_ids"], [output], {})],
        {output: (dtype, [*shape, dimension])},
        {"table": table},
    )
