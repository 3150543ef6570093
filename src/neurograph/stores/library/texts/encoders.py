"""Which encoder makes vectors of a library's texts: one that was attached, or the default one where it made them.

An encoder is a part of this process, its identity a part of the file. Nothing is loaded before a text is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import apsw

from .... import log
from ....connection.line import Line
from ....errors import IdentityMismatch, InvalidValue, Misuse, NotHere, TransactionBusy
from ...arguments import whole
from ..base import LibraryPart, Space, require_library
from ..vectors import little_endian, vector_array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

    import numpy as np

    from ....embed.engine import EmbeddingEngine
    from ....model.identity import Identity
else:
    from ....model.typed import NamedTuple

KINDS = ("document", "query")
MOST_KEPT = 10_000  # vectors without an item: 15 MB of 384 numbers
AT_ONCE = 2048  # texts made vectors of before they are kept
WRITTEN_BYTES = 2 << 20  # of vectors in one transaction: 10 ms, and 50 where six others use two cores


class Made(NamedTuple):
    """Vectors that were made of texts, before they are written.

    Attributes
    ----------
    places
        Which of the texts they belong to, ascending.
    hashes
        What the texts are found by, see `kept`.
    made_by
        The identity the library had then.
    """

    places: list[int]
    vectors: np.ndarray
    hashes: list[bytes]
    made_by: Identity


class Encoders:
    """The encoders attached to the libraries of one open file, by the library's id."""

    def __init__(self) -> None:
        self._attached: dict[int, EmbeddingEngine] = {}

    def attach(self, space: Space, engine: EmbeddingEngine) -> None:
        """Let `engine` make the vectors of a library's texts."""
        self._attached[space.id] = engine

    def of(self, space: Space, made_by: Identity) -> EmbeddingEngine | None:
        """Return the encoder of a library, or None."""
        engine = self._attached.get(space.id)
        if engine is not None and made_by.differences(engine.identity):
            engine = None  # another one took the library over
        if engine is None and made_by.weights_sha256 is not None:
            engine = _default_if(made_by)
            if engine is not None:
                self.attach(space, engine)
        return engine


def _default_if(made_by: Identity) -> EmbeddingEngine | None:
    """Return the default encoder if it is installed and made the vectors."""
    from ....embed.default import DEFAULT_NAME
    from ....embed.engine import EmbeddingEngine

    if made_by.model != DEFAULT_NAME:
        return None
    try:
        engine = EmbeddingEngine.default()
    except NotHere:
        return None
    return None if made_by.differences(engine.identity) else engine


def _remedy(made_by: Identity) -> str:
    """Return how a library comes by its encoder."""
    from ....embed.default import DEFAULT_NAME
    from ....embed.engine import EmbeddingEngine

    if made_by.model == DEFAULT_NAME:
        try:
            EmbeddingEngine.default()
        except NotHere as error:
            return str(error)
    return "give it with library.attach(EmbeddingEngine(path)) (ngdb: --model)"


def encoder_of(model: Any, must: str = "encoder must be an EmbeddingEngine") -> EmbeddingEngine:
    """Return an encoder, if it is one."""
    from ....embed.engine import EmbeddingEngine

    if not isinstance(model, EmbeddingEngine):
        raise InvalidValue(f"{must}, got {model!r}")
    return model


class EncodedLibrary(LibraryPart):
    """A library whose vectors are made of texts."""

    def attach(self, encoder: EmbeddingEngine) -> None:
        """Let an encoder make the vectors of this library's texts, as long as the file is open.

        Parameters
        ----------
        encoder
            The one that made the vectors that are there.

        Raises
        ------
        IdentityMismatch
            Its vectors differ from those of the library, or nobody said what made those.
        LibraryNotFound
            The library was dropped.

        Examples
        --------
        >>> import neurograph
        >>> encoder = neurograph.EmbeddingEngine.default()
        >>> with neurograph.open(":memory:") as db:
        ...     notes = db.library.create("notes", model=encoder)
        ...     notes.attach(encoder)
        ...     _ = notes.add(texts=["a cat asleep", "stocks fell"])
        ...     notes.search("kitten", k=1)[0].id == notes.list(1)[0].id
        True
        """
        encoder_of(encoder)
        with self._session.reading() as line:
            require_library(line.connection, self._space)
            made_by = self._maker(line.connection)
        differing = made_by.differences(encoder.identity)
        if made_by.weights_sha256 is None or differing:
            name = differing[0] if differing else "weights_sha256"
            raise IdentityMismatch(
                f"{name} of library {self.name!r} must be the encoder's, {getattr(encoder.identity, name)!r}, got "
                f"{getattr(made_by, name)!r}; create a library with model=encoder"
            )
        self._encoders.attach(self._space, encoder)

    def embed(self, texts: Sequence[str], kind: str = "document", *, keep: int = MOST_KEPT) -> np.ndarray:
        """Return the vectors of texts, and keep them in the file, so that they need not be made again.

        What is kept is found by the text and the encoder's identity, in whatever library: by this call, by `add`, `set`
        and `update`, by searches for a text, also inside a transaction and where the encoder is not on this machine.

        Parameters
        ----------
        texts
            Any number, in any order.
        kind
            ``"document"``: what is looked for, ``"query"``: what looks for it. It decides about the prefix.
        keep
            At most so many vectors of texts that no item has stay in the file; those used least recently go. 0 writes
            nothing. Nothing is written either by a handle that only reads, nor inside a transaction or a snapshot.

        Returns
        -------
        numpy.ndarray
            (n, dimension) float32, in the order given.

        Raises
        ------
        InvalidValue
            Something is not a text, or holds a lone surrogate, or `keep` is no whole number from 0.
        UnknownName
            `kind` is neither.
        NotHere
            The library has no encoder, or it is not on this machine, and a text is not kept.
        Misuse
            A transaction is open, and a text is not kept.
        LibraryNotFound
            The library was dropped.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     notes = db.library.create("notes", model=neurograph.EmbeddingEngine.default())
        ...     vectors = notes.embed(["a cat asleep", "stocks fell"])
        ...     with db.transaction():
        ...         _ = notes.add(texts=["a cat asleep", "stocks fell"])
        ...     vectors.shape, (notes.vectors([item.id for item in notes]) == vectors).all().item()
        ((2, 256), True)

        Notes
        -----
        A text that is kept costs 15 to 21 µs, whatever the encoder. The file grows by what a vector takes and 100
        bytes; for texts of items, which are kept with their items, by 70 bytes.
        """
        import numpy as np

        from ....embed.tokens import check_text

        if isinstance(texts, str | bytes | Mapping) or not hasattr(texts, "__getitem__"):
            raise InvalidValue(f"texts must be a sequence of strings, got {texts!r}")
        if kind not in KINDS:
            raise _unknown_kind(kind)
        most = whole(keep, "keep")
        for place, text in enumerate(texts):
            check_text(f"texts[{place}]", text)
        with self._session.reading() as line:
            require_library(line.connection, self._space)
            made_by = self._maker(line.connection)
            if made_by.weights_sha256 is None:
                self._required_encoder(line.connection)
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for first in range(0, len(texts), AT_ONCE):
            some = texts[first : first + AT_ONCE]
            hashes, found, new = self._vectors_of(some, kind, made_by)
            vectors[first : first + len(some)] = found
            if most:
                self._keep(hashes, found, new, most)
        return vectors

    def _keep(self, hashes: list[bytes], vectors: np.ndarray, new: dict[bytes, int], most: int) -> None:
        """Keep what was made, and note that the rest was used; not where this can't be written."""
        from . import kept

        session = self._session
        if session.options.read_only or session.in_transaction or session.pinned:
            return
        with session.reading() as line:
            used = kept.unused(line.connection, [hash for hash in hashes if hash not in new])
        step = max(1, WRITTEN_BYTES // (4 * vectors.shape[1]))
        made = list(new)
        try:
            for first in range(0, len(made), step):
                some = made[first : first + step]
                with session.transaction():
                    kept.keep(session.writer.connection, some, vectors[[new[hash] for hash in some]], most)
            if used:
                with session.transaction():
                    kept.touch(session.writer.connection, used)
        except TransactionBusy as error:
            log.info("vectors of %d texts were not kept: %s", len(made), error)

    def _maker(self, connection: apsw.Connection) -> Identity:
        """Return the identity of what made the vectors."""
        from .identity import read

        return read(connection, self.id)

    def _encoder(self, connection: apsw.Connection) -> EmbeddingEngine | None:
        """Return what makes vectors of texts here, or None where arrays were added without a model."""
        require_library(connection, self._space)
        return self._encoders.of(self._space, self._maker(connection))

    def _required_encoder(self, connection: apsw.Connection) -> EmbeddingEngine:
        """Return what makes vectors of texts here, or say what is missing."""
        encoder = self._encoder(connection)
        if encoder is not None:
            return encoder
        from ....model.identity import UNSPECIFIED

        made_by = self._maker(connection)
        if made_by.model == UNSPECIFIED:
            raise NotHere(
                f"library {self.name!r} must have an encoder to search for text; its vectors came as arrays, without a "
                "model: search by vector, key or token"
            )
        hashed = "" if made_by.weights_sha256 is None else f" (weights {made_by.weights_sha256[:16]}…)"
        raise NotHere(
            f"library {self.name!r} must have its encoder, {made_by.model!r}{hashed}, to read text; "
            f"{_remedy(made_by)}, or search by vector, key or token"
        )

    def _embedded(self, texts: Sequence[str | None]) -> Made | None:
        """Return vectors of the texts that are there; None where there is none, or arrays came without a model."""
        places = [place for place, text in enumerate(texts) if text is not None]
        with self._session.reading() as line:
            require_library(line.connection, self._space)
            made_by = self._maker(line.connection)
        if not places or made_by.weights_sha256 is None:
            return None
        there = [text for text in texts if text is not None]
        hashes, vectors, _ = self._vectors_of(there, "document", made_by)
        return Made(places, vectors, hashes, made_by)

    def _vectors_of(
        self, texts: Sequence[str], kind: str, made_by: Identity, engine: EmbeddingEngine | None = None
    ) -> tuple[list[bytes], np.ndarray, dict[bytes, int]]:
        """Return the hashes of texts, their vectors, and of those that were made now, hash → row.

        What is kept is not made again, nor a text that comes twice. `engine` is what makes them where it is not the
        library's own.
        """
        import numpy as np

        from . import kept

        hashed = kept.Hashes(made_by, kind)
        hashes = [hashed.of(text) for text in texts]
        dimension = self.dimension if engine is None else engine.dimension
        with self._session.reading() as line:
            known = kept.find(line.connection, hashes, 4 * dimension)
            missing: dict[bytes, int] = {}
            for row, hash in enumerate(hashes):
                if hash not in known:
                    missing.setdefault(hash, row)
            if missing:
                encoder = self._required_encoder(line.connection) if engine is None else engine
                _refuse_in_transaction(line)
        if missing:
            made = encoder.embed_batch([texts[row] for row in missing.values()], kind)
            made = vector_array(made, dimension)
            if len(missing) == len(texts):
                return hashes, made, missing
        vectors = np.empty((len(texts), dimension), np.float32)
        place_of = {hash: place for place, hash in enumerate(missing)}
        for row, hash in enumerate(hashes):
            blob = known.get(hash)
            vectors[row] = made[place_of[hash]] if blob is None else np.frombuffer(blob, "<f4")
        return hashes, vectors, missing

    def _require_made_by(self, connection: apsw.Connection, made_by: Identity) -> None:
        """Refuse vectors of texts made before another encoder took the library over."""
        if self._maker(connection).differences(made_by):
            raise IdentityMismatch(
                f"library {self.name!r} was taken over by another encoder while vectors were made of texts; nothing "
                "was changed; call again"
            )

    def _reads_text(self) -> bool:
        """Tell whether the library was made with an encoder, here or not."""
        with self._session.reading() as line:
            require_library(line.connection, self._space)
            return self._maker(line.connection).weights_sha256 is not None

    def _vector_of(self, text: str, kind: str = "query") -> bytes:
        """Return the vector of a question."""
        return self._question_of(text, kind)[0]

    def _question_of(self, text: str, kind: str = "query") -> tuple[bytes, Identity]:
        """Return the vector of a question, and the identity the library had then; without numpy where it is kept."""
        from ....embed.tokens import check_text
        from . import kept

        if not isinstance(text, str):
            raise InvalidValue(f"text must be a string, got {text!r}")
        if kind not in KINDS:
            raise _unknown_kind(kind)
        check_text("text", text)
        with self._session.reading() as line:
            require_library(line.connection, self._space)
            made_by = self._maker(line.connection)
            if made_by.weights_sha256 is not None:
                hash = kept.Hashes(made_by, kind).of(text)
                found = kept.find(line.connection, [hash], 4 * self.dimension)
                if found:
                    return found[hash], made_by
            encoder = self._required_encoder(line.connection)
            _refuse_in_transaction(line)
        return little_endian(encoder.embed_query(text) if kind == "query" else encoder.embed(text)), made_by

    def _questions_of(self, texts: Sequence[str]) -> tuple[np.ndarray, Identity]:
        """Return the vectors of many questions, and the identity the library had then."""
        from ....embed.tokens import check_text

        for place, text in enumerate(texts):
            check_text(f"queries[{place}]", text)
        with self._session.reading() as line:
            require_library(line.connection, self._space)
            made_by = self._maker(line.connection)
            if made_by.weights_sha256 is None:
                self._required_encoder(line.connection)
        return self._vectors_of(texts, "query", made_by)[1], made_by


def _unknown_kind(kind: object) -> Exception:
    from ....model.names import unknown_name

    return unknown_name("kind", kind, KINDS)


def _refuse_in_transaction(line: Line) -> None:
    """Refuse to make vectors while the write lock is held, by a transaction or by a statement that writes."""
    if line.connection.txn_state("main") == apsw.SQLITE_TXN_WRITE:
        raise Misuse(
            "cannot make vectors of text inside a transaction, which others wait for; make them before it with "
            "library.embed(texts), or with kind='query', and they are found there"
        )
