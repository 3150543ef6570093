"""The libraries of a database: create, load, get, list, drop."""

from __future__ import annotations

import builtins
import os
import time
from collections.abc import Collection, Iterator

from ...connection.session import Session
from ...errors import Conflict, InvalidValue, LibraryNotFound
from ...model.item import METRICS
from ..arguments import bindable, closest, whole
from .base import Space, checked_text
from .library import Library
from .texts.encoders import Encoders, encoder_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...derived.mechanism import Derived
    from ...embed.engine import EmbeddingEngine
    from ...model.identity import Identity
    from ...progress import Told

SPACE = "select id, name, dimension, metric, created_ns from library"


class Libraries:
    """The libraries of a database, reached as `db.library`.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     _ = db.library.create("glosses", dimension=384, model="all-MiniLM-L6-v2")
    ...     "glosses" in db.library, [library.name for library in db.library]
    (True, ['glosses'])
    """

    def __init__(self, session: Session, derived: Derived) -> None:
        self._session = session
        self._derived = derived
        self._encoders = Encoders()

    def create(
        self,
        name: str,
        *,
        dimension: int | None = None,
        metric: str = "cosine",
        model: str | Identity | EmbeddingEngine | None = None,
        text_index: bool | str | None = None,
    ) -> Library:
        """Create a library.

        Parameters
        ----------
        name
            Unique in the file.
        dimension
            How many numbers a vector has, from 1 to 8192; an encoder knows it.
        metric
            ``"cosine"``, ``"l2"`` or ``"dot"``.
        model
            What makes the vectors: an `EmbeddingEngine`, which then reads the library's texts and questions, a name, or
            an `Identity` that says all of it. Vectors of another one are refused.
        text_index
            True, or a tokenizer, for a text index from the start; see `Library.index_text`.

        Returns
        -------
        Library
            Empty.

        Raises
        ------
        InvalidValue
            A value has a wrong kind or is out of range.
        Conflict
            There is a library of that name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.library.create("points", dimension=2, metric="l2")
        <Library 'points' 2 dimensions l2>
        """
        if not isinstance(name, str) or not name or "\x00" in name:
            raise InvalidValue(f"name must be a string of at least one character without NUL, got {name!r}")
        checked_text(name, "name")
        if metric not in METRICS:
            raise InvalidValue(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
        from ...model.identity import Identity
        from .texts.identity import details, identity_of

        must = "model must be a name, an Identity or an EmbeddingEngine"
        encoder = None if model is None or isinstance(model, str | Identity) else encoder_of(model, must)
        if dimension is None and encoder is not None:
            dimension = encoder.dimension
        size = whole(dimension, "dimension", 1, 8192)
        if encoder is not None and encoder.dimension != size:
            raise InvalidValue(f"dimension must be {encoder.dimension}, as the encoder's, got {dimension!r}")
        identity = identity_of(model if encoder is None else encoder.identity)
        with self._session.transaction():
            self._require_free(name)
            rows = self._session.change(
                """insert into library (name, dimension, metric, model, identity, created_ns) values (?, ?, ?, ?, ?, ?)
                   returning id, created_ns""",
                (name, size, metric, identity.model, details(identity), time.time_ns()),  # SQLite's is of milliseconds
            )
            id, created_ns = rows[0]
            library = self._made(id, name, size, metric, created_ns)
            if text_index is not None and text_index is not False:
                library.index_text(None if text_index is True else text_index)
        if encoder is not None:
            library.attach(encoder)
        return library

    def load(
        self,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        metric: str = "cosine",
        model: str | Identity | EmbeddingEngine | None = None,
        format: str | None = None,
        words: str | os.PathLike[str] | None = None,
        member: str | None = None,
        limit: int | None = None,
        subset: Collection[str] | None = None,
        normalize: bool = False,
        errors: str = "strict",
        malformed: str = "error",
        text_index: bool | str | None = None,
        progress: bool | Told = False,
    ) -> Library:
        r"""Make a library of a file of word vectors: GloVe, word2vec, fastText or numpy, also in gz, bz2 or zip.

        Parameters
        ----------
        path
            The file.
        name
            Of the library; None takes the file's, without its endings.
        metric, model
            As for `create`.
        format
            ``"glove"``, ``"word2vec"``, ``"word2vec_binary"``, ``"fasttext"`` or ``"npy"``; None finds it out from the
            content.
        words
            For ``"npy"``: a text file with the word of each row, one a line.
        member
            The file to read in a zip that holds several.
        limit
            At most so many words, 1 or more; None for all.
        subset
            Only these words; reading stops when all are found.
        normalize
            Divide each vector by its length.
        errors
            For words that are not UTF-8: ``"strict"`` refuses the file and names the line, ``"replace"`` puts U+FFFD
            for what can't be read, ``"cp1252"`` reads the word as Windows-1252.
        malformed
            ``"error"`` refuses the file at the first malformed line; ``"skip"`` leaves them out, logs how many, and
            tells `progress`.
        text_index
            As for `create`.
        progress
            True shows a line on a terminal's stderr; or what is called with ``("words", done, total)``, the total
            reckoned by the bytes read so far where the file does not say it; and at the end, where malformed lines
            were skipped, with ``("left out", count, count)``.

        Returns
        -------
        Library
            One item for each word, its key the word.

        Raises
        ------
        ImportFailed
            The file can't be read, or is malformed; there is no library then.
        Conflict
            There is a library of that name.
        InvalidValue
            An argument breaks its rule.

        Examples
        --------
        >>> import neurograph, pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "tiny.txt"
        >>> _ = path.write_text("cat 1 0\ndog 0.9 0.1\ncar 0 1\n")
        >>> with neurograph.open(":memory:") as db:
        ...     [hit.key for hit in db.library.load(path).search("cat", k=2)]
        ['dog', 'car']

        Notes
        -----
        Memory stays bounded whatever the file's size. Outside a transaction it commits every 4,096 words, so other
        writers wait for less than 100 ms, and the library is there with the last of them; a load that was broken off is
        taken away by `drop`.
        """
        from .items.loading import load

        options: dict[str, Any] = {"format": format, "words": words, "member": member, "limit": limit}
        options |= {"subset": subset, "normalize": normalize, "errors": errors, "malformed": malformed}
        made = {"name": name, "metric": metric, "model": model, "text_index": text_index}
        return load(self._session, self, path, made, options, progress)

    def get(self, name: str) -> Library:
        """Return a library.

        Parameters
        ----------
        name
            As it was created.

        Returns
        -------
        Library
            A handle; as many as you like.

        Raises
        ------
        LibraryNotFound
            There is none; the message names the closest.
        InvalidValue
            `name` is no string.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.library.create("points", dimension=2)
        ...     db.library.get("points").dimension
        2
        """
        if not isinstance(name, str):
            raise InvalidValue(f"name must be a string, got {name!r}")
        rows = self._session.rows(f"{SPACE} where name = ? and complete", (bindable(name),))
        if not rows:
            raise LibraryNotFound(f"no library has the name {name!r}{self._closest(name)}")
        return self._made(*rows[0])

    def list(self) -> builtins.list[Library]:
        """Return all libraries, in order of name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.library.list()
        []
        """
        return [self._made(*row) for row in self._session.rows(f"{SPACE} where complete order by name")]

    def drop(self, name: str) -> int:
        """Delete a library with its items and vectors, give its pages back, and return how many items it had.

        Parameters
        ----------
        name
            As it was created; also that of a load that was broken off.

        Returns
        -------
        int
            How many items are gone.

        Raises
        ------
        LibraryNotFound
            There is none; the message names the closest.
        InvalidValue
            `name` is no string.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.library.create("points", dimension=2).add([[0, 1], [1, 0]])
        ...     db.library.drop("points"), db.library.list()
        (2, [])

        Notes
        -----
        Grows with the number of items: 0.7 s for 117,659 with vectors of 384 (two cores, Linux). One transaction, row
        by row through the triggers.
        """
        from ..text_objects import drop_text_objects
        from .pages import give_back

        if not isinstance(name, str):
            raise InvalidValue(f"name must be a string, got {name!r}")
        with self._session.transaction():
            rows = self._session.rows(f"{SPACE} where name = ?", (bindable(name),))
            library = self._made(*rows[0]) if rows else self.get(name)
            count = library.count()
            drop_text_objects(self._session.writer.connection, library.id)
            self._session.change("delete from library where id = ?", (library.id,))
            give_back(self._session)
        return count

    def _made(self, *space: Any) -> Library:
        return Library(self._session, self._derived, self._encoders, Space(*space))

    def _require_free(self, name: str) -> None:
        rows = self._session.rows("select complete from library where name = ?", (name,))
        if rows:
            owner, remedy = "a library", "get it, or drop it first"
            if not rows[0][0]:
                owner = "a load that is under way, or was broken off,"
                remedy = "wait for it, or take it away with db.library.drop"
            raise Conflict(f"name must be unique, got {name!r}, which {owner} has; {remedy}")

    def _closest(self, name: str) -> str:
        rows = self._session.rows("select name from library where complete")
        return closest(name, [row[0] for row in rows]) or "; db.library.create makes one"

    def __iter__(self) -> Iterator[Library]:
        return iter(self.list())

    def __len__(self) -> int:
        return self._session.rows("select count(*) from library where complete")[0][0]  # type: ignore[no-any-return]

    def __bool__(self) -> bool:
        return True  # the store is there, whether or not it holds something

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            raise InvalidValue(f"name must be a string, got {name!r}")
        return bool(self._session.rows("select 1 from library where name = ? and complete", (bindable(name),)))
