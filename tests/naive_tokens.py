"""Tokens, edges and connections as plain dicts: what SQL's REPLACE, IGNORE, upserts and deletes must come to.

A connection stands at its edge here, and an edge at its key, so nothing can dangle by construction. Statements are
drawn by `statements`, each with the function that does the same to a `Mind`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial

Edge = tuple[int, int, int]  # source, type, target
LABELS = [None, "a", "b", "c", "d", "e", "f"]
TYPES = (80, 81)
UPSERT = " on conflict (label) do update set weight = excluded.weight"


class RefusedError(Exception):
    """The statement is refused and changes nothing."""


class Mind:
    """The model: label and weight by id, whether an edge is a connection too, the last id given."""

    def __init__(self) -> None:
        self.tokens: dict[int, tuple[str | None, float]] = {}
        self.edges: dict[Edge, bool] = {}
        self.last = 0

    def remove(self, number: int) -> None:
        self.tokens.pop(number, None)
        self.edges = {edge: kind for edge, kind in self.edges.items() if number not in (edge[0], edge[2])}

    def owner(self, label: str | None) -> int | None:
        return next((n for n, (other, _) in self.tokens.items() if label is not None and other == label), None)

    def insert(self, conflict: str, number: int | None, label: str | None, weight: float) -> None:
        taken = {n for n in (number if number in self.tokens else None, self.owner(label)) if n is not None}
        ignored = bool(taken) and conflict == "ignore"
        if not ignored and (not 0 <= weight <= 1 or (taken and conflict == "abort")):
            raise RefusedError
        number = self.last + 1 if number is None else number
        self.last = max(self.last, number)  # an ignored row uses its id up
        if ignored:
            return
        for other in taken:
            self.remove(other)
        self.tokens[number] = (label, weight)

    def together(self, *parts: Callable[[], object]) -> None:
        """Do what the rows of one statement do: all of it, or nothing where one is refused."""
        before = dict(self.tokens), dict(self.edges), self.last
        try:
            for part in parts:
                part()
        except RefusedError:
            self.tokens, self.edges, self.last = before
            raise

    def upsert(self, label: str, weight: float) -> None:
        other = self.owner(label)
        if other is None:
            self.insert("abort", None, label, weight)
        else:
            self.reweigh(other, weight)
            self.last += 1

    def reweigh(self, number: int, weight: float) -> None:
        if number in self.tokens:
            label, before = self.tokens[number]
            if (weight > 1 and weight > before) or (weight < 0 and weight < before):
                raise RefusedError
            self.tokens[number] = (label, weight)

    def rename(self, conflict: str, number: int, label: str | None) -> None:
        other = self.owner(label)
        if number not in self.tokens or other == number:
            return
        if other is not None:
            if conflict == "abort":
                raise RefusedError
            if conflict == "ignore":
                return
            self.remove(other)
        self.tokens[number] = (label, self.tokens[number][1])

    def link(self, conflict: str, edge: Edge) -> None:
        if edge in self.edges:
            if conflict == "abort":
                raise RefusedError
            if conflict == "replace":
                self.edges[edge] = False  # a replaced edge is a new one, without a connection
            return
        if edge[0] not in self.tokens or edge[2] not in self.tokens:
            raise RefusedError
        self.edges[edge] = False

    def connect(self, edge: Edge) -> None:
        if edge[0] == edge[2] or self.edges.get(edge) or not {edge[0], edge[2]} <= self.tokens.keys():
            raise RefusedError
        self.edges[edge] = True

    def degree(self) -> list[tuple[int, int, int, int]]:
        rows = []
        for number in sorted({end for source, _, target in self.edges for end in (source, target)}):
            out = sum(edge[0] == number for edge in self.edges)
            into = sum(edge[2] == number for edge in self.edges)
            loops = sum(edge[0] == edge[2] == number for edge in self.edges)
            rows.append((number, out, into, out + into - loops))
        return rows


def statements(seed: int, mind: Mind, count: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield (SQL, the same done to `mind`); the next is drawn when the one before was done to both."""
    rng = random.Random(seed)
    for _ in range(count):
        there = [*mind.tokens, mind.last + 1, mind.last + 3, rng.randint(1, mind.last + 1)]
        number, other = rng.choice(there), rng.choice(there)
        label, kind = rng.choice([*LABELS, mind.tokens.get(number, (None,))[0]]), rng.choice(TYPES)
        weight = rng.choice([0.0, 0.25, 0.5, 1.0, 1.5])
        conflict = rng.choice(["abort", "replace", "replace", "ignore"])
        text = "null" if label is None else f"'{label}'"
        edge = (number, kind, other)
        where = f"source = {number} and type = {kind} and target = {other}"
        columns, ends = "insert or {} into token ({}) values ({})", f"{number}, {kind}, {other}"
        yield rng.choice(
            [
                (
                    columns.format(conflict, "label, weight", f"{text}, {weight}"),
                    partial(mind.insert, conflict, None, label, weight),
                ),
                (
                    columns.format(conflict, "id, label, weight", f"{number}, {text}, {weight}"),
                    partial(mind.insert, conflict, number, label, weight),
                ),
                (
                    columns.format("abort", "label, weight", f"'a', {weight}") + UPSERT,
                    partial(mind.upsert, "a", weight),
                ),
                (
                    f"update or {conflict} token set label = {text} where id = {number}",
                    partial(mind.rename, conflict, number, label),
                ),
                (
                    columns.format(conflict, "label, weight", f"'b', {weight}), ({text}, 0.5"),
                    partial(
                        mind.together,
                        partial(mind.insert, conflict, None, "b", weight),
                        partial(mind.insert, conflict, None, label, 0.5),
                    ),
                ),
                (
                    f"update or {conflict} token set label = {text} where id in ({number}, {other})",
                    partial(
                        mind.together, *(partial(mind.rename, conflict, n, label) for n in sorted({number, other}))
                    ),
                ),
                (f"update token set weight = {weight} where id = {number}", partial(mind.reweigh, number, weight)),
                *[(f"delete from token where id = {number}", partial(mind.remove, number))] * 2,
                *[
                    (
                        f"insert or {conflict} into edge (source, type, target) values ({ends})",
                        partial(mind.link, conflict, edge),
                    )
                ]
                * 4,
                (f"delete from edge where {where}", partial(mind.edges.pop, edge, None)),
                (f"insert into connection (source, type, target) values ({ends})", partial(mind.connect, edge)),
            ]
        )


QUERIES = (
    "select id, label, weight from token order by id",
    "select source, type, target from edge order by source, type, target",
    "select source, type, target from connection order by source, type, target",
    "select token_id, outgoing, incoming, total from degree order by token_id",
    "select max(seq) from sqlite_sequence where name = 'token'",
)


def expected(mind: Mind) -> list[list[tuple]]:
    """Return what the queries return for `mind`."""
    return [
        [(number, *row) for number, row in sorted(mind.tokens.items())],
        sorted(mind.edges),
        sorted(edge for edge, connected in mind.edges.items() if connected),
        mind.degree(),
        [(mind.last or None,)],
    ]
