"""One query over everything ranks what people call relevant at least as high as its best leg alone."""

from __future__ import annotations

import gzip
import math
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

import neurograph

EDGES = {"@": "hypernym", "@i": "instance_of", "#p": "part_of", "+": "derivation", "&": "similar"}


def table(path: Path) -> Iterator[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        next(file)
        for line in file:
            yield line.rstrip("\n").split("\t")


def ndcg(found: Sequence[str | None], relevant: Collection[str], k: int = 10) -> float:
    """Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002; what is relevant gains 1."""
    best = sum(1 / math.log2(2 + place) for place in range(min(k, len(relevant))))
    return sum(1 / math.log2(2 + place) for place, label in enumerate(found[:k]) if label in relevant) / best


@pytest.mark.data
@pytest.mark.parametrize(("every", "questions"), [(12, 250), pytest.param(1, 1000, marks=pytest.mark.slow)])
def test_all_legs_together_rank_as_well_as_the_best_alone(wordnet: Path, every: int, questions: int) -> None:
    """A question is an example of a synset's use; that synset and its hypernyms are relevant (design, section 5)."""
    edges = [row for row in table(wordnet / "relations.tsv.gz") if row[2] in EDGES]
    above: dict[str, set[str]] = {}
    for source, target, pointer, _ in edges:
        if EDGES[pointer] in ("hypernym", "instance_of"):
            above.setdefault(source, set()).add(target)
    with (wordnet / "queries.tsv").open(encoding="utf-8") as file:
        asked = [line.rstrip("\n").split("\t") for line in file][1 : questions + 1]
    relevant = [{own} | above.get(own, set()) for own, _ in asked]
    vectors = np.load(wordnet / "queries_minilm_f16.npy")[:questions].astype(np.float32)

    needed = set().union(*relevant)
    rows = [*enumerate(table(wordnet / "synsets.tsv.gz"))]
    kept = [(at, row) for at, row in rows if at % every == 0 or row[0] in needed]
    labels = [row[0] for _, row in kept]
    texts = [f"{row[3].replace('|', ', ').replace('_', ' ')}: {row[4].partition('; ' + chr(34))[0]}" for _, row in kept]
    with neurograph.open(":memory:") as db:
        ids = dict(zip(labels, db.tokens.create_many(labels).tolist(), strict=True))
        kept_edges = [edge for edge in edges if edge[0] in ids and edge[1] in ids]
        linked = {(ids[source], ids[target], EDGES[pointer]) for source, target, pointer, _ in kept_edges}
        sources, targets, types = zip(*sorted(linked), strict=True)
        db.graph.create_many(np.array(sources), np.array(targets), type=list(types))
        glosses = db.library.create("glosses", dimension=vectors.shape[1], model="all-MiniLM-L6-v2")
        glosses.add(np.load(wordnet / "gloss_minilm_f16.npy")[[at for at, _ in kept]], texts=texts, tokens=labels)
        glosses.index_text()

        def quality(**legs: object) -> float:
            gains = []
            for (_, text), vector, wanted in zip(asked, vectors, relevant, strict=True):
                found = db.query(text=text, vector=vector, k=10, **legs)  # type: ignore[arg-type]
                gains.append(ndcg([hit.label for hit in found], wanted))
            return float(np.mean(gains))

        alone = [quality(legs=leg) for leg in ("vector", "text")]
        # The graph starts from hits: those of one leg, whose own ranking hardly counts.
        alone += [quality(legs=[leg, "graph"], weights={leg: 1e-6, "graph": 1.0}) for leg in ("vector", "text")]
        assert quality() >= max(alone)
