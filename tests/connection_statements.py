"""Random SQL on tokens, edges and connections, each statement with the method of `naive_connections.Model` it means."""

from __future__ import annotations

import random
from typing import Any

from naive_connections import KEY, NO_TYPE, TYPES, Connection, Key, Model

TOKENS = (1, 2, 3, 600, 601)
"""Ids of the tokens in play: two chunks of marks."""

VERBS = ("", "", "or ignore", "or replace")
AFTER = {"do nothing": "on conflict do nothing"}

Statement = tuple[str, tuple[Any, ...], str, tuple[Any, ...]]
"""A method of the model, its arguments, the SQL, its bindings."""


def random_key(rng: random.Random) -> Key:
    kind = rng.choice((*TYPES, NO_TYPE, 17)) if rng.random() < 0.1 else rng.choice((2, 16, 80, 80, 300))
    return rng.choice(TOKENS), kind, rng.choice(TOKENS), rng.choice(("", "", "a"))


def a_key(rng: random.Random, known: list[Key]) -> Key:
    """Return a random key, more often than not one of an edge that is there, sometimes its reverse."""
    if not known or rng.random() < 0.4:
        return random_key(rng)
    source, kind, target, name = rng.choice(known)
    return (target, kind, source, name) if rng.random() < 0.15 else (source, kind, target, name)


def a_statement(rng: random.Random, model: Model) -> Statement:
    """Return a method of the model with its arguments, and the statement with its bindings."""
    known = list(model.edges)
    what = rng.choice(("token", "insert_edge", "update_edge", "delete_edge", *("insert", "update") * 3, "delete"))
    weight, both = rng.choice((0.0, 0.25, 1.0, 1.5)), int(rng.random() < 0.25)
    id = rng.choice([*model.connections, model.last_id + 3])
    if what == "token":
        token = rng.choice(TOKENS)
        if rng.random() < 0.7:
            return "put_token", (token,), "insert or replace into token (id) values (?)", (token,)
        return "delete_token", (token,), "delete from token where id = ?", (token,)
    if what == "insert_edge":
        key, verb = a_key(rng, known), rng.choice((*VERBS, "do nothing", "do update"))
        update = "on conflict do update set weight = excluded.weight, bidirectional = excluded.bidirectional"
        return "insert_edge", (verb, key, weight, both), (
            f"insert {'' if verb.startswith('do') else verb} into edge (source, type, target, key, weight, "
            f"bidirectional) values (?, ?, ?, ?, ?, ?) {AFTER.get(verb, update if verb == 'do update' else '')}"
        ), (*key, weight, both)  # fmt: skip
    if what == "update_edge":
        key, new, verb = a_key(rng, known), a_key(rng, known), rng.choice(VERBS)
        changed = rng.randrange(4)
        new = key if changed == 0 else (*key[:changed], new[changed], *key[changed + 1 :])
        return "update_edge", (verb, key, new, weight, both), (
            f"update {verb} edge set source = ?, type = ?, target = ?, key = ?, weight = ?, bidirectional = ? "
            "where source = ? and type = ? and target = ? and key = ?"
        ), (*new, weight, both, *key)  # fmt: skip
    if what == "delete_edge":
        key = a_key(rng, known)
        sql = "delete from edge where source = ? and type = ? and target = ? and key = ?"
        return "delete_edge", (key,), sql, key
    if what == "delete":
        return "delete_connection", (id,), "delete from connection where id = ?", (id,)
    if what == "insert":
        return an_insert(rng, known, rng.choice((None, None, id)))
    return an_update(rng, model, id)


def an_insert(rng: random.Random, known: list[Key], id: int | None) -> Statement:
    verb = rng.choice((*VERBS, "do nothing", "do update"))
    id = None if verb == "do update" else id
    new = Connection(
        a_key(rng, known), flags=rng.choice((0, 0, 1, 4, 5)), mutability=rng.choice((-1, -1, 0, 1, 2)),
        confidence=rng.choice((0.5, 1.0)), pull=rng.choice((0.5, -1.0, 3.0)), rigidity=rng.choice((0.5, 0.5, 0.0)),
    )  # fmt: skip
    names = ["source", "type", "target", "key", "flags", "confidence", "pull", "rigidity"]
    values: list[Any] = [*new.key, new.flags, new.confidence, new.pull, new.rigidity]
    if new.mutability >= 0:
        names, values = [*names, "mutability"], [*values, new.mutability]
    update = "on conflict (source, type, target, key) do update set pull = excluded.pull, flags = excluded.flags"
    sql = f"""insert {"" if verb.startswith("do") else verb} into connection (id, {", ".join(names)})
              values (?, {", ".join("?" * len(names))}) {AFTER.get(verb, update if verb == "do update" else "")}"""
    return "insert_connection", (verb, id, new), sql, (id, *values)


def an_update(rng: random.Random, model: Model, id: int) -> Statement:
    key = a_key(rng, list(model.edges))
    choices: dict[str, Any] = {
        **{name: value for name, value in zip(KEY, key, strict=True) if rng.random() < 0.5},
        "flags": rng.choice((0, 1, 4, 5)), "mutability": rng.choice((-1, 0, 1, 2)),
        "confidence": rng.choice((0.25, 1.0)), "pull": rng.choice((1.0, 3.0, -3.0)),
        "rigidity": rng.choice((0.0, 0.5, 1.0)),
    }  # fmt: skip
    sets = {name: choices[name] for name in rng.sample(list(choices), min(len(choices), rng.choice((1, 1, 2, 3))))}
    if id in model.connections and key not in model.edges and rng.random() < 0.3:
        sets |= dict(zip(KEY, key, strict=True))
    verb = rng.choice(VERBS)
    sql = f"update {verb} connection set {', '.join(f'{name} = ?' for name in sets)} where id = ?"
    return "update_connection", (verb, id, sets), sql, (*sets.values(), id)
