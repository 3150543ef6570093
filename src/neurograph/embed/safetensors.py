"""Read a safetensors file: a length, a header in JSON, and the tensors as they lie in memory.

1. Nothing is trusted: a header that is no header, a tensor outside the file or of another size than its shape and
   dtype ask for is refused before an array is made.
2. Arrays are views of a memory map, read-only; bfloat16, which numpy lacks, is widened to a float32 copy.

The format is small enough that its package is not needed.
"""

from __future__ import annotations

from ..errors import CannotOpen, FileMissing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import numpy as np

_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I8": "<i1",
    "U8": "<u1",
}
_LONGEST_HEADER = 100_000_000  # the format's own limit, in bytes


def read_safetensors(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return name → array of a safetensors file.

    Raises
    ------
    FileMissing
        There is no such file.
    CannotOpen
        It is no safetensors file, or a damaged one.

    Notes
    -----
    Maps the file: pages are read when an array is.
    """
    import json
    import math

    import numpy as np

    if not path.is_file():
        raise FileMissing(f"the file of weights must exist, got {str(path)!r}")
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(size - 8, _LONGEST_HEADER):
            raise CannotOpen(f"{str(path)!r} must be a safetensors file, got one without its header")
        try:
            header = json.loads(file.read(length))
            entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
            described = {}
            for name, entry in entries.items():
                begin, end = map(int, entry["data_offsets"])
                described[name] = (str(entry["dtype"]), [int(n) for n in entry["shape"]], begin, end)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise CannotOpen(f"{str(path)!r} must be a safetensors file, got a header that is none: {error}") from error
    first = 8 + length
    mapped = np.memmap(path, np.uint8, "r", first) if size > first else np.empty(0, np.uint8)
    arrays = {}
    for name, (dtype, shape, begin, end) in described.items():
        if dtype not in _DTYPES:
            raise CannotOpen(f"tensor {name!r} must be of a type in {sorted(_DTYPES)}, got {dtype!r}")
        wanted = np.dtype(_DTYPES[dtype]).itemsize * math.prod(shape)
        if min(shape, default=0) < 0 or not 0 <= begin <= end <= size - first or end - begin != wanted:
            raise CannotOpen(f"tensor {name!r} must lie whole in {str(path)!r}; the file is damaged, copy it again")
        array = np.asarray(mapped[begin:end]).view(_DTYPES[dtype]).reshape(shape)
        arrays[name] = (array.astype(np.uint32) << 16).view(np.float32) if dtype == "BF16" else array
    return arrays
