"""The kernels that read lines of text, each a word and then numbers, into rows of float32.

Why a number they write is the right one, bit for bit: let v be the number as written. Its first 18 digits are taken
as a whole number (what is dropped is under 1e-17 of it) and multiplied by a power of ten; reading the whole number as
float64, the power and the product are each off by at most 2**-53 of their value. So the float64 a lies within
2**-51 of v, relatively, and so does the float64 next to v, which Python's `float` would return: both lie between
a*(1 - 2**-50) and a*(1 + 2**-50), these products' own rounding included. Rounding to float32 never changes the order
of two numbers: where both ends round to one float32, `float32(float(text))` is that one. Where they do not (one
number in 2**25, if they fall anywhere), and wherever a line is written in any other way, the line is left to the
caller. The bounds hold while nothing is subnormal in float64 or overflows: powers from 1e-290 to 1e280 see to that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

LEAST_POWER, MOST_POWER = -290, 280
SLACK = 2.0**-50
LARGEST = 3.4e38  # float32 ends a little above
ENOUGH = 10**17  # a whole number below it takes another digit and stays exact in int64
SPACE, TAB, NEWLINE, RETURN, PLUS, MINUS, DOT, ZERO = 32, 9, 10, 13, 43, 45, 46, 48
LARGE_E, SMALL_E = 69, 101


@njit(cache=True, nogil=True)
def digits(text: NDArray[np.uint8], p: int, mantissa: int) -> tuple[int, int, int]:
    """Return the mantissa with the digits at p taken in, how many more there were than fit, and where they end."""
    dropped = 0
    while True:
        digit: Any = np.int64(text[p]) - ZERO
        if digit < 0 or digit > 9:
            return mantissa, dropped, p
        if mantissa < ENOUGH:
            mantissa = mantissa * 10 + digit
        else:
            dropped += 1
        p += 1


@njit(cache=True, nogil=True)
def number(text: NDArray[np.uint8], p: int, powers: NDArray[np.float64]) -> tuple[float, int]:
    """Return the number at p, rounded to float32, and where it ends; -1 where Python must read it."""
    negative = text[p] == MINUS
    start = p + 1 if negative or text[p] == PLUS else p
    mantissa, power, p = digits(text, start, 0)
    count = p - start
    if text[p] == DOT:
        start = p + 1
        mantissa, dropped, p = digits(text, start, mantissa)
        power += dropped - (p - start)
        count += p - start
    if count == 0:
        return 0.0, -1
    if text[p] == SMALL_E or text[p] == LARGE_E:
        down = text[p + 1] == MINUS
        start = p + 2 if down or text[p + 1] == PLUS else p + 1
        exponent, dropped, p = digits(text, start, 0)
        if p == start or p - start > 9:
            return 0.0, -1
        power += -exponent if down else exponent
    if power < LEAST_POWER or power > MOST_POWER:
        return 0.0, -1
    value = np.float64(mantissa) * powers[power - LEAST_POWER]
    if value > LARGEST:
        return 0.0, -1
    low, high = np.float32(value * (1.0 - SLACK)), np.float32(value * (1.0 + SLACK))
    if low != high:
        return 0.0, -1
    return np.float64(-low if negative else low), p


@njit(cache=True, nogil=True)
def line(text: NDArray[np.uint8], p: int, powers: NDArray[np.float64], row: NDArray[np.float32]) -> tuple[int, int]:
    """Return where the word of the line at p ends, or -1 where Python must read the line, and where reading ended.

    Taken here is a word without control characters, a blank and a number for each place of the row, nothing more.
    """
    while text[p] > SPACE:
        p += 1
    word_end = p
    for i in range(row.shape[0]):
        if text[p] != SPACE and text[p] != TAB:
            return -1, p
        while text[p] == SPACE or text[p] == TAB:
            p += 1
        value, end = number(text, p, powers)
        if end < 0:
            return -1, p
        row[i], p = value, end
    while text[p] == SPACE or text[p] == TAB or text[p] == RETURN:
        p += 1
    return (word_end if text[p] == NEWLINE else -1), p


@njit(cache=True, nogil=True)
def lines(
    text: NDArray[np.uint8], powers: NDArray[np.float64], rows: NDArray[np.float32], spans: NDArray[np.int64]
) -> None:
    """Write each line's row, and where it begins, where its word ends (-1: left to Python) and where it ends."""
    p = 0
    for i in range(spans.shape[0]):
        spans[i, 0] = p
        spans[i, 1], p = line(text, p, powers, rows[i])
        if spans[i, 1] == spans[i, 0]:
            spans[i, 1] = -1
        while text[p] != NEWLINE:
            p += 1
        spans[i, 2] = p
        p += 1
