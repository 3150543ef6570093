"""Many tokens as columns: what a caller of a bulk method gave, checked whole before anything is written.

Invariants:

1. A column is either one value for all rows (`same`) or n values (`each`); a column not given is in neither.
2. Every number was checked for kind, finiteness and range; an error names the rule, the value and its index.
3. Labels and properties are checked a slice at a time, as they are handed out, so that memory stays flat; a bad one
   undoes what the slices before wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ...errors import InvalidValue
from ...model.levels import AXES, LEVELS, level_index
from ..arguments import json_text, real, whole
from .base import checked_label, encodable
from .place import COLUMNS_OF

if TYPE_CHECKING:
    import numpy as np

MOST_ROWS = 2**31 - 1  # in one call: a count beyond it is a mistake that would fill the disk
Code = Callable[[str, str | int], tuple[int, str | None]]


@dataclass
class Batch:
    """Columns of n tokens."""

    size: int
    same: dict[str, Any] = field(default_factory=dict)
    each: dict[str, np.ndarray] = field(default_factory=dict)
    labels: list[Any] | None = None
    properties: list[Any] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns with n values, in the order of `rows`."""
        texts = {"label": self.labels, "properties": self.properties}
        return (*self.each, *(name for name, column in texts.items() if column is not None))

    def rows(self, start: int, stop: int) -> list[list[Any]]:
        """Return the values of the rows from `start` to before `stop`, a list for each of `columns`."""
        lists = [column[start:stop].tolist() for column in self.each.values()]
        if self.labels is not None:
            lists.append(_labels(self.labels[start:stop], start))
        if self.properties is not None:
            texts = enumerate(self.properties[start:stop], start)
            lists.append([properties_text(value, index) for index, value in texts])
        return lists

    def take(self, indices: Sequence[int]) -> Batch:
        """Return the rows at `indices`."""
        each = {name: column[indices] for name, column in self.each.items()}
        labels, properties = (
            None if column is None else [column[index] for index in indices]
            for column in (self.labels, self.properties)
        )
        return replace(self, size=len(indices), each=each, labels=labels, properties=properties)

    def add_codes(self, name: str, values: Any, code: Code) -> None:
        """Add the codes of a vocabulary, given as one name or code or as n of them."""
        if values is None:
            return
        if _is_one(values):
            self.same[name] = code(name, values)[0]
            return
        import numpy as np

        given = _listed(name, values)
        self._require_size(name, len(given))
        wrong = [kind for kind in set(map(type, given)) if kind is bool or not issubclass(kind, str | int | np.integer)]
        if wrong:
            index = next(index for index, value in enumerate(given) if type(value) in wrong)
            raise InvalidValue(f"{name} must be names or codes, got {given[index]!r} at index {index}")
        codes = {value: code(name, value)[0] for value in dict.fromkeys(given)}
        self.each[name] = np.fromiter(map(codes.__getitem__, given), np.int64, len(given))

    def add_wholes(self, name: str, values: Any, low: int, high: int) -> None:
        """Add whole numbers within [low, high], one or n."""
        if values is None:
            return
        if _is_one(values):
            self.same[name] = whole(values, name, low, high)
            return
        column = self._column(name, values, "iu", "whole numbers")
        bad = (column < low) | (column > high)
        if bad.any():
            index = int(bad.argmax())
            raise InvalidValue(f"{name} must be in [{low}, {high}], got {column[index].item()!r} at index {index}")
        self.each[name] = column.astype("int64", copy=False)

    def add_reals(self, name: str, values: Any, low: float | None = None) -> None:
        """Add finite numbers of at least `low`, one or n."""
        if values is None:
            return
        if _is_one(values):
            self.same[name] = real(values, name) if low is None else real(values, name, low)
            return
        import numpy as np

        column = self._column(name, values, "iuf", "numbers").astype(np.float64, copy=False)
        good = np.isfinite(column)
        if not good.all():
            index = int(good.argmin())
            raise InvalidValue(f"{name} must be finite, got {column[index].item()!r} at index {index}")
        if low is not None and (column < low).any():
            index = int((column < low).argmax())
            raise InvalidValue(f"{name} must be at least {low:g}, got {column[index].item()!r} at index {index}")
        self.each[name] = column

    def add_coordinates(self, coordinates: Any) -> None:
        """Add places: a mapping of level → (n, 3), or (n, 8, 3)."""
        if coordinates is None:
            return
        if isinstance(coordinates, Mapping):
            named = [(LEVELS[level_index(name)], points) for name, points in coordinates.items()]
            if len({level for level, _ in named}) < len(named):
                raise InvalidValue(f"coordinates must name a level once, got {[*coordinates]!r}")
            for level, points in named:
                self.add_level(level, points)
            return
        places = numbers("coordinates", coordinates)
        if places.shape != (self.size, len(LEVELS), len(AXES)):
            raise InvalidValue(
                f"coordinates must map levels to (n, 3) arrays or have shape {(self.size, 8, 3)}, got {places.shape}"
            )
        for index, level in enumerate(LEVELS):
            self.add_level(level, places[:, index])

    def add_level(self, level: str, points: Any) -> None:
        """Add the places in one level: (n, 3), or (3,) for all; NaN in all three axes leaves it undefined."""
        import numpy as np

        points = numbers(level, points)
        one = points.shape == (3,)
        if one:
            points = points[None]
        elif points.shape != (self.size, 3):
            raise InvalidValue(f"{level} must have shape {(self.size, 3)}, got {points.shape}")
        unset = np.isnan(points)
        partly = unset.any(axis=1) & ~unset.all(axis=1)
        bad = partly | np.isinf(points).any(axis=1)
        if bad.any():
            index = int(bad.argmax())
            rule = "all three axes or none" if partly[index] else "three finite numbers"
            where = "" if one else f" at index {index}"
            raise InvalidValue(f"{level} must be {rule}, got {tuple(points[index].tolist())!r}{where}")
        if unset.all():
            self.same |= dict.fromkeys(COLUMNS_OF[level])
        elif one:
            self.same |= zip(COLUMNS_OF[level], points[0].tolist(), strict=True)
        else:
            self.each |= zip(COLUMNS_OF[level], points.T, strict=True)

    def add_texts(self, name: str, values: Any) -> None:
        """Add labels or properties: a sequence of n."""
        if values is None:
            return
        if isinstance(values, str | bytes | Mapping):
            raise InvalidValue(f"{name} must be a sequence with one entry for each token, got {values!r}")
        given = _listed(name, values)
        self._require_size(name, len(given))
        if name == "labels":
            self.labels = given
        else:
            self.properties = given

    def _column(self, name: str, values: Any, kinds: str, what: str) -> np.ndarray:
        column = as_array(name, values)
        if column.ndim != 1:
            raise InvalidValue(f"{name} must be one value, or one for each token, got shape {column.shape}")
        if column.dtype.kind not in kinds and column.size:
            raise InvalidValue(f"{name} must be {what}, got {column.dtype}{_culprit(column, kinds)}")
        self._require_size(name, len(column))
        return column

    def _require_size(self, name: str, size: int) -> None:
        if size != self.size:
            raise InvalidValue(f"{name} must have one entry for each of the {self.size} tokens, got {size}")


def size_of(count: int | None, given: Mapping[str, Any]) -> int:
    """Return how many tokens are meant: by `count`, else by the first of `given` that has entries."""
    if count is not None:
        return whole(count, "count", 0, MOST_ROWS)
    for name, values in given.items():
        if name == "labels" and isinstance(values, str | bytes | Mapping):
            raise InvalidValue(f"labels must be a sequence with one entry for each token, got {values!r}")
        if isinstance(values, Mapping):
            arrays = [numbers(level, points) for level, points in values.items()]
            sizes = [len(points) for points in arrays if points.ndim > 1]
            if sizes:
                return sizes[0]
        elif values is not None and not _is_one(values):
            try:
                return len(values)
            except TypeError:
                raise InvalidValue(f"arrays must have a length, got {values!r}; make a list of it") from None
    raise InvalidValue("count must be given where no argument has one entry for each token")


def numbers(name: str, values: Any) -> np.ndarray:
    """Return places as float64; in a list, None stands for an undefined level."""
    import numpy as np

    if isinstance(values, list | tuple):
        values = [(np.nan,) * 3 if point is None else point for point in values]
    array = as_array(name, values)
    if array.dtype.kind not in "iuf" and array.size:
        raise InvalidValue(f"{name} must be numbers, got {array.dtype}{_culprit(array, 'iuf')}")
    return array.astype(np.float64, copy=False)


def as_array(name: str, values: Any) -> np.ndarray:
    """Return values as an array, of whatever kind."""
    import numpy as np

    try:
        return np.asarray(values)
    except (ValueError, TypeError, OverflowError):
        raise InvalidValue(f"{name} must be an array, got rows of different lengths or kinds") from None


def properties_text(value: Any, index: int) -> str | None:
    """Return one row's properties as JSON text; text is taken as it is, and SQLite looks whether it is JSON."""
    if value is None:
        return None
    try:
        if not isinstance(value, str):
            return json_text(value)
        encodable(value, "properties")
        if "\x00" in value:
            raise InvalidValue(f"properties must be JSON text without NUL, got {value!r}")
    except InvalidValue as error:
        raise InvalidValue(f"{error} at index {index}") from None
    return value


def _labels(labels: list[Any], start: int) -> list[Any]:
    """Check a slice of labels in one pass over their joined text, and one by one only where something is wrong."""
    if set(map(type, labels)) <= {str, type(None)} and not labels.count(""):
        joined = "".join(filter(None, labels))
        if "\x00" not in joined:
            if joined.isascii():
                return labels
            try:
                joined.encode()
            except UnicodeEncodeError:
                pass
            else:
                return labels
    for index, label in enumerate(labels, start):
        try:
            checked_label(label)
        except InvalidValue as error:
            raise InvalidValue(f"{error} at index {index}") from None
    return labels


def _listed(name: str, values: Any) -> list[Any]:
    if isinstance(values, list):
        return values
    given = values.tolist() if hasattr(values, "tolist") else values
    try:
        return [*given]
    except TypeError:
        raise InvalidValue(f"{name} must be a sequence with one entry for each token, got {values!r}") from None


def _is_one(values: Any) -> bool:
    return isinstance(values, str | bytes | int | float) or getattr(values, "ndim", None) == 0


def _culprit(column: np.ndarray, kinds: str) -> str:
    """Name the first entry of an array of mixed kinds that is to blame, for an error message."""
    import numpy as np

    if column.dtype.kind == "O" and column.ndim == 1:
        for index, value in enumerate(column.tolist()):
            if np.asarray(value).dtype.kind not in kinds:
                return f": {value!r} at index {index}"
    return ""
