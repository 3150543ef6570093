"""The bytes of a word as text, and what becomes of bytes that are not UTF-8."""

from __future__ import annotations

import codecs

ERRORS = ("strict", "replace", "cp1252")

# Windows-1252 leaves five bytes undefined; as browsers do, they become the control characters of the same number.
_WINDOWS = "".join(
    bytes([byte]).decode("cp1252") if byte not in b"\x81\x8d\x8f\x90\x9d" else chr(byte) for byte in range(256)
)


def spell(word: bytes, errors: str) -> tuple[str, bool]:
    r"""Return the text of a word, and whether it is a guess.

    Parameters
    ----------
    word
        Its bytes.
    errors
        For bytes that are not UTF-8: ``"strict"`` raises, ``"replace"`` puts U+FFFD, ``"cp1252"`` reads the whole
        word as Windows-1252, where the five undefined bytes become U+0081, U+008D, U+008F, U+0090 and U+009D.

    Returns
    -------
    tuple
        Text, and True where the bytes were not UTF-8.

    Raises
    ------
    UnicodeDecodeError
        They are not UTF-8, with ``"strict"``.

    Examples
    --------
    >>> spell(b"caf\xc3\xa9", "strict"), spell(b"\x93", "replace"), spell(b"caf\xe9", "cp1252")
    (('café', False), ('\ufffd', True), ('café', True))
    """
    try:
        return word.decode(), False
    except UnicodeDecodeError:
        if errors == "strict":
            raise
        if errors == "replace":
            return word.decode(errors="replace"), True
        return codecs.charmap_decode(word, "strict", _WINDOWS)[0], True
