"""Loading a file of word vectors into a library, a slice at a time.

Invariants:

1. The library is not complete, so nobody sees it, until the last slice is written; the commit that completes it shows
   all of it at once.
2. A load that fails takes back what it wrote. One that was killed leaves a library that is not complete, which `drop`
   takes away.
3. Memory is bounded: a block of the file and a slice.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .... import log
from ....codec.word_vectors import WordVectors, open_word_vectors
from ....connection.session import Session
from ....derived.text_parser import text_parser
from ....errors import InvalidValue
from ....progress import Told, telling
from ...text_objects import drop_text_objects
from ..library import Library

if TYPE_CHECKING:
    from ..store import Libraries

ENDINGS = (".gz", ".bz2", ".zip", ".txt", ".vec", ".bin", ".npy")


def load(
    session: Session,
    libraries: Libraries,
    path: str | os.PathLike[str],
    made: dict[str, Any],
    options: dict[str, Any],
    progress: bool | Told,
) -> Library:
    """Make a library of a file, see `Libraries.load`."""
    if not isinstance(progress, bool) and not callable(progress):
        raise InvalidValue(f"progress must be True, False or a function, got {progress!r}")
    with open_word_vectors(path, parser=text_parser, **options) as reader, telling(progress, "words") as told:
        with session.transaction():
            name = name_of(path) if made["name"] is None else made["name"]
            library = libraries.create(**made | {"name": name, "dimension": reader.dimension})
            session.change("update library set complete = 0 where id = ?", (library.id,))
        try:
            _fill(library, reader, told)
            session.change("update library set complete = 1 where id = ?", (library.id,))
        except BaseException:
            with session.transaction():
                drop_text_objects(session.writer.connection, library.id)
                session.change("delete from library where id = ?", (library.id,))
            raise
        if reader.skipped_count:
            first = reader.skipped[0].reason
            log.warning("%s: %d malformed lines left out, the first: %s", path, reader.skipped_count, first)
            told("left out", reader.skipped_count, reader.skipped_count)
    return library


def name_of(path: str | os.PathLike[str]) -> str:
    """Return the name of a file without the endings that say what it is."""
    name = Path(path).name
    while name.lower().endswith(ENDINGS):
        name = name[: name.rindex(".")]
    return name


def _fill(library: Library, reader: WordVectors, told: Told) -> None:
    done = 0
    for words, vectors in reader:
        library.add(vectors, keys=words)
        done += len(words)
        told("words", done, reader.total)
