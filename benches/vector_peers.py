"""The vector stores that `libraries.py` compares with: each a function that takes vectors and returns how to ask it.

Vectors and questions are of unit length, so the greatest product is the nearest by cosine.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import sqlite_vec

Search = Callable[[np.ndarray], Any]
K = 10


def vec_connection(path: Path | str = ":memory:") -> apsw.Connection:
    """Return a connection with sqlite-vec, and none of ours."""
    connection = apsw.Connection(str(path))
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    connection.execute("pragma journal_mode = wal").fetchall()
    connection.execute("pragma synchronous = normal").fetchall()
    connection.execute("pragma mmap_size = 8000000000").fetchall()
    return connection


def fill_vec0(connection: apsw.Connection, vectors: np.ndarray, many: int = 10_000) -> None:
    """Make and fill a vec0 table, in transactions of `many`."""
    connection.execute(f"create virtual table vectors using vec0(v float[{vectors.shape[1]}] distance_metric=cosine)")
    for first in range(0, len(vectors), many):
        with connection:
            rows = ((first + i, row.tobytes()) for i, row in enumerate(vectors[first : first + many]))
            connection.executemany("insert into vectors (rowid, v) values (?, ?)", rows)


def vec0(vectors: np.ndarray) -> Search:
    """sqlite-vec's own table of float32."""
    connection = vec_connection()
    fill_vec0(connection, vectors)
    sql = "select rowid, distance from vectors where v match ? and k = ?"
    return lambda query: connection.execute(sql, (query.tobytes(), K)).fetchall()


def vec_bits(vectors: np.ndarray, candidates: int = 400) -> Search:
    """sqlite-vec's bits, and the distances of as many candidates, as its manual tells."""
    connection = vec_connection()
    size = vectors.shape[1]
    connection.execute(f"create virtual table bits using vec0(b bit[{size}])")
    connection.execute("create table raw (id integer primary key, v blob)")
    with connection:
        rows = [(i, row.tobytes()) for i, row in enumerate(vectors)]
        connection.executemany("insert into raw values (?, ?)", rows)
        connection.executemany("insert into bits (rowid, b) values (?, vec_quantize_binary(?))", rows)
    sql = """
        select id, vec_distance_cosine(v, ?1) as distance
          from raw
         where id in (select rowid from bits where b match vec_quantize_binary(?1) and k = ?2)
         order by distance, id
         limit ?3"""
    return lambda query: connection.execute(sql, (query.tobytes(), candidates, K)).fetchall()


def product(vectors: np.ndarray) -> Search:
    """A matrix product of numpy, and the greatest of it."""

    def search(query: np.ndarray) -> Any:
        scores = vectors @ query
        best = np.argpartition(scores, -K)[-K:]
        return best[np.argsort(-scores[best])]

    return search


def faiss_flat(vectors: np.ndarray) -> Search:
    """faiss, all rows."""
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return lambda queries: index.search(np.atleast_2d(queries), K)
