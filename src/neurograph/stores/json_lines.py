"""A file of JSON lines that is whole on the disk, or not there. A part of the stores layer, not a store."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import InvalidValue


@contextmanager
def json_lines(path: str | os.PathLike[str]) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Give a function that writes a line to a new file; the file has its name, and is synced, when the block is left.

    Compressed where its name ends with ``.gz``. What is left of a block that failed is deleted.
    """
    if not isinstance(path, str | os.PathLike):
        raise InvalidValue(f"path must be a text or a Path, got {path!r}")
    target = Path(path)
    if os.path.lexists(target):
        raise InvalidValue(f"path must be that of a new file, got {str(target)!r}, which exists; choose another name")
    part = target.with_name(f"{target.name}.part")
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    try:
        with part.open("wb") as file:
            if target.suffix == ".gz":
                import gzip

                with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                    yield lambda row: (packed.write(f"{encode(row)}\n".encode()), None)[1]
            else:
                yield lambda row: (file.write(f"{encode(row)}\n".encode()), None)[1]
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        _sync_folder(target.absolute().parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    """Let the file's name be on the disk, where the system has that."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
