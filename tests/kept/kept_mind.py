"""What a kept file holds, and what is asked of it.

A file of every schema that was ever released stays here, ``schema_<number>.ngdb``, with the answers it gave when it was
made, ``schema_<number>.json``; `test_kept.py` opens a copy of each.

When to add another: when a file of `schema/` is added, before its release; the files that are here stay as they are.
While a schema is not released its files may still change, and then the kept one of that schema is made again::

    python tests/kept/make_kept.py

Invariants:

1. Answers are columns by name and questions by name, so that what later schemas add changes none: a file is asked what
   it was asked when it was made.
2. `fill` uses what the version of its day had; `questions` only what every later version must answer alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import neurograph

FOLDER = Path(__file__).parent

# Tables that are answers, and which of their rows; the rest is the engine's own, or ours in every file.
ROWS = {
    "entity_type": "code > 255",
    "domain": "code > 255",
    "connection_type": "code > 255",
    "cdna_profile": "name = 'calm'",
    "cdna": "true",
    "token": "true",
    "degree": "true",
    "edge": "true",
    "connection": "true",
    "library": "true",
    "item": "true",
    "embedding": "true",
    "text_index": "true",
    "standing": "true",
    "feedback": "true",
    "feedback_change": "true",
    "channel": "true",
    "message": "true",
    "message_key": "true",
    "failure": "true",
    "storage": "true",
    "storage_namespace": "true",
    "storage_change": "true",
    "event_type": "id > 61440",
    "event": "true",
    "experience": "true",
    "import_run": "true",
    "import_row": "true",
    "note": "true",
}

# Labels, entity types and domains; each token is placed in the level of its turn, `sun` in all eight.
WORDS = (
    ("sun", "object", "sky"), ("rain", "event", "sky"), ("light", "state", "sky"), ("joy", "feeling", "heart"),
    ("grief", "feeling", "heart"), ("seed", "object", "domain_3"), ("grow", "process", "domain_3"),
    ("bread", "goal", "domain_3"), ("it's “späť”; 雨", "undefined", "general"),
)  # fmt: skip
EDGES = (
    ("sun", "light", "cause", 1.0), ("light", "joy", "cause", 0.5), ("light", "grow", "enabled_by", 0.75),
    ("rain", "grow", "cause", 0.75), ("seed", "grow", "precondition", 1.0), ("grow", "bread", "produces", 0.5),
    ("bread", "joy", "warms", 0.625), ("rain", "grief", "warms", 0.125), ("joy", "joy", "also", 0.25),
)  # fmt: skip


def fill(db: neurograph.Database) -> None:
    """Put something into every table, and something of the user's beside them."""
    levels = ("physical", "sensory", "motor", "emotional", "cognitive", "social", "temporal", "abstract")
    db.entity_types.create("feeling")
    for domain in ("sky", "heart"):
        db.domains.create(domain)
    db.connection_types.create("warms", mutability="hypothesis")
    for number, (label, kind, domain) in enumerate(WORDS):
        places = levels if label == "sun" else (levels[number % 8], "abstract")
        db.tokens.create(
            label,
            entity_type=kind,
            domain=domain,
            flags=1 + number,
            weight=number / 8,
            field_radius=0.5 + number / 4,
            field_strength=1.0 - number / 16,
            coordinates=dict.fromkeys(places, (number / 8, number % 3 / 4, 0.5)),
            properties={"n": number, "of": ["a", None, {"b": 1.5}]} if number % 2 else None,
        )
    db.tokens.create_many(count=3)
    db.tokens.delete(11)  # an id that is never given again
    for source, target, type, weight in EDGES:
        db.graph.create(source, target, type=type, weight=weight, properties={"why": "so"} if weight < 0.6 else None)
    db.graph.create("sun", "rain", type="before", key="spring", bidirectional=True)
    first = db.connections.create("sun", "joy", type="warms", confidence=0.5, active_levels=("emotional",), pull=2.0)
    db.connections.create("seed", "bread", type="synonym", aim={"temporal": 3.0}, origin=7, properties={"k": 1})
    db.connections.activate(first, 3, now_ns=1_800_000_000_000_000_000)
    db.connections.update_confidence(first, True, now_ns=1_800_000_001_000_000_000)
    libraries(db)
    db.query([0.25], library="l2", legs="vector").feedback(
        "positive", 1, strength=0.5, now_ns=1_800_000_002_000_000_000
    )
    near = db.query([1.0, 0.25, 0.125], library="moods", legs="vector")
    near.feedback("association", value="bread", strength=0.25, now_ns=1_800_000_003_000_000_000)
    storage(db)
    events(db)
    constitution(db)
    queue(db)
    db.execute("create table note (id integer primary key, token_id integer references token (id), text text)")
    db.execute("insert into note (token_id, text) values (1, 'warm'), (null, 'nobody''s')")
    db.execute("alter table token add column color text default 'grey'")
    db.execute("update token set color = 'yellow' where label = 'sun'")
    db.index("token", "$.n")
    db.execute("insert into import_run (kind, source, identity, options) values ('tokens', 'a.csv', '1 2', '{}')")
    db.execute("""insert into import_row values (1, 2, '{"label": "snow"}')""")
    db.optimize()


def libraries(db: neurograph.Database) -> None:
    """Make one library of each metric, with every column, and one that was dropped."""
    db.library.create("gone", dimension=2).add([[1, 2]], keys=["never"])
    db.library.drop("gone")
    identity = neurograph.Identity("kept", "0" * 64, "1" * 64, "float32", "mean", True, 256, "q: ", "", "document")
    moods = db.library.create("moods", dimension=3, metric="cosine", model=identity, text_index="porter unicode61")
    moods.add(
        [[1, 0.5, 0], [0.25, 1, 0], [0, 0, 0], [-1, 0.125, 3e38], [1e-38, 0, 1e-38]],
        keys=["glad", "it's “trüb”; 雨", None, "wild", "faint"],
        texts=["full of joy", "", None, "beside oneself", None],
        tokens=["joy", "rain", None, "joy", None],
        coordinates=[(0.5, -1.0, 2.0), *[(float("nan"),) * 3] * 4],
        metadata=[{"n": 1, "of": [None, 1.5]}, {"n": 2}, None, {}, None],
    )
    moods.set("bare", metadata={"n": 3})
    db.execute("update item set text = 'no vector yet' where key = 'bare'")
    for metric in ("l2", "dot"):
        db.library.create(metric, dimension=1, metric=metric).add([[n / 4] for n in range(-2, 3)], keys=[*"abcde"])


def queue(db: neurograph.Database) -> None:
    """Leave a message in every state, a dead letter, and a channel with every setting."""
    db.queue.create_channel(
        "all", capacity=9, when_full="block", block_ms=5, priority="high", lease_ms=2000, attempts=1, backoff="fixed",
        backoff_ms=10, backoff_most_ms=20, jitter=0.25, dead_letter="dead", rate_per_s=500.5, burst=100,
        dedup_ms=60_000, ageing_ms=1000, keep_ms=3_000_000_000_000,
    )  # fmt: skip
    db.queue.publish_many(
        "all", [{"n": 1}, b"\x00\xff", "žltý", None], key=["a", None, "b", None], headers={"trace": "t"}
    )
    done, failed, _ = db.queue.claim("all", 3, lease_s=3_000_000_000)
    db.queue.ack(done, {"n": 2})
    db.queue.nack(failed, "no file", trace="line 1")
    db.queue.publish("plain", [1.5], priority=-7, delay_s=3_000_000_000)
    db.queue.publish("plain", 6, ttl_s=3_000_000_000)
    db.queue.publish("plain", 7)
    db.queue.cancel(7)  # an id that is never given again
    db.queue.every(
        "new year",
        "0 0 1 JAN *",
        "plain",
        {"n": 1},
        time_zone="Europe/Prague",
        priority=-7,
        headers={"trace": "t"},
        ttl_s=60,
    )
    db.queue.every("leap day", "0 0 29 2 *", "all", b"\x00\xff")
    db.queue.pause_recurring("leap day")
    db.execute("update recurring set next_ns = 3 * 1000000000000000000, last_ns = 5, refused = 1")


def storage(db: neurograph.Database) -> None:
    """Store values of each kind, one that expires in 2128 and one that has expired, and delete one."""
    values = {"none": None, "yes": True, "n": 2**70, "x": -0.5, "it's “späť”; 雨": "text\n", "deep": [{"a": [[], {}]}]}
    db.storage.set_many("kinds", values)
    db.storage.set("kinds", "gone", 1)
    db.storage.delete("kinds", "gone")
    db.storage.increment("counts", "visits", 5)
    db.storage.quota("counts", 100)
    db.storage.quota("empty", 10)
    db.execute(
        "insert into storage (namespace, key, value, expires_ns) values ('lives', 'long', '1', 5000000000000000000)"
    )
    db.execute("insert into storage (namespace, key, value, expires_ns) values ('lives', 'short', '1', 1)")


def events(db: neurograph.Database) -> None:
    """Switch a type on and off, emit, trim, and record an experience of which a part is set later."""
    db.events.register("order.paid", "it's “späť”; 雨")
    db.events.register("order.lost")
    db.events.enable("token.*")
    db.tokens.update("joy", weight=0.4375)
    db.events.disable("token.updated")
    for euro in range(5):
        db.events.emit("order.paid", {"euro": euro + 0.5, "to": {"city": "Bonn"} if euro % 2 else None})
    db.events.disable("order.lost")
    db.events.trim("order.*", keep=3)
    state = [1, 0.5, 0.25, 0.125, 0, 0.75, -0.5, 1]
    first = db.experience.record(state, [*range(8)], rewards={"goal": 0.5}, flags=["urgent", "persist"], intent="go")
    db.experience.appraise(first, {"curiosity": -0.25, "homeostasis": 0}, final=True)
    db.experience.record(state, episode=1, policy_hash=2**32 - 1, executor="kept", parameters={"a": [1, None]})
    db.experience.record(state, episode=7, type="order.lost")


def constitution(db: neurograph.Database) -> None:
    """Make a history: a profile, a change, a trial that was confirmed, one that was not, and one that ran out."""
    db.cdna.create_profile("calm", based_on="default", max_pull=5.0)
    db.cdna.set_profile("calm", reason="a quiet day", actor="kept")
    db.cdna.update(scale_emotional=2.5, max_out_degree=5000, reason="feelings count", actor="kept")
    db.cdna.try_out(max_in_degree=4000, duration_s=1000, reason="kept", actor="kept")
    db.cdna.confirm(force=True)
    db.cdna.try_out(max_token_weight=0.5, duration_s=1000)
    db.cdna.revert()
    db.cdna.forbid_type("antonym", reason="no")
    db.cdna.try_out(max_token_weight=0.25, duration_s=1e-9)


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, str | int | float | None):
        return value
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return [plain(part) for part in value]


QUESTIONS: dict[str, Callable[[neurograph.Database], Any]] = {
    "labels": lambda db: [token.label for token in db.tokens.list()],
    "places": lambda db: {token.id: token.coordinates for token in db.tokens.list()},
    "properties": lambda db: [token.properties for token in db.tokens.list()],
    "record of a token": lambda db: db.tokens.to_bytes("it's “späť”; 雨"),
    "record of a connection": lambda db: db.connections.to_bytes(2),
    "neighbors in the graph": lambda db: db.graph.neighbors("light"),
    "breadth first": lambda db: db.graph.bfs("sun"),
    "depth first": lambda db: db.graph.dfs("rain"),
    "shortest path": lambda db: db.graph.shortest_path("sun", "joy"),
    "distances": lambda db: db.graph.distances("rain"),
    "pagerank": lambda db: db.graph.pagerank(),
    "components": lambda db: db.graph.components(),
    "strong components": lambda db: db.graph.components(strong=True),
    "spreading": lambda db: db.graph.spread("sun"),
    "nearest": lambda db: db.grid.nearest((0.5, 0.25, 0.5), 5, level="abstract"),
    "nearest over levels": lambda db: db.grid.neighbors("sun", 4, weights={"emotional": 2.0, "abstract": 1.0}),
    "in range": lambda db: db.grid.in_range((0.0, 0.0, 0.5), 0.75, level="abstract"),
    "box": lambda db: db.grid.box((0.0, 0.0, 0.0), (0.5, 0.5, 1.0), level="abstract"),
    "influence": lambda db: db.grid.influence((0.5, 0.25, 0.5), level="abstract"),
    "constitution now": lambda db: db.cdna.current().version,
    "history": lambda db: [(version.version, version.profile) for version in db.cdna.history()],
    "change": lambda db: db.cdna.diff(1, 3),
    "profile": lambda db: db.cdna.profile("calm"),
    "record of the constitution": lambda db: db.cdna.to_bytes(3),
    "types": lambda db: [word.name for word in db.connection_types.list(own=True)],
    "indexes": lambda db: db.indexes(),
    "libraries": lambda db: [(found.name, found.dimension, found.metric, found.identity) for found in db.library],
    "items": lambda db: [
        (item.id, item.key, item.text, item.token_id, item.coordinates, item.metadata)
        for item in db.library.get("moods")
    ],
    "vectors": lambda db: db.library.get("moods").vectors(["wild", "faint", "glad"]),
    "nearest vectors": lambda db: db.library.get("moods").search([1.0, 0.25, 0.125], 4),
    "nearest to a key": lambda db: db.library.get("l2").search(key="b"),
    "nearest of many": lambda db: db.library.get("dot").search_many([[1.0], [-0.5]], 3),
    "nearest where": lambda db: db.library.get("moods").search(
        token="joy", where="metadata ->> 'n' > 1 or token.label = 'joy'"
    ),
    "words": lambda db: db.library.get("moods").match("a joy, glad, TRUB vectors"),
    "nearest in SQL": lambda db: db.execute("select * from ng_knn('l2', 'c', 3)").fetchall(),
    "query": lambda db: [
        (hit.kind, hit.id, hit.score, hit.standing)
        for name, vector in (("l2", [0.25]), ("moods", [1.0, 0.25, 0.125]))
        for hit in db.query(vector, library=name, weights={"vector": 1.0, "graph": 2.0}, seeds=3, depth=2, decay=0.5)
    ],
    "feedback": lambda db: db.feedback.list(),
    "stored": lambda db: [
        (item.key, item.value, item.version, item.expires_ns)
        for namespace in ("kinds", "counts", "lives")
        for item in db.storage.list(namespace)
    ],
    "namespaces": lambda db: db.storage.namespaces(),
    "what changed": lambda db: db.storage.changes(3),
    "happened": lambda db: [
        (event.id, event.type, event.data) for event in db.events.read("order.*", where={"euro": {"$gt": 3}})
    ],
    "event types": lambda db: [(found.name, found.enabled, found.trimmed) for found in db.events.types("order.*")],
    "experience": lambda db: [
        (found.id, found.episode, found.step, found.type, found.state, found.action, found.reward, found.parameters)
        for found in db.experience.read()
    ],
    "episodes": lambda db: [(found.episode, found.steps, found.reward) for found in db.experience.episodes()],
    "drawn": lambda db: [found.id for found in db.experience.sample(3, "reward", seed=5)],
    "in SQL": lambda db: db.execute("select label, color from token where properties ->> 'n' > 2").fetchall(),
}


def rows(db: neurograph.Database, table: str, columns: list[str] | None = None) -> dict[str, Any]:
    """Return the rows of a table as answers, in order of the first columns that tell them apart."""
    names = columns or [name for (name,) in db.execute("select name from pragma_table_info(?)", [table])]
    found = db.execute(f"select {', '.join(names)} from {table} where {ROWS[table]} order by {', '.join(names)}")
    return {"columns": names, "rows": plain(found.fetchall())}


def answers(db: neurograph.Database, kept: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what a file answers to every question, or to those that `kept` answers."""
    asked = QUESTIONS if kept is None else {name: QUESTIONS[name] for name in kept["questions"]}
    return {
        "tables": {table: rows(db, table) for table in ROWS},
        "questions": {name: plain(ask(db)) for name, ask in asked.items()},
    }


def kept_files() -> list[Path]:
    """Return the kept files, the oldest first."""
    return sorted(FOLDER.glob("schema_*.ngdb"), key=lambda path: int(path.stem.removeprefix("schema_")))


def kept_answers(path: Path) -> dict[str, Any]:
    """Return what a kept file answered when it was made."""
    return json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]
