"""Invariants of libraries, their items and vectors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from struct import unpack
from typing import Any

import apsw

from ...stores.library.texts.kept import digest
from .invariant import Invariant, not_utf8

# What sqlite-vec makes of a length: NULL for NaN; infinity, or zero, also where a sum of squares leaves float32.
_LENGTHS = """
    select embedding.id, vec_distance_l2(vector, zeroblob(length(vector))) as norm, norm_low, norm_high
      from embedding
      join library on library.id = embedding.id >> 32
     where length(vector) > 0 and length(vector) % 4 = 0"""


def _vector(connection: apsw.Connection, id: int) -> tuple[float, ...]:
    rows: Any = connection.execute("select vector from embedding where id = ?", (id,)).fetchall()
    return unpack(f"<{len(rows[0][0]) // 4}f", rows[0][0])


def _not_finite(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
    for (id,) in connection.execute(f"select id from ({_LENGTHS}) where not coalesce(norm, 9e999) < 9e999"):
        if not all(map(math.isfinite, _vector(connection, id))):
            yield (id,)


def _beyond_norms(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
    sql = f"select id, norm_low, norm_high from ({_LENGTHS}) where norm < norm_low or norm > norm_high"
    for id, low, high in connection.execute(sql):
        length = math.sqrt(math.fsum(x * x for x in _vector(connection, id)))  # float32 loses squares below 1e-45
        if math.isfinite(length) and not low <= length <= high:
            yield id, length


def _not_as_kept(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
    for id, known, vector in connection.execute("select id, digest, vector from text_vector where vector is not null"):
        if digest(vector) != known:
            yield (id,)


LIBRARIES = (
    Invariant(
        "library.metric",
        "select id from library where dimension not between 1 and 8192 or metric not in ('cosine', 'l2', 'dot')",
        "a library must have 1 to 8192 dimensions and the metric cosine, l2 or dot; drop it",
    ),
    Invariant(
        "library.norms",
        _beyond_norms,
        "a vector's length must lie between norm_low and norm_high of its library; set both to NULL",
    ),
    Invariant(
        "item.library",
        "select id from item where library_id not in (select id from library)",
        "an item must belong to a library; delete it",
    ),
    Invariant(
        "item.id",
        "select id from item where id >> 32 <> library_id or id & 4294967295 = 0",
        "the id of an item must begin with its library's; insert it anew through the view entry",
    ),
    Invariant(
        "item.token",
        "select id, token_id from item where token_id is not null and token_id not in (select id from token)",
        "an item's token must exist; set token_id to NULL",
    ),
    Invariant(
        "item.key",
        "select id from item where key = '' or instr(key, char(0))",
        "a key must have at least one character and no NUL; use NULL for none",
    ),
    Invariant(
        "item.utf8",
        partial(not_utf8, "item", ("key", "text", "metadata")),
        "a key, a text and metadata must be UTF-8; set them anew",
    ),
    Invariant(
        "item.place",
        """select id from item
            where (x is null) + (y is null) + (z is null) not in (0, 3)
               or not max(abs(x), abs(y), abs(z)) < 9e999""",
        "semantic coordinates must be three finite numbers or none; set all three, or none",
    ),
    Invariant(
        "item.metadata",
        """select id from item
            where metadata is not null and not (json_valid(metadata) and json_type(metadata) = 'object')""",
        "metadata must be a JSON object or NULL",
    ),
    Invariant(
        "embedding.item",
        "select id from embedding where id not in (select id from item)",
        "a vector must belong to an item; delete it",
    ),
    Invariant(
        "embedding.length",
        """select embedding.id, length(vector)
             from embedding
             join library on library.id = embedding.id >> 32
            where length(vector) <> 4 * dimension""",
        "a vector must have four bytes for each dimension of its library; delete it",
    ),
    Invariant("embedding.finite", _not_finite, "a vector must hold finite numbers; no search finds it; delete it"),
    Invariant(
        "text_vector.digest",
        _not_as_kept,
        "a vector kept of a text must be as it was made; no text is answered by it; delete it",
    ),
    Invariant(
        "text_vector.item",
        "select id from text_vector where vector is null and id not in (select id from item)",
        "a text's vector must be kept by an item that exists; delete the row",
    ),
    Invariant(
        "reembedded.library",
        """select library_id from reembedding where library_id not in (select id from library)
           union all
           select id from reembedded where id >> 32 not in (select id from library)""",
        "vectors made ahead must be a library's; delete them",
    ),
)
