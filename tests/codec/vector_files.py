"""Files of word vectors for tests, and the slow, obvious way to read a number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neurograph.codec.word_vectors import WordVectors, open_word_vectors

Parser = Callable[[int], Any]


def naive_float32(text: str) -> bytes:
    """Return the bytes of the number nearest in float64, then in float32."""
    with np.errstate(over="ignore"):
        return np.float32(np.float64(float(text))).tobytes()


def write(folder: Path, content: bytes, name: str = "vectors") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path, **options: Any) -> tuple[list[str], np.ndarray, WordVectors]:
    """Return all words, all vectors, and the reader they came from."""
    words: list[str] = []
    pieces = []
    with open_word_vectors(path, **options) as reader:
        for batch, vectors in reader:
            assert len(batch) == len(vectors)
            assert (vectors.dtype, vectors.flags.c_contiguous) == (np.float32, True)
            words += batch
            pieces.append(vectors)
        assert reader.bytes_read <= reader.bytes_total == path.stat().st_size
    return words, np.concatenate(pieces) if pieces else np.empty((0, reader.dimension), np.float32), reader
