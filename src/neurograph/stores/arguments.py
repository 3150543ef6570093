"""What every store accepts the same way: a token as record, id or label; a name of a vocabulary; a number.

A part of the stores layer, not a store.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping

import apsw

from ..connection.session import Session
from ..errors import InvalidValue, RuleViolated, TokenNotFound, TransactionOpen, UnknownName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, SupportsIndex

    import numpy as np

    from ..model.token import Token

    TokenLike = Token | int | str
else:
    TokenLike = object  # a name to import, for annotations

MAX_ID = (1 << 63) - 1


def token_id(connection: apsw.Connection, token: TokenLike) -> int:
    """Return the id of a token given as record, id or label; that it exists is checked for a label only."""
    if type(token) is int:
        return row_id(token, "token")
    if isinstance(token, str):
        found = connection.execute("select id from token where label = ?", (bindable(token),)).fetchone()
        if found is None:
            raise TokenNotFound(f"no token has the label {token!r}{closest_labels(connection, token)}")
        return found[0]  # type: ignore[no-any-return]
    from ..model.token import Token

    return token.id if isinstance(token, Token) else row_id(token, "token")


def existing_token_id(connection: apsw.Connection, token: TokenLike) -> int:
    """Return the id of a token that exists, given as record, id or label."""
    number = token_id(connection, token)
    if not isinstance(token, str) and not connection.execute("select 1 from token where id = ?", (number,)).fetchone():
        raise TokenNotFound(f"no token has the id {number}")
    return number


def row_id(value: SupportsIndex, what: str, kinds: str = "a record, an id or a label") -> int:
    """Return `value` as an id: a whole number from 1 to 2**63 - 1, never a bool; `kinds` is what it may be besides."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise InvalidValue(f"{what} must be {kinds}, got {value!r}") from None
    if not 0 < number <= MAX_ID:
        raise InvalidValue(f"{what} must have an id between 1 and 2**63 - 1, got {number}")
    return number


def bindable(label: str) -> str | None:
    """Return a label to look for; None, which no label equals, where UTF-8 has no bytes for it (a lone surrogate)."""
    try:
        label.encode()
    except UnicodeEncodeError:
        return None
    return label


def closest_labels(connection: apsw.Connection, label: str) -> str:
    """Name up to three labels that begin alike, for an error message."""
    start = label[:3].encode(errors="ignore").decode()
    rows: Any = connection.execute(
        "select label from token where label >= ? and label < ? order by label limit 200",
        (start, start + "\U0010ffff"),
    ).fetchall()
    return closest(label, [row[0] for row in rows])


def closest(name: str, known: Iterable[str]) -> str:
    """Name up to three that are much like it, for an error message; without any, nothing is said."""
    from difflib import get_close_matches

    close = get_close_matches(name, [*known], 3)
    return f"; the closest are {', '.join(map(repr, close))}" if close else ""


def code_of(connection: apsw.Connection, table: str, name: str | int) -> int:
    """Return the code of a name or code in a vocabulary: `entity_type`, `domain` or `connection_type`."""
    try:
        if isinstance(name, bool):
            raise TypeError
        name = name if isinstance(name, str) else operator.index(name)
    except TypeError:
        raise InvalidValue(f"{table} must be a name or a code, got {name!r}") from None
    column, key = ("name", bindable(name)) if isinstance(name, str) else ("code", min(max(name, -1), MAX_ID))
    row = connection.execute(f"select code from {table} where {column} = ?", (key,)).fetchone()
    if row is None:
        names: list[Any] = [row[0] for row in connection.execute(f"select name from {table}").fetchall()]
        hint = closest(str(name), names)
        raise UnknownName(
            f"{table} must be one of the table {table}, got {name!r}{hint}; db.{table}s.create(…) adds one"
        )
    return row[0]  # type: ignore[no-any-return]


def session_code(session: Session, table: str, name: str | int) -> int:
    """Return the code of a name, as `code_of` does, on whatever connection is free."""
    line = session.enter()
    try:
        return code_of(line.connection, table, name)
    finally:
        session.leave(line)


def real(value: Any, what: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return `value` as a finite float within [low, high]."""
    try:
        if isinstance(value, bool | str | bytes):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidValue(f"{what} must be a number, got {value!r}") from None
    if not math.isfinite(number):
        raise InvalidValue(f"{what} must be finite, got {number!r}")
    if not low <= number <= high:
        raise InvalidValue(f"{what} must be in [{low:g}, {high:g}], got {number!r}")
    return number


def whole(value: Any, what: str, low: int = 0, high: int = MAX_ID) -> int:
    """Return `value` as an int within [low, high]."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise InvalidValue(f"{what} must be a whole number, got {value!r}") from None
    if not low <= number <= high:
        raise InvalidValue(f"{what} must be in [{low}, {high}], got {number}")
    return number


def reached(session: Session, value: int, what: str, newest: str, remedy: str) -> int:
    """Return a place in a log to go on after, which the log must have reached: what comes up to it would be missed.

    `newest` is the SQL of the newest place there is, and `remedy` says from where to go on instead.
    """
    place = whole(value, what)
    most: int = session.rows(newest)[0][0]
    if place > most and not session.location.in_memory:  # a snapshot may be older than what is known by now
        most = max(most, _committed(session, newest))
    if place > most:
        raise InvalidValue(
            f"{what} must be at most {most}, the newest there is, got {place}, perhaps of a file that was restored "
            f"from an older copy; {remedy}"
        )
    return place


def newest_committed(session: Session, newest: str) -> int:
    """Return the newest place of a log to go on after; not one that an open transaction took.

    If that is undone, somebody else takes the place, and what is there would be missed.
    """
    if not session.in_transaction:
        return session.rows(newest)[0][0]  # type: ignore[no-any-return]
    if session.location.in_memory:
        raise TransactionOpen(
            "cannot watch; a transaction is open here, and a database in memory has one connection; end it first"
        )
    return _committed(session, newest)


def _committed(session: Session, newest: str) -> int:
    line = session.borrow()
    try:
        return line.connection.execute(newest).fetchall()[0][0]  # type: ignore
    finally:
        session.give_back(line)


def id_array(values: Iterable[TokenLike] | Any, what: str) -> np.ndarray:
    """Return ids as a contiguous int64 array, each from 1 to 2**63 - 1; labels are not accepted here."""
    import numpy as np

    array = np.asarray(values)
    if array.ndim != 1:
        raise InvalidValue(f"{what} must be one-dimensional, got shape {array.shape}")
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.dtype.kind == "u" and array.max() > MAX_ID:
        raise InvalidValue(f"{what} must be at most 2**63 - 1, got {array.max()}")
    if array.dtype.kind not in "iu":
        raise InvalidValue(f"{what} must be whole numbers, got dtype {array.dtype}")
    ids = np.ascontiguousarray(array, np.int64)
    if ids.min() < 1:
        raise InvalidValue(f"{what} must be at least 1, got {ids.min()} at index {int(ids.argmin())}")
    return ids


def bound_ids(ids: Iterable[int]) -> Any:
    """Return ids as a binding for ``carray(?)``, which reads them where they are."""
    from array import array

    values = array("q", ids)
    return apsw.carray(values) if values else None  # an empty array has no address; carray(NULL) has no rows


def truth(value: Any, what: str) -> bool:
    """Return True or False, given as that, as numpy's, or as 1 or 0."""
    try:
        number = operator.index(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError):
        number = -1
    if number not in (0, 1):
        raise InvalidValue(f"{what} must be True or False, got {value!r}")
    return bool(number)


def key_text(key: object) -> str:
    """Return the key of an edge if it is text that a column holds whole."""
    try:
        if not isinstance(key, str) or "\x00" in key:
            raise TypeError
        key.encode()
    except (TypeError, UnicodeEncodeError):
        raise InvalidValue(f"key must be text that UTF-8 can hold, without NUL, got {key!r}") from None
    return key


def json_text(properties: Mapping[str, Any], what: str = "properties") -> str:
    """Return properties as JSON text; NaN, infinities and keys that are no strings, at any depth, are refused."""
    import json

    if not isinstance(properties, Mapping) or not all(isinstance(key, str) for key in properties):
        raise InvalidValue(f"{what} must map strings to JSON values, got {properties!r}")
    try:
        text = json.dumps(dict(properties), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        text.encode()  # a lone surrogate is a ValueError here, and not half-way through a write
    except RecursionError:
        raise InvalidValue(f"{what} must be nested less deeply, got more levels than Python's stack holds") from None
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"{what} must be JSON values, got {properties!r} ({error})") from None
    if text.count("{") + text.count("[") > 1:
        from .json_texts import look_inside

        look_inside(properties, what)
    return text


def with_value(error: RuleViolated, values: Mapping[str, Any]) -> RuleViolated:
    """Add the refused value, which a trigger can't name."""
    column = error.rule.partition(".")[2]
    return RuleViolated(f"{error}, got {values[column]!r}", error.rule) if column in values else error


def token_array(connection: apsw.Connection, values: Any, what: str) -> np.ndarray:
    """Return the ids of many tokens as int64: of an array of ids, or of a sequence of ids, labels or records."""
    from ..model.token import Token

    if isinstance(values, str | bytes | Mapping) or not hasattr(values, "__len__"):
        raise InvalidValue(f"{what} must be an array of ids or a sequence of labels, got {values!r}")
    if hasattr(values, "tolist") and values.dtype.kind not in "iuf":
        values = values.tolist()
    if not hasattr(values, "dtype") and any(isinstance(value, str | Token) for value in values):
        numbers: list[Any] = [value.id if isinstance(value, Token) else value for value in values]
        if not any(isinstance(value, str) for value in numbers):
            return id_array(numbers, what)
        if all(isinstance(value, str) for value in numbers):
            return label_ids(connection, numbers)
        return id_array([token_id(connection, value) for value in numbers], what)
    return id_array(values, what)


def label_ids(connection: apsw.Connection, labels: Iterable[str]) -> np.ndarray:
    """Return the ids of labels in the given order, as int64; one that no token has is refused by name."""
    import numpy as np

    names = list(labels)
    if not all(isinstance(name, str) for name in names):
        wrong = next(name for name in names if not isinstance(name, str))
        raise InvalidValue(f"labels must all be strings, got {wrong!r}")
    distinct = tuple({name for name in names if bindable(name) is not None})
    if not distinct:
        rows: Any = []
    else:
        sql = "select label, id from token where label in (select value from carray(?))"
        rows = connection.execute(sql, (apsw.carray(distinct),)).fetchall()
    known = dict(rows)
    if len(known) < len(set(names)):
        missing = next(name for name in names if name not in known)
        raise TokenNotFound(f"no token has the label {missing!r}{closest_labels(connection, missing)}")
    return np.fromiter(map(known.__getitem__, names), np.int64, len(names))
