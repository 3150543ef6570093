"""What the parts of a library share: which library it is, its items' ids, and how an item is named."""

from __future__ import annotations

import apsw

from ...connection.session import Session
from ...errors import IdentityMismatch, InvalidValue, ItemNotFound, LibraryNotFound
from ...model.item import Hit, Item
from ..arguments import bindable, closest, row_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

    from ...derived.mechanism import Derived
    from .texts.encoders import Encoders
else:
    from ...model.typed import NamedTuple

ItemLike = Item | Hit | int | str
ID_BITS = 32
LAST_LOCAL = (1 << ID_BITS) - 1
MOST_ITEMS = "2**32 - 1"
THERE = "exists (select 1 from library where id = ? and created_ns = ?)"  # for the values of Space.itself


class Space(NamedTuple):
    """What a handle knows of a library: only `reembed` changes the dimension, and a shell the name.

    An id is given again when the transaction that made the library is rolled back; id and time together are not.
    """

    id: int
    name: str
    dimension: int
    metric: str
    created_ns: int

    @property
    def itself(self) -> tuple[int, int]:
        """What tells this library from every other: id and time."""
        return self.id, self.created_ns

    @property
    def first_id(self) -> int:
        """The least id an item may have."""
        return (self.id << ID_BITS) + 1

    @property
    def last_id(self) -> int:
        """The greatest id an item may have."""
        return (self.id << ID_BITS) + LAST_LOCAL

    @property
    def ids(self) -> tuple[int, int]:
        """Both, for ``between ? and ?``."""
        return self.first_id, self.last_id


class LibraryPart:
    """One part of a library; the parts share one session."""

    def __init__(self, session: Session, derived: Derived, encoders: Encoders, space: Space) -> None:
        self._session = session
        self._derived = derived
        self._encoders = encoders
        self._space = space

    @property
    def id(self) -> int:
        """The library's id."""
        return self._space.id

    @property
    def name(self) -> str:
        """The library's name, as it was when the handle was made."""
        return self._space.name

    @property
    def dimension(self) -> int:
        """How many numbers a vector has, from 1 to 8192."""
        return self._space.dimension

    @property
    def metric(self) -> str:
        """``"cosine"``, ``"l2"`` or ``"dot"``."""
        return self._space.metric

    def __repr__(self) -> str:
        return f"<Library {self.name!r} {self.dimension} dimensions {self.metric}>"

    def _item_id(self, connection: apsw.Connection, item: ItemLike) -> int:
        """Return the id of an item that exists, given as record, id or key."""
        if isinstance(item, str):
            sql = f"select id from item where library_id = ? and key = ? and {THERE}"
            rows: Any = connection.execute(sql, (self.id, bindable(item), *self._space.itself)).fetchall()
            if rows:
                return int(rows[0][0])
            require_library(connection, self._space)
            raise ItemNotFound(
                f"no item of {self.name!r} has the key {item!r}{closest_keys(connection, self.id, item)}"
            )
        number = item.id if isinstance(item, Item | Hit) else row_id(item, "item", "a record, an id or a key")
        inside = self._space.first_id <= number <= self._space.last_id
        sql = f"select 1 from item where id = ? and {THERE}"
        if not inside or not connection.execute(sql, (number, *self._space.itself)).fetchall():
            require_library(connection, self._space)
            raise ItemNotFound(f"no item of {self.name!r} has the id {number}")
        return number


def require_library(connection: apsw.Connection, space: Space) -> None:
    """Refuse to go on with a library that is gone, or whose vectors are of another dimension now."""
    rows: Any = connection.execute(
        "select dimension from library where id = ? and created_ns = ?", space.itself
    ).fetchall()
    if not rows:
        raise LibraryNotFound(
            f"library {space.name!r} was dropped, or what made it was rolled back; create it again with "
            "db.library.create"
        )
    if rows[0][0] != space.dimension:
        raise IdentityMismatch(
            f"library {space.name!r} must have {space.dimension} dimensions, as when this handle was made, got "
            f"{rows[0][0]}: another encoder took it over; get it again with db.library.get"
        )


def closest_keys(connection: apsw.Connection, library_id: int, key: str) -> str:
    """Name up to three keys that begin alike, for an error message."""
    start = key[:3].encode(errors="ignore").decode()
    rows: Any = connection.execute(
        "select key from item where library_id = ? and key >= ? and key < ? order by key limit 200",
        (library_id, start, start + "\U0010ffff"),
    ).fetchall()
    return closest(key, [row[0] for row in rows])


def checked_text(value: object, what: str, empty: bool = False) -> str | None:
    """Return text that a column holds whole, or None."""
    if value is None:
        return None
    if not isinstance(value, str) or "\x00" in value or not (value or empty):
        least = "" if empty else "of at least one character "
        raise InvalidValue(f"{what} must be None, or a string {least}without NUL, got {value!r}")
    if not value.isascii() and bindable(value) is None:
        raise InvalidValue(f"{what} must be text that UTF-8 can hold, got {value!r}")
    return value
