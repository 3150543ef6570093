"""Which legs can answer a question, why the others can't, and the vectors of its text.

Texts become vectors here, before the query's own read transaction begins, and never while anybody holds the write
lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import apsw

from ...errors import InvalidValue, Misuse, NotHere
from ...stores.library import Library
from ...stores.library.identity import read
from .question import Question

if TYPE_CHECKING:
    from ...database import Database

NO_TEXT = "the question has no text; give it one with text="
NO_INDEX = "no library that is asked has an index of its texts; make one with library.index_text()"
NO_ENCODER = (
    "no library that is asked has an encoder here; make one with model=EmbeddingEngine.default(), or pass vector="
)
NO_DIMENSION = "no library that is asked has {} dimensions"
NO_NEAR = "nothing says where; give near=(level, (x, y, z)) or a token"
NO_OTHERS = "no other leg takes part, and it starts from what those find"


class Plan(NamedTuple):
    """Who answers."""

    libraries: list[Library]
    """All that are asked, in order of name."""
    vectors: list[tuple[Library, bytes]]
    """Those that search by vector, and for which."""
    texts: list[Library]
    """Those that search their words."""
    left_out: dict[str, str]
    """Leg → why it takes no part."""


def plan_of(db: Database, asked: Question) -> Plan:
    """Return who answers, or say why nobody does."""
    libraries = _libraries(db, asked.library)
    left_out: dict[str, str] = {}
    vectors = _vectors(db, asked, libraries, left_out) if asked.wants("vector") else []
    texts = _texts(asked, libraries, left_out) if asked.wants("text") else []
    if asked.wants("space") and asked.near is None:
        left_out["space"] = NO_NEAR
    spatial = asked.wants("space") and asked.near is not None
    if asked.wants("graph") and not (vectors or texts or spatial):
        left_out["graph"] = NO_OTHERS
    for leg, why in left_out.items():
        if asked.names(leg):
            raise NotHere(f"the leg {leg!r} must be one that can answer: {why}")
    if not (vectors or texts or spatial):
        raise NotHere(f"no leg can answer: {'; '.join(f'{leg}: {why}' for leg, why in left_out.items())}")
    return Plan(libraries, vectors, texts, left_out)


def _libraries(db: Database, library: Any) -> list[Library]:
    if library is None:
        return db.library.list()
    several = not isinstance(library, str | Library)
    if several and not isinstance(library, Iterable):
        raise InvalidValue(f"library must be a name, a Library, several of them or None, got {library!r}")
    found: dict[int, Library] = {}
    for one in library if several else (library,):
        if isinstance(one, Library):
            if one._session is not db._session:
                raise InvalidValue(f"library must be of this database, got {one!r} of another")
            found[one.id] = one
        elif isinstance(one, str):
            named = db.library.get(one)
            found[named.id] = named
        else:
            raise InvalidValue(f"library must be a name, a Library, several of them or None, got {one!r}")
    if not found:
        raise InvalidValue("library must name at least one, got none; leave it out to ask all")
    return sorted(found.values(), key=lambda one: one.name)


def _texts(asked: Question, libraries: list[Library], left_out: dict[str, str]) -> list[Library]:
    if asked.text is None:
        left_out["text"] = NO_TEXT
        return []
    found = [library for library in libraries if getattr(library, "text_index", None) is not None]
    if not found:
        left_out["text"] = NO_INDEX
    return found


def _vectors(
    db: Database, asked: Question, libraries: list[Library], left_out: dict[str, str]
) -> list[tuple[Library, bytes]]:
    if asked.vector is not None:
        return _of_vector(db, asked, libraries)
    if asked.text is None:
        left_out["vector"] = "the question has neither text nor vector"
        return []
    with db._session.reading() as line:
        encoders = [(library, library._encoder(line.connection)) for library in libraries]
        writing = line.connection.txn_state("main") == apsw.SQLITE_TXN_WRITE
        if libraries and all(encoder is None for _, encoder in encoders):
            left_out["vector"] = NO_ENCODER
            if len(libraries) == 1 and libraries[0]._reads_text():
                try:
                    libraries[0]._required_encoder(line.connection)
                except NotHere as why:
                    left_out["vector"] = str(why)
    known = [(library, encoder) for library, encoder in encoders if encoder is not None]
    if not known:
        left_out.setdefault("vector", NO_ENCODER)
        return []
    if writing or db._session.in_transaction:
        raise Misuse(
            "cannot make a vector of text inside a transaction, which others wait for; make it before with "
            'encoder.embed_query(text) and pass it as vector=, or leave the leg out with legs=["text", "graph"]'
        )
    made: dict[int, bytes] = {}
    for _, encoder in known:
        if id(encoder) not in made:
            made[id(encoder)] = encoder.embed_query(asked.text).astype("<f4", copy=False).tobytes()
    return [(library, made[id(encoder)]) for library, encoder in known]


def _of_vector(db: Database, asked: Question, libraries: list[Library]) -> list[tuple[Library, bytes]]:
    from ...stores.library.vectors import query_array

    size = _dimension(asked.vector)
    found = libraries if asked.library is not None else [one for one in libraries if one.dimension == size]
    if not found:
        raise InvalidValue(f"vector must have as many numbers as a library has dimensions, got {size}, and none has")
    if asked.library is None and len(found) > 1:
        with db._session.reading() as line:
            first, *others = [read(line.connection, one.id) for one in found]
        if any(first.differences(other) for other in others):
            names = ", ".join(repr(one.name) for one in found)
            raise InvalidValue(f"library must be given: {names} have {size} dimensions, and different models made them")
    return [(library, query_array(asked.vector, library.dimension)) for library in found]


def _dimension(vector: Any) -> int:
    if isinstance(vector, bytes | bytearray | memoryview):
        return memoryview(vector).nbytes // 4
    shape = getattr(vector, "shape", None)
    if shape is not None and len(shape) == 1:
        return int(shape[0])
    if isinstance(vector, list | tuple):
        return len(vector)
    raise InvalidValue(f"vector must be one vector of numbers, or its bytes, got {vector!r}")
