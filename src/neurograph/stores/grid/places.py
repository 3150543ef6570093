"""What the levels hold, how far tokens are apart, and tokens put into levels and taken out."""

from __future__ import annotations

from typing import Any

from ...model.field import LevelInfo
from ...model.levels import LEVELS
from ..arguments import TokenLike, existing_token_id
from . import plain
from .base import GridPart, LevelLike, PointLike, Weights, level_name, point_of, weights_of


class Places(GridPart):
    """The places of tokens, level by level."""

    def info(self, level: LevelLike | None = None) -> list[LevelInfo]:
        """Return what the levels hold: how many tokens, between which corners.

        Parameters
        ----------
        level
            Only this level; None for all eight.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create(coordinates={"physical": (1, 2, 3)})
        ...     db.grid.info("physical")[0].low
        (1.0, 2.0, 3.0)

        Notes
        -----
        Reads every token once.
        """
        names = LEVELS if level is None else (level_name(level),)
        parts = []
        for name in names:
            axes = [f"{name}_{axis}" for axis in "xyz"]
            bounds = [f"{bound}({axis})" for bound in ("min", "max") for axis in axes]
            parts.append(f"count({axes[0]}), {', '.join(bounds)}")
        hints = ", ".join(f"scale_{name}, bucket_{name}" for name in names)
        with self._session.reading() as line:
            row: Any = line.connection.execute(f"select {', '.join(parts)} from token").fetchone()
            scales: Any = line.connection.execute(f"select {hints} from cdna_current").fetchone()
        found = []
        for at, name in enumerate(names):
            count, *corners = row[7 * at : 7 * at + 7]
            low, high = (tuple(corners[:3]), tuple(corners[3:])) if count else (None, None)
            found.append(LevelInfo(name, count, low, high, scales[2 * at], scales[2 * at + 1]))
        return found

    def distance(
        self, a: TokenLike, b: TokenLike, *, level: LevelLike | None = None, weights: Weights = None
    ) -> float | None:
        """Return the distance of two tokens in a level or over several, None where they have none.

        Parameters
        ----------
        a, b
            The tokens.
        level, weights
            As for `neighbors`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     for x in (0, 3):
        ...         _ = db.tokens.create(coordinates={"physical": (x, 4, 0)})
        ...     db.grid.distance(1, 2, level="physical"), db.grid.distance(1, 2, level="social")
        (3.0, None)
        """
        name = None if level is None else level_name(level)
        with self._session.reading() as line:
            connection = line.connection
            here, there = (plain.place_of(connection, existing_token_id(connection, token)) for token in (a, b))
            if name is None:
                return plain.distance(here, there, weights_of(connection, weights))
            if name not in here or name not in there:
                return None
            return plain.distance({name: here[name]}, {name: there[name]}, None)

    def add(self, token: TokenLike, point: PointLike, *, level: LevelLike) -> None:
        """Put a token at a place of a level; one that is there already moves.

        Parameters
        ----------
        token
            Which token.
        point
            (x, y, z) in the units of the level.
        level
            Which level.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat = db.tokens.create("cat")
        ...     db.grid.add(cat, (0.6, 0.2, 0.1), level="emotional")
        ...     db.tokens.get("cat").coordinates
        {'emotional': (0.6, 0.2, 0.1)}
        """
        self._place(token, level_name(level), point_of(point))

    def remove(self, token: TokenLike, *, level: LevelLike) -> None:
        """Take a token out of a level; it stays a token.

        Parameters
        ----------
        token
            Which token.
        level
            Which level; one the token does not define is left as it is.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat = db.tokens.create("cat", coordinates={"emotional": (0.6, 0.2, 0.1)})
        ...     db.grid.remove(cat, level="emotional")
        ...     db.tokens.get("cat").coordinates
        {}
        """
        self._place(token, level_name(level), (None, None, None))

    def _place(self, token: TokenLike, level: str, point: tuple[float | None, float | None, float | None]) -> None:
        sets = ", ".join(f"{level}_{axis} = ?" for axis in "xyz")
        with self._session.transaction():
            number = existing_token_id(self._session.writer.connection, token)
            self._session.change(f"update token set {sets} where id = ?", (*point, number))
