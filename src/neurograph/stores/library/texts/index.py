"""The text index of a library: made, filled, dropped.

Invariants:

1. From the moment it is there its triggers keep it, so the index and the items say the same for every item up to
   `filled` and every one written since; nobody else asks it before all are in.
2. `filled` moves in the transaction that writes the rows before it: who breaks off or dies leaves it to be gone on
   with, and two that fill it at the same time help each other.
3. The write lock is held for a slice, which is made to last about 30 ms, not for all of it.
"""

from __future__ import annotations

import time

import apsw

from ....errors import Conflict, InvalidValue
from ..base import THERE, require_library
from .matching import MatchedLibrary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ....progress import Told

SLICE_S = 0.03
FIRST_SLICE, LAST_SLICE = 256, 4096  # items


class TextLibrary(MatchedLibrary):
    """A library whose keys and texts are found by their words."""

    @property
    def text_index(self) -> str | None:
        """How the text index reads words, its tokenizer; None where there is none, or not all of it yet."""
        sql = f"select tokenizer from text_index where library_id = ? and filled is null and {THERE}"
        rows = self._session.rows(sql, (self.id, *self._space.itself))
        return rows[0][0] if rows else None

    def index_text(self, tokenizer: str | None = None, *, rebuild: bool = False, progress: bool | Told = False) -> int:
        """Make the text index over keys and texts that `match` asks, and return how many items were written to it.

        Parameters
        ----------
        tokenizer
            How it reads words: ``"unicode61 remove_diacritics 2"`` unless said otherwise, ``"porter unicode61"`` for
            English words by their stems, ``"trigram"`` for parts of words, and what else every SQLite from 3.40 on
            knows. None keeps the one that is there.
        rebuild
            True makes it anew also where it is there with that tokenizer, which else is nothing to do.
        progress
            True shows a line on a terminal's stderr; or what is called with ``("items", done, total)``.

        Returns
        -------
        int
            0 where it was there.

        Raises
        ------
        InvalidValue
            The tokenizer is none that every SQLite knows.
        Conflict
            Something of yours has the name of the index, or another process changed the index meanwhile.
        LibraryNotFound
            The library was dropped.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=2)
        ...     _ = pets.add(keys=["cat", "dog"], texts=["purrs loudly", "barks"])
        ...     pets.index_text("porter unicode61"), pets.text_index, pets.match("barking")[0].key
        (2, 'porter unicode61', 'dog')

        Notes
        -----
        Grows with the length of all texts: 1.2 s and 23 MB for 117,659 glosses of WordNet, 9 MB of text (two cores,
        Linux). Every change of an item keeps it from then on, in the same transaction and whoever makes it. Outside a
        transaction it commits slice by slice, so others wait for less than 100 ms, and nobody sees it before all is
        there. Broken off, it goes on when it is called again.
        """
        from ...text_objects import checked_tokenizer

        wanted = None if tokenizer is None else checked_tokenizer(tokenizer)
        if not isinstance(progress, bool) and not callable(progress):
            raise InvalidValue(f"progress must be True, False or a function, got {progress!r}")
        if type(rebuild) is not bool:
            raise InvalidValue(f"rebuild must be True or False, got {rebuild!r}")
        with self._session.transaction():
            chosen = self._begin_text_index(self._session.writer.connection, wanted, rebuild)
        if chosen is None:
            return 0
        from ....progress import telling

        with telling(progress, "items") as told:
            return self._fill_text_index(chosen, told)

    def drop_text_index(self) -> bool:
        """Drop the text index and give its pages back.

        Returns
        -------
        bool
            False where there is none.

        Raises
        ------
        LibraryNotFound
            The library was dropped.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=2, text_index=True)
        ...     pets.drop_text_index(), pets.drop_text_index(), pets.text_index
        (True, False, None)
        """
        from ...text_objects import drop_orphans, drop_text_objects
        from ..pages import give_back

        with self._session.transaction():
            connection = self._session.writer.connection
            require_library(connection, self._space)
            drop_orphans(connection)
            there = drop_text_objects(connection, self.id)
            if there:
                give_back(self._session)
        return there

    def _begin_text_index(self, connection: apsw.Connection, wanted: str | None, rebuild: bool) -> str | None:
        """Make an empty index unless it is there, and return its tokenizer; None where it is there and full."""
        from ... import text_objects as objects

        require_library(connection, self._space)
        objects.drop_orphans(connection)
        sql = "select tokenizer, filled is null from text_index where library_id = ?"
        rows: Any = connection.execute(sql, (self.id,)).fetchall()
        there, full = rows[0] if rows else (None, False)
        tokenizer = wanted or there or objects.DEFAULT_TOKENIZER
        if rebuild or there != tokenizer or objects.changed_text_objects(connection, self.id, tokenizer):
            objects.drop_text_objects(connection, self.id)
            objects.create_text_objects(connection, self.id, objects.checked_tokenizer(tokenizer))
        elif full:
            return None
        return tokenizer

    def _fill_text_index(self, tokenizer: str, told: Told) -> int:
        """Write the items that are not in the index yet, slice by slice; say how many."""
        total = self._session.rows("select count(*) from item where id between ? and ?", self._space.ids)[0][0]
        written = done = 0
        size: int | None = FIRST_SLICE
        while size:
            began = time.perf_counter()
            with self._session.transaction():
                seen, new = self._fill_slice(self._session.writer.connection, tokenizer, size)
            took_s = time.perf_counter() - began
            written, done = written + new, done + seen
            told("items", done, total)
            fitting = int(size * min(4.0, SLICE_S / took_s))
            size = max(1, min(fitting, LAST_SLICE)) if seen == size else None
        return written

    def _fill_slice(self, connection: apsw.Connection, tokenizer: str, size: int) -> tuple[int, int]:
        """Write at most `size` items behind those that are in the index; say how many were looked at, and were new."""
        from ...text_objects import insert_texts

        rows: Any = connection.execute(
            f"select filled from text_index where library_id = ? and tokenizer = ? and {THERE}",
            (self.id, tokenizer, *self._space.itself),
        ).fetchall()
        if not rows:
            require_library(connection, self._space)
            raise Conflict(f"the text index of {self.name!r} was changed meanwhile; call index_text again")
        if rows[0][0] is None:  # somebody else was faster
            return 0, 0
        behind = rows[0][0]
        part = "select id from item where id > ? and id <= ? order by id limit ?"
        found: Any = connection.execute(
            f"select count(*), max(id) from ({part})", (behind, self._space.last_id, size)
        ).fetchall()
        seen, last = found[0]
        new = 0
        if seen:
            new = insert_texts(connection, self.id, behind + 1, last)
        filled = last if seen == size else None
        connection.execute("update text_index set filled = ? where library_id = ?", (filled, self.id))
        return seen, new
