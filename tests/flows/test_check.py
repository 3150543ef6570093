"""Every invariant is broken once by raw SQL and seen reported, and nothing is reported of a sound file."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

import neurograph
from neurograph.connection.settings import sqlite_vec
from neurograph.derived import saved
from neurograph.flows.check import INVARIANTS, Violation
from neurograph.stores.graph.arrays import GRAPH

# Tokens 1 to 4; edges 1→2 (80), 2→3 (1, bidirectional), 3→3 (80, a loop); a connection on 1→2. Library 1 with three
# items: of token 1 with a vector, with a key and a vector whose squares leave float32, and without a vector.
SOUND = """
    insert into token (id, label, weight, physical_x, physical_y, physical_z) values (1, 'a', 0.5, 1, 2, 3);
    insert into token (id, label) values (2, 'b'), (3, 'c'), (4, 'd');
    insert into edge (source, type, target, bidirectional) values (2, 1, 3, 1), (3, 80, 3, 0);
    insert into connection (source, type, target) values (1, 80, 2);
    insert into library (name, dimension, metric) values ('v', 2, 'l2');
    insert into entry (library, token_id, x, y, z, vector) values ('v', 1, 1e308, 1e308, 1e308, x'0000803f00000000');
    insert into entry (library, key, metadata, vector) values ('v', 'k', '{}', x'f2e3310d00000000');
    insert into entry (library, text) values ('v', 'bare');
    update library set norm_low = 1e-31, norm_high = 1.5;
    insert into channel (name, capacity) values ('q', 5);
    insert into outbox (channel, payload, key) values ('q', '1', 'k');
    insert into failure (message_id, attempt, error) values (1, 1, 'x');
    insert into storage (namespace, key, value) values ('n', 'a', '1'), ('n', 'b', '"é"');
    insert into storage (namespace, key, value) values ('n', 'c', '2');
    insert into event_log (type, data) values ('custom', '{"n": 1}'), ('custom', '{"n": 2}');
    insert into experience (episode, step, existence, novelty, velocity, attention, cognitive_load, certainty, valence,
                            coherence, intent) values (1, 0, 1, 1, 1, 1, 1, 1, -1, 1, 'go');
    insert into topic (name, keep_entries) values ('t', 5);
    insert into topic_log (topic, payload, headers) values ('t', '"é"', '{}'), ('t', x'00', null), ('u', '1', null);
    insert into subscription (name, pattern, condition, cursor) values ('s', '*', '{}', 2);
    insert into delivery (entry_id, subscription_id, state) values (1, 1, 'dead'), (2, 1, 'ready');
"""
# The library has a text index, table text_1, and a partition that holds both vectors.
ITEM = (1 << 32) + 1
PARTITIONED = f"""
    insert into partitioning (library_id, complete, items, middle) values (1, 1, 2, zeroblob(8));
    insert into partition_center values (1, 0, 1.0, x'0000803f00000000');
    insert into partition_item values (1, 0, {ITEM}, 0.0, 0.0, x'80'), (1, 0, {ITEM + 1}, 0.0, 0.0, x'80');
    insert into partition_chunk
    select 1, chunk, nonce, x'ffff00000000{"ffff" * 509}' from mark where subject = 'embedding';
    insert into partition_reach values (1, 10, 0.5, 1, 2, 1.0);
"""

SAID = "(kind, entity_kind, entity_id, strength)"
RECURS = "(name, channel_id, expression, payload, next_ns)"
LATIN_1 = "cast(x'22e922' as text)"
HUGE = "9e999"  # reads as infinity

BREAK = {
    "file.foreign_keys": "update edge set target = 99 where source = 1",
    "file.stamp": "pragma user_version = 0",
    "file.migrations": "update migration set sha256 = replace(sha256, substr(sha256, 1, 1), 'x') where number = 2",
    "file.objects": "drop trigger token_delete",
    "meta.facts": "delete from meta where name = 'created_ns'",
    "meta.schema": "update meta set value = 1 where name = 'schema'",
    "token.id": "insert into token (id) values (-5)",
    "token.sequence": "update sqlite_sequence set seq = 1 where name = 'token'",
    "token.uid": "update token set uid = x'00' where id = 1",
    "token.uid_unique": "update token set uid = (select uid from token where id = 1) where id = 2",
    "token.label": "update token set label = '' where id = 1",
    "token.utf8": "update token set label = cast(x'ff41' as text) where id = 1",
    "token.entity_type": "update token set entity_type = 999 where id = 1",
    "token.domain": "update token set domain = 999 where id = 1",
    "token.flags": "update token set flags = 70000 where id = 1",
    "token.field": "update token set field_radius = -1 where id = 1",
    "token.properties": "update token set properties = '[1]' where id = 1",
    "token.times": "update token set modified_ns = created_ns - 1 where id = 1",
    "token.physical": "update token set physical_y = null where id = 1",
    **{
        f"token.{level}": f"update token set {level}_x = {HUGE}, {level}_y = 0, {level}_z = 0 where id = 2"
        for level in ("sensory", "motor", "emotional", "cognitive", "social", "temporal", "abstract")
    },
    "entity_type.reserved": "update entity_type set name = 'thing' where code = 1",
    "domain.reserved": "delete from domain where code = 3",
    "connection_type.reserved": "update connection_type set mutability = 2 where code = 0",
    "edge.source": "update edge set source = 99 where source = 2",
    "edge.target": "update edge set target = 99 where source = 2",
    "edge.type": "update edge set type = 999 where source = 2",
    "edge.weight": f"update edge set weight = {HUGE} where source = 2",
    "edge.bidirectional": "update edge set bidirectional = 2 where source = 2",
    "edge.reverse": "insert into edge (source, type, target) values (3, 1, 2)",
    "edge.properties": "update edge set properties = '{' where source = 2",
    "degree.outgoing": "update degree set outgoing = 7 where token_id = 2",
    "degree.incoming": "delete from degree where token_id = 3",
    "degree.total": "insert into degree values (4, 0, 0, 0)",
    "connection.edge": "delete from edge where source = 1",
    "connection.loop": "update connection set target = source",
    "connection.id": "update connection set id = -1",
    "connection.sequence": "update sqlite_sequence set seq = 0 where name = 'connection'",
    "connection.fractions": "update connection set confidence = 1.5",
    "connection.distance": "update connection set preferred_distance = 0",
    "connection.counts": "update connection set evidence_count = -1",
    "connection.mutability": "update connection set mutability = 3",
    "connection.certainty": "update connection set mutability = 0",
    "connection.direction": "update edge set bidirectional = 1 where source = 1",
    "connection.finite": f"update connection set aim_motor = {HUGE}",
    "library.metric": "update library set metric = 'L2'",
    "library.norms": "update library set norm_low = 1.25",
    "item.library": f"insert into item (id, library_id) values ({(9 << 32) + 1}, 9)",
    "item.id": f"update item set id = id + {1 << 32} where id = {ITEM + 2}",
    "item.token": "update item set token_id = 99 where token_id = 1",
    "item.key": "update item set key = '' where key = 'k'",
    "item.utf8": "update item set text = cast(x'e9' as text) where key = 'k'",
    "item.place": "update item set y = null where x is not null",
    "item.metadata": "update item set metadata = '[1]' where key = 'k'",
    "text_index.library": "delete from library",
    "text_index.objects": "drop trigger text_1_update",
    "text_index.content": "update item set text = 'other' where text = 'bare'",
    "embedding.item": f"delete from item where id = {ITEM}",
    "embedding.length": f"update embedding set vector = x'0000803f' where id = {ITEM}",
    "embedding.finite": f"update embedding set vector = x'0000c07f0000803f' where id = {ITEM}",
    "text_vector.digest": "insert into text_vector values (1, zeroblob(16), zeroblob(8), zeroblob(8), 0)",
    "text_vector.item": f"insert into text_vector values ({ITEM + 77}, zeroblob(16), zeroblob(8), null, null)",
    "reembedded.library": f"insert into reembedded values ({9 << 32}, 'a', zeroblob(8))",
    "standing.id": "insert into standing values ('item', 5, 0.5)",
    "standing.value": "insert into standing values ('token', 1, 1.5)",
    "feedback.other": f"insert into feedback {SAID} values ('correction', 'token', 1, 1)",
    "feedback.strength": f"insert into feedback {SAID} values ('negative', 'token', 1, 2)",
    "feedback_change.feedback": "insert into feedback_change values (9, 1, 'connection', '[1]', null, '{}')",
    "feedback_change.row": """
        insert into feedback (id, kind, entity_kind, entity_id, strength) values (9, 'positive', 'token', 1, 1);
        insert into feedback_change values (9, 1, 'edge', '[1]', null, '{}')""",
    "channel.pending": "update channel set pending = 0",
    "channel.dead_letter": "update channel set dead_letter = 'nobody'",
    "channel.utf8": "update channel set name = cast(x'e9' as text)",
    "message.channel": "update message set channel_id = 9",
    "message.rank": "update message set rank = 7",
    "message.due": "update message set due_ns = 7",
    "message.newest": "update sqlite_sequence set seq = 0 where name = 'message'",
    "message_key.message": "update message_key set pending = 0",
    "recurring.channel": f"insert into recurring {RECURS} values ('a', 9, '* * * * *', '1', 0)",
    "recurring.next_ns": f"insert into recurring {RECURS} values ('a', 1, '* * * * *', '1', null)",
    "recurring.utf8": f"insert into recurring {RECURS} values (cast(x'e9' as text), 1, '* * * * *', '1', 0)",
    "failure.message": "update failure set message_id = 9",
    "storage.name": "update storage set key = '' where key = 'a'",
    "storage.text": "update storage set value = cast(x'22ff22' as text) where key = 'a'",
    "storage.value": "update storage set value = '{' where key = 'a'",
    "storage.version": "update storage set version = 9 where key = 'a'",
    "storage_namespace.counters": "update storage_namespace set bytes = 7",
    "storage_change.version": "delete from storage_change where version = 2",
    "storage_change.newest": "update storage_change set key = 'z' where version = 3",
    "event_type.triggers": "update event_type set enabled = 1 where name = 'token.created'",
    "event_type.text": "update event_type set description = cast(x'ff' as text) where id = 1",
    "event_type.trimmed": "update event_type set trimmed = 1 where id = 1",
    "event.type": "update event set type_id = 9 where id = 1",
    "event.trimmed": "update event_type set trimmed_to = 1 where name = 'custom'",
    "event.time": "update event set created_ns = 1 where id = 2",
    "event.data": "update event set data = '[1]' where id = 1",
    "event.text": "update event set data = cast(x'7b22ff223a317d' as text) where id = 1",
    "experience.type": "update experience set type_id = 9",
    "experience.state": "update experience set valence = -1.5",
    "experience.text": "update experience set intent = cast(x'ff' as text)",
    "topic.counters": "update topic set bytes = 9 where name = 't'",
    "topic.utf8": "update topic set name = cast(x'e9' as text) where id = 1",
    "topic_entry.topic": "update topic_entry set topic_id = 9 where id = 3",
    "topic_entry.newest": "update sqlite_sequence set seq = 0 where name = 'topic_entry'",
    "subscription.utf8": "update subscription set pattern = cast(x'e9' as text)",
    "subscription.cursor": "update subscription set cursor = 4",
    "subscription.condition": "update subscription set condition = '{\"$x\": 1}'",
    "delivery.subscription": "update subscription set cursor = 1",
    "delivery.entry": "delete from topic_entry where id = 1",
    "cdna.in_force": "delete from cdna",
    "cdna.versions": "insert into cdna (version) values (5)",
    "cdna.parent": "update cdna set parent = 1 where version = 1",
    "cdna.allowed_types": "update cdna set allowed_types = 'x'",
    "cdna.ranges": "update cdna set min_pull = 5, max_pull = 4",
    "cdna.profiles": "delete from cdna_profile where name = 'explorer'",
    "limits.token_weight": "update cdna set max_token_weight = 0.25",
    "limits.token_field_radius": "update cdna set max_field_radius = 0.25",
    "limits.token_field_strength": "update cdna set max_field_strength = 0.25",
    "limits.edge_weight": "update cdna set max_edge_weight = 0.25",
    "limits.edge_type": "update cdna set allowed_types = '10' || substr(allowed_types, 3)",
    "limits.out_degree": "update cdna set max_out_degree = 0",
    "limits.in_degree": "update cdna set max_in_degree = 0",
    "limits.total_degree": "update cdna set max_total_degree = 1",
    "limits.connection_pull": "update cdna set max_pull = 0.25",
    "limits.connection_rigidity": "update cdna set max_rigidity = 0.25",
    "limits.connection_weight": "update cdna set max_connection_weight = 0.25",
    "mark.subject": "insert into mark values ('moon', 0, 0)",
    "mark.token": "delete from mark where subject = 'token'",
    "mark.edge": "delete from mark where subject = 'edge'",
    "mark.embedding": "delete from mark where subject = 'embedding'",
    "partitioning.library": "update partitioning set library_id = 9",
    "partitioning.parts": "delete from partitioning",
    "partition_center.centroid": "update partition_center set centroid = x'00'",
    "partition_center.norm": "update partition_center set norm = 1.01",
    "partitioning.middle": "update partitioning set middle = x'0000c07f00000000'",
    "partition_item.shift": f"update partition_item set shift = -9e999 where id = {ITEM}",
    "partition_item.code": f"update partition_item set code = x'8080' where id = {ITEM}",
    "partition_item.place": f"update partition_item set number = 3 where id = {ITEM}",
    "derived.content": "update derived_chunk set body = zeroblob(length(body))",
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return what a sound file holds, with something in every table."""
    path = tmp_path_factory.mktemp("sound") / "mind.ngdb"
    with neurograph.open(path, synchronous="off") as db:
        db.execute(SOUND)
        db.execute(PARTITIONED)
        with db.transaction():
            saved.save(db._session.writer.connection, GRAPH, 1 << 20)
        db.library.get("v").index_text()
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, sound: bytes) -> Path:
    path = tmp_path / "mind.ngdb"
    path.write_bytes(sound)
    return path


def vandalise(path: Path, sql: str) -> None:
    """Run SQL with every protection off."""
    connection = apsw.Connection(str(path))
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
    connection.pragma("foreign_keys", 0)
    connection.pragma("ignore_check_constraints", 1)
    connection.execute(sql)
    connection.close()


def violations(path: Path) -> list[Violation]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    sqlite_vec(connection)
    found = [violation for invariant in INVARIANTS for violation in invariant.violations(connection, 5)]
    connection.close()
    return found


def test_a_sound_file_has_no_violation(path):
    with neurograph.open(path) as db:
        assert db.check() == []


def test_every_invariant_but_sqlites_own_is_broken_here():
    assert {invariant.name for invariant in INVARIANTS} == BREAK.keys() | {"file.integrity"}
    assert len(INVARIANTS) >= 40


@pytest.mark.parametrize("name", BREAK)
def test_a_broken_invariant_is_reported(path, name):
    vandalise(path, BREAK[name])
    found = [violation for violation in violations(path) if violation.invariant == name]
    assert found
    assert found[0].message
    assert found[0].row


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("library.metric", "update library set dimension = 0"),
        ("library.norms", "update library set norm_high = 0.5"),
        ("library.norms", "update library set norm_low = 1e-20"),  # only float64 sees how short the second vector is
        ("library.norms", f"update embedding set vector = x'f2e3717100000000' where id = {ITEM}"),  # squares: infinity
        ("item.id", f"update item set id = {1 << 32} where id = {ITEM + 2}"),
        ("item.key", "update item set key = 'a' || char(0) where key = 'k'"),
        ("token.utf8", "update token set properties = cast(x'7b2261223a22ff227d' as text) where id = 1"),
        ("item.utf8", "update item set key = cast(x'c3' as text) where key = 'k'"),
        ("item.place", f"update item set z = {HUGE} where x is not null"),
        ("item.metadata", "update item set metadata = '{' where key = 'k'"),
        ("text_index.objects", "drop table text_1"),
        ("text_index.objects", "drop trigger text_1_displaced"),
        ("text_index.objects", "drop table text_1; create table text_1 (key text, text text)"),
        ("text_index.content", f"delete from item where id = {ITEM}"),
        ("text_index.content", f"insert into item (id, library_id) values ({ITEM + 7}, 1)"),
        ("text_index.content", "update item set key = 'l' where key = 'k'"),
        ("text_index.content", f"delete from text_1 where rowid = {ITEM}"),
        ("text_index.content", "insert into text_1 (rowid, key) values (7, 'k')"),
        ("text_index.content", "delete from text_1_data where id > 10"),
        ("text_index.content", "update text_1_docsize set sz = x'0505'"),
        ("text_index.content", "update text_1_data set block = zeroblob(length(block)) where id > 10"),
        ("text_index.content", "delete from text_1_content"),
        ("channel.pending", "delete from message"),
        ("message.rank", "update message set priority = null"),
        ("message.rank", "update channel set ageing_ms = 5"),
        ("message.due", "update message set state = 'delayed', due_ns = 9, expires_ns = 8"),
        ("message.newest", "delete from message_floor"),
        ("message.newest", "update message_floor set message_id = 99"),
        ("channel.dead_letter", "update channel set dead_letter = cast(x'e9' as text)"),
        ("channel.utf8", "update channel set dead_letter = cast(x'e9' as text)"),
        ("recurring.utf8", f"insert into recurring {RECURS} values ('a', 1, '* * * * *', {LATIN_1}, 0)"),
        ("recurring.channel", f"insert into recurring {RECURS} values ({LATIN_1}, 9, '* * * * *', '1', 0)"),
        ("message_key.message", f"update message_key set key = {LATIN_1}"),
        ("message_key.message", "delete from message"),
        ("message_key.message", "update message set key = 'other'"),
        ("failure.message", "delete from message"),
        ("topic.counters", "delete from topic_entry where id = 2"),
        ("topic.counters", "update topic set entries = 1 where name = 'u'"),
        ("topic.counters", "update topic set keep_entries = null"),
        ("topic_entry.newest", "delete from topic_entry_floor"),
        ("topic_entry.newest", "update topic_entry_floor set entry_id = 9"),
        ("subscription.condition", "update subscription set condition = '{'"),
        ("subscription.condition", "update subscription set condition = cast(x'7b22ff223a317d' as text)"),
        ("delivery.subscription", "delete from subscription"),
        ("embedding.item", f"insert into embedding values ({ITEM + 77}, x'0000803f00000000')"),
        ("embedding.length", f"update embedding set vector = x'0000803f0000803f00' where id = {ITEM}"),
        ("embedding.length", f"update embedding set vector = x'' where id = {ITEM}"),
        ("embedding.finite", f"update embedding set vector = x'0000803f000080ff' where id = {ITEM}"),
        ("partitioning.parts", "insert into partition_reach values (7, 10, 0.5, 1, 2, 1.0)"),
        ("partition_center.norm", "update partition_center set centroid = x'0000803f0000c07f'"),
        ("partition_center.norm", "update partition_center set centroid = x'0000803f0000807f'"),
        ("partition_center.norm", "update partition_center set centroid = zeroblob(8)"),
        ("partition_center.norm", "update partition_center set norm = 9e999"),
        ("partition_center.norm", "update partition_center set norm = -1.0"),
        ("partitioning.middle", "update partitioning set middle = x'0000'"),
        ("partitioning.middle", "update partitioning set middle = x'000080ff00000000'"),
        ("partition_item.shift", f"update partition_item set factor = 9e999 where id = {ITEM}"),
        ("partition_item.place", f"insert into partition_item values (1, 1, {ITEM}, 0.0, 0.0, x'80')"),
        ("partition_item.place", "delete from partition_item"),
        ("partition_item.place", "update partition_chunk set numbers = x'0000'"),
        ("partition_item.place", f"delete from embedding where id = {ITEM}"),
    ],
)
def test_what_else_breaks_a_library_is_reported(path, name, sql):
    vandalise(path, sql)
    assert name in {violation.invariant for violation in violations(path)}


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("storage.name", "update storage set namespace = 'a' || char(0)"),
        ("storage.text", "update storage set namespace = cast(x'ff' as text)"),
        ("storage.text", "update storage_namespace set namespace = cast(x'ff' as text)"),
        ("storage.version", "update storage set version = 0"),
        ("storage.version", "update storage set version = 2"),
        ("storage.version", "delete from storage_change"),
        ("storage_namespace.counters", "update storage_namespace set keys = 1"),
        ("storage_namespace.counters", "delete from storage_namespace"),
        ("storage_namespace.counters", "delete from storage where key = 'a'"),
        ("storage_namespace.counters", "insert into storage_namespace (namespace, keys) values ('m', 1)"),
        ("storage_change.newest", "update storage_change set deleted = 1 where version = 3"),
    ],
)
def test_what_else_breaks_storage_is_reported(path, name, sql):
    vandalise(path, sql)
    assert name in {violation.invariant for violation in violations(path)}


def test_counters_are_mended_as_the_message_says(path):
    vandalise(path, "update storage_namespace set keys = 9, bytes = 9, quota_bytes = 100")
    with neurograph.open(path) as db:
        db.execute("insert or replace into storage_namespace (namespace, quota_bytes) values ('n', 100)")
        assert db.check() == []
        assert db.storage.namespaces() == [("n", 3, 6, 100)]


def test_a_damaged_page_is_reported(path):
    content = bytearray(path.read_bytes())
    page = int.from_bytes(content[16:18], "big")
    with apsw.Connection(str(path)) as connection:
        ((root,),) = connection.execute("select rootpage from sqlite_schema where name = 'edge_by_target'").fetchall()
    connection.close()
    content[(root - 1) * page + 8 : root * page] = bytes(page - 8)
    path.write_bytes(content)
    assert any(violation.invariant == "file.integrity" for violation in violations(path))


def test_no_more_than_the_limit_is_reported(path):
    vandalise(path, "update token set flags = 70000")
    with neurograph.open(path) as db:
        assert len([v for v in db.check(limit=2) if v.invariant == "token.flags"]) == 2


def test_limits_are_not_reported_while_validation_is_off(path):
    vandalise(path, "update cdna set max_token_weight = 0.25, validation = 0")
    assert not [violation for violation in violations(path) if violation.invariant.startswith("limits.")]


def test_a_table_that_is_gone_is_named_whichever_it_is():
    with neurograph.open(":memory:") as db:
        ours = "select name from sqlite_schema where type = 'table' and name not glob 'sqlite_*'"
        for (table,) in db.execute(ours).fetchall():
            db.begin()
            db.execute(f"drop table {table}")
            assert ("file.objects", f"table {table} (missing)") in [found[:2] for found in db.check()]
            db.rollback()
        assert db.check() == []
