"""Vector stores that can be changed, for `changed.py`: how each is asked, and how vectors are replaced and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from kept_peers import CONSTRUCTION, M
from vector_peers import K, Search, fill_vec0, vec_connection

EF = 150  # a recall of 0.99 of WordNet and of clusters


class Changing(NamedTuple):
    """Something that is asked, and changed."""

    name: str
    search: Search
    put: Callable[[np.ndarray, np.ndarray], object]
    """Put vectors into the places of some rows."""
    delete: Callable[[np.ndarray], object]


def nothing(*_: np.ndarray) -> None:
    """Change nothing: another did."""


def vec0(rows: np.ndarray) -> Changing:
    """sqlite-vec's own table of float32."""
    connection = vec_connection()
    fill_vec0(connection, rows)

    def put(numbers: np.ndarray, vectors: np.ndarray) -> None:
        with connection:
            changes = ((vector.tobytes(), id) for id, vector in zip(numbers.tolist(), vectors, strict=True))
            connection.executemany("update vectors set v = ? where rowid = ?", changes)

    def delete(numbers: np.ndarray) -> None:
        with connection:
            connection.executemany("delete from vectors where rowid = ?", ((id,) for id in numbers.tolist()))

    def search(query: np.ndarray) -> list[int]:
        sql = "select rowid from vectors where v match ? and k = ?"
        return [row[0] for row in connection.execute(sql, (query.tobytes(), K))]

    return Changing("sqlite-vec, vec0", search, put, delete)


def product(rows: np.ndarray) -> Changing:
    """A matrix product of numpy; what is gone is passed over. The caller changes the rows."""
    gone = np.empty(0, np.int64)

    def delete(numbers: np.ndarray) -> None:
        nonlocal gone
        gone = numbers

    def search(query: np.ndarray) -> Any:
        scores = rows @ query
        scores[gone] = -np.inf
        return np.argpartition(scores, -K)[-K:]

    return Changing("numpy, product", search, nothing, delete)


def faiss_flat(rows: np.ndarray) -> Changing:
    """faiss, all rows; one is replaced by taking it out and adding it again."""
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexIDMap(faiss.IndexFlatIP(rows.shape[1]))
    index.add_with_ids(rows, np.arange(len(rows)))

    def put(numbers: np.ndarray, vectors: np.ndarray) -> None:
        index.remove_ids(numbers)
        index.add_with_ids(vectors, numbers)

    return Changing("faiss, flat", lambda query: index.search(query[None], K)[1][0], put, index.remove_ids)


def hnsw(rows: np.ndarray, kept: Path) -> Changing:
    """hnswlib's graph, which marks what is deleted."""
    import hnswlib

    index = hnswlib.Index("ip", rows.shape[1])
    index.load_index(f"{kept}.hnswlib", max_elements=len(rows))
    index.set_num_threads(1)
    index.set_ef(EF)

    def delete(numbers: np.ndarray) -> None:
        for number in numbers.tolist():
            index.mark_deleted(number)

    def put(numbers: np.ndarray, vectors: np.ndarray) -> None:
        index.add_items(vectors, numbers, num_threads=1)

    return Changing(f"hnswlib, ef {EF}", lambda query: index.knn_query(query, K)[0][0], put, delete)


def usearch(rows: np.ndarray, kept: Path) -> Changing:
    """usearch's graph; one is replaced by taking it out and adding it again."""
    from usearch.index import Index

    index = Index(ndim=rows.shape[1], metric="ip", connectivity=M, expansion_add=CONSTRUCTION, expansion_search=EF)
    index.load(f"{kept}.usearch")
    index.expansion_search = EF

    def put(numbers: np.ndarray, vectors: np.ndarray) -> None:
        index.remove(numbers)
        index.add(numbers, vectors, threads=1)

    return Changing(f"usearch, ef {EF}", lambda query: index.search(query, K, threads=1).keys, put, index.remove)


def peers(rows: np.ndarray, kept: Path | None) -> Iterator[Changing]:
    """Yield those that are there, sqlite-vec last; graphs are asked where they are kept."""
    yield product(rows)
    for make, suffix in ((faiss_flat, ""), (hnsw, ".hnswlib"), (usearch, ".usearch")):
        name = make.__name__
        if suffix and (kept is None or not Path(f"{kept}{suffix}").exists()):
            print(f"  {name} is left out: nothing is kept of it", flush=True)
            continue
        try:
            yield make(rows, kept) if suffix else make(rows)
        except ImportError as error:
            print(f"  {name} is left out: {error}", flush=True)
    yield vec0(rows)
