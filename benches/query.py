"""How good the answers of `db.query` are, and what they take: WordNet's 1,000 queries, nDCG@10.

Run ``python benches/query.py [FOLDER] [--tune]``; the data are where NGDB_DATA says, or in ``../shared/data``. The
database is made in FOLDER unless it is there. A query is an example sentence; its own synset and that one's hypernyms
are relevant. The items are "words: gloss" without the examples, each the item of its synset's token; the tokens are
linked by WordNet's pointers. The even queries chose the defaults, the odd ones confirm them. ``--tune`` shows what else
was tried.
"""

from __future__ import annotations

import gzip
import itertools
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measure import machine, said

import neurograph
from neurograph.flows.query import fusion
from neurograph.flows.transfer import import_edges, import_tokens

DATA = Path(os.environ.get("NGDB_DATA", Path(__file__).parents[2] / "shared" / "data")) / "wordnet"
POINTERS = {
    "@": "hypernym", "~": "hyponym", "@i": "instance_of", "~i": "example_of", "#m": "member_of", "#s": "composed_of",
    "#p": "part_of", "%m": "has_member", "%s": "comprises", "%p": "has_part", "!": "antonym", "+": "derivation",
    "&": "similar", "^": "also", "\\": "related_to", "=": "attribute", "*": "entailment", ">": "cause",
    "$": "form_of", "<": "variant_of", ";c": "topic", "-c": "domain", ";u": "usage", "-u": "used_by",
    ";r": "region", "-r": "contains",
}  # fmt: skip
Asked = list[tuple[str, Any, set[str]]]


def make(path: Path, data: Path = DATA) -> None:
    with neurograph.open(path, synchronous="off") as db:
        import_tokens(db, data / "synsets.tsv.gz", rename={"id": "label"}, constants={"entity_type": "concept"})
        import_edges(
            db, data / "relations.tsv.gz", rename={"pointer": "type", "words": "key"}, types=POINTERS,
            on_conflict="number",
        )  # fmt: skip
        with gzip.open(data / "synsets.tsv.gz", "rt", encoding="utf-8") as file:
            next(file)
            rows = [line.rstrip("\n").split("\t") for line in file]
        texts = [
            f"{row[3].replace('|', ', ').replace('_', ' ')}: {row[4].partition('; ' + chr(34))[0]}" for row in rows
        ]
        glosses = db.library.create("glosses", dimension=384, model="all-MiniLM-L6-v2")
        vectors = np.load(data / "gloss_minilm_f16.npy").astype(np.float32)
        glosses.add(vectors, texts=texts, tokens=[row[0] for row in rows])
        glosses.index_text()
        db.optimize()


def questions(data: Path = DATA) -> Asked:
    """Return (text, vector, labels of the relevant tokens) of each query."""
    above: dict[str, set[str]] = {}
    with gzip.open(data / "relations.tsv.gz", "rt", encoding="utf-8") as file:
        for line in file:
            source, target, pointer, _ = line.split("\t")
            if pointer in {"@", "@i"}:
                above.setdefault(source, set()).add(target)
    with (data / "queries.tsv").open(encoding="utf-8") as file:
        next(file)
        rows = [line.rstrip("\n").split("\t") for line in file]
    vectors = np.load(data / "queries_minilm_f16.npy").astype(np.float32)
    return [(text, vector, {own} | above.get(own, set())) for (own, text), vector in zip(rows, vectors, strict=True)]


def ndcg(found: Sequence[str | None], relevant: set[str], k: int = 10) -> float:
    """Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002; what is relevant gains 1."""
    gain = sum(1 / math.log2(place + 2) for place, label in enumerate(found[:k]) if label in relevant)
    return gain / sum(1 / math.log2(place + 2) for place in range(min(k, len(relevant))))


def quality(db: neurograph.Database, asked: Asked, **how: Any) -> tuple[list[float], list[float]]:
    """Return nDCG@10 and seconds of each query."""
    gains, times = [], []
    for text, vector, relevant in asked:
        began = time.perf_counter()
        found = db.query(text=text, vector=vector, k=10, **how)
        times.append(time.perf_counter() - began)
        gains.append(ndcg([hit.label for hit in found], relevant))
    return gains, times


def mean(values: Iterable[float]) -> float:
    listed = [*values]
    return sum(listed) / len(listed)


def report(db: neurograph.Database, asked: Asked, what: str, **how: Any) -> None:
    gains, times = quality(db, asked, **how)
    chosen, confirmed = mean(gains[::2]), mean(gains[1::2])
    middle, late = np.percentile(times, [50, 99])
    row = f"{what:<44} {mean(gains):.4f} | {chosen:.4f} {confirmed:.4f} | {said(middle):>8} {said(late):>8}"
    print(row, flush=True)


EQUAL = {"vector": 1.0, "text": 1.0, "graph": 1.0}


def main() -> None:
    named = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    folder = Path(named[0]) if named else Path(tempfile.mkdtemp())
    path = folder / "query.ngdb"
    if not path.exists():
        make(path)
    print(machine())
    asked = questions()
    with neurograph.open(path) as db:
        quality(db, asked[:20])  # warm
        print(f"{'':<44} all    | even   odd    |      p50      p99")
        report(db, asked, "vector", legs="vector")
        report(db, asked, "text", legs="text")
        report(db, asked, "graph, started from both", weights={"vector": 1e-6, "text": 1.5e-6, "graph": 1e6})
        report(db, asked, "vector and text, equal", legs=["vector", "text"], weights=EQUAL)
        report(db, asked, "all, equal", weights=EQUAL)
        report(db, asked, "all, weighted, equal", weights=EQUAL, fusion="weighted")
        report(db, asked, "all, weighted, default weights", fusion="weighted")
        report(db, asked, "all, by default")
        if "--tune" in sys.argv:
            few = asked[::2]
            for candidates in (10, 20, 50, 100, 200):
                report(db, few, f"candidates {candidates}", candidates=candidates)
            for seeds, decay, depth in itertools.product((3, 5, 10), (0.5, 0.8), (1, 2)):
                report(db, few, f"seeds {seeds} decay {decay} depth {depth}", seeds=seeds, decay=decay, depth=depth)
            for constant in (60, 20, 12, 8, 5, 3, 1):
                fusion.RRF_CONSTANT = constant
                for text, graph in ((1.0, 1.0), (1.0, 2.0), (1.5, 1.5), (1.5, 2.0), (2.0, 2.0), (4.0, 4.0)):
                    weights = {"vector": 1.0, "text": text, "graph": graph}
                    report(db, few, f"constant {constant} weights 1 {text} {graph}", weights=weights)


if __name__ == "__main__":
    main()
