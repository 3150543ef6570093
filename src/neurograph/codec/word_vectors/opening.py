"""`open_word_vectors`: a path and what is wished in, a reader out."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import ExitStack

from ...errors import InvalidValue
from .detection import FORMATS, rows_of
from .reader import Wishes, WordVectors
from .rows import TextParser
from .source import Source
from .spelling import ERRORS

MALFORMED = ("error", "skip")
UNPACKED = 3  # how much longer than its gz a file of word vectors is: 2.2 to 3 measured


def open_word_vectors(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    words: str | os.PathLike[str] | None = None,
    member: str | None = None,
    limit: int | None = None,
    subset: Collection[str] | None = None,
    normalize: bool = False,
    errors: str = "strict",
    malformed: str = "error",
    batch_rows: int = 4096,
    parser: Callable[[int], TextParser | None] | None = None,
) -> WordVectors:
    r"""Open a file of word vectors: GloVe text, word2vec text or binary, fastText `.vec`, or `.npy`.

    Parameters
    ----------
    path
        The file, as it is or inside gz, bz2 or zip; its bytes tell, not its name.
    format
        ``"glove"``, ``"word2vec"``, ``"word2vec_binary"``, ``"fasttext"`` or ``"npy"``; None finds it by the rules
        of `detection`.
    words
        For an array, which must be stored row by row: a text file with the word of each row, one a line.
    member
        The file to read in a zip file that holds several.
    limit
        At most so many words are handed out, 1 or more; None hands out all.
    subset
        Only these words are handed out; reading stops when all are found.
    normalize
        Divide each vector by its length, in float64; a vector of zeros stays one.
    errors
        For words that are not UTF-8: ``"strict"`` takes them as malformed, ``"replace"`` puts U+FFFD for what can't
        be read, ``"cp1252"`` reads the word as Windows-1252 (its five undefined bytes become the control characters
        of the same number). A word that only this made equal to another is skipped and counted.
    malformed
        ``"error"`` refuses the file at the first row that is malformed; ``"skip"`` leaves such rows out and counts
        them. Malformed are: another count of numbers than the file's dimension, what is no number, NaN, infinities
        and what is too large for float32, empty words and those with a NUL, a word that stood before (the first is
        kept), and a count in the header that is wrong. A damaged gz, bz2 or zip, an array that ends too early, and a
        list of words of another length than the array are errors always.
    batch_rows
        Rows in a batch, 1 or more.
    parser
        Given the bytes of text to come, as far as they are known, returns a function that reads plain lines as
        `neurograph.kernels.text_rows.run_text_rows` does, or None. The answers are the same.

    Returns
    -------
    WordVectors
        The reader; use it in a ``with`` block.

    Raises
    ------
    InvalidValue
        An argument breaks its rule.
    ImportFailed
        The file can't be opened or is of none of the formats; iterating raises it for what is malformed, with the
        line in its message and, for text, in its `line`.

    Examples
    --------
    >>> import gzip, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "vectors.gz"
    >>> _ = path.write_bytes(gzip.compress(b"3 2\ncat 3 4\n. . 0 0.5\nfox 5 6\n"))
    >>> with open_word_vectors(path, subset={"cat", ". ."}, normalize=True) as reader:
    ...     for batch, vectors in reader:
    ...         print(batch, vectors.tolist())
    ['cat', '. .'] [[0.6000000238418579, 0.800000011920929], [0.0, 1.0]]

    Notes
    -----
    Memory: a block of 1 MiB of the file as numbers, a batch, and 16 bytes a word (for moments 49), to find words that
    come twice. 100,000 words of 50 numbers with 5 digits took 0.27 s by the kernel and 0.62 s without; 0.13 s in
    binary; gensim took 2.9 s for the text and 0.56 s for the binary.
    """
    _one_of("errors", errors, ERRORS)
    _one_of("malformed", malformed, MALFORMED)
    if format is not None:
        _one_of("format", format, FORMATS)
    if limit is not None:
        _at_least_one("limit", limit)
    _at_least_one("batch_rows", batch_rows)
    for name, place in (("path", path), ("words", words)):
        if not isinstance(place, str | os.PathLike) and not (name == "words" and place is None):
            raise InvalidValue(f"{name} must be a string or a path, got {place!r}")
    if isinstance(subset, str) or not (subset is None or hasattr(subset, "__iter__")):
        raise InvalidValue(f"subset must be a collection of words, got {subset!r}")
    wishes = Wishes(limit, subset, normalize, errors, malformed == "skip", batch_rows)
    with ExitStack() as opened:
        source = opened.enter_context(Source(path, member))
        listed = None if words is None else opened.enter_context(Source(words))
        size = source.bytes_total * (UNPACKED if source.compressed else 1)
        rows = rows_of(source, format, listed, None if parser is None else parser(size))
        reader = WordVectors(rows, [source] if listed is None else [source, listed], wishes)
        opened.pop_all()
    return reader


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidValue(f"{name} must be one of {', '.join(allowed)}, got {value!r}")


def _at_least_one(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidValue(f"{name} must be a whole number, 1 or more, got {value!r}")
