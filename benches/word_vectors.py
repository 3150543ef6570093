"""Files of word vectors beside gensim: read, and read and stored. The same file, in turns.

``python benches/word_vectors.py [--rows 100000] [--folder FOLDER] [--write]``; ``--write`` puts the table into
``docs/benchmarks.md``. Reading keeps what is read in memory, ours and gensim's; storing ends with a committed file, of
`db.library.load`, and of gensim's loader and then sqlite-vec's `vec0`, 10,000 rows a transaction.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from measure import Row, best, faster, machine, table, write
from vector_peers import fill_vec0, vec_connection

import neurograph
from neurograph.codec.word_vectors import open_word_vectors
from neurograph.kernels.text_rows import run_text_rows

DIMENSION = 50


def stored(folder: Path, short: Path, rows: int, rounds: int = 3) -> Row:
    """A file of words and numbers, in a database."""
    from gensim.models import KeyedVectors

    turn = iter(range(1000))

    def ours() -> None:
        with neurograph.open(folder / f"ours{next(turn)}.ngdb", synchronous="normal") as db:
            assert db.library.load(short, name="words").count() == rows

    def theirs() -> None:
        vectors = KeyedVectors.load_word2vec_format(short, binary=False, no_header=True)
        connection = vec_connection(folder / f"vec{next(turn)}.db")
        connection.execute("create table word (id integer primary key, word text not null unique)")
        with connection:
            connection.executemany("insert into word values (?, ?)", enumerate(vectors.index_to_key))
        fill_vec0(connection, vectors.vectors)
        connection.close()

    mine, peer = best(ours, theirs, rounds=rounds)
    return faster(f"{rows:,} x {DIMENSION} text, 5 digits, stored", mine, peer, "gensim, then vec0", 3)


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
        size = f"{rows:,} x {DIMENSION} text, {what}"
        found += [
            faster(f"{size}, kernel", fast, peer, "gensim", 3),
            faster(f"{size}, plain", plain, peer, "gensim", 3),
        ]
    mine, peer = best(lambda: ours(binary, False), lambda: gensim(binary), rounds=rounds)
    found.append(faster(f"{rows:,} x {DIMENSION} binary", mine, peer, "gensim", 1))
    return [*found, stored(folder, short, rows, rounds)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        text = f"{machine()}.\n\n{table(word_vectors(Path(folder), options.rows))}"
    print(text)
    if options.write:
        write("word_vectors.py", text)


if __name__ == "__main__":
    main()
