"""Vector stores that take minutes to build: hnswlib, usearch, lancedb, chroma. Each is built once and kept.

`recall.py` and `changed.py` ask those that are installed; ``pip install usearch lancedb chromadb``, and hnswlib has
to be compiled. This builds what a folder does not keep yet, by one thread:

    python benches/kept_peers.py --graphs FOLDER [--only clustered] [--peers usearch] [--rows 1000000]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measure import one_thread, said
from vector_peers import K, Search, System
from vector_sets import KINDS

M, CONSTRUCTION = 16, 200  # of every graph here
EFS = (20, 40, 70, 100, 150, 300)
PROBES = ((20, 10), (50, 30), (200, 100))  # lists that lancedb looks at, and how many times 10 it measures again
MOST_IN_CHROMA = 200_000  # it adds a thousand vectors a second, and keeps each as text in SQLite too


class LeftOutError(Exception):
    """A peer that is not asked, and why."""


def kept_path(graphs: Path, kind: str, count: int) -> Path:
    """Return where what is built of some vectors is kept: each peer puts its suffix behind it."""
    return graphs / f"{kind}-{count}"


def build_seconds(kept: str, build: Callable[[], object]) -> float:
    """Build what is not kept yet, and return the processor's seconds it took, now or then: others may be at work."""
    told = Path(f"{kept}.json")
    if not told.exists():
        began = time.process_time()
        build()
        told.write_text(json.dumps(time.process_time() - began))
    return float(json.loads(told.read_text()))


def hnsw(vectors: np.ndarray, kept: Path) -> Iterator[System]:
    """hnswlib's graph."""
    import hnswlib

    file = f"{kept}.hnswlib"

    def build() -> None:
        index = hnswlib.Index("ip", vectors.shape[1])
        index.init_index(len(vectors), ef_construction=CONSTRUCTION, M=M)
        index.add_items(vectors, num_threads=1)
        index.save_index(file)

    took, index = build_seconds(file, build), hnswlib.Index("ip", vectors.shape[1])
    index.load_index(file, max_elements=len(vectors))
    index.set_num_threads(1)
    for ef in EFS:
        yield System(
            f"hnswlib, M {M}, ef {ef}",
            lambda q, ef=ef: (index.set_ef(ef), index.knn_query(q, K))[1][0][0],
            took,
            index.index_file_size(),
        )


def usearch(vectors: np.ndarray, kept: Path) -> Iterator[System]:
    """usearch's graph, of the numbers it takes unasked: bfloat16, where the processor knows them."""
    from usearch.index import Index

    file = f"{kept}.usearch"

    def new() -> Any:
        return Index(ndim=vectors.shape[1], metric="ip", connectivity=M, expansion_add=CONSTRUCTION)

    def build() -> None:
        index = new()
        index.add(np.arange(len(vectors)), vectors, threads=1)
        index.save(file)

    took, index = build_seconds(file, build), new()
    index.load(file)

    def asking(ef: int) -> Search:
        def search(query: np.ndarray) -> Any:
            index.expansion_search = ef
            return index.search(query, K, threads=1).keys

        return search

    for ef in EFS:
        name = f"usearch, {index.dtype.name.lower()}, M {M}, ef {ef}"
        yield System(name, asking(ef), took, index.memory_usage)


def lance(vectors: np.ndarray, kept: Path) -> Iterator[System]:
    """lancedb's table, all rows; and its usual index, lists of product codes, some measured again by rows."""
    import lancedb
    import pyarrow as pa
    from lancedb.index import IvfPq

    folder = f"{kept}.lancedb"

    def build() -> None:
        numbers = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
        rows = pa.table({"id": pa.array(np.arange(len(vectors))), "vector": numbers})
        lancedb.connect(folder).create_table("vectors", rows, mode="overwrite")

    took = build_seconds(f"{folder}.rows", build)
    table = lancedb.connect(folder).open_table("vectors")
    lists_took = build_seconds(folder, lambda: table.create_index("vector", config=IvfPq(distance_type="dot")))

    def asking(limit: Callable[[Any], Any]) -> Search:
        def search(query: np.ndarray) -> Any:
            asked = table.search(query).distance_type("dot").limit(K).select(["id", "_distance"])
            return limit(asked).to_arrow()["id"].to_numpy()

        return search

    yield System("lancedb, flat", asking(lambda asked: asked.bypass_vector_index()), took, 0)
    for probes, factor in PROBES:
        search = asking(lambda asked, probes=probes, factor=factor: asked.nprobes(probes).refine_factor(factor))
        yield System(f"lancedb, IVF_PQ, {probes} lists looked at, {K * factor} refined", search, took + lists_took, 0)


def chroma(vectors: np.ndarray, kept: Path) -> Iterator[System]:
    """chroma's collection, whose graph is hnswlib's."""
    import chromadb
    from chromadb.config import Settings

    folder = f"{kept}.chroma"
    if len(vectors) > MOST_IN_CHROMA and not Path(f"{folder}.json").exists():
        raise LeftOutError(f"chroma is asked for at most {MOST_IN_CHROMA:,} vectors: it takes too long to add more")
    settings = Settings(anonymized_telemetry=False)

    def build() -> None:
        graph = {"space": "ip", "ef_construction": CONSTRUCTION, "max_neighbors": M}
        client = chromadb.PersistentClient(folder, settings=settings)
        made = client.get_or_create_collection("vectors", embedding_function=None, configuration={"hnsw": graph})
        many = client.get_max_batch_size()
        for first in range(made.count(), len(vectors), many):
            some = vectors[first : first + many]
            made.add(ids=[str(first + i) for i in range(len(some))], embeddings=some)

    def opened() -> Any:
        client = chromadb.PersistentClient(folder, settings=settings)
        client.clear_system_cache()  # so that another reads the graph anew, and minds a changed ef
        return client.get_collection("vectors", embedding_function=None)

    def asking(ef: int) -> Search:
        opened().modify(configuration={"hnsw": {"ef_search": ef}})
        collection = opened()

        def search(query: np.ndarray) -> Any:
            return collection.query(query_embeddings=query[None], n_results=K, include=[])["ids"][0]

        search(vectors[0])  # now the graph is read, with this ef
        return search

    took = build_seconds(folder, build)
    held = sum(file.stat().st_size for file in Path(folder).glob("*/*.bin"))
    for ef in (40, 100, 300):
        yield System(f"chroma, M {M}, ef {ef}", asking(ef), took, held)


PEERS = {"hnswlib": hnsw, "usearch": usearch, "lancedb": lance, "chroma": chroma}


def kept_systems(vectors: np.ndarray, kept: Path, peers: Iterable[str] = PEERS) -> tuple[list[System], list[str]]:
    """Return the peers that can be asked, and why others can't."""
    systems: list[System] = []
    missing: list[str] = []
    for name in peers:
        try:
            systems += PEERS[name](vectors, kept)
        except ImportError as error:
            missing.append(f"{name} is not installed ({error})")
        except LeftOutError as error:
            missing.append(str(error))
    return systems, missing


def main() -> None:
    one_thread()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    for kind in options.only:
        rows, questions = KINDS[kind](options.rows, 1)
        for peer in options.peers:
            systems, missing = kept_systems(rows, kept_path(options.graphs, kind, len(rows)), [peer])
            for system in systems:
                began = time.perf_counter()
                system.search(questions[0])
                first = said(time.perf_counter() - began)
                print(f"{kind}, {len(rows):,}: {system.name}: built in {said(system.built_s)}, first answer {first}")
            print(*missing, sep="\n", end="", flush=True)


if __name__ == "__main__":
    main()
