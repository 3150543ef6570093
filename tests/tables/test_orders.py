"""Every function in every place of a statement gives what Python gives, whichever way SQLite plans it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import minds
import pytest
from minds import PYTHON, call, rows

from neurograph import Database
from neurograph.tables import FUNCTIONS

SHAPES = {function.name: function for function in FUNCTIONS}


@pytest.fixture(scope="module", params=["sql", pytest.param("numba", marks=pytest.mark.kernels)])
def mind(request: pytest.FixtureRequest) -> Iterator[Database]:
    with minds.open_mind(engine=request.param) as db:
        yield db


def columns(name: str) -> list[str]:
    function = SHAPES[name]
    return [column for column, _ in (function.columns() if callable(function.columns) else function.columns)]


@pytest.mark.parametrize("name", PYTHON)
def test_sql_equals_python_called_or_constrained(mind, name):
    ask, calls = PYTHON[name]
    for arguments in calls:
        truth = [tuple(row) for row in ask(mind, *arguments)]
        assert rows(mind, f"select * from {call(name, arguments)}", arguments) == truth
        named = [f'"{a.name}" = ?' for a in SHAPES[name].arguments[: len(arguments)]]
        where = f" where {' and '.join(reversed(named))}" if named else ""
        assert rows(mind, f"select * from {name}{where}", arguments[::-1]) == truth


@pytest.mark.parametrize("name", [name for name, (_, calls) in PYTHON.items() if any(calls)])
@pytest.mark.parametrize("join", [",", "join", "left join", "cross join"])
def test_both_orders_of_a_join_give_the_same_rows(mind, name, join):
    ask, calls = PYTHON[name]
    for count, group in itertools.groupby(sorted(calls, key=len), key=len):
        asked = [arguments for arguments in group if arguments]
        if not asked:
            continue
        names = [argument.name for argument in SHAPES[name].arguments[:count]]
        values = ", ".join(f"({at}, {', '.join('?' * count)})" for at in range(len(asked)))
        asking = f"with ask (n, {', '.join(names)}) as (values {values})"
        bound = [value for arguments in asked for value in arguments]
        truth = sorted((at, *map(repr, row)) for at, arguments in enumerate(asked) for row in ask(mind, *arguments))
        given = ", ".join(f"ask.{argument}" for argument in names)
        equal = " and ".join(f"f.{argument} = ask.{argument}" for argument in names)
        orders = [f"from ask {join} {name}({given}) as f"]
        if join != "left join":
            orders.append(f"from ask {join} {name} as f where {equal}")
        if join in {",", "join"}:
            orders += [f"from {name}({given}) as f {join} ask", f"from {name} as f {join} ask where {equal}"]
        for order in orders:
            found = rows(mind, f"{asking} select ask.n, f.* {order}", bound)
            matched = [row for row in found if any(value is not None for value in row[1:])]
            assert sorted((row[0], *map(repr, row[1:])) for row in matched) == truth, order


def test_left_joins_keep_rows_without_an_answer(mind):
    found = rows(mind, "select t.label, l.id from token as t left join ng_links(t.id, 'out', 'cause') as l")
    assert found == [("a", None), ("b", None), ("c", None), ("d", 5), ("e", 5), ("f", None), ("g", None), ("h", None)]


def test_right_and_full_joins_keep_answers_without_a_row(mind):
    few = "(select * from token where label in ('a', 'd', 'h')) as t"
    assert rows(mind, f"select t.id, b.id from {few} right join ng_bfs('d') as b on b.id = t.id order by b.id") == [
        (1, 1), (None, 2), (None, 3), (4, 4), (None, 5)
    ]  # fmt: skip
    found = rows(mind, f"select t.id, b.id from {few} full join ng_bfs('d') as b on b.id = t.id")
    assert sorted(map(repr, found)) == sorted(map(repr, [(1, 1), (4, 4), (8, None), (None, 2), (None, 3), (None, 5)]))


def test_an_argument_that_stands_to_the_right_of_an_outer_join_is_refused(mind):
    with pytest.raises(Exception, match="references tables to its right"):
        mind.execute("select * from ng_links(t.id) as l left join token as t on true")


def test_functions_that_need_each_other_have_no_plan(mind):
    with pytest.raises(Exception, match="no query solution"):
        mind.execute("select * from ng_links as a, ng_links as b where a.token = b.id and b.token = a.id")


def test_an_in_list_asks_once_for_each_value(mind):
    each = [
        (token, *row)
        for token in (1, 2, 4)
        for row in rows(mind, "select id, weight from ng_links(?)", [token])
    ]  # fmt: skip
    sql = "select token, id, weight from ng_links where token in (4, 1, 2, 2, 1) order by token, id, weight desc"
    assert rows(mind, sql) == sorted(each, key=lambda row: (row[0], row[1], -row[2]))
    same = "select token, id, weight from ng_links where token in (select id from token where label in ('a', 'b', 'd'))"
    assert sorted(rows(mind, same)) == sorted(each)
    assert rows(mind, "select id from ng_links where token in ()") == []


@pytest.mark.parametrize("order", ["depth", "depth, id", "id", "depth desc", "id desc, depth", "depth desc, id desc"])
def test_an_in_list_is_sorted_as_asked(mind, order):
    sql = "select id, depth from ng_bfs where token in ('d', 'a', 'c')"
    each = [row for token in "acd" for row in rows(mind, "select id, depth from ng_bfs(?)", [token])]
    assert same_order(rows(mind, f"{sql} order by {order}"), each, order, ["id", "depth"])


def test_or_between_values_of_an_argument_asks_for_both(mind):
    both = rows(mind, "select token, id from ng_bfs where token = 'b' or token = 'h'")
    assert sorted(both) == sorted([("b", id) for id in (1, 2, 3, 4, 5)] + [("h", 8)])


def test_or_between_calls_keeps_equal_places_of_different_answers(mind):
    # SQLite joins the branches by rowid: the second row of one call is not the second row of the other.
    sql = "select token, id, depth from ng_bfs where (token = 'a' and depth > 0) or (token = 'd' and id <> 77)"
    truth = [("a", id, depth) for id, depth in rows(mind, "select * from ng_bfs('a') where depth > 0")]
    truth += [("d", id, depth) for id, depth in rows(mind, "select * from ng_bfs('d')")]
    assert sorted(rows(mind, sql)) == sorted(truth)
    overlap = "select id from ng_bfs where (token = 'a' and depth > 1) or (token = 'a' and id > 3)"
    assert sorted(rows(mind, overlap)) == rows(mind, "select id from ng_bfs('a') where depth > 1 or id > 3")


def test_or_besides_an_argument_filters_its_rows(mind):
    assert rows(mind, "select id from ng_bfs('a') where id = 2 or depth = 2") == [(2,), (4,)]
    assert rows(mind, "select id from ng_bfs('a') where id = 2 or direction = 'in'") == [(2,)]


def test_or_that_leaves_an_argument_open_is_refused(mind):
    with pytest.raises(Exception, match="ng_bfs must be given token"):
        mind.execute("select * from ng_bfs where token = 1 or id = 2")


def test_conditions_on_one_argument_must_all_hold(mind):
    assert rows(mind, "select * from ng_bfs where token = 1 and token = 2") == []
    assert rows(mind, "select id from ng_bfs('h') where token = 'h' and token = 'h'") == [(8,)]
    assert rows(mind, "select * from ng_bfs('a') where token = 'b'") == []
    assert rows(mind, "select id from ng_bfs(4, 1) where max_depth < 2 and max_depth in (1, 2)") == [(4,), (5,)]
    joined = "select t.id, b.id from ng_bfs(5, 0) as b join token as t on b.token = t.id"
    assert rows(mind, joined) == [(5, 5)]


def test_arguments_can_be_read_defaults_included(mind):
    assert rows(mind, "select distinct token, max_depth, direction from ng_bfs('a')") == [("a", None, "out")]
    assert rows(mind, "select id from ng_bfs('h') where max_depth is null and direction is not null") == [(8,)]


def test_subqueries_correlated_or_not(mind):
    reach = {label: mind.graph.bfs(label).ids.tolist() for label in minds.LABELS}
    assert rows(mind, "select label, (select count(*) from ng_bfs(t.id)) from token as t") == [
        (label, len(found)) for label, found in reach.items()
    ]
    ids = {label: at for at, label in enumerate(minds.LABELS, 1)}
    to_d = [(label,) for label in minds.LABELS if ids["d"] in reach[label]]
    for condition in (
        "exists (select 1 from ng_bfs(t.label) as b where b.id = 4)",
        "4 in (select id from ng_bfs(t.id))",
        "t.id in (select id from ng_bfs('d', null_free.depth, 'in'))",
    ):
        tables = "token as t" + (", (select 9 as depth) as null_free" if "null_free" in condition else "")
        assert rows(mind, f"select t.label from {tables} where {condition} order by t.id") == to_d, condition


def test_a_function_feeds_another(mind):
    sql = """select b.id, l.id, n.id
               from ng_bfs('a', 1) as b, ng_links(b.id) as l, ng_near(l.id, 1, 'physical') as n"""
    truth = [
        (start, link[0], near)
        for start in mind.graph.bfs("a", max_depth=1).ids.tolist()
        for link in mind.graph.entries(start)
        for near in mind.grid.neighbors(link[0], 1, level="physical").ids.tolist()
    ]
    assert rows(mind, sql) == truth


def test_recursive_queries_walk(mind):
    walk = """with recursive walk (id) as (select 1 union select l.id from walk, ng_links(walk.id) as l)
              select id from walk order by id"""
    assert rows(mind, walk) == sorted((id,) for id in mind.graph.bfs("a").ids.tolist())


def test_compound_and_windowed_statements(mind):
    assert rows(mind, "select id from ng_bfs('a') except select id from ng_bfs('b', 1)") == [(1,), (3,), (5,)]
    assert rows(mind, "select id, rank() over (order by score desc) from ng_pagerank order by 2, 1 limit 1") == [
        (mind.graph.pagerank().top(1)[0].id, 1)
    ]


# --- order --------------------------------------------------------------------------------------------------------


def same_order(found, everything, order, names):
    """Tell whether `found` is `everything` in that order, ties in any."""
    keys = [(names.index(term.split()[0]), term.endswith("desc")) for term in order.split(", ")]

    def key(row):
        return [-row[at] if falling else row[at] for at, falling in keys]

    return sorted(map(repr, found)) == sorted(map(repr, everything)) and [key(row) for row in found] == sorted(
        key(row) for row in everything
    )


ORDERED = {name: PYTHON[name][1][0] for name in PYTHON if SHAPES[name].order}


@pytest.mark.parametrize("name", ORDERED)
def test_any_order_asked_for_is_the_order_given(mind, name):
    arguments = ORDERED[name]
    everything = [tuple(row) for row in PYTHON[name][0](mind, *arguments)]
    names = columns(name)
    numeric = [
        column for at, column in enumerate(names)
        if column != "type" and all(isinstance(row[at], int | float) for row in everything)
    ]  # fmt: skip
    terms = [f"{column}{way}" for column in numeric for way in ("", " desc")]
    orders = terms + [f"{a}, {b}" for a, b in itertools.permutations(terms, 2) if a.split()[0] != b.split()[0]]
    for order in orders:
        sql = f"select * from {call(name, arguments)} order by {order}"
        assert same_order(rows(mind, sql, arguments), everything, order, names), order
        few = rows(mind, f"{sql} limit 2 offset 1", arguments)
        assert few == rows(mind, sql, arguments)[1:3], order


@pytest.mark.parametrize("name", ORDERED)
def test_only_the_functions_own_order_needs_no_sorting(mind, name):
    arguments = ORDERED[name]
    own = [column.removeprefix("-") + (" desc" if column[0] == "-" else "") for column in SHAPES[name].order]
    turned = [column.removesuffix(" desc") if " desc" in column else f"{column} desc" for column in own]
    sql = f"select * from {call(name, arguments)} order by"

    def sorts(order):
        return any("temp b-tree" in step for step in mind.explain(f"{sql} {order}", arguments).plan)

    assert not sorts(own[0])
    assert not sorts(", ".join(own))
    assert sorts(turned[0])
    assert sorts(", ".join([own[0], *turned[1:], turned[0]]) if len(own) > 1 else f"{columns(name)[-1]} + 0")


def test_the_order_inside_a_join_is_not_taken_for_the_order_of_the_join(mind):
    sql = "select b.depth, b.id from token as t, ng_bfs(t.id) as b order by b.depth, b.id"
    assert rows(mind, sql) == sorted(rows(mind, sql))
    outer = "select b.depth, b.id, l.id from ng_bfs('a') as b, ng_links(b.id) as l order by b.depth, b.id, l.id desc"
    assert rows(mind, outer) == sorted(rows(mind, outer), key=lambda row: (row[0], row[1], -row[2]))


@pytest.mark.parametrize(
    "sql",
    [
        "select distinct depth from ng_bfs('a')",
        "select distinct depth from ng_bfs('a') order by depth",
        "select distinct depth from ng_bfs('a') order by depth desc",
        "select depth from ng_bfs('a') group by depth",
        "select depth from ng_bfs('a') group by depth order by depth desc",
        "select min(depth) over (partition by depth) from ng_bfs('a') group by depth",
    ],
)
def test_groups_and_distinct_rows_are_complete(mind, sql):
    truth = sorted({(depth,) for depth in mind.graph.bfs("a").depths.tolist()}, reverse=sql.endswith("desc"))
    found = rows(mind, sql)
    assert (found if "order" in sql else sorted(found)) == truth


def test_groups_count_what_they_hold(mind):
    depths = mind.graph.bfs("a").depths.tolist()
    found = rows(mind, "select depth, count(*) from ng_bfs('a') group by depth order by depth")
    assert found == [(depth, depths.count(depth)) for depth in sorted(set(depths))]


def test_nulls_last_and_expressions_are_sorted(mind):
    assert rows(mind, "select type from ng_shortest_path('a', 'e') order by type nulls last")[-1] == (None,)
    sums = [id - 10 * depth for id, depth in mind.graph.bfs("a")]
    assert [n for (n,) in rows(mind, "select id - 10 * depth as n from ng_bfs('a') order by n")] == sorted(sums)
