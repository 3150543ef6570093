"""Invariants of text indexes: each is a table of its own, so they are looked at library by library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apsw

from ...stores.text_objects import changed_text_objects, differing_texts, table_of
from .invariant import Invariant


def _indexes(connection: apsw.Connection) -> Any:
    return connection.execute("select library_id, tokenizer from text_index order by library_id").fetchall()


def _objects(connection: apsw.Connection) -> Iterator[tuple[Any, ...]]:
    for library_id, tokenizer in _indexes(connection):
        for name in changed_text_objects(connection, library_id, tokenizer):
            yield (name,)


def _content(connection: apsw.Connection) -> Iterator[tuple[Any, ...]]:
    for library_id, tokenizer in _indexes(connection):
        if changed_text_objects(connection, library_id, tokenizer):
            continue  # said already, and the table may be gone
        table = table_of(library_id)
        try:
            yield from differing_texts(connection, library_id)
            words: Iterable[Any] = connection.execute(f"pragma integrity_check({table})").fetchall()
        except apsw.Error as error:  # FTS5 finds what it keeps of the words damaged
            yield table, str(error)
            continue
        for (said,) in words:
            if said != "ok":
                yield table, said


TEXTS = (
    Invariant(
        "text_index.library",
        "select library_id from text_index where library_id not in (select id from library)",
        "a text index must belong to a library; db.optimize() drops it",
    ),
    Invariant(
        "text_index.objects",
        _objects,
        "the table and triggers of a text index must be as made; make them anew with library.index_text()",
    ),
    Invariant(
        "text_index.content",
        _content,
        "a text index must say the same as the items; make it anew with library.index_text(rebuild=True)",
    ),
)
