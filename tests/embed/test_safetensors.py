"""safetensors files, whole and damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import write_safetensors

from neurograph import errors
from neurograph.embed.safetensors import read_safetensors


def test_tensors_come_back_as_they_were_written(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.array(1.5, np.float16),
        "c": np.empty((0, 4), np.float64),
        "d": np.arange(3, dtype=np.int64),
    }
    read = read_safetensors(write_safetensors(tmp_path / "x", arrays))
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert (read[name].dtype, read[name].shape, read[name].tolist()) == (array.dtype, array.shape, array.tolist())


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    halves = np.array([0x3F80, 0xC040, 0], np.uint16)
    assert read_safetensors(write_safetensors(tmp_path / "x", {"a": halves}))["a"].tolist() == [1.0, -3.0, 0.0]


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(errors.FileMissing, match="the file of weights must exist"):
        read_safetensors(tmp_path / "x")


def header(entry: Any) -> bytes:
    text = json.dumps({"a": entry}).encode()
    return len(text).to_bytes(8, "little") + text + bytes(8)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1234567",
        (1 << 62).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (2).to_bytes(8, "little") + b"{]",
        header(3),
        header({"dtype": "F32", "shape": [2]}),
        header({"dtype": "F32", "shape": [2], "data_offsets": [0]}),
        header({"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}),
        header({"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}),
        header({"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]}),
        header({"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]}),
        header({"dtype": "F8_E4M3", "shape": [8], "data_offsets": [0, 8]}),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(errors.CannotOpen, match=r"must (be|lie)"):
        read_safetensors(tmp_path / "x")
