"""A small mind in a file, and an empty folder to stand in."""

from __future__ import annotations

from pathlib import Path

import pytest

import neurograph

PLACES = {
    "cat": (0.6, 0.2, 0.1),
    "dog": (0.7, 0.4, 0.2),
    "mouse": (0.1, 0.6, -0.5),
    "vet": (-0.4, 0.7, 0.6),
}


@pytest.fixture(scope="session")
def mind_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return what the file `mind` holds: written anew, it takes a tenth of the time of making it."""
    path = tmp_path_factory.mktemp("mind") / "mind.ngdb"
    with neurograph.open(path) as db, db.transaction():
        for label, place in PLACES.items():
            db.tokens.create(label, entity_type="concept", weight=0.5, coordinates={"emotional": place})
        db.tokens.create("animal", weight=0.9)
        for label in ("cat", "dog", "mouse"):
            db.graph.create(label, "animal", type="hypernym")
        db.graph.create("cat", "mouse", type="influences", weight=0.9)
        db.graph.create("cat", "vet", type="fears", weight=0.5)
        db.graph.create("dog", "vet", type="fears", weight=0.25)
    return path.read_bytes()


@pytest.fixture
def mind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mind_bytes: bytes) -> Path:
    """Return the path of a file: five tokens, ids 1 to 5, six edges; tests stand in its folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mind.ngdb"
    path.write_bytes(mind_bytes)
    return path
