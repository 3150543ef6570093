"""A file of JSON lines that is whole on the disk, or not there. A part of the stores layer, not a store."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import InvalidValue

_MOST = sys.float_info.max
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_ascii = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


@contextmanager
def json_lines(path: str | os.PathLike[str]) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Give a function that writes a line to a new file; the file has its name, and is synced, when the block is left.

    Compressed where its name ends with ``.gz``. What is left of a block that failed is deleted. JSON has no infinity:
    the greatest number stands for it.
    """
    if not isinstance(path, str | os.PathLike):
        raise InvalidValue(f"path must be a text or a Path, got {path!r}")
    target = Path(path)
    if os.path.lexists(target):
        raise _exists(target)
    part = target.with_name(f"{target.name}.{os.urandom(4).hex()}.part")  # two may write to one name at once
    try:
        with part.open("xb") as file:
            if target.suffix == ".gz":
                import gzip

                with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                    yield lambda row: (packed.write(_line(row)), None)[1]
            else:
                yield lambda row: (file.write(_line(row)), None)[1]
            file.flush()
            os.fsync(file.fileno())
        _give_name(part, target)
        _sync_folder(target.absolute().parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _give_name(part: Path, target: Path) -> None:
    """Let a whole file have its name, unless another got it meanwhile, which a renaming would write over."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise _exists(target) from None
    except OSError:  # not every file system has links
        try:
            target.open("xb").close()
        except FileExistsError:
            raise _exists(target) from None
        part.replace(target)
    else:
        part.unlink()


def _exists(target: Path) -> InvalidValue:
    return InvalidValue(f"path must be that of a new file, got {str(target)!r}, which exists; choose another name")


def _line(row: dict[str, Any]) -> bytes:
    try:
        return f"{_encode(row)}\n".encode()
    except ValueError:  # what a shell may store: a lone surrogate, which an escape alone can say; 1e999
        return f"{_encode_ascii(_finite(row))}\n".encode()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return max(-_MOST, min(value, _MOST))
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value


def _sync_folder(folder: Path) -> None:
    """Let the file's name be on the disk, where the system has that."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
