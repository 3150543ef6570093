"""The token store and a dict side by side: whatever is done, in whatever order and by whom, both hold the same."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import neurograph
from effort import examples
from neurograph.errors import Conflict, RuleViolated, TokenNotFound

SHELL = shutil.which("sqlite3")
OTHER = """if True:
    import json, sys, neurograph
    for line in sys.stdin:
        path, method, arguments, options = json.loads(line)
        try:
            with neurograph.open(path, synchronous="off") as db:
                result = getattr(db.tokens, method)(*arguments, **options)
            print(json.dumps(result.tolist() if hasattr(result, "tolist") else getattr(result, "id", None)), flush=True)
        except neurograph.NeurographError as error:
            print(json.dumps(type(error).__name__), flush=True)"""

labels = st.sampled_from(["a", "b", "c", "d", "e", "f", "ü", None])
weights = st.sampled_from([0.0, 0.25, 0.5, 1.0])
points = st.sampled_from([(0.0, 0.0, 0.0), (1.0, -2.5, 1 / 3), None])
ids = st.integers(1, 12)


class Process:
    """Another process that opens the file, calls one method of `db.tokens`, and closes it."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[str] | None = None

    def call(self, path: Path, method: str, *arguments: Any, **options: Any) -> Any:
        if self.child is None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            self.child = subprocess.Popen([sys.executable, "-c", OTHER], **pipes)  # type: ignore[call-overload]
        assert self.child is not None
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write(json.dumps([str(path), method, arguments, options]) + "\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def end(self) -> None:
        if self.child is not None:
            self.child.communicate()
            self.child = None


OTHERS = Process()


class Mind:
    """The model: (label, weight, social place, properties) by id, and the last id given."""

    def __init__(self) -> None:
        self.tokens: dict[int, tuple[str | None, float, tuple[float, ...] | None, dict[str, Any]]] = {}
        self.last = 0

    def owner(self, label: str | None) -> int | None:
        return next((id for id, row in self.tokens.items() if label is not None and row[0] == label), None)

    def add(self, label: str | None = None, weight: float = 0.5, place: Any = None, properties: Any = None) -> int:
        self.last += 1
        self.tokens[self.last] = (label, weight, place, properties or {})
        return self.last


class Tokens(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "mind.ngdb"
        self.db = neurograph.open(self.path, synchronous="off")
        self.mind = Mind()
        self.before: list[Mind] = []  # what each open transaction or savepoint would go back to

    def teardown(self) -> None:
        self.db.close()  # rolls back what is open
        self.mind = self.before[0] if self.before else self.mind
        self.db = neurograph.open(self.path, synchronous="off")
        self.both_hold_the_same()
        assert self.db.check() == []
        self.db.close()
        self.folder.cleanup()

    @property
    def alone(self) -> bool:
        return not self.before

    # --- through the store ----------------------------------------------------------------------------------------

    @rule(label=labels, weight=weights, place=points)
    def create(self, label: str | None, weight: float, place: Any) -> None:
        options: dict[str, Any] = {"weight": weight, "coordinates": {"social": place}, "properties": {"n": weight}}
        if self.mind.owner(label):
            with pytest.raises(Conflict):
                self.db.tokens.create(label, **options)
        else:
            assert self.db.tokens.create(label, **options).id == self.mind.add(label, weight, place, {"n": weight})

    @rule(names=st.lists(labels, max_size=4), more=st.sampled_from([0, 80]), weight=weights, what=st.integers(0, 2))
    def create_many(self, names: list[str | None], more: int, weight: float, what: int) -> None:
        names = [*names, *[None] * more]
        on_conflict = ("error", "ignore", "update")[what]
        after = copy.deepcopy(self.mind)
        expected = []
        for name in names:
            owner = after.owner(name)
            if owner is not None and on_conflict == "error":
                with pytest.raises(Conflict):
                    self.db.tokens.create_many(names, weight=weight)
                return
            if owner is not None and on_conflict == "update":
                after.tokens[owner] = (after.tokens[owner][0], weight, *after.tokens[owner][2:])
            expected.append(after.add(name, weight) if owner is None else owner)
        assert self.db.tokens.create_many(names, weight=weight, on_conflict=on_conflict).tolist() == expected
        self.mind = after

    @rule(id=ids, label=labels, weight=weights, place=points)
    def update(self, id: int, label: str | None, weight: float, place: Any) -> None:
        options: dict[str, Any] = {"label": label, "weight": weight, "coordinates": {"social": place}}
        error = TokenNotFound if id not in self.mind.tokens else None
        if id in self.mind.tokens and self.mind.owner(label) not in (None, id):
            error = Conflict  # type: ignore[assignment]
        if error:
            with pytest.raises(error):
                self.db.tokens.update(id, **options)
        else:
            self.db.tokens.update(id, **options, merge_properties={"m": weight})
            self.mind.tokens[id] = (label, weight, place, {**self.mind.tokens[id][3], "m": weight})

    @rule(wanted=st.lists(ids, min_size=1, max_size=3), place=points)
    def move(self, wanted: list[int], place: Any) -> None:
        places = np.array([place or (np.nan,) * 3] * len(wanted))
        if not set(wanted) <= self.mind.tokens.keys():
            with pytest.raises(TokenNotFound):
                self.db.tokens.set_coordinates(wanted, places, "social")
            return
        self.db.tokens.set_coordinates(wanted, places, "social")
        for id in wanted:
            label, weight, _, properties = self.mind.tokens[id]
            self.mind.tokens[id] = (label, weight, place, properties)

    @rule(wanted=st.lists(ids, max_size=3))
    def delete(self, wanted: list[int]) -> None:
        there = set(wanted) & self.mind.tokens.keys()
        assert self.db.tokens.delete_many(wanted, missing="skip") == len(there)
        for id in there:
            del self.mind.tokens[id]

    @rule()
    def clear(self) -> None:
        assert self.db.tokens.clear() == len(self.mind.tokens)
        self.mind.tokens = {}

    @rule(weight=st.sampled_from([-0.5, 1.5]), many=st.booleans())
    def break_the_rules(self, weight: float, many: bool) -> None:
        with pytest.raises(RuleViolated):
            self.db.tokens.create_many(count=90, weight=weight) if many else self.db.tokens.create(weight=weight)

    # --- transactions -----------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.before) < 3)
    @rule()
    def begin(self) -> None:
        self.db.begin()
        self.before.append(copy.deepcopy(self.mind))

    @precondition(lambda self: self.before)
    @rule()
    def commit(self) -> None:
        self.db.commit()
        self.before.pop()

    @precondition(lambda self: self.before)
    @rule()
    def rollback(self) -> None:
        self.db.rollback()
        self.mind = self.before.pop()

    @rule()
    def reopen(self) -> None:
        self.db.close()
        self.mind = self.before[0] if self.before else self.mind
        self.before = []
        self.db = neurograph.open(self.path, synchronous="off")

    # --- by others --------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.alone)
    @rule(label=labels, weight=weights, id=ids)
    def another_process_writes(self, label: str | None, weight: float, id: int) -> None:
        made = OTHERS.call(self.path, "create", label, weight=weight)
        assert made == ("Conflict" if self.mind.owner(label) else self.mind.add(label, weight))
        made = OTHERS.call(self.path, "create_many", count=70, weight=weight)
        assert made == [self.mind.add(None, weight) for _ in range(70)]
        gone = OTHERS.call(self.path, "delete", id)
        assert gone == (None if self.mind.tokens.pop(id, None) else "TokenNotFound")

    @precondition(lambda self: self.alone and SHELL)
    @rule(label=st.sampled_from(["a", "b", "c"]), weight=weights, id=ids)
    def a_stock_shell_writes(self, label: str, weight: float, id: int) -> None:
        sql = f"""
            insert or replace into token (label, weight) values ('{label}', {weight});
            update or ignore token set label = 'f', social_x = 1, social_y = 1, social_z = 1 where id = {id};
            delete from token where id = {id + 1};"""
        subprocess.run([SHELL or "", "-init", "/dev/null", str(self.path), sql], check=True, capture_output=True)
        self.mind.tokens.pop(self.mind.owner(label) or 0, None)
        self.mind.add(label, weight)
        if id in self.mind.tokens and self.mind.owner("f") in (None, id):
            self.mind.tokens[id] = ("f", self.mind.tokens[id][1], (1.0, 1.0, 1.0), self.mind.tokens[id][3])
        self.mind.tokens.pop(id + 1, None)

    # --- and both hold the same -------------------------------------------------------------------------------------

    @invariant()
    def both_hold_the_same(self) -> None:
        found = {
            t.id: (t.label, t.weight, t.coordinates.get("social"), t.properties) for t in self.db.tokens.list(None)
        }
        assert found == self.mind.tokens
        assert len(self.db.tokens) == len(found)
        placed, places = self.db.tokens.coordinates("social")
        assert placed.tolist() == sorted(found)
        for id, place in zip(placed.tolist(), places, strict=True):
            assert np.array_equal(place, found[id][2] or (np.nan,) * 3, equal_nan=True)
        named = [row[0] for row in found.values() if row[0]]
        assert self.db.tokens.labels_to_ids(named).tolist() == [self.mind.owner(label) for label in named]


TestTokens = Tokens.TestCase
TestTokens.settings = settings(max_examples=examples(100), stateful_step_count=30, deadline=None)


@pytest.fixture(autouse=True, scope="module")
def end_the_other_process():
    yield
    OTHERS.end()
