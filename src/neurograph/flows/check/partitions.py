"""Invariants of partitions."""

from __future__ import annotations

from collections.abc import Iterable
from struct import unpack
from typing import Any

import apsw

from ...derived.kind import CHUNK_BITS, CHUNK_IDS
from .invariant import Invariant

NOWHERE = 65_535
_PARTS = ("partition_center", "partition_item", "partition_chunk", "partition_reach")

# Chunks that did not change since: what the partitions say of them is taken for true.
_UNCHANGED = """
    select kept.chunk, kept.numbers, 4 * dimension
      from partition_chunk as kept
      join mark on mark.subject = 'embedding' and mark.chunk = kept.chunk and mark.nonce = kept.nonce
      join library on library.id = kept.chunk >> 23
     where kept.partitioning_id = ? and library.id = ?"""
_VECTORS = """
    select id
      from embedding
     where id between ? and ? and length(vector) = ? and vec_distance_l2(vector, zeroblob(length(vector))) < 9e999"""

# NULL where it holds NaN, or is of another dimension; infinity where a number is; true to about a ten-thousandth.
_LENGTH = """
    case when length({0}) = 4 * dimension and dimension > 0 then vec_distance_l2({0}, zeroblob(length({0}))) end"""


def _misplaced(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
    """Find chunks of which a partitioning in use says something else than its rows, or than the vectors."""
    for partitioning, library in connection.execute(
        "select id, library_id from partitioning where complete"
    ).fetchall():
        rows: Any = connection.execute(
            "select id, number from partition_item where partitioning_id = ?", (partitioning,)
        ).fetchall()
        placed = dict(rows)
        if len(placed) < len(rows):
            yield (partitioning, "an item twice")
        for chunk, numbers, size in connection.execute(_UNCHANGED, (partitioning, library)):
            first, last = chunk << CHUNK_BITS, (chunk << CHUNK_BITS) + CHUNK_IDS - 1
            said = unpack(f"<{CHUNK_IDS}H", numbers) if len(numbers) == 2 * CHUNK_IDS else (NOWHERE,) * CHUNK_IDS
            there = {first + place: number for place, number in enumerate(said) if number != NOWHERE}
            vectors: Any = connection.execute(_VECTORS, (first, last, size)).fetchall()
            kept = {id: placed[id] for id in range(first, last + 1) if id in placed}
            if kept != there or there.keys() != {row[0] for row in vectors}:
                yield (partitioning, chunk)


PARTITIONS = (
    Invariant(
        "partitioning.library",
        "select id from partitioning where library_id not in (select id from library)",
        "partitions must belong to a library; delete the row, or call db.drop_derived()",
    ),
    Invariant(
        "partitioning.parts",
        " union all ".join(
            f"select distinct partitioning_id from {table} where partitioning_id not in (select id from partitioning)"
            for table in _PARTS
        ),
        "centroids, codes, chunks and measurements must belong to a partitioning; call db.drop_derived()",
    ),
    Invariant(
        "partition_center.centroid",
        """select partitioning_id, number
             from partition_center
             join partitioning on partitioning.id = partitioning_id
             join library on library.id = library_id
            where length(centroid) <> 4 * dimension""",
        "a centroid must have four bytes for each dimension of its library; call db.drop_derived()",
    ),
    Invariant(
        "partition_center.norm",
        f"""select partitioning_id, number
             from partition_center
             join partitioning on partitioning.id = partitioning_id
             join library on library.id = library_id
            where length(centroid) = 4 * dimension
              and not coalesce(
                    abs({_LENGTH.format("centroid")} - norm) <= 1e-3 * norm + 1e-18 and norm < 9e999, false)""",
        "a centroid must hold finite numbers, and norm its length; call db.drop_derived()",
    ),
    Invariant(
        "partitioning.middle",
        f"""select partitioning.id
             from partitioning
             join library on library.id = library_id
            where not coalesce({_LENGTH.format("middle")} < 9e999, false)""",
        "the middle must be finite, with four bytes for each dimension of its library; call db.drop_derived()",
    ),
    Invariant(
        "partition_item.shift",
        """select partitioning_id, id
             from partition_item
            where not (abs(shift) < 9e999 and abs(factor) < 9e999)""",
        "shift and factor of a code must be finite; call db.drop_derived()",
    ),
    Invariant(
        "partition_item.code",
        """select partitioning_id, item.id
             from partition_item as item
             join partitioning on partitioning.id = partitioning_id
             join library on library.id = library_id
            where length(code) <> (dimension + 7) / 8""",
        "a code must have a bit for each dimension of its library; call db.drop_derived()",
    ),
    Invariant(
        "partition_item.place",
        _misplaced,
        "partitions must hold each vector of an unchanged chunk once, as partition_chunk says; call db.drop_derived()",
    ),
)
