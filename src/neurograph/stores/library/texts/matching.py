"""Items found by their words."""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from ....errors import InvalidValue, NotHere
from ....model.item import Hit, Item, Match, Matches
from ...arguments import bound_ids, real, whole
from ...where import blamed, prepare
from ..base import THERE, LibraryPart, require_library
from ..nearest.choice import ids_among, keys_of, query_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ....connection.line import Line
    from ...where import Where

MOST = (1 << 63) - 1


class MatchedLibrary(LibraryPart):
    """Finds items by their words."""

    def match(
        self,
        text: str,
        k: int = 10,
        *,
        where: Where | None = None,
        among: Iterable[Item | Hit | int] | None = None,
        after: Match | None = None,
        syntax: str = "words",
        timeout_s: float | None = None,
    ) -> Matches:
        """Find the k items whose keys and texts match words best.

        Parameters
        ----------
        text
            What to look for; without a word in it, nothing is found.
        k
            At most so many, without a ceiling.
        where, among
            As for `search`: they apply before `k`, and change no score.
        after
            Only what comes behind this match: the last one of the page before.
        syntax
            ``"words"`` takes any text and finds what has any of its words, ``"all"`` what has all of them; a word with
            signs in it, such as ``state-of-the-art``, means its parts one after another. ``"fts5"`` takes a query in
            FTS5's own language: ``'"small cat" NOT dog'``, ``'text : fel*'``.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Matches
            (id, key, score) in order of score, the greatest first, then id. The score is FTS5's BM25 over key and text
            together, above 0.

        Raises
        ------
        NotHere
            The library has no text index; `index_text` makes it.
        InvalidValue
            `text` is no string, or with ``syntax="fts5"`` no query; `where` is no condition.
        LibraryNotFound
            The library was dropped.
        DeadlineExceeded
            It took longer than `timeout_s`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=2, text_index=True)
        ...     _ = pets.add(keys=["cat", "dog"], texts=["a small feline", "a loyal canine; chases a cat"])
        ...     [hit.key for hit in pets.match("Cat?")], [hit.key for hit in pets.match("small cat", k=1)]
        (['cat', 'dog'], ['cat'])

        Notes
        -----
        Grows with how many items have one of the words: 0.1 ms where 160 of 117,659 have, 40 ms where 97,000 have, as
        with *a* and *of* (two cores, Linux); ``"all"`` is the faster then.

        A word that is in n of N items weighs ``ln((N - n + 0.5) / (n + 0.5))``, at least 1e-6. The score is the sum
        over the words of their weights times ``2.2 f / (f + 1.2 (0.25 + 0.75 D / A))``: a word comes f times among the
        item's D words, of which an item has A on average
        (`FTS5's formula <https://sqlite.org/fts5.html#the_bm25_function>`_).
        """
        from ...text_objects import table_of
        from .query import text_query

        asked = text_query(text, syntax)
        most = min(whole(k, "k"), MOST)
        table = table_of(self.id)
        parts: list[str] = [f"{table} match ?"]
        values: list[Any] = [asked]
        if among is not None:  # the + keeps FTS5 from being asked for each of the ids
            parts.append("+rowid in (select value from carray(?))")
            values.append(bound_ids(ids_among(among)))
        if where is not None:  # for each item that matches: often fewer than the library has
            from ...where import condition_of

            condition, bound = condition_of(where)
            parts.append(f"exists (select 1 from ({query_of(self._space, condition)}) where id = {table}.rowid)")
            values += bound
        if after is not None:
            parts.append(f"(-bm25({table}) < ? or (-bm25({table}) = ? and rowid > ?))")
            values += _behind(after)
        with blamed(self._session, where), self._session.reading(timeout_s) as line:
            tokenizer = self._required_text_index(line.connection)
            if line.paths is not None:
                line.took("full text", f"FTS5 {tokenizer}")
            if where is not None:
                prepare(line.connection, where)
            if not asked:
                return Matches([], [], [])
            sql = f"""select rowid, -bm25({table}) from {table}
                       where {" and ".join(parts)}
                       order by bm25({table}), rowid limit ?"""
            try:
                rows: Any = line.connection.execute(sql, (*values, most)).fetchall()
            except apsw.SQLError as error:
                raise self._refused_text(line, text, asked) or error from error
            ids = [row[0] for row in rows]
            return Matches(ids, keys_of(line.connection, ids), [row[1] for row in rows])

    def _required_text_index(self, connection: apsw.Connection) -> str:
        """Return how the library's text index reads words, or say that it has none."""
        sql = f"select tokenizer, filled is null from text_index where library_id = ? and {THERE}"
        rows: Any = connection.execute(sql, (self.id, *self._space.itself)).fetchall()
        if rows and rows[0][1]:
            return rows[0][0]  # type: ignore[no-any-return]
        require_library(connection, self._space)
        raise NotHere(
            f"library {self.name!r} must have a text index to match words"
            f"{', and the one it has is not whole; go on' if rows else '; make one'} with library.index_text()"
        )

    def _refused_text(self, line: Line, text: str, asked: str) -> InvalidValue | None:
        """Return the error for what FTS5 can't read; None where something else is wrong."""
        from ...text_objects import table_of

        table = table_of(self.id)
        try:
            line.connection.execute(f"select 1 from {table} where {table} match ? limit 1", (asked,)).fetchall()
        except apsw.SQLError as error:
            said = str(error).removeprefix("fts5: ")
            return InvalidValue(
                f"text must be a query in the language of FTS5, got {text!r} ({said}); syntax='words' takes any text"
            )
        return None


def _behind(after: Match) -> tuple[float, float, int]:
    if not isinstance(after, Match):
        raise InvalidValue(f"after must be a match of the page before, got {after!r}")
    score = real(after.score, "after.score")
    return score, score, whole(after.id, "after.id")
