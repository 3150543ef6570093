"""The graph and plain dicts side by side: whatever writes, in whatever order, both give the same answers.

Writers are Python one by one and in bulk, plain SQL, another connection that knows nothing of the package, and the
stock shell; transactions are rolled back wholly and to savepoints. After each step arrays and SQL are asked, in the
state of that moment.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import neurograph
from effort import examples
from naive_graph import Edge, NaiveGraph
from neurograph.derived.mechanism import Derived
from neurograph.derived.policy import Policy, kernels_available
from neurograph.errors import Conflict, EdgeNotFound, RuleViolated, TokenNotFound
from neurograph.stores.graph import Graph
from processes import SHELL, shell

ENGINES = ("sql", "numba") if kernels_available() else ("sql",)

Key = tuple[int, int, int, str]  # source, type, target, key
Value = tuple[float, bool]  # weight, bidirectional

places = st.integers(0, 11)
types = st.sampled_from([5, 80])
keys = st.sampled_from(["", "k"])
weights = st.sampled_from([0.0, 0.25, 0.5, 1.0])
several = st.lists(st.tuples(places, places), min_size=1, max_size=4)
values = st.tuples(weights, st.booleans())


class Minds(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "mind.ngdb"
        self.tokens: set[int] = set()
        self.edges: dict[Key, Value] = {}
        self.saved: list[tuple[set[int], dict[Key, Value]]] = []
        self.steps = 0
        self.open()
        self.other = apsw.Connection(str(self.path))
        self.other.set_busy_timeout(5000)
        self.create_tokens(4)

    def open(self) -> None:
        self.db = neurograph.open(self.path, synchronous="off")
        session = self.db._session
        self.graphs = [Graph(session, Derived(session, Policy(engine, 1 << 28))) for engine in ENGINES]

    def teardown(self) -> None:
        while self.saved:
            self.rollback()
        self.both_give_the_same_answers()
        assert self.db.check() == []
        self.other.close()
        self.db.close()
        self.folder.cleanup()

    def token(self, place: int) -> int:
        ids = sorted(self.tokens)
        return ids[place % len(ids)]

    def refused(self, key: Key, both: bool) -> bool:
        """Tell whether an edge can't stand beside its reverse."""
        source, type, target, name = key
        reverse = (target, type, source, name)
        return source != target and reverse in self.edges and (both or self.edges[reverse][1])

    # --- Python ---------------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 3))
    def create_tokens(self, count: int) -> None:
        self.tokens |= set(self.db.tokens.create_many(count=count).tolist())

    @rule(a=places, b=places, type=types, key=keys, value=values)
    def create(self, a: int, b: int, type: int, key: str, value: Value) -> None:
        edge = (self.token(a), type, self.token(b), key)
        weight, both = value
        arguments = {"type": type, "key": key, "weight": weight, "bidirectional": both}
        if edge in self.edges or self.refused(edge, both):
            with pytest.raises((Conflict, RuleViolated)):
                self.db.graph.create(edge[0], edge[2], **arguments)
            return
        self.db.graph.create(edge[0], edge[2], **arguments)
        self.edges[edge] = value

    @rule(
        pairs=st.lists(st.tuples(places, places), min_size=1, max_size=4),
        times=st.sampled_from([1, 9, 256]),
        type=types,
    )
    def create_many(self, pairs: list[tuple[int, int]], times: int, type: int) -> None:
        wanted = {(self.token(a), type, self.token(b), f"{n}") for a, b in pairs for n in range(times)}
        sources, _, targets, names = (list(column) for column in zip(*sorted(wanted), strict=True))
        if any(edge in self.edges or self.refused(edge, False) for edge in wanted):
            with pytest.raises((Conflict, RuleViolated)):
                self.db.graph.create_many(sources, targets, type=type, key=names, weight=0.5)
            return
        self.db.graph.create_many(sources, targets, type=type, key=names, weight=0.5)
        self.edges |= dict.fromkeys(wanted, (0.5, False))

    @precondition(lambda self: self.edges)
    @rule(place=places, value=values)
    def update(self, place: int, value: Value) -> None:
        edge = sorted(self.edges)[place % len(self.edges)]
        source, type, target, key = edge
        weight, both = value
        change = {"type": type, "key": key, "weight": weight, "bidirectional": both}
        if self.refused(edge, both):
            with pytest.raises(RuleViolated):
                self.db.graph.update(source, target, **change)
            return
        self.db.graph.update(source, target, **change)
        self.edges[edge] = value

    @precondition(lambda self: self.edges)
    @rule(place=places)
    def delete(self, place: int) -> None:
        source, type, target, key = edge = sorted(self.edges)[place % len(self.edges)]
        self.db.graph.delete(source, target, type=type, key=key)
        del self.edges[edge]
        with pytest.raises(EdgeNotFound):
            self.db.graph.delete(source, target, type=type, key=key)

    @precondition(lambda self: len(self.tokens) > 2)
    @rule(place=places)
    def delete_token(self, place: int) -> None:
        token = self.token(place)
        self.db.tokens.delete(token)
        self.lose(token)
        with pytest.raises(TokenNotFound):
            self.db.graph.bfs(token)

    def lose(self, token: int) -> None:
        self.tokens.discard(token)
        self.edges = {edge: value for edge, value in self.edges.items() if token not in (edge[0], edge[2])}

    # --- SQL: ours, another connection's, a stranger's ------------------------------------------------------------

    def statement(self, edge: Key, value: Value, replace: bool) -> str:
        """Write an edge into the model, and return the SQL that does the same."""
        source, type, target, key = edge
        self.edges[edge] = value
        verb, then = ("replace", "") if replace else ("insert", " on conflict do update set weight = excluded.weight, ")
        then += "" if replace else "bidirectional = excluded.bidirectional"
        columns = "source, type, target, key, weight, bidirectional"
        values = f"{source}, {type}, {target}, '{key}', {value[0]}, {int(value[1])}"
        return f"{verb} into edge ({columns}) values ({values}){then};"

    @rule(a=places, b=places, type=types, value=values, replace=st.booleans())
    def write_by_sql(self, a: int, b: int, type: int, value: Value, replace: bool) -> None:
        edge = (self.token(a), type, self.token(b), "")
        if not self.refused(edge, value[1]):
            self.db.execute(self.statement(edge, value, replace))

    @precondition(lambda self: not self.saved)
    @rule(a=places, b=places, type=types, value=values, replace=st.booleans())
    def write_elsewhere(self, a: int, b: int, type: int, value: Value, replace: bool) -> None:
        edge = (self.token(a), type, self.token(b), "")
        if not self.refused(edge, value[1]):
            self.other.execute(self.statement(edge, value, replace))

    @precondition(lambda self: not self.saved and len(self.tokens) > 2)
    @rule(place=places)
    def delete_token_elsewhere(self, place: int) -> None:
        token = self.token(place)
        self.other.execute("delete from token where id = ?", (token,))
        self.lose(token)

    @precondition(lambda self: not self.saved and SHELL is not None)
    @rule(a=places, b=places, type=types, value=values, lost=places)
    def write_in_a_shell(self, a: int, b: int, type: int, value: Value, lost: int) -> None:
        edge = (self.token(a), type, self.token(b), "")
        sql = "" if self.refused(edge, value[1]) else self.statement(edge, value, replace=True)
        if lost % 3 == 0 and len(self.tokens) > 2:
            token = self.token(lost)
            sql += f"delete from token where id = {token};"
            self.lose(token)
        assert shell(self.path, f".timeout 5000\n{sql}") == ""

    @rule(place=places)
    def delete_by_what_a_function_finds(self, place: int) -> None:
        token = self.token(place)
        self.db.execute("delete from edge where source = ?1 and target in (select id from ng_links(?1))", [token])
        self.edges = {edge: value for edge, value in self.edges.items() if edge[0] != token}

    # --- transactions ---------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.saved) < 3)
    @rule()
    def begin(self) -> None:
        self.db.begin()
        self.saved.append((set(self.tokens), dict(self.edges)))

    @precondition(lambda self: self.saved)
    @rule()
    def commit(self) -> None:
        self.db.commit()
        self.saved.pop()

    @precondition(lambda self: self.saved)
    @rule()
    def rollback(self) -> None:
        self.db.rollback()
        self.tokens, self.edges = self.saved.pop()

    @precondition(lambda self: not self.saved)
    @rule(save=st.booleans())
    def reopen(self, save: bool) -> None:
        if save:
            self.db.optimize()
        self.db.close()
        self.open()

    # --- what holds -----------------------------------------------------------------------------------------------

    @property
    def model(self) -> NaiveGraph:
        edges = (Edge(source, target, type, key, *self.edges[source, type, target, key])
                 for source, type, target, key in sorted(self.edges))  # fmt: skip
        return NaiveGraph(self.tokens, edges)

    def links(self, token: int) -> list[tuple[int, int, str, float]]:
        """Return what `ng_links` returns, in the direction `out`."""
        found = [(t, type, key, w) for (s, type, t, key), (w, _) in self.edges.items() if s == token]
        back = [(s, type, key, w) for (s, type, t, key), (w, both) in self.edges.items() if both and t == token != s]
        return sorted(found + back)

    @invariant()
    def both_give_the_same_answers(self) -> None:
        self.steps += 1
        model = self.model
        start, end = self.token(self.steps), self.token(self.steps * 5 + 1)
        way = ("out", "in", "both")[self.steps % 3]
        reach, links, parts = model.bfs(start, 3, way), self.links(start), sorted(model.components().items())
        hops = model.shortest_path(start, end)
        cheapest = model.cheapest_path(start, end)
        for graph in self.graphs:
            assert [*graph.bfs(start, max_depth=3, direction=way)] == reach
            assert [*graph.components()] == parts
            path = graph.shortest_path(start, end, cost="hops")
            assert (list(path.ids) if path else None) == hops
            path = graph.shortest_path(start, end)
            assert (list(path.ids) if path else None) == (cheapest[0] if cheapest else None)
            assert graph.entries(start) == links
        graph = self.db.graph
        assert graph.degree(start, direction="out") == len(links)
        assert graph.degree(start) == len([e for e in self.edges if start in (e[0], e[2])])
        assert graph.count() == len(self.edges)
        sql = "select b.id, l.id, l.type, l.key, l.weight from ng_bfs(?, 3, ?) as b, ng_links(b.id) as l"
        found = self.db.execute(sql, [start, way])
        assert found.fetchall() == [(id, *link) for id, _ in reach for link in self.links(id)]


Minds.TestCase.settings = settings(
    max_examples=examples(60), stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestMinds = Minds.TestCase
