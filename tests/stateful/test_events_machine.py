"""Events and a plain list side by side: emits, switches, tokens, trims, rollbacks, other writers, new openings."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import neurograph
from effort import examples
from naive_conditions import holds

TYPES = ("custom", "order.paid", "order.lost", "token.created", "token.updated", "token.deleted")
types = st.sampled_from(TYPES)
emitted = st.sampled_from(TYPES[:3])
patterns = st.sampled_from(["*", "order.*", "token.*", *TYPES])
data = st.dictionaries(
    st.sampled_from("ab"), st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab", max_size=2)
)
conditions = st.one_of(
    st.just({}),
    st.dictionaries(st.sampled_from("ab"), st.none() | st.integers(-2, 2) | st.text("ab", max_size=2), max_size=1),
    st.builds(
        lambda name, sign, number: {name: {sign: number}},
        st.sampled_from(["a", "b", "id", "first"]),
        st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$ne"]),
        st.integers(-2, 9),
    ),
)


def matches(name: str, pattern: str) -> bool:
    return pattern == "*" or name == pattern or (pattern.endswith(".*") and name.startswith(pattern[:-1]))


class State:
    """What a plain list says."""

    def __init__(self) -> None:
        self.log: list[tuple[int, str, dict[str, Any]]] = []
        self.newest = 0
        self.enabled = {"custom", "order.paid", "order.lost"}
        self.trimmed = dict.fromkeys(TYPES, 0)
        self.tokens: list[int] = []
        self.last_token = 0

    def happen(self, name: str, said: dict[str, Any]) -> None:
        if name in self.enabled:
            self.newest += 1
            self.log.append((self.newest, name, said))


class Events(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "mind.ngdb"
        self.state = State()
        self.saved: list[State] = []

    @initialize()
    def open(self) -> None:
        self.db = neurograph.open(self.path, synchronous="off")
        self.db.events.disable("cdna.*")
        for name in TYPES[1:3]:
            self.db.events.register(name)

    def teardown(self) -> None:
        while self.db.in_transaction:
            self.db.rollback()
        assert self.db.check() == []
        self.db.close()
        self.folder.cleanup()

    @rule(name=emitted, said=data)
    def emit(self, name: str, said: dict[str, Any]) -> None:
        self.state.happen(name, said)
        assert self.db.events.emit(name, said) == (self.state.newest if name in self.state.enabled else None)

    @rule(name=emitted, said=st.lists(data, max_size=3))
    def emit_many(self, name: str, said: list[dict[str, Any]]) -> None:
        for one in said:
            self.state.happen(name, one)
        assert self.db.events.emit_many(name, said) == (len(said) if name in self.state.enabled else 0)

    @rule(pattern=patterns, on=st.booleans())
    def switch(self, pattern: str, on: bool) -> None:
        changed = (self.db.events.enable if on else self.db.events.disable)(pattern)
        ours = {name for name in TYPES if matches(name, pattern)}
        assert {*changed} & {*TYPES} == (ours - self.state.enabled if on else ours & self.state.enabled)
        self.state.enabled = self.state.enabled | ours if on else self.state.enabled - ours
        if pattern == "*" and on:
            self.db.events.disable("cdna.*")

    @rule()
    def create_token(self) -> None:
        state = self.state
        state.last_token += 1
        state.tokens.append(state.last_token)
        state.happen("token.created", {"id": state.last_token})
        assert self.db.tokens.create().id == state.last_token

    @rule(count=st.sampled_from([1, 3, 70]))
    def create_tokens(self, count: int) -> None:
        state = self.state
        first, state.last_token = state.last_token + 1, state.last_token + count
        state.tokens += range(first, state.last_token + 1)
        state.happen("token.created", {"first": first, "last": state.last_token, "count": count})
        self.db.tokens.create_many(count=count)

    @precondition(lambda self: self.state.tokens)
    @rule(where=st.integers(0, 1000), update=st.booleans())
    def touch_token(self, where: int, update: bool) -> None:
        tokens = self.state.tokens
        number = tokens[where % len(tokens)]
        if update:
            self.state.happen("token.updated", {"id": number})
            self.db.execute("update token set weight = 0.25 where id = ?", [number])
        else:
            tokens.remove(number)
            self.state.happen("token.deleted", {"id": number, "label": None})
            self.db.tokens.delete(number)

    @rule(pattern=patterns, keep=st.integers(0, 4), before=st.none() | st.integers(1, 30))
    def trim(self, pattern: str, keep: int, before: int | None) -> None:
        state = self.state
        ids = [number for number, name, _ in state.log if matches(name, pattern)]
        bound = max([0, *ids[: max(0, len(ids) - keep)], (before or 1) - 1])
        gone = [row for row in state.log if row[0] <= min(bound, state.newest - 1) and matches(row[1], pattern)]
        assert self.db.events.trim(pattern, keep=keep, before=before) == len(gone)
        state.log = [row for row in state.log if row not in gone]
        for _, name, _ in gone:
            state.trimmed[name] += 1

    @rule()
    def begin(self) -> None:
        if len(self.saved) < 3:
            self.db.begin()
            self.saved.append(copy.deepcopy(self.state))

    @precondition(lambda self: self.saved)
    @rule(undo=st.booleans())
    def end(self, undo: bool) -> None:
        before = self.saved.pop()
        if undo:
            self.db.rollback()
            self.state = before
        else:
            self.db.commit()

    @precondition(lambda self: not self.saved)
    @rule()
    def open_anew(self) -> None:
        self.db.close()
        self.db = neurograph.open(self.path, synchronous="off")

    @precondition(lambda self: not self.saved)
    @rule()
    def another_handle_writes(self) -> None:
        with neurograph.open(self.path, synchronous="off") as other:
            state = self.state
            state.last_token += 1
            state.tokens.append(state.last_token)
            state.happen("token.created", {"id": state.last_token})
            other.execute("insert into token (label) values (null)")

    @rule(pattern=patterns, where=conditions, after=st.integers(0, 20), newest=st.booleans())
    def read(self, pattern: str, where: dict[str, Any], after: int, newest: bool) -> None:
        wanted = [row for row in self.state.log if row[0] > after and matches(row[1], pattern) and holds(where, row[2])]
        order = "newest" if newest else "oldest"
        found = self.db.events.read(pattern, where=where, after=after, order=order)
        assert [(event.id, event.type, event.data) for event in found] == (wanted[::-1] if newest else wanted)
        assert self.db.events.count(pattern, where=where, after=after) == len(wanted)

    @invariant()
    def the_log_is_as_the_list(self) -> None:
        if hasattr(self, "db"):
            assert [(event.id, event.type, event.data) for event in self.db.events.read()] == self.state.log
            assert self.db.events.newest == self.state.newest
            assert {found.name: found.trimmed for found in self.db.events.types() if found.name in TYPES} == (
                self.state.trimmed
            )


TestEvents = Events.TestCase
TestEvents.settings = settings(
    max_examples=examples(45), stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
