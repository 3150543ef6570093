"""A text index and a dict side by side: whatever is done, in whatever order and by whom, both find the same."""

from __future__ import annotations

import copy
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import naive_texts
import neurograph
from effort import examples
from neurograph.errors import Conflict, NotHere
from neurograph.stores.library import Library
from processes import SHELL

FIRST = (1 << 32) + 1
QUESTIONS = ("cat", "a big dog")
keys = st.sampled_from(["cat", "dog", "big cat", None])
named = st.sampled_from(["cat", "dog", "big cat"])
texts = st.sampled_from([None, "", "a cat", "a big dog, a cat", "CÂT cat cat", "nothing of it"])
places = st.integers(0, 6)  # of an item among those that are there
Items = dict[int, naive_texts.Item]


class Texts(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "mind.ngdb"
        self.db = neurograph.open(self.path, synchronous="off")
        self.other = neurograph.open(self.path, synchronous="off")  # a second handle, which reads and writes
        self.db.library.create("v", dimension=1)
        self.items: Items = {}
        self.there = False  # whether there is an index
        self.before: list[tuple[Items, bool]] = []

    def teardown(self) -> None:
        self.other.close()
        self.db.close()  # rolls back what is open
        self.items, self.there = self.before[0] if self.before else (self.items, self.there)
        self.other = self.db = neurograph.open(self.path, synchronous="off")
        self.before = []
        self.both_find_the_same()
        assert self.db.check() == []
        self.db.close()
        self.folder.cleanup()

    @property
    def library(self) -> Library:
        return self.db.library.get("v")

    @property
    def alone(self) -> bool:
        return not self.before

    def nth(self, place: int) -> int | None:
        """Return the id of an item that is there, or None."""
        ids = sorted(self.items)
        return ids[place % len(ids)] if ids else None

    def owner(self, key: str | None) -> int | None:
        return next((id for id, item in self.items.items() if key is not None and item[0] == key), None)

    def put(self, item: naive_texts.Item) -> int:
        """Note an item, in place of the one that has its key."""
        id = self.owner(item[0])
        id = max(self.items, default=FIRST - 1) + 1 if id is None else id
        self.items[id] = item
        return id

    # --- the index ----------------------------------------------------------------------------------------------------

    @rule(tokenizer=st.sampled_from([None, "unicode61 remove_diacritics 2", "unicode61 remove_diacritics 1"]))
    def index(self, tokenizer: str | None) -> None:
        assert self.library.index_text(tokenizer) in (0, len(self.items))
        self.there = True

    @rule()
    def rebuild(self) -> None:
        assert self.library.index_text(rebuild=True) == len(self.items)
        self.there = True

    @rule()
    def drop(self) -> None:
        assert self.library.drop_text_index() is self.there
        self.there = False

    # --- items --------------------------------------------------------------------------------------------------------

    @rule(key=named, text=texts)
    def set(self, key: str, text: str | None) -> None:
        assert self.library.set(key, text=text).id == self.put((key, text))

    @rule(text=texts, many=st.sampled_from([1, 3, 70]))
    def add(self, text: str | None, many: int) -> None:
        made = self.library.add(texts=[text] * many)
        assert made.tolist() == [self.put((None, text)) for _ in range(many)]

    @rule(place=places, key=keys, text=texts)
    def update(self, place: int, key: str | None, text: str | None) -> None:
        id = self.nth(place)
        if id is None:
            return
        if self.owner(key) not in (None, id):
            with pytest.raises(Conflict):
                self.library.update(id, key=key, text=text)
        else:
            self.library.update(id, key=key, text=text)
            self.items[id] = (key, text)

    @rule(some=st.lists(places, max_size=3))
    def delete(self, some: list[int]) -> None:
        ids = {id for id in map(self.nth, some) if id is not None}
        assert self.library.delete_many(ids) == len(ids)
        for id in ids:
            del self.items[id]

    @rule(place=places, key=named, text=texts)
    def replace(self, place: int, key: str, text: str | None) -> None:
        id = self.nth(place) or FIRST
        sql = "insert or replace into item (id, library_id, key, text) values (?, 1, ?, ?)"
        self.db.execute(sql, [id, key, text])
        self.items.pop(self.owner(key) or 0, None)
        self.items[id] = (key, text)

    # --- transactions -------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.before) < 3)
    @rule()
    def begin(self) -> None:
        self.db.begin()
        self.before.append((copy.copy(self.items), self.there))

    @precondition(lambda self: self.before)
    @rule()
    def commit(self) -> None:
        self.db.commit()
        self.before.pop()

    @precondition(lambda self: self.before)
    @rule()
    def rollback(self) -> None:
        self.db.rollback()
        self.items, self.there = self.before.pop()

    # --- by others ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.alone)
    @rule(key=named, text=texts, place=places)
    def another_handle_writes(self, key: str, text: str | None, place: int) -> None:
        if (id := self.nth(place)) is not None:
            self.other.library.get("v").delete(id)
            del self.items[id]
        assert self.other.library.get("v").set(key, text=text).id == self.put((key, text))

    @precondition(lambda self: self.alone)
    @rule()
    def another_handle_indexes_or_drops(self) -> None:
        library = self.other.library.get("v")
        if self.there:
            assert library.drop_text_index()
        else:
            assert library.index_text() == len(self.items)
        self.there = not self.there

    @precondition(lambda self: self.alone and SHELL)
    @rule(key=named, place=places, recursive=st.booleans(), foreign=st.booleans())
    def a_stock_shell_writes(self, key: str, place: int, recursive: bool, foreign: bool) -> None:
        id = self.nth(place) or 0
        sql = f"""
            pragma recursive_triggers = {int(recursive)}; pragma foreign_keys = {int(foreign)};
            insert or replace into entry (library, key, text) values ('v', '{key}', 'a cat said');
            update or replace item set key = 'cat', text = text || ' big' where id = {id};
            begin; delete from item; rollback;"""
        command = [SHELL or "", "-init", "/dev/null", str(self.path), sql]
        subprocess.run(command, check=True, capture_output=True)
        made = max(self.items, default=FIRST - 1) + 1
        self.items.pop(self.owner(key) or 0, None)
        self.items[made] = (key, "a cat said")
        if id in self.items:
            owner = self.owner("cat")
            if owner not in (None, id):
                del self.items[owner or 0]
            text = self.items[id][1]
            self.items[id] = ("cat", None if text is None else f"{text} big")

    # --- and both find the same ---------------------------------------------------------------------------------------

    @invariant()
    def both_find_the_same(self) -> None:
        for db in (self.db, self.other) if self.alone else (self.db,):
            library = db.library.get("v")
            assert (library.text_index is not None) == self.there
            if not self.there:
                with pytest.raises(NotHere):
                    library.match("cat")
                continue
            for question in QUESTIONS:
                truth = naive_texts.match(self.items, question)
                found = library.match(question, 10**9)
                assert {hit.id: hit.score for hit in found} == pytest.approx(dict(truth), rel=1e-12)
                assert [*found] == sorted(found, key=lambda hit: (-hit.score, hit.id))
                assert [hit.key for hit in found] == [self.items[hit.id][0] for hit in found]

    @precondition(lambda self: self.alone)
    @rule()
    def nothing_is_wrong(self) -> None:
        assert self.db.check() == []


TestTexts = Texts.TestCase
TestTexts.settings = settings(max_examples=examples(60), stateful_step_count=25, deadline=None)
