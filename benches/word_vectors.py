"""Reading files of word vectors beside gensim: the same file, in turns, kernels on and off.

``python benches/word_vectors.py [rows]`` prints the table; `word_vectors` returns its rows. Only reading is timed:
gensim keeps what it reads in memory, and so do we here.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import Row, best, faster, machine, table

from neurograph.codec.word_vectors import open_word_vectors
from neurograph.kernels.text_rows import run_text_rows

DIMENSION = 50


def word_vectors(folder: Path, rows: int, rounds: int = 3) -> list[Row]:
    """GloVe-like text of five significant digits, the same in full float32, and binary."""
    from gensim.models import KeyedVectors

    numbers = np.random.default_rng(1).normal(0, 0.4, (rows, DIMENSION)).astype(np.float32)
    short, full, binary = folder / "glove.txt", folder / "full.txt", folder / "vectors.bin"
    with short.open("w") as brief, full.open("w") as long, binary.open("wb") as raw:
        raw.write(b"%d %d\n" % numbers.shape)
        for place, row in enumerate(numbers):
            brief.write(f"w{place} {' '.join(f'{number:.5g}' for number in row)}\n")
            long.write(f"w{place} {' '.join(map(str, row.tolist()))}\n")
            raw.write(b"w%d " % place + row.tobytes())

    def gensim(path: Path) -> None:
        KeyedVectors.load_word2vec_format(path, binary=path == binary, no_header=path != binary)

    def ours(path: Path, kernel: bool) -> np.ndarray:
        with open_word_vectors(path, parser=(lambda size: run_text_rows) if kernel else None) as reader:
            return np.concatenate([vectors for _, vectors in reader])

    ours(short, True)  # numba's start and compiling are paid once a process
    found = []
    for what, path in (("5 digits", short), ("17 digits", full)):
        assert ours(path, True).tobytes() == ours(path, False).tobytes()
        fast, plain, peer = best(
            lambda: ours(path, True), lambda: ours(path, False), lambda: gensim(path), rounds=rounds
        )
        size = f"{rows} x {DIMENSION} text, {what}"
        found += [
            faster(f"{size}, kernel", fast, peer, "gensim", 3),
            faster(f"{size}, plain", plain, peer, "gensim", 3),
        ]
    mine, peer = best(lambda: ours(binary, False), lambda: gensim(binary), rounds=rounds)
    return [*found, faster(f"{rows} x {DIMENSION} binary", mine, peer, "gensim", 1)]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(
            machine(), table(word_vectors(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)), sep="\n"
        )
