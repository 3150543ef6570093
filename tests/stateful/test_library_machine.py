"""A library and a dict side by side: whatever is done, in whatever order and by whom, both hold and find the same."""

from __future__ import annotations

import copy
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import neurograph
from naive_vectors import Row, Space
from neurograph.derived.policy import kernels_available
from neurograph.errors import Conflict, ItemNotFound
from neurograph.stores.library import Library

SHELL = shutil.which("sqlite3")
ENGINES = ("sqlite-vec", "numba") if kernels_available() else ("sqlite-vec",)
QUERIES = ((1.0, 0.25), (0.0, 0.0))

keys = st.sampled_from(["a", "b", "c", "d", "ü", None])
named = st.sampled_from(["a", "b", "c", "d", "ü"])
number = st.sampled_from([0.0, 1.0, -1.0, 0.5, 3e38, 1e-38, 2.0**-40])
vectors = st.tuples(number, number)
places = st.integers(0, 6)  # of an item among those that are there
metrics = st.sampled_from(["cosine", "l2", "dot"])


def single(*numbers: float) -> tuple[float, ...]:
    """Return numbers as float32 has them."""
    return struct.unpack(f"<{len(numbers)}f", struct.pack(f"<{len(numbers)}f", *numbers))


class Vectors(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "mind.ngdb"
        self.db = neurograph.open(self.path, synchronous="off")
        self.db.tokens.create_many(["t1", "t2"])
        self.other = neurograph.open(self.path, synchronous="off")  # a second handle, which reads and writes
        self.metric = "cosine"
        self.library = self.new_library()
        self.model = Space(self.metric, self.library.id << 32 | 1)
        self.before: list[Space] = []

    def new_library(self) -> Library:
        return self.db.library.create("v", dimension=2, metric=self.metric)

    def teardown(self) -> None:
        self.other.close()
        self.db.close()  # rolls back what is open
        self.model = self.before[0] if self.before else self.model
        self.db = neurograph.open(self.path, synchronous="off")
        self.before = []
        self.other = self.db
        self.library = self.db.library.get("v")
        self.both_hold_and_find_the_same()
        assert self.db.check() == []
        self.db.close()
        self.folder.cleanup()

    @property
    def alone(self) -> bool:
        return not self.before

    def nth(self, place: int) -> int | None:
        """Return the id of an item that is there, or None."""
        ids = sorted(self.model.rows)
        return ids[place % len(ids)] if ids else None

    # --- through the store --------------------------------------------------------------------------------------------

    @rule(key=named, vector=vectors | st.none(), text=st.sampled_from([None, "", "text"]))
    def set(self, key: str, vector: tuple[float, ...] | None, text: str | None) -> None:
        id = self.model.owner(key)
        row = self.model.rows[id] if id is not None else Row(key)
        row.text, row.vector = text, vector and single(*vector)
        id = self.model.add(row) if id is None else id
        assert self.library.set(key, vector, text=text, metadata={"n": 1}).id == id
        row.metadata = {"n": 1}

    @rule(
        names=st.lists(keys, min_size=1, max_size=4), more=st.sampled_from([0, 0, 70]), vector=vectors,
        way=st.sampled_from(["error", "ignore", "update"]), token=st.sampled_from([None, 1, 2]),
    )  # fmt: skip
    def add(self, names: list[str | None], more: int, vector: tuple[float, ...], way: str, token: int | None) -> None:
        names = [*names, *[None] * more]
        rows = [single(vector[0], place % 3) for place in range(len(names))]
        after, expected = copy.deepcopy(self.model), []
        refused = False
        for name, row in zip(names, rows, strict=True):
            owner = after.owner(name)
            refused |= owner is not None and way == "error"
            if owner is not None and way == "update":
                after.rows[owner].vector, after.rows[owner].token = row, token
            expected.append(after.add(Row(name, None, token, {}, row)) if owner is None else owner)
        options: dict[str, Any] = {"keys": names, "tokens": [token] * len(names), "on_conflict": way}
        if refused:
            with pytest.raises(Conflict):
                self.library.add(rows, **options)
            return
        assert self.library.add(rows, **options).tolist() == expected
        self.model = after

    @rule(place=places, key=keys, vector=vectors | st.none())
    def update(self, place: int, key: str | None, vector: tuple[float, ...] | None) -> None:
        id = self.nth(place)
        if id is None:
            with pytest.raises(ItemNotFound):
                self.library.update(self.model.first, key=key)
        elif self.model.owner(key) not in (None, id):
            with pytest.raises(Conflict):
                self.library.update(id, key=key, vector=vector)
        else:
            self.library.update(id, key=key, vector=vector)
            self.model.rows[id].key, self.model.rows[id].vector = key, vector and single(*vector)

    @rule(some=st.lists(places, max_size=3))
    def delete(self, some: list[int]) -> None:
        ids = {id for id in map(self.nth, some) if id is not None}
        assert self.library.delete_many(ids) == len(ids)
        for id in ids:
            del self.model.rows[id]

    @rule(metric=metrics)
    def drop_and_create(self, metric: str) -> None:
        self.db.library.drop("v")
        self.metric = metric
        self.library = self.new_library()
        self.model = Space(metric, self.library.id << 32 | 1)

    @rule(label=st.sampled_from(["t1", "t2"]))
    def delete_a_token(self, label: str) -> None:
        if label in self.db.tokens:
            gone = self.db.tokens.get(label).id
            self.db.tokens.delete(label)
            for row in self.model.rows.values():
                row.token = None if row.token == gone else row.token
            self.db.execute("insert into token (id, label) values (?, ?)", [gone, label])

    # --- transactions -------------------------------------------------------------------------------------------------

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
    def rollback(self) -> None:
        self.db.rollback()
        self.model = self.before.pop()
        self.metric = self.model.metric
        self.library = self.db.library.get("v")

    @rule()
    def reopen(self) -> None:
        self.db.close()
        self.model = self.before[0] if self.before else self.model
        self.metric = self.model.metric
        self.before = []
        self.db = neurograph.open(self.path, synchronous="off")
        self.library = self.db.library.get("v")

    # --- by others ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.alone)
    @rule(key=named, vector=vectors, place=places)
    def another_handle_writes(self, key: str, vector: tuple[float, ...], place: int) -> None:
        library = self.other.library.get("v")
        if (id := self.nth(place)) is not None:
            library.delete(id)
            del self.model.rows[id]
        owner = self.model.owner(key)
        made = library.set(key, vector)
        if owner is None:
            owner = self.model.add(Row(key))
        assert made.id == owner
        self.model.rows[owner].vector = single(*vector)

    @precondition(lambda self: self.alone and SHELL)
    @rule(key=named, vector=vectors, place=places, recursive=st.booleans(), foreign=st.booleans())
    def a_stock_shell_writes(
        self, key: str, vector: tuple[float, ...], place: int, recursive: bool, foreign: bool
    ) -> None:
        blob = struct.pack("<2f", *vector).hex()
        id = self.nth(place) or 0
        sql = f"""
            pragma recursive_triggers = {int(recursive)}; pragma foreign_keys = {int(foreign)};
            insert or replace into entry (library, key, vector) values ('v', '{key}', x'{blob}');
            update or replace item set key = 'a', text = 'said' where id = {id};
            insert or replace into embedding select id, x'{blob}' from item where id = {id};"""
        command = [SHELL or "", "-init", "/dev/null", str(self.path), sql]
        subprocess.run(command, check=True, capture_output=True)
        owner = self.model.owner(key)
        made = max(self.model.rows, default=self.model.first - 1) + 1
        self.model.rows.pop(owner or 0, None)
        self.model.rows[made] = Row(key, vector=single(*vector))
        if id in self.model.rows:
            owner = self.model.owner("a")
            if owner not in (None, id):
                del self.model.rows[owner or 0]
            row = self.model.rows[id]
            row.key, row.text, row.vector = "a", "said", single(*vector)

    # --- and both hold the same ---------------------------------------------------------------------------------------

    @invariant()
    def both_hold_and_find_the_same(self) -> None:
        found = {item.id: (item.key, item.text, item.token_id, item.metadata) for item in self.library}
        assert found == {
            id: (row.key, row.text, row.token, row.metadata) for id, row in sorted(self.model.rows.items())
        }
        for query in QUERIES:
            truth = self.model.search(query)
            for engine in ENGINES:
                hits = self.library.search(query, 3, engine=engine)
                assert [(hit.id, hit.distance) for hit in hits] == truth[:3]
            assert [hit.key for hit in hits] == [self.model.rows[id].key for id, _ in truth[:3]]
        if truth:
            rest = self.library.search(query, 10**9, after=hits[-1])
            assert [(hit.id, hit.distance) for hit in rest] == truth[3:]
            if self.alone:
                sql = "select id, distance from ng_knn('v', ?, 4)"
                assert self.other.execute(sql, [struct.pack("<2f", *query)]).fetchall() == truth[:4]

    @precondition(lambda self: self.alone)
    @rule()
    def nothing_is_wrong(self) -> None:
        assert self.db.check() == []
        ((count,),) = self.db.execute("select count(*) from embedding").fetchall()
        assert count == sum(row.vector is not None for row in self.model.rows.values())


TestVectors = Vectors.TestCase
TestVectors.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
