"""Rows of word2vec's binary format: a word, a space, and its numbers as little-endian float32.

word2vec ends each row with a newline, gensim does not: newlines before a word are no part of it. Nothing marks where
a row begins, so after damage there is no next row to go on from; places are words, counted from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .rows import Problem, Rows
from .source import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 1 << 20  # bytes read at once, and at least one row
LONGEST_WORD = 1 << 16  # bytes; what is longer is no word


class BinaryRows:
    """The rows of a binary file, from where its source stands.

    Parameters
    ----------
    source
        Stands after the header.
    dimension, expected
        Numbers in a row, and rows, as the header says.
    header_bytes
        How long the header was.
    """

    name = "word2vec_binary"
    expected: int

    def __init__(self, source: Source, dimension: int, expected: int, header_bytes: int) -> None:
        self.dimension, self.expected = dimension, expected
        self._source, self._bytes = source, header_bytes

    def where(self, place: int) -> str:
        """Return what a person looks for."""
        return f"word {place}"

    def line(self, place: int) -> None:
        """Return None: there are no lines."""

    def __iter__(self) -> Iterator[Rows]:
        """Yield the rows, those of a block at a time."""
        size, done, rest = 4 * self.dimension, 0, b""
        while done < self.expected:
            block = self._source.read(max(BLOCK, size + LONGEST_WORD))
            text, start = rest + block, 0
            words: list[bytes] = []
            vectors: list[bytes] = []
            while done + len(words) < self.expected:
                space = text.find(b" ", start, start + LONGEST_WORD)
                if space < 0 or space + 1 + size > len(text):
                    break
                words.append(text[start:space].lstrip(b"\n"))
                vectors.append(text[space + 1 : space + 1 + size])
                start = space + 1 + size
            rest = text[start:]
            self._bytes += start
            yield self._rows(words, vectors, done)
            done += len(words)
            if done < self.expected and (not block or (len(rest) > LONGEST_WORD and b" " not in rest[:LONGEST_WORD])):
                yield self._broken(done, len(rest), not block)
                return
        if rest.strip(b"\n") or self._source.read(2).strip(b"\n"):
            message = f"the header must give the number of words, says {self.expected}, but more bytes follow"
            yield self._rows([], [], done, Problem(done + 1, f"byte {self._bytes}: {message}"))

    def _rows(self, words: list[bytes], vectors: list[bytes], done: int, problem: Problem | None = None) -> Rows:
        import numpy as np

        numbers: NDArray[np.float32] = np.frombuffer(b"".join(vectors), "<f4").astype(np.float32)
        places = list(range(done + 1, done + len(words) + 1))
        return Rows(words, numbers.reshape(-1, self.dimension), places, [problem] if problem else [])

    def _broken(self, done: int, left: int, at_end: bool) -> Rows:
        if at_end:
            what = f"the file must hold {self.expected} words, ends {left} bytes after word {done}"
        else:
            what = f"a word must end within {LONGEST_WORD} bytes; what is before it is damaged, or this is no such file"
        return self._rows([], [], done, Problem(done + 1, f"byte {self._bytes}: {what}"))
