"""A dash for the name of a file: stdin where rows are read, stdout where they are written.

1. What a pipe brings is kept in a file until it is read: a bad row is looked for a second time.
2. Nothing but rows goes to stdout; what was done is said on stderr.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

DASH = "-"


def name_of(stream: str, path: str, format: str | None) -> str:
    """Return the name a file goes by: its own, or that of a stream, which says its format."""
    if path != DASH:
        return path
    if format is None:
        raise click.UsageError(f"{stream} has no name that tells the format; say it with --format")
    return f"{stream}.{format}"


@contextmanager
def source_file(path: str, format: str | None) -> Iterator[Path]:
    """Give the file to read: `path`, or all that stdin brings."""
    name = name_of("stdin", path, format)
    if path != DASH:
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="ngdb-") as folder:
        kept = Path(folder, name)
        with kept.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield kept


@contextmanager
def target_file(path: str, format: str | None) -> Iterator[Path]:
    """Give the file to write: `path`, or one that goes to stdout when it is whole."""
    name = name_of("stdout", path, format)
    if path != DASH:
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="ngdb-") as folder:
        whole = Path(folder, name)
        yield whole
        out = sys.stdout.buffer
        with whole.open("rb") as file:
            shutil.copyfileobj(file, out)
        out.flush()
