"""Ctrl-C at a chosen point of a call: one of Python's, or one inside a statement of SQLite's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import neurograph

Call = Callable[[neurograph.Database], object]


class Presser:
    """A profile function that raises KeyboardInterrupt at the n-th point inside some folders.

    Python looks for signals when a function begins and after each call into C.
    """

    def __init__(self, n: int, *folders: Path) -> None:
        self.left = n
        self.place = ""
        self._folders = tuple(map(str, folders))

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event not in ("call", "c_return") or not code.co_filename.startswith(self._folders):
            return
        if code.co_name == "__del__":
            return  # what is raised there goes nowhere
        self.left -= 1
        if self.left == 0:
            sys.setprofile(None)
            self.place = f"{event} {Path(code.co_filename).stem}.{code.co_name}"
            del argument  # a method of a cursor, which the traceback would keep
            raise KeyboardInterrupt


def pressed(
    n: int, db: neurograph.Database, call: Call, *folders: Path, kept: list[BaseException] | None = None
) -> Presser:
    """Press Ctrl-C at Python's n-th point in `folders`; the presser has `left` > 0 where the call has fewer.

    The error is dropped, or kept with its traceback.
    """
    presser = Presser(n, *folders)
    sys.setprofile(presser)
    try:
        call(db)
    except KeyboardInterrupt as error:
        if kept is not None:
            kept.append(error)
    finally:
        sys.setprofile(None)
    return presser


def pressed_inside(n: int, db: neurograph.Database, call: Call, kept: list[BaseException]) -> None:
    """Press Ctrl-C at the n-th point inside SQLite, counted in hundreds of its instructions."""
    connection = db._session.writer.connection
    left = n

    def press() -> bool:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return False

    connection.set_progress_handler(press, 100, id=press)
    try:
        call(db)
    except KeyboardInterrupt as error:
        kept.append(error)
    finally:
        connection.set_progress_handler(None, id=press)
