"""Which encoder makes vectors of a library's texts: one that was attached, or the default one where it made them.

An encoder is a part of this process, its identity a part of the file. Nothing is loaded before a text is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw

from ...errors import IdentityMismatch, InvalidValue, Misuse, NotHere
from ...model.identity import UNSPECIFIED, Identity
from . import identity
from .base import LibraryPart, Space, require_library
from .vectors import little_endian

if TYPE_CHECKING:
    from ...embed.engine import EmbeddingEngine


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
        if engine is None and made_by.weights_sha256 is not None:
            engine = _default_if(made_by)
            if engine is not None:
                self.attach(space, engine)
        return engine


def _default_if(made_by: Identity) -> EmbeddingEngine | None:
    """Return the default encoder if it is installed and made the vectors."""
    from ...embed.default import DEFAULT_NAME
    from ...embed.engine import EmbeddingEngine

    if made_by.model != DEFAULT_NAME:
        return None
    try:
        engine = EmbeddingEngine.default()
    except NotHere:
        return None
    return None if made_by.differences(engine.identity) else engine


def encoder_of(model: Any) -> EmbeddingEngine:
    """Return an encoder, if it is one."""
    from ...embed.engine import EmbeddingEngine

    if not isinstance(model, EmbeddingEngine):
        raise InvalidValue(f"model must be a name, an Identity or an EmbeddingEngine, got {model!r}")
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
            made_by = identity.read(line.connection, self.id)
        differing = made_by.differences(encoder.identity)
        if made_by.weights_sha256 is None or differing:
            name = differing[0] if differing else "weights_sha256"
            raise IdentityMismatch(
                f"{name} of library {self.name!r} must be the encoder's, {getattr(encoder.identity, name)!r}, got "
                f"{getattr(made_by, name)!r}; create a library with model=encoder"
            )
        self._encoders.attach(self._space, encoder)

    def _encoder(self, connection: apsw.Connection) -> EmbeddingEngine | None:
        """Return what makes vectors of texts here, or None where arrays were added without a model."""
        require_library(connection, self._space)
        return self._encoders.of(self._space, identity.read(connection, self.id))

    def _required_encoder(self, connection: apsw.Connection) -> EmbeddingEngine:
        """Return what makes vectors of texts here, or say what is missing."""
        encoder = self._encoder(connection)
        if encoder is not None:
            return encoder
        made_by = identity.read(connection, self.id)
        if made_by.model == UNSPECIFIED:
            raise NotHere(
                f"library {self.name!r} must have an encoder to search for text; its vectors came as arrays, without a "
                "model: search by vector, key or token"
            )
        hashed = "" if made_by.weights_sha256 is None else f" (weights {made_by.weights_sha256[:16]}…)"
        raise NotHere(
            f"library {self.name!r} must have its encoder, {made_by.model!r}{hashed}, to read text; give it with "
            "library.attach(EmbeddingEngine(path)), or search by vector, key or token"
        )

    def _embedded(self, texts: list[str | None]) -> tuple[list[int], Any]:
        """Return the places of the texts that are there and their vectors; None where there is no encoder."""
        with self._session.reading() as line:
            encoder = self._encoder(line.connection)
            if encoder is None:
                if identity.read(line.connection, self.id).weights_sha256 is not None:
                    self._required_encoder(line.connection)
                return [], None
        places = [place for place, text in enumerate(texts) if text is not None]
        if not places:
            return [], None
        self._refuse_in_transaction()
        return places, encoder.embed_batch([texts[place] or "" for place in places])

    def _reads_text(self) -> bool:
        """Tell whether the library was made with an encoder, here or not."""
        with self._session.reading() as line:
            require_library(line.connection, self._space)
            return identity.read(line.connection, self.id).weights_sha256 is not None

    def _vector_of(self, text: str) -> bytes:
        """Return the vector of a question."""
        if not isinstance(text, str):
            raise InvalidValue(f"text must be a string, got {text!r}")
        with self._session.reading() as line:
            encoder = self._required_encoder(line.connection)
        self._refuse_in_transaction()
        return little_endian(encoder.embed_query(text))

    def _refuse_in_transaction(self) -> None:
        if self._session.in_transaction:
            raise Misuse(
                "cannot make vectors of text inside a transaction, which others wait for; make them before it with "
                "encoder.embed_batch(texts) or encoder.embed_query(text), and pass them as vectors"
            )
