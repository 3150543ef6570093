"""What to say when a name is not known: the closest ones, so that a typing error costs no search."""

from __future__ import annotations

from ..errors import UnknownName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownName:
    """Make the error for a name that does not exist.

    Parameters
    ----------
    kind
        What was looked for, e.g. ``"level"``.
    name
        What was given.
    known
        The names that exist; a vocabulary, not the labels of a large file.

    Returns
    -------
    UnknownName
        To be raised by the caller. Its message names the three closest names, the closest first.

    Examples
    --------
    >>> str(unknown_name("level", "emotinal", ("physical", "emotional")))
    "level must be a known name, got 'emotinal'; the closest are 'emotional', 'physical'"

    Notes
    -----
    Grows with the number and length of the known names: 2 ms for 176 connection types.
    """
    import difflib  # imports `re`; only a mistake pays for it

    closest = difflib.get_close_matches(str(name).lower(), list(known), n=3, cutoff=0.0)
    remedy = f"the closest are {', '.join(map(repr, closest))}" if closest else "there are none yet"
    return UnknownName(f"{kind} must be a known name, got {name!r}; {remedy}")
