"""The demo: the running Python's standard library becomes a mind, and the mind is questioned.

Invariants:

1. Everything is written in one transaction, the note in `meta` that says so included: a file is a demo or it is not.
2. A file that holds tokens and no such note is never written to.
"""

from __future__ import annotations

import collections
import json
import platform
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import Misuse
from .stdlib_meaning import (
    LIBRARY,
    MEANING,
    Docstrings,
    embed_docstrings,
    write_docstrings,
)
from .stdlib_questions import QUESTIONS, Question
from .stdlib_source import EDGE_TYPES, KINDS, Source, read_standard_library

if TYPE_CHECKING:
    from ..database import Database
    from ..embed.engine import EmbeddingEngine

Progress = Callable[[str, int, int], None]


class Built(NamedTuple):
    """What was read and written."""

    files: int
    tokens: int
    edges: int
    docstrings: int
    """How many were made vectors."""
    read_s: float
    embed_s: float
    write_s: float


class Answer(NamedTuple):
    """A question's answer in SQL, and how long it took in SQL and in Python."""

    question: Question
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    sql_s: float
    python_s: float


def demo_of(db: Database) -> str | None:
    """Return the version of the Python whose library a file holds as a demo, or None where it is no demo."""
    found = db.execute("select value from meta where name = 'demo'").fetchone()
    return None if found is None else str(found[0])


def build(
    db: Database,
    progress: Progress | None = None,
    limit: int | None = None,
    engine: EmbeddingEngine | None = None,
) -> Built:
    """Read the standard library and write it into an empty file.

    Parameters
    ----------
    db
        Holds no tokens yet.
    progress
        Called with what is counted, how many so far, and how many in all.
    limit
        At most so many of the library's files.
    engine
        What makes vectors of the docstrings; None leaves them out.

    Returns
    -------
    Built
        Counts and times.

    Raises
    ------
    Misuse
        The file holds tokens.
    NotHere
        This Python has its library without source text.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     built = build(db, limit=20)
    ...     db.tokens.count() == built.tokens > 100
    True

    Notes
    -----
    Reading takes most of the time: about 3 s for 730 files. Making vectors of 8,700 docstrings takes 0.7 s with
    the default encoder's loading, and writing 20,000 tokens, 59,000 edges and the vectors 0.9 s.
    """
    _require_empty(db)
    began = time.perf_counter()
    source = read_standard_library(limit, None if progress is None else lambda n, of: progress("files", n, of))
    read = time.perf_counter()
    made = None if engine is None else embed_docstrings(source, engine)
    embedded = time.perf_counter()
    with db.transaction():
        _require_empty(db)  # another process may have written meanwhile
        write(db, source, made)
    done = time.perf_counter()
    return Built(
        files=source.files,
        tokens=len(source.symbols),
        edges=len(source.edges),
        docstrings=0 if made is None else len(made.texts),
        read_s=read - began,
        embed_s=embedded - read,
        write_s=done - embedded,
    )


def _require_empty(db: Database) -> None:
    if db.execute("select 1 from token limit 1").fetchone():
        raise Misuse(f"the demo must be written into an empty file, got tokens in {db.path!r}; name another path")


def write(db: Database, source: Source, made: Docstrings | None = None) -> None:
    """Write a library: its kinds and its edges' types as words of the file's own, its tokens, edges and docstrings."""
    import numpy as np

    text = json.JSONEncoder(ensure_ascii=False).encode  # mappings, encoded one by one, cost 0.25 s more
    for words, names in ((db.entity_types, KINDS), (db.connection_types, EDGE_TYPES)):
        for name in names:
            if name not in words:
                words.create(name)
    ids = db.tokens.create_many(
        source.labels(),
        entity_type=[symbol.kind for symbol in source.symbols],
        weight=source.weights(),
        coordinates=np.asarray(source.coordinates()),
        properties=[text(symbol.properties()) for symbol in source.symbols],
    )
    edges = source.edges
    db.graph.create_many(
        ids[[edge.source for edge in edges]],
        ids[[edge.target for edge in edges]],
        type=[edge.type for edge in edges],
        weight=[edge.weight for edge in edges],
        properties=[f'{{"count": {edge.count}}}' for edge in edges],
    )
    if made is not None:
        write_docstrings(db, source, ids, made)
    db.execute("insert into meta (name, value) values ('demo', ?)", [platform.python_version()])


def can_ask(db: Database, question: Question, engine: EmbeddingEngine | None) -> bool:
    """Tell whether a question can be asked: those by meaning need the docstrings' vectors, and what makes them."""
    if question in QUESTIONS:
        return True
    if engine is None or LIBRARY not in db.library:
        return False
    db.library.get(LIBRARY).attach(engine)
    return True


def ask(db: Database, question: Question) -> Answer:
    """Ask one of `QUESTIONS` or `MEANING` in SQL, then in Python.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     _ = build(db, limit=20)
    ...     ask(db, QUESTIONS[0]).columns
    ('label', 'callers', 'says')
    """
    began = time.perf_counter()
    result = db.execute(question.sql)
    in_sql = time.perf_counter()
    answer_in_python(db, question)
    done = time.perf_counter()
    return Answer(question, result.columns, result.rows, in_sql - began, done - in_sql)


def answer_in_python(db: Database, question: Question) -> Any:
    """Return the value of a question's Python expression."""
    return eval(question.python, {"db": db, "collections": collections})


__all__ = [
    "MEANING",
    "QUESTIONS",
    "Answer",
    "Built",
    "answer_in_python",
    "ask",
    "build",
    "can_ask",
    "demo_of",
    "write",
]
