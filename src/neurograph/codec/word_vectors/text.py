"""Rows of text: a word, blanks, and its numbers; a line each.

Rules:

1. Only a newline ends a line; blanks, a carriage return before it, and blank lines mean nothing.
2. The last `dimension` fields are the numbers; what stands before them is the word, blanks inside it kept.
3. A word of several fields whose last is a number is refused: the line has a number too many.
4. A number is what `float` reads, rounded to float32.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...errors import ImportFailed
from .rows import MOST_DIMENSIONS, Problem, Rows, TextParser
from .source import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 1 << 20  # bytes; 2,300 lines of 50 numbers. With half and with four times as much it was no faster.
LONGEST_LINE = 1 << 22  # bytes; 8,192 numbers of 25 characters are 200 kB
MARK = b"\xef\xbb\xbf"  # some editors begin a file so


class TextRows:
    """The rows of a file of text, from where its source stands.

    Parameters
    ----------
    source
        Stands at the first row.
    name
        ``"glove"``, ``"word2vec"`` or ``"fasttext"``.
    dimension
        Numbers in a row.
    expected
        Rows, as the header says; None where there is none.
    first_line
        The number of the line the source stands at.
    parser
        Reads plain lines faster than the code here; None has every line read here.
    """

    def __init__(
        self,
        source: Source,
        name: str,
        dimension: int,
        expected: int | None,
        first_line: int,
        parser: TextParser | None,
    ) -> None:
        self.name, self.dimension, self.expected = name, dimension, expected
        self._source, self._line, self._parser = source, first_line, parser

    def where(self, place: int) -> str:
        """Return what a person looks for."""
        return f"line {place}"

    def line(self, place: int) -> int:
        """Return the number of the line."""
        return place

    def __iter__(self) -> Iterator[Rows]:
        """Yield the rows, those of a block at a time; last what is wrong with the header's count."""
        count, line = 0, self._line
        for block in blocks(self._source, self._line):
            rows = parse(block, self.dimension, line, self._parser)
            line += block.count(b"\n")
            count += len(rows.words) + len(rows.problems)
            yield rows
        if self.expected is not None and count != self.expected:
            import numpy as np

            message = f"the header must give the number of words, says {self.expected}, got {count}"
            yield Rows([], np.empty((0, self.dimension), np.float32), [], [Problem(1, message)])


def blocks(source: Source, line: int) -> Iterator[bytes]:
    """Yield what is left of a source as blocks of whole lines; a newline is added where the last has none."""
    rest = b""
    while block := source.read(BLOCK):
        end = block.rfind(b"\n") + 1
        if end:
            yield (ready := rest + block[:end])
            line += ready.count(b"\n")
            rest = block[end:]
        else:
            rest += block
            if len(rest) > LONGEST_LINE:
                raise ImportFailed(f"line {line}: must end within {LONGEST_LINE} bytes; this is no text", line)
    if rest:
        yield rest + b"\n"


def parse(text: bytes, dimension: int, first_line: int, parser: TextParser | None) -> Rows:
    r"""Read whole lines.

    Examples
    --------
    >>> rows = parse(b"cat 1 2\n\n. . 3 4\r\ndog 5\n", 2, 1, None)
    >>> rows.words, rows.vectors.tolist(), rows.places
    ([b'cat', b'. .'], [[1.0, 2.0], [3.0, 4.0]], [1, 3])
    >>> rows.problems[0].message
    'must be a word and 2 numbers, got 2 fields'
    """
    # A plain line has at least a byte for its word, two for each number and a newline: where lines are shorter, as in a
    # block of newlines, the parser's rows would take memory out of proportion.
    if parser is None or text.count(b"\n") * 2 * (dimension + 1) > len(text):
        return _parse_lines(list(enumerate(text.split(b"\n")[:-1], first_line)), dimension)
    spans, vectors = parser(text, dimension)
    words = [text[begin:end] for begin, end in spans[:, :2].tolist()]
    left = (spans[:, 1] < 0).nonzero()[0].tolist()
    if not left:
        return Rows(words, vectors, list(range(first_line, first_line + len(words))), [])
    odd = _parse_lines([(place, text[spans[place, 0] : spans[place, 2]]) for place in left], dimension)
    for word, vector, place in zip(odd.words, odd.vectors, odd.places, strict=True):
        words[place], vectors[place] = word, vector
    without = sorted(set(left) - set(odd.places))
    kept = [place for place in range(len(words)) if place not in set(without)]
    problems = [Problem(place + first_line, message) for place, message, _ in odd.problems]
    return Rows([words[place] for place in kept], vectors[kept], [place + first_line for place in kept], problems)


def _parse_lines(lines: list[tuple[int, bytes]], dimension: int) -> Rows:
    words: list[bytes] = []
    places: list[int] = []
    problems: list[Problem] = []
    numbers = array("d")
    for place, line in lines:
        fields = line.rsplit(None, dimension)
        if not fields:
            continue
        try:
            if len(fields) <= dimension or _ends_in_number(fields[0]):
                raise ValueError
            numbers.extend(map(float, fields[1:]))
        except ValueError:
            del numbers[len(words) * dimension :]
            problems.append(Problem(place, _complaint(line, fields, dimension)))
            continue
        words.append(fields[0].lstrip())
        places.append(place)
    return Rows(words, _as_rows(numbers, dimension), places, problems)


def _as_rows(numbers: array[float], dimension: int) -> NDArray[np.float32]:
    import numpy as np

    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, which the reader refuses
        return np.array(numbers, np.float64).astype(np.float32).reshape(-1, dimension)


def _complaint(line: bytes, fields: list[bytes], dimension: int) -> str:
    every = line.split()
    wanted = f"must be a word and {dimension} numbers"
    if len(fields) <= dimension:
        return f"{wanted}, got {len(every)} fields"
    wrong = next((place for place, field in enumerate(fields[1:], 1) if not is_number(field)), None)
    if wrong is not None:
        return f"{wanted}, got {fields[wrong][:40]!r} as number {wrong}"
    return f"{wanted}, got {_trailing_numbers(every)} numbers"


def _ends_in_number(word: bytes) -> bool:
    parts = word.split()
    return len(parts) > 1 and any(48 <= byte <= 57 for byte in parts[-1]) and is_number(parts[-1])


def is_number(field: bytes) -> bool:
    """Tell whether `float` reads a field."""
    try:
        float(field)
    except ValueError:
        return False
    return True


def _trailing_numbers(fields: list[bytes]) -> int:
    """Return how many fields at the end are numbers, the first left out: it is of the word."""
    count = 0
    for field in fields[:0:-1]:
        if not is_number(field):
            break
        count += 1
    return count


def dimension_of(lines: list[bytes]) -> int:
    """Return the count of numbers that most lines end in; of equally many, the count met first; 0 where none does.

    Examples
    --------
    >>> dimension_of([b"the 1 2 3", b"damaged 1", b"year 2000 1 2 3", b"a 1 2 3"])
    3
    """
    counts = Counter(count for line in lines if (count := _trailing_numbers(line.split())))
    most = max(counts.values(), default=0)
    return next((count for count, times in counts.items() if times == most and count <= MOST_DIMENSIONS), 0)
