"""What `ngdb info` says, as plain values: of the file, of this machine, of this installation."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

if TYPE_CHECKING:
    from ..database import Database

PACKAGES = ("numpy", "numba", "sqlite-vec", "onnxruntime", "tokenizers", "pyarrow", "pandas", "networkx")


def file_facts(db: Database) -> dict[str, Any]:
    """Return what is known of an open file: size, rows, schema, saved arrays, the constitution in force."""
    path = Path(db.path)
    with db._session.reading() as line:  # SQLite counts this pragma among what writes, so `execute` refuses it
        journal = line.connection.pragma("journal_mode")
    with db.snapshot():
        law = db.cdna.current()
        schema = db.execute("select max(number), max(engine) from migration").fetchone() or (0, "")
        return {
            "path": db.path,
            "size": {
                "bytes": _size(path),
                "wal_bytes": db._session.location.sidecar_bytes("-wal") or 0,
                "pages": _pragma(db, "page_count"),
                "page_bytes": _pragma(db, "page_size"),
                "free_pages": _pragma(db, "freelist_count"),
            },
            "journal": journal,
            "schema": schema[0],
            "engine": schema[1],
            "tables": _rows_per_table(db),
            "saved_arrays": _saved_arrays(db),
            "constitution": {
                "version": law.version,
                "profile": law.profile,
                "on_trial": law.on_trial,
                "validation": law.validation,
                "reason": law.reason,
            },
        }


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _pragma(db: Database, name: str) -> Any:
    return db.execute(f"pragma {name}").fetchall()[0][0]


def _rows_per_table(db: Database) -> dict[str, int]:
    """Count the rows of every table, the user's own among them, in order of name."""
    names = db.execute(
        """select name from pragma_table_list
            where schema = 'main' and type = 'table' and name not like 'sqlite#_%' escape '#'
            order by name"""
    ).fetchall()
    counts = {}
    for (name,) in names:
        quoted = name.replace('"', '""')
        counts[name] = db.execute(f'select count(*) from "{quoted}"').fetchall()[0][0]
    return counts


def _saved_arrays(db: Database) -> list[dict[str, Any]]:
    """Return for each kind of array how many chunks there are, how many are saved, and how many of those are true."""
    from ..flows.kinds import KINDS

    found = []
    for kind in KINDS:
        ((chunks,),) = db.execute("select count(*) from mark where subject = ?", [kind.subject])
        ((saved, current, size),) = db.execute(
            """select count(*), count(m.nonce), coalesce(sum(length(d.body)), 0)
                 from derived_chunk as d
                 left join mark as m
                   on m.subject = ? and m.chunk = d.chunk and m.nonce = d.nonce and d.format = ?
                where d.subject = ?""",
            [kind.subject, kind.format, kind.name],
        )
        if saved:
            row = {"name": kind.name, "chunks": chunks, "saved": saved, "current": current, "bytes": size}
            found.append(row)
    return found


def versions() -> dict[str, str | None]:
    """Return the version of each part of this installation; None where it is not installed. Imports none of them."""
    from .._version import __version__

    found: dict[str, str | None] = {
        "neurograph": __version__,
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "apsw": apsw.apsw_version(),
    }
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def paths() -> dict[str, dict[str, Any]]:
    """Return which ways are open here, and why."""
    parquet = versions()["pyarrow"] is not None
    why = "pyarrow is installed" if parquet else 'pyarrow is not installed; run `pip install "neurograph[parquet]"`'
    return {"kernels": kernels_path(), "parquet": {"on": parquet, "why": why}}


def kernels_path() -> dict[str, Any]:
    """Return whether kernels can be used here, and why."""
    from ..derived.kernel_cache import cache_folder
    from ..derived.policy import why_no_kernels

    reason = why_no_kernels()
    if reason is not None:
        return {"on": False, "why": reason}
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return {"on": True, "why": "NUMBA_DISABLE_JIT is set, so they run as plain Python, slowly"}
    return {"on": True, "why": f"used where they repay their start; compiled code is kept in {cache_folder()}"}
