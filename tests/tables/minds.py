"""A small mind that every function has something to say about, and what Python says of it."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import neurograph
from neurograph import Database
from neurograph.model.query_result import legs_json

LABELS = [*"abcdefgh"]
EDGES = [
    # source, target, type, key, weight, bidirectional
    ("a", "b", "hypernym", "", 0.9, False),
    ("a", "c", "associated_with", "x", 0.5, True),
    ("a", "c", "associated_with", "y", 0.25, False),
    ("b", "d", "hypernym", "", 0.8, False),
    ("c", "d", "hypernym", "", 0.8, False),
    ("d", "e", "cause", "", 1.0, False),
    ("e", "e", "cause", "", 0.3, False),
    ("e", "a", "associated_with", "", 0.7, False),
    ("f", "g", "hypernym", "", 0.6, True),
]
COLORS = {
    "red": (1.0, 0.0, 0.0), "rose": (1.0, 0.0, 0.5), "green": (0.0, 1.0, 0.0), "teal": (0.0, 0.5, 0.5),
    "ruby": (1.0, 0.0, 0.0), "black": (0.0, 0.0, 0.0), None: (0.25, 0.25, 0.25),
}  # fmt: skip
NOTES = {
    "sun": "a red star", "mars": "the red planet, red as rust", "moon": None, None: "red", "dusk": "red as mars is",
    "sea": "blue",
}  # fmt: skip
FIRST_ITEM = (1 << 32) + 1
FIRST_NOTE = (3 << 32) + 1


def vector(*numbers: float) -> bytes:
    """Return a vector as SQL takes it."""
    return struct.pack(f"<{len(numbers)}f", *numbers)


def fill(db: Database) -> None:
    """Create eight tokens, most of them with places, edges, libraries, a second version of the constitution."""
    with db.transaction():
        for at, label in enumerate(LABELS):
            places: dict[str, Any] = {"physical": (at, at % 3, 0.5 * at)}
            if at % 2:
                places["emotional"] = (0.1 * at, -0.1, 0.2)
            db.tokens.create(label, coordinates=places if label != "h" else {}, field_radius=2.0, weight=0.5)
        for source, target, kind, key, weight, both in EDGES:
            db.graph.create(source, target, type=kind, key=key, weight=weight, bidirectional=both)
        colors = db.library.create("colors", dimension=3)
        colors.add([*COLORS.values()], keys=[*COLORS], tokens=[*"abc", None, "a", None, "h"])
        db.library.create("heights", dimension=1, metric="l2").add([[1.5], [3.0], [2.0]], keys=["red", "low", "mid"])
        notes = db.library.create("notes", dimension=1, text_index=True)
        notes.add(keys=[*NOTES], texts=[*NOTES.values()])
        db.queue.create_channel("jobs", attempts=1)
        db.queue.publish("jobs", "a", key="one", headers={"trace": "x"}, ttl_s=3600)
        db.queue.publish("jobs", b"b", priority="high")
        db.queue.nack(db.queue.claim("jobs")[0], "no")
    db.cdna.update(scale_emotional=3.0)


def constitution_row(db: Database, moment: Any) -> list[tuple[Any, ...]]:
    """Return the row of the table `cdna` that Python's answer names."""
    return db.execute("select * from cdna where version = ?", [db.cdna.at(moment).version]).fetchall()


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def message_rows(db: Database, channel: str, state: str | None = None) -> list[tuple[Any, ...]]:
    """Return what Python says of a channel's messages, as the table holds it."""
    return [
        (
            message.id, message.state, message.priority, message.due_ns, message.expires_ns, message.published_ns,
            message.attempts, message.origin, message.key, _compact(message.headers) if message.headers else None,
            message.payload if isinstance(message.payload, bytes) else _compact(message.payload), message.result,
        )
        for message in db.queue.list(channel, state, None)
    ]  # fmt: skip


Ask = Callable[..., Any]

# function → what Python answers for the same arguments, and arguments of several calls
PYTHON: dict[str, tuple[Ask, list[tuple[Any, ...]]]] = {
    "ng_links": (
        lambda db, token, direction="out", kind=None: db.graph.entries(token, direction=direction, types=kind),
        [("a",), (1, "both"), (4, "in", "hypernym"), ("e", "both", 80), ("h", "out")],
    ),
    "ng_bfs": (
        lambda db, token, depth=None, direction="out": [*db.graph.bfs(token, max_depth=depth, direction=direction)],
        [("a",), (2, 1), ("d", 3, "in"), ("h", 0, "both")],
    ),
    "ng_shortest_path": (
        lambda db, a, b, by="inverse_weight": [
            (at, *step) for at, step in enumerate(db.graph.steps(a, b, cost=by) or [])
        ],
        [("a", "e"), (1, 4, "hops"), ("b", "a", "weight"), ("a", "h"), ("c", "c")],
    ),
    "ng_spread": (
        lambda db, token, energy=1.0: [row[:3] for row in db.graph.spread(token, energy=energy)],
        [("a",), (1, 2.0), ("h", 1), ("e", 0.5)],
    ),
    "ng_pagerank": (lambda db: [*db.graph.pagerank()], [()]),
    "ng_components": (lambda db, strong=0: [*db.graph.components(strong=bool(strong))], [(), (0,), (1,)]),
    "ng_near": (
        lambda db, token, k=10, level=None: [*db.grid.neighbors(token, k, level=level)],
        [("a",), (2, 3), ("b", 2, "physical"), (4, 10, "L4"), ("h", 5), ("d", 3, 0)],
    ),
    "ng_in_range": (
        lambda db, level, x, y, z, radius: [*db.grid.in_range((x, y, z), radius, level=level)],
        [("physical", 0, 0, 0, 3), ("L4", 0.1, -0.1, 0.2, 0.45), ("social", 0, 0, 0, 9.5)],
    ),
    "ng_density": (
        lambda db, level, x, y, z, radius: [(db.grid.density((x, y, z), radius, level=level),)],
        [("physical", 0, 0, 0, 3), ("social", 0, 0, 0, 1)],
    ),
    "ng_influence": (
        lambda db, level, x, y, z, radius=float("inf"), falloff="linear": [
            (db.grid.influence((x, y, z), level=level, radius=radius, falloff=falloff),)
        ],
        [("physical", 1, 1, 0), ("physical", 1, 1, 0.5, 1.5), ("emotional", 0.1, 0, 0, 9, "gaussian")],
    ),
    "ng_knn": (
        lambda db, library, query, k=10, among=None: [
            *db.library.get(library).search(
                k=k,
                among=None if among is None else [among],
                **({"query": query} if isinstance(query, bytes) else {"item": query}),
            )
        ],
        [
            ("colors", vector(1, 0.5, 0)),
            ("colors", "red", 3),
            ("colors", FIRST_ITEM + 2),
            ("heights", "red", 10**9),
            ("heights", vector(2), 5, (2 << 32) + 2),
            ("colors", FIRST_ITEM + 1, 5, FIRST_ITEM + 6),
            ("colors", "rose", 0),
        ],
    ),
    "ng_match": (
        lambda db, library, text, k=10, among=None, syntax="words": [
            *db.library.get(library).match(text, k, among=None if among is None else [among], syntax=syntax)
        ],
        [
            ("notes", "Red"),
            ("notes", "red mars", 2),
            ("notes", "red mars", 5, FIRST_NOTE + 1),
            ("notes", "red mars", 5, FIRST_NOTE + 1, "all"),
            ("notes", "", 3),
            ("notes", "sun OR (red NOT rust)", 5, FIRST_NOTE, "fts5"),
        ],
    ),
    "ng_hybrid": (
        lambda db, query, k=10, library=None: [
            (hit.kind, hit.id, hit.score, legs_json(hit)) for hit in db.query(query, k, library=library)
        ],
        [(vector(1, 0.5, 0),), (vector(0, 1, 0), 3), (vector(2), 9, "heights"), (vector(1, 0, 0), 0)],
    ),
    "ng_messages": (message_rows, [("jobs",), ("jobs", "ready"), ("jobs", "dead")]),
    "ng_cdna_at": (constitution_row, [(1,), (2,)]),
}
"""Every function, in the order of the manual."""


def call(name: str, arguments: tuple[Any, ...]) -> str:
    """Return the SQL of a call with so many parameters."""
    return f"{name}({', '.join('?' * len(arguments))})" if arguments else name


def rows(db: Database, sql: str, bindings: Any = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    return db.execute(sql, bindings).fetchall()


def open_mind(path: Any = ":memory:", **options: Any) -> Database:
    """Open a filled mind."""
    db = neurograph.open(path, **options)
    fill(db)
    return db
