"""What holds for every command: help, exit codes, one line for an error, stdout for the answer alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import click
import psutil
import pytest
from command_line import PROGRAM, answer, commands, companions, ended, environment, process, refusal, run, start

import neurograph
from neurograph.cli.app import SECTIONS, ngdb
from neurograph.cli.exit_codes import MEANINGS

COMMANDS = sorted(ngdb.commands)
posix = pytest.mark.skipif(sys.platform == "win32", reason="no shell that can close them")


def test_every_command_is_in_one_section():
    assert sorted(command.name for _, commands in SECTIONS for command in commands) == COMMANDS


def test_help_lists_every_command_and_every_exit_code():
    text = run("--help").stdout
    assert all(f"\n  {name} " in text for name in COMMANDS)
    assert all(f"\n    {code:<5}{meaning}" in text for code, meaning in MEANINGS.items())
    assert run("-h").stdout == text


def test_help_fits_a_terminal_and_tells_each_command_in_one_line():
    text = run("--help").stdout
    assert max(map(len, text.splitlines())) <= 80
    lists = text[text.index("Begin:") : text.index("Examples:")]
    assert "..." not in lists
    assert [
        line.split()[0] for line in lists.splitlines() if line.startswith(" ") and line.strip()
    ] == ngdb.list_commands(None)


@pytest.mark.parametrize("name", sorted(commands()))
def test_the_help_of_a_command_has_examples_that_name_it(name):
    text = run(*name.split(), "--help").stdout
    examples = text[text.index("Examples:\n") :]
    assert f"ngdb {name}" in examples
    command = commands()[name]
    assert command.help.splitlines()[0].endswith(".")
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_the_version_is_the_package_s():
    assert run("--version").stdout == f"ngdb {neurograph.__version__}\n"


@pytest.mark.parametrize("group", [[], ["library"]])
def test_no_command_shows_the_help_and_fails(group):
    result = run(*group, code=2)
    assert result.stdout == ""
    assert result.stderr == run(*group, "--help").stdout


def test_the_help_of_a_group_tells_each_command_in_one_line():
    text = run("library", "--help").stdout
    assert "..." not in text[text.index("Commands:") : text.index("Examples:")]


def test_an_unknown_command_is_a_usage_error():
    assert refusal("shrink", code=2) == "no such command 'shrink'; see `ngdb --help`"
    assert refusal("library", "shrink", code=2) == "no such command 'shrink'; see `ngdb library --help`"


def test_an_error_is_one_line_and_debug_shows_where_it_arose(mind):
    assert refusal("links", mind, "unicorn").startswith("no token has the label 'unicorn'")
    shown = process("--debug", "links", mind, "unicorn")
    assert shown.returncode == 1
    assert shown.stdout == ""
    assert "Traceback" in shown.stderr
    assert "TokenNotFound" in shown.stderr


def test_a_fault_of_ours_says_so(mind, monkeypatch):
    def broken(*arguments, **options):
        raise ZeroDivisionError("oh\nno")

    monkeypatch.setattr("neurograph.database.Database.check", broken)
    assert refusal("check", mind) == ("a fault of ours: ZeroDivisionError: oh no; run `ngdb --debug …` and report it")


def test_a_file_that_is_not_there_is_not_made(mind):
    assert refusal("info", "other.ngdb") == (
        "no file at 'other.ngdb'; `ngdb import`, `ngdb library create`, `ngdb queue publish` and `ngdb demo` make one"
    )
    assert not (mind.parent / "other.ngdb").exists()


@pytest.mark.parametrize("name", ["info", "check", "links", "sql"])
def test_a_file_that_is_no_database_is_refused(mind, name):
    (mind.parent / "a.ngdb").write_text("hello " * 40)
    arguments = {"links": ["cat"], "sql": ["select 1"]}.get(name, [])
    assert "is not a SQLite database" in refusal(name, "a.ngdb", *arguments)


def test_reading_leaves_no_companions_and_the_file_as_it_was(mind):
    before = mind.read_bytes()
    for arguments in (["info"], ["check"], ["links", "cat"], ["sql", "select count(*) from token"]):
        run(arguments[0], mind, *arguments[1:])
        assert companions(mind) == []
    with neurograph.open(mind) as db:  # a rollback-mode file is read as it is
        db.tokens.create("again")
    assert len(before) == mind.stat().st_size


def test_reading_works_while_another_handle_is_open(mind):
    with neurograph.open(mind) as db:
        db.tokens.create("new")
        assert [row["label"] for row in answer("sql", mind, "select label from token where label = 'new'")] == ["new"]
        assert process("sql", mind, "select label from token where label = 'new'", "--csv").stdout == "label\nnew\n"


@pytest.mark.parametrize("token", ["2", "#2", "dog"])
def test_a_token_is_a_label_or_an_id(mind, token):
    assert [row["label"] for row in answer("links", mind, token)] == ["vet", "animal"]


def test_a_label_that_looks_like_an_id_is_given_with_a_sign(mind):
    run("sql", mind, "insert into token (label) values ('2'), ('#2'), ('=2')")
    assert answer("links", mind, "=2") == []
    assert answer("bfs", mind, "=#2") == [{"id": 7, "label": "#2", "depth": 0}]
    assert answer("bfs", mind, "==2") == [{"id": 8, "label": "=2", "depth": 0}]
    assert refusal("bfs", mind, "9" * 5000).startswith("no token has the label '999")


def test_warnings_go_to_stderr_and_not_into_the_answer(mind):
    (mind.parent / "a.csv").write_text("label,weight\nowl,0.5\nelk,heavy\n")
    result = run("import", mind, "tokens", "a.csv", "--bad-rows", "skip", "--json")
    assert json.loads(result.stdout)["left_out"] == 1
    assert result.stderr == "ngdb: left out: line 3: weight must be a number, got 'heavy'\n"


def test_a_closed_pipe_ends_a_command_quietly(mind):
    query = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000) select i from n"
    with start("sql", mind, query, "--csv") as child:
        assert child.stdout.readline() == "i\n"
        child.stdout.close()
        assert child.stderr.read() == ""
        assert child.wait(60) == 141


def test_a_pipe_closed_before_help_is_written_is_quiet_too():
    read, write = os.pipe()
    os.close(read)
    with start("--help", stdout=write) as child:
        os.close(write)
        assert child.stderr.read() == ""
        assert child.wait(60) == 141


@pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-C for a child without a console")
def test_ctrl_c_ends_a_command_with_one_line(mind):
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
    with start("sql", mind, endless) as child:
        wait_for_signal_handling(child)
        child.send_signal(signal.SIGINT)
        out, err = ended(child)
    assert (out, err, child.returncode) == ("", "ngdb: interrupted\n", 130)


def wait_for_signal_handling(child):
    """Wait until the child has been computing for a while: its own clock says so."""
    process = psutil.Process(child.pid)
    while sum(process.cpu_times()[:2]) < 1.0:
        assert child.poll() is None
        time.sleep(0.02)


def test_output_is_text_whatever_the_locale_says(mind):
    run("sql", mind, "update token set label = 'naïve 猫' where id = 1")
    done = process("sql", mind, "select label from token where id = 1", env=environment(PYTHONIOENCODING="ascii"))
    assert done.returncode == 0
    assert "na\\xefve \\u732b" in done.stdout


@posix
@pytest.mark.parametrize("closed", ["0<&-", ">&-", "2>&-", "0<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("arguments", "code", "out"),
    [
        (["kv", "set", "mind.ngdb", "n", "k", "1"], 0, "'k' in 'n' is version 1\n"),
        (["kv", "set", "mind.ngdb", "n", "k", "-"], 2, ""),
        (["kv", "get", "mind.ngdb", "n", "none"], 1, ""),
        (["queue", "purge", "mind.ngdb", "none"], 1, ""),
        (["queue", "stats", "mind.ngdb"], 0, ""),
    ],
)
def test_a_command_may_be_run_without_stdin_stdout_or_stderr(mind, arguments, code, out, closed):
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *PROGRAM, *arguments]
    done = subprocess.run(shell, capture_output=True, text=True, input="", env=environment())
    assert (done.returncode, done.stdout) == (code, "" if ">&-" in closed.split() else out)
    assert "Traceback" not in done.stderr
    assert "a fault of ours" not in done.stderr


def test_help_imports_neither_numpy_nor_numba():
    code = """
import sys
from neurograph.cli import main
try:
    main()
finally:
    print(sorted({"numpy", "numba"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True)
    assert done.stdout.endswith("[]\n")
