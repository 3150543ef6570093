"""Tokens, edges and connections as plain dicts: what SQL must leave behind after each statement, whoever wrote it.

A method returns what its statement does: True, or False where the statement is refused and changes nothing. `verb` is
the statement's conflict clause. The words below, and the limits, are those `PREPARE` writes into the file.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Key = tuple[int, int, int, str]  # source, type, target, key

TYPES = {0: 0, 2: 0, 16: 1, 80: 1, 300: 2, 301: 0}
"""Code → default mutability of the types in play; 301 is switched off."""
NO_TYPE = 777
FORBIDDEN = (301, 17)
PULL, RIGIDITY, WEIGHT = (-2.0, 2.0), (0.25, 0.75), (0.125, 1.0)

PREPARE = """
    insert into connection_type (code, name, mutability, allowed) values (300, 'guesses', 2, 1), (301, 'off', 0, 0);
    update cdna_current
       set min_pull = -2.0, max_pull = 2.0, min_rigidity = 0.25, max_rigidity = 0.75, min_connection_weight = 0.125,
           allowed_types = substr(allowed_types, 1, 17) || '0' || substr(allowed_types, 19);
"""


@dataclass
class Connection:
    """One row of the table, as far as statements differ in what they do to it."""

    key: Key
    flags: int = 0
    mutability: int = 1
    confidence: float = 0.5
    pull: float = 0.5
    rigidity: float = 0.5


def within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def may_move(old: float, new: float, limits: tuple[float, float]) -> bool:
    return not ((new > limits[1] and new > old) or (new < limits[0] and new < old))


@dataclass
class Model:
    """The whole state."""

    tokens: set[int] = field(default_factory=set)
    edges: dict[Key, tuple[float, int]] = field(default_factory=dict)
    connections: dict[int, Connection] = field(default_factory=dict)
    last_id: int = 0

    def attempt(self, method: str, *args: Any) -> bool:
        """Run a method; where it refuses, put everything back."""
        before = copy.deepcopy(vars(self))
        if getattr(self, method)(*args):
            return True
        vars(self).update(before)
        return False

    def at(self, key: Key) -> int | None:
        return next((id for id, connection in self.connections.items() if connection.key == key), None)

    def _legal(self, key: Key) -> bool:
        """Tell whether an edge of that key may be inserted or moved there; it stands there already."""
        source, kind, target, name = key
        if source not in self.tokens or target not in self.tokens or kind not in TYPES or kind in FORBIDDEN:
            return False
        reverse = self.edges.get((target, kind, source, name))
        return source == target or reverse is None or not (reverse[1] or self.edges[key][1])

    def _drop(self, key: Key) -> None:
        del self.edges[key]
        if (id := self.at(key)) is not None:
            del self.connections[id]

    # --- tokens ---------------------------------------------------------------------------------------------

    def put_token(self, id: int) -> bool:
        self.delete_token(id)
        self.tokens.add(id)
        return True

    def delete_token(self, id: int) -> bool:
        self.tokens.discard(id)
        for key in [key for key in self.edges if id in (key[0], key[2])]:
            self._drop(key)
        return True

    # --- edges ----------------------------------------------------------------------------------------------

    def insert_edge(self, verb: str, key: Key, weight: float, both: int) -> bool:
        if key in self.edges:
            if verb == "":
                return False
            if verb in ("or ignore", "do nothing"):
                return True
            if verb == "do update":
                return self._set_edge(key, weight, both)
            self._drop(key)
        self.edges[key] = (weight, both)
        return self._legal(key) and within(weight, (0.0, 1.0))

    def _set_edge(self, key: Key, weight: float, both: int) -> bool:
        old_weight, old_both = self.edges[key]
        self.edges[key] = (weight, both)
        id = self.at(key)
        if id is not None:
            if not may_move(old_weight, weight, WEIGHT):
                return False
            self.connections[id].flags = self.connections[id].flags & ~4 | both << 2
        return may_move(old_weight, weight, (0.0, 1.0)) and (both == old_both or self._legal(key))

    def update_edge(self, verb: str, key: Key, new: Key, weight: float, both: int) -> bool:
        if key not in self.edges:
            return True
        id = self.at(key)
        if id is not None and (new[0] == new[2] or not may_move(self.edges[key][0], weight, WEIGHT)):
            return False
        if new != key and new in self.edges:
            if verb == "":
                return False
            if verb == "or ignore":
                return True
            self._drop(new)
        old_weight, old_both = self.edges.pop(key)
        self.edges[new] = (weight, both)
        if id is not None:
            connection = self.connections[id]
            self._retype(connection, new)
            connection.key = new
            connection.flags = connection.flags & ~4 | both << 2
        moved = new != key or both != old_both
        return may_move(old_weight, weight, (0.0, 1.0)) and (not moved or self._legal(new))

    def delete_edge(self, key: Key) -> bool:
        if key in self.edges:
            self._drop(key)
        return True

    # --- connections ----------------------------------------------------------------------------------------

    def _retype(self, connection: Connection, new: Key) -> None:
        if new[1] != connection.key[1]:
            connection.mutability = TYPES.get(new[1], 1)
            if connection.mutability == 0:
                connection.confidence = 1.0

    def insert_connection(self, verb: str, id: int | None, new: Connection) -> bool:
        """Insert; a mutability of -1 is one that was not given."""
        if new.key[0] == new.key[2]:
            return verb == "or ignore"
        in_the_way = {other for other in (id, self.at(new.key)) if other in self.connections}
        if in_the_way:
            if verb in ("or ignore", "do nothing"):
                return True
            if verb == "do update" and in_the_way == {self.at(new.key)} and (id is None or id not in in_the_way):
                (other,) = in_the_way
                return self.update_connection("", other, {"pull": new.pull, "flags": new.flags})
            if verb != "or replace":
                return False
            for other in in_the_way:
                del self.connections[other]
        if id is None:
            id = self.last_id + 1
        self.last_id = max(self.last_id, id)
        new = copy.copy(new)
        if new.mutability == -1:
            new.mutability = TYPES.get(new.key[1], 1)
        if new.mutability == 0:
            new.confidence = 1.0
        self.connections[id] = new
        both = new.flags >> 2 & 1
        if new.key not in self.edges:
            self.edges[new.key] = (1.0, both)
            if not self._legal(new.key):
                return False
        weight, old_both = self.edges[new.key]
        self.edges[new.key] = (weight, both | old_both)
        new.flags |= old_both << 2
        if both > old_both and not self._legal(new.key):
            return False
        allowed = new.key[1] not in FORBIDDEN
        return allowed and within(new.pull, PULL) and within(new.rigidity, RIGIDITY) and within(weight, WEIGHT)

    def update_connection(self, verb: str, id: int, sets: dict[str, Any]) -> bool:
        if id not in self.connections:
            return True
        old = self.connections[id]
        key = tuple(sets.get(name, value) for name, value in zip(KEY, old.key, strict=True))
        new = Connection(
            key, **{name: sets.get(name, getattr(old, name)) for name in ("flags", "mutability", "confidence")},
            pull=sets.get("pull", old.pull), rigidity=sets.get("rigidity", old.rigidity),
        )  # fmt: skip
        if key[0] == key[2] or (key != old.key and self.at(key) is not None):
            return verb == "or ignore"
        named = bool({"mutability", "confidence"} & sets.keys())
        if named and old.mutability == 0 == new.mutability and new.confidence != 1.0:
            return False
        if new.mutability == -1 or (key[1] != old.key[1] and new.mutability == old.mutability):
            new.mutability = TYPES.get(key[1], 1)
        if new.mutability == 0:
            new.confidence = 1.0
        self.connections[id] = new
        if key != old.key:
            if key in self.edges:
                return False
            self.edges[key] = self.edges.pop(old.key)
        if key != old.key or (new.flags ^ old.flags) & 4:
            self.edges[key] = (self.edges[key][0], new.flags >> 2 & 1)
            if not self._legal(key):
                return False
        return may_move(old.pull, new.pull, PULL) and may_move(old.rigidity, new.rigidity, RIGIDITY)

    def delete_connection(self, id: int) -> bool:
        self.connections.pop(id, None)
        return True


KEY = ("source", "type", "target", "key")


def stored(rows: Callable[[str], Iterable[Any]]) -> Model:
    """Return what a file holds, read by a function that runs SQL."""
    return Model(
        tokens={id for (id,) in rows("select id from token")},
        edges={
            (source, kind, target, key): (weight, both)
            for source, kind, target, key, weight, both in rows(
                "select source, type, target, key, weight, bidirectional from edge"
            )
        },
        connections={
            id: Connection((source, kind, target, key), *rest)
            for id, source, kind, target, key, *rest in rows(
                "select id, source, type, target, key, flags, mutability, confidence, pull, rigidity from connection"
            )
        },
        last_id=sum(last for (last,) in rows("select seq from sqlite_sequence where name = 'connection'")),
    )


def degrees(model: Model) -> dict[int, tuple[int, int, int]]:
    counts: dict[int, list[int]] = {}
    for (source, _, target, _), (_, both) in model.edges.items():
        near, far = counts.setdefault(source, [0, 0, 0]), counts.setdefault(target, [0, 0, 0])
        near[0] += 1
        far[1] += 1
        near[2] += 1
        if source != target:
            far[2] += 1
            near[1] += both
            far[0] += both
    return {id: tuple(count) for id, count in counts.items()}
