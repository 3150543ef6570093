"""Another encoder takes a library over: the old vectors answer until the switch, the new ones behind it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counting_encoders import Counting, encoder_of

import neurograph
from neurograph import Library, errors
from neurograph.stores.library.partitions import build
from neurograph.stores.library.texts import encoders, reembedding

TEXTS = [f"text number {n} of the library" for n in range(30)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("encoders")


@pytest.fixture
def old(folder: Path) -> Counting:
    return encoder_of(folder)


@pytest.fixture(params=[8, 12], ids=["of the same dimension", "of another dimension"])
def new(folder: Path, request: pytest.FixtureRequest) -> Counting:
    encoder = encoder_of(folder, dimension=request.param, seed=2)
    encoder.read = []
    return encoder


@pytest.fixture
def notes(db: neurograph.Database, old: Counting) -> Iterator[Library]:
    notes = db.library.create("notes", model=old)
    notes.add(texts=TEXTS, keys=[f"key {n}" for n in range(30)])
    yield notes
    assert db.check() == []
    assert db.execute("select count(*) from reembedding union all select count(*) from reembedded").fetchall() == [
        (0,),
        (0,),
    ]


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reembedding, "AT_ONCE", 7)
    monkeypatch.setattr(reembedding, "WRITTEN_BYTES", 100)
    monkeypatch.setattr(encoders, "AT_ONCE", 7)


def close(a: Any, b: Any) -> bool:
    return bool(np.abs(a - b).max() < 1e-6)


def test_the_vectors_are_the_new_encoder_s(db: neurograph.Database, notes: Library, new: Counting) -> None:
    ids = [item.id for item in notes]
    notes.fit_pca(2)
    told: list[tuple[str, int, int | None]] = []
    assert notes.reembed(new, progress=lambda *said: told.append(said)) == 30
    assert told[-1] == ("texts", 30, 30)
    assert [item.id for item in notes] == ids
    assert (notes.dimension, notes.identity) == (new.dimension, new.identity)
    assert close(notes.vectors(ids), new.embed_batch(TEXTS))
    assert [hit.id for hit in notes.search(TEXTS[4], 1)] == [ids[4]]
    assert db.execute("select count(*) from projection").fetchall() == [(0,)]
    low, high = db.execute("select norm_low, norm_high from library").fetchall()[0]
    assert low <= 1.0 <= high < 1.1
    assert db.library.get("notes").search(TEXTS[5], 1)[0].id == ids[5]


@pytest.mark.kernels
def test_searches_by_kernels_follow(db: neurograph.Database, notes: Library, new: Counting) -> None:
    before = notes.search(key="key 3", k=5, engine="numba")
    notes.reembed(new)
    after = notes.search(key="key 3", k=5, engine="numba")
    assert after == notes.search(key="key 3", k=5, engine="sqlite-vec") != before


@pytest.mark.kernels
@pytest.mark.parametrize("dimension", [8, 12])
def test_partitions_of_the_old_vectors_go(
    db: neurograph.Database, notes: Library, folder: Path, dimension: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "LEAST_ITEMS", 20)
    notes.optimize()
    assert db.execute("select count(*) from partition_item").fetchall() == [(30,)]
    notes.reembed(encoder_of(folder, dimension=dimension, seed=2))
    assert db.execute("select count(*) from partitioning").fetchall() == [(0,)]
    assert db.check() == []
    assert notes.search(key="key 3", k=5, exact=False) == notes.search(key="key 3", k=5)
    assert notes.optimize().placed == 30
    assert db.check() == []


@pytest.mark.usefixtures("small_slices")
def test_the_old_vectors_answer_until_the_switch(
    db: neurograph.Database, notes: Library, old: Counting, new: Counting
) -> None:
    before = notes.vectors([item.id for item in notes])
    seen = []

    def look() -> None:
        with db.reader() as reader:
            library = reader.library.get("notes")
            library.attach(old)
            seen.append((library.vectors([item.id for item in library]) == before).all())
            assert library.search(TEXTS[9], 1)[0].key == "key 9"
            assert reader.check() == []

    new.meanwhile = look
    notes.reembed(new)
    assert seen == [True] * 5


@pytest.mark.usefixtures("small_slices")
def test_what_changes_meanwhile_is_made_too(
    db: neurograph.Database, notes: Library, old: Counting, new: Counting
) -> None:
    turns = iter(range(100))

    def write() -> None:
        with neurograph.open(db.path) as other:
            library = other.library.get("notes")
            library.attach(old)
            match next(turns):
                case 0:
                    library.update("key 25", text="said before its turn")
                case 3:
                    library.update("key 0", text="said behind its turn")
                    library.add(texts=["one more"], keys=["more"])
                    library.delete("key 1")
                case 4:
                    other.execute("update item set text = 'a shell wrote' where key = 'key 2'")
                    other.execute("insert into entry (library, key, text) values ('notes', 'shell', 'no vector yet')")
                    other.execute("update item set text = null where key = 'key 29'")
                    other.execute("delete from embedding where id = (select id from item where key = 'key 29')")
                case 5:
                    library.update("key 3", text="said in the second round")

    new.meanwhile = write
    assert notes.reembed(new) == 30
    new.meanwhile = None
    items = [item for item in notes if item.text is not None]
    assert {"more", "shell"} <= {item.key for item in items}
    assert close(notes.vectors([item.id for item in items]), new.embed_batch([item.text or "" for item in items]))
    assert db.execute("select count(*) from embedding").fetchall() == [(30,)]


@pytest.mark.usefixtures("small_slices")
def test_a_call_that_broke_off_goes_on_where_it_was(
    db: neurograph.Database, notes: Library, folder: Path, old: Counting, new: Counting
) -> None:
    before = notes.vectors([item.id for item in notes])
    turns = iter([False, False, True, False, False, False])

    def stop() -> None:
        if next(turns):
            raise KeyboardInterrupt

    new.meanwhile = stop
    with pytest.raises(KeyboardInterrupt):
        notes.reembed(new)
    assert (notes.vectors([item.id for item in notes]) == before).all()
    assert notes.search(TEXTS[1], 1)[0].key == "key 1"
    new.meanwhile, new.read = None, []
    told: list[int] = []
    with db.reader() as reader:
        assert reader.check() == []
    notes.reembed(new, progress=lambda what, done, total: told.append(done))
    assert new.read == TEXTS[14:]
    assert told == [21, 28, 30]


def test_what_another_encoder_made_before_goes(
    db: neurograph.Database, notes: Library, folder: Path, new: Counting
) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    third = encoder_of(folder, dimension=5, seed=3)
    db.execute("insert into reembedding values (?, 3, 'x', '{}', null, null)", [notes.id])
    first = notes.list(1)[0]
    db.execute("insert into reembedded values (?, ?, zeroblob(12))", [first.id, first.text])
    third.meanwhile = stop
    with pytest.raises(KeyboardInterrupt):
        notes.reembed(third)
    assert db.execute("select dimension from reembedding").fetchall() == [(5,)]
    assert db.execute("select count(*) from reembedded").fetchall() == [(0,)]
    assert notes.reembed(new) == 30
    assert close(notes.vectors([item.id for item in notes]), new.embed_batch(TEXTS))


def test_one_encoder_at_a_time(db: neurograph.Database, notes: Library, folder: Path, new: Counting) -> None:
    third = encoder_of(folder, dimension=5, seed=3)

    def other() -> None:
        new.meanwhile = None
        db.library.get("notes").reembed(third)

    new.meanwhile = other
    with pytest.raises((errors.Conflict, errors.IdentityMismatch)):
        notes.reembed(new)
    assert db.library.get("notes").identity == third.identity


def test_an_encoder_that_begins_at_the_same_moment_is_named(
    notes: Library, folder: Path, new: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    third = encoder_of(folder, dimension=5, seed=3)
    clean = Library._clean_reembedded

    def first(self: Library, made_by: Any) -> None:
        monkeypatch.setattr(Library, "_clean_reembedded", clean)
        self._begin_reembedding(third)

    monkeypatch.setattr(Library, "_clean_reembedded", first)
    with pytest.raises(errors.Conflict, match="library 'notes' must be taken over by one encoder at a time"):
        notes.reembed(new)
    assert new.read == []
    assert notes.reembed(new) == 30


def test_another_handle_is_told(db: neurograph.Database, notes: Library, old: Counting, new: Counting) -> None:
    with neurograph.open(db.path) as other:
        stale = other.library.get("notes")
        stale.attach(old)
        assert stale.search(TEXTS[2], 1)[0].key == "key 2"
        notes.reembed(new)
        error, said = (
            (errors.NotHere, "must have its encoder")
            if new.dimension == 8
            else (errors.IdentityMismatch, "another encoder took it over; get it again with db.library.get")
        )
        for call in (lambda: stale.search("anything else"), lambda: stale.add(texts=["anything else"])):
            with pytest.raises(error, match=said):
                call()
        if new.dimension != 8:
            for call in (lambda: stale.search([1] * 8), lambda: stale.add([[1] * 8]), lambda: stale.fit_pca(1)):
                with pytest.raises(error, match=said):
                    call()
        fresh = other.library.get("notes")
        fresh.attach(new)
        assert fresh.search(TEXTS[2], 1)[0].key == "key 2"


def test_vectors_made_by_the_old_encoder_are_not_written_behind_the_switch(
    notes: Library, old: Counting, new: Counting
) -> None:
    def switch() -> None:
        old.meanwhile = None
        notes.reembed(new)

    calls = (lambda: notes.add(texts=["unseen"]), lambda: notes.set("x", text="unseen"), lambda: notes.search("unseen"))
    for call in calls:
        old.meanwhile = switch
        with pytest.raises(errors.IdentityMismatch, match="another encoder"):
            call()
        old.meanwhile = None
        notes.reembed(old)
    assert len(notes) == 30


def test_texts_need_not_be_read_again(db: neurograph.Database, notes: Library, new: Counting) -> None:
    notes.reembed(new)
    assert new.read == TEXTS
    notes.reembed(new)
    notes.add(texts=TEXTS)
    assert new.read == TEXTS
    db.drop_derived()
    notes.reembed(new)
    assert new.read == TEXTS * 2


def test_arrays_without_a_model_become_an_encoder_s(db: neurograph.Database, new: Counting) -> None:
    plain = db.library.create("plain", dimension=2, metric="l2")
    ids = plain.add([[1, 0], [0, 1]], texts=TEXTS[:2])
    plain.add(keys=["without text or vector"])
    assert plain.reembed(new) == 2
    assert close(plain.vectors(ids), new.embed_batch(TEXTS[:2]))
    assert plain.search(TEXTS[1], 1)[0].id == ids[1]
    empty = db.library.create("empty", dimension=2)
    assert (empty.reembed(new), empty.dimension) == (0, new.dimension)


@pytest.mark.kernels
def test_triggers_of_a_user_s_own_are_fired(db: neurograph.Database, notes: Library, new: Counting) -> None:
    db.execute("create table seen (id integer)")
    db.execute("create trigger mine after insert on embedding begin insert into seen values (new.id); end")
    notes.reembed(new)
    assert db.execute("select count(*) from seen").fetchall() == [(30,)]
    assert notes.search(key="key 3", k=3, engine="numba") == notes.search(key="key 3", k=3, engine="sqlite-vec")


def test_what_is_wrong_is_said(db: neurograph.Database, notes: Library, new: Counting) -> None:
    with pytest.raises(errors.InvalidValue, match="encoder must be an EmbeddingEngine"):
        notes.reembed("all-MiniLM-L6-v2")  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidValue, match="progress must be True, False or a function"):
        notes.reembed(new, progress=1)  # type: ignore[arg-type]
    with db.transaction(), pytest.raises(errors.Misuse, match="inside a transaction"):
        notes.reembed(new)
    with db.reader() as reader, pytest.raises(errors.ReadOnlyDatabase):
        reader.library.get("notes").reembed(new)
    (without,) = notes.add([[1] * 8]).tolist()
    with pytest.raises(errors.InvalidValue, match=f"must have a text to make a new one of, got item {without} without"):
        notes.reembed(new)
    notes.update(without, vector=None)
    assert notes.reembed(new) == 30
    db.library.drop("notes")
    with pytest.raises(errors.LibraryNotFound):
        notes.reembed(new)


KILLED = """
    import os, signal, sys
    sys.path.insert(0, sys.argv[3])
    from pathlib import Path
    import neurograph
    from counting_encoders import encoder_of
    from neurograph.stores.library.texts import reembedding
    reembedding.AT_ONCE = 7
    encoder = encoder_of(Path(sys.argv[2]), dimension=12, seed=2)
    encoder.identity
    turns = iter([0, 0, 0, 1])
    def die():
        if next(turns):
            os.kill(os.getpid(), signal.SIGKILL)
    encoder.meanwhile = die
    neurograph.open(sys.argv[1]).library.get("notes").reembed(encoder)
"""


@pytest.mark.skipif(os.name != "posix", reason="POSIX alone has SIGKILL")
def test_a_killed_call_is_resumed_by_another_process(db: neurograph.Database, notes: Library, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), db.path, str(folder), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert notes.search(TEXTS[7], 1)[0].key == "key 7"
    new = encoder_of(folder, dimension=12, seed=2)
    notes.reembed(new)
    assert new.read == TEXTS[21:]
    assert notes.search(TEXTS[7], 1)[0].key == "key 7"


def test_a_switch_that_fails_leaves_the_old_vectors(
    db: neurograph.Database, notes: Library, new: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = db.execute("select library.*, embedding.* from library, embedding").fetchall()
    notes.fit_pca(2)
    switched = reembedding.ReembeddedLibrary._switched

    def stop(self: Library, work: Any) -> int:
        switched(self, work)
        raise KeyboardInterrupt

    monkeypatch.setattr(reembedding.ReembeddedLibrary, "_switched", stop)
    with pytest.raises(KeyboardInterrupt):
        notes.reembed(new)
    assert db.execute("select library.*, embedding.* from library, embedding").fetchall() == before
    assert notes.pca().dimension == 8
    assert notes.search(TEXTS[3], 1)[0].key == "key 3"
    monkeypatch.undo()
    assert notes.reembed(new) == 30
    assert new.read == TEXTS


def test_what_nobody_waits_for_is_deleted_with_derived_state(db: neurograph.Database, notes: Library) -> None:
    first, second = notes.list(2)
    other = db.library.create("other", dimension=3)
    db.execute("insert into reembedding values (?, 3, 'x', '{}', null, null)", [other.id])
    db.execute("insert into reembedded values (?, 'a', zeroblob(12))", [first.id])
    db.execute("insert into reembedded values (?, 'a', zeroblob(12))", [(other.id << 32) + 1])
    db.drop_derived()
    assert db.execute("select id from reembedded").fetchall() == [((other.id << 32) + 1,)]
    db.library.drop("other")
    assert second.id == first.id + 1
