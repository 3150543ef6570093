"""Which legs can answer a question, why the others can't, and the vectors of its text.

Texts become vectors here, before the query's own read transaction begins, and never while anybody holds the write
lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import InvalidValue, NotHere
from ...model.identity import Identity
from ...stores.library import Library
from ...stores.library.base import require_library
from ...stores.library.texts.identity import read
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


class Searched(NamedTuple):
    """A library that searches by vector."""

    library: Library
    vector: bytes
    made_by: Identity | None
    """What made the vector of a text, which must be the library's encoder still when it searches."""


class Plan(NamedTuple):
    """Who answers."""

    libraries: list[Library]
    """All that are asked, in order of name."""
    vectors: list[Searched]
    """Those that search by vector, and for which."""
    texts: list[Library]
    """Those that search their words."""
    left_out: dict[str, str]
    """Leg → why it takes no part; also of single libraries where the leg takes part without them."""


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
            with db._session.reading() as line:
                require_library(line.connection, one._space)
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
    found = [library for library in libraries if library.text_index is not None]
    if not found:
        left_out["text"] = NO_INDEX
    return found


def _vectors(db: Database, asked: Question, libraries: list[Library], left_out: dict[str, str]) -> list[Searched]:
    if asked.vector is not None:
        return _of_vector(db, asked, libraries)
    if asked.text is None:
        left_out["vector"] = "the question has neither text nor vector"
        return []
    found: list[Searched] = []
    absent: dict[str, str] = {}
    for library in libraries:
        if not library._reads_text():
            continue
        with db._session.reading() as line:
            own = read(line.connection, library.id)
        same = next((one for one in found if one.made_by is not None and not one.made_by.differences(own)), None)
        if same is not None:
            found.append(Searched(library, same.vector, same.made_by))
            continue
        try:
            found.append(Searched(library, *library._question_of(asked.text)))
        except NotHere as why:
            absent[library.name] = str(why)
    if found:
        left_out |= {f"vector of {name!r}": why for name, why in absent.items()}
    else:
        left_out["vector"] = "; ".join(absent.values()) or NO_ENCODER
    return found


def _of_vector(db: Database, asked: Question, libraries: list[Library]) -> list[Searched]:
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
    return [Searched(library, query_array(asked.vector, library.dimension), None) for library in found]


def _dimension(vector: Any) -> int:
    if isinstance(vector, bytes | bytearray | memoryview):
        return memoryview(vector).nbytes // 4
    shape = getattr(vector, "shape", None)
    if shape is not None and len(shape) == 1:
        return int(shape[0])
    if isinstance(vector, Sequence):
        return len(vector)
    raise InvalidValue(f"vector must be one vector of numbers, or its bytes, got {vector!r}")
