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
from .stdlib_questions import QUESTIONS, Question
from .stdlib_source import EDGE_TYPES, KINDS, Source, read_standard_library

if TYPE_CHECKING:
    from ..database import Database

Progress = Callable[[str, int, int], None]


class Built(NamedTuple):
    """What was read and written."""

    files: int
    tokens: int
    edges: int
    read_s: float
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


def build(db: Database, progress: Progress | None = None, limit: int | None = None) -> Built:
    """Read the standard library and write it into an empty file.

    Parameters
    ----------
    db
        Holds no tokens yet.
    progress
        Called with what is counted, how many so far, and how many in all.
    limit
        At most so many of the library's files.

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
    Reading takes nearly all of the time: about 3 s for 730 files; writing 20,000 tokens and 59,000 edges 0.5 s.
    """
    _require_empty(db)
    began = time.perf_counter()
    source = read_standard_library(limit, None if progress is None else lambda n, of: progress("files", n, of))
    read = time.perf_counter()
    with db.transaction():
        _require_empty(db)  # another process may have written meanwhile
        write(db, source)
    done = time.perf_counter()
    return Built(source.files, len(source.symbols), len(source.edges), read - began, done - read)


def _require_empty(db: Database) -> None:
    if db.execute("select 1 from token limit 1").fetchone():
        raise Misuse(f"the demo must be written into an empty file, got tokens in {db.path!r}; name another path")


def write(db: Database, source: Source) -> None:
    """Write a library: its kinds and its edges' types as words of the file's own, its tokens, its edges."""
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
    db.execute("insert into meta (name, value) values ('demo', ?)", [platform.python_version()])


def ask(db: Database, question: Question) -> Answer:
    """Ask one of `QUESTIONS` in SQL, then in Python.

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


__all__ = ["QUESTIONS", "Answer", "Built", "answer_in_python", "ask", "build", "demo_of", "write"]
