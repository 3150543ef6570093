"""The part of a `Database` that makes indexes on JSON properties; what they are is in `property_index.py`.

Two files, because every `Database` has these methods and few programs call them: named fields and patterns need
`typing` and `re`, which cost as much as `open` itself.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..connection.session import Session
    from .property_index import PropertyIndex


class PropertyIndexes:
    """The part of a `Database` that makes indexes on JSON properties."""

    _session: Session

    def index(self, table: str, path: str, *, unique: bool = False, name: str | None = None) -> str:
        """Create an index on a JSON property, unless it is there, and return its name.

        Parameters
        ----------
        table
            ``"token"`` or ``"edge"``, whose JSON is in ``properties``, or ``"item"``, whose JSON is in ``metadata``.
        path
            The property as a JSON path: ``"$.year"``, ``"$.author.name"``, ``"$.tags[0]"``.
        unique
            Refuse two rows with the same value; rows without the property don't count.
        name
            A name that starts with ``user_``; by default one made of table and path.

        Returns
        -------
        str
            The index's name.

        Raises
        ------
        UnknownName
            No such table.
        InvalidValue
            `path` is no JSON path, or `name` no name.
        Conflict
            The name is another index's, or rows share a value that `unique` forbids.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.index("token", "$.year")
        ...     _ = db.tokens.create("Alien", properties={"year": 1979})
        ...     db.tokens.list(where=("json_extract(properties, '$.year') = ?", [1979]))[0].label
        'user_token_year'
        'Alien'

        Notes
        -----
        SQLite uses it where a query writes ``json_extract(properties, '$.year')``, letter for letter. It grows with
        the number of rows, and each write to the JSON keeps it up. An index of items serves all libraries.
        """
        from .property_index import create

        return create(self._session, table, path, unique, name)

    def indexes(self) -> list[PropertyIndex]:
        """Return the indexes on JSON properties, by name: (name, table, path, unique) each.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.index("token", "$.isbn", unique=True)
        ...     db.indexes()
        [PropertyIndex(name='user_token_isbn', table='token', path='$.isbn', unique=True)]
        """
        from .property_index import list_indexes

        return list_indexes(self._session)

    def drop_index(self, name: str) -> None:
        """Drop an index on a JSON property.

        Parameters
        ----------
        name
            As `index` returned it.

        Raises
        ------
        UnknownName
            No index on a property has that name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.drop_index(db.index("token", "$.year"))
        ...     db.indexes()
        []
        """
        from .property_index import drop

        drop(self._session, name)
