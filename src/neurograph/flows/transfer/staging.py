"""An import from its first line to its last transaction.

Invariants:

1. Until the last transaction no query about tokens or edges sees a row of the import.
2. Lines are staged in short transactions that also note the next line, so a killed import is resumed exactly there.
3. The last transaction moves all rows, or, refused at one of them, none; the error names the line.
4. One import of a kind from a file at a time; resuming needs the same file and the same options.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import apsw

from ... import log
from ...errors import ImportFailed, InvalidValue, NeurographError
from ...stores.arguments import session_code
from .apply import apply_edges, apply_tokens, refused
from .formats import Row, read_rows, readable
from .rows import Mapped

if TYPE_CHECKING:
    from ...database import Database

SLICE_S = 0.05  # how long a transaction that stages rows may hold the write lock
BATCH = 5_000  # rows the last transaction applies at once
POLICIES = {"tokens": ("error", "skip", "update"), "edges": ("error", "skip", "update", "number")}
Progress = Callable[[str, int], None]


class Imported(NamedTuple):
    """What an import did."""

    rows: int
    """Rows of the file that became tokens or edges, or changed one."""
    skipped: int
    """Rows left out: bad ones where that was asked for, and those that existed."""


def import_tokens(
    db: Database,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    rename: dict[str, str] | None = None,
    constants: dict[str, Any] | None = None,
    numbers: Collection[str] = (),
    on_conflict: str = "error",
    bad_rows: str = "error",
    resume: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Import tokens from a file: all of it or nothing.

    Parameters
    ----------
    db
        Where to.
    path
        CSV, TSV, JSON lines or Parquet; the first three also gzipped.
    format
        Where the name does not tell: ``"csv"``, ``"tsv"``, ``"jsonl"``, ``"parquet"``.
    rename
        Column of the file → column of ours (``label``, ``entity_type``, ``weight``, ``physical_x``, …). Columns that
        are not ours become properties.
    constants
        Column of ours → value for rows without one.
    numbers
        Columns that become properties and are numbers: CSV and TSV tell nothing but texts.
    on_conflict
        For a label that exists: ``"error"``, ``"skip"`` the row, or ``"update"`` the token.
    bad_rows
        ``"error"`` refuses the file at its first bad row, ``"skip"`` leaves bad rows out and logs them.
    resume
        Go on with an import of this file that broke off.
    progress
        Called with what is being done ("reading", "writing") and the rows so far.

    Returns
    -------
    Imported
        Rows written and rows left out.

    Raises
    ------
    ImportFailed
        Naming the line. Nothing was imported, and nothing is left of the attempt.

    Notes
    -----
    About 15 µs a row.
    """
    mapped = Mapped(rename or {}, constants or {}, numbers=numbers)
    return _import(db, "tokens", path, format, mapped, on_conflict, bad_rows, resume, progress)


def import_edges(
    db: Database,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    rename: dict[str, str] | None = None,
    constants: dict[str, Any] | None = None,
    types: dict[str, str] | None = None,
    ends: str = "label",
    numbers: Collection[str] = (),
    on_conflict: str = "error",
    bad_rows: str = "error",
    resume: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Import edges from a file: all of it or nothing.

    Parameters as for `import_tokens`; besides:

    Parameters
    ----------
    types
        Value in the file → name of a connection type; a value without one is refused. None takes the values as names.
    ends
        Whether ``source`` and ``target`` are ``"label"`` or ``"id"``.
    on_conflict
        For an edge that exists: as for tokens, or ``"number"``, which keeps both and gives the later one the key
        ``"k#2"``, ``"k#3"`` and so on.

    Returns
    -------
    Imported
        Rows written and rows left out.

    Raises
    ------
    ImportFailed
        Naming the line.
    """
    mapped = Mapped(rename or {}, constants or {}, types or {}, ends, numbers)
    for name in mapped.types.values():  # before a row is looked at
        session_code(db._session, "connection_type", name)
    return _import(db, "edges", path, format, mapped, on_conflict, bad_rows, resume, progress)


def drop_import(db: Database, path: str | os.PathLike[str], kind: str) -> bool:
    """Drop an import that broke off; return False where there was none."""
    name = Path(path).name
    return bool(db.execute("delete from import_run where kind = ? and source = ? returning id", (kind, name)).rows)


def _import(
    db: Database,
    kind: str,
    path: str | os.PathLike[str],
    format: str | None,
    mapped: Mapped,
    on_conflict: str,
    bad_rows: str,
    resume: bool,
    progress: Progress | None,
) -> Imported:
    if on_conflict not in POLICIES[kind]:
        raise InvalidValue(f"on_conflict must be one of {', '.join(POLICIES[kind])}, got {on_conflict!r}")
    if bad_rows not in ("error", "skip"):
        raise InvalidValue(f'bad_rows must be "error" or "skip", got {bad_rows!r}')
    file = Path(path)
    run, line = _begin(db, kind, file, mapped, resume)
    report = progress or (lambda what, rows: None)
    try:
        skipped = _stage(db, kind, run, read_rows(file, format, line), mapped, bad_rows, report)
        done, more = _finish(db, kind, run, on_conflict, bad_rows, report)
    except (NeurographError, apsw.Error):
        db.execute("delete from import_run where id = ?", (run,))
        raise
    return Imported(done, skipped + more)


def _begin(db: Database, kind: str, file: Path, mapped: Mapped, resume: bool) -> tuple[int, int]:
    """Return the run's id and the line to begin at."""
    try:
        stat = file.stat()
    except OSError as error:
        raise ImportFailed(f"cannot open {str(file)!r}: {error.strerror}") from error
    identity, options = f"{stat.st_size} {stat.st_mtime_ns}", mapped.as_json()
    found = db.execute(
        "select id, identity, options, next_line, rows from import_run where kind = ? and source = ?", (kind, file.name)
    ).fetchone()
    if found is None:
        ((run,),) = db.execute(
            "insert into import_run (kind, source, identity, options) values (?, ?, ?, ?) returning id",
            (kind, file.name, identity, options),
        )
        return run, 1
    if not resume:
        raise ImportFailed(
            f"an import of {file.name!r} broke off after {found[4]} rows; resume it with resume=True "
            "(ngdb import --resume), or drop it with drop_import (ngdb import --drop)"
        )
    if (identity, options) != (found[1], found[2]):
        raise ImportFailed(
            f"an import of {file.name!r} broke off with another content or other options; drop it and begin anew"
        )
    return found[0], found[3]


def _stage(
    db: Database, kind: str, run: int, rows: Iterator[Row], mapped: Mapped, bad_rows: str, report: Progress
) -> int:
    """Stage all rows in short transactions; return how many were left out."""
    convert = mapped.token if kind == "tokens" else mapped.edge
    total = skipped = 0
    while True:
        began, batch, line = time.monotonic(), [], 0
        for line, row in rows:
            try:
                batch.append((run, line, json.dumps(convert(line, readable(row)), ensure_ascii=False)))
            except ImportFailed as error:
                if bad_rows == "error":
                    raise
                log.warning("left out: %s", error)
                skipped += 1
            if time.monotonic() - began > SLICE_S:
                break
        if not line:
            return skipped
        with db.transaction():
            db.executemany("insert into import_row values (?, ?, ?)", batch)
            db.execute("update import_run set next_line = ?, rows = rows + ? where id = ?", (line + 1, len(batch), run))
        total += len(batch)
        report("reading", total)


def _finish(db: Database, kind: str, run: int, on_conflict: str, bad_rows: str, report: Progress) -> tuple[int, int]:
    """Move all staged rows in one transaction; return how many were written and left out."""
    apply = apply_tokens if kind == "tokens" else apply_edges
    done = skipped = after = 0
    with db.transaction():
        while True:
            rows = db.execute(
                "select line, body from import_row where run_id = ? and line > ? order by line limit ?",
                (run, after, BATCH),
            ).fetchall()
            if not rows:
                break
            after = rows[-1][0]
            written = _applied(db, apply, [(line, json.loads(body)) for line, body in rows], on_conflict, bad_rows)
            done += written
            skipped += len(rows) - written
            report("writing", done)
        db.execute("delete from import_run where id = ?", (run,))
        db.execute("delete from import_row where run_id = ?", (run,))
    return done, skipped


Apply = Callable[["Database", list[dict[str, Any]], str], int]


def _applied(
    db: Database, apply: Apply, rows: list[tuple[int, dict[str, Any]]], on_conflict: str, bad_rows: str
) -> int:
    """Apply a batch at once; where it is refused, row by row, to name the bad one or leave it out."""
    try:
        with db.transaction():
            return apply(db, [row for _, row in rows], on_conflict)
    except (NeurographError, apsw.Error):
        written = 0
        for line, row in rows:
            try:
                with db.transaction():
                    written += apply(db, [row], on_conflict)
            except (NeurographError, apsw.Error) as error:
                if bad_rows == "error":
                    raise ImportFailed(f"line {line}: {refused(error, row)}", line) from error
                log.warning("left out: line %d: %s", line, refused(error, row))
        return written
