"""The encoder of the extra `text`: found in its package, which is never imported."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from neurograph import EmbeddingEngine, errors

installed = pytest.mark.skipif(find_spec("wordllama") is None, reason='no encoder here: pip install "neurograph[text]"')


@installed
def test_it_puts_near_what_means_the_same() -> None:
    engine = EmbeddingEngine.default()
    cat, kitten, market = engine.embed_batch(["a cat sleeps", "kittens are resting", "the stock market fell"])
    assert cat @ kitten > 0.25 > cat @ market
    assert np.linalg.norm(engine.embed_query("cat")) == pytest.approx(1, abs=1e-6)


@installed
def test_its_identity_is_the_package_s_weights() -> None:
    identity = EmbeddingEngine.default().identity
    assert identity.model == "wordllama-l2-supercat-256"
    assert identity.weights_sha256.startswith("64b47a2dc493cb8e")
    assert identity.tokenizer_sha256.startswith("f9c22301bff93e68")


@installed
def test_neither_the_package_nor_onnxruntime_is_imported() -> None:
    code = "import sys, neurograph; neurograph.EmbeddingEngine.default().embed('cat')\n"
    code += "print({'wordllama', 'pydantic', 'requests', 'onnxruntime'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_without_the_extra_its_name_is_said(monkeypatch: Any) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(errors.NotHere, match=r'pip install "neurograph\[text\]"'):
        EmbeddingEngine.default()
