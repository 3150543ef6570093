"""Tables as files that import gives back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...model.levels import COORDINATE_COLUMNS
from .formats import format_of, write_rows

if TYPE_CHECKING:
    from ...database import Database

_TOKENS = f"""
    select t.id, t.label, e.name, d.name, t.flags, t.weight, t.field_radius, t.field_strength,
           {", ".join(f"t.{column}" for column in COORDINATE_COLUMNS)},
           t.created_ns, t.modified_ns, t.legacy_id, t.properties
      from token as t
      join entity_type as e on e.code = t.entity_type
      join domain as d on d.code = t.domain
     order by t.id"""
_TOKEN_COLUMNS = (
    *("id", "label", "entity_type", "domain", "flags", "weight", "field_radius", "field_strength"),
    *COORDINATE_COLUMNS,
    *("created_ns", "modified_ns", "legacy_id", "properties"),
)
_EDGES = """
    select {0}, {1}, c.name, e.key, e.weight, e.bidirectional, e.properties
      from edge as e
      join connection_type as c on c.code = e.type
      join token as s on s.id = e.source
      join token as t on t.id = e.target
     order by e.source, e.type, e.target, e.key"""
_EDGE_COLUMNS = ("source", "target", "type", "key", "weight", "bidirectional", "properties")
Progress = Callable[[str, int], None]
REPORT_EVERY = 10_000


def export_tokens(
    db: Database, path: str | os.PathLike[str], *, format: str | None = None, progress: Progress | None = None
) -> int:
    """Write all tokens to a file, in order of id, and return how many; `import_tokens` gives them back.

    Parameters
    ----------
    db
        Where from; all rows are of one state.
    path, format
        As for `import_tokens`. An existing file is replaced once the new one is whole.
    progress
        Called with "writing" and the rows so far.
    """
    return _export(db, path, format, _TOKEN_COLUMNS, _TOKENS, progress)


def export_edges(
    db: Database,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    ends: str = "label",
    progress: Progress | None = None,
) -> int:
    """Write all edges to a file, in order of their key, and return how many.

    Parameters as for `export_tokens`; `ends` says whether ends are written as ``"label"`` or ``"id"``. A token without
    a label has none to write: export ids then.
    """
    from ...errors import InvalidValue

    if ends not in ("label", "id"):
        raise InvalidValue(f'ends must be "label" or "id", got {ends!r}')
    if ends == "label":
        unnamed = db.execute(
            "select id from token where label is null and id in (select token_id from degree) limit 1"
        ).fetchone()
        if unnamed:
            raise InvalidValue(
                f'ends must be "id" where a token with edges has no label, as the one with id {unnamed[0]}'
            )
    sql = _EDGES.format(*(("s.label", "t.label") if ends == "label" else ("e.source", "e.target")))
    return _export(db, path, format, _EDGE_COLUMNS, sql, progress)


def _export(
    db: Database,
    path: str | os.PathLike[str],
    format: str | None,
    columns: tuple[str, ...],
    sql: str,
    progress: Progress | None,
) -> int:
    file = Path(path)
    kind = format_of(file, format)
    draft = file.with_name(f".{file.name}.part{'.gz' if file.suffix.lower() == '.gz' else ''}")
    try:
        count = write_rows(draft, columns, _reported(db.stream(sql), kind, progress), kind)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return count


def _reported(rows: Iterator[tuple[Any, ...]], kind: str, progress: Progress | None) -> Iterator[tuple[Any, ...]]:
    import json

    for count, row in enumerate(rows, 1):
        if progress and count % REPORT_EVERY == 0:
            progress("writing", count)
        if kind == "jsonl" and row[-1] is not None:
            row = (*row[:-1], json.loads(row[-1]))  # an object inside JSON, and not a string
        yield row
