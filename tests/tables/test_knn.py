"""`ng_knn` with `among`, in joins and beside other conditions: what is asked is searched for once, before k."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import minds
import pytest
from minds import COLORS, FIRST_ITEM, rows

from neurograph import Database, errors, tables
from neurograph.tables import function as mechanism

IDS = {key: FIRST_ITEM + at for at, key in enumerate(COLORS)}
ALL = "select key from ng_knn('colors', 'red', 9)"


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often each function searches, on databases opened from now on."""
    counts: Counter[str] = Counter()

    def counting(function: mechanism.Function) -> mechanism.Function:
        def ask(*arguments):
            counts[function.name] += 1
            return function.answer(*arguments)

        shape = (function.name, function.columns, function.arguments)
        return mechanism.Function(*shape, ask, function.rows, function.order)

    monkeypatch.setattr(tables, "FUNCTIONS", tuple(counting(function) for function in tables.FUNCTIONS))
    return counts


@pytest.fixture
def mind(searches: Counter[str]) -> Iterator[Database]:
    with minds.open_mind() as db:
        yield db
        assert db.check() == []


def python(mind: Database, query: str | int | bytes, k: int, *keys: str | None) -> list[tuple[str | None]]:
    options = {"query": query} if isinstance(query, bytes) else {"item": query}
    among = [IDS[key] for key in keys] if keys else None
    return [(hit.key,) for hit in mind.library.get("colors").search(k=k, among=among, **options)]


def test_a_subquery_of_ids_applies_before_k_and_is_asked_once(mind, searches):
    some = ("teal", "black", "green", None)
    sql = "among in (select id from item where key in ('teal', 'black', 'green') or key is null)"
    for k in (0, 1, 2, 9):
        searches.clear()
        found = rows(mind, f"select key from ng_knn('colors', 'red', ?) where {sql}", [k])
        assert found == python(mind, "red", k, *some)
        assert searches["ng_knn"] == 1
    assert rows(mind, "select key from ng_knn where library = 'colors' and query = 'red' and k = 2 and " + sql) == [
        (None,), ("green",)
    ]  # fmt: skip


def test_a_condition_on_a_column_applies_after_k(mind):
    assert rows(mind, "select key from ng_knn('colors', 'red', 2) where key like 't%'") == []
    assert rows(mind, "select key from ng_knn('colors', 'red', 9) where distance > 0.9") == [
        ("green",), ("teal",), ("black",)
    ]  # fmt: skip


def test_lists_of_values_and_single_ids_are_ids(mind, searches):
    teal, rose, low = IDS["teal"], IDS["rose"], (2 << 32) + 2
    assert rows(mind, f"{ALL} where among in ({teal}, {rose}, {teal}, {low}, 77)") == [("rose",), ("teal",)]
    assert searches["ng_knn"] == 1
    assert rows(mind, f"{ALL} where among = {teal}") == rows(mind, f"{ALL} where among in ({teal})") == [("teal",)]
    assert rows(mind, f"{ALL} where among in (select {teal} union select null)") == [("teal",)]
    assert rows(mind, f"{ALL} where among in ()") == []
    assert rows(mind, f"{ALL} where among in (select null)") == []
    assert rows(mind, f"{ALL} where among in (select id from ng_knn('colors', 'green', 2))") == [(None,), ("teal",)]
    assert rows(mind, f"{ALL} where among = {rose} or among = {low}") == [("rose",)]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("among in (null)", "ng_knn: among must not be NULL; write ng_knn"),
        ("among in ('x', 5)", "ng_knn: among must be ids, got 'x'"),
        ("among in (1.5, 5)", "ng_knn: among must be ids, got 1.5"),
        ("among in (0, 5)", "ng_knn: among must have an id between 1 and 2"),
        ("among > 5", "ng_knn: among must be compared by =; write ng_knn"),
        ("among in (1, 2) and among in (2, 3)", "ng_knn: among must be given once; intersect the lists"),
        ("among in (1, 2) and among = 2", "ng_knn: among must be given once; intersect the lists"),
        ("among in (select id from item where false)", "a list that a function takes whole must have a row, as in"),
    ],
)
def test_what_is_no_list_of_ids_is_refused(mind, condition, message):
    with pytest.raises(errors.InvalidValue) as caught:
        mind.execute(f"{ALL} where {condition}")
    assert str(caught.value).startswith(message)
    assert len(rows(mind, ALL)) == 6


def test_both_orders_of_a_join_search_once_for_each_query(mind, searches):
    among = "k.among in (select id from item where key like 'r%')"
    truth = sorted(
        (repr(key), repr(found))
        for key, id in IDS.items()
        for (found,) in python(mind, id, 2, *[name for name in COLORS if name and name[0] == "r"])
    )
    for tables_ in (
        "item as q, ng_knn as k",
        "ng_knn as k, item as q",
        "ng_knn as k join item as q",
        "item as q join ng_knn as k",
    ):
        searches.clear()
        sql = f"""select q.key, k.key from {tables_}
                   where q.library_id = 1 and k.library = 'colors' and k.query = q.id and k.k = 2 and {among}"""
        assert sorted((repr(a), repr(b)) for a, b in rows(mind, sql)) == truth
        assert searches["ng_knn"] == len(COLORS)


def test_items_and_tokens_are_joined_to_what_is_found(mind):
    sql = """select t.label, k.key, k.distance
               from ng_knn('colors', ?, 4) as k
               join item as i on i.id = k.id
               left join token as t on t.id = i.token_id
              order by k.distance, k.id"""
    hits = mind.library.get("colors").search([1, 0, 0.25], 4)
    labels = dict(zip(COLORS, ["a", "b", "c", None, "a", None, "h"], strict=True))
    query = minds.vector(1, 0, 0.25)
    assert rows(mind, sql, [query]) == [(labels[hit.key], hit.key, hit.distance) for hit in hits]


def test_a_list_that_depends_on_a_row_is_asked_for_each(mind):
    sql = """select t.label, (select group_concat(key) from ng_knn('colors', x'0000803f0000000000000000', 9)
                               where among in (select id from item where token_id = t.id union all select null))
               from token as t where t.label in ('a', 'b', 'd')"""
    assert rows(mind, sql) == [("a", "red,ruby"), ("b", "rose"), ("d", None)]


def test_a_join_with_one_list_searches_once(mind, searches):
    sql = f"""select t.id, k.key from token as t cross join ng_knn('colors', 'red', 3) as k
               where k.among in ({IDS["teal"]}, {IDS["green"]})"""
    assert len(rows(mind, sql)) == 16
    assert searches["ng_knn"] == 1


def test_own_uncommitted_vectors_are_found_and_undone_ones_are_not(mind):
    before = rows(mind, ALL)
    mind.begin()
    mind.library.get("colors").set("new", [1, 0, 0.01])
    mind.execute("delete from item where key = 'ruby'")
    assert [key for (key,) in rows(mind, ALL)][:2] == ["new", "rose"]
    mind.rollback()
    assert rows(mind, ALL) == before
