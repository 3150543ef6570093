"""Connections in a stock `sqlite3` shell: another process, no extension, any setting of foreign keys and triggers.

What it writes the engine reads; what the rules refuse it is refused, in words that say which rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import neurograph
from processes import needs_shell, shell

pytestmark = needs_shell

SETTINGS = ["", "pragma foreign_keys = on; ", "pragma recursive_triggers = on; ",
            "pragma foreign_keys = on; pragma recursive_triggers = on; "]  # fmt: skip


@pytest.fixture(params=SETTINGS, ids=["stock", "keys", "recursive", "both"])
def settings(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def four_tokens(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("four") / "mind.ngdb"
    with neurograph.open(path, synchronous="off") as db:
        db.tokens.create_many(["cat", "dog", "bone", "tree"])
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, four_tokens: bytes) -> Iterator[Path]:
    """Yield a file with tokens 1 to 4; when the test is over, nothing may be wrong with it."""
    path = tmp_path / "mind.ngdb"
    path.write_bytes(four_tokens)
    yield path
    with neurograph.open(path, synchronous="off") as db:
        assert db.check() == []


def rows(path: Path, sql: str) -> list[tuple]:
    with neurograph.open(path, synchronous="off") as db:
        return db.execute(sql).fetchall()


EDGES = "select source, type, target, key, bidirectional from edge"


def test_inserting_a_connection_makes_its_edge(path, settings):
    shell(path, settings + "insert into connection (source, target, type, key, flags) values (1, 2, 132, 'k', 4);")
    with neurograph.open(path, synchronous="off") as db:
        made = db.connections.get("cat", "dog", type="fears", key="k")
        assert (made.id, made.weight, made.bidirectional, made.mutability) == (1, 1.0, True, "learnable")
        assert made.created_ns == made.modified_ns > 1_600_000_000 * 10**9
        assert db.graph.degree("dog", direction="out") == 1


@pytest.mark.parametrize("verb", ["insert", "insert or replace", "insert or ignore", "insert or fail"])
def test_an_edge_that_exists_is_extended_and_keeps_its_weight(path, settings, verb):
    shell(path, "insert into edge (source, target, weight, bidirectional) values (1, 2, 0.25, 1);")
    shell(path, settings + f"{verb} into connection (source, target) values (1, 2);")
    with neurograph.open(path, synchronous="off") as db:
        made = db.connections.get(1, 2)
        assert (made.weight, made.bidirectional) == (0.25, True)


def test_a_type_brings_its_mutability_and_its_certainty(path, settings):
    shell(path, settings + "insert into connection (source, target, type) values (1, 2, 2), (2, 3, 132);")
    assert rows(path, "select mutability, confidence from connection") == [(0, 1.0), (1, 0.5)]
    shell(path, settings + "update connection set type = 1 where id = 2;")
    assert rows(path, "select mutability, confidence from connection") == [(0, 1.0), (0, 1.0)]
    shell(path, settings + "update connection set type = 80, mutability = 2 where id = 2;")
    assert rows(path, f"{EDGES} order by source") == [(1, 2, 2, "", 0), (2, 80, 3, "", 0)]


def test_replacing_a_connection_gives_a_new_one_on_the_same_edge(path, settings):
    shell(path, settings + "insert into connection (source, target, pull) values (1, 2, 3.0);")
    shell(path, settings + "insert or replace into connection (source, target, rigidity) values (1, 2, 0.25);")
    assert rows(path, "select id, pull, rigidity from connection") == [(2, 0.5, 0.25)]
    assert rows(path, EDGES) == [(1, 80, 2, "", 0)]


def test_replacing_by_id_leaves_the_other_edge_as_a_plain_one(path, settings):
    shell(path, settings + "insert into connection (source, target) values (1, 2), (2, 3);")
    shell(path, settings + "insert or replace into connection (id, source, target) values (1, 2, 3);")
    assert rows(path, "select id, source, target from connection") == [(1, 2, 3)]
    assert rows(path, f"{EDGES} order by source") == [(1, 80, 2, "", 0), (2, 80, 3, "", 0)]


def test_an_upsert_changes_the_connection_that_is_there(path, settings):
    upsert = "insert into connection (source, target, pull) values (1, 2, 1.0), (1, 2, 2.0) on conflict "
    shell(path, settings + upsert + "(source, type, target, key) do update set pull = excluded.pull, flags = 5;")
    assert rows(path, "select id, pull, flags from connection") == [(1, 2.0, 5)]
    assert rows(path, EDGES) == [(1, 80, 2, "", 1)]


def test_a_connection_moves_with_its_edge_and_an_edge_with_its_connection(path, settings):
    shell(path, settings + "insert into connection (source, target) values (1, 2);")
    shell(path, settings + "update connection set target = 3, key = 'moved';")
    assert rows(path, EDGES) == [(1, 80, 3, "moved", 0)]
    shell(path, settings + "update edge set source = 4, bidirectional = 1;")
    assert rows(path, "select id, source, target, key, flags from connection") == [(1, 4, 3, "moved", 4)]
    assert rows(path, "select token_id, outgoing, incoming, total from degree") == [(3, 1, 1, 1), (4, 1, 1, 1)]


def test_an_edge_that_displaces_another_takes_its_connection_with_it(path, settings):
    shell(path, settings + "insert into connection (source, target) values (1, 2), (2, 3);")
    shell(path, settings + "update or replace edge set source = 1, target = 2 where source = 2;")
    assert rows(path, "select id, source, target from connection") == [(2, 1, 2)]
    shell(path, settings + "insert or replace into edge (source, target) values (1, 2);")
    assert rows(path, "select count(*) from connection") == [(0,)]


def test_deleting_a_connection_leaves_the_edge_and_deleting_the_edge_takes_the_connection(path, settings):
    shell(path, settings + "insert into connection (source, target) values (1, 2), (2, 3), (3, 4);")
    shell(path, settings + "delete from connection where id = 1; delete from edge where source = 2;")
    assert rows(path, "select id from connection") == [(3,)]
    assert rows(path, EDGES) == [(1, 80, 2, "", 0), (3, 80, 4, "", 0)]


@pytest.mark.parametrize(
    "sql",
    ["delete from token where id = 2", "insert or replace into token (id, label) values (2, 'wolf')",
     "insert or replace into token (label) values ('dog')", "update or replace token set label = 'dog' where id = 4"],
)  # fmt: skip
def test_a_token_that_goes_takes_its_connections(path, settings, sql):
    shell(path, settings + "insert into connection (source, target) values (1, 2), (2, 3), (3, 1);")
    shell(path, settings + sql + ";")
    assert rows(path, "select id from connection") == [(3,)]
    assert rows(path, EDGES) == [(3, 80, 1, "", 0)]


def test_an_id_is_never_given_twice(path, settings):
    shell(path, settings + "insert into connection (source, target) values (1, 2); delete from connection;")
    shell(path, settings + "insert into connection (source, target) values (1, 2);")
    assert rows(path, "select id from connection") == [(2,)]


REFUSED = {
    "insert into connection (source, target) values (1, 1)": "CHECK constraint failed",
    "insert into connection (source, target) values (1, 9)": "ng:edge.target",
    "insert or ignore into connection (source, target) values (9, 1)": "ng:edge.source",
    "insert into connection (source, target, type) values (1, 3, 999)": "ng:edge.type",
    "insert into connection (source, target, pull) values (1, 3, 11)": "ng:connection.pull",
    "insert or ignore into connection (source, target, pull) values (1, 3, -11)": "ng:connection.pull",
    "insert or replace into connection (source, target, rigidity) values (1, 2, 1.5)": "CHECK constraint failed",
    "insert into connection (source, target) values (2, 1)": "ng:edge.bidirectional",
    "insert into connection (source, target, key) values (1, 3, 'a' || char(0))": "CHECK constraint failed",
    "insert into connection (source, target, aim_motor) values (1, 3, 9e999)": "CHECK constraint failed",
    "update connection set pull = 10.5": "ng:connection.pull",
    "update or ignore connection set pull = 10.5": "ng:connection.pull",
    "update connection set id = 7": "ng:connection.id",
    "update connection set rowid = 7": "ng:connection.id",
    "update connection set mutability = 3": "CHECK constraint failed",
    "update connection set confidence = 0.5 where type = 2": "ng:connection.confidence",
    "update connection set target = 1 where source = 1": "CHECK constraint failed",
    "update or ignore edge set target = 1 where source = 1": "ng:connection.loop",
    "update connection set source = 3, target = 4, type = 80 where source = 1": "ng:connection.edge",
    "update or replace connection set source = 3, target = 4, type = 80 where source = 1": "ng:connection.edge",
    "update connection set target = 9 where source = 1": "ng:edge.target",
    "update connection set flags = 4 where source = 3": "ng:edge.bidirectional",
    "insert into connection (source, target, pull) values (1, 2, 11) on conflict do update set pull = 11":
        "ng:connection.pull",
}  # fmt: skip


@pytest.mark.parametrize("sql", REFUSED)
@pytest.mark.parametrize("settings", [SETTINGS[0], SETTINGS[-1]], ids=["stock", "both"])
def test_what_breaks_a_rule_is_refused_by_name_and_changes_nothing(path, settings, sql):
    shell(
        path,
        """insert into connection (source, target, flags) values (1, 2, 4);
           insert into connection (source, target, type) values (2, 3, 2);
           insert into edge (source, target) values (3, 4);
           insert into edge (source, target, key) values (4, 3, 'other'), (3, 4, 'other');
           insert into connection (source, target, key) values (3, 4, 'other');""",
    )
    before = shell(path, ".dump")
    said = shell(path, f"{settings}{sql};", check=False)
    assert REFUSED[sql] in said
    assert shell(path, ".dump") == before


def test_a_value_beyond_a_narrowed_limit_may_move_towards_it(path, settings):
    shell(path, settings + "insert into connection (source, target, pull, rigidity) values (1, 2, 8, 0.875);")
    with neurograph.open(path, synchronous="off") as db:
        db.cdna.update(max_pull=2.0, max_rigidity=0.5, max_connection_weight=0.5)
    shell(path, settings + "update connection set pull = 7, rigidity = 0.75; update edge set weight = 0.75;")
    for sql in ("connection set pull = 7.5", "connection set rigidity = 0.8", "edge set weight = 0.8"):
        assert "ng:connection." in shell(path, f"{settings}update {sql};", check=False)
    shell(path, settings + "update connection set pull = 2, rigidity = 0.5; update edge set weight = 0.5;")


def test_a_dump_restores_connections_and_their_rules(path, tmp_path):
    shell(path, "insert into connection (source, target, type) values (1, 2, 2), (2, 3, 132);")
    twin = tmp_path / "twin.ngdb"
    shell(twin, shell(path, ".dump"))
    everything = "select * from connection"
    assert shell(twin, everything) == shell(path, everything)
    assert "ng:connection.pull" in shell(twin, "update connection set pull = 99;", check=False)


def test_the_time_moves_with_every_change_but_an_activation(path, settings):
    shell(path, "insert into connection (source, target, created_ns, modified_ns) values (1, 2, 5, 5);")
    shell(path, settings + "update connection set flags = 1, activation_count = 1, rigidity = 0.75;")
    assert rows(path, "select modified_ns from connection") == [(5,)]
    shell(path, settings + "update connection set pull = 1;")
    ((first,),) = rows(path, "select modified_ns from connection")
    shell(path, settings + "update connection set key = 'moved';")
    ((second,),) = rows(path, "select modified_ns from connection")
    assert 5 < first < second
