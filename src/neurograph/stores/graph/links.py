"""What a token is linked to: its edges seen from it, its neighbors, its degree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw

from ...model.edge import Link
from ..arguments import TokenLike, existing_token_id
from .base import GraphPart, TypesLike, direction_of, type_codes

if TYPE_CHECKING:
    import numpy as np

# Links of a token by direction: each edge once, a bidirectional one whichever end is asked.
_LINKS = {
    "out": """
        select target, type, key, weight from edge where source = :token {types}
        union all
        select source, type, key, weight from edge
         where target = :token and bidirectional and source <> :token {types}""",
    "in": """
        select source, type, key, weight from edge where target = :token {types}
        union all
        select target, type, key, weight from edge
         where source = :token and bidirectional and target <> :token {types}""",
    "both": """
        select target, type, key, weight from edge where source = :token {types}
        union all
        select source, type, key, weight from edge where target = :token and source <> :token {types}""",
}


class Links(GraphPart):
    """The edges of one token."""

    def links(self, token: TokenLike, *, direction: str = "out", types: TypesLike = None) -> list[Link]:
        """Return the edges of a token, each seen from it, in order of the other end, type and key.

        Parameters
        ----------
        token
            Whose edges.
        direction
            ``"out"`` follows edges forwards, ``"in"`` backwards, ``"both"`` either way; bidirectional ones are
            followed both ways everywhere.
        types
            Follow only this type, or one of these.

        Raises
        ------
        TokenNotFound
            There is no such token.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     _ = db.graph.create(cat, dog, type="near", bidirectional=True)
        ...     db.graph.links("dog")
        [Link(id=1, type='near', key='', weight=1.0)]

        Notes
        -----
        Two index lookups: about 5 µs and 0.4 µs a link.
        """
        rows = self.entries(token, direction=direction, types=types)
        names = {code: self._type_name(code) for code in {row[1] for row in rows}}
        return [Link(other, names[code], key, weight) for other, code, key, weight in rows]

    def entries(
        self, token: TokenLike, *, direction: str = "out", types: TypesLike = None
    ) -> list[tuple[int, int, str, float]]:
        """Return what `links` returns as plain tuples, types as codes: (id, type, key, weight).

        Parameters as for `links`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     _ = db.graph.create(cat, dog)
        ...     db.graph.entries("cat")
        [(2, 80, '', 1.0)]
        """
        line = self._session.enter()
        try:
            connection = line.connection
            codes = type_codes(connection, types)
            return _links(connection, existing_token_id(connection, token), direction_of(direction), codes)
        except apsw.Error as error:
            raise line.failed(error) from error
        finally:
            self._session.leave(line)

    def neighbors(self, token: TokenLike, *, direction: str = "out", types: TypesLike = None) -> np.ndarray:
        """Return the ids of the tokens a token is linked to, each once, ascending, as int64.

        Parameters as for `links`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     _ = db.graph.create(cat, dog)
        ...     db.graph.neighbors("cat").tolist()
        [2]
        """
        import numpy as np

        rows = self.entries(token, direction=direction, types=types)
        return np.unique(np.array([row[0] for row in rows], np.int64))

    def degree(self, token: TokenLike, *, direction: str = "both") -> int:
        """Return how many edges a token has.

        Parameters
        ----------
        token
            Whose edges.
        direction
            ``"out"``, ``"in"`` or ``"both"``. A bidirectional edge counts once in each at both ends, a loop once.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     _ = db.graph.create(cat, dog)
        ...     db.graph.degree("cat"), db.graph.degree("cat", direction="in")
        (1, 0)

        Notes
        -----
        Counters kept by triggers: one lookup, whatever the degree.
        """
        column = {"out": "outgoing", "in": "incoming", "both": "total"}[direction_of(direction)]
        line = self._session.enter()
        try:
            number = existing_token_id(line.connection, token)
            row: Any = line.connection.execute(f"select {column} from degree where token_id = ?", (number,)).fetchone()
            return row[0] if row else 0
        except apsw.Error as error:
            raise line.failed(error) from error
        finally:
            self._session.leave(line)


def _links(
    connection: apsw.Connection, token: int, direction: str, codes: tuple[int, ...] | None
) -> list[tuple[int, int, str, float]]:
    """Return (other end, type code, key, weight) of the edges of a token, in order."""
    types = "" if codes is None else f"and type in ({', '.join(map(str, codes))})"
    rows: Any = connection.execute(_LINKS[direction].format(types=types), {"token": token}).fetchall()
    rows.sort()
    return rows  # type: ignore[no-any-return]
