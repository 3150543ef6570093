"""Tables are aligned and cut, JSON is valid whatever a value is, and nothing in a value moves the cursor."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import pytest

from neurograph.cli import output
from neurograph.progress import Progress, seconds_text


def table(capsys: pytest.CaptureFixture[str], *arguments: Any, **options: Any) -> list[str]:
    output.write_table(*arguments, **options)
    return capsys.readouterr().out.splitlines()


def test_numbers_stand_to_the_right_and_texts_to_the_left(capsys):
    assert table(capsys, ("name", "n"), [("cat", 1), ("mouse", 200)]) == [
        "name     n",
        "─────  ───",
        "cat      1",
        "mouse  200",
    ]


def test_a_column_of_numbers_with_a_null_is_one_of_numbers(capsys):
    assert table(capsys, ("n",), [(None,), (1.5,)]) == ["  n", "───", "", "1.5"]


def test_a_table_without_rows_shows_its_columns(capsys):
    assert table(capsys, ("a", "bc"), []) == ["a  bc", "─  ──"]


def test_the_widest_texts_give_way_first_and_numbers_never(capsys):
    rows = [("a" * 30, "b" * 60, 123456789)]
    lines = table(capsys, ("x", "y", "n"), rows, width=60)
    assert max(map(len, lines)) == 60
    assert lines[2] == "a" * 22 + "…  " + "b" * 23 + "…  " + "123456789"


def test_a_table_is_never_cut_to_nothing(capsys):
    lines = table(capsys, ("x", "y"), [("a" * 30, "b" * 30)], width=3)
    assert lines[2] == "aaaaa…  bbbbb…"


def test_wide_and_combining_characters_count_as_a_terminal_counts_them(capsys):
    lines = table(capsys, ("x", "y"), [("猫", "1"), ("e\u0301", "2"), ("cat", "3")])
    assert [line.index(digit) for line, digit in zip(lines[2:], "123", strict=True)] == [4, 6, 5]


def test_control_characters_are_written_as_escapes():
    assert output.cell("a\nb\x1b[31mc\t\x9bd") == "a\\nb\\x1b[31mc\\t\\x9bd"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.1 + 0.2, "0.3"),
        (1e-9, "1e-09"),
        (12345678901234567890, "12345678901234567890"),
        (b"\x00\xff", "x'00ff'"),
        (b"\x01" * 20, "x'" + "01" * 16 + "…'"),
        (True, "True"),
        ("naïve 猫", "naïve 猫"),
    ],
)
def test_a_cell_is_short_and_plain(value, text):
    assert output.cell(value) == text


def test_a_terminal_that_knows_only_ascii_gets_ascii(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    output.write_table(("name",), [("x" * 20,)], width=8)
    output.write_json(["é"])
    stream.flush()
    assert stream.buffer.getvalue().decode("ascii").split() == ["name", "--------", "xxxxxxx~", "[", '"\\u00e9"', "]"]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        [1, "a", None, True, 2.5],
        {"a": [], "b": {}, "c": [{"d": 1, "e": [2, {"f": 3}]}], "g": "ü\n\x00"},
        [[1, 2], [3, 4]],
    ],
)
def test_json_reads_back_as_it_was(capsys, document):
    output.write_json(document)
    assert json.loads(capsys.readouterr().out) == document


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "utf-8"])
@pytest.mark.parametrize("text", ["naïve 猫 😀", "a\x7fb\x9b2Jc\x1b", "\ud800"])
def test_json_is_json_in_whatever_encoding_and_moves_no_cursor(monkeypatch, encoding, text):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace", write_through=True)
    monkeypatch.setattr("sys.stdout", stream)
    output.write_json({"text": text})
    print(output.json_line({"text": text}))
    written = stream.buffer.getvalue().decode(encoding)
    assert not {"\x7f", "\x9b", "\x1b"} & set(written)
    whole, line = written.rsplit("\n", 2)[:2]
    assert json.loads(whole) == json.loads(line) == {"text": text}


def test_json_has_a_row_on_each_line(capsys):
    output.write_json([{"id": 1, "label": "cat"}, {"id": 2, "label": "dog"}])
    assert capsys.readouterr().out == '[\n  {"id": 1, "label": "cat"},\n  {"id": 2, "label": "dog"}\n]\n'


def test_what_json_cannot_say_is_said_as_text(capsys):
    output.write_json({"a": [b"\x00\xff", math.inf, -math.inf]})
    assert json.loads(capsys.readouterr().out) == {"a": ["00ff", "inf", "-inf"]}


def test_a_line_of_json_is_json_too():
    assert json.loads(output.json_line({"a": [b"\x00\xff", math.inf, -math.inf]})) == {"a": ["00ff", "inf", "-inf"]}


def test_columns_of_one_name_are_numbered():
    assert output.records(("n", "n", "m", "n"), [(1, 2, 3, 4)]) == [{"n": 1, "n:2": 2, "m": 3, "n:3": 4}]
    assert len(output.records(("n", "n:2", "n"), [(1, 2, 3)])[0]) == 3


def test_csv_reads_back(capsys):
    output.write_csv(("a", "b"), [('x,\n"y"', None), (b"\x01", 0.1)])
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [["a", "b"], ['x,\n"y"', ""], ["01", "0.1"]]


def test_a_limit_is_said_on_stderr(capsys):
    output.write_records(("id",), [(1,), (2,)], as_json=True, total=3)
    said = capsys.readouterr()
    assert json.loads(said.out) == [{"id": 1}, {"id": 2}]
    assert said.err == "2 of 3; --limit 0 shows all\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 ms"), (0.00012, "0.12 ms"), (0.0034, "3.4 ms"), (0.04, "40 ms"), (1.25, "1.2 s"), (125.9, "2:05 min")],
)
def test_durations_are_short(seconds, text):
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB")]
)
def test_sizes_are_short(count, text):
    assert output.size_text(count) == text


def test_progress_tells_count_rate_and_the_time_left():
    progress = Progress("rows")
    assert progress.text("reading", 1000, 0.1, None) == "reading: 1,000 rows"
    assert progress.text("reading", 1000, 2.0, None) == "reading: 1,000 rows, 500/s"
    assert progress.text("reading", 1000, 2.0, 4000) == "reading: 1,000 of 4,000 rows, 500/s, 6.0 s left"
    assert progress.text("reading", 5000, 2.0, 4000) == "reading: 5,000 rows, 2,500/s"


def test_progress_is_silent_where_stderr_is_no_terminal(capsys):
    with Progress("rows") as progress:
        progress("reading", 10)
    assert capsys.readouterr().err == ""


def test_progress_leaves_an_empty_line_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    with Progress("rows", 10) as progress:
        progress("reading", 5)
        progress("reading", 6)
    assert stream.getvalue() == "\rreading: 5 of 10 rows\r" + " " * 21 + "\r"
