"""The demo's answers are the same in SQL, in Python, in the naive version, from rows and from arrays."""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest
from naive_functions import register
from naive_library import Library

import neurograph
from neurograph.errors import Misuse
from neurograph.flows import demo
from neurograph.flows.stdlib_meaning import MEANING, default_encoder, embed_docstrings
from neurograph.flows.stdlib_questions import QUESTIONS, Question
from neurograph.flows.stdlib_source import EDGE_TYPES, KINDS

Rows = list[tuple[Any, ...]]
each_question = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
any_question = pytest.mark.parametrize("question", [*QUESTIONS, *MEANING], ids=lambda question: question.name)
by_meaning = pytest.mark.parametrize("question", MEANING[:-1], ids=lambda question: question.name)


@pytest.fixture(scope="module")
def path(standard_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.ngdb"
    with neurograph.open(path, synchronous="off") as db, db.transaction():
        demo.write(db, standard_library.source, embed_docstrings(standard_library.source, default_encoder()))
    return path


@pytest.fixture(scope="module", params=["sql", pytest.param("numba", marks=pytest.mark.compiled)])
def db(request: pytest.FixtureRequest, path: Path) -> Iterator[neurograph.Database]:
    with neurograph.open(path, mode="r", engine=request.param) as database:
        yield database


def test_the_file_holds_the_library(db: neurograph.Database, standard_library: Library) -> None:
    source = standard_library.source
    assert demo.demo_of(db) == platform.python_version()
    assert db.tokens.count() == len(source.symbols)
    assert db.graph.count() == len(source.edges)
    assert db.execute("select label from token order by id").fetchall() == [(s.label,) for s in source.symbols]
    kinds = db.execute(
        "select e.name, e.code from token as t join entity_type as e on e.code = t.entity_type group by 1"
    )
    assert sorted(name for name, _ in kinds) == sorted(KINDS)
    assert all(code >= 256 for _, code in kinds)
    types = dict(
        db.execute("select c.name, c.code from edge as e join connection_type as c on c.code = e.type group by 1")
    )
    assert types.keys() == EDGE_TYPES.keys()
    assert [name for name, code in types.items() if code < 256] == ["contains"]


def test_nothing_is_wrong_with_the_file(path: Path) -> None:
    with neurograph.open(path, mode="r") as db:
        assert db.check() == []


def test_tokens_keep_what_was_read(db: neurograph.Database, standard_library: Library) -> None:
    for symbol in standard_library.source.symbols[::997]:
        token = db.tokens.get(symbol.label)
        assert token.properties == symbol.properties()
        assert token.weight == symbol.measures.weight
        levels = [point for point in symbol.measures.levels() if not math.isnan(point[0])]
        assert list(token.coordinates.values()) == levels


@pytest.fixture(scope="module")
def asked(db: neurograph.Database) -> Callable[[Question], demo.Answer]:
    """Return what asks a question in SQL, once however many tests look at its answer: ranking by rows takes 3 s."""
    return cache(lambda question: demo.ask(db, question))


@any_question
def test_the_answer_includes_what_it_must(asked: Callable[[Question], demo.Answer], question: Question) -> None:
    answer = asked(question)
    assert answer.columns[0] == "label"
    assert set(question.includes) <= {row[0] for row in answer.rows}
    assert 1 < len(answer.rows) <= 20


@each_question
def test_the_answer_is_the_naive_one(
    asked: Callable[[Question], demo.Answer], path: Path, standard_library: Library, question: Question
) -> None:
    plain = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    register(plain, standard_library, dict(plain.execute("select name, code from connection_type").fetchall()))
    expected = plain.execute(question.sql).fetchall()
    plain.close()
    found = asked(question).rows
    assert [row[0] for row in found] == [row[0] for row in expected]
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=2e-4)


def naive_nearest(db: neurograph.Database, question: Question) -> Rows:
    """Score every docstring, in plain Python but for the sums."""
    library = db.library.get("docstrings")
    items = list(library)
    vectors = library.vectors([item.id for item in items]).astype(np.float64)
    key = next((item.key for item in items if f"'{item.key}'" in question.sql), "")
    asked = re.findall(r"ng_embed\('docstrings', '(.*)'\)", question.sql)
    query = library.vector(key) if key else default_encoder().embed_query(*asked)
    lengths = np.sqrt((vectors**2).sum(axis=1) * (query.astype(np.float64) ** 2).sum())
    scored = [
        (1 - cosine, item.id, item.key)
        for item, cosine in zip(items, (vectors @ query / lengths).tolist(), strict=True)
        if item.key != key
        and ("'class'" not in question.sql or db.tokens.get(item.token_id).properties["kind"] == "class")
    ]
    return [(key, round(distance, 3)) for distance, _, key in sorted(scored)[:8]]


@by_meaning
def test_what_is_near_by_meaning_is_what_every_docstring_scored_says(
    db: neurograph.Database, question: Question
) -> None:
    naive = naive_nearest(db, question)
    asked = demo.ask(db, question)
    said = [(hit.key, round(hit.distance, 3)) for hit in demo.answer_in_python(db, question)]
    assert [row[:2] for row in asked.rows] == said == naive


def test_one_question_to_everything_is_the_same_in_sql_and_in_python(db: neurograph.Database) -> None:
    asked = demo.ask(db, MEANING[-1])
    found = demo.answer_in_python(db, MEANING[-1])
    assert [(label, score) for label, score, _ in asked.rows] == [(hit.label, round(hit.score, 4)) for hit in found]
    told = [", ".join(f"{leg.leg} {leg.rank}" for leg in hit.legs) for hit in found]
    assert [places for *_, places in asked.rows] == told
    assert {"vector", "text", "graph"} <= set(" ".join(told).replace(",", "").split())


def test_callers_are_counted_where_meaning_leads(db: neurograph.Database) -> None:
    (question,) = [question for question in MEANING if question.name == "called"]
    for label, _, callers in demo.ask(db, question).rows:
        assert callers == len(db.graph.links(label, direction="in", types="calls"))


def test_every_docstring_is_an_item_of_its_token(db: neurograph.Database, standard_library: Library) -> None:
    sql = "select t.label, i.key from item as i join token as t on t.id = i.token_id order by i.id"
    documented = [symbol.label for symbol in standard_library.source.symbols if symbol.docstring]
    assert db.execute(sql).fetchall() == [(label, label) for label in documented]
    library = db.library.get("docstrings")
    assert library.get("json.dumps").text.startswith("json dumps: Serialize ``obj`` to a JSON formatted ``str``.")
    assert library.identity == default_encoder().identity


def most_called(db: neurograph.Database, counted: Any) -> Rows:
    return [(db.tokens.get(id).label, count) for id, count in counted]


def breaks(db: neurograph.Database, visits: Any) -> Rows:
    kinds = dict(db.execute("select id, properties ->> '$.kind' from token"))
    depths = [visit.depth for visit in visits if kinds[visit.id] == "module"]
    return [("re", depths.count(1), len(depths) - 1)]


def ranked(db: neurograph.Database, scores: Any) -> Rows:
    best = sorted(scores, key=lambda score: (-score.score, score.id))[:8]
    return [(db.tokens.get(id).label, round(score, 4)) for id, score in best]


def alike(db: neurograph.Database, hits: Any) -> Rows:
    tokens = [(db.tokens.get(id), distance) for id, distance in hits]
    classes = [(token.label, round(distance, 3)) for token, distance in tokens if token.properties["kind"] == "class"]
    return classes[:8]


def chain(db: neurograph.Database, path: Any) -> Rows:
    steps = zip(path.ids, range(len(path.ids)), (None, *path.types), strict=True)
    return [(db.tokens.get(id).label, step, by) for id, step, by in steps]


IN_PYTHON: dict[str, tuple[Callable[[neurograph.Database, Any], Rows], Callable[[Rows], Rows]]] = {
    "most-called": (most_called, lambda rows: [row[:2] for row in rows]),
    "reach": (lambda db, found: [(db.tokens.get(id).label, n) for id, n in found], lambda rows: [r[:2] for r in rows]),
    "chain": (chain, lambda rows: rows),
    "breaks": (breaks, lambda rows: [row for row in rows if row[0] == "re"]),
    "rank": (ranked, lambda rows: [row[:2] for row in rows]),
    "alike": (alike, lambda rows: [row[:2] for row in rows]),
    "unexplained": (
        lambda db, found: [(db.tokens.get(hit.id).label,) for hit in found[:8]],
        lambda rows: [row[:1] for row in rows],
    ),
    "spread": (
        lambda db, found: [(db.tokens.get(a.id).label, round(a.energy, 3), a.depth) for a in found[:12]],
        lambda rows: rows,
    ),
    "deepest": (
        lambda db, count: [("asyncio.proactor_events._ProactorSocketTransport", count)],
        lambda rows: [(row[0], row[2]) for row in rows if row[0].endswith("_ProactorSocketTransport")],
    ),
}


@each_question
def test_sql_and_python_say_the_same(
    db: neurograph.Database, asked: Callable[[Question], demo.Answer], question: Question
) -> None:
    of_python, of_sql = IN_PYTHON[question.name]
    said = of_python(db, demo.answer_in_python(db, question))
    told = of_sql(asked(question).rows)
    if question.name == "most-called":  # equal counts are in another order there
        assert [count for _, count in said] == [count for _, count in told]
        assert {row for row in said if row[1] > said[-1][1]} == {row for row in told if row[1] > told[-1][1]}
    else:
        assert said == told


def test_a_file_with_tokens_is_never_written_to(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        db.tokens.create("mine")
        with pytest.raises(Misuse, match="must be written into an empty file, got tokens"):
            demo.build(db)
        assert db.tokens.count() == 1
        assert demo.demo_of(db) is None


def test_a_demo_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        monkeypatch.setattr(type(db.graph), "create_many", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            demo.build(db, limit=3)
        assert db.tokens.count() == 0
        assert db.execute("select count(*) from entity_type where code >= 256").fetchone() == (0,)
        assert demo.demo_of(db) is None


def test_names_that_a_file_has_already_are_used(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        db.execute("insert into connection_type (code, name) values (300, 'calls')")
        db.execute("insert into entity_type (code, name) values (65534, 'class')")
        demo.build(db, limit=3)
        assert dict(db.execute("select name, code from connection_type where code >= 256"))["calls"] == 300
        assert db.execute("select count(*) from entity_type where name = 'module'").fetchone() == (1,)
        assert db.check() == []


def test_progress_counts_files(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        built = demo.build(db, lambda *what: told.append(what), limit=3)
    assert told == [("files", 1, 3), ("files", 2, 3), ("files", 3, 3)]
    assert built.files == 3
    assert built.tokens > 100
