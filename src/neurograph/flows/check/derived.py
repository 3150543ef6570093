"""Invariants of marks and saved arrays. A saved chunk with an old nonce is no violation: nobody reads it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apsw

from ...derived import saved
from ...model.levels import LEVELS
from ...stores.grid.block_build import differing_blocks
from ..kinds import KINDS
from .invariant import Invariant


def _content(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
    """Compare saved chunks that count as valid with the rows."""
    found = [row for kind in KINDS for row in saved.differing(connection, kind)]
    return found + [row for level in (*LEVELS, None) for row in differing_blocks(connection, level)]


DERIVED = (
    Invariant(
        "mark.subject",
        "select distinct subject from mark where subject not in ('token', 'edge', 'embedding')",
        "a mark must be about 'token', 'edge' or 'embedding'; delete it",
    ),
    Invariant(
        "mark.token",
        """select distinct id >> 9 as chunk from token
           except select chunk from mark where subject = 'token'""",
        "every chunk of tokens must have a mark, or kernels miss them; call db.optimize()",
    ),
    Invariant(
        "mark.edge",
        """select distinct source >> 9 as chunk from edge
           except select chunk from mark where subject = 'edge'""",
        "every chunk of edges must have a mark, or kernels miss them; call db.optimize()",
    ),
    Invariant(
        "mark.embedding",
        """select distinct id >> 9 as chunk from embedding
           except select chunk from mark where subject = 'embedding'""",
        "every chunk of vectors must have a mark, or kernels miss them; call db.optimize()",
    ),
    Invariant("derived.content", _content, "saved arrays must equal the rows; delete them from derived_chunk"),
)
