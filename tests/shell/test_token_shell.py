"""Tokens in a stock `sqlite3` shell: another process, no extension, nothing of ours.

It may write whatever is legal, is refused the rest, and the engine's next answer is right.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import neurograph
from naive_tokens import QUERIES, Mind, RefusedError, expected, statements
from neurograph.model.levels import LEVELS

SHELL = shutil.which("sqlite3")
pytestmark = pytest.mark.skipif(SHELL is None, reason="no stock sqlite3 shell on the path")


EVERYTHING = (
    "select hex(uid), id, label, entity_type, domain, weight, physical_y, modified_ns, properties from token",
    "select * from mark",
    "select * from displaced_token",
    "select * from sqlite_sequence",
)


@pytest.fixture
def path(tmp_path: Path, empty_file: bytes) -> Path:
    file = tmp_path / "mind.ngdb"
    file.write_bytes(empty_file)
    return file


def shell(path: Path, *statements: str) -> tuple[list[list[object]], dict[int, str]]:
    """Run statements, one a line; return the rows of each query, and line → message of those refused."""
    text = "\n".join([".mode json", *(f"{statement};" for statement in statements)])
    done = subprocess.run(
        [SHELL or "sqlite3", "-init", "/dev/null", str(path)], input=text, capture_output=True, text=True, timeout=120
    )
    decoder, found, at = json.JSONDecoder(), [], 0
    output = done.stdout.strip()
    while at < len(output):
        rows, at = decoder.raw_decode(output, at)
        found.append([tuple(row.values()) for row in rows])
        at += len(output[at:]) - len(output[at:].lstrip())
    refused = {int(n) - 2: message for n, message in re.findall(r"near line (\d+): (?:stepping, )?(.*)", done.stderr)}
    return found, refused


@pytest.mark.parametrize("keys", ["off", "on"])
@pytest.mark.parametrize("recursive", ["off", "on"])
def test_random_statements_equal_the_model(path: Path, keys: str, recursive: str) -> None:
    mind = Mind()
    script = [f"pragma foreign_keys = {keys}", f"pragma recursive_triggers = {recursive}", "begin"]
    refusals = set()
    for sql, same in statements(7, mind, 3000):
        try:
            same()
        except RefusedError:
            refusals.add(len(script))
        script.append(sql)
    script.append("commit")
    _, refused = shell(path, *script)
    assert {script[line] for line in refused.keys() ^ refusals} == set()
    for query, rows in zip(QUERIES, expected(mind), strict=True):
        assert shell(path, query)[0] == ([rows] if rows else []), query
    with neurograph.open(path) as db:
        assert db.check() == []
        assert [token.id for token in db.tokens] == sorted(mind.tokens)


def test_the_stock_module_reads_what_the_engine_wrote(path: Path) -> None:
    with neurograph.open(path) as db:
        db.tokens.create("cat", entity_type="concept", coordinates={"social": (0.5, 0.25, 1.0)}, properties={"n": 1})
        db.tokens.create_many(count=1000, weight=0.25)
    program = """if True:
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1])
        print(connection.execute("select label, entity_type, social_y, json_extract(properties, '$.n') from token"
                                 " where label is not null").fetchall())
        print(connection.execute("select count(*), sum(weight) from token").fetchall())"""
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[('cat', 5, 0.25, 1)]", "[(1001, 250.5)]"]


def test_what_the_shell_writes_is_the_engines_next_answer(path: Path) -> None:
    with neurograph.open(path, synchronous="normal") as db:
        ids = db.tokens.create_many(["a", "b", "c"])
        assert db.tokens.coordinates("physical")[1].shape == (3, 3)
        _, refused = shell(
            path,
            "update token set physical_x = 1, physical_y = 2, physical_z = 3 where label = 'b'",
            "insert or replace into token (label, weight) values ('c', 0.25)",
            "insert into token (label) values ('a') on conflict (label) do update set properties = '{\"n\": 2}'",
            "delete from token where id = 1 and label = 'z'",
        )
        assert refused == {}
        assert db.tokens.coordinates("physical", ["b"])[1].tolist() == [[1.0, 2.0, 3.0]]
        assert db.tokens.get("a").properties == {"n": 2}
        assert ids[2] not in db.tokens
        assert db.tokens.get("c").weight == 0.25
        assert db.tokens.create().id == db.tokens.get("c").id + 2  # the upsert used an id up


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("insert into token (weight) values (1.5)", "ng:token.weight"),
        ("insert into token (field_radius) values (3)", "ng:token.field_radius"),
        ("insert into token (field_strength) values (-0.5)", "ng:token.field_strength"),
        ("insert into token (entity_type) values (99)", "ng:token.entity_type"),
        ("insert into token (domain) values (99)", "ng:token.domain"),
        ("insert or replace into token (id, weight) values (1, 7)", "ng:token.weight"),
        ("insert or ignore into token (weight) values (7)", "ng:token.weight"),
        ("update token set weight = 2", "ng:token.weight"),
        ("update or ignore token set weight = 2", "ng:token.weight"),
        ("update token set domain = 77", "ng:token.domain"),
        ("update token set id = 5", "ng:token.id"),
        ("update or replace token set rowid = 2 where id = 1", "ng:token.id"),
        *((f"insert into token ({level}_x) values (1)", f"constraint failed: {level}") for level in LEVELS),
        *((f"update token set {level}_y = 9e999", f"constraint failed: {level}") for level in LEVELS),
        ("insert into token (label) values ('a')", "UNIQUE constraint failed: token.label"),
        ("insert into token (label) values ('')", "CHECK constraint failed"),
        ("insert into token (properties) values ('[]')", "CHECK constraint failed"),
        ("insert into token (weight) values (9e999)", "CHECK constraint failed"),
        ("insert into token (weight) values ('much')", "cannot store TEXT value in REAL column"),
    ],
)
def test_the_shell_is_refused_what_everyone_is_refused(path: Path, statement: str, rule: str) -> None:
    shell(path, "insert into token (label) values ('a'), ('b')")
    before = shell(path, *EVERYTHING)[0]
    _, refused = shell(path, statement)
    assert rule in refused.get(0, "")
    assert shell(path, *EVERYTHING)[0] == before


def test_the_shell_alters_vacuums_dumps_and_restores(path: Path, tmp_path: Path) -> None:
    with neurograph.open(path) as db:
        db.index("token", "$.year")
        db.tokens.create("cät", coordinates={"abstract": (0.1, 1 / 3, -2.5)}, properties={"year": 1979, "s": "it's"})
        db.tokens.create_many(count=200)
    altered = ("alter table token add column mood text", "update token set mood = 'calm' where id = 2", "vacuum")
    assert shell(path, *altered)[1] == {}
    dump = subprocess.run([SHELL or "sqlite3", str(path), ".dump"], capture_output=True, text=True, check=True).stdout
    copy = tmp_path / "copy.ngdb"
    subprocess.run([SHELL or "sqlite3", str(copy)], input=dump, text=True, check=True, capture_output=True)
    with neurograph.open(path) as db, neurograph.open(copy) as restored:
        rows = "select * from token order by id"
        assert restored.execute(rows).fetchall() == db.execute(rows).fetchall()
        assert restored.tokens.list(where=("json_extract(properties, '$.year') = ?", [1979]))[0].label == "cät"
        assert restored.indexes() == db.indexes()
        assert restored.tokens.create().id == db.tokens.create().id == 202
        assert restored.check() == []
