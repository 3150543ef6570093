"""The originals' identifiers by hash: of an edge (FNV-1a, 64 bits) and of a word (Murmur3, 32 bits).

They serve import and export only: an edge is known by its source, type, target and key, a word by itself.
"""

from __future__ import annotations

from ..errors import IdNotRepresentable, InvalidValue
from .fields import UINT8, UINT32, integer, whole

FNV_OFFSET = 14_695_981_039_346_656_037
FNV_PRIME = 1_099_511_628_211
UINT64 = 0xFFFF_FFFF_FFFF_FFFF


def fnv1a_64(content: bytes) -> int:
    """Hash bytes by 64-bit FNV-1a.

    Parameters
    ----------
    content
        What to hash.

    Returns
    -------
    int
        0 to 2**64 - 1.

    Examples
    --------
    >>> fnv1a_64(b"") == FNV_OFFSET
    True

    Notes
    -----
    Grows with the length. Fowler, Noll, Vo: draft-eastlake-fnv.
    """
    value = FNV_OFFSET
    for byte in content:
        value = (value ^ byte) * FNV_PRIME & UINT64
    return value


def edge_id(source: int, target: int, type_code: int) -> int:
    """Return the originals' id of an edge.

    Parameters
    ----------
    source, target
        Ids that fit 32 bits, as the fixed-size records hold them.
    type_code
        Code of the connection type, 0..255.

    Returns
    -------
    int
        0 to 2**64 - 1: FNV-1a over both ids and the type, 4, 4 and 1 bytes, little-endian.

    Raises
    ------
    IdNotRepresentable
        If an id does not fit 32 bits.
    InvalidValue
        If the type does not fit a byte, or something is no integer.

    Examples
    --------
    >>> edge_id(1, 2, 0)
    7779954275409725554
    """
    ends = b""
    for name, value in (("source", source), ("target", target)):
        end = integer(name, value)
        if not 0 <= end <= UINT32:
            raise IdNotRepresentable(f"{name} must fit 32 bits, got {end!r}")
        ends += end.to_bytes(4, "little")
    return fnv1a_64(ends + bytes((whole("type_code", type_code, 0, UINT8),)))


def _rotate(value: int, count: int) -> int:
    return (value << count | value >> 32 - count) & UINT32


def word_id(word: str, seed: int = 42) -> int:
    """Return the originals' id of a word.

    Parameters
    ----------
    word
        Any text; its UTF-8 bytes are hashed.
    seed
        0 to 2**32 - 1; the originals use 42.

    Returns
    -------
    int
        0 to 2**32 - 1, with no promise that two words differ: of 50,000 about 0.29 pairs collide.

    Raises
    ------
    InvalidValue
        If the word has no UTF-8 form (a lone surrogate), or the seed does not fit 32 bits.

    Examples
    --------
    >>> hex(word_id("cat"))
    '0xfb5a2833'

    Notes
    -----
    Grows with the length. Appleby: MurmurHash3, x86, 32 bits.
    """
    try:
        content = word.encode()
    except UnicodeEncodeError:
        raise InvalidValue(f"word must be valid Unicode, got {word!r}; it holds a lone surrogate") from None
    value = whole("seed", seed, 0, UINT32)
    for position in range(0, len(content), 4):
        block = content[position : position + 4]
        mixed = _rotate(int.from_bytes(block, "little") * 0xCC9E2D51 & UINT32, 15) * 0x1B873593 & UINT32
        value ^= mixed
        if len(block) == 4:  # what is left over at the end is mixed in once and not stirred
            value = (_rotate(value, 13) * 5 + 0xE6546B64) & UINT32
    value ^= len(content)
    value = (value ^ value >> 16) * 0x85EBCA6B & UINT32
    value = (value ^ value >> 13) * 0xC2B2AE35 & UINT32
    return value ^ value >> 16
