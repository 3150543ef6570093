"""The weave: exactly the k nearest by definition, its own links and nobody else's, whatever happened in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import naive_bootstrap as naive
import numpy as np
import pytest

import neurograph
from neurograph import Library, errors
from neurograph.flows.bootstrap import weaving
from stock import STOCK, Module, Shell

N = 60
RNG = np.random.default_rng(17)
VECTORS = RNG.integers(-2, 3, (N, 4)).astype(np.float32)  # duplicates, ties, and some without length


def filled(db: neurograph.Database, metric: str = "cosine") -> Library:
    library = db.library.create("words", dimension=4, metric=metric)
    library.add(VECTORS, keys=[f"w{n}" for n in range(N)])
    db.make_tokens(library)
    return library


@pytest.fixture
def words(db: neurograph.Database) -> Library:
    return filled(db)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("k", [0, 1, 7, N + 5])
def test_it_is_what_every_distance_says(db: neurograph.Database, metric: str, k: int) -> None:
    words = filled(db, metric)
    expected = naive.weave(db, words, k, 0.5)
    assert db.weave(words, k=k, decay=0.5) == (len(expected), len(expected), 0, 0, 0)
    assert naive.woven(db) == expected


def test_blocks_are_seamless(db: neurograph.Database, words: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weaving, "MOST_TOKENS", 7)
    told: list[tuple[str, int, int | None]] = []
    db.weave(words, k=3, progress=lambda *what: told.append(what))
    assert told == [("links", done, N) for done in (7, 14, 21, 28, 35, 42, 49, 56, 60)]
    assert naive.woven(db) == naive.weave(db, words, 3)


def test_a_weight_falls_with_the_distance(db: neurograph.Database) -> None:
    line = db.library.create("line", dimension=1, metric="l2")
    line.add([[0], [4], [100]], keys=["a", "b", "c"])
    db.make_tokens(line)
    db.weave(line, k=1, type="related_to", key="mine")
    found = {(edge.source, edge.target): edge.weight for edge in db.graph.list(types="related_to")}
    assert found == {(1, 2): 1 / (1 + 4 * 0.1), (2, 1): 1 / (1 + 4 * 0.1), (3, 2): 1 / (1 + 96 * 0.1)}
    assert {edge.key for edge in db.graph.list()} == {"mine"}


def test_a_second_run_writes_nothing(db: neurograph.Database, words: Library) -> None:
    db.weave(words, k=4)
    before = [db.execute(f"select * from {table}").fetchall() for table in ("edge", "mark", "degree")]
    assert db.weave(words, k=4) == (4 * N, 0, 0, 0, 0)
    assert [db.execute(f"select * from {table}").fetchall() for table in ("edge", "mark", "degree")] == before


def test_it_follows_what_changed(db: neurograph.Database, words: Library) -> None:
    db.weave(words, k=4)
    words.delete_many(["w3", "w14"])  # their tokens stay
    words.update("w20", vector=[5, 5, -5, 5])
    words.update("w21", vector=None)
    words.update("w22", token=None)
    words.add([[1, 2, 3, 4]], keys=["new"])
    db.make_tokens(words, where="key = 'new'")
    db.tokens.delete("w40")
    done = db.weave(words, k=4)
    assert naive.woven(db) == naive.weave(db, words, 4)
    assert done.links == 4 * (N - 2 - 1 - 2 + 1)
    assert min(done.created, done.deleted) > 20


def test_fewer_farther_or_others_take_the_place_of_the_old_links(db: neurograph.Database, words: Library) -> None:
    db.weave(words, k=9)
    db.weave(words, k=5, max_distance=0.3, decay=2.0)
    assert naive.woven(db) == naive.weave(db, words, 5, 2.0, max_distance=0.3)
    db.weave(words, k=3, where=("key < ?", ["w3"]))
    chosen = {item.id for item in words if (item.key or "") < "w3"}
    assert 3 < len(chosen) < N
    assert naive.woven(db) == naive.weave(db, words, 3, allowed=chosen)


def test_a_condition_may_ask_for_tokens(db: neurograph.Database, words: Library) -> None:
    db.execute("update token set weight = 0.9 where id % 3 = 0")
    db.weave(words, k=2, where="token.weight > 0.5")
    chosen = {item.id for item in words if (item.token_id or 0) % 3 == 0}
    assert naive.woven(db) == naive.weave(db, words, 2, allowed=chosen)


def test_other_links_stay_as_they_are(db: neurograph.Database, words: Library) -> None:
    db.graph.create("w1", "w2", type="similar_to", weight=0.25)
    db.graph.create("w1", "w2", type="before", key="words", weight=0.25)
    db.graph.create("w2", "w3", type="similar_to", key="by hand", bidirectional=True)
    others = "select * from edge where (type, key) <> (82, 'words')"
    before = db.execute(others).fetchall()
    assert db.connection_types.get("similar_to").code == 82
    for k in (5, 2, 0):
        db.weave(words, k=k)
        assert db.execute(others).fetchall() == before
    assert naive.woven(db) == {}


def test_many_links_go_in_several_transactions(
    db: neurograph.Database, words: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weaving, "MOST_DELETED", 50)
    db.weave(words, k=20)
    assert db.weave(words, k=3)[1:] == (0, 0, 17 * N, 0)
    assert naive.woven(db) == naive.weave(db, words, 3)
    assert db.weave(words, k=3, where="false") == (0, 0, 0, 3 * N, 0)


def test_two_libraries_are_woven_beside_each_other(db: neurograph.Database, words: Library) -> None:
    more = db.library.create("more", dimension=2, metric="l2")
    more.add(RNG.normal(size=(20, 2)), keys=[f"w{n}" for n in range(20)])
    db.bootstrap(more, k=3)
    db.weave(words, k=3)
    assert naive.woven(db) == naive.weave(db, words, 3)
    assert naive.woven(db, "more") == naive.weave(db, more, 3)


def test_items_of_one_token_share_its_links(
    db: neurograph.Database, words: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weaving, "MOST_TOKENS", 2)
    for key in ("w7", "w33", "w50"):
        words.update(key, token="w2")
    db.weave(words, k=4)
    assert naive.woven(db) == naive.weave(db, words, 4)
    assert db.weave(words, k=4)[1:] == (0, 0, 0, 0)


def test_weights_that_learning_changed_stay_when_asked(db: neurograph.Database, words: Library) -> None:
    db.weave(words, k=2)
    link, weight = next(iter(naive.woven(db).items()))
    db.graph.update(*link, type="similar_to", key="words", weight=0.125)
    assert db.weave(words, k=2, on_conflict="ignore") == (2 * N, 0, 0, 0, 0)
    assert naive.woven(db)[link] == 0.125
    assert db.weave(words, k=2) == (2 * N, 0, 1, 0, 0)
    assert naive.woven(db)[link] == weight


def test_what_was_broken_off_is_gone_on_with(
    db: neurograph.Database, words: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weaving, "MOST_TOKENS", 8)

    def press(what: str, done: int, total: int | None) -> None:
        if done == 24:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        db.weave(words, k=3, progress=press)
    assert len(naive.woven(db)) == 72
    told: list[tuple[str, int, int | None]] = []
    assert db.weave(words, k=3, resume=True, progress=lambda *what: told.append(what)) == (3 * N, 3 * N - 72, 0, 0, 0)
    assert told[-1] == ("links", N - 24, N - 24)
    assert naive.woven(db) == naive.weave(db, words, 3)


def test_going_on_links_what_was_added_and_leaves_the_others(db: neurograph.Database, words: Library) -> None:
    db.weave(words, k=3)
    before = naive.woven(db)
    words.add([[1, 2, 2, 1], [2, 1, 1, 2]], keys=["x", "y"])
    db.make_tokens(words)
    assert db.weave(words, k=3, resume=True) == (3 * N + 6, 6, 0, 0, 0)
    assert before.items() <= naive.woven(db).items()
    db.weave(words, k=3)
    assert naive.woven(db) == naive.weave(db, words, 3)


def test_going_on_makes_up_for_what_was_deleted(db: neurograph.Database, words: Library) -> None:
    db.weave(words, k=3)
    db.tokens.delete_many(["w1", "w17", "w33"])
    told: list[tuple[str, int, int | None]] = []
    db.weave(words, k=3, resume=True, progress=lambda *what: told.append(what))
    assert told[-1][1] < N / 2
    assert naive.woven(db) == naive.weave(db, words, 3)


def test_others_write_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weaving, "MOST_TOKENS", 20)
    with neurograph.open(tmp_path / "mind.ngdb") as db, neurograph.open(tmp_path / "mind.ngdb") as other:
        words = filled(db)
        other.tokens.create("first")
        db.weave(words, k=3, progress=lambda what, done, total: other.graph.create("first", f"w{done - 1}"))
        assert other.graph.count(source="first") == 3
        assert naive.woven(other) == naive.weave(db, words, 3)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happened_it_is_what_every_distance_says(db: neurograph.Database, seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = db.library.create("words", dimension=3, metric=("cosine", "l2")[seed % 2])
    words.add(rng.integers(-2, 3, (25, 3)), keys=[f"w{n}" for n in range(25)])

    def one() -> str:
        return words.list(None)[int(rng.integers(len(words)))].key or ""

    def token_of(key: str) -> int | None:
        return words.get(key).token_id

    steps: list[Callable[[], Any]] = [
        lambda: words.add(rng.integers(-2, 3, (2, 3)), keys=[f"n{rng.integers(1 << 60)}" for _ in range(2)]),
        lambda: words.delete(one()),
        lambda: words.update(one(), vector=rng.integers(-2, 3, 3)),
        lambda: words.update(one(), token=token_of(one())),
        lambda: words.update(one(), vector=None),
        lambda: db.tokens.delete_many([token for token in [token_of(one())] if token is not None]),
        lambda: db.make_tokens(words),
        lambda: db.weave(words, k=int(rng.integers(5))),
    ]
    for _ in range(12):
        for step in rng.integers(0, len(steps), 4).tolist():
            if rng.random() < 0.3:
                db.begin()
                steps[step]()
                db.rollback()
            steps[step]()
        db.weave(words, k=3)
        assert naive.woven(db) == naive.weave(db, words, 3)
        before = db.execute("select * from mark order by subject, chunk").fetchall()
        assert db.weave(words, k=3)[1:] == (0, 0, 0, 0)
        assert db.execute("select * from mark order by subject, chunk").fetchall() == before


def test_links_that_carry_a_connection_stay_and_are_counted(db: neurograph.Database, words: Library) -> None:
    db.weave(words, k=4)
    all_links = naive.woven(db)
    links = sorted({*all_links} - {*naive.weave(db, words, 1)})
    for source, target in links[:5]:
        db.connections.create(source, target, type="similar_to", key="words")
    assert db.weave(words, k=1) == (N + 5, 0, 0, 3 * N - 5, 5)
    assert naive.woven(db) == naive.weave(db, words, 1) | {link: all_links[link] for link in links[:5]}
    assert db.weave(words, k=1) == (N + 5, 0, 0, 0, 5)
    assert db.weave(words, k=1, where="false") == (5, 0, 0, N, 5)  # their tokens are not woven any more
    assert db.connections.count() == 5
    assert db.weave(words, k=4) == (4 * N, 4 * N - 5, 0, 0, 0)
    assert db.check() == []


def test_bootstrap_keeps_what_feedback_taught_when_asked(db: neurograph.Database, words: Library) -> None:
    db.bootstrap(words, k=3)
    found = db.query(words.vector("w1"), depth=1, seeds=1)
    said = found.feedback("positive", next(hit for hit in found if any(len(leg.path) > 1 for leg in hit.legs)))
    taught = {(one.place[0], one.place[2]): one.after["weight"] for one in said.changes if one.subject == "edge"}
    assert taught
    for k in (3, 4):
        assert db.bootstrap(words, k=k, weights="ignore").links is not None
        now = naive.woven(db)
        assert {link: now.get(link) for link in taught} == taught
    assert db.bootstrap(words, k=3).links is not None
    assert naive.woven(db) == naive.weave(db, words, 3)
    with pytest.raises(errors.InvalidValue, match="weights must be one of update, ignore, got 'keep'"):
        db.bootstrap(words, weights="keep")


def test_in_a_transaction_all_of_it_is_undone(db: neurograph.Database, words: Library) -> None:
    tables = "edge", "degree", "mark", "item", "token"
    before = [db.execute(f"select * from {table}").fetchall() for table in tables]
    db.begin()
    words.add([[1, 2, 2, 1]], keys=["x"])
    db.make_tokens(words)
    db.weave(words, k=3)
    assert naive.woven(db) == naive.weave(db, words, 3)  # it sees what nobody else does
    db.rollback()
    assert [db.execute(f"select * from {table}").fetchall() for table in tables] == before


def test_it_ends_when_its_time_is_up(db: neurograph.Database, words: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weaving, "MOST_TOKENS", 8)
    now = 0.0
    monkeypatch.setattr(weaving, "monotonic", lambda: now)

    def later(what: str, done: int, total: int | None) -> None:
        nonlocal now
        now = 1000.0 if done == 16 else now

    with pytest.raises(errors.DeadlineExceeded):
        db.weave(words, k=3, progress=later, timeout_s=999.0)
    assert len(naive.woven(db)) == 48
    assert db.weave(words, k=3, timeout_s=999.0).links == 3 * N


@pytest.mark.parametrize("stock", STOCK)
def test_what_a_stock_shell_changed_is_made_good(tmp_path: Path, stock: Shell | Module) -> None:
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        words = filled(db)
        db.weave(words, k=3)
        vector = f"x'{np.float32([9, 8, -7, 6]).astype('<f4').tobytes().hex()}'"
        said = stock.write(
            path,
            [
                "delete from token where label = 'w5'",
                "delete from item where key = 'w6'",
                f"update embedding set vector = {vector} where id = (select id from item where key = 'w9')",
                f"insert into entry (library, key, vector) values ('words', 'theirs', {vector})",
                "update embedding set vector = x'0000c07f000000000000000000000000' where id & 4294967295 = 31",
                "delete from edge where source = 12",
            ],
        )
        assert said == [""] * 6
        db.make_tokens(words)
        db.weave(words, k=3)
        assert naive.woven(db) == naive.weave(db, words, 3)
        assert [found.row for found in db.check()] == [str((words.id << 32) + 31)]  # the vector without numbers


def test_tokens_that_go_while_others_are_searched_are_passed_over(
    db: neurograph.Database, words: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weaving, "MOST_TOKENS", 16)
    search = weaving._search

    def meanwhile(*given: Any) -> Any:
        found = search(*given)
        if "w1" in db.tokens:
            db.tokens.delete_many(["w1", "w30", "w59"])
        return found

    monkeypatch.setattr(weaving, "_search", meanwhile)
    db.weave(words, k=3)
    gone = {edge for edge in naive.woven(db) if {2, 31, 60} & set(edge)}
    assert not gone
    db.weave(words, k=3)
    assert naive.woven(db) == naive.weave(db, words, 3)


def test_a_library_that_is_dropped_meanwhile_ends_it(
    db: neurograph.Database, words: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weaving, "MOST_TOKENS", 16)
    with pytest.raises(errors.LibraryNotFound, match="'words' was dropped"):
        db.weave(words, k=3, progress=lambda what, done, total: db.library.drop("words"))
    assert len(naive.woven(db)) == 48


def test_items_that_get_another_token_meanwhile_are_passed_over(
    db: neurograph.Database, words: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weaving, "MOST_TOKENS", 16)
    db.weave(words, k=3)
    search = weaving._search

    def meanwhile(*given: Any) -> Any:
        found = search(*given)
        words.update("w1", token="w40")
        words.update("w50", token="w2")
        return found

    monkeypatch.setattr(weaving, "_search", meanwhile)
    db.weave(words, k=3)
    monkeypatch.undo()
    db.weave(words, k=3)
    assert naive.woven(db) == naive.weave(db, words, 3)


def test_networkx_sees_every_token_with_k_links(db: neurograph.Database, words: Library) -> None:
    networkx = pytest.importorskip("networkx")
    db.weave(words, k=5)
    graph = networkx.MultiDiGraph(db.graph.to_networkx())
    assert {degree for _, degree in graph.out_degree()} == {5}
    assert sum(degree for _, degree in graph.in_degree()) == 5 * N
    assert not list(networkx.selfloop_edges(graph))


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda db: db.weave("word"), errors.LibraryNotFound, "no library has the name 'word'"),
        (lambda db: db.weave("words", k=-1), errors.InvalidValue, "k must be in"),
        (lambda db: db.weave("words", decay=-1), errors.InvalidValue, "decay must be in [0, inf], got -1.0"),
        (lambda db: db.weave("words", type="x"), errors.UnknownName, "connection_type must be one of"),
        (lambda db: db.weave("words", key="a\0"), errors.InvalidValue, "key must be text"),
        (
            lambda db: db.weave("words", max_distance=-1),
            errors.InvalidValue,
            "max_distance must be in [0, inf], got -1.0",
        ),
        (lambda db: db.weave("words", max_distance="x"), errors.InvalidValue, "max_distance must be a number"),
        (lambda db: db.weave("words", where="1) or (1"), errors.InvalidValue, "where must be an SQL condition"),
        (lambda db: db.weave("words", on_conflict="error"), errors.InvalidValue, "on_conflict must be one of update,"),
        (lambda db: db.weave("words", progress="x"), errors.InvalidValue, "progress must be True, False"),
        (lambda db: db.weave("words", timeout_s=0), errors.DeadlineExceeded, ""),
        (lambda db: db.weave("dots"), errors.InvalidValue, "library must have the metric 'cosine' or 'l2', got 'dots'"),
    ],
)
def test_what_is_wrong_is_said(
    db: neurograph.Database, words: Library, call: Callable[..., Any], error: type[Exception], said: str
) -> None:
    db.library.create("dots", dimension=2, metric="dot")
    with pytest.raises(error) as caught:
        call(db)
    assert str(caught.value).startswith(said)
    assert naive.woven(db) == {}
