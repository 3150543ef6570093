"""Files whose points are saved as blocks, for one level or for all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import neurograph
from neurograph.stores.grid.block_build import LEAST

N = LEAST + 3000


def saved(path: Path, coordinates: Any, subject: str) -> bytes:
    """Return a file of N tokens in these places, of whose derived data only the blocks of `subject` are left."""
    with neurograph.open(path, synchronous="off", engine="sql") as db:
        db.tokens.create_many(count=N, coordinates=coordinates)
        db.optimize(budget_bytes=1 << 30)
        db.execute("delete from derived_chunk where subject <> ?", [subject])
        db.close(portable=True)
    return path.read_bytes()
