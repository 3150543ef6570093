"""`ngdb info`, `check`, `optimize`: what a file holds, whether it is sound, what keeps it fast."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from command_line import answer, companions, environment, process, refusal, run

import neurograph
from neurograph.flows.check import INVARIANTS


def test_info_says_what_a_file_holds(mind):
    facts = answer("info", mind)
    assert facts["path"] == str(mind)
    assert facts["size"]["bytes"] == mind.stat().st_size == facts["size"]["pages"] * facts["size"]["page_bytes"]
    assert facts["size"]["wal_bytes"] == 0
    assert (facts["tables"]["token"], facts["tables"]["edge"], facts["tables"]["connection"]) == (5, 6, 0)
    assert facts["constitution"]["profile"] == "default"
    assert facts["saved_arrays"] == []
    assert facts["versions"]["neurograph"] == neurograph.__version__
    assert facts["versions"]["python"]


def test_info_is_read_by_people(mind):
    text = run("info", mind).stdout
    assert text.startswith(f"{mind}\n  size ")
    assert re.search(r"\n  token +5\n", text)
    assert "\n  constitution  version 1, default\n" in text
    assert "\n  import_row " not in text  # ours, and empty
    assert max(len(line) for line in text.splitlines() if str(mind.anchor) not in line) < 100


def test_info_tells_a_user_s_own_tables(mind):
    run("sql", mind, 'create table "my ""list""" (a text) strict; insert into "my ""list""" values (1), (2)')
    assert answer("info", mind)["tables"]['my "list"'] == 2


def test_info_tells_the_log_of_a_file_that_is_in_use(mind):
    (mind.parent / "links").mkdir()
    link = mind.parent / "links" / "link.ngdb"
    link.symlink_to(mind)
    with neurograph.open(mind) as db:
        db.tokens.create("owl")
        facts = answer("info", mind)
        assert facts["journal"] == "wal"
        assert facts["size"]["wal_bytes"] == answer("info", link)["size"]["wal_bytes"] > 0
    run("sql", mind, "delete from token where label = 'owl'")
    assert answer("info", mind)["journal"] == "delete"


def test_info_tells_a_trial_and_lifted_limits(mind):
    with neurograph.open(mind) as db:
        db.cdna.set_flags(validation=False, reason="old data")
    assert answer("info", mind)["constitution"] == {
        "version": 2,
        "profile": "custom",
        "on_trial": False,
        "validation": False,
        "reason": "old data",
    }
    assert "version 2, custom, its limits are lifted" in run("info", mind).stdout


def test_info_says_why_kernels_are_off(mind):
    done = process("info", mind, env=environment(NGDB_KERNELS="off"))
    assert "  kernels  off: NGDB_KERNELS=off is set\n" in done.stdout
    done = process("info", mind, env=environment(NGDB_KERNELS="", NUMBA_DISABLE_JIT="1"))
    assert "  kernels  on: NUMBA_DISABLE_JIT is set" in done.stdout


def test_info_tells_how_much_of_the_saved_arrays_is_current(mind):
    with neurograph.open(mind) as db:
        ids = db.tokens.create_many(count=1500)
        db.graph.create_many(ids[:-1], ids[1:])
        db.optimize()
        saved = {row["name"]: row for row in answer("info", mind)["saved_arrays"]}
        assert saved["graph"]["saved"] == saved["graph"]["current"] == saved["graph"]["chunks"] == 3
        assert saved["graph"]["bytes"] > 1500 * 20
        db.graph.create(1, 1500)
        (graph,) = (row for row in answer("info", mind)["saved_arrays"] if row["name"] == "graph")
        assert (graph["saved"], graph["current"], graph["chunks"]) == (3, 2, 3)
    assert "graph" in run("info", mind).stdout


def test_a_sound_file_is_called_sound(mind):
    assert run("check", mind).stdout.startswith(f"sound: {len(INVARIANTS)} invariants hold (")
    assert answer("check", mind) == []


@pytest.fixture
def unsound(mind):
    """Break two rows as a stranger's program could: with our triggers gone."""
    shell = shutil.which("sqlite3")
    if shell is None:
        pytest.skip("no sqlite3 command here")
    sql = """
    create table kept as select sql from sqlite_schema where type = 'trigger' and tbl_name = 'degree';
    update degree set outgoing = outgoing + 1 where token_id in (1, 2);
    drop table kept;
    """
    subprocess.run([shell, mind, sql], check=True)
    return mind


def test_a_violation_is_named_and_the_exit_code_is_three(unsound):
    result = run("check", unsound, code=3)
    assert result.stdout.splitlines()[0].split() == ["invariant", "row", "message"]
    assert "degree." in result.stdout
    assert result.stderr.endswith(" violations\n")
    found = run("check", unsound, "--json", code=3)
    assert found.stdout.startswith('[\n  {"invariant": "degree.')


def test_check_stops_at_the_limit_of_each_invariant(unsound):
    (first, *_) = run("check", unsound, "--limit", "1", code=3).stdout.splitlines()[2:]
    assert first.startswith("degree.")
    everything = run("check", unsound, code=3).stdout.splitlines()
    assert len(run("check", unsound, "--limit", "1", code=3).stdout.splitlines()) < len(everything)


def test_optimize_saves_arrays_and_leaves_one_file(mind):
    with neurograph.open(mind) as db:
        ids = db.tokens.create_many(count=3000)
        db.graph.create_many(ids[:-1], ids[1:])
    done = answer("optimize", mind)
    assert done["saved_bytes"] > 0
    assert {row["name"] for row in done["saved_arrays"]} >= {"graph"}
    assert all(row["current"] == row["chunks"] for row in done["saved_arrays"])
    assert companions(mind) == []
    with neurograph.open(mind) as db:
        db.execute("delete from token")
    again = answer("optimize", mind)
    assert again["freed_pages"] > 0
    assert answer("info", mind)["size"]["free_pages"] == 0
    assert "pages given back" in run("optimize", mind).stdout


def test_optimize_needs_a_file(mind):
    assert "no file at 'other.ngdb'" in refusal("optimize", "other.ngdb")
