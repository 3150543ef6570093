"""`ngdb demo`: the main job, as a newcomer runs it."""

from __future__ import annotations

import json
import platform
import shlex
from pathlib import Path

import pytest
from command_line import answer, companions, process, refusal, run

import neurograph
from neurograph.cli.demo import GO_ON
from neurograph.errors import NotHere
from neurograph.flows import demo
from neurograph.flows.stdlib_meaning import MEANING
from neurograph.flows.stdlib_questions import QUESTIONS
from processes import unmeasured

ALL = (*QUESTIONS, *MEANING)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the whole demo once as a process of its own; return its file and what it said."""
    folder = tmp_path_factory.mktemp("demo")
    done = process("demo", cwd=folder, env=unmeasured())
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "demo.ngdb", done.stdout


def test_every_question_is_asked_and_answered(library):
    path, said = library
    assert companions(path) == []
    for number, question in enumerate(ALL, 1):
        start = said.index(f"\n{number}. {question.text}\n")
        end = said.index(f"\n{number + 1}. ") if number < len(ALL) else said.index(" questions, ")
        part = said[start:end]
        for line in question.sql.strip().splitlines():
            assert f"\n   {line}\n" in part
        assert question.python in part
        assert all(label in part for label in question.includes)


def test_it_tells_what_was_read_and_how_long_it_took(library):
    path, said = library
    with neurograph.open(path, mode="r") as db:
        tokens, edges, docstrings = db.tokens.count(), db.graph.count(), len(db.library.get("docstrings"))
    first, second = said.splitlines()[:2]
    assert first == f"The standard library of Python {platform.python_version()}: {tokens:,} tokens, {edges:,} edges."
    assert " files read in " in second
    assert f", {docstrings:,} docstrings made vectors in " in second
    assert docstrings > 5_000
    assert tokens > 10_000
    assert edges > 30_000


@pytest.mark.parametrize("line", [text for text, _ in GO_ON if not text.startswith("sql")])
def test_what_it_suggests_next_works(library, line, monkeypatch):
    path, said = library
    assert "ngdb " + line.format(path="demo.ngdb") in said
    monkeypatch.chdir(path.parent)
    assert run(*shlex.split(line.format(path="demo.ngdb"))).stdout


def test_a_demo_that_is_there_is_asked_again(library):
    path, _ = library
    before = path.read_bytes()
    said = run("demo", path, "--question", "chain", "--question", "spread").stdout
    assert f"{path} holds it already; --fresh reads it again." in said
    assert "\n1. How does parsing" in said
    assert "\n2. What lights up" in said
    assert "2 questions, " in said
    assert path.read_bytes() == before


def test_json_has_every_answer(library):
    path, _ = library
    document = answer("demo", path)
    assert document["path"] == str(path)
    assert document["python_version"] == platform.python_version()
    assert [question["name"] for question in document["questions"]] == [question.name for question in ALL]
    for question, asked in zip(document["questions"], ALL, strict=True):
        assert set(asked.includes) <= {row["label"] for row in question["rows"]}
        assert question["sql_ms"] > 0
        assert question["python_ms"] > 0


@pytest.fixture
def small_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the demo read five files instead of all, and stand in an empty folder."""
    read = demo.read_standard_library
    monkeypatch.setattr(demo, "read_standard_library", lambda limit, progress: read(5, progress))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def no_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the default encoder be as after a plain `pip install .`."""

    def missing(**options):
        raise NotHere('the default encoder is not installed; pip install "neurograph[text]"')

    monkeypatch.setattr(neurograph.EmbeddingEngine, "default", missing)


def test_without_the_extra_nothing_is_asked_by_meaning_and_the_command_that_adds_it_is_told(small_library, no_encoder):
    asked = ["most-called", "rank", *(question.name for question in MEANING)]
    options = [option for name in asked for option in ("--question", name)]
    said = run("demo", *options).stdout
    assert "\n2. Where does everything lead to?\n" in said
    assert all(question.text not in said for question in MEANING)
    remedy = 'pip install "neurograph[text]" && ngdb demo --fresh'
    assert f"\n{len(MEANING)} by meaning left out; this adds them:\n\n  {remedy}\n\n2 questions, " in said
    assert "docstrings" not in said
    with neurograph.open("demo.ngdb", mode="r") as db:
        assert db.library.list() == []
    document = answer("demo", *options)
    assert [question["name"] for question in document["questions"]] == ["most-called", "rank"]
    assert document["docstrings"] == 0
    said = run("demo", "my demo.ngdb", "--question", "means").stdout
    assert "\n  pip install \"neurograph[text]\" && ngdb demo 'my demo.ngdb' --fresh\n" in said


def test_a_demo_that_has_vectors_needs_the_extra_alone(small_library, monkeypatch):
    run("demo", "--question", "means")
    with monkeypatch.context() as patch:
        patch.setattr("neurograph.cli.demo.default_encoder", lambda: "not installed")
        said = run("demo", "--question", "means").stdout
    assert '\n  pip install "neurograph[text]" && ngdb demo\n' in said


def test_the_extra_alone_adds_nothing_to_a_file_that_is_there(small_library, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("neurograph.cli.demo.default_encoder", lambda: "not installed")
        run("demo", "--question", "most-called")
    said = run("demo", "--question", "means").stdout
    assert "\n1 by meaning left out; this adds it:\n\n  ngdb demo --fresh\n\n0 questions, " in said
    fresh = answer("demo", "--question", "means", "--fresh")
    assert fresh["docstrings"] > 100
    assert fresh["questions"][0]["rows"]


def test_a_fresh_one_replaces_a_demo(small_library):
    first = answer("demo", "--question", "most-called")
    assert first["files"] == 5
    run("sql", "demo.ngdb", "delete from token where label = 'builtins.len'")
    again = answer("demo", "--question", "most-called")
    assert (again["files"], again["tokens"]) == (None, first["tokens"] - 1)
    fresh = answer("demo", "--question", "most-called", "--fresh")
    assert (fresh["files"], fresh["tokens"]) == (5, first["tokens"])


def test_an_empty_file_is_filled(small_library):
    Path("mine.ngdb").touch()
    assert answer("demo", "mine.ngdb", "--question", "most-called")["files"] == 5


@pytest.mark.parametrize("fresh", [[], ["--fresh"]])
def test_a_file_of_one_s_own_is_left_alone(mind, fresh):
    before = mind.read_bytes()
    assert refusal("demo", mind, *fresh) == f"PATH must be a new file or a demo, got {str(mind)!r}; it was left alone"
    assert mind.read_bytes() == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError("full")])
def test_a_demo_that_breaks_off_leaves_no_file(small_library, monkeypatch, error):
    def broken(*arguments):
        raise error

    monkeypatch.setattr(demo, "write", broken)
    run("demo", code=130 if error is KeyboardInterrupt else 1)
    assert list(Path.cwd().iterdir()) == []


def test_a_python_without_its_source_says_so(small_library, monkeypatch):
    monkeypatch.setattr("sysconfig.get_path", lambda name: "nowhere")
    assert "the standard library's source text must be there" in refusal("demo")


def test_nothing_but_json_is_on_stdout(small_library):
    result = run("demo", "--question", "most-called", "--json")
    assert json.loads(result.stdout)["questions"][0]["name"] == "most-called"
    assert result.stderr == ""


def test_a_path_with_spaces_is_quoted_in_what_is_suggested(small_library):
    said = run("demo", "my demo.ngdb", "--question", "most-called").stdout
    assert "\n  ngdb info 'my demo.ngdb' " in said


def test_what_another_process_wrote_meanwhile_is_kept(small_library, monkeypatch):
    """The file was not there when the demo began, and holds somebody's tokens when it is to be written."""
    read = demo.read_standard_library

    def slowly(limit, progress):
        with neurograph.open("demo.ngdb") as db:
            db.tokens.create("mine")
        return read(limit, progress)

    monkeypatch.setattr(demo, "read_standard_library", slowly)
    assert "must be written into an empty file" in refusal("demo")
    assert answer("sql", "demo.ngdb", "select label from token") == [{"label": "mine"}]
