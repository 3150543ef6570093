"""The originals' tokens in 64 bytes each, arrays of them both ways; the invariants are those of `token64`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import IdNotRepresentable, InvalidValue
from ..model.levels import AXES, AXIS_SCALES, LEVELS
from . import columns as column
from . import token64
from .fields import INT16, NANOSECONDS, UINT8, UINT16, UNIT_STEPS
from .token64 import (
    GREATEST_LOCAL_ID,
    GREATEST_NIBBLE,
    RADIUS_STEPS,
    RECORD_BYTES,
    TYPE_BITS,
    UNDEFINED,
    TokenRecord,
)

if TYPE_CHECKING:
    from typing import Literal

    import numpy as np
    from numpy.typing import NDArray


class TokenColumns(NamedTuple):
    """What n records say, column by column; fields as in `TokenRecord`."""

    id: NDArray[np.int64]
    """(n,) int64"""
    entity_type: NDArray[np.int64]
    """(n,) int64"""
    domain: NDArray[np.int64]
    """(n,) int64"""
    flags: NDArray[np.int64]
    """(n,) int64"""
    weight: NDArray[np.float64]
    """(n,) float64"""
    field_radius: NDArray[np.float64]
    """(n,) float64"""
    field_strength: NDArray[np.float64]
    """(n,) float64"""
    coordinates: NDArray[np.float64]
    """(n, 8, 3) float64, level-major; NaN in all three axes of an undefined level"""
    created_ns: NDArray[np.int64]
    """(n,) int64"""
    type_in_flags: NDArray[np.int64] | None = None
    """(n,) int64, the entity type in the flags; None: the same as `entity_type`"""

    @property
    def legacy_id(self) -> NDArray[np.int64]:
        """(n,) int64, the 32-bit ids of the records."""
        return self.domain << 28 | self.entity_type << 24 | self.id


def encode_many(
    tokens: TokenColumns, *, ids: Literal["exact", "remap"] = "exact", clip: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Write n tokens as records of 64 bytes.

    Parameters
    ----------
    tokens
        Columns of one length; see `TokenColumns`. Not modified. A level is undefined where all axes are NaN.
    ids
        ``"exact"`` keeps the ids and refuses one that does not fit; ``"remap"`` numbers the tokens 1 to n in
        the order given.
    clip
        As for `encode`.

    Returns
    -------
    records : (n, 64) uint8
        In the order given.
    legacy_ids : (n,) int64
        The 32-bit id of each record: with `tokens.id` the map of ids, which connection records need.

    Raises
    ------
    IdNotRepresentable
        If an id does not fit 24 bits, or there are more than 16,777,215 tokens to number.
    InvalidValue
        If another value does not fit, or a column has the wrong shape or kind; the message names the first
        token at fault.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones(2, dtype=np.int64)
    >>> place = np.zeros((2, 8, 3))
    >>> tokens = TokenColumns(np.array([2**40, 9]), one, one * 0, one, one * 0.5, one, one, place, one * 0)
    >>> records, legacy_ids = encode_many(tokens, ids="remap")
    >>> records.shape, [hex(legacy_id) for legacy_id in legacy_ids]
    ((2, 64), ['0x1000001', '0x1000002'])

    Notes
    -----
    Grows with n: a million tokens in 0.41 s.
    """
    import numpy as np

    if ids not in ("exact", "remap"):
        raise InvalidValue(f"ids must be 'exact' or 'remap', got {ids!r}")
    rows = column.length("id", tokens.id)
    tokens = _checked(tokens, rows)
    local = tokens.id
    if ids == "remap":
        if rows > GREATEST_LOCAL_ID:
            raise IdNotRepresentable(f"tokens must be at most {GREATEST_LOCAL_ID}, got {rows}; write several files")
        local = np.arange(1, rows + 1)
    composites = tokens._replace(id=local).legacy_id
    records = np.empty(rows, dtype=_dtype())
    for start in range(0, rows, column.BLOCK_ROWS):
        block = slice(start, start + column.BLOCK_ROWS)
        bad = _encode_block(tokens, block, local[block], composites[block], records[block], clip)
        if bad is not None:
            row = start + bad
            token = _row(tokens, row)
            token64.encode_named(f"token {token.id}", token._replace(id=int(local[row])), clip)
            raise AssertionError(f"row {row} was refused by the array codec alone")
    return records.view(np.uint8).reshape(rows, RECORD_BYTES), composites


def _dtype() -> np.dtype[Any]:
    import numpy as np

    return np.dtype(
        [
            ("coordinates", "<i2", (len(LEVELS), len(AXES))),
            ("id", "<u4"),
            ("flags", "<u2"),
            ("weight", "<f4"),
            ("field_radius", "u1"),
            ("field_strength", "u1"),
            ("created_s", "<u4"),
        ]
    )


def _checked(tokens: TokenColumns, rows: int) -> TokenColumns:
    whole_columns = ("id", "entity_type", "domain", "flags", "created_ns")
    real_columns = ("weight", "field_radius", "field_strength")
    kinds = tokens.entity_type if tokens.type_in_flags is None else tokens.type_in_flags
    checked: dict[str, NDArray[Any]] = {
        "coordinates": column.numbers("coordinates", tokens.coordinates, (rows, len(LEVELS), len(AXES))),
        "type_in_flags": column.integers("type_in_flags", kinds, rows),
    }
    checked |= {name: column.integers(name, getattr(tokens, name), rows) for name in whole_columns}
    checked |= {name: column.numbers(name, getattr(tokens, name), (rows,)) for name in real_columns}
    return TokenColumns(**checked)


def _row(tokens: TokenColumns, row: int) -> TokenRecord:
    """Return one row as plain values."""
    values = {name: values[row].item() for name, values in tokens._asdict().items() if name != "coordinates"}
    return TokenRecord(**values, coordinates=tuple(map(tuple, tokens.coordinates[row].tolist())))


def _encode_block(
    tokens: TokenColumns,
    block: slice,
    local: NDArray[np.int64],
    composites: NDArray[np.int64],
    records: NDArray[Any],
    clip: bool,
) -> int | None:
    """Fill the block's records; return its first row that can't be written, if any."""
    import numpy as np

    coordinates, bad = _encode_coordinates(tokens.coordinates[block], clip)
    radius, bad_radius = column.nearest_steps(tokens.field_radius[block], RADIUS_STEPS, 0, UINT8, clip=clip)
    strength, bad_strength = column.nearest_steps(tokens.field_strength[block], UNIT_STEPS, 0, UINT8, clip=clip)
    weight, bad_weight = column.float32s(tokens.weight[block], clip=clip)
    time_s, bad_time = column.whole_seconds(tokens.created_ns[block], clip=clip)
    flags, kinds = tokens.flags[block], tokens.type_in_flags[block]  # type: ignore[index]
    bad |= bad_radius | bad_strength | bad_weight | bad_time
    bad |= column.outside(local, 0, GREATEST_LOCAL_ID) | (composites == 0)
    bad |= column.outside(tokens.entity_type[block], 0, GREATEST_NIBBLE)
    bad |= column.outside(tokens.domain[block], 0, GREATEST_NIBBLE)
    bad |= column.outside(kinds, 0, GREATEST_NIBBLE)
    bad |= (flags & ~(UINT16 & ~TYPE_BITS)) != 0
    if bad.any():
        return int(np.argmax(bad))
    records["coordinates"] = coordinates
    records["id"] = composites
    records["flags"] = flags | kinds << 8
    records["weight"] = weight
    records["field_radius"] = radius
    records["field_strength"] = strength
    records["created_s"] = time_s
    return None


def _encode_coordinates(coordinates: NDArray[np.float64], clip: bool) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the steps, (n, 8, 3) whole float64, and which rows can't be written."""
    import numpy as np

    scales = np.array(AXIS_SCALES, dtype=np.float64)
    unset = np.isnan(coordinates)
    undefined: NDArray[np.bool_] = np.any(unset, axis=2) if clip else np.all(unset, axis=2)
    raw, bad = column.nearest_steps(coordinates, scales, *INT16, clip=clip)
    refused: NDArray[np.bool_] = np.any(bad & ~undefined[:, :, None], axis=(1, 2))
    clash = raw[:, :, 0] == UNDEFINED
    if clip:
        exact = coordinates[:, :, 0][clash] * np.broadcast_to(scales[:, 0], clash.shape)[clash]
        raw[:, :, 0][clash] = np.where(exact > UNDEFINED, UNDEFINED + 1, UNDEFINED - 1)
    else:
        refused |= clash.any(axis=1)
    raw[undefined] = UNDEFINED
    return raw, refused


def decode_many(records: bytes | NDArray[np.uint8]) -> TokenColumns:
    """Read n tokens from their records.

    Parameters
    ----------
    records
        (n, 64) uint8, or the bytes of n records. Not modified.

    Returns
    -------
    TokenColumns
        In the order given; see there.

    Raises
    ------
    InvalidValue
        If the size is no multiple of 64, an id is 0, or a weight is not finite; the message names the record,
        from 0.

    Examples
    --------
    >>> tokens = decode_many(bytes(48) + bytes.fromhex("01000001 0100 0000003f ff ff 00f15365"))
    >>> tokens.entity_type, tokens.weight, tokens.coordinates.shape
    (array([1]), array([0.5]), (1, 8, 3))

    Notes
    -----
    Grows with n: a million tokens in 0.19 s.
    """
    import numpy as np

    content = column.records_of(records, RECORD_BYTES)
    rows = content.view(_dtype())[:, 0]
    bad = (rows["id"] == 0) | ~np.isfinite(rows["weight"])
    if bad.any():
        row = int(np.argmax(bad))
        token64.decode_named(f"record {row}", content[row].tobytes())
        raise AssertionError(f"record {row} was refused by the array codec alone")
    coordinates = rows["coordinates"] / np.array(AXIS_SCALES, dtype=np.float64)
    coordinates[rows["coordinates"][:, :, 0] == UNDEFINED] = np.nan
    composites, flags = rows["id"].astype(np.int64), rows["flags"].astype(np.int64)
    return TokenColumns(
        id=composites & GREATEST_LOCAL_ID,
        entity_type=composites >> 24 & GREATEST_NIBBLE,
        domain=composites >> 28,
        flags=flags & ~TYPE_BITS,
        weight=rows["weight"].astype(np.float64),
        field_radius=rows["field_radius"] / float(RADIUS_STEPS),
        field_strength=rows["field_strength"] / float(UNIT_STEPS),
        coordinates=coordinates,
        created_ns=rows["created_s"].astype(np.int64) * NANOSECONDS,
        type_in_flags=(flags & TYPE_BITS) >> 8,
    )
