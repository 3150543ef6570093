"""Arrays laid out by partitions: the same answers are true, fewer rows are looked at, whatever is written meanwhile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from library_cases import METRICS

import neurograph
from neurograph import Library
from neurograph.stores.library.nearest import calibration
from neurograph.stores.library.nearest.bits import BitKind
from neurograph.stores.library.nearest.kind import VectorKind
from neurograph.stores.library.partitions import build, layout
from neurograph.stores.library.partitions.layout import Layout

pytestmark = pytest.mark.kernels
compiled = pytest.mark.compiled  # in plain Python some 5 minutes; the others run the same kernels there

D, N = 12, 900
FEW: dict[str, Any] = {"exact": False, "engine": "numba", "recall": 0.9}
CENTERS = np.random.default_rng(0).normal(size=(24, D))


@pytest.fixture(autouse=True, params=["bits", "codes"])
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have small libraries partitioned, and either bits or codes cost nothing, so that these answer."""
    monkeypatch.setattr(build, "LEAST_ITEMS", 200)
    monkeypatch.setattr(layout, "LEAST_ROWS", 1)
    monkeypatch.setattr(build, "SAMPLE", 60)
    monkeypatch.setattr(build, "SHARE", 1.0)
    monkeypatch.setattr(calibration, "LEAST_VECTORS", 50)
    monkeypatch.setattr(calibration, "LEAST_GAIN", 1)
    monkeypatch.setattr(calibration, "SAMPLE", 24)
    monkeypatch.setattr(calibration, "NEIGHBORS", (5, 10))
    monkeypatch.setattr(calibration, "RANKS", (60, 200))
    monkeypatch.setattr(calibration, "CANDIDATE_ROWS", 0 if request.param == "bits" else 10**6)
    monkeypatch.setattr(calibration, "CODE_ROWS", 10**6 if request.param == "bits" else 0)
    for name in ("POINT_ROWS", "RUN_ROWS", "RUNS_ROWS"):
        monkeypatch.setattr(calibration, name, 0)
    return str(request.param)


def clustered(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found: np.ndarray = CENTERS[rng.integers(len(CENTERS), size=count)] + 0.2 * rng.normal(size=(count, D))
    return found.astype(np.float32)


@pytest.fixture(params=METRICS)
def library(request: pytest.FixtureRequest, db: neurograph.Database) -> Library:
    library = db.library.create("v", dimension=D, metric=request.param)
    library.add(clustered(1, N), keys=[f"k{i}" for i in range(N)])
    return library


def layout_of(library: Library) -> Layout | None:
    """Return how the arrays lie that the library's next search would use: bits as codes do."""
    found = []
    with library._session.reading() as line:
        for kind in (BitKind, VectorKind):
            arrays = library._derived.current(kind(library._space), line, float("inf"))
            assert arrays is not None
            found.append(arrays.layout)
    bits, codes = found
    assert (bits is None) == (codes is None)
    if bits is not None and codes is not None:
        assert (bits.placed, bits.partitioning) == (codes.placed, codes.partitioning)
        assert bits.moved.tolist() == codes.moved.tolist()
    return bits


def looked_at(library: Library, monkeypatch: pytest.MonkeyPatch, query: np.ndarray) -> int:
    """Return in how many partitions an approximate search looks; 0 for a scan of all."""
    seen: list[int] = []
    from neurograph.kernels import knn_bits, knn_parts

    choose, groups = knn_bits.choose, knn_parts.run_groups

    def chosen(parts: Any, asked: Any, j: int, metric: str, partitions: int) -> Any:
        seen.append(partitions)
        return choose(parts, asked, j, metric, partitions)

    def grouped(parts: Any, asked: Any, j: int, partitions: int, end: int) -> Any:
        seen.append(partitions)
        return groups(parts, asked, j, partitions, end)

    with monkeypatch.context() as patch:
        patch.setattr(knn_bits, "choose", chosen)
        patch.setattr(knn_parts, "run_groups", grouped)
        library.search(query, 5, **FEW)
    return sum(seen)


def true(library: Library, queries: np.ndarray, k: int = 5) -> float:
    """Assert that what approximate searches find is true and in order; return how much of the nearest it is."""
    shares = []
    for query in queries:
        every = list(library.search(query, 10**6, engine="sqlite-vec"))
        found = list(library.search(query, k, **FEW))
        pairs = [(hit.distance, hit.id) for hit in found]
        assert pairs == sorted(set(pairs))
        assert set(found) <= set(every)
        assert len(found) == min(k, len(every))
        shares.append(len({hit.id for hit in found} & {hit.id for hit in every[:k]}) / max(1, len(found)))
    return float(np.mean(shares))


def test_a_search_looks_at_a_part_of_the_partitions_and_reaches_the_recall(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = clustered(2, 30)
    assert looked_at(library, monkeypatch, queries[0]) == 0  # there are none
    made = library.optimize()
    assert made.partitions > 20
    partitions = looked_at(library, monkeypatch, queries[0])
    assert 0 < partitions < made.partitions
    assert true(library, queries) >= 0.9
    told = library.recall(5, 0.9, sample=40)
    assert told.mean >= 0.9
    assert library.search(queries[0], 5, **FEW).recall >= 0.9


@pytest.mark.parametrize("kind", [BitKind, VectorKind])
def test_slots_lie_by_partition(library: Library, kind: type[VectorKind]) -> None:
    made = library.optimize()
    laid = layout_of(library)
    assert laid is not None
    assert (laid.placed, laid.count, len(laid.moved)) == (N, made.partitions, 0)
    with library._session.reading() as line:
        arrays = library._derived.current(kind(library._space), line, float("inf"))
        assert arrays is not None
        rows = line.connection.execute("select id, number from partition_item").fetchall()
        numbers = dict(rows)
        assert [numbers[id] for id in arrays.ids[:N].tolist()] == laid.of_slots(np.arange(N)).tolist()
        ids = np.array(sorted(numbers), np.int64)
        assert (arrays.ids[arrays.slots(ids)] == ids).all()
        assert arrays.slots(np.array([1, ids[-1] + 1])).tolist() == [-1, -1]


def test_what_was_written_since_is_found(
    db: neurograph.Database, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.optimize()
    queries = clustered(3, 4)
    near = queries * (10 if library.metric == "dot" else 1)  # a vector is not what is nearest to itself there
    true(library, queries)
    library.update("k7", vector=near[0])
    laid = layout_of(library)
    assert laid is not None
    assert len(laid.moved) == 1
    assert looked_at(library, monkeypatch, queries[0]) > 0
    assert library.search(queries[0], 1, **FEW)[0].key == "k7"
    library.delete("k7")
    library.set("k8", vector=near[0])
    assert library.search(queries[0], 1, **FEW)[0].key == "k8"
    db.begin()
    mine = library.add(near[1:2])[0]
    library.delete("k9")
    assert library.search(queries[1], 1, **FEW).ids.tolist() == [mine]
    db.rollback()
    if library.metric != "dot":
        assert library.search(clustered(1, N)[9], 1, **FEW)[0].key == "k9"
    with neurograph.open(db.path) as other:
        theirs = other.library.get("v").add(near[2:3])
    assert library.search(queries[2], 1, **FEW).ids.tolist() == theirs.tolist()
    assert true(library, clustered(4, 20)) >= 0.85
    library.optimize()
    assert true(library, clustered(4, 20)) >= 0.9


@compiled
def test_two_states_side_by_side_lie_each_their_own_way(db: neurograph.Database, library: Library) -> None:
    library.optimize()
    query = clustered(5, 1)[0]
    before = list(library.search(query, 5, **FEW))
    with db.snapshot():
        assert list(library.search(query, 5, **FEW)) == before
        with neurograph.open(db.path) as other:
            other.library.get("v").update("k3", vector=query * (10 if library.metric == "dot" else 1))
        assert list(library.search(query, 5, **FEW)) == before
    assert library.search(query, 1, **FEW)[0].key == "k3"


@compiled
def test_after_many_changes_rows_are_laid_out_anew(library: Library) -> None:
    library.optimize()
    for i in range(20):
        library.update(f"k{i}", vector=clustered(7 + i, 1)[0])
        laid = layout_of(library)
        assert laid is not None
        assert len(laid.moved) < 8  # of 900
    assert 0 < N - laid.placed < 20
    assert true(library, clustered(6, 20)) >= 0.9


@compiled
def test_without_empty_slots_the_layout_stays(library: Library) -> None:
    library.optimize()
    true(library, clustered(6, 2))
    library.delete_many([item.id for item in library][::3])
    library.update("k1", vector=clustered(7, 1)[0])
    laid = layout_of(library)
    assert laid is not None
    assert laid.placed <= N * 2 // 3
    assert true(library, clustered(6, 20)) >= 0.85


def test_a_vector_that_is_only_longer_now_is_in_no_partition(db: neurograph.Database) -> None:
    points = np.random.default_rng(3).normal(size=(N, 2)).astype(np.float32)
    library = db.library.create("plane", dimension=2, metric="l2")
    library.add(points, keys=[f"k{i}" for i in range(N)])
    library.optimize()
    layout_of(library)
    for i in range(5):
        library.update(f"k{i}", vector=30 * points[i])
        assert library.search(30 * points[i], 1, **FEW)[0].key == f"k{i}"
    laid = layout_of(library)
    assert laid is not None
    assert len(laid.moved) + N - laid.placed == 5


def recall_of(library: Library, queries: np.ndarray, k: int = 10) -> float:
    """Return how many of the nearest approximate searches find, in the mean."""
    shares = []
    for query in queries:
        exact, found = library.search(query, k, engine="numba"), library.search(query, k, **FEW)
        shares.append(len({*exact.ids.tolist()} & {*found.ids.tolist()}) / k)
    return float(np.mean(shares))


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch, db: neurograph.Database) -> Library:
    """Return 6,000 vectors in partitions: with few candidates little is found of them."""
    monkeypatch.setattr(calibration, "SAMPLE", 100)
    monkeypatch.setattr(calibration, "RANKS", (1024, 4096))
    library = db.library.create("many", dimension=D)
    library.add(clustered(1, 6000))
    library.optimize()
    return library


@compiled
def test_the_recall_of_what_lies_in_no_partition_is_measured(db: neurograph.Database, many: Library) -> None:
    for item, vector in zip([*many][::256], clustered(2, 24), strict=True):  # one in every chunk
        many.update(item, vector=vector)
    with neurograph.open(db.path) as other:
        library = other.library.get("many")
        assert recall_of(library, clustered(3, 30)) >= 0.9
        laid = layout_of(library)
        assert laid is not None
        assert laid.placed == 0


@compiled
def test_codes_that_lie_by_partitions_are_measured_themselves(db: neurograph.Database, many: Library) -> None:
    with neurograph.open(db.path) as other:
        library = other.library.get("many")
        library.search(clustered(3, 1)[0], engine="numba")  # codes are read, and bits only later
        for item, vector in zip([*many][::256], clustered(2, 24), strict=True):  # one in every chunk
            library.update(item.id, vector=vector)
        assert recall_of(library, clustered(3, 30)) >= 0.9


@compiled
def test_partitions_that_others_made_count_when_all_is_read_anew(db: neurograph.Database, many: Library) -> None:
    assert recall_of(many, clustered(3, 30)) >= 0.9
    before = layout_of(many)
    with neurograph.open(db.path) as other:
        library = other.library.get("many")
        library.delete_many([item.id for item in library])
        library.add(clustered(4, 6000)[::-1])
        assert library.optimize().trained
    assert recall_of(many, clustered(3, 30)) >= 0.9
    after = layout_of(many)
    assert before is not None
    assert after is not None
    assert after.partitioning > before.partitioning
    assert after.placed == 6000


@compiled
def test_where_every_chunk_changed_only_changed_vectors_leave_their_partitions(many: Library) -> None:
    layout_of(many)
    for item, vector in zip([*many][::256], clustered(2, 24), strict=True):
        many.update(item, vector=vector)
    laid = layout_of(many)
    assert laid is not None
    assert (laid.placed, len(laid.moved)) == (6000, 24)


@compiled
def test_what_was_placed_anew_lies_in_partitions_again(library: Library) -> None:
    library.optimize()
    layout_of(library)
    for i in range(400):
        library.update(f"k{i}", vector=clustered(7 + i, 1)[0])
    assert not library.optimize().trained
    laid = layout_of(library)
    assert laid is not None
    assert (laid.placed, len(laid.moved)) == (N, 0)


@compiled
def test_what_was_measured_of_another_layout_does_not_count(db: neurograph.Database, many: Library) -> None:
    db.execute("update calibration set points = json_remove(points, '$[#-1]')")  # as files said before partitions
    with neurograph.open(db.path) as other:
        library = other.library.get("many")
        with library._session.reading() as line:
            found, _ = calibration.kept(line.connection, library._space)
        assert found is not None
        assert found.partitioning == 0
        assert recall_of(library, clustered(3, 30)) >= 0.9
        library.optimize()
        with library._session.reading() as line:
            found, _ = calibration.kept(line.connection, library._space)
        laid = layout_of(library)
        assert found is not None
        assert laid is not None
        assert found.partitioning == laid.partitioning


def test_small_partitions_are_measured_once(
    monkeypatch: pytest.MonkeyPatch, db: neurograph.Database, library: Library
) -> None:
    monkeypatch.setattr(layout, "LEAST_ROWS", 10**6)
    library.optimize()
    assert layout_of(library) is None
    monkeypatch.setattr(calibration, "measured", None)  # nobody measures again
    library.optimize()


def test_a_query_beyond_what_products_can_say_finds_true_neighbors(db: neurograph.Database) -> None:
    library = db.library.create("far", dimension=D, metric="l2")
    library.add(1e8 * (1 + clustered(1, N)))
    library.optimize()
    assert layout_of(library) is not None
    true(library, np.array([np.full(D, 3e38), np.full(D, -3e38)], np.float32))


@compiled
def test_where_few_are_left_near_others_are_found(library: Library) -> None:
    library.optimize()
    query = clustered(8, 1)[0]
    true(library, query[None])
    library.delete_many(library.search(query, 300).ids)
    assert true(library, query[None], k=10) >= 0.0


@compiled
@pytest.mark.parametrize(
    "damage",
    [
        "update partition_center set centroid = zeroblob(3)",
        "delete from partition_center where number = 1",
        "update partition_chunk set numbers = zeroblob(1024)",
        "update partition_chunk set nonce = nonce + 1",
        "update partition_chunk set numbers = randomblob(1024)",
        "delete from partition_chunk",
        "delete from partitioning",
    ],
)
def test_damaged_partitions_cost_no_true_answer(db: neurograph.Database, library: Library, damage: str) -> None:
    library.optimize()
    db.execute(damage)
    with neurograph.open(db.path) as other:
        true(other.library.get("v"), clustered(9, 5))
    db.drop_derived()


@compiled
def test_what_was_measured_is_kept_for_the_next_process(
    db: neurograph.Database, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.optimize()
    query = clustered(2, 1)[0]
    partitions = looked_at(library, monkeypatch, query)
    found = library.search(query, 5, **FEW)
    with neurograph.open(db.path, mode="r") as reader, monkeypatch.context() as patch:
        patch.setattr(calibration, "measured", None)  # nobody measures again
        theirs = reader.library.get("v")
        assert looked_at(theirs, monkeypatch, query) == partitions
        assert list(theirs.search(query, 5, **FEW)) == list(found)
