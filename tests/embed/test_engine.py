"""Text into vectors: order, batches, prefixes, identity, and what is refused."""

from __future__ import annotations

import functools
import pickle
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_bert import bert
from small_models import CONFIG, bert_weights, tokenizer, write_json

from neurograph import EmbeddingEngine, errors
from processes import posix, python

TEXTS = ["the cat sat on the mat", "a dog", "", "red sea : a small bird sings on the red sea", "cat", "a dog", "???"]


@pytest.fixture(scope="module")
def engine(converted: Path) -> EmbeddingEngine:
    return EmbeddingEngine(converted, batch_size=2)


@pytest.fixture(scope="module")
def converted_engine(converted: Path) -> Callable[[int], EmbeddingEngine]:
    """Return engines by their size of a batch."""
    return functools.cache(lambda size: EmbeddingEngine(converted, batch_size=size, threads=1))


def naive(text: str, pooling: str = "mean", max_tokens: int = 12) -> np.ndarray[Any, Any]:
    encoder = tokenizer()
    encoder.enable_truncation(max_tokens)
    vectors = bert(bert_weights(), encoder.encode(text).ids, heads=4, layers=2)
    how = {"mean": vectors.mean(axis=0), "cls": vectors[0], "max": vectors.max(axis=0), "last": vectors[-1]}
    return how[pooling] / np.linalg.norm(how[pooling])


@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "last"])
def test_vectors_are_those_of_the_naive_encoder(converted: Path, pooling: str) -> None:
    vectors = EmbeddingEngine(converted, pooling=pooling, batch_size=3).embed_batch(TEXTS)
    expected = [naive(text, pooling) for text in TEXTS]
    np.testing.assert_allclose(vectors, expected, atol=3e-6)


def test_a_text_has_one_vector_alone_and_in_a_batch(engine: EmbeddingEngine) -> None:
    together = engine.embed_batch(TEXTS)
    alone = np.array([engine.embed(text) for text in TEXTS])
    assert (together * alone).sum(axis=1).min() > 1 - 1e-6


def test_vectors_come_in_the_order_of_the_texts_whatever_their_lengths(converted: Path) -> None:
    one_by_one = np.array([EmbeddingEngine(converted).embed(text) for text in TEXTS])
    for size in (1, 2, 3, 100):
        vectors = EmbeddingEngine(converted, batch_size=size).embed_batch(iter(TEXTS))
        np.testing.assert_allclose(vectors, one_by_one, atol=1e-5)


def test_vectors_are_float32_of_the_dimension(engine: EmbeddingEngine) -> None:
    assert (engine.embed("cat").shape, engine.embed("cat").dtype) == ((16,), np.float32)
    assert (engine.embed_batch([]).shape, engine.embed_batch([]).dtype) == ((0, 16), np.float32)
    assert engine.dimension == 16


def test_a_stream_gives_parts_that_join_to_the_batch(engine: EmbeddingEngine) -> None:
    texts = [TEXTS[n % len(TEXTS)] for n in range(2500)]
    parts = list(engine.embed_stream(iter(texts)))
    assert [len(part) for part in parts] == [2048, 452]
    np.testing.assert_allclose(np.concatenate(parts)[:7], engine.embed_batch(TEXTS), atol=1e-5)


def test_a_stream_reads_no_further_than_it_must(engine: EmbeddingEngine) -> None:
    taken = []
    stream = engine.embed_stream(taken.append(n) or "cat" for n in range(10_000))  # type: ignore[func-returns-value]
    next(stream)
    assert len(taken) == 2048


@pytest.mark.parametrize("threads", [1, 3])
def test_ctrl_c_between_two_batches_is_heard_and_does_no_harm(converted: Path, monkeypatch: Any, threads: int) -> None:
    engine = EmbeddingEngine(converted, batch_size=1, threads=threads)
    before = engine.embed("cat")
    running = engine._load()
    calls = []

    class Pressed:
        pools, most_tokens, workers = False, 512, threads

        def __call__(self, ids: Any, mask: Any) -> Any:
            calls.append(ids)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return encoder(ids, mask)

    encoder = running._encoder
    monkeypatch.setattr(running, "_encoder", Pressed())
    with pytest.raises(KeyboardInterrupt):
        engine.embed_batch(["cat", "dog", "bird"] * 200)
    assert len(calls) < 600
    assert threads > 1 or len(calls) == 2
    monkeypatch.undo()
    assert (engine.embed("cat") == before).all()


def test_threads_change_no_vector(converted: Path, engine: EmbeddingEngine) -> None:
    texts = TEXTS * 20
    for threads in (1, 4):
        vectors = EmbeddingEngine(converted, batch_size=2, threads=threads).embed_batch(texts)
        np.testing.assert_allclose(vectors, engine.embed_batch(texts), atol=1e-6)


def test_length_one_unless_asked_otherwise(converted: Path, engine: EmbeddingEngine) -> None:
    assert np.linalg.norm(engine.embed_batch(TEXTS), axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-6)
    raw = EmbeddingEngine(converted, normalize=False).embed("the cat")
    assert np.linalg.norm(raw) != pytest.approx(1, abs=1e-2)
    assert raw / np.linalg.norm(raw) == pytest.approx(engine.embed("the cat"), abs=1e-6)


def test_a_prefix_is_put_before_its_kind_of_text_only(converted: Path, engine: EmbeddingEngine) -> None:
    prefixed = EmbeddingEngine(converted, query_prefix="query : ", document_prefix="passage : ")
    for text in ("cat", ""):
        assert prefixed.embed_query(text) == pytest.approx(engine.embed(f"query : {text}"), abs=1e-6)
        assert prefixed.embed(text) == pytest.approx(engine.embed(f"passage : {text}"), abs=1e-6)
    queries = prefixed.embed_batch(["cat", "dog"], input_type="query")
    assert queries[1] == pytest.approx(prefixed.embed_query("dog"), abs=1e-6)


def test_what_is_cut_off_changes_nothing_and_special_tokens_stay(converted: Path) -> None:
    short = EmbeddingEngine(converted, max_tokens=5)
    assert short.embed("the cat sat on the mat") == pytest.approx(short.embed("the cat sat"), abs=1e-6)
    assert short.embed("the cat sat on") == pytest.approx(naive("the cat sat"), abs=3e-6)


def test_a_very_long_text_is_cut_before_it_is_read(engine: EmbeddingEngine) -> None:
    begins = "the cat sat on the mat a small bird sings "
    assert (engine.embed(begins * 100_000) == engine.embed(begins * 2)).all()
    assert (engine.embed(" " * 300_000 + "cat") == engine.embed("cat")).all()


@pytest.mark.parametrize("text", ["", " ", "\0", "a\0b", "кот", "𝄞", "a" * 5000, "\u202e"])
def test_any_text_has_a_vector_of_numbers(engine: EmbeddingEngine, text: str) -> None:
    assert np.isfinite(engine.embed(text)).all()


def test_an_empty_text_is_the_special_tokens(engine: EmbeddingEngine) -> None:
    assert engine.embed("") == pytest.approx(naive(""), abs=3e-6)


@pytest.mark.parametrize(
    ("text", "said"),
    [(3, "got int"), (b"cat", "got bytes"), (None, "got NoneType"), ("a\ud800", r"lone surrogate '\\ud800' at 1")],
)
def test_what_is_no_text_is_refused_and_named(engine: EmbeddingEngine, text: Any, said: str) -> None:
    for call in (engine.embed, engine.embed_query):
        with pytest.raises(errors.InvalidValue, match=f"^text must be .*{said}"):
            call(text)
    with pytest.raises(errors.InvalidValue, match=rf"^texts\[1\] must be .*{said}"):
        engine.embed_batch(["cat", text])


def test_one_text_is_no_batch(engine: EmbeddingEngine) -> None:
    with pytest.raises(errors.InvalidValue, match="texts must be several, got str"):
        engine.embed_batch("cat")


def test_an_unknown_input_type_is_refused(engine: EmbeddingEngine) -> None:
    with pytest.raises(errors.UnknownName, match=r"input_type must be a known name, got 'qery'; .* are 'query'"):
        engine.embed_batch(["cat"], input_type="qery")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number from 1, got 0"),
        ({"threads": True}, "threads must be a whole number from 1, got True"),
        ({"max_tokens": 2.5}, "max_tokens must be a whole number from 1, got 2.5"),
        ({"max_tokens": 13}, "max_tokens must be at most 12, the model's positions, got 13"),
        ({"normalize": "yes"}, "normalize must be True or False, got 'yes'"),
        ({"query_prefix": 1}, "query_prefix must be text, got 1"),
        ({"providers": "CUDAExecutionProvider"}, "providers must be a list of names"),
        ({"providers": 3}, "providers must be a list of names"),
        ({"providers": [3]}, r"providers must be a list of names, each alone or with its options, got \[3\]"),
        ({"providers": [()]}, "providers must be a list of names"),
        ({"providers": [("CPUExecutionProvider", 2)]}, "providers must be a list of names"),
        ({"pooling": "men"}, "pooling must be a known name, got 'men'; the closest are 'mean'"),
        ({"precision": "int4"}, "precision must be a known name, got 'int4'; the closest are 'int8'"),
        ({"model": "all-MiniLM-L6"}, "the closest are 'all-MiniLM-L6-v2'"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_loaded(converted: Path, given: Any, said: str) -> None:
    with pytest.raises((errors.InvalidValue, errors.UnknownName), match=said):
        EmbeddingEngine(converted, **given)


def test_a_provider_that_is_not_here_is_named_with_those_that_are(converted: Path) -> None:
    engine = EmbeddingEngine(converted, providers=["NoSuchExecutionProvider"])
    with pytest.raises(errors.NotHere, match=r"'CPUExecutionProvider'.*got 'NoSuchExecutionProvider'; install"):
        engine.embed("cat")
    for here in (["CPUExecutionProvider"], [("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})]):
        assert EmbeddingEngine(converted, providers=here).dimension == 16


@pytest.mark.parametrize("package", ["onnxruntime", "tokenizers"])
def test_a_package_that_is_missing_is_named_with_its_remedy(converted: Path, monkeypatch: Any, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(errors.NotHere, match=f"text needs the {package} package; pip install"):
        EmbeddingEngine(converted).embed("cat")


def test_files_that_vanish_before_they_are_read_are_named(converted: Path, tmp_path: Path) -> None:
    shutil.copytree(converted, tmp_path / "here")
    engine = EmbeddingEngine(tmp_path / "here")
    (tmp_path / "here" / "model.onnx").unlink()
    with pytest.raises(errors.FileMissing, match=r"must stay where they were.*model\.onnx"):
        engine.embed("cat")


def test_the_identity_says_what_made_the_vectors(converted: Path) -> None:
    engine = EmbeddingEngine(converted, pooling="cls", query_prefix="query : ", max_tokens=8)
    identity = engine.identity
    assert identity.model == "tiny"
    assert (len(identity.weights_sha256 or ""), len(identity.tokenizer_sha256 or "")) == (64, 64)
    assert identity[3:] == ("float32", "cls", True, 8, "query : ", "", "document")
    assert engine.identity is identity


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_the_file_of_the_precision_asked_for_is_run(converted: Path, precision: str) -> None:
    engine = EmbeddingEngine(converted, precision=precision)
    assert engine.identity.precision == precision
    vectors = engine.embed_batch(TEXTS)
    expected = np.array([naive(text) for text in TEXTS])
    assert (
        np.median((vectors * expected).sum(axis=1)) > {"float32": 0.999999, "float16": 0.99999, "int8": 0.99}[precision]
    )


def test_a_known_model_brings_its_settings_and_is_not_another(converted: Path, tmp_path: Path) -> None:
    shutil.copytree(converted, tmp_path / "e5")
    write_json(tmp_path / "e5" / "1_Pooling" / "config.json", {"pooling_mode_cls_token": True})
    engine = EmbeddingEngine(tmp_path / "e5", model="intfloat/e5-small-v2")
    assert engine.max_tokens == CONFIG["max_position_embeddings"]
    with pytest.raises(errors.InvalidValue, match=r"must give 384 numbers, as 'e5-small-v2' does, got 16"):
        engine.embed("cat")


def test_threads_that_come_at_once_load_the_model_once(converted: Path) -> None:
    engine = EmbeddingEngine(converted)
    found: list[Any] = []
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        vector = engine.embed("the cat")
        found.append((id(engine._running), vector.tobytes()))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_pickled_engine_makes_the_same_vectors(engine: EmbeddingEngine) -> None:
    twin = pickle.loads(pickle.dumps(engine))
    assert (twin.embed("cat") == engine.embed("cat")).all()
    assert twin.identity == engine.identity


@posix
def test_a_forked_process_loads_its_own(converted: Path) -> None:
    code = """
        import multiprocessing, sys, warnings, neurograph
        warnings.simplefilter("ignore")  # of forking with threads
        def same():
            global engine
            assert (engine.embed_batch(["the cat", "a dog sat"]) == vectors).all()
            del engine
        engine = neurograph.EmbeddingEngine(sys.argv[1], threads=4)
        vectors = engine.embed_batch(["the cat", "a dog sat"])
        child = multiprocessing.get_context("fork").Process(target=same)
        child.start()
        child.join()
        print(child.exitcode)
    """
    assert python(code, converted).split() == ["0"]


def test_the_engine_says_what_it_is(converted: Path) -> None:
    engine = EmbeddingEngine(converted)
    assert repr(engine) == "EmbeddingEngine('tiny')"
    engine.embed("cat")
    assert repr(engine) == "EmbeddingEngine('tiny', dimension=16)"


@given(st.lists(st.text(max_size=30), max_size=9), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_whatever_the_texts_each_has_the_vector_it_has_alone(
    converted_engine: Any, texts: list[str], size: int
) -> None:
    together = converted_engine(size).embed_batch(texts)
    assert together.shape == (len(texts), 16)
    for text, vector in zip(texts, together, strict=True):
        assert vector @ converted_engine(1).embed(text) > 1 - 1e-6
