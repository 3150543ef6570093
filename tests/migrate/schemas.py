"""Schemas older and newer than ours, as folders; files of them; and processes that open one at the same moment."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

import neurograph
from neurograph import migrate

NEWEST = migrate.newest_schema()
NEXT = NEWEST + 1

# What a migration does: a column for a table of ours, a table, rows from rows, an index and a trigger.
STATEMENTS = (
    "alter table token add column mood real check (mood between -1 and 1)",
    "create table trace (token_id integer primary key references token (id) on delete cascade, seen integer) strict",
    "insert into trace select id, 1 from token",
    "create index trace_seen on trace (seen)",
    "create trigger trace_insert after insert on token begin insert into trace values (new.id, 0); end",
    "update token set mood = weight - 0.5",
)


def script(*statements: str) -> str:
    return "".join(f"{statement};\n" for statement in statements)


def ours(at: Path, *more: str) -> str:
    """Make a schema folder with our files and, numbered on from them, one file for each of `more`."""
    shutil.copytree(migrate.schema_folder(), at)
    for number, sql in enumerate(more, NEXT):
        (at / f"{number:04}_more_{number}.sql").write_text(sql, encoding="utf-8", newline="\n")
    return str(at)


def first(at: Path, count: int) -> str:
    """Make a schema folder with our first `count` files."""
    folder = Path(ours(at))
    for file in sorted(folder.glob("*.sql"))[count:]:
        file.unlink()
    return str(folder)


@contextmanager
def schema(folder: str) -> Iterator[None]:
    """Let the schema of this package be that of a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "schema_folder", lambda: folder)
        yield


def fill(path: Path, folder: str | None = None, **options: Any) -> None:
    """Make a file with something in most tables, of the schema of a folder or ours."""
    with schema(folder or migrate.schema_folder()), neurograph.open(path, **options) as db:
        kind = db.entity_types.create("feeling")
        db.tokens.create("joy", entity_type=kind, weight=0.75, coordinates={"emotional": (0.5, 0.25, 0.125)})
        db.tokens.create("sun", properties={"far": 1.5})
        db.tokens.create_many(count=100)
        db.graph.create("sun", "joy", type="cause", properties={"n": 1})
        db.connections.create("joy", "sun", confidence=0.25)
        db.cdna.update(max_token_weight=0.875, reason="calm")
        assert db.check() == []


def content(path: Path) -> dict[str, list[Any]]:
    """Return the rows of the tables that a user fills, whatever the schema."""
    columns = {
        "token": "id, label, entity_type, weight, emotional_x, emotional_y, emotional_z, properties",
        "edge": "*",
        "connection": "*",
        "cdna": "version, max_token_weight, profile",
        "entity_type": "*",
    }
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        return {name: connection.execute(f"select {some} from {name}").fetchall() for name, some in columns.items()}


def version(path: Path) -> tuple[int, int, int]:
    """Return a file's schema number as its header, its facts and its records have it."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        return connection.execute(
            """select user_version, (select value from meta where name = 'schema'), (select max(number) from migration)
                 from pragma_user_version"""
        ).fetchall()[0]  # type: ignore[return-value]


def together(code: str, rounds: int, *arguments: object, processes: int = 4) -> list[list[str]]:
    """Run code in several processes, `rounds` times at the same moment; return what each printed, a line a round.

    The code is the body of a function of `round` and `arguments` that returns what to print.
    """
    program = (
        "import sys, neurograph\nfrom neurograph import migrate\n"
        f"def step(round, arguments):\n{textwrap.indent(textwrap.dedent(code), '    ')}\n"
        "print('ready', flush=True)\n"
        f"for round in range({rounds}):\n"
        "    input()\n"
        "    print(step(round, sys.argv[1:]), flush=True)\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    printed: list[list[str]] = [[] for _ in running]
    try:
        for turn in range(rounds + 1):
            for process, lines in zip(running, printed, strict=True):
                assert process.stdout is not None
                line = process.stdout.readline()
                assert line, process.communicate()[1]
                lines.append(line.strip())
            for process in running if turn < rounds else ():
                assert process.stdin is not None
                process.stdin.write("\n")
                process.stdin.flush()
    finally:
        for process in running:
            if process.poll() is None and sys.exc_info()[0] is not None:
                process.kill()
            process.communicate()
    return [lines[1:] for lines in printed]
