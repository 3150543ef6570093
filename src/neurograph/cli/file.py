"""`ngdb info`, `ngdb check` and `ngdb optimize`: what a file holds, whether it is sound, what keeps it fast."""

from __future__ import annotations

import time
from typing import Any

import click

from ..progress import seconds_text
from .command import command, file_argument, json_option, reading, writing
from .exit_codes import VIOLATIONS
from .facts import file_facts, paths, versions
from .output import note, size_text, write_json, write_pairs, write_records, write_table

SHOWN_EMPTY = frozenset({"token", "edge", "connection"})


@command("info", "ngdb info mind.ngdb", "ngdb info mind.ngdb --json | jq .tables.token")
@file_argument
@json_option
def info(file: str, as_json: bool) -> None:
    """Say what a file holds and what answers from it here."""
    with reading(file) as db:
        facts = file_facts(db) | {"versions": versions(), "paths": paths()}
    if as_json:
        write_json(facts)
        return
    _show_file(facts)
    print("\nRows")
    counted = [(name, f"{rows:,}") for name, rows in facts["tables"].items() if rows or name in SHOWN_EMPTY]
    write_pairs((name, f"{rows:>12}") for name, rows in counted)
    if facts["saved_arrays"]:
        print("\nSaved arrays")
        columns = ("name", "chunks", "saved", "current", "bytes")
        write_table(columns, [[row[name] for name in columns] for row in facts["saved_arrays"]], indent="  ")
    print("\nHere")
    write_pairs((name, ("on: " if path["on"] else "off: ") + path["why"]) for name, path in facts["paths"].items())
    print("\nVersions")
    write_pairs((name, version or "not installed") for name, version in facts["versions"].items())


def _show_file(facts: dict[str, Any]) -> None:
    size, law = facts["size"], facts["constitution"]
    log = f", and {size_text(size['wal_bytes'])} in its write-ahead log" if size["wal_bytes"] else ""
    free = f", {size['free_pages']:,} free" if size["free_pages"] else ""
    trial = ", on trial" if law["on_trial"] else ""
    limits = "" if law["validation"] else ", its limits are lifted"
    print(facts["path"])
    write_pairs(
        [
            ("size", size_text(size["bytes"]) + log),
            ("pages", f"{size['pages']:,} of {size['page_bytes']:,} bytes{free}"),
            ("journal", "write-ahead log" if facts["journal"] == "wal" else "rollback: opens on read-only media too"),
            ("schema", f"{facts['schema']}, applied by neurograph {facts['engine']}"),
            ("constitution", f"version {law['version']}, {law['profile']}{trial}{limits}"),
        ]
    )


@command("check", "ngdb check mind.ngdb", "ngdb check mind.ngdb --json", "ngdb check mind.ngdb || echo unsound")
@file_argument
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    default=100,
    show_default=True,
    help="Of each invariant, at most so many.",
)
@json_option
def check(file: str, limit: int, as_json: bool) -> None:
    """Audit a file; exit with 3 where something is wrong.

    Every invariant is named in the manual, with the remedy.
    """
    began = time.monotonic()
    with reading(file) as db:
        found = db.check(limit=limit)
    columns = ("invariant", "row", "message")
    if as_json or found:
        write_records(columns, found, as_json=as_json)
    if found:
        note(f"{len(found):,} violation{'' if len(found) == 1 else 's'}")
        raise click.exceptions.Exit(VIOLATIONS)
    if not as_json:
        from ..flows.check import INVARIANTS

        print(f"sound: {len(INVARIANTS)} invariants hold ({seconds_text(time.monotonic() - began)})")


@command("optimize", "ngdb optimize mind.ngdb")
@file_argument
@json_option
def optimize(file: str, as_json: bool) -> None:
    """Save what makes answers fast, and give space back.

    Arrays are saved for the next process, free pages are given back, the planner's statistics are renewed.

    An older schema is migrated on the way; a copy of the file is kept then.
    """
    began = time.monotonic()
    with writing(file) as db:
        done = db.optimize()
        arrays = file_facts(db)["saved_arrays"]
    seconds = time.monotonic() - began
    if as_json:
        saved = {"saved_bytes": done.saved_bytes, "freed_pages": done.freed_pages}
        write_json(saved | {"saved_arrays": arrays, "seconds": round(seconds, 3)})
        return
    print(f"{size_text(done.saved_bytes)} saved, {done.freed_pages:,} pages given back ({seconds_text(seconds)})")
    for row in arrays:
        print(f"  {row['name']}: {row['current']:,} of {row['chunks']:,} chunks")
