"""`ngdb demo`: the running Python's standard library as a mind, questioned in SQL and in Python."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InvalidValue
from ..flows.stdlib_meaning import LIBRARY, MEANING, default_encoder
from ..flows.stdlib_questions import QUESTIONS, Question
from ..progress import Progress, seconds_text
from .command import command, json_option, reading, writing
from .output import heading, records, terminal_width, write_json, write_table

if TYPE_CHECKING:
    from ..embed.engine import EmbeddingEngine
    from ..flows.demo import Answer

DEFAULT_PATH = "demo.ngdb"
NAMES = [question.name for question in (*QUESTIONS, *MEANING)]
GO_ON = (
    ("sql {path}", "a shell; the queries above are yours to change"),
    ("path {path} json.dumps builtins.isinstance --cost hops", "how one thing leads to another"),
    ("near {path} logging.Handler --level cognitive", "what is like it"),
    ("query {path} 'run a command and capture its output'", "what is meant, said, and linked with that"),
    ("search {path} docstrings 'hash a password'", "what is meant by words of your own"),
    ("bfs {path} asyncio.runners.run --direction in --limit 0", "who depends on it"),
    ("info {path}", "what the file holds"),
)


@command(
    "demo",
    "ngdb demo",
    "ngdb demo library.ngdb --question spread --question rank",
    "ngdb demo --fresh --json",
)
@click.argument("path", type=click.Path(dir_okay=False), default=DEFAULT_PATH)
@click.option("--question", "names", type=click.Choice(NAMES), multiple=True, help="Ask only this; may be repeated.")
@click.option("--fresh", is_flag=True, help="Read the library again where PATH holds a demo already.")
@json_option
def demo(path: str, names: tuple[str, ...], fresh: bool, as_json: bool) -> None:
    """Question Python's own standard library, in SQL and in Python.

    Modules, classes and functions become tokens, placed by what they are like; what contains, imports, inherits from
    and calls what becomes edges. With the extra `text` docstrings become vectors, and are asked by meaning.

    PATH is demo.ngdb in this folder unless given. A demo that is there already is asked again; any other file is left
    alone.
    """
    began = time.perf_counter()
    encoder = default_encoder()
    engine = None if isinstance(encoder, str) else encoder
    built = _build(path, fresh, engine)
    if not as_json:
        _say_built(path, built)
    questions = [question for question in (*QUESTIONS, *MEANING) if not names or question.name in names]
    answers = _ask(path, questions, engine, as_json)
    seconds = time.perf_counter() - began
    if as_json:
        write_json(
            {
                "path": str(Path(path).absolute()),
                **built,
                "questions": [_document(answer) for answer in answers],
                "seconds": round(seconds, 3),
            }
        )
        return
    if len(answers) < len(questions):
        _say_skipped(len(questions) - len(answers), path, encoder, has_vectors=built["docstrings"] > 0)
    print(f"{len(answers)} question{'' if len(answers) == 1 else 's'}, {seconds_text(seconds)} in all. Go on with:\n")
    here = [(text, what) for text, what in GO_ON if built["docstrings"] or text.split()[0] not in {"query", "search"}]
    shown = [("ngdb " + text.format(path=shlex.quote(path)), what) for text, what in here]
    widest = max(len(text) for text, _ in shown)
    for text, what in shown:
        print(f"  {text:<{widest}}  {what}")


def _build(path: str, fresh: bool, engine: EmbeddingEngine | None) -> dict[str, Any]:
    """Make the demo where there is none; return what it holds and what making it took."""
    from ..flows.demo import build

    existed = Path(path).exists() and Path(path).stat().st_size > 0
    if existed:
        found = _existing(path)
        if not fresh:
            return found
        for companion in ("", "-wal", "-shm", "-journal"):
            Path(path + companion).unlink(missing_ok=True)
    with writing(path, create=True) as db, Progress("") as progress:
        built = build(db, lambda unit, done, of: progress(f"reading {unit}", done, of), engine=engine)
    times = {name: round(getattr(built, name), 3) for name in ("read_s", "embed_s", "write_s")}
    return _existing(path) | {"files": built.files} | times


def _existing(path: str) -> dict[str, Any]:
    from ..flows.demo import demo_of

    with reading(path) as db:
        python = demo_of(db)
        if python is None:
            raise InvalidValue(f"PATH must be a new file or a demo, got {path!r}; it was left alone")
        docstrings = db.library.get(LIBRARY).count() if LIBRARY in db.library else 0
        counts = {"tokens": db.tokens.count(), "edges": db.graph.count(), "docstrings": docstrings}
        return {"python_version": python, "files": None, **counts}


def _say_built(path: str, built: dict[str, Any]) -> None:
    python, tokens, edges = built["python_version"], built["tokens"], built["edges"]
    print(f"The standard library of Python {python}: {tokens:,} tokens, {edges:,} edges.")
    if built["files"]:
        read, written = seconds_text(built["read_s"]), seconds_text(built["write_s"])
        made = f"{built['docstrings']:,} docstrings made vectors in {seconds_text(built['embed_s'])}, "
        made = made if built["docstrings"] else ""
        print(f"{built['files']} files read in {read}, {made}{path} written in {written}.\n")
    else:
        print(f"{path} holds it already; --fresh reads it again.\n")


def _say_skipped(count: int, path: str, encoder: EmbeddingEngine | str, *, has_vectors: bool) -> None:
    """Say which questions were left out, and the command that adds them."""
    place = "" if path == DEFAULT_PATH else f" {shlex.quote(path)}"
    command = f"ngdb demo{place}" if has_vectors else f"ngdb demo{place} --fresh"
    if isinstance(encoder, str):
        command = f'pip install "neurograph[text]" && {command}'
    print(f"{count} by meaning left out; this adds {'it' if count == 1 else 'them'}:\n\n  {command}\n")


def _ask(path: str, questions: list[Question], engine: EmbeddingEngine | None, as_json: bool) -> list[Answer]:
    from ..flows.demo import ask, can_ask

    answers = []
    with reading(path) as db:
        askable = [question for question in questions if can_ask(db, question, engine)]
        for number, question in enumerate(askable, 1):
            if not as_json:
                print(heading(f"{number}. {question.text}") + "\n")
                print("\n".join(f"   {line}" for line in question.sql.strip().splitlines()) + "\n")
            answers.append(ask(db, question))
            if not as_json:
                _show(answers[-1])
    return answers


def _show(answer: Answer) -> None:
    write_table(answer.columns, answer.rows, digits=6, indent="   ", width=terminal_width() or 120)
    print(f"\n   SQL {seconds_text(answer.sql_s)}. In Python, {seconds_text(answer.python_s)}:")
    print(f"   {answer.question.python}\n\n")


def _document(answer: Answer) -> dict[str, Any]:
    question = answer.question
    return {
        "name": question.name,
        "text": question.text,
        "sql": question.sql.strip(),
        "python": question.python,
        "rows": records(answer.columns, answer.rows),
        "sql_ms": round(answer.sql_s * 1000, 3),
        "python_ms": round(answer.python_s * 1000, 3),
    }
