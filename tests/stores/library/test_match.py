"""Items are found by their words, with FTS5's scores, ties by id; whatever somebody types is no error."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive_texts
import neurograph
from neurograph import Match, errors
from neurograph.stores.library import Library

TEXTS = {
    "cat": "a small feline; the cat purrs",
    "dog": "chases a cat, a cat, a CAT",
    "état": "the state of the art, or state-of-the-art",
    "c++": "a language (with objects)",
    "mute": None,
    None: "nameless cat",
    "twin": "nameless cat",
}
QUESTIONS = [
    "cat",
    "the cat",
    "état of ART",
    "state-of-the-art",
    "c++ (a) NEAR",
    '"cat AND OR NOT',
    "Etat!",
    "cat cat a",
]
typed = st.text(st.sampled_from("aAbcéß .,-\"'()*^+:{}\x00\n雨😀"), max_size=20) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=20
)


@pytest.fixture(scope="module")
def library() -> Iterator[Library]:
    with neurograph.open(":memory:") as db:
        db.tokens.create("animal")
        library = db.library.create("v", dimension=1, text_index=True)
        tokens = ["animal" if key in ("cat", "dog") else None for key in TEXTS]
        library.add(keys=[*TEXTS], texts=[*TEXTS.values()], tokens=tokens)
        db.library.create("w", dimension=1, text_index=True).add(keys=["cat"] * 1)
        yield library
        assert db.check() == []


def items(library: Library) -> dict[int, naive_texts.Item]:
    return {item.id: (item.key, item.text) for item in library}


def close(found: Any, truth: list[tuple[int, float]]) -> bool:
    """Tell whether ids and their order are the same, and scores to the last digits."""
    pairs = [(hit.id, hit.score) for hit in found]
    return [id for id, _ in pairs] == [id for id, _ in truth] and [score for _, score in pairs] == pytest.approx(
        [score for _, score in truth], rel=1e-12
    )


@pytest.mark.parametrize("text", QUESTIONS)
@pytest.mark.parametrize("syntax", ["words", "all"])
def test_scores_are_those_of_the_formula(library, text, syntax):
    truth = naive_texts.match(items(library), text, syntax == "all")
    found = library.match(text, 100, syntax=syntax)
    assert close(found, truth)
    assert [hit.key for hit in found] == [library.get(hit.id).key for hit in found]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab ", max_size=12), min_size=1, max_size=40), st.text("ab ", max_size=5), st.data())
def test_random_texts_are_ranked_by_the_formula_and_ties_by_id(texts, question, data):
    with neurograph.open(":memory:") as db:
        library = db.library.create("v", dimension=1, text_index=data.draw(st.booleans()) or None)
        library.add(texts=texts)
        library.index_text()
        truth = naive_texts.match(items(library), question)
        found = library.match(question, 10**12)
        assert [hit.score for hit in found] == pytest.approx([score for _, score in truth], rel=1e-12)
        assert {hit.id for hit in found} == {id for id, _ in truth}
        assert [*found] == sorted(found, key=lambda hit: (-hit.score, hit.id))


@settings(max_examples=100, deadline=None)
@given(typed)
def test_whatever_somebody_types_is_searched_for(library, text):
    for syntax in ("words", "all"):
        found = library.match(text, 100, syntax=syntax)
        assert all(hit.score > 0 for hit in found)
        if not naive_texts.words(text) and text.isascii():
            assert found == []


@pytest.mark.parametrize("text", ["", " \n\t", "++", '""', "\x00", "😀 !"])
@pytest.mark.parametrize("syntax", ["words", "all"])
def test_where_no_word_is_nothing_is_found(library, text, syntax):
    assert library.match(text, syntax=syntax) == []


def test_a_question_of_many_words_is_answered(library):
    text = " ".join(f"w{n}" for n in range(20_000))
    assert [hit.key for hit in library.match(f"{text} purrs", 1)] == ["cat"]
    assert library.match(f"{text} purrs", syntax="all") == []


def test_all_leaves_out_words_that_are_none(library):
    assert [hit.key for hit in library.match("purrs ++ cat", syntax="all")] == ["cat"]


def test_its_own_language_is_passed_on(library):
    found = library.match('(text : "small feline") OR langua*', syntax="fts5")
    assert {hit.key for hit in found} == {"cat", "c++"}
    assert [hit.key for hit in library.match("cat NOT (nameless OR chases)", syntax="fts5")] == ["cat"]
    assert library.match(" ", syntax="fts5") == []


@pytest.mark.parametrize("text", ['"cat', "cat AND", "(", "animal : cat", "NEAR(", "^", "*reads", " *id", "cat\x00"])
def test_what_is_not_its_language_is_refused_by_its_name(library, text):
    with pytest.raises(
        errors.InvalidValue, match=r"^text must be a query in the language of FTS5, got .*takes any text$"
    ):
        library.match(text, syntax="fts5")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"text": None}, "text must be a string, got None"),
        ({"text": b"cat"}, "text must be a string, got b'cat'"),
        ({"text": "\ud800"}, "text must be text that UTF-8 can hold"),
        ({"text": "cat", "syntax": "any"}, "syntax must be one of words, all, fts5, got 'any'"),
        ({"text": "cat", "k": -1}, "k must be in"),
        ({"text": "cat", "after": 3}, "after must be a match of the page before, got 3"),
        ({"text": "cat", "where": "1; 2"}, "where must be an SQL condition"),
        ({"text": "cat", "among": "ab"}, "among must be a sequence of ids"),
    ],
)
def test_a_wrong_argument_is_named(library, arguments, said):
    with pytest.raises(errors.InvalidValue) as caught:
        library.match(**arguments)
    assert str(caught.value).startswith(said)


def test_a_mistake_in_the_condition_is_not_blamed_on_the_text(library):
    with pytest.raises(Exception, match="no such column: colour"):
        library.match("cat", where="colour = 'red'")


def test_conditions_and_ids_apply_before_k_and_change_no_score(library):
    whole = library.match("a cat nameless", 100)
    scores = {hit.id: hit.score for hit in whole}
    for where, kept in [
        ("key like '%t%'", {"cat", "état", "twin"}),
        (("length(key) = ?", [3]), {"cat", "dog", "c++"}),
        ("token.label = 'animal'", {"cat", "dog"}),
        ("item.id > 0 and token.id is null", {"état", "c++", None, "twin"}),
    ]:
        chosen = [hit for hit in whole if hit.key in kept]
        assert chosen
        for k in (1, 2, 100):
            assert library.match("a cat nameless", k, where=where) == chosen[:k]
    ids = [hit.id for hit in whole][::2]
    found = library.match("a cat nameless", 2, among=[*ids, 1, (9 << 32) + 1])
    assert [(hit.id, hit.score) for hit in found] == [(id, scores[id]) for id in ids[:2]]
    assert library.match("a cat nameless", among=[]) == []
    both = library.match("a cat nameless", among=ids, where="key is null")
    assert [hit.id for hit in both] == [hit.id for hit in whole if hit.id in ids and hit.key is None]


def test_pages_fit_together_also_among_equals():
    with neurograph.open(":memory:") as db:
        library = db.library.create("v", dimension=1, text_index=True)
        library.add(texts=["a cat", "a dog", "cat", "a cat", "a cat", None, "a dog and a cat", "a cat"])
        whole = library.match("a cat", 100)
        assert len({hit.score for hit in whole}) < len(whole) == 7
        for size in (1, 2, 3):
            pages, last = [], None
            while page := library.match("a cat", size, after=last):
                pages += page
                last = page[-1]
            assert pages == whole


def test_matches_are_records_and_arrays(library):
    found = library.match("cat", 2)
    assert isinstance(found[0], Match)
    assert (found.ids.dtype, found.scores.dtype, found.keys.tolist()) == (
        "int64",
        "float64",
        [hit.key for hit in found],
    )


def test_sql_finds_the_same_in_the_table_itself_and_through_the_function():
    with neurograph.open(":memory:") as db:
        library = db.library.create("v", dimension=1, text_index=True)
        rng = random.Random(5)
        library.add(texts=[" ".join(rng.choices("abcdefgh", k=rng.randint(1, 9))) for _ in range(200)])
        found = [(hit.id, hit.score) for hit in library.match("a b", 200)]
        sql = "select rowid, -bm25(text_1) from text_1 where text_1 match 'a OR b' order by rank, rowid"
        assert db.execute(sql).fetchall() == found
        assert db.execute("select id, score from ng_match('v', 'a b', 200)").fetchall() == found
        where = "select id from ng_match('v', 'a b', 7) where among in (select id from item where id % 3 = 0)"
        assert [id for (id,) in db.execute(where)] == [id for id, _ in found if id % 3 == 0][:7]
        assert "full text, FTS5 unicode61" in str(db.explain(where))


def test_a_search_that_takes_too_long_is_stopped():
    with neurograph.open(":memory:") as db:
        library = db.library.create("v", dimension=1, text_index=True)
        library.add(texts=["a b c d"] * 60_000)
        with pytest.raises(errors.DeadlineExceeded):
            library.match("a b c d", 10**6, timeout_s=1e-6)


def test_without_an_index_the_remedy_is_named():
    with neurograph.open(":memory:") as db:
        library = db.library.create("v", dimension=1)
        said = r"^library 'v' must have a text index to match words; make one with library\.index_text\(\)$"
        with pytest.raises(errors.NotHere, match=said):
            library.match("cat")
        db.library.drop("v")
        with pytest.raises(errors.LibraryNotFound, match="'v' was dropped"):
            library.match("cat")
