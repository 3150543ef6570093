"""Columns of tokens read into numpy arrays, a slice of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...connection.line import Line
from .find import Key, found_rows

if TYPE_CHECKING:
    import numpy as np

SLICE_ROWS = 16_384


def read_columns(line: Line, columns: Sequence[str], keys: list[Key] | None) -> tuple[np.ndarray, np.ndarray]:
    """Return ids, (n,) int64, and columns, (n, columns) float64 with NaN for NULL.

    In order of id where `keys` is None, else in the order of `keys`, all of which must exist.
    """
    import numpy as np

    ids, parts = [np.empty(0, np.int64)], [np.empty((0, len(columns)))]
    for rows in _slices(line, columns, keys):
        id_column, *others = zip(*rows, strict=True)
        ids.append(np.array(id_column, np.int64))
        part = np.empty((len(rows), len(columns)))
        for index, values in enumerate(others):
            part[:, index] = np.array(values, np.float64)  # None becomes NaN
        parts.append(part)
    return np.concatenate(ids), np.concatenate(parts)


def _slices(line: Line, columns: Sequence[str], keys: list[Key] | None) -> Iterator[list[tuple[Any, ...]]]:
    names = ", ".join(["token.id", *columns])
    if keys is not None:
        rows = [*found_rows(line.connection, names, keys, "error")]
        for start in range(0, len(rows), SLICE_ROWS):
            yield rows[start : start + SLICE_ROWS]
        return
    last = 0
    sql = f"select {names} from token where id > ? order by id limit {SLICE_ROWS}"
    while page := line.connection.execute(sql, (last,)).fetchall():
        yield page
        last = page[-1][0]  # type: ignore[assignment]
        line.tick()
