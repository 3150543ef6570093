r"""Which format the bytes of a file are of.

The rules, in order; the name of the file says nothing, and ``format=`` overrules them:

1. ``\x93NUMPY`` begins an array.
2. A first line of two whole numbers is a header, count and dimension, whatever follows: a GloVe file of one
   dimension whose first word is a number needs ``format="glove"``.
3. After a header the file is text where the fields after the first of its first line are numbers, or else where
   the bytes after the first space are printable ASCII: as many as a binary row has, or to the end of the line if that
   is long enough for a row of text. Otherwise it is binary.
4. Anything else is GloVe's text, if its first lines end in numbers: as many as most of the first 64 lines do.

fastText's `.vec` and word2vec's text are one format; it is called ``"word2vec"`` where it is detected.
"""

from __future__ import annotations

import re

from ...errors import ImportFailed, InvalidValue
from .binary import BinaryRows
from .npy import MAGIC, ArrayRows
from .rows import MOST_DIMENSIONS, Format, TextParser
from .source import Source
from .text import BLOCK, MARK, TextRows, dimension_of, is_number

FORMATS = ("glove", "word2vec", "word2vec_binary", "fasttext", "npy")
_FASTTEXT_MODEL = b"\xba\x16\x4f\x2f"
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?[ \t]*([0-9]{1,18})[ \t]+([0-9]{1,18})[ \t]*\r?(?:\n|\Z)")
_TEXT = re.compile(rb"[\t\r -~]+\Z")
_SAMPLE = 64  # lines


def rows_of(source: Source, format: str | None, words: Source | None, parser: TextParser | None) -> Format:
    """Return the rows of a file, in the format given or found.

    Parameters
    ----------
    source
        The file, nothing of it read.
    format
        One of `FORMATS`; None finds it.
    words
        The list of words of an array.
    parser
        Reads plain lines of text faster.

    Returns
    -------
    Format
        The rows; the header is read.

    Raises
    ------
    ImportFailed
        The file is empty or of no such format, or its header is wrong.
    InvalidValue
        A list of words is given for a format that has words of its own.
    """
    head = source.peek(BLOCK)
    if not head.strip():
        raise ImportFailed(f"{source.path.name}: must hold words and numbers, got an empty file")
    format = format or detect(head, source.path.name)
    if format == "npy":
        if words is None:
            raise ImportFailed(f"{source.path.name}: an array needs its list of words; name that file by words=")
        return ArrayRows(source, words)
    if words is not None:
        raise InvalidValue(f"words must be left out, as {format} has words of its own, got {str(words.path)!r}")
    if format == "glove":
        return _glove(source, head, parser)
    header = _HEADER.match(head)
    if header is None:
        got = head.split(b"\n", 1)[0][:40]
        raise ImportFailed(f"line 1: must be the header, the number of words and the dimension, got {got!r}", 1)
    count, dimension = int(header[1]), int(header[2])
    if not 1 <= dimension <= MOST_DIMENSIONS:
        raise ImportFailed(f"line 1: dimension must be in [1, {MOST_DIMENSIONS}], got {dimension}", 1)
    source.read(header.end())
    if format == "word2vec_binary":
        return BinaryRows(source, dimension, count, header.end())
    return TextRows(source, format, dimension, count, 2, parser)


def detect(head: bytes, name: str) -> str:
    r"""Return the format of a file by its first bytes.

    Examples
    --------
    >>> detect(b"cat 0.5 0.25\n", "f"), detect(b"1 2\ncat 0.5 0.25\n", "f"), detect(b"1 1\ncat \x00\x00\x80\x3e", "f")
    ('glove', 'word2vec', 'word2vec_binary')
    """
    if head.startswith(MAGIC):
        return "npy"
    if head.startswith(_FASTTEXT_MODEL):
        raise ImportFailed(f"{name}: is a fastText model, which holds no list of vectors; take its .vec file")
    header = _HEADER.match(head)
    if header is None:
        return "glove"
    return "word2vec" if _is_text(head[header.end() :], int(header[2])) else "word2vec_binary"


def _is_text(rows: bytes, dimension: int) -> bool:
    """Tell whether what follows a header is text."""
    first = rows.split(b"\n", 1)[0]
    if not first.strip() or all(is_number(field) for field in first.split()[1:] or [b""]):
        return True
    space = rows.find(b" ")
    vector = rows[space + 1 : space + 1 + 4 * dimension]
    end = vector.find(b"\n")
    return space >= 0 and bool(_TEXT.match(vector[:end] if end >= 2 * dimension - 1 else vector))


def _glove(source: Source, head: bytes, parser: TextParser | None) -> Format:
    if head.startswith(MARK):
        source.read(len(MARK))
        head = head.removeprefix(MARK)
    lines = head.split(b"\n", _SAMPLE)
    dimension = dimension_of(lines[:_SAMPLE] if len(lines) > _SAMPLE or len(head) < BLOCK - len(MARK) else lines[:-1])
    if not dimension:
        raise ImportFailed(
            f"{source.path.name}: must be GloVe or word2vec text, word2vec binary or .npy, got {head[:40]!r}"
        )
    return TextRows(source, "glove", dimension, None, 1, parser)
