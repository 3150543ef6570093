"""`ngdb sql`: one query, several, from stdin; and the shell."""

from __future__ import annotations

import csv
import io
import os
import sys

import pytest
from command_line import PROGRAM, answer, companions, process, refusal, run, start

import neurograph


def test_a_query_is_answered_as_a_table_and_says_how_many_rows_there_are(mind):
    result = run("sql", mind, "select id, label, weight, null as none from token where id < 3")
    assert result.stdout.splitlines() == [
        "id  label  weight  none",
        "──  ─────  ──────  ────",
        " 1  cat       0.5",
        " 2  dog       0.5",
    ]
    assert result.stderr == "2 rows\n"


def test_a_query_is_answered_as_json(mind):
    assert answer("sql", mind, "select id, label as name, x'0a' as b from token where id = 2") == [
        {"id": 2, "name": "dog", "b": "0a"}
    ]
    assert answer("sql", mind, "select 1 where false") == []


def test_a_query_is_answered_as_csv(mind):
    text = run("sql", mind, "select label, weight from token order by id limit 2", "--csv").stdout
    assert list(csv.reader(io.StringIO(text))) == [["label", "weight"], ["cat", "0.5"], ["dog", "0.5"]]


def test_functions_of_the_package_are_there(mind):
    found = answer("sql", mind, "select label from ng_bfs('cat', 1) join token using (id) order by id")
    assert [row["label"] for row in found] == ["cat", "mouse", "vet", "animal"]


def test_several_statements_are_all_kept_or_all_undone(mind):
    refusal("sql", mind, "insert into token (label) values ('owl'); insert into token (label) values ('cat')")
    assert answer("sql", mind, "select 1 from token where label = 'owl'") == []
    rows = answer("sql", mind, "insert into token (label) values ('owl'); select count(*) as n from token")
    assert rows == [{"n": 6}]


def test_a_statement_without_rows_says_nothing(mind):
    result = run("sql", mind, "update token set weight = 0.4 where label = 'cat'")
    assert (result.stdout, result.stderr) == ("", "")
    assert answer("sql", mind, "select weight from token where label = 'cat'") == [{"weight": 0.4}]


def test_a_write_behind_with_is_found_out(mind):
    run("sql", mind, "with new(label) as (values ('elk')) insert into token (label) select label from new")
    assert answer("sql", mind, "select label from token order by id desc limit 1") == [{"label": "elk"}]


def test_read_only_refuses_a_write(mind):
    for query in ("delete from token", "with x(a) as (select 1) insert into token (label) select 'elk' from x"):
        refusal("sql", mind, query, "--read-only")
    assert answer("sql", mind, "select count(*) as n from token", "--read-only") == [{"n": 5}]


def test_a_query_comes_from_stdin_where_a_dash_stands_for_it(mind):
    assert run("sql", mind, "-", "--csv", input="select label\n  from token\n where id = 1;\n").stdout == "label\ncat\n"


def test_a_write_leaves_one_file_that_read_only_media_can_hold(mind):
    run("sql", mind, "delete from token where label = 'vet'")
    assert companions(mind) == []
    assert mind.read_bytes()[18:20] == b"\x01\x01"


def test_a_write_beside_another_handle_leaves_the_file_as_that_needs_it(mind):
    with neurograph.open(mind) as db:
        run("sql", mind, "insert into token (label) values ('elk')")
        assert db.tokens.get("elk").id == 6
        assert mind.read_bytes()[18:20] == b"\x02\x02"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select nope from token", "no such column: nope"),
        ("selec 1", 'near "selec": syntax error'),
        ("insert into token (label, weight) values ('elk', 7)", "weight must be within the constitution's limits"),
        ("begin", "begin must not be given as SQL"),
        ("select * from ng_bfs('unicorn')", "no token has the label 'unicorn'"),
        ("select ?", "bindings"),
    ],
)
def test_a_query_that_is_refused_says_why(mind, query, said):
    assert said in refusal("sql", mind, query)


SHELL = """
.mode csv
select label from token order by id limit 2;
begin;
insert into edge (source, target) select t.id, 1 from token as t where t.label = 'vet';
select count(*) from ng_bfs('vet');
rollback;
select count(*) from ng_bfs('vet');
"""


def test_the_shell_has_the_functions_and_transactions_of_its_own(mind):
    done = process("sql", mind, input=SHELL)
    assert done.stdout.split() == ["cat", "dog", "4", "1"]
    assert (done.stderr, done.returncode) == ("", 0)


def test_what_the_shell_leaves_open_is_rolled_back(mind):
    done = process("sql", mind, input="begin;\ndelete from token;\n")
    assert done.stderr == "the transaction that was left open was rolled back\n"
    assert answer("sql", mind, "select count(*) as n from token") == [{"n": 5}]


def test_an_error_in_a_script_ends_it_and_is_said_once(mind):
    done = process("sql", mind, input="select 1;\nselect nope;\nselect 2;\n")
    assert done.returncode == 1
    assert done.stdout == "1\n"
    assert done.stderr.count("no such column: nope") == 1
    assert "ngdb:" not in done.stderr


def test_a_closed_pipe_ends_the_shell_quietly(mind):
    with start("sql", mind) as child:
        child.stdin.write(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000) select i from n;\n"
        )
        child.stdin.close()
        assert child.stdout.readline() == "1\n"
        child.stdout.close()
        assert child.stderr.read() == ""
        assert child.wait(60) == 141


def test_the_shell_keeps_the_rules(mind):
    done = process("sql", mind, input="insert into token (label, weight) values ('elk', 7);\n")
    assert done.returncode == 1
    assert "ng:token.weight" in done.stderr


def test_the_shell_ends_with_the_exit_code_it_is_told(mind):
    assert process("sql", mind, input=".exit\n").returncode == 0
    assert process("sql", mind, input=".exit 5\n").returncode == 5
    assert companions(mind) == []


def test_a_read_only_shell_writes_nothing(mind):
    done = process("sql", mind, "--read-only", input="delete from token;\n")
    assert done.returncode == 1
    assert answer("sql", mind, "select count(*) as n from token") == [{"n": 5}]


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_at_a_terminal_the_shell_says_where_it_is_and_goes_on_after_an_error(mind):
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["HOME"] = str(mind.parent)  # the shell keeps a history there
        os.execv(PROGRAM[0], [*PROGRAM, "sql", str(mind)])
    os.write(terminal, b"select nope;\nselect label || '!' from token where id = 2;\n.exit\n")
    said = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        said += part
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    text = said.decode()
    assert str(mind) in text
    assert "ngdb> " in text
    assert text.index("no such column: nope") < text.index("dog!")
