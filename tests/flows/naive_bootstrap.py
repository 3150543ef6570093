"""The way from a library to a mind as its definitions read: slow, obvious, in SQL and loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import naive_graph
import naive_knn
import neurograph
from neurograph import Library

Links = dict[tuple[int, int], float]


def weave(db: neurograph.Database, library: Library, k: int, decay: float = 0.1, **only: Any) -> Links:
    """Return (source, target) → weight of what is to be woven: every distance, by its formula."""
    rows = db.execute(
        """select item.id, item.token_id, vector
             from item join embedding on embedding.id = item.id
            where item.library_id = ? and item.token_id is not null
            order by item.id""",
        [library.id],
    ).fetchall()
    allowed = only.get("allowed")
    rows = [row for row in rows if allowed is None or row[0] in allowed]
    ids, tokens = [row[0] for row in rows], {row[0]: row[1] for row in rows}
    vectors = np.array([np.frombuffer(row[2], "<f4") for row in rows]).reshape(len(rows), library.dimension)
    found: Links = {}
    for id, vector in zip(ids, vectors, strict=True):
        if not np.isfinite(vector).all():
            continue
        near = naive_knn.nearest(
            library.metric, vectors, vector, k + 1, ids=ids, radius=only.get("max_distance", math.inf)
        )
        for distance, other in [pair for pair in near if pair[1] != id][:k]:
            link = tokens[id], tokens[other]
            if link[0] != link[1]:
                found[link] = max(found.get(link, 0.0), 1.0 / (1.0 + distance * decay))
    return found


def woven(db: neurograph.Database, key: str = "words", type: str = "similar_to") -> Links:
    """Return (source, target) → weight of the links there are."""
    rows = db.execute(
        """select source, target, weight
             from edge join connection_type on connection_type.code = edge.type
            where key = ? and name = ?""",
        [key, type],
    )
    return {(source, target): weight for source, target, weight in rows}


def associate(db: neurograph.Database, words: list[int], combine: str, **how: Any) -> list[tuple[int, float]]:
    """Return (id, energy) of all that tokens bring to mind, the most first."""
    edges = [
        naive_graph.Edge(*row)
        for row in db.execute("select source, target, type, key, weight, bidirectional from edge").fetchall()
    ]
    graph = naive_graph.NaiveGraph([id for (id,) in db.execute("select id from token").fetchall()], edges)
    each = [
        {id: energy for id, energy, *_ in graph.spread(word, threshold=0.0, **{"max_depth": 3} | how)} for word in words
    ]
    found = {}
    for id in {id for reached in each for id in reached} - set(words):
        energies = [reached.get(id, 0.0) for reached in each]
        total = max(energies) if combine == "max" else sum(energies)
        found[id] = total / len(words) if combine == "average" else total
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
