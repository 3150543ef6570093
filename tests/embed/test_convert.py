"""safetensors to ONNX: the naive encoder's vectors, and all-MiniLM-L6-v2's own."""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from naive_bert import bert
from small_models import bert_weights, write_folder, write_json, write_safetensors
from tokenizers import Tokenizer

import neurograph
from neurograph import EmbeddingEngine, errors
from neurograph.embed.onnx_encoder import OnnxEncoder
from neurograph.embed.safetensors import read_safetensors
from neurograph.embed.settings import read_json

IDS = [[2, 4, 5, 6, 3], [2, 9, 3], [2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 3]]


def token_vectors(path: Path) -> list[np.ndarray[Any, Any]]:
    ids = np.zeros((len(IDS), 12), np.int64)
    mask = np.zeros_like(ids)
    for row, one in enumerate(IDS):
        ids[row, : len(one)] = one
        mask[row, : len(one)] = 1
    vectors = OnnxEncoder(path, 1, None)(ids, mask)
    return [vectors[row, : len(one)] for row, one in enumerate(IDS)]


@pytest.mark.parametrize(("precision", "error"), [("float32", 2e-5), ("float16", 2e-2), ("int8", 0.7)])
def test_every_token_has_the_vector_of_the_naive_encoder(converted: Path, precision: str, error: float) -> None:
    name = {"float32": "model", "float16": "model_float16", "int8": "model_int8"}[precision]
    for ids, vectors in zip(IDS, token_vectors(converted / f"{name}.onnx"), strict=True):
        np.testing.assert_allclose(vectors, bert(bert_weights(), ids, heads=4, layers=2), atol=error)


def test_weights_may_lie_in_several_files_and_bear_a_prefix(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "bert")
    (folder / "model.safetensors").unlink()
    weights = {f"bert.{name}": array for name, array in bert_weights().items()}
    half = dict(list(weights.items())[:20])
    write_safetensors(folder / "model-00001-of-00002.safetensors", half)
    write_safetensors(folder / "model-00002-of-00002.safetensors", {n: a for n, a in weights.items() if n not in half})
    path = neurograph.convert_encoder(folder, tmp_path / "out")
    np.testing.assert_allclose(token_vectors(path)[0], bert(bert_weights(), IDS[0], heads=4, layers=2), atol=2e-5)


def test_a_column_of_zeros_survives_int8(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "bert")
    weights = bert_weights()
    weights["encoder.layer.1.intermediate.dense.weight"][3] = 0
    weights["embeddings.word_embeddings.weight"][5] = 0
    write_safetensors(folder / "model.safetensors", weights)
    path = neurograph.convert_encoder(folder, tmp_path / "out", precision="int8")
    np.testing.assert_allclose(token_vectors(path)[0], bert(weights, IDS[0], heads=4, layers=2), atol=0.7)


def test_what_lies_beside_the_weights_is_copied(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published, tmp_path / "in")
    write_json(tmp_path / "in" / "1_Pooling" / "config.json", {"pooling_mode_cls_token": True})
    assert (
        neurograph.convert_encoder(tmp_path / "in", tmp_path / "new" / "out") == tmp_path / "new" / "out" / "model.onnx"
    )
    assert EmbeddingEngine(tmp_path / "new" / "out").identity.pooling == "cls"
    assert not list((tmp_path / "new").rglob("*.part"))


def test_a_folder_may_be_converted_in_place(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "bert")
    neurograph.convert_encoder(folder, folder, precision="int8")
    assert EmbeddingEngine(folder).identity.precision == "int8"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model_type": "mpnet"}, "model_type must be 'bert' in config.json, got 'mpnet'"),
        ({"model_type": None}, "got None"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type must be 'absolute'"),
        ({"hidden_act": "swish"}, r"hidden_act must be one of \['gelu'.*got 'swish'"),
        ({"num_attention_heads": 5}, "hidden_size must be a multiple of the heads, got 16 and 5"),
        ({"num_hidden_layers": "x"}, "must say hidden size, layers and heads"),
        ({"num_hidden_layers": 3}, r"must hold 'encoder\.layer\.2\.attention"),
    ],
)
def test_what_is_no_bert_encoder_is_refused(published: Path, tmp_path: Path, changed: Any, said: str) -> None:
    shutil.copytree(published, tmp_path / "in")
    config = read_json(published / "config.json")
    write_json(tmp_path / "in" / "config.json", {**config, **changed})
    with pytest.raises(errors.InvalidValue, match=said):
        neurograph.convert_encoder(tmp_path / "in", tmp_path / "out")
    assert not list(tmp_path.glob("out/*.onnx"))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_file_that_is_missing_is_named(published: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(published, tmp_path / "in")
    (tmp_path / "in" / name).unlink()
    with pytest.raises(errors.FileMissing, match=f"source must .*{name}"):
        neurograph.convert_encoder(tmp_path / "in", tmp_path / "out")


def test_a_target_that_is_a_file_is_refused(published: Path) -> None:
    with pytest.raises(errors.InvalidValue, match="target must be a folder, got the file"):
        neurograph.convert_encoder(published, published / "config.json")


def test_without_the_extra_its_name_is_said(published: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(errors.NotHere, match=r'pip install "neurograph\[convert\]"'):
        neurograph.convert_encoder(published, tmp_path)


def test_an_unknown_precision_is_refused(published: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.UnknownName, match="got 'int4'; the closest are 'int8'"):
        neurograph.convert_encoder(published, tmp_path, precision="int4")


def test_all_minilm_is_what_the_naive_encoder_makes_of_its_weights(minilm: Path, minilm_converted: Path) -> None:
    engine = EmbeddingEngine(minilm_converted)
    assert (engine.max_tokens, engine.identity.pooling, engine.identity.normalize) == (256, "mean", True)
    weights = read_safetensors(minilm / "model.safetensors")
    tokenizer = Tokenizer.from_file(str(minilm / "tokenizer.json"))
    tokenizer.no_padding()
    for text in ("A kitten sleeps.", "Zoë paid 3 €"):
        mean = bert(weights, tokenizer.encode(text).ids, heads=12, layers=6).mean(axis=0)
        assert engine.embed(text) @ (mean / np.linalg.norm(mean)) > 0.999999


def glosses(folder: Path, count: int) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Return `count` texts of WordNet, "words: gloss" without its examples, and the vectors torch made of them."""
    with gzip.open(folder / "synsets.tsv.gz", "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    picked = np.sort(np.random.default_rng(11).choice(len(rows), count, replace=False))
    chosen = [(rows[n][3].replace("_", " ").replace("|", ", "), rows[n][4].split('; "')[0]) for n in picked]
    texts = [f"{words}: {gloss}" for words, gloss in chosen]
    vectors = np.load(folder / "gloss_minilm_f16.npy", mmap_mode="r")[picked].astype(np.float32)
    return texts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.data
@pytest.mark.parametrize(
    ("precision", "median", "least"), [("float32", 0.9999, 0.9999), ("float16", 0.9999, 0.9999), ("int8", 0.99, 0.97)]
)
def test_the_vectors_of_wordnet_come_out_again(
    minilm: Path, minilm_converted: Path, wordnet: Path, precision: str, median: float, least: float
) -> None:
    if precision != "float32":
        neurograph.convert_encoder(minilm, minilm_converted, precision=precision)
    texts, expected = glosses(wordnet, 100)
    cosines = (EmbeddingEngine(minilm_converted, precision=precision).embed_batch(texts) * expected).sum(axis=1)
    assert np.median(cosines) >= median
    assert cosines.min() >= least
