"""A row of a file as the columns of a token, an edge or an item.

A column of the file that is not one of ours becomes a property, or an item's metadata. Values from text are converted;
what can't be is refused with its line, its column and the value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ...errors import ImportFailed, InvalidValue
from ...model.levels import COORDINATE_COLUMNS

ENDS = ("label", "id")


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError("text")
    return str(value)


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number) or isinstance(value, bool):
        raise ValueError("a finite number")
    return number


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and value != int(value)):
        raise ValueError("a whole number")
    return int(value)


def _figure(value: Any) -> int | float:
    try:
        return _whole(value)
    except (ValueError, OverflowError):
        return _number(value)


def _flag(value: Any) -> int:
    words = {"0": 0, "1": 1, "false": 0, "true": 1, "no": 0, "yes": 1}
    found = words.get(str(value).strip().lower())
    if found is None:
        raise ValueError("0 or 1")
    return found


def _object(value: Any) -> dict[str, Any]:
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, dict):
        raise ValueError("a JSON object")
    return found


def _name(value: Any) -> str | int:
    return value if isinstance(value, int) and not isinstance(value, bool) else _text(value)


def _vector(value: Any) -> list[float]:
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, list) or not found:
        raise ValueError("a JSON list of finite numbers")
    try:
        return [_number(number) for number in found]
    except (ValueError, TypeError, OverflowError):
        raise ValueError("a JSON list of finite numbers") from None


Converters = dict[str, Callable[[Any], Any]]

TOKEN_CONVERTERS: Converters = {
    "id": _whole,
    "label": _text,
    "entity_type": _name,
    "domain": _name,
    "flags": _whole,
    "weight": _number,
    "field_radius": _number,
    "field_strength": _number,
    **dict.fromkeys(COORDINATE_COLUMNS, _number),
    "created_ns": _whole,
    "modified_ns": _whole,
    "legacy_id": _whole,
    "properties": _object,
}
EDGE_CONVERTERS: Converters = {
    "source": _name,
    "target": _name,
    "type": _name,
    "key": _text,
    "weight": _number,
    "bidirectional": _flag,
    "properties": _object,
}
ITEM_CONVERTERS: Converters = {"key": _text, "text": _text, "token": _name, "vector": _vector, "metadata": _object}


@dataclass(frozen=True, slots=True)
class Mapped:
    """How columns of a file become columns of ours.

    Attributes
    ----------
    rename
        Column of the file → column of ours.
    constants
        Column of ours → the value for every row that has none of its own.
    types
        Value in the file → name of a connection type.
    ends
        Whether ``source`` and ``target`` are labels or ids.
    numbers
        Properties, or metadata, that are numbers where the file has them as text.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    ends: str = "label"
    numbers: Collection[str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.numbers, str):
            raise InvalidValue(f"numbers must be a list of columns, got {self.numbers!r}")
        if self.ends not in ENDS:
            raise InvalidValue(f"ends must be one of {', '.join(ENDS)}, got {self.ends!r}")

    def as_json(self) -> str:
        """Return the options as text, equal for equal options."""
        return json.dumps(asdict(self) | {"numbers": sorted(self.numbers)}, sort_keys=True, ensure_ascii=False)

    def token(self, line: int, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of a token."""
        return self._convert(line, row, TOKEN_CONVERTERS)

    def edge(self, line: int, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of an edge; source and target must be there."""
        values = self._convert(line, row, EDGE_CONVERTERS)
        for end in ("source", "target"):
            if end not in values:
                raise ImportFailed(f"line {line}: {end} must be given; rename a column to it", line)
            values[end] = self._end(line, end, values[end])
        if self.types and "type" in values:
            raw = str(values["type"])
            if raw not in self.types:
                raise ImportFailed(
                    f"line {line}: type must be one of those mapped, got {raw!r}; map it too, with types= "
                    "(ngdb import --type)",
                    line,
                )
            values["type"] = self.types[raw]
        return values

    def item(self, line: int, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of an item of a library."""
        values = self._convert(line, row, ITEM_CONVERTERS)
        others = values.pop("properties", None)
        return {**values, "metadata": {**values.get("metadata", {}), **others}} if others else values

    def _end(self, line: int, end: str, value: Any) -> str | int:
        if self.ends == "label":
            return str(value)
        try:
            return _whole(value)
        except ValueError:
            raise ImportFailed(f"line {line}: {end} must be an id, got {value!r}", line) from None

    def _convert(self, line: int, row: Mapping[str, Any], converters: Converters) -> dict[str, Any]:
        values: dict[str, Any] = {}
        properties: dict[str, Any] = {}
        named = {self.rename.get(name, name): value for name, value in row.items()}
        if len(named) < len(row):
            ours = [self.rename.get(name, name) for name in row]
            twice = next(name for name in ours if ours.count(name) > 1)
            theirs = [name for name in row if self.rename.get(name, name) == twice]
            raise ImportFailed(f"line {line}: {twice} must come from one column, got {theirs}", line)
        for name, value in (*self.constants.items(), *named.items()):
            convert = converters.get(name, _figure if name in self.numbers else None)
            if convert is None:
                properties[name] = value
                continue
            try:
                (values if name in converters else properties)[name] = convert(value)
            except (ValueError, TypeError, OverflowError) as error:
                raise ImportFailed(
                    f"line {line}: {name} must be {_wanted(convert, error)}, got {value!r}", line
                ) from None
        if properties:
            values["properties"] = {**values.get("properties", {}), **properties}
        return values


def _wanted(convert: Callable[[Any], Any], error: Exception) -> str:
    text = str(error)
    if text in {"a finite number", "0 or 1", "a JSON object", "text", "a JSON list of finite numbers"}:
        return text
    wanted: dict[Any, str] = {_number: "a number", _figure: "a number", _whole: "a whole number"}
    wanted |= {_object: "a JSON object", _vector: "a JSON list of finite numbers"}
    return wanted.get(convert, "text")
