"""What approximate searches of a library were measured to find."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from .typed import NamedTuple


class Recall(NamedTuple):
    """How many of the k nearest approximate searches found."""

    mean: float
    """Over the sample."""
    first_percentile: float
    """What 99 of 100 searches reached."""
    sample: int
    """How many of the library's own vectors were asked, each without itself."""
    k: int
    """How many nearest were asked for."""
    candidates: int | None
    """How many vectors each search looked at closely; None where it searches exactly."""
