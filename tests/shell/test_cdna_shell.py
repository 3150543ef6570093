"""The constitution in a stock `sqlite3` shell: another process, no extension, foreign keys off.

It is refused what everyone is refused, and what it writes is in force for everyone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import neurograph
from limit_cases import GROUND, LIMITS, Limit
from neurograph.errors import RuleViolated
from neurograph.stores.cdna.checksum import checksum

SHELL = shutil.which("sqlite3")
pytestmark = pytest.mark.skipif(SHELL is None, reason="no stock sqlite3 shell on the path")

TABLES = ("token", "edge", "connection", "degree", "displaced_token", "displaced_edge", "cdna")


@pytest.fixture
def path(tmp_path: Path, empty_file: bytes) -> Path:
    file = tmp_path / "mind.ngdb"
    file.write_bytes(empty_file)
    return file


def shell(path: Path, statements: Sequence[str] | str) -> tuple[str, dict[int, str]]:
    """Run statements, one a line, each by itself; return the output, and line → rule of those refused."""
    lines = [statements] if isinstance(statements, str) else list(statements)
    text = "\n".join(line.replace("\n", " ") + ";" for line in lines)
    done = subprocess.run(
        [SHELL or "sqlite3", "-init", "/dev/null", str(path)], input=text, capture_output=True, text=True, timeout=60
    )
    refused = dict(re.findall(r"near line (\d+): (?:stepping, )?(.*)", done.stderr))
    return done.stdout, {
        int(line): message.partition("ng:")[2].partition(": ")[0] or message for line, message in refused.items()
    }


def state(path: Path) -> str:
    """Return the tables as the stock module sees them, in a process of its own."""
    dump = ", ".join(f"c.execute('select * from {table} order by 1').fetchall()" for table in TABLES)
    program = f"import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print([{dump}])"
    return subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True).stdout


def prepared(path: Path, limit: Limit) -> None:
    with neurograph.open(path, synchronous="off") as db:
        db.cdna.set_flags(validation=False)
        db.execute(GROUND + limit.ground)
        db.cdna.update(validation=True, **limit.fields)


every_limit = pytest.mark.parametrize("limit", LIMITS, ids=[limit.rule for limit in LIMITS])


@every_limit
def test_a_write_beyond_the_limit_is_refused_and_changes_nothing(path: Path, limit: Limit) -> None:
    prepared(path, limit)
    before = state(path)
    _, refused = shell(path, limit.refused)
    assert refused == dict.fromkeys(range(1, len(limit.refused) + 1), limit.rule)
    assert state(path) == before


@every_limit
def test_a_violation_may_be_lowered_or_left_alone(path: Path, limit: Limit) -> None:
    prepared(path, limit)
    assert shell(path, limit.allowed)[1] == {}


@every_limit
def test_a_shell_can_lift_and_set_the_limits(path: Path, limit: Limit) -> None:
    prepared(path, limit)
    wrong = limit.refused[0]
    assert shell(path, [wrong, "update cdna_current set validation = 0", wrong])[1] == {1: limit.rule}


@every_limit
def test_a_trial_is_over_for_the_shell_at_the_deadline(path: Path, limit: Limit) -> None:
    with neurograph.open(path, synchronous="off") as db:
        db.cdna.set_flags(validation=False)
        db.execute(GROUND + limit.ground)
    change = ", ".join(f"{name} = {value!r}" for name, value in {"validation": 1, **limit.fields}.items())
    ended = f"update cdna_current set {change}, trial_deadline_ns = 1"
    under_way = f"update cdna_current set {change}, trial_deadline_ns = {2**62}"
    assert shell(path, [ended, limit.refused[0]])[1] == {}
    assert shell(path, [under_way, limit.refused[1]])[1] == {2: limit.rule}


TAMPERING = (
    "update cdna set max_token_weight = 9",
    "update cdna set version = 9",
    "update cdna set rowid = 9",
    "update or replace cdna set oid = 1 where version = 2",
    "update cdna set checksum = 1",
    "delete from cdna",
    "insert or replace into cdna (version) values (2)",
    "insert or ignore into cdna (version) values (1)",
    "insert into cdna (version) values (-1)",
    "insert into cdna (version) values (4)",
    "delete from cdna_profile where name = 'default'",
    "insert or replace into cdna_profile (name) values ('default')",
)


def test_history_can_only_grow(path: Path) -> None:
    with neurograph.open(path) as db:
        db.cdna.update(max_token_weight=5.0)
    before = state(path)
    _, refused = shell(path, TAMPERING)
    assert len(refused) == len(TAMPERING)
    assert state(path) == before


def test_what_the_shell_writes_is_in_force_and_signed_by_the_next_engine_write(path: Path) -> None:
    with neurograph.open(path) as db:
        assert shell(path, "update cdna_current set max_token_weight = 5, reason = 'by hand', actor = 'shell'")[1] == {}
        now = db.cdna.current()
        assert (now.version, now.max_token_weight, now.reason, now.actor, now.checksum) == (
            2, 5.0, "by hand", "shell", None,
        )  # fmt: skip
        assert db.tokens.create("cat", weight=4.0).weight == 4.0
        with pytest.raises(RuleViolated):
            db.tokens.create("dog", weight=6.0)
        db.cdna.update(max_out_degree=7)
        assert db.cdna.at(2).checksum == checksum(db.cdna.at(2).fields)
        assert db.cdna.rollback(1).max_token_weight == 1.0


def test_the_shell_sees_what_a_trial_costs(path: Path) -> None:
    with neurograph.open(path) as db:
        db.executemany("insert into token (label) values (?)", [(f"t{n}",) for n in range(10)])
        db.cdna.try_out(max_token_weight=5.0, churn=0.5)
        out, refused = shell(
            path,
            ["delete from token where id <= 4", "select broken_connections, churn, growth, exceeded from cdna_trial"],
        )
        assert (out.strip(), refused) == ("0|0.4|-0.4|0", {})
        status = db.cdna.trial_status()
        assert status is not None
        assert (status.broken_connections, status.churn, status.growth) == (0, 0.4, -0.4)
        assert shell(path, ["delete from token where id <= 6", "update cdna_current set trial_deadline_ns = null"])[
            1
        ] == {2: "cdna.trial"}
        assert db.cdna.on_trial


def test_a_dump_restores_the_history(path: Path, tmp_path: Path) -> None:
    with neurograph.open(path) as db:
        db.cdna.set_profile("creative", reason="it's new\nreally", actor='"me"')
        db.cdna.create_profile("mine", max_pull=3.0)
        db.cdna.try_out(max_token_weight=5.0, duration_s=1000)
        before = db.cdna.history(), db.cdna.profiles()
    dump = subprocess.run([SHELL or "sqlite3", str(path), ".dump"], capture_output=True, text=True, check=True).stdout
    copy = tmp_path / "copy.ngdb"
    subprocess.run([SHELL or "sqlite3", "-bail", str(copy)], input=dump, text=True, check=True)
    with neurograph.open(copy) as db:
        assert (db.cdna.history(), db.cdna.profiles()) == before
        assert db.cdna.on_trial
        assert db.cdna.confirm().version == 4
        assert db.check() == []


def test_the_shell_may_alter_vacuum_and_analyze(path: Path) -> None:
    statements = (
        "alter table cdna add column note text",
        "update cdna set note = 'first'",
        "update cdna_current set max_pull = 3",
        "vacuum",
        "analyze",
        "reindex",
        "pragma integrity_check",
    )
    out, refused = shell(path, statements)
    assert (out.strip(), refused) == ("ok", {})
    with neurograph.open(path) as db:
        assert db.cdna.current().max_pull == 3.0
        assert db.check() == []
