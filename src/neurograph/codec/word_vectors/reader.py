"""The reader: words spelled, rows checked and chosen, handed out in batches.

Invariants:

1. Every row up to the last one handed out is checked, chosen or not; what is behind it is not looked at.
2. What is wrong is met in the order of the file, however it is cut into blocks.
3. No two words handed out are equal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from ...errors import ImportFailed, Misuse
from .rows import REMEDY, Format, Problem, Rows, Skipped
from .seen import Seen
from .source import Source
from .spelling import spell

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SKIPPED_KEPT = 1000  # so that a file of nothing but damage does not fill memory

Batch = tuple[list[str], "NDArray[np.float32]"]


class Wishes(NamedTuple):
    """What is to be done with the rows; as `open_word_vectors` says."""

    limit: int | None
    subset: Collection[str] | None
    normalize: bool
    errors: str
    skip: bool
    batch_rows: int


class WordVectors:
    r"""An open file of word vectors; `open_word_vectors` makes it.

    Iterate over it once, inside a ``with`` block: it yields ``(words, vectors)``, a list of n distinct str and
    (n, dimension) float32, C-contiguous, in the order of the file, n being ``batch_rows`` but for the last. `Misuse`
    is raised where it was read already, or is closed.

    Attributes
    ----------
    format
        ``"glove"``, ``"word2vec"``, ``"word2vec_binary"``, ``"fasttext"`` or ``"npy"``.
    dimension
        Numbers in a vector.
    expected
        Words in the file, as its header says; None where it has none.
    skipped
        What was left out so far, the first 1,000 of it.
    skipped_count
        How many were left out so far.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "vectors.txt"
    >>> _ = path.write_text("cat 1 2\ndog 3\nfox 5 6\n")
    >>> from neurograph.codec.word_vectors import open_word_vectors
    >>> with open_word_vectors(path, malformed="skip") as reader:
    ...     print(reader.format, reader.dimension, reader.expected)
    ...     for words, vectors in reader:
    ...         print(words, vectors.tolist())
    glove 2 None
    ['cat', 'fox'] [[1.0, 2.0], [5.0, 6.0]]
    >>> reader.skipped_count, reader.skipped[0].reason
    (1, 'line 2: must be a word and 2 numbers, got 2 fields')
    """

    def __init__(self, rows: Format, sources: list[Source], wishes: Wishes) -> None:
        self.format: str = rows.name
        self.dimension: int = rows.dimension
        self.expected: int | None = rows.expected
        self.skipped: list[Skipped] = []
        self.skipped_count: int = 0
        self._rows, self._sources, self._wishes = rows, sources, wishes
        self._left = wishes.limit
        self._found = 0
        self._wanted = None if wishes.subset is None else set(wishes.subset)
        self._most = None if self._wanted is None else len(self._wanted)
        self._seen = Seen()
        self._begun = False

    @property
    def bytes_total(self) -> int:
        """How many bytes the file has, compressed as it is."""
        return self._sources[0].bytes_total

    @property
    def bytes_read(self) -> int:
        """How many of `bytes_total` were read so far; a limit or a subset may be met before the last."""
        return self._sources[0].bytes_read

    @property
    def total(self) -> int | None:
        """How many words will be handed out, reckoned by what the bytes read so far brought where no header says it.

        No more than are wished for; None where nothing was read yet.
        """
        likely = self.expected if self._wishes.subset is None else None
        if likely is None and self._found:
            likely = max(self._found, round(self._found * self.bytes_total / max(self.bytes_read, 1)))
        known = [number for number in (likely, self._wishes.limit, self._most) if number is not None]
        return min(known, default=None)

    def close(self) -> None:
        """Close the file."""
        for source in self._sources:
            source.close()

    def __enter__(self) -> WordVectors:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[Batch]:
        if self._begun or self._sources[0].closed:
            raise Misuse(f"cannot read; the file {'was read already' if self._begun else 'is closed'}; open it again")
        self._begun = True
        return self._batches()

    def _batches(self) -> Iterator[Batch]:
        import numpy as np

        words: list[str] = []
        pieces: list[NDArray[np.float32]] = []
        size = self._wishes.batch_rows
        for more, vectors in self._chosen():
            words += more
            pieces.append(vectors)
            if len(words) >= size:
                together, start = np.concatenate(pieces), 0
                for start in range(0, len(words) - size + 1, size):
                    yield words[start : start + size], together[start : start + size]
                words, pieces = words[start + size :], [together[start + size :].copy()]
        if words:
            yield words, np.concatenate(pieces)

    def _chosen(self) -> Iterator[Batch]:
        for rows in self._rows:
            words, vectors, places, problems = self._checked(rows)
            kept = range(len(words))
            if self._wanted is not None:
                kept = [i for i in kept if words[i] in self._wanted]  # type: ignore[assignment]
                self._wanted.difference_update(words[i] for i in kept)
            if self._left is not None:
                kept = kept[: self._left]
                self._left -= len(kept)
            self._found += len(kept)
            done = self._left == 0 or (self._wanted is not None and not self._wanted)
            self._meet(problems, places[kept[-1]] if done and kept else None)
            chosen = vectors if len(kept) == len(vectors) else vectors[list(kept)]
            yield [words[i] for i in kept], self._unit(chosen) if self._wishes.normalize else chosen
            if done:
                return

    def _checked(self, rows: Rows) -> tuple[list[str], NDArray[np.float32], list[int], list[Problem]]:
        """Return what can be handed out of some rows, and all that is wrong with the others."""
        import numpy as np

        problems = list(rows.problems)
        good: NDArray[np.bool_] = np.asarray(np.isfinite(rows.vectors).all(axis=1))
        for i in np.flatnonzero(~good).tolist():
            wrong = int(np.flatnonzero(~np.isfinite(rows.vectors[i]))[0])
            message = f"numbers must be finite in float32, got {rows.vectors[i, wrong]!s} as number {wrong + 1}"
            problems.append(Problem(rows.places[i], message))
        words, signs = self._spelled(rows, good, problems)
        kept = np.flatnonzero(good)
        spelled = [words[i] for i in kept.tolist()]
        earlier = self._seen.add(spelled, (np.array(rows.places, np.int64) * signs)[kept])
        for i in np.flatnonzero(earlier).tolist():
            place, before, word = rows.places[kept[i]], int(earlier[i]), spelled[i]
            message = f"a word must stand in the file once, got {word!r} as on {self._rows.where(abs(before))}"
            problems.append(Problem(place, message, before < 0 or bool(signs[kept[i]] < 0)))
        kept = kept[earlier == 0]
        if len(kept) == len(words):
            return words, rows.vectors, rows.places, problems
        chosen = kept.tolist()
        return [words[i] for i in chosen], rows.vectors[kept], [rows.places[i] for i in chosen], problems

    def _spelled(
        self, rows: Rows, good: NDArray[np.bool_], problems: list[Problem]
    ) -> tuple[list[str], NDArray[np.int64]]:
        """Return the words, and -1 for each that is a guess; what can't be spelled is no longer good."""
        import numpy as np

        signs = np.ones(len(rows.words), np.int64)
        if all(rows.words) and b"\0" not in b"".join(rows.words):
            try:
                return [word.decode() for word in rows.words], signs
            except UnicodeDecodeError:
                pass
        words = []
        for i, word in enumerate(rows.words):
            text, guessed, message = "", False, "a word must not be empty"
            if b"\0" in word:
                message = f"a word must have no NUL, got {word[:40]!r}"
            elif word:
                try:
                    text, guessed = spell(word, self._wishes.errors)
                except UnicodeDecodeError:
                    message = f'a word must be UTF-8, got {word[:40]!r}; pass errors="replace", or errors="cp1252"'
            if guessed:
                signs[i] = -1
            if not text and good[i]:
                good[i] = False
                problems.append(Problem(rows.places[i], message))
            words.append(text)
        return words, signs

    def _meet(self, problems: list[Problem], last: int | None) -> None:
        """Count what is wrong, or refuse the file; nothing behind the last row handed out counts."""
        for place, message, forgiven in sorted(problems):
            if last is not None and place > last:
                return
            reason = f"{self._rows.where(place)}: {message}"
            if not (self._wishes.skip or forgiven):
                raise ImportFailed(f"{reason}; {REMEDY}", self._rows.line(place))
            self.skipped_count += 1
            if len(self.skipped) < SKIPPED_KEPT:
                self.skipped.append(Skipped(place, reason))

    def _unit(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return rows of length 1; a row of zeros stays one."""
        import numpy as np

        wide = vectors.astype(np.float64)
        lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide))
        lengths[lengths == 0.0] = 1.0
        unit: NDArray[np.float32] = (wide / lengths[:, None]).astype(np.float32)
        return unit
