"""What is no argument is refused with the function, the argument and the value; nothing is changed by it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import minds
import pytest
from minds import PYTHON, call, rows

from neurograph import Database, errors
from neurograph.tables import FUNCTIONS
from neurograph.tables.function import REQUIRED, TEXT

CALLS = [
    (function, at)
    for function in FUNCTIONS
    for at in range(len(function.arguments))
]  # fmt: skip
IDS = [f"{function.name}.{function.arguments[at].name}" for function, at in CALLS]


@pytest.fixture(scope="module")
def mind() -> Iterator[Database]:
    with minds.open_mind() as db:
        yield db


def filled(function, values):
    """Return a full list of good arguments with some of them replaced."""
    good = max(PYTHON[function.name][1], key=len)
    arguments = [good[at] if at < len(good) else a.default for at, a in enumerate(function.arguments)]
    for at, value in values.items():
        arguments[at] = value
    last = max(values, default=len(good) - 1)
    return tuple(arguments[: max(last + 1, sum(a.default is REQUIRED for a in function.arguments))])


@pytest.mark.parametrize(("function", "at"), CALLS, ids=IDS)
def test_null_is_refused_for(mind, function, at):
    arguments = filled(function, {at: None})
    with pytest.raises(errors.InvalidValue, match=f"{function.name}: {function.arguments[at].name} must not be NULL"):
        mind.execute(f"select * from {call(function.name, arguments)}", arguments)


@pytest.mark.parametrize(("function", "at"), CALLS, ids=IDS)
def test_a_value_of_another_type_is_refused_for(mind, function, at):
    argument = function.arguments[at]
    for wrong in (b"\x05", 1.5, "1", 7):
        if type(wrong) in argument.type.classes:
            continue
        arguments = filled(function, {at: wrong})
        said = f"{function.name}: {argument.name} must be {argument.type.name}"
        with pytest.raises(errors.InvalidValue, match=f"^{re.escape(said)}"):
            mind.execute(f"select * from {call(function.name, arguments)}", arguments)


@pytest.mark.parametrize("function", FUNCTIONS, ids=[function.name for function in FUNCTIONS])
def test_one_argument_too_many_is_refused_by(mind, function):
    arguments = (*filled(function, {len(function.arguments) - 1: 1} if function.arguments else {}), 1)
    with pytest.raises(Exception, match=rf"too many arguments on {function.name}\(\) - max {len(function.arguments)}"):
        mind.execute(f"select * from {call(function.name, arguments)}", arguments)


@pytest.mark.parametrize("function", FUNCTIONS, ids=[function.name for function in FUNCTIONS])
def test_a_required_argument_left_out_is_named_by(mind, function):
    for argument in function.arguments:
        if argument.default is not REQUIRED:
            continue
        others = [a for a in function.arguments if a.default is REQUIRED and a is not argument]
        where = (
            " and ".join(f"{a.name} = {1 if a.type is not TEXT else chr(39) + 'a' + chr(39)}" for a in others) or "true"
        )
        with pytest.raises(errors.InvalidValue, match=f"{function.name} must be given {argument.name}; write"):
            mind.execute(f"select * from {function.name} where {where}")


@pytest.mark.parametrize("comparison", ["< 3", ">= 1", "<> 2", "is 2", "is not 2", "like '2'", "between 1 and 3"])
def test_an_argument_compared_otherwise_than_by_equality_is_refused(mind, comparison):
    with pytest.raises(errors.InvalidValue, match="ng_bfs: max_depth must be compared by =; write ng_bfs"):
        mind.execute(f"select * from ng_bfs('a') where max_depth {comparison}")
    with pytest.raises(errors.InvalidValue, match="ng_bfs must be given token"):
        mind.execute(f"select * from ng_bfs where token {comparison}")


@pytest.mark.parametrize(
    ("sql", "error", "message"),
    [
        ("ng_links('zebra')", errors.TokenNotFound, "ng_links: no token has the label 'zebra'"),
        ("ng_links(99)", errors.TokenNotFound, "ng_links: no token has the id 99"),
        ("ng_links(0)", errors.InvalidValue, "ng_links: token must have an id between 1 and 2"),
        ("ng_links(-5)", errors.InvalidValue, "ng_links: token must have an id between 1 and 2"),
        ("ng_links('a', 'sideways')", errors.InvalidValue, "ng_links: direction must be one of out, in, both"),
        ("ng_links('a', 'out', 'hyper')", errors.UnknownName, "ng_links: connection_type must be one of"),
        ("ng_links('a', 'out', 9999)", errors.UnknownName, "got 9999"),
        ("ng_bfs('a', -1)", errors.InvalidValue, "ng_bfs: max_depth must be in"),
        ("ng_shortest_path('a', 'zebra')", errors.TokenNotFound, "ng_shortest_path: no token has the label"),
        ("ng_shortest_path('a', 'b', 'miles')", errors.InvalidValue, "ng_shortest_path: by must be one of"),
        ("ng_spread('a', 0)", errors.InvalidValue, "ng_spread: strength must be above 0, got 0"),
        ("ng_spread('a', 9e999)", errors.InvalidValue, "ng_spread: energy must be finite, got inf"),
        ("ng_components(2)", errors.InvalidValue, "ng_components: strong must be 0 or 1, got 2"),
        ("ng_near('a', -1)", errors.InvalidValue, "ng_near: k must be in"),
        ("ng_near('a', 3, 'L9')", errors.UnknownName, "ng_near: level must be a known name, got 'L9'"),
        ("ng_near('a', 3, 8)", errors.UnknownName, "ng_near: level must be an index in 0..7"),
        ("ng_in_range('physical', 0, 0, 9e999, 1)", errors.InvalidValue, "ng_in_range: where must be finite"),
        ("ng_in_range('physical', 0, 0, 0, -1)", errors.InvalidValue, "ng_in_range: radius must be at least 0"),
        ("ng_density('physical', 0, 0, 0, 0)", errors.InvalidValue, "ng_density: radius must be above 0"),
        ("ng_influence('physical', 0, 0, 0, 1, 'cubic')", errors.UnknownName, "ng_influence: falloff must be one"),
        ("ng_knn('nothing', 'red')", errors.LibraryNotFound, "ng_knn: no library has the name 'nothing'"),
        ("ng_knn('color', 'red')", errors.LibraryNotFound, "the closest are 'colors'"),
        ("ng_knn('colors', 'rad')", errors.ItemNotFound, "ng_knn: no item of 'colors' has the key 'rad'"),
        ("ng_knn('colors', 'blak')", errors.ItemNotFound, "the closest are 'black'"),
        ("ng_knn('colors', 1)", errors.ItemNotFound, "ng_knn: no item of 'colors' has the id 1"),
        ("ng_knn('colors', -1)", errors.InvalidValue, "ng_knn: item must have an id between 1 and 2"),
        ("ng_knn('heights', 4294967297)", errors.ItemNotFound, "ng_knn: no item of 'heights' has the id 4294967297"),
        ("ng_knn('colors', x'00')", errors.InvalidValue, "ng_knn: vector must have 12 bytes, four for each dimension"),
        ("ng_knn('heights', x'0000c07f')", errors.InvalidValue, "ng_knn: vector must be finite, got nan"),
        ("ng_knn('colors', 'red', -1)", errors.InvalidValue, "ng_knn: k must be in"),
        (
            "ng_match('colors', 'red')",
            errors.NotHere,
            "library 'colors' must have a text index to match words; make one",
        ),
        ("ng_match('notes', 'red', -1)", errors.InvalidValue, "ng_match: k must be in"),
        ("ng_match('notes', 'red', 3, 1, 'any')", errors.InvalidValue, "ng_match: syntax must be one of words, all"),
        ("ng_match('notes', '(', 3, 1, 'fts5')", errors.InvalidValue, "ng_match: text must be a query in the language"),
        ("ng_knn('colors', 'red', 3, 0)", errors.InvalidValue, "ng_knn: among must have an id between 1 and 2"),
        ("ng_messages('c')", errors.ChannelNotFound, "ng_messages: no channel has the name 'c'"),
        ("ng_messages('')", errors.InvalidValue, "ng_messages: channel must be a string of at least one"),
        ("ng_messages('jobs', 'lost')", errors.InvalidValue, "ng_messages: state must be None or one of 'ready'"),
        ("ng_cdna_at(99)", errors.NotFound, "ng_cdna_at: no version of the constitution has the number 99"),
        ("ng_cdna_at(1000000000000001)", errors.NotFound, "ng_cdna_at: no constitution was in force at 1970"),
        ("ng_cdna_at('yesterday')", errors.InvalidValue, "ng_cdna_at: moment must be a version, a time in ns"),
        ("ng_cdna_at('1999-12-31 23:59')", errors.NotFound, "ng_cdna_at: no constitution was in force at 1999"),
    ],
)
def test_unknown_names_and_values_out_of_range_are_named(mind, sql, error, message):
    with pytest.raises(error, match=f"^{message}" if message.startswith("ng_") else message):
        mind.execute(f"select * from {sql}")
    assert rows(mind, "select count(*) from ng_bfs('a')") == [(5,)]


def test_an_empty_outer_table_asks_nothing(mind):
    assert rows(mind, "select * from token as t, ng_bfs(t.properties ->> 'missing') where t.label = 'none'") == []


def test_the_constitution_is_found_by_version_and_time(mind):
    first, second = (mind.cdna.at(version) for version in (1, 2))
    sql = "select version, scale_emotional, validation, trial from ng_cdna_at(?)"
    assert rows(mind, sql, [1]) == rows(mind, sql, [first.created_ns]) == [(1, 1.0, 1, None)]
    assert rows(mind, sql, [2]) == rows(mind, sql, [second.created_ns]) == [(2, 3.0, 1, None)]
    for later in ("strftime('%Y-%m-%d %H:%M:%S', 'now', '+1 day')", "datetime('now', '+1 day') || '+02:00'"):
        assert rows(mind, f"select version from ng_cdna_at({later})") == [(2,)]


def test_versions_can_be_compared_side_by_side(mind):
    sql = """select old.scale_emotional, new.scale_emotional
               from cdna_current as now, ng_cdna_at(now.parent) as old, ng_cdna_at(now.version) as new"""
    assert rows(mind, sql) == [(1.0, 3.0)]


def test_the_row_of_a_version_is_the_row_of_its_table(mind):
    assert rows(mind, "select * from ng_cdna_at(2)") == rows(mind, "select * from cdna where version = 2")
    with mind.transaction():
        mind.cdna.try_out(max_pull=5.0, duration_s=1000)
        newest = rows(mind, "select * from cdna order by version desc limit 1")
        assert rows(mind, "select c.* from ng_cdna_at((select max(version) from cdna)) as c") == newest
        assert rows(mind, "select count(*) from ng_cdna_at(2) as a, cdna as b where a.version = b.version") == [(1,)]
        mind.cdna.revert()
