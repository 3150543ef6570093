"""Which events somebody wants: of what types, with what data; and a page of them."""

from __future__ import annotations

from ...errors import InvalidValue
from ...model.event import Event
from ...model.stored_json import value_of
from ..event_types import ids_of, types_of
from ..json_conditions import Conditions, condition_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import apsw


class Question:
    """A pattern of types and conditions on data, as SQL.

    Attributes
    ----------
    condition, bindings
        On rows of `event`; ids above the first and up to the second value, which come before `bindings`.
    """

    def __init__(self, pattern: str, where: Conditions | None) -> None:
        self.pattern = pattern
        self._types, types = types_of(pattern)
        data, values = ("1", []) if where is None else condition_on("data", where)
        kinds = "1" if pattern == "*" else f"type_id in (select id from event_type where {self._types})"
        self.condition = f"id > ? and id <= ? and {kinds} and {data}"
        self.bindings = [*types, *values]
        self._type_bindings = types

    def require_type(self, connection: apsw.Connection) -> None:
        """Refuse a name that no type has."""
        ids_of(connection, self.pattern)

    def page(
        self, rows: Callable[[str, Any], list[Any]], low: int, high: int, size: int, newest: bool = False
    ) -> list[Event]:
        """Return the first events with ids above `low` and up to `high`."""
        sql = f"""
            select id, (select name from event_type where event_type.id = type_id), created_ns, data
              from event
             where {self.condition}
             order by id {"desc" if newest else ""}
             limit ?"""
        found = rows(sql, (low, high, *self.bindings, size))
        return [Event(id, name, created_ns, _dict(data, id)) for id, name, created_ns, data in found]

    def trimmed_to(self, rows: Callable[[str, Any], list[Any]]) -> int:
        """Return the id up to which events of a type were trimmed."""
        sql = f"select coalesce(max(trimmed_to), 0) from event_type where {self._types}"
        return rows(sql, self._type_bindings)[0][0]  # type: ignore[no-any-return]


def _dict(text: str, id: int) -> dict[str, Any]:
    try:
        return value_of(text)  # type: ignore[no-any-return]
    except (ValueError, RecursionError) as error:
        raise InvalidValue(
            f"the data of event {id} must be JSON that Python reads ({error}), got {text[:60]!r}; read it with SQL"
        ) from None
