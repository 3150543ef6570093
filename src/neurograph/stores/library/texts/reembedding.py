"""Another encoder takes a library over: its vectors are made ahead, then one transaction switches.

Invariants:

1. Until the switch the old vectors answer, for everybody; after it the new ones do. Nobody sees a mixture.
2. What is made is in the file, in slices of less than 100 ms each, so a call that was killed goes on where it was.
3. A vector counts only for the text it was made of: the switch finds whatever was added or changed meanwhile, by
   whatever path, and waits until that is made too. The comparison and the switch are in one transaction.
4. Ids stay.
"""

from __future__ import annotations

import apsw

from ....derived.kind import CHUNK_BITS
from ....errors import Conflict, InvalidValue, Misuse
from ..base import require_library
from ..vectors import blobs, norms
from .encoders import WRITTEN_BYTES, EncodedLibrary, encoder_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from ....embed.engine import EmbeddingEngine
    from ....model.identity import Identity
    from ....progress import Told
    from ...bulk import Bulk

AT_ONCE = 2048  # texts read, made vectors of and written before the next are
CLEANED = 1024  # of what was made ahead, deleted in one transaction
FREED_PAGES = 1024  # given back to the system in one transaction: 8 MB

# Items whose text has no new vector yet; `text is` compares bytes, 0.3 µs each.
MISSING = """
    select item.id, item.text
      from item
      left join reembedded on reembedded.id = item.id
     where item.id between ? and ? and item.text is not null and reembedded.text is not item.text"""
TEXTLESS = """
    select item.id
      from item
      join embedding on embedding.id = item.id
     where item.id between ? and ? and item.text is null limit 1"""


class ReembeddedLibrary(EncodedLibrary):
    """A library that another encoder may take over."""

    def reembed(self, encoder: EmbeddingEngine, *, progress: bool | Told = False) -> int:
        """Make the vectors of all texts anew with another encoder, which then is the library's.

        The old vectors answer until all new ones are there; then one transaction switches, and the next search, in any
        process, sees the new ones alone. A call that was broken off or killed is resumed by the same call.

        Parameters
        ----------
        encoder
            Of any dimension; the metric stays.
        progress
            True shows a line on a terminal's stderr; or what is called with ``("texts", done, total)``.

        Returns
        -------
        int
            How many items have a new vector.

        Raises
        ------
        InvalidValue
            `encoder` is no encoder, or an item has a vector and no text to make a new one of.
        Misuse
            A transaction is open: the call takes as long as the encoder does.
        Conflict
            Another call with another encoder began meanwhile.
        NotHere
            What the encoder needs is not installed.
        LibraryNotFound
            The library was dropped.

        Examples
        --------
        >>> import neurograph
        >>> encoder = neurograph.EmbeddingEngine.default()
        >>> with neurograph.open(":memory:") as db:
        ...     notes = db.library.create("notes", dimension=2)
        ...     _ = notes.add(texts=["a cat asleep", "stocks fell"])
        ...     notes.reembed(encoder), notes.dimension, notes.search("kitten", k=1)[0].id == notes.list(1)[0].id
        (2, 256, True)

        Notes
        -----
        Grows with the tokens of the texts. Items keep their ids; other handles of the library are to be got again where
        the dimension changed; principal components and partitions are gone, as they were the old vectors'. The file
        holds both versions meanwhile. Vectors are written in transactions of at most 2 MB; the switch holds the write
        lock for longer, 0.9 to 2.3 s for 117,659 vectors of 384 (two busy cores, Linux), and readers don't wait for it.
        """
        encoder_of(encoder)
        if not isinstance(progress, bool) and not callable(progress):
            raise InvalidValue(f"progress must be True, False or a function, got {progress!r}")
        if self._session.in_transaction:
            raise Misuse("cannot make vectors of text inside a transaction, which others wait for; end it first")
        from ....progress import telling

        with telling(progress, "texts") as told:
            self._begin_reembedding(encoder)
            while True:
                self._make_missing(encoder, told)
                count = self._switch(encoder)
                if count is not None:
                    break
        self._space = self._space._replace(dimension=encoder.dimension)
        self._encoders.attach(self._space, encoder)
        self._derived.forget()  # arrays of this process, and what they were centred by
        self._clean_reembedded(encoder.identity)
        return count

    def _begin_reembedding(self, encoder: EmbeddingEngine) -> None:
        """Note which encoder is to take over; what another one made before goes."""
        from .identity import details

        made_by = encoder.identity
        given = (self.id, encoder.dimension, made_by.model, details(made_by))
        with self._session.reading() as line:
            require_library(line.connection, self._space)
            self._require_texts(line.connection)
            resumed = _is_under_way(line.connection, given)
        if resumed:
            return
        with self._session.transaction():
            require_library(self._session.writer.connection, self._space)
            other = self._session.change("delete from reembedding where library_id = ? returning 1", (self.id,))
            theirs = self._maker(self._session.writer.connection)
        self._clean_reembedded(None if other else theirs)  # without another one it is what a switch left to be cleaned
        with self._session.transaction():
            connection = self._session.writer.connection
            require_library(connection, self._space)
            connection.execute(
                """insert into reembedding (library_id, dimension, model, identity) values (?, ?, ?, ?)
                       on conflict do nothing""",
                given,
            )
            self._require_under_way(connection, encoder)

    def _make_missing(self, encoder: EmbeddingEngine, told: Told) -> None:
        """Make vectors of the texts that have none yet, in order of id, once through."""
        last = self._space.first_id - 1
        with self._session.reading() as line:
            rows: Any = line.connection.execute(
                """select count(*), (select count(*) from reembedded where id between ?1 and ?2)
                     from item
                    where id between ?1 and ?2 and text is not null""",
                self._space.ids,
            ).fetchall()
        total, done = rows[0]
        while True:
            with self._session.reading() as line:
                found: Any = line.connection.execute(
                    f"{MISSING} order by item.id limit ?", (last + 1, self._space.last_id, AT_ONCE)
                ).fetchall()
            if not found:
                return
            texts = [text for _, text in found]
            _, vectors, _ = self._vectors_of(texts, "document", encoder.identity, encoder)
            self._stage(encoder, found, vectors)
            last = found[-1][0]
            done += len(found)
            told("texts", done, max(total, done))

    def _stage(self, encoder: EmbeddingEngine, rows: list[tuple[int, str]], vectors: np.ndarray) -> None:
        """Write vectors beside the old ones, in short transactions."""
        step = max(1, WRITTEN_BYTES // (4 * vectors.shape[1]))
        for first in range(0, len(rows), step):
            some = vectors[first : first + step]
            low, high = norms(some) or (0.0, 0.0)
            with self._session.transaction():
                connection = self._session.writer.connection
                self._require_under_way(connection, encoder)
                connection.cursor().executemany(
                    "insert or replace into reembedded values (?, ?, ?)",
                    (
                        (id, text, blob)
                        for (id, text), blob in zip(rows[first : first + step], blobs(some), strict=True)
                    ),
                )
                connection.execute(
                    """update reembedding
                          set norm_low = min(coalesce(norm_low, ?1), ?1), norm_high = max(coalesce(norm_high, ?2), ?2)
                        where library_id = ?3""",
                    (low, high, self.id),
                )

    def _switch(self, encoder: EmbeddingEngine) -> int | None:
        """Put the new vectors into the place of the old ones, and return how many; None where some are missing."""
        from ...bulk import bulk

        with bulk(self._session, "embedding") as work:
            connection = work.connection
            require_library(connection, self._space)
            self._require_under_way(connection, encoder)
            self._require_texts(connection)
            if connection.execute(f"{MISSING} limit 1", self._space.ids).fetchall():
                return None
            return self._switched(work)

    def _switched(self, work: Bulk) -> int:
        connection, ids = work.connection, self._space.ids
        connection.execute("delete from projection where library_id = ?", (self.id,))
        connection.execute("delete from partitioning where library_id = ?", (self.id,))
        work.run("delete from embedding where id between ? and ?", [ids])
        connection.execute(
            """update library
                  set (dimension, model, identity, norm_low, norm_high) =
                      (select dimension, model, identity, norm_low, norm_high from reembedding where library_id = ?1)
                where id = ?1""",
            (self.id,),
        )
        norm: Any = connection.execute("select norm_low, norm_high from library where id = ?", (self.id,)).fetchall()
        work.run(
            """insert into embedding
               select reembedded.id, reembedded.vector
                 from reembedded
                where reembedded.id between ? and ?
                  and (select text from item where id = reembedded.id) is reembedded.text
                order by reembedded.id""",
            [ids],
        )
        rows: Any = connection.execute("select changes()").fetchall()
        if work.fast:
            chunks = (ids[0] >> CHUNK_BITS, ids[1] >> CHUNK_BITS)
            connection.execute(
                "update mark set nonce = random() where subject = 'embedding' and chunk between ? and ?", chunks
            )
            connection.execute(
                f"""insert into mark
                    select distinct 'embedding', id >> {CHUNK_BITS}, random() from embedding where id between ? and ?
                        on conflict do nothing""",
                ids,
            )
        connection.execute(
            "update library set norm_low = ?, norm_high = ? where id = ? and norm_low is not ?",
            (*norm[0], self.id, norm[0][0]),
        )
        connection.execute("delete from reembedding where library_id = ?", (self.id,))
        return int(rows[0][0])

    def _clean_reembedded(self, made_by: Identity | None) -> None:
        """Delete what was made ahead, in short transactions, and say whose vectors the texts have now."""
        from . import kept

        hashed = None if made_by is None else kept.Hashes(made_by, "document")
        first, last = self._space.ids
        while True:
            with self._session.reading() as line:
                rows: Any = line.connection.execute(
                    "select id, text, vector from reembedded where id between ? and ? order by id limit ?",
                    (first, last, CLEANED),
                ).fetchall()
            if not rows:
                break
            known = [(id, hashed.of(text), vector) for id, text, vector in rows] if hashed is not None else []
            with self._session.transaction():
                connection = self._session.writer.connection
                connection.execute("delete from reembedded where id between ? and ?", (first, rows[-1][0]))
                there = "select id from embedding where id between ? and ?"
                ids = {id for (id,) in connection.execute(there, (first, rows[-1][0]))}
                kept.keep_items_of(connection, [row for row in known if row[0] in ids])
            first = rows[-1][0] + 1
        free: Any = self._session.rows("pragma freelist_count")
        for _ in range(0, free[0][0], FREED_PAGES):
            self._session.change(f"pragma incremental_vacuum({FREED_PAGES})")

    def _require_texts(self, connection: apsw.Connection) -> None:
        """Refuse where an item's vector can't be made anew."""
        rows: Any = connection.execute(TEXTLESS, self._space.ids).fetchall()
        if rows:
            raise InvalidValue(
                f"every item of {self.name!r} with a vector must have a text to make a new one of, got item "
                f"{rows[0][0]} without; give it a text, or take its vector away with update(id, vector=None)"
            )

    def _require_under_way(self, connection: apsw.Connection, encoder: EmbeddingEngine) -> None:
        from .identity import details

        made_by = encoder.identity
        if not _is_under_way(connection, (self.id, encoder.dimension, made_by.model, details(made_by))):
            require_library(connection, self._space)
            raise Conflict(
                f"library {self.name!r} must be taken over by one encoder at a time, got another call that began, or "
                "ended, meanwhile; call again"
            )


def _is_under_way(connection: apsw.Connection, given: tuple[int, int, str, str]) -> bool:
    sql = "select 1 from reembedding where (library_id, dimension, model, identity) = (?, ?, ?, ?)"
    return bool(connection.execute(sql, given).fetchall())
