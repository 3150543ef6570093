"""What every part of the grid store shares: places, levels, weights, and the choice between rows and arrays."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import apsw

from ...connection.line import Line
from ...connection.paths import ROWS
from ...connection.session import Session
from ...derived.kind import CHUNK_BITS
from ...derived.mechanism import Derived, StaleError
from ...errors import InvalidValue
from ...model.levels import LEVELS, level_index
from ..arguments import real
from .arrays import LEVEL_KINDS, SPACE, GridArrays
from .blocks import FIRST_S, are_saved
from .plain import Point
from .space_blocks import FIRST_S as SPACE_FIRST_S

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
LevelLike = str | int
PointLike = Sequence[float]
Weights = Mapping[str, float] | Sequence[float] | None
ROW_SCAN_S = 0.4e-6  # one token in a scan of the table: 0.3 to 0.5 µs measured


class GridPart:
    """One part of the grid store; the parts share one session."""

    def __init__(self, session: Session, derived: Derived) -> None:
        self._session = session
        self._derived = derived

    def _ask(self, level: str | None, question: Callable[[Line], T], timeout_s: float | None) -> T:
        """Answer a question in one state; level None asks about all of them."""
        return self._derived.ask(SPACE if level is None else LEVEL_KINDS[level], question, timeout_s)

    def _answer(
        self,
        line: Line,
        level: str | None,
        by_arrays: Callable[[GridArrays], T],
        by_rows: Callable[[], T],
        by_blocks: Callable[[], T | None] | None = None,
        searches: int = 1,
    ) -> T:
        """Answer with the index of a level (None: of all) where it is loaded or repays itself, else from rows.

        `by_blocks` answers from blocks saved in the file, or says None where it can't. Without arrays each of the
        `searches` reads all rows, or the blocks near it.
        """
        kind = SPACE if level is None else LEVEL_KINDS[level]
        if not line.holds_state:
            arrays = self._derived.true_still(kind, line)
            if arrays is None:
                raise StaleError
            return by_arrays(arrays)
        policy = self._derived.policy
        if not policy.usable:
            return self._without_arrays(line, by_rows, by_blocks, policy.why_unusable)
        if by_blocks is not None and not are_saved(line.connection, level):
            by_blocks = None
        if self._derived.loaded(kind):
            scan_s = 0.0
        elif by_blocks is not None:
            scan_s = FIRST_S if level is not None else SPACE_FIRST_S
        else:
            scan_s = most_tokens(line.connection) * ROW_SCAN_S
        arrays = self._derived.current(kind, line, scan_s * searches)
        if arrays is not None:
            return by_arrays(arrays)
        began = time.perf_counter()
        try:
            return self._without_arrays(line, by_rows, by_blocks)
        finally:
            policy.spend(kind.name, time.perf_counter() - began)

    @staticmethod
    def _without_arrays(
        line: Line, by_rows: Callable[[], T], by_blocks: Callable[[], T | None] | None, why: str | None = None
    ) -> T:
        answer = None if by_blocks is None else by_blocks()
        if answer is not None:
            line.took("saved blocks", why or "")
            return answer
        if why is not None:
            line.took(ROWS, why)
        return by_rows()


def most_tokens(connection: apsw.Connection) -> int:
    """Return how many tokens there are at most, told at once."""
    row: Any = connection.execute("select count(*) from mark where subject = 'token'").fetchone()
    return int(row[0]) << CHUNK_BITS


def level_name(level: LevelLike) -> str:
    """Return the name of a level given by name, number or as L1 to L8."""
    if isinstance(level, str) and level in LEVEL_KINDS:
        return level
    return LEVELS[level_index(level)]


def point_of(point: PointLike, what: str = "point") -> Point:
    """Return three finite numbers."""
    try:
        x, y, z = point if not isinstance(point, str) else ()  # a label of three letters is no place
    except (TypeError, ValueError):
        raise InvalidValue(f"{what} must be three numbers (x, y, z), got {point!r}") from None
    if type(x) is float and type(y) is float and type(z) is float and math.isfinite(x + y + z):
        return x, y, z  # the usual case, without three calls
    return real(x, what), real(y, what), real(z, what)


def points_of(points: Any) -> np.ndarray:
    """Return m points as (m, 3) float64, C-contiguous and finite."""
    import numpy as np

    try:
        array = np.asarray(points)
    except ValueError:
        raise InvalidValue("points must have three numbers each, got rows of different lengths") from None
    if array.dtype.kind not in "iuf":
        raise InvalidValue(f"points must be numbers, got dtype {array.dtype}")
    array = np.ascontiguousarray(array, np.float64)
    if array.size == 0:
        array = array.reshape(0, 3)
    if array.ndim != 2 or array.shape[1] != 3:
        raise InvalidValue(f"points must have the shape (m, 3), got {array.shape}")
    if not np.isfinite(array).all():
        raise InvalidValue(f"points must be finite, got {float(array[~np.isfinite(array)][0])!r}")
    return array


def radius_of(radius: float, what: str = "radius") -> float:
    """Return a distance of at least 0, perhaps infinite."""
    try:
        number = float(radius)
    except (TypeError, ValueError):
        raise InvalidValue(f"{what} must be a number, got {radius!r}") from None
    if not number >= 0:
        raise InvalidValue(f"{what} must be at least 0, got {radius!r}")
    return number


def weights_of(connection: apsw.Connection, weights: Mapping[str, float] | Sequence[float] | None) -> dict[str, float]:
    """Return the weight of each level: the caller's, or the constitution's scales.

    In a mapping, levels left out weigh nothing; a sequence has eight numbers.
    """
    if weights is None:
        columns = ", ".join(f"scale_{level}" for level in LEVELS)
        row: Any = connection.execute(f"select {columns} from cdna_current").fetchone()
        return dict(zip(LEVELS, row, strict=True))
    if isinstance(weights, Mapping):
        given = {level_name(level): real(weight, f"the weight of {level}", 0.0) for level, weight in weights.items()}
        return {level: given.get(level, 0.0) for level in LEVELS}
    try:
        numbers = [real(weight, "weights", 0.0) for weight in weights]
    except TypeError:
        raise InvalidValue(f"weights must be a mapping from levels or eight numbers, got {weights!r}") from None
    if len(numbers) != len(LEVELS):
        raise InvalidValue(f"weights must be a mapping from levels or eight numbers, got {len(numbers)}")
    if not math.isfinite(math.fsum(numbers)):
        raise InvalidValue("weights must have a finite sum")
    return dict(zip(LEVELS, numbers, strict=True))
