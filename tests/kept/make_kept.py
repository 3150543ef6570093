"""Make the kept file of the present schema and its answers: ``python tests/kept/make_kept.py [FOLDER]``.

`kept_mind.py` says when. An older kept file is never made again.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from kept_mind import FOLDER, answers, fill

import neurograph
from neurograph import migrate

dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


def lines(part: dict[str, Any]) -> str:
    """Write an object with each of its values on a line of its own."""
    return ",\n".join(f"{dumps(name)}:{dumps(value)}" for name, value in part.items())


def make(folder: Path) -> Path:
    """Make the file and its answers in `folder`, and return the file's path."""
    path = folder / f"schema_{migrate.newest_schema()}.ngdb"
    path.unlink(missing_ok=True)
    db = neurograph.open(path, page_size_bytes=2048)  # a page a table and index at least: a third of the size
    fill(db)
    given = answers(db)
    assert db.check() == []
    db.close(portable=True)  # so that it can be opened where it lies, on read-only media too
    parts = (f"{dumps(name)}:{{\n{lines(part)}\n}}" for name, part in given.items())
    path.with_suffix(".json").write_text(f"{{{','.join(parts)}}}\n", encoding="utf-8", newline="\n")
    return path


if __name__ == "__main__":
    print(make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
