"""What `--json` writes keeps its shape: names, nesting and kinds of values are what other programs rely on."""

from __future__ import annotations

from typing import Any

import pytest
from command_line import answer, commands, run

import neurograph

TEXT, NUMBER, FLAG, NULL = "text", "number", "flag", "null"
TOKEN = {"id": NUMBER, "label": TEXT}
FOUND = [{**TOKEN, "distance": NUMBER}]
SAVED = [{"name": TEXT, "chunks": NUMBER, "saved": NUMBER, "current": NUMBER, "bytes": NUMBER}]
LIBRARY = {
    "name": TEXT, "dimension": NUMBER, "metric": TEXT, "model": TEXT, "items": NUMBER, "vectors": NUMBER,
}  # fmt: skip
LEG = {"leg": TEXT, "library": TEXT, "rank": NUMBER, "score": NUMBER, "share": NUMBER, "path": []}
PATH = {"on": FLAG, "why": TEXT}

# command: (arguments after it, shape); {} stands for the file.
SHAPES: dict[str, tuple[str, Any]] = {
    "info": (
        "{}",
        {
            "path": TEXT,
            "size": dict.fromkeys(("bytes", "wal_bytes", "pages", "page_bytes", "free_pages"), NUMBER),
            "journal": TEXT,
            "schema": NUMBER,
            "engine": TEXT,
            "tables": NUMBER,
            "saved_arrays": SAVED,
            "constitution": {
                "version": NUMBER, "profile": TEXT, "on_trial": FLAG, "validation": FLAG, "reason": TEXT,
            },
            "versions": TEXT,
            "paths": {"kernels": PATH, "parquet": PATH},
        },
    ),
    "sql": ("{} values(1,'a',null)", [{"column1": NUMBER, "column2": TEXT, "column3": NULL}]),
    "links": ("{} cat", [{**TOKEN, "type": TEXT, "key": TEXT, "weight": NUMBER}]),
    "bfs": ("{} cat", [{**TOKEN, "depth": NUMBER}]),
    "path": ("{} vet vet", {"hops": NUMBER, "cost": NUMBER, "steps": [{**TOKEN, "by": NULL, "cost": NUMBER}]}),
    "spread": ("{} cat", [{**TOKEN, "energy": NUMBER, "depth": NUMBER, "path": [TEXT]}]),
    "pagerank": ("{}", [{**TOKEN, "score": NUMBER}]),
    "components": ("{}", [{**TOKEN, "tokens": NUMBER}]),
    "near": ("{} cat", FOUND),
    "range": ("{} cat --radius 1", FOUND),
    "density": ("{} cat --level emotional --radius 1", dict.fromkeys(("tokens", "density", "influence"), NUMBER)),
    "export": ("{} tokens out.csv", {"kind": TEXT, "target": TEXT, "rows": NUMBER, "seconds": NUMBER}),
    "import": (
        "{} edges edges.csv",
        {"kind": TEXT, "source": TEXT, "rows": NUMBER, "left_out": NUMBER, "seconds": NUMBER},
    ),
    "query": (
        "{} --vector 1,0",
        {
            "asked": {"text": NULL, "sha256": TEXT},
            "legs": [{"leg": TEXT, "library": TEXT, "weight": NUMBER, "found": NUMBER}],
            "left_out": {"text": TEXT, "space": TEXT, "graph": TEXT},
            "took_ms": NUMBER,
            "hits": [
                {
                    "kind": TEXT, "id": NUMBER, "label": TEXT, "text": TEXT, "score": NUMBER, "legs": [LEG],
                    "items": [NUMBER], "standing": NUMBER,
                }
            ],
        },
    ),
    "search": (
        "{} pets cat",
        [{"id": NUMBER, "key": TEXT, "distance": NUMBER, "label": NULL, "text": TEXT, "metadata": {"legs": NUMBER}}],
    ),
    "library create": ("{} plants --dimension 2", {"name": TEXT, "dimension": NUMBER, "metric": TEXT, "model": TEXT}),
    "library load": (
        "{} tiny.txt",
        {"name": TEXT, "items": NUMBER, "dimension": NUMBER, "metric": TEXT, "left_out": NUMBER, "seconds": NUMBER},
    ),
    "library add": (
        "{} pets items.jsonl",
        {"library": TEXT, "source": TEXT, "rows": NUMBER, "left_out": NUMBER, "seconds": NUMBER},
    ),
    "library index": ("{} pets", {"library": TEXT, "text_index": TEXT, "items": NUMBER, "seconds": NUMBER}),
    "library reembed": (
        "{} notes --model default",
        {"name": TEXT, "items": NUMBER, "dimension": NUMBER, "model": TEXT, "seconds": NUMBER},
    ),
    "library bootstrap": (
        "{} pets --domain domain_3",
        {
            "library": TEXT,
            "tokens": dict.fromkeys(("created", "found", "kept"), NUMBER),
            "places": dict.fromkeys(("items", "tokens", "kept"), NUMBER),
            "links": dict.fromkeys(("links", "created", "changed", "deleted", "kept"), NUMBER),
            "seconds": NUMBER,
        },
    ),
    "associate": ("{} cat dog", [{**TOKEN, "energy": NUMBER, "depth": NUMBER, "path": [TEXT]}]),
    "library optimize": (
        "{} pets",
        {"library": TEXT, "partitions": NUMBER, "placed": NUMBER, "trained": FLAG, "seconds": NUMBER},
    ),
    "library recall": (
        "{} pets",
        {"mean": NUMBER, "first_percentile": NUMBER, "sample": NUMBER, "k": NUMBER, "candidates": NULL},
    ),
    "library list": ("{}", [LIBRARY]),
    "library info": (
        "{} pets",
        {
            **LIBRARY,
            **dict.fromkeys(("keys", "texts", "tokens", "vector_bytes", "item_bytes", "code_bytes"), NUMBER),
            "metadata": NUMBER,
            "text_index": NULL,
            "pca": {"dimensions": NUMBER, "explained": NUMBER},
            "identity": dict.fromkeys(neurograph.Identity._fields, NULL) | {"model": TEXT},
        },
    ),
    "library drop": ("{} pets", {"name": TEXT, "items": NUMBER}),
    "kv set": ("{} n lamp 1", {"namespace": TEXT, "key": TEXT, "version": NUMBER}),
    "kv get": (
        "{} n a",
        {"namespace": TEXT, "key": TEXT, "value": {"on": FLAG}, "version": NUMBER, "expires_ns": NULL},
    ),
    "kv delete": ("{} n lamp", {"namespace": TEXT, "deleted": NUMBER}),
    "kv list": ("{} n", [{"key": TEXT, "value": {"on": FLAG}, "version": NUMBER, "expires_ns": NULL}]),
    "events list": ("{} custom", [{"id": NUMBER, "type": TEXT, "created_ns": NUMBER, "data": {"n": NUMBER}}]),
    "events types": (
        "{} custom",
        [{"id": NUMBER, "name": TEXT, "enabled": FLAG, "by_triggers": FLAG, "description": TEXT, "trimmed": NUMBER}],
    ),
    "events enable": ("{} token.*", {"switched": [TEXT]}),
    "events disable": ("{} custom", {"switched": [TEXT]}),
    "queue publish": ("{} jobs 1", [{"channel": TEXT, "id": NUMBER, "duplicate": FLAG, "evicted": NUMBER}]),
    "queue claim": (
        "{} jobs",
        [
            {
                "receipt": TEXT, "id": NUMBER, "channel": TEXT, "priority": NUMBER, "attempts": NUMBER,
                "published_ns": NUMBER, "due_ns": NUMBER, "expires_ns": NULL, "key": NULL, "headers": {"trace": TEXT},
                "payload": {"n": NUMBER},
            }
        ],
    ),
    "queue stats": (
        "{} jobs",
        [
            {
                "channel": TEXT,
                **dict.fromkeys(("ready", "delayed", "claimed", "done", "dead", "evicted", "expired"), NUMBER),
                "oldest_ns": NUMBER,
                "paused": FLAG,
            }
        ],
    ),
    "queue redrive": ("{} jobs", {"channel": TEXT, "messages": NUMBER}),
    "queue purge": ("{} jobs", {"channel": TEXT, "messages": NUMBER}),
    "topics list": (
        "{}",
        [
            {
                "name": TEXT,
                **dict.fromkeys(("entries", "newest", "trimmed"), NUMBER),
                **dict.fromkeys(("keep_ms", "keep_entries", "keep_bytes"), NULL),
            }
        ],
    ),
    "topics publish": ("{} news 1", [{"topic": TEXT, "id": NUMBER}]),
    "topics subscriptions": (
        "{}",
        [
            {
                "name": TEXT, "pattern": TEXT, "where": {"n": {"$gt": NUMBER}},
                **dict.fromkeys(("cursor", "lag", "ready", "delayed", "claimed", "dead", "missed"), NUMBER),
                "paused": FLAG,
            }
        ],
    ),
    "optimize": ("{}", {"saved_bytes": NUMBER, "freed_pages": NUMBER, "saved_arrays": SAVED, "seconds": NUMBER}),
}  # fmt: skip
ELSEWHERE = {
    "check", "demo", "embed", "events tail", "warm", "queue ack", "queue nack", "queue extend", "queue tail", "worker",
    "topics tail",
}  # fmt: skip  # each in the tests of its own, which need more than this file


def shape(value: Any) -> Any:
    """Return names and kinds; of a list that of its first item, of an open mapping that of its values."""
    if isinstance(value, bool):
        return FLAG
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return NULL if value is None else NUMBER if isinstance(value, int | float) else TEXT


def test_every_command_has_a_shape():
    assert SHAPES.keys() | ELSEWHERE == commands().keys()


@pytest.mark.parametrize("name", SHAPES)
def test_json_keeps_its_shape(mind, name):
    (mind.parent / "edges.csv").write_text("source,target\nvet,cat\n", encoding="utf-8")
    (mind.parent / "tiny.txt").write_text("owl 1 0\nelk 0 1\n", encoding="utf-8")
    (mind.parent / "items.jsonl").write_text('{"text": "a bird", "vector": [1, 0]}\n', encoding="utf-8")
    with neurograph.open(mind) as db:
        pets = db.library.create("pets", dimension=2)
        pets.add([[1, 0], [0, 1]], keys=["cat", "dog"], texts=["purrs", "barks"], metadata=[{"legs": 4}] * 2)
        pets.fit_pca(1)
        db.library.create("notes", dimension=2).add(texts=["purrs"])
        db.storage.set("n", "a", {"on": True})
        db.events.emit("custom", {"n": 1})
        db.topics.subscribe("mails", "news", where={"n": {"$gt": 0}})
        db.topics.publish("news", {"n": 1})
        db.queue.publish("jobs", {"n": 1}, headers={"trace": "t"})
        db.optimize()
    arguments, expected = SHAPES[name]
    found = shape(answer(*name.split(), *(argument.replace("{}", str(mind)) for argument in arguments.split())))
    for mapping in ("tables", "versions"):  # which of these there are is not for ever
        if isinstance(found, dict) and mapping in found:
            assert set(found[mapping].values()) <= {expected[mapping], NULL}
            found[mapping] = expected[mapping]
    assert found == expected


def test_json_of_a_violation_names_invariant_row_and_message(mind):
    with neurograph.open(mind) as db:
        db.execute("update degree set outgoing = outgoing + 1, total = total + 1 where token_id = 1")
    found = run("check", mind, "--json", code=3)
    assert '{"invariant": "degree.' in found.stdout
    assert '"row": "1' in found.stdout
    assert '"message": "' in found.stdout
