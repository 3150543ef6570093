"""`add` commits every so many items where it is asked to, so that others write in between."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counting_encoders import encoder_of

import neurograph
from neurograph import errors

VECTORS = np.random.default_rng(3).normal(size=(200, 4)).astype(np.float32)
KEYS = [None if n % 9 == 4 else f"key {n % 150}" for n in range(200)]


def filled(path: Path, every: int | None, on_conflict: str) -> list[tuple[Any, ...]]:
    with neurograph.open(path) as db:
        cat = db.tokens.create("cat")
        library = db.library.create("v", dimension=4)
        library.add([[1, 0, 0, 0], [0, 1, 0, 0]], keys=["key 3", "old"])
        ids = library.add(
            VECTORS,
            keys=KEYS,
            texts=[f"text {n}" for n in range(200)],
            tokens=["cat" if n % 3 else None for n in range(200)],
            coordinates=np.arange(600).reshape(200, 3),
            metadata=[{"n": n} for n in range(200)],
            on_conflict=on_conflict,
            commit_every=every,
        )
        assert db.check() == []
        assert library.search(VECTORS[199], 1)[0].distance < 1e-6
        rows = db.execute("select item.*, vector from item join embedding using (id) order by id").fetchall()
        return [*rows, tuple(ids.tolist()), (cat.id,)]


@pytest.mark.parametrize("on_conflict", ["update", "ignore"])
@pytest.mark.parametrize("every", [7, 64, 199])
def test_it_comes_to_the_same(tmp_path: Path, every: int, on_conflict: str) -> None:
    whole = filled(tmp_path / "whole.ngdb", None, on_conflict)
    assert sorted(filled(tmp_path / "slices.ngdb", every, on_conflict), key=str) == sorted(whole, key=str)


def test_others_write_in_between(db: neurograph.Database, tmp_path: Path) -> None:
    encoder = encoder_of(tmp_path)
    notes = db.library.create("notes", model=encoder)
    seen: list[int] = []

    def write() -> None:
        with neurograph.open(db.path, busy_timeout_s=0) as other:
            seen.append(len(other.library.get("notes")))
            other.tokens.create()

    encoder.meanwhile = write
    assert len(notes.add(texts=[f"text {n}" for n in range(25)], commit_every=10)) == 25
    assert seen == [0, 10, 20]


def test_what_was_committed_stays_and_the_call_may_be_repeated(db: neurograph.Database) -> None:
    library = db.library.create("v", dimension=4)
    library.set("key 7", VECTORS[0])
    keys = [f"key {n}" for n in range(10)]
    with pytest.raises(errors.Conflict, match="'key 7'"):
        library.add(VECTORS[:10], keys=keys, commit_every=4)
    assert len(library) == 5
    library.add(VECTORS[:10], keys=keys, commit_every=4, on_conflict="update")
    assert (library.vectors(keys) == VECTORS[:10]).all()


@pytest.mark.parametrize("bad", ["keys", "vectors", "tokens"])
def test_what_is_seen_at_the_door_leaves_nothing_behind(db: neurograph.Database, bad: str) -> None:
    library = db.library.create("v", dimension=4)
    given: dict[str, Sequence[Any] | Any] = {"keys": [f"key {n}" for n in range(10)], "vectors": VECTORS[:10].copy()}
    if bad == "tokens":
        given["tokens"] = {1, 2}
    elif bad == "keys":
        given["keys"][9] = "key 0"
    else:
        given["vectors"][9, 1] = np.nan
    with pytest.raises((errors.InvalidValue, errors.Conflict)):
        library.add(**given, commit_every=3)
    assert len(library) == 0


def test_in_a_transaction_the_caller_commits(db: neurograph.Database) -> None:
    library = db.library.create("v", dimension=4)
    db.begin()
    library.add(VECTORS, commit_every=10)
    db.rollback()
    assert len(library) == 0
    for wrong in (0, 1.5, "x"):
        with pytest.raises(errors.InvalidValue, match="commit_every must be"):
            library.add(VECTORS, commit_every=wrong)  # type: ignore[arg-type]
    assert library.add(VECTORS[:0], commit_every=1).shape == (0,)


def test_a_key_that_is_taken_is_named_by_its_place_in_all_that_was_given(db: neurograph.Database) -> None:
    library = db.library.create("v", dimension=4)
    library.add(VECTORS[:1], keys=["taken"])
    with pytest.raises(errors.Conflict, match="got 'taken' at index 7,"):
        library.add(VECTORS[:8], keys=[*"abcdefg", "taken"], commit_every=3)
    assert len(library) == 7
