"""The vector stores that searches are compared with: functions of vectors that return how to ask.

Vectors and questions are of unit length, so the greatest product is the nearest by cosine. Stores that take minutes to
build are in ``kept_peers.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import numpy as np
import sqlite_vec

Search = Callable[[np.ndarray], Any]
K = 10


class System(NamedTuple):
    """Something that answers with the ids of the K nearest, what it took to build, and what of it stays in memory."""

    name: str
    search: Search
    built_s: float
    held: int
    """Bytes; 0 where nobody told."""


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
    index = _flat(vectors)
    return lambda queries: index.search(np.atleast_2d(queries), K)


def _flat(vectors: np.ndarray) -> Any:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def faiss_all(vectors: np.ndarray) -> Iterator[System]:
    """faiss: all rows; bits, some refined by rows; rows in lists, some of these looked at."""
    import faiss

    flat, (count, size) = _flat(vectors), vectors.shape
    yield System("faiss, flat", lambda q: flat.search(q[None], K)[1][0], 0.0, vectors.nbytes)
    began = time.perf_counter()
    bits = faiss.index_factory(size, "RaBitQfs", faiss.METRIC_INNER_PRODUCT)
    bits.train(vectors)
    bits.add(vectors)
    refined, took = faiss.IndexRefine(bits, flat), time.perf_counter() - began
    for factor in (4, 8, 15, 30, 60, 200):
        search = _asking(refined, "k_factor", factor)
        yield System(f"faiss, RaBitQ fast scan, {K * factor} refined", search, took, vectors.nbytes + count * size // 8)
    began = time.perf_counter()
    lists = faiss.index_factory(size, f"IVF{round(2 * count**0.5)},Flat", faiss.METRIC_INNER_PRODUCT)
    lists.train(vectors[:: max(1, count // 100_000)])
    lists.add(vectors)
    took = time.perf_counter() - began
    for probes in (8, 32, 128):
        search = _asking(lists, "nprobe", probes)
        yield System(f"faiss, {lists.nlist} lists, {probes} looked at", search, took, vectors.nbytes)


def _asking(index: Any, name: str, value: int) -> Search:
    """Return how an index of faiss is asked with one of its numbers set."""

    def search(query: np.ndarray) -> Any:
        setattr(index, name, value)
        return index.search(query[None], K)[1][0]

    return search


def sqlite_vec_all(vectors: np.ndarray) -> Iterator[System]:
    """sqlite-vec: float32, and bits of which some are scored again."""
    for name, make in (("float32", vec0), ("bit, 400 scored again", vec_bits)):
        began = time.perf_counter()
        search = make(vectors)
        ids = lambda q, search=search: [row[0] for row in search(q)]  # noqa: E731
        yield System(f"sqlite-vec, vec0 {name}", ids, time.perf_counter() - began, 0)
