"""Many at once equals one by one, table for table; and a batch is refused whole."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

import neurograph
from neurograph.errors import Conflict, InvalidValue, RuleViolated, TokenNotFound, UnknownName
from neurograph.stores.connections import many_bulk

TABLES = ("edge", "connection", "degree", "sqlite_sequence")
TOKENS = 12


def contents(db: neurograph.Database) -> list[Any]:
    tables = [sorted(db.execute(f"select * from {table}").fetchall(), key=repr) for table in TABLES]
    return [*tables, db.execute("select subject, chunk from mark order by 1, 2").fetchall()]


@pytest.fixture(params=[True, False], ids=["bulk", "rows"])
def in_bulk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Let even the smallest batch go without triggers, or none at all."""
    monkeypatch.setattr(many_bulk, "FEWEST_ROWS", 0 if request.param else 10**9)
    return request.param


def mind(seed: int) -> neurograph.Database:
    """Return tokens and some edges, one bidirectional."""
    rng = random.Random(seed)
    db = neurograph.open(":memory:")
    db.tokens.create_many([f"t{n}" for n in range(1, TOKENS + 1)])
    db.connection_types.create("mine", mutability="hypothesis")
    for source in range(1, 6):
        db.graph.create(source, source + 1, type="fears", key="k", weight=rng.random(), bidirectional=source == 3)
    return db


def random_columns(rng: random.Random, n: int) -> dict[str, Any]:
    """Return columns of n connections: each parameter one value for all, n values, or left out."""
    pairs = [rng.sample(range(1, TOKENS + 1), 2) for _ in range(n)]
    choices: dict[str, Any] = {
        "type": (lambda: rng.choice(("fears", "antonym", "mine", 80)), 1.0),
        "weight": (lambda: rng.choice((0.25, 0.5, 1.0)), 0.5),
        "bidirectional": (lambda: rng.random() < 0.1, 0.3),
        "rigidity": (rng.random, 0.7),
        "pull": (lambda: rng.uniform(-10, 10), 0.7),
        "preferred_distance": (lambda: rng.choice((0.01, 1, 100.0)), 0.7),
        "active_levels": (lambda: rng.randrange(256), 0.7),
        "flags": (lambda: rng.choice((0, 1, 3)), 0.7),
        "mutability": (lambda: rng.choice(("learnable", "hypothesis", 0)), 0.5),
        "confidence": (rng.random, 0.7),
        "learning_rate": (rng.random, 0.7),
        "decay_rate": (rng.random, 0.7),
        "origin": (lambda: rng.randrange(5), 0.7),
        "properties": (lambda: rng.choice(({"a": 1}, {})), 0.3),
    }
    columns: dict[str, Any] = {"source": [a for a, _ in pairs], "target": [b for _, b in pairs]}
    columns["key"] = [rng.choice(("", "k", str(row))) for row in range(n)]
    for name, (value, share) in choices.items():
        if rng.random() < share:
            columns[name] = value() if rng.random() < 0.3 else [value() for _ in range(n)]
    if rng.random() < 0.5:
        columns["aim"] = [[rng.uniform(-1, 1) for _ in range(8)] for _ in range(n)]
    return columns


@pytest.mark.parametrize("seed", range(40))
def test_many_at_once_equals_one_by_one(seed, in_bulk):
    rng = random.Random(seed)
    columns = random_columns(rng, rng.choice((0, 1, 5, 20)))
    n = len(columns["source"])
    with mind(seed) as many, mind(seed) as single:
        outcomes: list[Any] = []
        for db in (many, single):
            before = contents(db)
            try:
                with db.transaction():
                    if db is many:
                        mixed = ("properties", "type", "mutability")  # an array would make strings of all
                        arrays = {
                            name: np.array(column) if isinstance(column, list) and name not in mixed and n else column
                            for name, column in columns.items()
                        }
                        ids = db.connections.create_many(arrays.pop("source"), arrays.pop("target"), now_ns=5, **arrays)
                        assert ids.dtype == np.int64
                        outcomes.append(ids.tolist())
                    else:
                        rows = [
                            {
                                name: column[row] if isinstance(column, list) else column
                                for name, column in columns.items()
                            }
                            for row in range(n)
                        ]
                        made = [db.connections.create(r.pop("source"), r.pop("target"), now_ns=5, **r) for r in rows]
                        outcomes.append([connection.id for connection in made])
            except (Conflict, RuleViolated):  # which of a batch's errors comes first may differ
                outcomes.append("refused")
                assert contents(db) == before
        assert outcomes[0] == outcomes[1]
        assert contents(many) == contents(single)
        assert many.check() == []


@pytest.fixture
def empty(db: neurograph.Database) -> neurograph.Database:
    db.tokens.create_many([f"t{n}" for n in range(1, TOKENS + 1)])
    return db


@pytest.fixture(scope="module")
def shared_db(shared_db: neurograph.Database) -> neurograph.Database:
    shared_db.tokens.create_many([f"t{n}" for n in range(1, TOKENS + 1)])
    shared_db.connections.create(7, 8)
    return shared_db


def test_labels_will_do_for_ends(empty):
    empty.connections.create_many(["t1", "t2"], np.array(["t3", "t4"]))
    assert [(c.source, c.target) for c in empty.connections.list()] == [(1, 3), (2, 4)]


def test_names_of_levels_and_flags_are_for_all(empty):
    empty.connections.create_many(
        [1, 2], [3, 4], active_levels=("physical", "social"), flags=["active"], aim={"motor": 2}, properties={"x": 1}
    )
    for connection in empty.connections.list():
        assert connection.active_levels == ("physical", "social")
        assert (connection.flags, connection.aim, connection.properties) == (1, {"motor": 2.0}, {"x": 1})


def test_ids_are_in_the_order_given(empty):
    ids = empty.connections.create_many([3, 1, 2], [1, 2, 3])
    assert [empty.connections.get(id).source for id in ids] == [3, 1, 2]


def test_the_pull_is_the_constitutions_unless_given(empty):
    empty.cdna.update(default_pull=-1.0)
    empty.connections.create_many([1], [2])
    assert empty.connections.get(1, 2).pull == -1.0


def outcome(db: neurograph.Database, source: list[int], target: list[int], **values: Any) -> bool:
    """Create connections and tell whether that went without triggers."""
    with pytest.MonkeyPatch.context() as patch:
        taken = []
        insert = many_bulk.insert
        patch.setattr(many_bulk, "insert", lambda *args: taken.append(insert(*args)) or taken[0])
        db.connections.create_many(source, target, **values)
    return taken[0] is not None


def test_triggers_run_where_somebody_else_made_one_or_an_edge_would_change(empty, monkeypatch):
    assert not outcome(empty, [1], [2])  # too few
    monkeypatch.setattr(many_bulk, "FEWEST_ROWS", 1)
    assert outcome(empty, [1, 2], [3, 4], weight=0.5, bidirectional=True)
    empty.graph.create(5, 6, weight=0.25, bidirectional=True)
    empty.graph.create(6, 7)
    assert outcome(empty, [5], [6])  # an edge that is there, and stays as it is
    assert (empty.connections.get(5, 6).weight, empty.connections.get(5, 6).bidirectional) == (0.25, True)
    assert not outcome(empty, [6], [7], weight=0.5)
    assert not outcome(empty, [6], [7], key="k", flags=4) or empty.connections.get(6, 7, key="k").bidirectional
    empty.execute("create table seen (id integer primary key)")
    empty.execute("create trigger mine after insert on connection begin insert into seen values (new.id); end")
    assert not outcome(empty, [8], [9])
    assert empty.execute("select count(*) from seen").fetchone() == (1,)
    empty.execute("drop trigger mine")
    empty.execute("drop table seen")
    assert outcome(empty, [9], [10])
    with neurograph.open(empty.path) as other:  # what was written without triggers is right for everybody
        assert other.graph.degree(9) == 2


def test_the_constitution_speaks_in_bulk_too(empty, monkeypatch):
    monkeypatch.setattr(many_bulk, "FEWEST_ROWS", 1)
    empty.cdna.update(max_pull=0.25, default_pull=0.5)
    with pytest.raises(RuleViolated, match="pull must be within"):
        empty.connections.create_many([1], [2])
    empty.graph.create(3, 4, type="hates")
    empty.cdna.update(max_pull=1.0)
    empty.cdna.forbid_type("hates")
    with pytest.raises(RuleViolated, match="type must be one the constitution allows") as caught:
        empty.connections.create_many([3], [4], type="hates")
    assert caught.value.rule == "connection.type"
    empty.cdna.allow_type("hates")
    empty.cdna.update(validation=False)
    assert outcome(empty, [1], [2], pull=99.0)
    empty.connections.delete(empty.connections.get(1, 2))
    empty.cdna.update(validation=True)


BAD = [
    ({"source": [1, 2, 3]}, InvalidValue, "target must be as long as source, which has 3, got 2"),
    ({"source": 1}, InvalidValue, "source must be an array"),
    ({"source": "t1"}, InvalidValue, "source must be an array"),
    ({"source": [1, 99]}, TokenNotFound, "source must be tokens, got the id 99 at index 1"),
    ({"target": [99, 3]}, TokenNotFound, "target must be tokens, got the id 99 at index 0"),
    ({"source": ["t1", "x"]}, TokenNotFound, "'x'"),
    ({"source": [1.0, 2.0]}, InvalidValue, "source must be whole numbers"),
    ({"source": [0, 1]}, InvalidValue, "source must be at least 1"),
    ({"source": [1, 4]}, InvalidValue, "target must differ from source, got the token 4 twice at index 1"),
    ({"type": ["fears", "feers"]}, UnknownName, "feers"),
    ({"type": ["fears"]}, InvalidValue, "type must be one value or 2, got 1"),
    ({"type": [[], []]}, InvalidValue, "type must be names or numbers"),
    ({"key": ["a"]}, InvalidValue, "key must be one value or 2, got 1"),
    ({"key": [1, 2]}, InvalidValue, "key must be text"),
    ({"weight": [1.0, math.nan]}, InvalidValue, "weight must be finite, got nan at index 1"),
    ({"weight": [1.0, 2.0]}, RuleViolated, r"weight must be within .* got 2.0 at index 1"),
    ({"weight": "heavy"}, InvalidValue, "weight must be numbers"),
    ({"weight": [[1.0]]}, InvalidValue, r"weight must be one number or have shape \(2,\)"),
    ({"bidirectional": [1, 0]}, InvalidValue, "bidirectional must be True or False, got 1 at index 0"),
    ({"rigidity": [0.5, 1.5]}, InvalidValue, r"rigidity must be in \[0, 1\], got 1.5 at index 1"),
    ({"rigidity": True}, InvalidValue, "rigidity must be numbers"),
    ({"pull": [1.0, -11.0]}, RuleViolated, r"pull must be within .* got -11.0 at index 1"),
    ({"pull": math.inf}, InvalidValue, "pull must be finite"),
    ({"preferred_distance": 0.0}, InvalidValue, "preferred_distance must be in"),
    ({"active_levels": [1, 256]}, InvalidValue, "active_levels must be in"),
    ({"active_levels": ["social", "sozial"]}, UnknownName, "'social'"),
    ({"flags": [1, -1]}, InvalidValue, "flags must be in"),
    ({"flags": 4, "bidirectional": [True, False]}, InvalidValue, "bidirectional must not be False .* index 1"),
    ({"mutability": ["learnable", "soft"]}, UnknownName, "'soft'"),
    ({"confidence": [0.5, 2]}, InvalidValue, "confidence must be in"),
    ({"origin": [1, -1]}, InvalidValue, "origin must be in"),
    ({"origin": 0.5}, InvalidValue, "origin must be whole numbers"),
    ({"origin": [[1]]}, InvalidValue, "origin must be one number or have shape"),
    ({"key": 5}, InvalidValue, "key must be one value or a sequence of 2, got 5"),
    ({"aim": [1.0]}, InvalidValue, "aim must have shape"),
    ({"aim": "up"}, InvalidValue, "aim must be a mapping"),
    ({"aim": np.full((2, 8), math.inf)}, InvalidValue, "aim must be finite"),
    ({"properties": [{}, [1]]}, InvalidValue, "properties must map strings"),
    ({"source": [1, 1], "target": [3, 3]}, Conflict, "a connection 1 → 3 .* exists already.* at index 1"),
    ({"source": [1, 7], "target": [3, 8]}, Conflict, "a connection 7 → 8 .* exists already.* at index 1"),
    ({"source": [1, 3], "target": [3, 1], "bidirectional": True}, RuleViolated, "can't coexist at index 1"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD, ids=[str(case[0]) for case in BAD])
def test_a_bad_batch_is_refused_whole_and_the_row_is_named(unchanged, in_bulk, change, error, message):
    columns = {"source": [1, 2], "target": [3, 4], **change}
    with pytest.raises(error, match=message):
        unchanged.connections.create_many(columns.pop("source"), columns.pop("target"), **columns)
