"""Principal components against numpy's singular values, the original's file, and places in semantic space."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import neurograph
from neurograph import Library, Pca, errors

RNG = np.random.default_rng(3)
VECTORS = (RNG.normal(size=(5000, 9)) @ RNG.normal(size=(9, 9)) + 1000.0).astype(np.float32)


@pytest.fixture
def library() -> Iterator[Library]:
    with neurograph.open(":memory:") as db:
        library = db.library.create("space", dimension=9)
        library.add(VECTORS, keys=[f"w{n}" for n in range(len(VECTORS))])
        yield library


def test_components_are_those_of_the_singular_values(library: Library) -> None:
    vectors = VECTORS.astype(np.float64)
    _, values, directions = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    pca = library.fit_pca(9)
    assert np.allclose(pca.mean, vectors.mean(axis=0))
    assert np.allclose(pca.explained, values**2 / (values**2).sum(), rtol=1e-5)
    assert np.allclose(np.abs((pca.components * directions).sum(axis=1)), 1.0, atol=1e-5)
    assert (pca.components[np.arange(9), np.abs(pca.components).argmax(axis=1)] > 0).all()


def test_what_is_stored_is_what_was_returned(library: Library) -> None:
    assert library.pca() is None
    pca = library.fit_pca(2)
    assert library.pca() == pca
    assert pca.dimensions == 2
    assert library.fit_pca(3) == library.pca() != pca


def test_the_file_is_the_originals(library: Library, tmp_path: Path) -> None:
    pca = library.fit_pca(3)
    pca.save(tmp_path / "pca_model.bin")
    content = (tmp_path / "pca_model.bin").read_bytes()
    assert len(content) == 12 + 4 * (9 + 27 + 3)
    assert struct.unpack_from("<III9f", content)[:3] == (1, 9, 3)
    assert Pca.load(tmp_path / "pca_model.bin") == pca
    with pytest.raises(errors.InvalidValue, match="must have 168 bytes, got 167"):
        Pca.from_bytes(content[:-1])
    with pytest.raises(errors.InvalidValue, match="of version 1"):
        Pca.from_bytes(b"\2" + content[1:])


def test_places_fill_the_reach_and_neighbors_are_exact(library: Library) -> None:
    pca = library.fit_pca(3)
    assert library.place() == 5000
    places = np.array([item.coordinates for item in library])
    projected = pca.transform(VECTORS)
    scaled = projected / projected.std(axis=0)
    assert np.allclose(places, scaled * 3.27 / np.abs(scaled).max(), atol=1e-6)
    assert np.abs(places).max() == pytest.approx(3.27)
    x, y, z = (places - places[7]).T
    distances = np.sqrt((x * x + y * y) + z * z).tolist()
    order = sorted((told, n) for n, told in enumerate(distances) if n != 7)
    found = library.grid.neighbors("w7", 25)
    assert [hit.key for hit in found] == [f"w{n}" for _, n in order[:25]]
    assert [hit.distance for hit in found] == [distance for distance, _ in order[:25]]
    near = library.grid.in_range(places[7].tolist(), found[9].distance)
    assert [hit.key for hit in near] == ["w7", *(hit.key for hit in found[:10])]


def test_a_vector_of_no_numbers_is_passed_over(library: Library) -> None:
    wanted = library.fit_pca(3)
    blob = struct.pack("<9f", *[math.nan] * 9)
    library._session.change("insert into entry (library, key, vector) values ('space', 'nan', ?)", (blob,))
    assert library.fit_pca(3) == wanted
    assert library.place() == 5000
    assert library.get("nan").coordinates is None


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda x: x.fit_pca(0), errors.InvalidValue, "dimensions must be in"),
        (lambda x: x.fit_pca(10), errors.InvalidValue, "dimensions must be in"),
        (lambda x: x.place(), errors.NotFound, "library 'space' must have principal components"),
        (lambda x: x.use_pca(Pca([0, 0], [[1, 0]], [1])), errors.InvalidValue, "pca must be a Pca of 9 dimensions"),
        (lambda x: x.grid.neighbors("w1"), errors.NotFound, "item 'w1' of 'space' must have a place"),
        (lambda x: x.grid.in_range((0, 0), 1), errors.InvalidValue, "point must be three numbers"),
        (lambda x: x.grid.in_range((0, 0, math.nan), 1), errors.InvalidValue, "must be finite"),
        (lambda x: x.grid.in_range((0, 0, 0), -1), errors.InvalidValue, "radius must be in"),
        (lambda x: Pca([0, 0], [[1]], [1]), errors.InvalidValue, "components must have shape"),
        (lambda x: Pca([0], [[math.inf]], [1]), errors.InvalidValue, "components must be finite"),
    ],
)
def test_what_is_wrong_is_said(library: Library, call, error, said) -> None:
    with pytest.raises(error, match=said):
        call(library)
    assert library.pca() is None


def test_a_dropped_library_takes_its_components_along() -> None:
    with neurograph.open(":memory:") as db:
        db.library.create("a", dimension=2).add([[1, 0], [0, 1]])
        db.library.get("a").fit_pca(1)
        db.library.drop("a")
        assert db.execute("select count(*) from projection").fetchall() == [(0,)]
