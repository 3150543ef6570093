"""`ngdb library`, `search` and `embed`: what Python's libraries do, from a shell."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from command_line import answer, companions, refusal, run

import neurograph

GLOVE = "king 5 1\nqueen 5 2\nman 1 1\nwoman 1 2\napple 1 9\n"
TEXTS = {
    "sofa": "a cat asleep on the sofa",
    "market": "stocks fell sharply on Monday",
    "yard": "the dog barks at night",
}


@pytest.fixture(autouse=True, scope="module")
def loaded_once() -> Iterator[None]:
    """Let every command of this file use one default encoder: loading it takes 0.3 s."""
    engine = neurograph.EmbeddingEngine.default()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neurograph.EmbeddingEngine, "default", staticmethod(lambda **_: engine))
        yield


@pytest.fixture
def notes(mind: Path) -> Path:
    """Return the file with a library that reads texts; each item belongs to a token, or to none."""
    rows = [{"key": key, "text": text, "year": 2020 + n} for n, (key, text) in enumerate(TEXTS.items())]
    rows[0]["token"], rows[2]["token"] = "cat", 2
    (mind.parent / "notes.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    run("library", "create", mind, "notes", "--model", "default")
    run("library", "add", mind, "notes", "notes.jsonl")
    return mind


def keys(*arguments: object) -> list[str]:
    return [row["key"] for row in answer("search", *arguments)]


def test_a_file_is_made_for_a_library(mind):
    said = answer("library", "create", "new.ngdb", "points", "--dimension", 2, "--metric", "l2", "--model", "by hand")
    assert said == {"name": "points", "dimension": 2, "metric": "l2", "model": "by hand"}
    assert companions(Path("new.ngdb")) == []
    with neurograph.open("new.ngdb", mode="r") as db:
        assert db.library.get("points").identity == neurograph.Identity("by hand")


def test_word_vectors_are_loaded_as_python_loads_them(mind):
    Path("tiny.txt").write_text(GLOVE + "torn 1\n", encoding="utf-8")
    Path("some.txt").write_text("king\r\n\nman\nwoman", encoding="utf-8")
    said = answer("library", "load", mind, "tiny.txt", "--malformed", "skip", "--name", "words", "--subset", "some.txt",
                  "--metric", "dot", "--normalize", "--model", "by hand")  # fmt: skip
    assert (said["name"], said["items"], said["dimension"], said["metric"]) == ("words", 3, 2, "dot")
    assert answer("library", "load", mind, "tiny.txt", "--malformed", "skip", "--name", "all")["left_out"] == 1
    assert run("library", "load", mind, "tiny.txt", "--malformed", "skip").stdout.endswith(", 1 lines left out\n")
    run("library", "drop", mind, "tiny")
    with neurograph.open(mind) as db:
        words = db.library.load("tiny.txt", malformed="skip", subset=["king", "man", "woman"], normalize=True)
        ours = db.library.get("words")
        assert ours.identity.model == "by hand"
        assert ours.vectors(["king", "man"]).tolist() == words.vectors(["king", "man"]).tolist()
        assert [item.key for item in ours] == [item.key for item in words] == ["king", "man", "woman"]


def test_a_load_that_is_refused_leaves_no_library(mind):
    Path("tiny.txt").write_text(GLOVE + "torn 1\n", encoding="utf-8")
    assert "line 6" in refusal("library", "load", mind, "tiny.txt")
    assert answer("library", "list", mind) == []
    assert (
        run("library", "list", mind).stderr == "no libraries; `ngdb library create` and `ngdb library load` make one\n"
    )


def test_one_of_several_files_in_a_zip_is_loaded_by_its_name(mind):
    with zipfile.ZipFile("words.zip", "w") as archive:
        archive.writestr("few.txt", "cat 1 0\n")
        archive.writestr("many.txt", GLOVE)
    assert "name one by --member" in refusal("library", "load", mind, "words.zip")
    assert answer("library", "load", mind, "words.zip", "--member", "few.txt")["items"] == 1


def test_a_load_that_broke_off_is_told_and_dropped(mind):
    with neurograph.open(mind) as db:
        db.execute("insert into library (name, dimension, complete) values ('half', 2, 0)")
    assert "'half' is being loaded, or its load was broken off" in run("library", "list", mind).stderr
    assert "wait for it, or take it away by `ngdb library drop`" in refusal(
        "library", "create", mind, "half", "--dimension", "2"
    )
    assert run("library", "drop", mind, "half").stdout == "'half' is gone, 0 items with it\n"
    assert run("library", "list", mind, "--json").stderr == ""


def test_rows_of_a_file_become_items(notes):
    with neurograph.open(notes, mode="r") as db:
        library = db.library.get("notes")
        assert {item.key: item.text for item in library} == TEXTS
        assert [item.token_id for item in library] == [1, None, 2]
        assert library.get("yard").metadata == {"year": 2022}
        assert library.search("kitten", k=1)[0].key == "sofa"


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_vectors_come_from_a_file_too(mind, suffix):
    vector = "[1, 0.5]"
    rows = {
        "csv": f'word,vector,legs\nowl,"{vector}",2\n',
        "tsv": f"word\tvector\tlegs\nowl\t{vector}\t2\n",
        "jsonl": f'{{"word": "owl", "vector": {vector}, "legs": "2"}}\n',
    }
    run("library", "create", mind, "birds", "--dimension", 2)
    text = rows[suffix]
    done = run("library", "add", mind, "birds", "-", "--format", suffix, "--rename", "word=key", input=text)
    assert done.stdout.startswith("1 item in ")
    with neurograph.open(mind, mode="r") as db:
        birds = db.library.get("birds")
        assert birds.vector("owl").tolist() == [1, 0.5]
        assert birds.get("owl").metadata == {"legs": "2"}


def test_a_key_that_exists_is_refused_left_out_or_updated(notes):
    Path("more.jsonl").write_text(
        '{"key": "yard", "text": "a cat meows"}\n{"key": "pond", "text": "ducks"}\n{"key": "pond", "text": "frogs"}',
        encoding="utf-8",
    )
    add = ("library", "add", notes, "notes", "more.jsonl")
    assert "line 1: key must be unique, got 'yard'" in refusal(*add)
    said = answer(*add, "--on-conflict", "skip")
    assert (said["rows"], said["left_out"]) == (1, 2)
    again = answer(*add, "--on-conflict", "skip")
    assert (again["rows"], again["left_out"]) == (0, 3)
    assert answer(*add, "--on-conflict", "update")["rows"] == 3
    with neurograph.open(notes, mode="r") as db:
        library = db.library.get("notes")
        assert (library.get("yard").text, library.get("pond").text, len(library)) == ("a cat meows", "frogs", 4)
        assert library.get("yard").metadata == {"year": 2022}


def test_a_bad_row_is_named_and_nothing_is_written(notes):
    good = "".join(json.dumps({"text": f"note {n}"}) + "\n" for n in range(1500))
    Path("bad.jsonl").write_text(good + '{"text": 7, "token": "unicorn"}\n', encoding="utf-8")
    assert "line 1501: token must be the label or the id of one that is there, got 'unicorn'" in refusal(
        "library", "add", notes, "notes", "bad.jsonl"
    )
    Path("bad.jsonl").write_text(good + '{"vector": [1, 2]}\n', encoding="utf-8")
    assert "line 1501: vector must have 256 numbers" in refusal("library", "add", notes, "notes", "bad.jsonl")
    assert answer("library", "list", notes)[0]["items"] == 3


def test_info_says_what_a_library_holds_and_what_made_it(notes):
    with neurograph.open(notes) as db:
        db.library.get("notes").fit_pca(2)
        made_by = db.library.get("notes").identity
    said = answer("library", "info", notes, "notes")
    counted = {name: said[name] for name in ("items", "vectors", "keys", "texts", "tokens", "metadata")}
    assert counted == {"items": 3, "vectors": 3, "keys": 3, "texts": 3, "tokens": 2, "metadata": 3}
    assert said["vector_bytes"] == 3 * 256 * 4
    assert said["item_bytes"] == sum(len(key) + len(text) + len('{"year":2020}') for key, text in TEXTS.items())
    assert said["identity"] == made_by._asdict()
    assert said["pca"]["dimensions"] == 2
    text = run("library", "info", notes, "notes").stdout
    assert "notes: 256 dimensions, cosine\n" in text
    assert re.search(r"^  pca +2 dimensions, \d+% of the variance$", text, re.M)
    assert re.search(rf"^  weights_sha256 +{made_by.weights_sha256}$", text, re.M)


def test_a_library_is_searched_as_from_python(notes):
    with neurograph.open(notes, mode="r") as db:
        expected = db.library.get("notes").search("kitten", k=2)
    found = answer("search", notes, "notes", "kitten", "-k", 2)
    assert [(row["id"], row["key"], row["distance"]) for row in found] == [tuple(hit) for hit in expected]
    assert found[0]["label"] == "cat"
    assert found[0]["text"] == TEXTS["sofa"]
    assert found[0]["metadata"] == {"year": 2020}


def test_a_search_may_start_from_an_item_a_token_or_a_vector(notes):
    assert keys(notes, "notes", "--key", "sofa") == ["yard", "market"]
    assert keys(notes, "notes", "--token", "cat") == keys(notes, "notes", "--token", "#1") == ["yard", "market"]
    vector = run("embed", "kitten", "--query").stdout
    assert keys(notes, "notes", "--vector", vector.strip()) == keys(notes, "notes", "kitten")
    piped = run("search", notes, "notes", "--vector", "-", "-k", 1, "--json", input=vector)
    assert json.loads(piped.stdout)[0]["key"] == "sofa"


def test_conditions_and_distances_apply_before_k(notes):
    late = "json_extract(metadata, '$.year') > 2020"
    assert keys(notes, "notes", "kitten", "-k", 1, "--where", late) == ["yard"]
    assert keys(notes, "notes", "kitten", "--where", "token.label = 'dog'") == ["yard"]
    assert keys(notes, "notes", "kitten", "--max-distance", 0.8) == ["sofa"]
    assert run("search", notes, "notes", "kitten", "--max-distance", 0.01).stderr == "nothing is found\n"


def test_a_table_shows_only_columns_that_say_something(mind):
    with neurograph.open(mind) as db:
        db.library.create("points", dimension=2, metric="l2").add([[0, 0], [3, 4]], keys=["a", "b"])
    found = run("search", mind, "points", "a").stdout.splitlines()
    assert [found[0].split(), found[2].split()[1:]] == [["id", "key", "distance"], ["b", "5"]]


def test_a_long_text_is_cut_in_a_table_alone(mind):
    with neurograph.open(mind) as db:
        db.library.create("points", dimension=1).add([[1], [2]], keys=["a", "b"], texts=["long\ntext " * 100, None])
    table = run("search", mind, "points", "b").stdout
    assert table.splitlines()[2].endswith("long text long text…")
    assert answer("search", mind, "points", "b")[0]["text"] == "long\ntext " * 100


def test_items_are_found_by_their_words(notes):
    assert "text index" in refusal("search", notes, "notes", "--words", "cat")
    made = run("library", "index", notes, "notes").stdout
    assert made.startswith("3 items indexed by unicode61 remove_diacritics 2 in ")
    found = answer("search", notes, "notes", "--words", "the cat")
    assert [row["key"] for row in found] == ["sofa", "yard"]
    with neurograph.open(notes, mode="r") as db:
        assert [row["score"] for row in found] == [hit.score for hit in db.library.get("notes").match("the cat")]
    assert keys(notes, "notes", "--words", "the cat", "--syntax", "all") == ["sofa"]
    assert keys(notes, "notes", "--words", "text : (dog OR stocks)", "--syntax", "fts5") == ["market", "yard"]
    late = "json_extract(metadata, '$.year') = 2022"
    assert keys(notes, "notes", "--words", "the", "--where", late) == ["yard"]
    assert answer("library", "info", notes, "notes")["text_index"] == "unicode61 remove_diacritics 2"


def test_a_text_index_is_made_anew_and_dropped(notes):
    run("library", "index", notes, "notes")
    assert answer("library", "index", notes, "notes")["items"] == 0
    assert answer("library", "index", notes, "notes", "--rebuild")["items"] == 3
    said = answer("library", "index", notes, "notes", "--tokenizer", "porter unicode61")
    assert (said["items"], said["text_index"]) == (3, "porter unicode61")
    assert keys(notes, "notes", "--words", "barking") == ["yard"]
    assert run("library", "index", notes, "notes", "--drop").stdout == "the text index of 'notes' is gone\n"
    assert run("library", "index", notes, "notes", "--drop").stdout == "'notes' has no text index\n"


def test_partitions_are_made_and_told(mind, monkeypatch):
    monkeypatch.setattr("neurograph.stores.library.partitions.build.LEAST_ITEMS", 2000)
    with neurograph.open(mind) as db:
        db.library.create("points", dimension=8).add(np.random.default_rng(8).normal(size=(2500, 8)))
        db.library.create("few", dimension=8).add(np.eye(8))
    said = answer("library", "optimize", mind, "points")
    assert (said["partitions"] > 1, said["placed"], said["trained"]) == (True, 2500, True)
    mended = run("library", "optimize", mind, "points").stdout
    assert mended.startswith(f"{said['partitions']} partitions mended, 0 vectors placed in ")
    assert run("library", "optimize", mind, "few").stdout.startswith("no partitions: fewer than 10,000 items")


@pytest.mark.compiled
def test_what_approximate_searches_find_is_measured_and_told(mind):
    numbers = np.random.default_rng(9)
    middles = numbers.normal(size=(300, 64)).repeat(20, axis=0)
    with neurograph.open(mind) as db:
        points = db.library.create("points", dimension=64)
        points.add(middles + 0.1 * numbers.normal(size=middles.shape))
        expected = points.recall(5, 0.9, sample=64)
        query = ",".join(map(str, middles[0]))
    assert expected.candidates is not None
    assert answer("library", "recall", mind, "points", "-k", 5, "--recall", 0.9, "--sample", 64) == expected._asdict()
    told = run("library", "recall", mind, "points", "-k", 5, "--recall", 0.9, "--sample", 64).stdout
    assert told.startswith(f"{expected.mean:.4f} of the 5 nearest in the mean, ")
    assert f"by {expected.candidates} candidates (64 vectors asked)" in told
    found = run("search", mind, "points", "--vector", query, "-k", 5, "--recall", 0.9, "--json")
    assert len(json.loads(found.stdout)) == 5
    assert re.fullmatch(r"(0\.9\d*|1) of the nearest are found by such searches\n", found.stderr)


def test_libraries_are_made_with_a_text_index(mind):
    Path("tiny.txt").write_text(GLOVE, encoding="utf-8")
    run("library", "create", mind, "points", "--dimension", 2, "--text-index")
    run("library", "load", mind, "tiny.txt", "--text-index")
    assert keys(mind, "tiny", "--words", "queen king") == ["king", "queen"]
    assert answer("search", mind, "points", "--words", "queen") == []


def test_an_encoder_of_one_s_own_is_named_by_its_path(mind, tmp_path):
    from neurograph.embed.default import default_places

    weights, tokenizer = default_places()
    folder = tmp_path / "own"
    folder.mkdir()
    shutil.copyfile(weights, folder / "model.safetensors")
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    own = folder / "model.safetensors"
    said = answer("library", "create", mind, "own", "--model", own)
    assert said["dimension"] == 256
    Path("a.jsonl").write_text('{"text": "a cat"}', encoding="utf-8")
    assert "must have its encoder" in refusal("library", "add", mind, "own", "a.jsonl")
    run("library", "add", mind, "own", "a.jsonl", "--model", own)
    assert "must have its encoder" in refusal("search", mind, "own", "kitten")
    assert answer("search", mind, "own", "kitten", "--model", own)[0]["text"] == "a cat"
    one = run("embed", "kitten", "--library", mind, "own", "--model", own).stdout
    assert one == run("embed", "kitten", "--model", own).stdout == run("embed", "kitten").stdout
    refused = refusal("search", mind, "own", "kitten", "--model", "default")
    assert "must be the encoder's" in refused


def test_each_text_becomes_a_line_that_gives_the_same_numbers_again(mind):
    texts = ["a cat", "", "stocks fell"]
    expected = neurograph.EmbeddingEngine.default().embed_batch(texts)
    lines = run("embed", *texts).stdout.splitlines()
    assert np.array([json.loads(line) for line in lines], np.float32).tolist() == expected.tolist()
    assert run("embed", input="a cat\n\nstocks fell\n").stdout.splitlines() == lines
    document = answer("embed", *texts)
    assert (document["model"], document["dimension"]) == ("wordllama-l2-supercat-256", 256)
    assert [row["text"] for row in document["vectors"]] == texts
    assert [row["vector"] for row in document["vectors"]] == [json.loads(line) for line in lines]


def test_vectors_in_a_numpy_file_are_loaded_with_their_texts(mind):
    Path("texts.txt").write_text("cat\nstocks\n", encoding="utf-8")
    done = run("embed", "--npy", "vectors.npy", input=Path("texts.txt").read_text(encoding="utf-8"))
    assert (done.stdout, done.stderr) == ("", "2 vectors of 256 numbers in vectors.npy\n")
    assert answer("library", "load", mind, "vectors.npy", "--words", "texts.txt")["items"] == 2
    assert keys(mind, "vectors", "cat") == ["stocks"]


def test_how_far_embedding_is_is_told_where_the_vectors_go_elsewhere(mind, monkeypatch):
    told: list[tuple[str, int, int | None]] = []
    monkeypatch.setattr("neurograph.progress.Progress.__call__", lambda self, *what: told.append(what))
    run("embed", "--npy", "many.npy", input="a cat\n" * 3000)
    assert told == [("embedding", 2048, 3000), ("embedding", 3000, 3000)]
    run("embed", input="a cat\n")
    assert told.pop() == ("embedding", 1, 1)


def test_nothing_to_embed_is_no_fault(mind):
    assert run("embed", input="").stdout == ""
    run("embed", "--npy", "none.npy", input="")
    assert np.load("none.npy").shape == (0, 256)


def test_the_library_s_encoder_embeds(notes):
    assert run("embed", "--library", notes, "notes", "kitten").stdout == run("embed", "kitten").stdout


def test_another_encoder_takes_a_library_over(mind):
    run("library", "create", mind, "arrays", "--dimension", 2)
    with neurograph.open(mind) as db:
        db.library.get("arrays").add(texts=list(TEXTS.values()), keys=list(TEXTS))
    said = answer("library", "reembed", mind, "arrays", "--model", "default")
    assert said.pop("seconds") >= 0
    assert said == {"name": "arrays", "items": 3, "dimension": 256, "model": "wordllama-l2-supercat-256"}
    assert keys(mind, "arrays", "kitten", "-k", 1) == ["sofa"]
    assert "3 vectors of 256 dimensions" in run("library", "reembed", mind, "arrays", "--model", "default").stdout


def test_a_dropped_library_is_gone_and_its_tokens_stay(notes):
    assert run("library", "drop", notes, "notes").stdout == "'notes' is gone, 3 items with it\n"
    with neurograph.open(notes, mode="r") as db:
        assert (db.library.list(), db.tokens.count()) == ([], 5)


@pytest.mark.parametrize(("typed", "code", "left"), [("n\n", 1, 1), ("y\n", 0, 0)])
def test_at_a_terminal_drop_asks(notes, typed, code, left, monkeypatch):
    monkeypatch.setattr("neurograph.cli.library._at_terminal", lambda: True)
    result = run("library", "drop", notes, "notes", code=code, input=typed)
    assert "drop 'notes' with 3 items? [y/N]:" in result.stderr
    assert len(answer("library", "list", notes)) == left
    if left:
        assert run("library", "drop", notes, "notes", "--yes").stderr == ""
