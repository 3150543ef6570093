"""A vector a token to a vector a text."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float32]]

POOLINGS = ("mean", "cls", "max", "last")


def pool(vectors: Floats, mask: np.ndarray[Any, Any], how: str) -> Floats:
    """Return one vector a text; padding has no part in it.

    Parameters
    ----------
    vectors : (n, tokens, d) float32
        Not modified.
    mask : (n, tokens) int
        1 where a token is, 0 where padding is.
    how
        ``"mean"`` of the tokens, ``"cls"``: the first, ``"max"`` of each number over the tokens, ``"last"``: the last.

    Returns
    -------
    (n, d) float32
        Zeros for a text without a token.

    Examples
    --------
    >>> import numpy as np
    >>> vectors = np.array([[[1, 5], [3, 1], [9, 9]]], np.float32)
    >>> [pool(vectors, np.array([[1, 1, 0]]), how).tolist()[0] for how in POOLINGS]
    [[2.0, 3.0], [1.0, 5.0], [3.0, 5.0], [3.0, 1.0]]
    """
    import numpy as np

    counts = mask.sum(axis=1)
    if how == "mean":
        sums = np.matmul(mask[:, None, :].astype(np.float32), vectors)[:, 0]
        pooled = sums / np.maximum(counts, 1)[:, None].astype(np.float32)
    elif how == "cls":
        pooled = vectors[:, 0].copy()
    elif how == "max":
        pooled = np.where(mask[:, :, None] > 0, vectors, np.float32(-np.inf)).max(axis=1)
    else:
        last = mask.shape[1] - 1 - np.argmax(mask[:, ::-1] > 0, axis=1)
        pooled = vectors[np.arange(len(vectors)), last]
    pooled[counts == 0] = 0
    result: Floats = pooled
    return result


def normalized(vectors: Floats) -> Floats:
    """Return (n, d) vectors brought to length 1; one of zeros stays as it is.

    Examples
    --------
    >>> import numpy as np
    >>> normalized(np.array([[3, 4], [0, 0]], np.float32)).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    import numpy as np

    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    lengths[lengths == 0] = 1
    unit: Floats = (vectors / lengths[:, None]).astype(np.float32)
    return unit
