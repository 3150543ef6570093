"""Files of word vectors become libraries: all of them or nothing, unseen until they are whole."""

from __future__ import annotations

import gzip
import logging
import zipfile
from pathlib import Path

import numpy as np
import pytest

import neurograph
from neurograph import errors

GLOVE = "cat 1 0\ndog 0.9 0.1\ncar 0 1\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.2d.txt.gz"
    path.write_bytes(gzip.compress(GLOVE.encode()))
    return path


def test_a_library_is_named_after_its_file(path: Path) -> None:
    with neurograph.open(":memory:") as db:
        library = db.library.load(path)
        assert (library.name, library.dimension, library.metric) == ("tiny.2d", 2, "cosine")
        assert library.vectors(["car", "dog"]).tolist() == [[0.0, 1.0], np.float32([0.9, 0.1]).tolist()]
        assert db.check() == []


def test_a_load_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "broken.txt"
    path.write_text("\n".join(f"w{n} {n} 1" for n in range(5000)) + "\nlast 1\n")
    with neurograph.open(":memory:") as db:
        with pytest.raises(errors.ImportFailed, match="line 5001"):
            db.library.load(path)
        assert db.library.list() == []
        assert db.execute("select (select count(*) from item), (select count(*) from embedding)").fetchall() == [(0, 0)]
        db.library.create("broken", dimension=3)
        with pytest.raises(errors.Conflict, match="name must be unique"):
            db.library.load(path)


def test_it_is_seen_when_it_is_whole_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("".join(f"w{n} {n} 1\n" for n in range(10_000)))
    seen: list[tuple[int, int | None]] = []
    with neurograph.open(tmp_path / "mind.ngdb") as db, neurograph.open(tmp_path / "mind.ngdb") as other:

        def look(what: str, done: int, total: int | None) -> None:
            assert what == "words"
            assert "words" not in other.library
            assert other.library.list() == []
            assert other.execute("select count(*) from entry").fetchall() == [(0,)]
            other.tokens.create()  # nobody waits for the whole load
            with pytest.raises(errors.Conflict, match="a load that is under way"):
                other.library.create("words", dimension=2)
            seen.append((done, total))

        db.library.load(path, progress=look)
        assert seen == [(4096, 10_000), (8192, 10_000), (10_000, 10_000)]
        assert len(other.library.get("words")) == 10_000


def test_what_a_broken_off_load_left_is_dropped_by_name(path: Path) -> None:
    with neurograph.open(":memory:") as db:
        db.library.load(path, name="half")
        db.execute("update library set complete = 0")
        with pytest.raises(errors.LibraryNotFound):
            db.library.get("half")
        with pytest.raises(errors.Conflict, match=r"or was broken off, has; wait for it, or take it away with .*drop$"):
            db.library.load(path, name="half")
        assert db.library.drop("half") == 3
        assert len(db.library.load(path, name="half")) == 3


def test_a_load_belongs_to_the_callers_transaction(path: Path) -> None:
    with neurograph.open(":memory:") as db:
        db.begin()
        assert len(db.library.load(path)) == 3
        db.rollback()
        assert len(db.library) == 0


def test_options_go_to_the_reader(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with neurograph.open(":memory:") as db:
        assert len(db.library.load(path, name="few", limit=2)) == 2
        assert [item.key for item in db.library.load(path, name="some", subset={"car"}, normalize=True)] == ["car"]
        path.write_bytes(gzip.compress((GLOVE + "fish 1\n").encode()))
        with caplog.at_level(logging.WARNING, "neurograph"):
            told: list[tuple[str, int, int | None]] = []
            skipped = db.library.load(
                path,
                name="skipped",
                malformed="skip",
                metric="l2",
                model="mine",
                progress=lambda *how: told.append(how),
            )
        assert (len(skipped), told[-1]) == (3, ("left out", 1, 1))
        assert "1 malformed lines left out" in caplog.text
        assert db.library.get("skipped").identity.model == "mine"


@pytest.mark.data
def test_the_real_sample_is_found_again(glove: Path) -> None:
    sample = glove / "glove.6B.50d.first-2446.txt"
    with neurograph.open(":memory:") as db:
        with pytest.raises(errors.ImportFailed, match="line 218"):
            db.library.load(sample)
        glove = db.library.load(sample, errors="cp1252")
        assert len(glove) == 2446
        assert glove.search("king", 2)[0].key == "prince"
        assert [hit.key for hit in glove.analogy("man", "woman", "king", 1)] == ["queen"]
        assert db.check() == []


def test_one_of_several_files_in_a_zip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "words.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("few.txt", "cat 1 0\n")
        archive.writestr("many.txt", GLOVE)
    with neurograph.open(":memory:") as db:
        with pytest.raises(errors.ImportFailed, match="name one by member="):
            db.library.load(path)
        assert [item.key for item in db.library.load(path, member="few.txt")] == ["cat"]


@pytest.mark.parametrize(
    "wrong",
    [{"words": ["cat"]}, {"subset": 5}, {"progress": 3}, {"limit": 0}, {"format": "x"}, {"metric": "x"}, {"name": ""}],
)
def test_what_is_wrong_is_said(path: Path, wrong: dict[str, object]) -> None:
    with neurograph.open(":memory:") as db:
        with pytest.raises(errors.InvalidValue, match="must be"):
            db.library.load(path, **wrong)  # type: ignore[arg-type]
        with pytest.raises(errors.InvalidValue, match="path must be a string or a path, got None"):
            db.library.load(None)  # type: ignore[arg-type]
        assert len(db.library) == 0
