"""Many tokens in one call: bulk equals row by row, table for table, on each way a batch can go."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurograph
from effort import examples
from neurograph.errors import Conflict, Interrupted, NeurographError, RuleViolated, TokenNotFound
from neurograph.model.levels import COORDINATE_COLUMNS, LEVELS
from neurograph.model.token import TOKEN_COLUMNS
from neurograph.stores.bulk import bulk
from neurograph.stores.tokens.insert import insert_sql, statement_rows

# What differs by nature: identities, times, nonces.
COMPARED = ", ".join(name for name in TOKEN_COLUMNS if name not in ("uid", "created_ns", "modified_ns"))
TABLES = {
    "token": f"select {COMPARED} from token order by id",
    "mark": "select subject, chunk from mark order by subject, chunk",
    "degree": "select * from degree",
    "edge": "select source, target from edge",
    "displaced_token": "select * from displaced_token",
    "sqlite_sequence": "select * from sqlite_sequence where name = 'token'",
}
SINGLE = ("entity_type", "domain", "flags", "weight", "field_radius", "field_strength")
Batch = dict[str, Any]


def contents(db: neurograph.Database) -> dict[str, list[tuple[Any, ...]]]:
    return {table: db.execute(sql).fetchall() for table, sql in TABLES.items()}


def mind() -> neurograph.Database:
    """Return a database with tokens that exist, ids that are used up, an edge and types of a user's own."""
    db = neurograph.open(":memory:")
    db.execute("insert into entity_type (code, name) values (256, 'dream'), (257, 'fear')")
    db.execute("insert into domain values (400, 'night')")
    db.execute("insert into token (id, label) values (3, 'three'), (510, 'old'), (511, 'gone')")
    db.execute("insert into edge (source, target) values (3, 510); delete from token where id = 511")
    return db


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """Columns of a batch that is legal, but for labels that may exist or repeat, and weights beyond the limit."""
    n = draw(st.sampled_from([0, 1, 2, 7, 63, 64, 127, 128, 129, 600]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    batch: Batch = {"count": n}
    kinds = ["concept", "undefined", "dream", 7, 257]
    column: dict[str, Callable[[], Any]] = {
        "entity_type": lambda: [kinds[i] for i in rng.integers(0, 5, n)],
        "domain": lambda: rng.choice([0, 3, 400], n),
        "flags": lambda: rng.integers(0, 65536, n),
        "weight": lambda: rng.random(n).round(3) * draw(st.sampled_from([1.0, 1.0, 1.001])),
        "field_radius": lambda: rng.random(n).astype(np.float32),
        "field_strength": lambda: rng.integers(0, 2, n),
    }
    for name in draw(st.sets(st.sampled_from(SINGLE))):
        values = column[name]()
        batch[name] = values if draw(st.booleans()) or not n else values[0]
    if draw(st.booleans()):
        names = [f"w{i}" for i in (rng.permutation(n) if draw(st.booleans()) else range(n))]
        for name in draw(st.lists(st.sampled_from([None, "three", "gone", "w0"]), max_size=3)):
            if n:
                names[rng.integers(0, n)] = name
        batch["labels"] = sorted(names, key=str) if draw(st.booleans()) else names
    if draw(st.booleans()):
        places = rng.normal(size=(n, 8, 3))
        places[rng.random((n, 8)) < 0.4] = np.nan
        some = draw(st.sets(st.sampled_from(LEVELS)))
        batch["coordinates"] = {level: places[:, LEVELS.index(level)] for level in some} if some else places
    if draw(st.booleans()):
        texts = [None, {}, {"a": 1}, '{"b": [2]}', {"c": "ü"}]
        batch["properties"] = [texts[i] for i in rng.integers(0, 5, n)]
    return batch


def rows_of(batch: Batch) -> list[dict[str, Any]]:
    """Return the same batch as arguments of `create`, one token after the other."""
    rows = []
    for index in range(batch["count"]):
        row: dict[str, Any] = {"label": batch["labels"][index]} if "labels" in batch else {}
        for name in SINGLE:
            if name in batch:
                value = batch[name]
                row[name] = value if isinstance(value, str) or np.ndim(value) == 0 else value[index]
        places = batch.get("coordinates", {})
        if isinstance(places, np.ndarray):
            places = {level: places[:, at] for at, level in enumerate(LEVELS)}
        points = {level: tuple(column[index]) for level, column in places.items()}
        row["coordinates"] = {level: None if np.isnan(point[0]) else point for level, point in points.items()}
        if "properties" in batch and batch["properties"][index] is not None:
            text = batch["properties"][index]
            row["properties"] = {"b": [2]} if isinstance(text, str) else text
        rows.append(row)
    return rows


def compact(db: neurograph.Database) -> None:
    db.execute("update token set properties = json(properties) where properties is not null")


@settings(max_examples=examples(60), deadline=None)
@given(first=batches(), second=batches())
def test_bulk_equals_row_by_row(first: Batch, second: Batch) -> None:
    with mind() as fast, mind() as slow, mind() as single:
        for batch in (first, second):
            outcomes: list[Any] = []
            for db, fewest in ((fast, 1), (slow, 10**9)):
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr("neurograph.stores.tokens.insert.FEWEST_WITHOUT_TRIGGERS", fewest)
                    try:
                        outcomes.append(db.tokens.create_many(**batch).tolist())
                    except NeurographError as error:
                        outcomes.append(type(error))
            try:
                with single.transaction():
                    outcomes.append([single.tokens.create(**row).id for row in rows_of(batch)])
            except NeurographError as error:
                outcomes.append(type(error))
            if outcomes[0] in (Conflict, RuleViolated):  # which rule speaks first may differ
                assert all(outcome in (Conflict, RuleViolated) for outcome in outcomes)
            else:
                assert outcomes[0] == outcomes[1] == outcomes[2]
            for db in (fast, slow, single):
                compact(db)
            assert contents(fast) == contents(slow) == contents(single)
        assert fast.check() == slow.check() == single.check() == []


@settings(max_examples=examples(60), deadline=None)
@given(batch=batches(), update=st.booleans())
def test_keeping_or_updating_equals_an_upsert_row_by_row(batch: Batch, update: bool) -> None:
    batch.setdefault("labels", [f"w{i % 5}" for i in range(batch["count"])])
    batch.pop("weight", None)
    with mind() as bulk, mind() as naive:
        got = bulk.tokens.create_many(**batch, on_conflict="update" if update else "ignore")
        expected = []
        for row in rows_of(batch):
            label = row.pop("label")
            if label is None or label not in naive.tokens:
                expected.append(naive.tokens.create(label, **row).id)
                continue
            expected.append(naive.tokens.get(label).id)
            if update:
                if "properties" in batch:
                    row.setdefault("properties", None)
                naive.tokens.update(label, **row)
        for db in (bulk, naive):
            compact(db)
        assert got.tolist() == expected
        assert contents(bulk)["token"] == contents(naive)["token"]
        assert contents(bulk)["mark"] == contents(naive)["mark"]
        assert bulk.check() == []


@settings(max_examples=examples(30), deadline=None)
@given(st.data())
def test_moving_many_equals_moving_each(data: st.DataObject) -> None:
    n = data.draw(st.sampled_from([0, 1, 5, 64, 700]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    level = data.draw(st.sampled_from([None, "social", "L1"]))
    places = rng.normal(size=(n, 8, 3) if level is None else (n, 3))
    places[rng.random(places.shape[:-1]) < 0.3] = np.nan
    with mind() as bulk, mind() as naive:
        for db in (bulk, naive):
            db.tokens.create_many(count=700, coordinates=np.ones((700, 8, 3)))
        ids = rng.integers(512, 1212, n)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("neurograph.stores.tokens.space.FEWEST_WITHOUT_TRIGGERS", 1)
            bulk.tokens.set_coordinates(ids, places, level)
        for id, place in zip(ids.tolist(), places, strict=True):
            points = dict(zip(LEVELS, place, strict=True)) if level is None else {level: place}
            naive.tokens.update(
                id, coordinates={name: None if np.isnan(p[0]) else p.tolist() for name, p in points.items()}
            )
        assert contents(bulk) == contents(naive)
        got, read = bulk.tokens.coordinates(level)
        assert got.tolist() == [token.id for token in naive.tokens]
        assert np.array_equal(read, naive.tokens.coordinates(level)[1], equal_nan=True)


def test_a_moved_token_gets_a_new_nonce_and_time(db: neurograph.Database) -> None:
    ids = db.tokens.create_many(count=1500)
    before = db.execute("select chunk, nonce from mark").fetchall()
    older = db.execute("select max(modified_ns) from token").fetchone()
    db.tokens.set_coordinates(ids[:600], np.ones((600, 3)), "social")
    after = db.execute("select chunk, nonce from mark").fetchall()
    assert [old != new for old, new in zip(before, after, strict=True)] == [True, True, False]
    assert db.execute("select min(modified_ns) from token where id <= 600").fetchone() > older


def test_triggers_are_left_out_only_where_all_of_them_are_ours(db: neurograph.Database) -> None:
    def fast() -> bool:
        with bulk(db._session, "token") as work:
            return work.fast

    assert fast()
    ours = db.execute("select sql from sqlite_schema where name = 'token_insert'").fetchone()
    for theirs, undo in (
        ("create trigger user_log after insert on Token begin select 1; end", "drop trigger user_log"),
        ("create temp trigger user_log after insert on main.token begin select 1; end", "drop trigger user_log"),
        ("drop trigger token_insert", ours[0] if ours else ""),
    ):
        db.execute(theirs)
        assert not fast()
        db.execute(undo)
        assert fast()


def test_a_users_own_trigger_is_never_walked_past(db: neurograph.Database) -> None:
    db.execute("create table log (id integer primary key, label text)")
    db.execute("create trigger user_log after insert on TOKEN begin insert into log values (new.id, new.label); end")
    ids = db.tokens.create_many([f"w{i}" for i in range(200)])
    assert db.execute("select id from log").fetchall() == [(id,) for id in ids.tolist()]
    db.execute("drop trigger user_log; delete from log")
    db.tokens.create_many(count=200)
    assert db.execute("select count(*) from log").fetchone() == (0,)


def test_ids_are_right_where_a_users_trigger_inserts_tokens_too(db: neurograph.Database) -> None:
    db.execute("""create trigger user_twin after insert on token when new.label not glob '*''*'
                  begin insert into token (label) values (new.label || ''''); end""")
    ids = db.tokens.create_many([f"w{i}" for i in range(100)])
    assert db.tokens.ids_to_labels(ids) == [f"w{i}" for i in range(100)]


def test_triggers_are_on_again_after_a_bulk_call_that_failed(db: neurograph.Database) -> None:
    db.tokens.create("taken")
    with pytest.raises(Conflict, match="got 'taken' at index 100, which token 1 has"):
        db.tokens.create_many([*(f"w{i}" for i in range(100)), "taken", *(f"x{i}" for i in range(100))])
    assert db.tokens.count() == 1
    with pytest.raises(RuleViolated):
        db.execute("insert into token (weight) values (7)")


def test_a_bulk_call_that_is_interrupted_leaves_nothing(db: neurograph.Database) -> None:
    over = threading.Event()

    def interrupt() -> None:
        while not over.wait(0.001):
            db.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(Interrupted):
            db.tokens.create_many(count=50_000_000)
    finally:
        over.set()
        thread.join()
    assert db.tokens.count() == 0
    with pytest.raises(RuleViolated):  # the triggers are on again
        db.execute("insert into token (weight) values (7)")


def test_a_bulk_call_inside_a_transaction_is_undone_with_it(db: neurograph.Database) -> None:
    db.begin()
    db.tokens.create_many([f"w{i}" for i in range(300)])
    with pytest.raises(Conflict):
        db.tokens.create_many(["new", "w7"])
    assert db.tokens.count() == 300
    db.rollback()
    assert db.tokens.count() == 0
    assert db.execute("select count(*) from mark").fetchone() == (0,)


def test_a_bulk_call_while_rows_are_being_read_disturbs_neither(db: neurograph.Database) -> None:
    db.tokens.create_many(count=300)
    with db.transaction():
        seen = []
        for token in db.tokens:
            seen.append(token.id)
            if token.id == 100:
                db.tokens.create_many(count=100, weight=0.25)
    assert seen == [*range(1, 401)]
    assert db.tokens.count() == 400


def test_get_many_keeps_the_given_order_and_repeats(db: neurograph.Database) -> None:
    db.tokens.create_many([f"w{i}" for i in range(10_000)])
    wanted = [9_999, "w5", db.tokens.get("w7"), 9_999, np.int32(3), np.str_("w0")]
    assert [token.label for token in db.tokens.get_many(wanted)] == ["w9998", "w5", "w7", "w9998", "w2", "w0"]
    ids = np.random.default_rng(1).permutation(10_000) + 1
    assert [token.id for token in db.tokens.get_many(ids)] == ids.tolist()
    assert db.tokens.get_many([]) == db.tokens.get_many(np.empty(0, np.int64)) == []
    assert [t.id for t in db.tokens.get_many([10_001, "w1", "no", 4], missing="skip")] == [2, 4]
    with pytest.raises(TokenNotFound, match="no token has the id 10001 at index 5000"):
        db.tokens.get_many([*range(1, 5001), 10_001])


def test_delete_many_counts_each_token_once(db: neurograph.Database) -> None:
    ids = db.tokens.create_many([f"w{i}" for i in range(6000)])
    db.execute("insert into edge (source, target) values (1, 2), (6000, 3), (5000, 4)")
    with pytest.raises(TokenNotFound, match="'nobody' at index 2"):
        db.tokens.delete_many([1, 2, "nobody"])
    assert db.tokens.count() == 6000
    assert db.tokens.delete_many([1, "w0", 1, "nobody", 99_999], missing="skip") == 1
    assert db.tokens.delete_many(ids[1:5000]) == 4999
    assert db.execute("select source, target from edge").fetchall() == []
    assert db.tokens.count() == 1000


def test_one_place_for_all_and_undefined_levels(db: neurograph.Database) -> None:
    nowhere = [[np.nan] * 3] * 200
    db.tokens.create_many(count=200, coordinates={"social": (1, 2, 3), "motor": nowhere, "L1": [None, (4, 5, 6)] * 100})
    odd, even = db.tokens.get_many([1, 2])
    assert (odd.coordinates, even.coordinates) == (
        {"social": (1.0, 2.0, 3.0)},
        {"physical": (4.0, 5.0, 6.0), "social": (1.0, 2.0, 3.0)},
    )
    assert len(COORDINATE_COLUMNS) == db.tokens.coordinates()[1][0].size


def test_memory_stays_flat(db: neurograph.Database) -> None:
    peaks = []
    for n in (1_000, 30_000, 90_000):  # the first imports what is imported once
        places = {level: np.random.default_rng(0).random((n, 3)) for level in ("physical", "social", "abstract")}
        labels = [f"{n} w{i}" for i in range(n)]
        tracemalloc.start()
        try:
            db.tokens.create_many(labels, coordinates=places, weight=places["social"][:, 0])
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[2] < 1.3 * peaks[1]


def test_no_statement_is_too_long_to_stay_prepared() -> None:
    every = tuple(name for name in TOKEN_COLUMNS if name != "uid")
    for cut in (0, 1, 4, len(every)):
        columns, same = every[:cut], every[cut:]
        rows = statement_rows(columns, same)
        assert rows >= 32
        assert len(insert_sql(columns, same, rows)) <= 16_000 < 2**14
