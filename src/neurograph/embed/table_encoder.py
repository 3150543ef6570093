"""Token ids to a vector a token by a table: static embeddings, one row a token whatever stands around it."""

from __future__ import annotations

from ..errors import InvalidValue
from .safetensors import read_safetensors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import numpy as np


class TableEncoder:
    """The one table of vectors in a safetensors file; an id beyond it takes the last row.

    Notes
    -----
    Held as float32: 33 MB for 32,000 tokens of 256 numbers.
    """

    special_tokens = False
    pools = False
    workers = 1  # a lookup is as fast as memory
    most_tokens = 16_384  # 16 MB of vectors at 256 numbers

    def __init__(self, path: Path) -> None:
        import numpy as np

        arrays = read_safetensors(path)
        tables = [array for array in arrays.values() if array.ndim == 2 and array.dtype.kind == "f"]
        if len(tables) != 1 or len(arrays) != 1 or not tables[0].size:
            raise InvalidValue(
                f"{str(path)!r} must hold one table of vectors, got the tensors {sorted(arrays)[:5]}; "
                "`neurograph.convert_encoder` makes an ONNX file of a BERT model's weights"
            )
        self.precision = {2: "float16", 4: "float32", 8: "float32"}[tables[0].dtype.itemsize]
        self._table = np.ascontiguousarray(tables[0], np.float32)
        self.dimension: int | None = self._table.shape[1]

    def __call__(self, ids: np.ndarray[Any, Any], mask: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return (n, tokens, d) float32 of (n, tokens) ids; the mask is not needed."""
        return self._table.take(ids, axis=0, mode="clip")
