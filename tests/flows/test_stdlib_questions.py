"""The demo's questions have true, telling answers on this Python's library, and their SQL runs on the real tables.

The table-valued functions are naive ones here, with the names, arguments and columns that `docs/sql.md` promises.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import apsw
import pytest
from naive_functions import register
from naive_library import Library

from neurograph.flows.stdlib_questions import QUESTIONS, Question
from neurograph.flows.stdlib_source import EDGE_TYPES
from neurograph.model.levels import COORDINATE_COLUMNS

SCHEMA = Path(__file__).resolve().parents[2] / "schema"
BY_NAME = {question.name: question for question in QUESTIONS}


@pytest.fixture(scope="module")
def answers(standard_library: Library) -> dict[str, list[tuple[Any, ...]]]:
    """Load the library into the real schema and ask every question once."""
    db = apsw.Connection(":memory:")
    for path in sorted(SCHEMA.glob("*.sql")):
        db.execute(path.read_text(encoding="utf-8"))
    source = standard_library.source
    own = [name for name in EDGE_TYPES if name != "contains"]
    db.executemany("insert into connection_type (code, name) values (?, ?)", list(enumerate(own, 256)))
    codes = dict(db.execute("select name, code from connection_type").fetchall())
    columns = ", ".join(COORDINATE_COLUMNS)
    marks = ", ".join("?" * (4 + len(COORDINATE_COLUMNS)))
    rows = (
        (
            id,
            s.label,
            s.measures.weight,
            json.dumps(s.properties()),
            *(None if a != a else a for p in levels for a in p),
        )
        for id, (s, levels) in enumerate(zip(source.symbols, source.coordinates(), strict=True), 1)
    )
    with db:
        db.executemany(f"insert into token (id, label, weight, properties, {columns}) values ({marks})", rows)
        db.executemany(
            "insert into edge (source, target, type, weight, properties) values (?, ?, ?, ?, ?)",
            (
                (e.source + 1, e.target + 1, codes[e.type], e.weight, json.dumps({"count": e.count}))
                for e in source.edges
            ),
        )
    register(db, standard_library, codes)
    return {question.name: db.execute(question.sql).fetchall() for question in QUESTIONS}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_every_answer_includes_what_it_must(answers: dict[str, list[tuple[Any, ...]]], question: Question) -> None:
    labels = [row[0] for row in answers[question.name]]
    assert set(question.includes) <= set(labels)
    assert len(labels) == len(set(labels))


def test_questions_have_names_and_words_of_their_own() -> None:
    assert len(BY_NAME) == len(QUESTIONS)
    assert len({question.text for question in QUESTIONS}) == len(QUESTIONS)
    assert all(question.text.endswith("?") and question.includes for question in QUESTIONS)


def test_answers_fit_on_a_screen(answers: dict[str, list[tuple[Any, ...]]]) -> None:
    assert all(1 < len(rows) <= 20 for rows in answers.values())


def test_most_called_counts_callers(answers: dict[str, list[tuple[Any, ...]]], standard_library: Library) -> None:
    counted = Counter(target for _, kind, target, _ in standard_library.edges if kind == "calls")
    expected = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:8]
    assert [row[:2] for row in answers["most-called"]] == [(standard_library.labels[id], n) for id, n in expected]


def test_breaks_counts_modules(answers: dict[str, list[tuple[Any, ...]]], standard_library: Library) -> None:
    modules = {id for id, s in enumerate(standard_library.source.symbols, 1) if s.kind == "module"}
    told = {label: (at_once, in_the_end) for label, at_once, in_the_end in answers["breaks"]}
    for label, (at_once, in_the_end) in told.items():
        reached = standard_library.bfs(label, direction="in", types={"imports"})
        assert in_the_end == len(reached.keys() & modules) - 1
        assert at_once == sum(reached[id] == 1 for id in reached.keys() & modules)
    assert told["re"][1] > told["socket"][1] > told["decimal"][1] > 0
    assert all(at_once < in_the_end for at_once, in_the_end in told.values())


def test_the_deepest_class_has_a_line_of_six_ancestors_or_more(answers: dict[str, list[tuple[Any, ...]]]) -> None:
    label, depth, ancestors, path = answers["deepest"][0]
    assert ancestors >= depth >= 6
    assert path.startswith(f"{label} < ")
    assert path.count(" < ") == depth
    assert [row[1] for row in answers["deepest"]] == sorted((row[1] for row in answers["deepest"]), reverse=True)


def test_the_chain_is_of_calls_from_argparse_to_the_compiler_of_re(
    answers: dict[str, list[tuple[Any, ...]]], standard_library: Library
) -> None:
    labels = [row[0] for row in answers["chain"]]
    assert 4 <= len(labels) <= 12
    assert labels[-2] == "re._compile"
    assert [row[1] for row in answers["chain"]] == list(range(len(labels)))
    edges = {(source, target) for source, _, target, _ in standard_library.edges}
    ids = [standard_library.ids[label] for label in labels]
    assert set(itertools.pairwise(ids)) <= edges


def test_json_dumps_sets_little_in_motion(answers: dict[str, list[tuple[Any, ...]]]) -> None:
    depths = {label: depth for label, depth, _ in answers["reach"]}
    assert depths["json.dumps"] == 0
    assert depths["json.encoder.JSONEncoder.encode"] == 1
    assert depths["json.encoder._make_iterencode"] == 3
    assert len(depths) < 20


def test_what_asyncio_run_touches_first_glows_most(answers: dict[str, list[tuple[Any, ...]]]) -> None:
    energies = {label: (energy, depth) for label, energy, depth in answers["spread"]}
    assert energies["asyncio.runners.Runner.run"][1] == 1
    assert energies["asyncio.runners.Runner.run"][0] > energies["asyncio.runners.Runner._lazy_init"][0]
    assert "asyncio.runners.run" not in energies


def test_rank_is_the_same_with_and_without_weights(standard_library: Library) -> None:
    includes = set(BY_NAME["rank"].includes)
    for weighted in (True, False):
        ranks = standard_library.pagerank(weighted=weighted)
        best = sorted(ranks, key=ranks.__getitem__, reverse=True)[:8]
        assert includes <= {standard_library.labels[id] for id in best}
        assert sum(ranks.values()) == pytest.approx(1)
