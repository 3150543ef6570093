"""Space as derived arrays: one index a level, and one over all eight."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import apsw

from ...derived.kind import CHUNK_BITS, CHUNK_IDS, Columns, Kind, Tick
from ...model.levels import COORDINATE_COLUMNS, LEVELS

if TYPE_CHECKING:
    import numpy as np

    from ...kernels.grid_level import LevelIndex
    from ...kernels.grid_space import SpaceIndex

Index = Any  # LevelIndex or SpaceIndex; importing either imports numba


@dataclass
class GridArrays:
    """The tokens of a level, or of all levels, as an index."""

    index: Index


class GridKind(Kind["GridArrays"]):
    """What the kinds of both indexes share: reading, patching, copying."""

    subject = "token"
    format = 1
    name: str
    level: str | None  # None: all of them
    columns: tuple[str, ...]
    condition: str
    index_bytes: int

    def read(self, connection: apsw.Connection, first: int, last: int) -> Columns:
        """Return id and columns of the tokens in range that have a place."""
        import numpy as np

        names = ", ".join(self.columns)
        sql = f"select id, {names} from token where id between ? and ? and {self.condition} order by id"
        rows: Any = connection.execute(sql, (first, last)).fetchall()
        columns = list(zip(*rows, strict=True)) if rows else [()] * (1 + len(self.columns))
        return [np.array(columns[0], np.int64), *(np.array(column, np.float64) for column in columns[1:])]

    def load(self, connection: apsw.Connection, nonces: dict[int, int]) -> dict[int, Columns]:
        """Return the rows of chunks that are as they were when blocks were saved."""
        from .block_load import load

        return load(connection, self.level, nonces)

    def valid(self, columns: Columns) -> bool:
        """Tell whether loaded columns are what `read` returns."""
        import numpy as np

        expected = ["<i8"] + ["<f8"] * len(self.columns)
        if [column.dtype.str for column in columns] != expected or not self._placed(columns):
            return False
        return bool((np.diff(columns[0]) > 0).all())

    def build(self, columns: Columns) -> GridArrays:
        """Build the index of all tokens; of those from blocks, as they lie."""
        laid = columns[0] <= 0
        if not laid.any():
            return GridArrays(self._index(columns))
        if laid.all():
            index = self._lie([-columns[0], *columns[1:]])
        else:
            index = self._lie([-columns[0][laid], *(column[laid] for column in columns[1:])])
            self._apply(index, columns[0][:0], [column[~laid] for column in columns])
        return GridArrays(index.rebuild() if index.wants_rebuild else index)

    def patch(self, arrays: GridArrays, chunks: list[int], columns: Columns) -> GridArrays:
        """Take what changed out of the index and put it in anew. One token of 1M: about 0.5 ms."""
        import numpy as np

        firsts = np.array(chunks, np.int64) << CHUNK_BITS
        ids, _, rows, values = arrays.index.between(firsts, firsts + (CHUNK_IDS - 1))
        differs = _differing([ids, *rows.T, *values], self._kept(columns))
        removed = np.setdiff1d(ids, columns[0], assume_unique=True)
        self._apply(arrays.index, removed, [column[differs] for column in columns])
        if arrays.index.wants_rebuild:
            arrays.index = arrays.index.rebuild()
        return arrays

    def copy(self, arrays: GridArrays, tick: Tick) -> GridArrays:
        """Copy what `patch` changes in place."""
        return GridArrays(arrays.index.copy())

    def nbytes(self, arrays: GridArrays) -> int:
        """Return the bytes of the index."""
        return int(arrays.index.nbytes)

    def estimate(self, connection: apsw.Connection, chunks: int) -> tuple[int, int]:
        """Return 512 tokens a chunk, each with a place."""
        rows = chunks << CHUNK_BITS
        return rows, rows * (8 + 8 * len(self.columns) + self.index_bytes)

    def _placed(self, columns: Columns) -> bool:
        raise AssertionError("every kind says for itself")

    def _kept(self, columns: Columns) -> Columns:
        """Return rows as the index keeps them."""
        return columns

    def _lie(self, columns: Columns) -> Index:
        """Make an index of rows in the order of blocks."""
        raise AssertionError("every kind says for itself")

    def _index(self, columns: Columns) -> Index:
        raise AssertionError("every kind says for itself")

    def _apply(self, index: Index, removed: np.ndarray, columns: Columns) -> None:
        raise AssertionError("every kind says for itself")


class LevelKind(GridKind):
    """The tokens that define one level, with their fields."""

    index_bytes = 73

    def __init__(self, level: str) -> None:
        self.name, self.level = f"grid.{level}", level
        self.columns = (*(f"{level}_{axis}" for axis in "xyz"), "field_radius", "field_strength", "weight")
        self.condition = f"{level}_x is not null"

    def _placed(self, columns: Columns) -> bool:
        import numpy as np

        return all(bool(np.isfinite(column).all()) for column in columns[1:]) and bool((columns[4] >= 0).all())

    def _index(self, columns: Columns) -> LevelIndex:
        from ...kernels.grid_level import LevelIndex

        return LevelIndex.build(*self._kept(columns))

    def _lie(self, columns: Columns) -> LevelIndex:
        from ...kernels.grid_level import LevelIndex

        kept = self._kept(columns)
        return LevelIndex.lay(kept[0], kept[1:])

    def _kept(self, columns: Columns) -> Columns:
        """Return a negative weight, which radiates nothing, as 0."""
        import numpy as np

        return [*columns[:6], np.maximum(columns[6], 0.0) if (columns[6] < 0.0).any() else columns[6]]

    def _apply(self, index: LevelIndex, removed: np.ndarray, columns: Columns) -> None:
        index.apply(removed, *self._kept(columns))


class SpaceKind(GridKind):
    """All tokens, with all eight levels."""

    name = "grid"
    level = None
    columns = COORDINATE_COLUMNS
    condition = " or ".join(f"{level}_x is not null" for level in LEVELS).join("()")
    index_bytes = 275

    def _placed(self, columns: Columns) -> bool:
        import numpy as np

        defined = [~np.isnan(column) for column in columns[1:]]
        complete = all((defined[at] == defined[at + 1 + axis]).all() for at in range(0, 24, 3) for axis in (0, 1))
        return complete and not any(np.isinf(column).any() for column in columns[1:])

    def _index(self, columns: Columns) -> SpaceIndex:
        from ...kernels.grid_space import SpaceIndex

        return SpaceIndex.build(*_with_masks(columns))

    def _lie(self, columns: Columns) -> SpaceIndex:
        import numpy as np

        from ...kernels.grid_space import SpaceIndex

        patterns = _masks(columns[1::3])
        bounds = np.flatnonzero(np.diff(patterns, prepend=0, append=0)).tolist()
        groups = [(int(patterns[low]), low, high) for low, high in pairwise(bounds)]
        parts = [
            [
                columns[1 + 3 * at + axis][low:high]
                for at in range(len(LEVELS))
                if pattern >> at & 1
                for axis in range(3)
            ]
            for pattern, low, high in groups
        ]
        return SpaceIndex.lay(columns[0], [(pattern, high - low) for pattern, low, high in groups], parts)

    def _apply(self, index: SpaceIndex, removed: np.ndarray, columns: Columns) -> None:
        index.apply(removed, *_with_masks(columns))


def _with_masks(columns: Columns) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ids, coordinates (n, 24) and the levels defined, a bit each."""
    import numpy as np

    return columns[0], np.column_stack(columns[1:]), _masks(columns[1::3])


def _masks(firsts: Columns) -> np.ndarray:
    """Return which levels rows define, a bit each, by the first coordinate of each level."""
    import numpy as np

    masks = np.zeros(len(firsts[0]), np.int64)
    for at, column in enumerate(firsts):
        masks |= ~np.isnan(column) * np.int64(1 << at)
    return masks


def _differing(old: Columns, new: Columns) -> np.ndarray:
    """Tell which of the new rows are not among the old ones as they are."""
    import numpy as np

    if not len(old[0]):
        return np.ones(len(new[0]), np.bool_)
    place = np.minimum(np.searchsorted(old[0], new[0]), len(old[0]) - 1)
    same = old[0][place] == new[0]
    for a, b in zip(old[1:], new[1:], strict=True):
        before = a[place]
        same &= (before == b) | (np.isnan(before) & np.isnan(b))
    differs: np.ndarray = ~same
    return differs


LEVEL_KINDS: dict[str, LevelKind] = {level: LevelKind(level) for level in LEVELS}
SPACE = SpaceKind()
