"""The checksum of a constitution: one definition for every version, whether or not the 384-byte record can hold it.

It is 64-bit FNV-1a over one line `name=value` for each field in the table's order, as a signed integer. The record's
own checksum would not do: it has no place for the limits of pull, nor for most connection types.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...codec.edge_id import fnv1a_64
from ...model.constitution import FIELDS, WHOLE, Value


def checksum(fields: Mapping[str, Value]) -> int:
    """Return the checksum of the fields, -2**63 to 2**63 - 1.

    Parameters
    ----------
    fields
        A value for each of `FIELDS`.

    Returns
    -------
    int
        As the column `checksum` holds it.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     db.cdna.update(max_out_degree=500).checksum == checksum(db.cdna.current().fields)
    True

    Notes
    -----
    0.12 ms: one step in Python for each of some 1,700 characters.
    """
    text = "".join(f"{name}={_written(name, fields[name])}\n" for name in FIELDS)
    unsigned = fnv1a_64(text.encode())
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned


def _written(name: str, value: Value) -> str:
    """Write a number so that it reads back the same: a flag as 0 or 1, a real as the shortest such decimal."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or name in WHOLE:
        return str(int(value))
    return repr(float(value))
