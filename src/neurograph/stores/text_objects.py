"""The table and triggers of a library's text index, as they are made. A part of the stores layer, not a store.

Invariants:

1. What they are called and what they say follows from the library's id and the tokenizer alone, so anybody can tell
   whether they are ours and unchanged.
2. The tokenizer is one that every SQLite from 3.40 on knows: another would keep a stock shell from writing items.
"""

from __future__ import annotations

from functools import cache, lru_cache

import apsw

from .. import migrate
from ..errors import Conflict, InvalidValue
from .arguments import bindable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from ..model.typed import NamedTuple

DEFAULT_TOKENIZER = "unicode61 remove_diacritics 2"
TOKENIZERS = ("unicode61", "ascii", "porter", "trigram")
SHADOWS = ("_config", "_content", "_data", "_docsize", "_idx")
"""What follows the table's name in those of the tables FTS5 keeps it in."""


class TextObject(NamedTuple):
    """One object of the schema, with its SQL as `sqlite_schema` has it."""

    type: str
    name: str
    sql: str


@cache
def _template() -> str:
    from pathlib import Path

    path = Path(migrate.schema_folder()) / "per_library" / "text.sql"
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")


def table_of(library_id: int) -> str:
    """Return the name of a library's text index."""
    return f"text_{library_id}"


@lru_cache(256)
def text_objects(library_id: int, tokenizer: str = DEFAULT_TOKENIZER) -> tuple[TextObject, ...]:
    """Return the table and the triggers of a library's text index."""
    objects = []
    for statement in f"\n{_template()}".split("\ncreate ")[1:]:
        sql = statement.strip().removesuffix(";")
        kind, name = sql.removeprefix("virtual ").split(None, 2)[:2]
        begin = sql[: sql.index(name)].upper()
        made = f"CREATE {begin}{sql[len(begin) :]}".replace("{id}", str(library_id))
        made = made.replace("{tokenizer}", tokenizer.replace("'", "''"))
        objects.append(TextObject(kind, name.replace("{id}", str(library_id)), made))
    return tuple(objects)


def is_text_trigger(name: str, sql: str) -> bool:
    """Tell whether a trigger is that of a text index, unchanged."""
    number = name.removeprefix("text_").partition("_")[0]
    if not (number.isascii() and number.isdecimal() and len(number) <= 10):
        return False
    return any(theirs[1:] == (name, sql) for theirs in text_objects(int(number)) if theirs.type == "trigger")


def checked_tokenizer(tokenizer: object) -> str:
    """Return a tokenizer's name and options, if every SQLite from 3.40 on knows them."""
    if not isinstance(tokenizer, str) or "\x00" in tokenizer or bindable(tokenizer) is None:
        raise InvalidValue(f"tokenizer must be a string, such as {DEFAULT_TOKENIZER!r}, got {tokenizer!r}")
    words = tokenizer.split()
    names = words[1:2] if words[:1] == ["porter"] and len(words) > 1 else words[:1]
    known = bool(names) and all(name in TOKENIZERS for name in names)
    newer = "trigram" in names and "remove_diacritics" in words  # since 3.45
    if not known or newer or not _works(tokenizer):
        raise InvalidValue(
            f"tokenizer must be {', '.join(TOKENIZERS[:-1])} or {TOKENIZERS[-1]} with options that SQLite 3.40 knows, "
            f"such as {DEFAULT_TOKENIZER!r} or 'porter unicode61', got {tokenizer!r}"
        )
    return tokenizer


def _works(tokenizer: str) -> bool:
    connection = apsw.Connection(":memory:")
    try:
        connection.execute(text_objects(1, tokenizer)[0].sql)
    except apsw.Error:
        return False
    finally:
        connection.close()
    return True


def create_text_objects(connection: apsw.Connection, library_id: int, tokenizer: str) -> None:
    """Make an empty text index, kept up from now on; items that are there are to be filled in."""
    objects = text_objects(library_id, tokenizer)
    names = [name for _, name, _ in objects] + [table_of(library_id) + shadow for shadow in SHADOWS]
    sql = f"select type, name from sqlite_schema where lower(name) in ({', '.join('?' * len(names))})"
    taken: Any = connection.execute(sql, names).fetchall()
    if taken:
        raise Conflict(f"a text index needs the name {taken[0][1]!r}, which a {taken[0][0]} has; rename that")
    for _, _, made in objects:
        connection.execute(made)
    connection.execute("insert into text_index values (?, ?, ?)", (library_id, tokenizer, library_id << 32))


def drop_text_objects(connection: apsw.Connection, library_id: int) -> bool:
    """Drop a library's text index, in whatever state it is; False where it has none."""
    if not connection.execute("delete from text_index where library_id = ? returning 1", (library_id,)).fetchall():
        return False
    for kind, name, _ in reversed(text_objects(library_id)):
        if kind == "trigger" or _is_full_text(connection, name):  # a table of another's has come to its name otherwise
            connection.execute(f"drop {kind} if exists {name}")
    return True


def _is_full_text(connection: apsw.Connection, name: str) -> bool:
    sql = "select 1 from sqlite_schema where name = ? and sql like '%using fts5(%'"
    return bool(connection.execute(sql, (name,)).fetchall())


def drop_orphans(connection: apsw.Connection) -> None:
    """Drop the text indexes of libraries that were deleted by SQL."""
    rows: Any = connection.execute(
        "select library_id from text_index where library_id not in (select id from library)"
    ).fetchall()
    for (library_id,) in rows:
        drop_text_objects(connection, library_id)


def changed_text_objects(connection: apsw.Connection, library_id: int, tokenizer: str) -> list[str]:
    """Name the objects of a text index that are missing or not as they were made."""
    objects = text_objects(library_id, tokenizer)
    names = [name for _, name, _ in objects]
    sql = f"select type, name, sql from sqlite_schema where name in ({', '.join('?' * len(names))})"
    rows: Any = connection.execute(sql, names).fetchall()
    found = {(kind, name): made for kind, name, made in rows}
    return [
        f"{kind} {name}" for kind, name, made in objects if not migrate.same_sql(made, found.get((kind, name)) or "")
    ]


def has_text_index(connection: apsw.Connection, library_id: int) -> bool:
    """Tell whether triggers keep a text index of a library, full or not."""
    name = f"{table_of(library_id)}_insert"
    sql = "select 1 from sqlite_schema where type = 'trigger' and name = ?"
    return bool(connection.execute(sql, (name,)).fetchall())


def insert_texts(connection: apsw.Connection, library_id: int, first: int, last: int) -> int:
    """Write the items with ids from `first` to `last` to the index, those that are not there; return how many."""
    table = table_of(library_id)
    connection.execute(
        f"""insert into {table} (rowid, key, text)
            select id, key, text from item
             where id between ? and ? and not exists (select 1 from {table} where rowid = item.id)""",
        (first, last),
    )
    return connection.changes()


def differing_texts(connection: apsw.Connection, library_id: int) -> list[tuple[int]]:
    """Return the ids of items that a text index lacks, has too many of, or has with other words."""
    table = table_of(library_id)
    rows: Any = connection.execute("select filled from text_index where library_id = ?", (library_id,)).fetchall()
    sql = f"""
        select id from item
         where id between ?1 and ?2
           and not exists (
             select 1 from {table} as t where t.rowid = item.id and t.key is item.key and t.text is item.text)
        union
        select rowid from {table} where rowid not in (select id from item where id between ?1 and ?3)"""
    first, last = library_id << 32, library_id << 32 | 4294967295
    found: Any = connection.execute(sql, (first, last if rows[0][0] is None else rows[0][0], last)).fetchall()
    return found  # type: ignore[no-any-return]
