"""Connections and a plain model side by side: engine, plain SQL, other processes, rollbacks, a file opened again."""

from __future__ import annotations

import copy
import random
import tempfile
from pathlib import Path
from typing import Any

import apsw
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import neurograph
from connection_statements import TOKENS, a_key, a_statement
from effort import examples
from naive_connections import PREPARE, Connection, Model, degrees, stored
from naive_learning import HOUR_NS, Learner
from neurograph.errors import NeurographError
from processes import SHELL, python, shell

REFUSED = (NeurographError, apsw.ConstraintError)
seeds = st.integers(0, 2**32)
hours = st.sampled_from([0.5, 1.0, 1.5, 7.25])


def quoted(value: Any) -> str:
    """Return a value as SQL."""
    return "null" if value is None else f"'{value}'" if isinstance(value, str) else repr(value)


class Connections(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "mind.ngdb"
        self.db = neurograph.open(self.path, synchronous="off")
        self.db.execute(PREPARE)
        self.model = Model()
        self.before: list[Model] = []  # what a rollback brings back, the outermost transaction first

    @initialize()
    def begin_with_tokens(self) -> None:
        for token in TOKENS:
            self.db.execute("insert into token (id) values (?)", [token])
            self.model.attempt("put_token", token)

    def teardown(self) -> None:
        while self.before:
            self.commit()
        assert self.db.check() == []
        self.db.close()
        self.folder.cleanup()

    # --- plain SQL -------------------------------------------------------------------------------------------

    @rule(seed=seeds)
    def run_a_statement(self, seed: int) -> None:
        method, arguments, sql, values = a_statement(random.Random(seed), self.model)
        expected = self.model.attempt(method, *arguments)
        try:
            self.db.execute(sql, values)
        except REFUSED:
            assert not expected
        else:
            assert expected

    @precondition(lambda self: not self.before)
    @rule(seed=seeds)
    def run_a_statement_in_another_process(self, seed: int) -> None:
        method, arguments, sql, values = a_statement(random.Random(seed), self.model)
        parts = sql.split("?")
        text = "".join(part + quoted(value) for part, value in zip(parts, values, strict=False)) + parts[-1]
        expected = self.model.attempt(method, *arguments)
        if SHELL is not None and seed % 4:
            said = shell(self.path, text + ";", check=False)
        else:
            said = python(
                """
                import sqlite3, sys
                connection = sqlite3.connect(sys.argv[1], isolation_level=None)
                connection.execute("pragma foreign_keys = on")
                try:
                    connection.execute(sys.argv[2])
                except sqlite3.IntegrityError as error:
                    print(error)
                """,
                self.path,
                text,
            )
        assert (said == "") == expected, (text, said)

    # --- the engine ------------------------------------------------------------------------------------------

    @rule(seed=seeds)
    def create(self, seed: int) -> None:
        rng = random.Random(seed)
        new = Connection(
            a_key(rng, list(self.model.edges)), flags=rng.choice((0, 1, 4)), mutability=rng.choice((-1, 0, 1, 2)),
            confidence=rng.choice((0.25, 1.0)), pull=rng.choice((0.5, 3.0)), rigidity=rng.choice((0.5, 0.748, 1.0)),
        )  # fmt: skip
        expected = self.model.attempt("insert_connection", "", None, new)
        source, kind, target, key = new.key
        try:
            made = self.db.connections.create(
                source, target, type=kind, key=key, flags=new.flags, confidence=new.confidence, pull=new.pull,
                mutability=None if new.mutability < 0 else new.mutability, rigidity=new.rigidity,
            )  # fmt: skip
        except REFUSED:
            assert not expected
        else:
            assert expected
            assert made.id == self.model.at(new.key)

    @precondition(lambda self: self.model.connections)
    @rule(seed=seeds)
    def update(self, seed: int) -> None:
        rng = random.Random(seed)
        id = rng.choice(list(self.model.connections))
        old = self.model.connections[id]
        names = ("source", "type", "target", "key")
        place = a_key(rng, list(self.model.edges))
        sets: dict[str, Any] = {name: value for name, value in zip(names, place, strict=True) if rng.random() < 0.25}
        choices = {"flags": (0, 1, 5), "mutability": (0, 1, 2), "pull": (0.25, 3.0), "rigidity": (0.5, 1.0)}
        sets |= {name: rng.choice(values) for name, values in choices.items() if rng.random() < 0.25}
        expected = self.model.attempt("update_connection", "", id, {k: v for k, v in sets.items() if k != "mutability"})
        if expected and "mutability" in sets:  # the engine moves first, so that a type's mutability gives way
            self.model.attempt("update_connection", "", id, {"mutability": sets["mutability"]})
        try:
            self.db.connections.update(id, **sets)
        except REFUSED:
            assert not expected
            assert self.model.connections[id] == old
        else:
            assert expected

    @precondition(lambda self: self.model.connections)
    @rule(seed=seeds, keep_edge=st.booleans())
    def delete(self, seed: int, keep_edge: bool) -> None:
        id = random.Random(seed).choice(list(self.model.connections))
        key = self.model.connections[id].key
        self.db.connections.delete(id, keep_edge=keep_edge)
        self.model.attempt(*(("delete_connection", id) if keep_edge else ("delete_edge", key)))

    def learners(self) -> dict[int, Learner]:
        """Return what the connections know of themselves; the model holds the times least of all."""
        found = {}
        for connection in self.db.connections.list(limit=None):
            row = connection._row
            found[connection.id] = Learner(row[12], row[13], row[5], row[15], row[16], row[19], row[9])
        return found

    def learned(self, learners: dict[int, Learner]) -> None:
        for id, learner in learners.items():
            connection = self.model.connections[id]
            connection.flags, connection.rigidity = learner.flags, learner.rigidity
            found = self.db.connections.get(id)
            assert abs(found.confidence - learner.confidence) <= 1e-12
            assert found.modified_ns == learner.modified_ns
            connection.confidence = found.confidence

    @precondition(lambda self: self.model.connections)
    @rule(seed=seeds, elsewhere=st.booleans())
    def activate(self, seed: int, elsewhere: bool) -> None:
        chosen = random.Random(seed).choices(list(self.model.connections), k=3)
        learners = self.learners()
        for id in chosen:
            learners[id].activate(1, 0, max_rigidity=0.75)
        if elsewhere and not self.before and seed % 5 == 0:
            python(
                """
                import sys, neurograph
                with neurograph.open(sys.argv[1]) as db:
                    db.connections.activate([int(id) for id in sys.argv[2:]])
                """,
                self.path,
                *chosen,
            )
        else:
            self.db.connections.activate(chosen)
        self.learned(learners)

    @precondition(lambda self: any(c.mutability for c in self.model.connections.values()))
    @rule(seed=seeds)
    def learn(self, seed: int) -> None:
        rng = random.Random(seed)
        chosen = rng.choices([id for id, c in self.model.connections.items() if c.mutability], k=3)
        learners = self.learners()
        now = max(learner.modified_ns for learner in learners.values())
        truths = [rng.random() < 0.5 for _ in chosen]
        for id, truth in zip(chosen, truths, strict=True):
            learners[id].learn(truth, now)
        self.db.connections.update_confidence(chosen, truths, now_ns=now)
        self.learned(learners)

    @precondition(lambda self: self.model.connections)
    @rule(passed=hours, all_of_them=st.booleans())
    def decay(self, passed: float, all_of_them: bool) -> None:
        learners = self.learners()
        now = min(learner.modified_ns for learner in learners.values()) + int(passed * HOUR_NS) + 1
        count = sum(learner.decay(now) for learner in learners.values())
        assert self.db.connections.decay(None if all_of_them else list(learners), now_ns=now) == count
        self.learned(learners)

    # --- transactions and files ------------------------------------------------------------------------------

    @precondition(lambda self: len(self.before) < 3)
    @rule()
    def begin(self) -> None:
        self.db.begin()
        self.before.append(copy.deepcopy(self.model))

    @precondition(lambda self: self.before)
    @rule()
    def commit(self) -> None:
        self.db.commit()
        self.before.pop()

    @precondition(lambda self: self.before)
    @rule()
    def roll_back(self) -> None:
        self.db.rollback()
        self.model = self.before.pop()

    @rule(vacuum=st.booleans())
    def open_again(self, vacuum: bool) -> None:
        while self.before:
            self.commit()
        if vacuum:
            self.db.execute("vacuum")
        self.db.close()
        self.db = neurograph.open(self.path, synchronous="off")

    # --- what always holds -----------------------------------------------------------------------------------

    @invariant()
    def the_file_holds_what_the_model_holds(self) -> None:
        found = stored(self.db.execute)
        assert found.last_id >= self.model.last_id  # an insert that is ignored may use an id up
        self.model.last_id = found.last_id
        assert found == self.model
        counters = {id: tuple(counts) for id, *counts in self.db.execute("select * from degree")}
        assert counters == degrees(self.model)

    @invariant()
    def lists_and_counts_agree(self) -> None:
        listed = self.db.connections.list(limit=None)
        assert [connection.id for connection in listed] == sorted(self.model.connections)
        assert self.db.connections.count(mutability="hypothesis") == sum(
            connection.mutability == 2 for connection in self.model.connections.values()
        )


Connections.TestCase.settings = settings(
    max_examples=examples(25), stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestConnections = Connections.TestCase
