"""The table-valued function over the constitution's history."""

from __future__ import annotations

from ..errors import InvalidValue
from .function import Argument, Function, Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from ..database import Database
    from .answer import Found
    from .function import Columns

MOMENT = Type("a version, a time in ns since 1970, or a date and time", (int, str))
_KINDS = {"int": "integer", "bool": "integer", "float": "real", "str": "text"}


def _columns() -> Columns:
    """Return the columns of the table `cdna`."""
    from ..model.constitution import CDNA_COLUMNS, Constitution

    kinds = [str(field.type).partition(" ")[0] for field in Constitution.__dataclass_fields__.values()]
    return tuple((name, _KINDS[kind]) for name, kind in zip(CDNA_COLUMNS, kinds, strict=True))


def _at(db: Database, moment: int | str) -> Found:
    from ..model.constitution import Constitution

    version = db.cdna.at(_time(moment) if isinstance(moment, str) else moment)
    values = (getattr(version, name) for name in Constitution.__dataclass_fields__)
    return [tuple(int(value) if isinstance(value, bool) else value for value in values)]


def _time(text: str) -> datetime:
    """Return the time a text names: ISO 8601, as SQLite's `datetime` writes it; UTC unless it names another zone."""
    from datetime import UTC, datetime

    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValue(f"moment must be {MOMENT.name} like '2026-01-31 12:00', got {text!r}") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


CONSTITUTION_FUNCTIONS = (Function("ng_cdna_at", _columns, (Argument("moment", MOMENT),), _at, rows=1),)
