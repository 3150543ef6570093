"""When reading words and numbers by a kernel repays numba's start."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .policy import COMPILE_S, why_no_kernels, why_not_started

if TYPE_CHECKING:
    from ..codec.word_vectors.rows import TextParser

SAVED_S = 1.1e-8  # what the kernel saves on a byte: 0.78 and 0.30 s measured for 44 MB
START_S = 0.65  # importing numba and loading the compiled kernel: 0.6 s measured, so 60 MB repay it
LOAD_S = 0.01  # loading the compiled kernel where numba is loaded already: 3 to 8 ms measured


def text_parser(text_bytes: int) -> TextParser | None:
    """Return the kernel that reads lines of words and numbers, or None where it would not repay itself.

    Parameters
    ----------
    text_bytes
        How much text there is to read.

    Returns
    -------
    callable or None
        What `open_word_vectors` takes as ``parser=`` is this function itself.

    Examples
    --------
    >>> text_parser(1000) is None
    True
    """
    from .kernel_cache import forget_stale, is_compiled

    price_s = LOAD_S if "numba" in sys.modules else START_S
    if text_bytes * SAVED_S <= price_s or why_no_kernels() is not None:
        return None
    if text_bytes * SAVED_S <= price_s + COMPILE_S and not is_compiled("text"):
        return None
    if why_not_started() is not None:
        return None
    forget_stale()
    from ..kernels.text_rows import run_text_rows

    return run_text_rows
