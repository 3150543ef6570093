"""The originals' connections in 64 bytes each, arrays of them both ways; invariants as in `connection64`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..model.levels import LEVELS
from . import columns as column
from . import connection64
from .connection64 import AIM_SCALES, FIELDS, RECORD_BYTES, ConnectionRecord
from .fields import INT16, NANOSECONDS, UINT32, UNIT_STEPS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WHOLE_KINDS = ("code", "count", "time", "moment")


class ConnectionColumns(NamedTuple):
    """What n records say, column by column; fields as in `ConnectionRecord`, each (n,) unless said."""

    source: NDArray[np.int64]
    """int64"""
    target: NDArray[np.int64]
    """int64"""
    type: NDArray[np.int64]
    """int64"""
    rigidity: NDArray[np.float64]
    """float64"""
    active_levels: NDArray[np.int64]
    """int64"""
    flags: NDArray[np.int64]
    """int64"""
    activation_count: NDArray[np.int64]
    """int64"""
    pull: NDArray[np.float64]
    """float64"""
    preferred_distance: NDArray[np.float64]
    """float64"""
    created_ns: NDArray[np.int64]
    """int64"""
    last_activation_ns: NDArray[np.int64]
    """int64, 0: never"""
    mutability: NDArray[np.int64]
    """int64"""
    confidence: NDArray[np.float64]
    """float64"""
    evidence_count: NDArray[np.int64]
    """int64"""
    modified_ns: NDArray[np.int64]
    """int64"""
    learning_rate: NDArray[np.float64]
    """float64"""
    decay_rate: NDArray[np.float64]
    """float64"""
    origin: NDArray[np.int64]
    """int64"""
    aim: NDArray[np.float64]
    """(n, 8) float64"""


def encode_many(connections: ConnectionColumns, *, clip: bool = False) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Write n connections as records of 64 bytes.

    Parameters
    ----------
    connections
        Columns of one length; see `ConnectionColumns`. Not modified.
    clip
        As for `connection64.encode`.

    Returns
    -------
    records : (n, 64) uint8
        In the order given.
    swapped : (n,) bool
        True: the record's first id is the target.

    Raises
    ------
    IdNotRepresentable
        If an id is 0 or does not fit 32 bits.
    InvalidValue
        If another value does not fit, or a column has the wrong shape or kind; the message names the first
        connection at fault.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones(2, dtype=np.int64)
    >>> ends = np.array([3, 4]), np.array([8, 1])
    >>> records, swapped = encode_many(ConnectionColumns(*ends, *[one] * 16, aim=np.zeros((2, 8))))
    >>> swapped
    array([False,  True])

    Notes
    -----
    Grows with n.
    """
    import numpy as np

    rows = column.length("source", connections.source)
    connections = _checked(connections, rows)
    records = np.empty(rows, dtype=_dtype())
    for start in range(0, rows, column.BLOCK_ROWS):
        bad = _encode_block(connections, slice(start, start + column.BLOCK_ROWS), records, clip)
        if bad is not None:
            connection64.encode(_row(connections, start + bad), clip=clip)
            raise AssertionError(f"row {start + bad} was refused by the array codec alone")
    return records.view(np.uint8).reshape(rows, RECORD_BYTES), connections.source > connections.target


def _dtype() -> np.dtype[Any]:
    import numpy as np

    sizes = ["u1", "u1", "u1", "u1", "<u4", "<f4", "<f4", "<u4", "<u4", "u1", "u1", "<u2", "<u4", "u1", "u1"]
    between = [(name, size) for (name, _, _), size in zip(FIELDS, sizes, strict=False)]
    return np.dtype(
        [
            ("first", "<u4"),
            ("second", "<u4"),
            *between,
            ("padding", "<u2"),
            ("origin", "<u4"),
            ("aim", "<i2", (len(LEVELS),)),
        ]
    )


def _checked(connections: ConnectionColumns, rows: int) -> ConnectionColumns:
    whole = {"source", "target", *(name for name, kind, _ in FIELDS if kind in _WHOLE_KINDS)}
    checked: dict[str, NDArray[Any]] = {"aim": column.numbers("aim", connections.aim, (rows, len(LEVELS)))}
    for name, values in connections._asdict().items():
        if name in whole:
            checked[name] = column.integers(name, values, rows)
        elif name != "aim":
            checked[name] = column.numbers(name, values, (rows,))
    return ConnectionColumns(**checked)


def _row(connections: ConnectionColumns, row: int) -> ConnectionRecord:
    """Return one row as plain values."""
    values = {name: values[row].tolist() for name, values in connections._asdict().items()}
    return ConnectionRecord(**values)


def _encode_block(connections: ConnectionColumns, block: slice, records: NDArray[Any], clip: bool) -> int | None:
    """Fill the block's records; return its first row that can't be written, if any."""
    import numpy as np

    source, target = connections.source[block], connections.target[block]
    scales = np.array(AIM_SCALES, dtype=np.float64)
    aim, bad_aim = column.nearest_steps(connections.aim[block], scales, *INT16, clip=clip)
    bad: NDArray[np.bool_] = np.any(bad_aim, axis=1) | (source == target)
    bad |= column.outside(source, 1, UINT32) | column.outside(target, 1, UINT32)
    between = {}
    for name, kind, limit in FIELDS:
        between[name], refused = _encode_column(kind, limit, getattr(connections, name)[block], clip)
        bad |= refused
    if bad.any():
        return int(np.argmax(bad))
    records = records[block]
    records["first"], records["second"] = np.minimum(source, target), np.maximum(source, target)
    for name, raw in between.items():
        records[name] = raw
    records["padding"] = 0
    records["aim"] = aim
    return None


def _encode_column(kind: str, limit: int, values: NDArray[Any], clip: bool) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return what the records hold for a column, and which rows they can't hold."""
    if kind == "code":
        return values, column.outside(values, 0, limit)
    if kind == "count":
        return column.counts(values, limit, clip=clip)
    if kind == "unit":
        return column.nearest_steps(values, UNIT_STEPS, 0, limit, clip=clip)
    if kind == "real":
        return column.float32s(values, clip=clip)
    return column.whole_seconds(values, clip=clip)


def decode_many(records: bytes | NDArray[np.uint8], *, swapped: NDArray[np.bool_] | None = None) -> ConnectionColumns:
    """Read n connections from their records.

    Parameters
    ----------
    records
        (n, 64) uint8, or the bytes of n records. Not modified.
    swapped
        (n,) bool as `encode_many` gave it, to have sources and targets back as they were; None: none.

    Returns
    -------
    ConnectionColumns
        In the order given; see there.

    Raises
    ------
    InvalidValue
        If the size is no multiple of 64, `swapped` has the wrong shape or kind, or `connection64.decode`
        refuses a record; the message names the record, from 0.

    Examples
    --------
    >>> record = bytes.fromhex("01000000 02000000 50800000") + bytes(52)
    >>> decode_many(record * 2).type
    array([80, 80])

    Notes
    -----
    Grows with n.
    """
    import numpy as np

    content = column.records_of(records, RECORD_BYTES)
    rows = content.view(_dtype())[:, 0]
    turned: NDArray[np.bool_] = np.zeros(len(rows), dtype=bool)
    if swapped is not None:
        turned = column.booleans("swapped", swapped, len(rows))
    bad = (rows["first"] == 0) | (rows["second"] == 0) | (rows["first"] == rows["second"])
    fields: dict[str, NDArray[Any]] = {}
    for name, kind, limit in FIELDS:
        fields[name] = _decode_column(kind, rows[name])
        if kind == "code":
            bad |= column.outside(fields[name], 0, limit)
        elif kind == "real":
            bad |= ~np.isfinite(fields[name])
    if bad.any():
        row = int(np.argmax(bad))
        connection64.decode_named(f"record {row}", content[row].tobytes(), swapped=False)
        raise AssertionError(f"record {row} was refused by the array codec alone")
    first, second = rows["first"].astype(np.int64), rows["second"].astype(np.int64)
    return ConnectionColumns(
        source=np.where(turned, second, first),
        target=np.where(turned, first, second),
        **fields,
        aim=rows["aim"] / np.array(AIM_SCALES, dtype=np.float64),
    )


def _decode_column(kind: str, raw: NDArray[Any]) -> NDArray[Any]:
    """Return the values that the records' numbers stand for."""
    if kind in ("time", "moment"):
        return raw.astype("int64") * NANOSECONDS
    if kind in _WHOLE_KINDS:
        return raw.astype("int64")
    values = raw.astype("float64")
    return values / UNIT_STEPS if kind == "unit" else values
