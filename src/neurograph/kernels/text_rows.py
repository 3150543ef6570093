"""Lines of text, each a word and then numbers, read into rows of float32."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .text_rows_kernel import LEAST_POWER, MOST_POWER, lines

_POWERS: NDArray[np.float64] = np.array([float(f"1e{power}") for power in range(LEAST_POWER, MOST_POWER + 1)])


def run_text_rows(text: bytes, dimension: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    r"""Read whole lines of words and numbers.

    Parameters
    ----------
    text
        Whole lines: it ends with a newline, or is empty.
    dimension
        Numbers in a line.

    Returns
    -------
    tuple of numpy.ndarray
        (n, 3) int64: where each line begins, where its word ends, where its newline is. A word's end of -1 says
        that the line is not a plain one, good or bad, and its row is not written: the caller reads it.
        (n, dimension) float32: the rows, each number ``float32(float(text))`` bit for bit, and finite.

    Examples
    --------
    >>> spans, rows = run_text_rows(b"cat 0.5 -1e-3\na b 1 2\n", 2)
    >>> spans.tolist(), rows[0].tolist()
    ([[0, 3, 13], [14, -1, 21]], [0.5, -0.0010000000474974513])

    Notes
    -----
    Grows with the bytes; one call should get a few MB at most, it can't be interrupted.
    """
    spans: NDArray[np.int64] = np.empty((text.count(b"\n"), 3), np.int64)
    rows: NDArray[np.float32] = np.zeros((len(spans), dimension), np.float32)
    lines(np.frombuffer(text, np.uint8), _POWERS, rows, spans)
    return spans, rows
