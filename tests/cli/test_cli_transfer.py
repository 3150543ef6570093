"""`ngdb import` and `ngdb export`: what goes out comes back, a bad row is named, a broken import is resumed."""

from __future__ import annotations

import gzip
import json
import signal
import sys
import time
from pathlib import Path

import pytest
from command_line import answer, companions, ended, refusal, run, start

import neurograph
from processes import untraced


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def words(mind: Path) -> Path:
    return write(
        mind.parent / "words.csv",
        "word,heavy,emotional_x,emotional_y,emotional_z,year\nowl,0.5,1,0,0,1990\nelk,0.25,,,,\n",
    )


def test_columns_are_renamed_set_and_kept_as_properties(mind, words):
    done = answer(
        "import", "new.ngdb", "tokens", words, "--rename", "word=label", "--rename", "heavy=weight",
        "--set", "entity_type=concept", "--set", "source=a list"
    )  # fmt: skip
    assert (done["kind"], done["source"], done["rows"], done["left_out"]) == ("tokens", str(words), 2, 0)
    assert companions(mind.parent / "new.ngdb") == []
    with neurograph.open("new.ngdb", mode="r") as db:
        owl, elk = db.tokens.get("owl"), db.tokens.get("elk")
        assert (owl.weight, owl.entity_type, owl.coordinates) == (0.5, "concept", {"emotional": (1.0, 0.0, 0.0)})
        assert owl.properties == {"year": "1990", "source": "a list"}
        assert (elk.weight, elk.coordinates) == (0.25, {})


def test_an_import_says_what_it_did(mind, words):
    result = run("import", mind, "tokens", words, "--rename", "word=label")
    assert result.stdout.startswith("2 tokens in ")
    assert result.stderr == ""
    result = run("import", mind, "tokens", words, "--rename", "word=label", "--on-conflict", "skip")
    assert result.stdout.endswith(", 2 left out\n")


@pytest.mark.parametrize("how", ["options", "file", "both"])
def test_types_are_mapped_by_options_or_by_a_file(mind, how):
    write(mind.parent / "edges.tsv", "source\ttarget\ttype\nmouse\tcat\t!\nvet\tcat\t@\n")
    write(
        mind.parent / "types.json",
        json.dumps({"!": "fears", "@": "hyponym"} if how == "file" else {"!": "loves", "@": "hyponym"}),
    )
    options = {
        "options": ["--type", "!=fears", "--type", "@=hyponym"],
        "file": ["--types", "types.json"],
        "both": ["--types", "types.json", "--type", "!=fears"],  # the option wins
    }[how]
    assert answer("import", mind, "edges", "edges.tsv", *options)["rows"] == 2
    assert [row["type"] for row in answer("links", mind, "cat", "--direction", "in")] == ["fears", "hyponym"]


def test_ends_may_be_ids(mind):
    write(mind.parent / "edges.jsonl", '{"source": 5, "target": 1, "weight": 0.5}\n{"source": 5, "target": 2}\n')
    assert answer("import", mind, "edges", "edges.jsonl", "--ends", "id")["rows"] == 2
    assert [row["label"] for row in answer("links", mind, "animal")] == ["cat", "dog"]


def test_conflicts_are_met_as_asked(mind):
    write(mind.parent / "edges.csv", "source,target,type,weight\ncat,vet,fears,0.75\n")
    assert "line 2" in refusal("import", mind, "edges", "edges.csv")
    assert answer("import", mind, "edges", "edges.csv", "--on-conflict", "skip")["left_out"] == 1
    assert answer("import", mind, "edges", "edges.csv", "--on-conflict", "update")["rows"] == 1
    assert answer("import", mind, "edges", "edges.csv", "--on-conflict", "number")["rows"] == 1
    found = answer("links", mind, "cat", "--type", "fears")
    assert [(row["key"], row["weight"]) for row in found] == [("", 0.75), ("#2", 0.75)]


def test_a_bad_row_is_named_by_its_line_and_nothing_is_imported(mind):
    write(mind.parent / "words.csv", "label,weight\nowl,0.5\nelk,heavy\n")
    assert refusal("import", mind, "tokens", "words.csv") == "line 3: weight must be a number, got 'heavy'"
    assert answer("sql", mind, "select count(*) as n from token") == [{"n": 5}]
    result = run("import", mind, "tokens", "words.csv", "--bad-rows", "skip")
    assert result.stderr == "ngdb: left out: line 3: weight must be a number, got 'heavy'\n"
    assert result.stdout.startswith("1 token in ")
    assert "1 left out" in result.stdout


def test_a_place_with_one_axis_is_named_with_its_level(mind):
    write(mind.parent / "words.csv", "label,emotional_x\nowl,\nelk,0.5\n")
    said = "line 3: emotional must have three finite numbers x, y, z or none of them, got [0.5, None, None]"
    assert refusal("import", mind, "tokens", "words.csv") == said


def test_an_import_that_fails_leaves_no_file_that_it_made(mind):
    write(mind.parent / "words.csv", "label,weight\nelk,heavy\n")
    for source in ("words.csv", "nowhere.csv"):
        refusal("import", "new.ngdb", "tokens", source)
        assert not Path("new.ngdb").exists()


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "csv.gz", "tsv.gz", "jsonl.gz", "parquet"])
def test_what_is_exported_is_imported_again(mind, suffix):
    with neurograph.open(mind) as db:
        db.tokens.create('a\tb\n"c" 猫', properties={"n": [1, None], "é": "\\"})
    for kind in ("tokens", "edges"):
        done = answer("export", mind, kind, f"{kind}.{suffix}")
        assert done["rows"] == {"tokens": 6, "edges": 6}[kind]
        assert answer("import", "copy.ngdb", kind, f"{kind}.{suffix}")["rows"] == done["rows"]
    for kind in ("tokens", "edges"):
        run("export", mind, kind, f"{kind}.1.jsonl")
        run("export", "copy.ngdb", kind, f"{kind}.2.jsonl")
        assert Path(f"{kind}.1.jsonl").read_text() == Path(f"{kind}.2.jsonl").read_text()


def test_the_format_is_named_where_the_file_does_not_tell(mind):
    assert "must end in" in refusal("export", mind, "tokens", "tokens.txt")
    assert run("export", mind, "edges", "edges.txt", "--format", "csv", "--ends", "id").stdout.startswith("6 edges in ")
    assert Path("edges.txt").read_text().splitlines()[1] == "1,5,hypernym,,1.0,0,"
    assert (
        answer("import", mind, "edges", "edges.txt", "--format", "csv", "--ends", "id", "--on-conflict", "skip")[
            "left_out"
        ]
        == 6
    )


@pytest.fixture
def many(mind: Path) -> Path:
    path = mind.parent / "many.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps({"label": f"word {n}", "weight": 0.5}) + "\n" for n in range(60_000))
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-C for a child without a console")
@pytest.mark.parametrize("ending", ["resume", "drop"])
@untraced()
def test_an_import_that_was_interrupted_is_resumed_or_dropped(mind, many, ending):
    with start("import", mind, "tokens", many) as child:
        while child.poll() is None and staged(mind) < 2:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        out, err = ended(child)
    assert (child.returncode, out) == (130, "")
    assert err == f"the import of {many} broke off; go on with --resume, or drop it with --drop\nngdb: interrupted\n"
    assert answer("sql", mind, "select count(*) as n from token") == [{"n": 5}]
    assert "broke off after" in refusal("import", mind, "tokens", many)
    if ending == "resume":
        assert answer("import", mind, "tokens", many, "--resume")["rows"] == 60_000
    else:
        assert answer("import", mind, "tokens", many, "--drop") == {"dropped": True}
        assert run("import", mind, "tokens", many, "--drop").stdout == f"no import of {many} had broken off\n"
    assert answer("info", mind)["tables"]["import_row"] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-C for a child without a console")
@untraced()
def test_an_import_that_was_interrupted_while_it_wrote_is_resumed(mind, many):
    """It has read all rows and holds the write lock; whoever would write meanwhile is busy."""
    with start("import", mind, "tokens", many) as child:
        while child.poll() is None and not (staged(mind) == 60_000 and is_locked(mind)):
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        _, err = ended(child)
    assert child.returncode == 130, err
    assert err.endswith("go on with --resume, or drop it with --drop\nngdb: interrupted\n")
    assert answer("sql", mind, "select count(*) as n from token") == [{"n": 5}]
    assert answer("import", mind, "tokens", many, "--resume")["rows"] == 60_000


def is_locked(mind: Path) -> bool:
    with neurograph.open(mind, busy_timeout_s=0) as db:
        try:
            db.begin()
        except neurograph.errors.TransactionBusy:
            return True
    return False


def staged(mind: Path) -> int:
    """Return how many rows an import in another process has staged."""
    with neurograph.open(mind, mode="r") as db:
        return db.execute("select coalesce(sum(rows), 0) from import_run").fetchone()[0]


POINTERS = {
    "@": "hypernym", "~": "hyponym", "@i": "instance_of", "~i": "example_of", "#m": "member_of", "#s": "composed_of",
    "#p": "part_of", "%m": "has_member", "%s": "comprises", "%p": "has_part", "!": "antonym", "+": "derivation",
    "&": "similar", "^": "also", "\\": "related_to", "=": "attribute", "*": "entailment", ">": "cause",
    "$": "form_of", "<": "variant_of", ";c": "topic", "-c": "domain", ";u": "usage", "-u": "used_by",
    ";r": "region", "-r": "contains",
}  # fmt: skip


@pytest.mark.data
@untraced()  # half a million rows; the tests above import and measure few
def test_wordnet_is_imported_from_the_command_line_and_nothing_is_lost(wordnet, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = answer(
        "import", "wordnet.ngdb", "tokens", wordnet / "synsets.tsv.gz", "--rename", "id=label",
        "--set", "entity_type=concept"
    )  # fmt: skip
    assert (done["rows"], done["left_out"]) == (117_659, 0)
    write(tmp_path / "pointers.json", json.dumps(POINTERS))
    done = answer(
        "import", "wordnet.ngdb", "edges", wordnet / "relations.tsv.gz", "--rename", "pointer=type",
        "--rename", "words=key", "--types", "pointers.json", "--on-conflict", "number"
    )  # fmt: skip
    assert (done["rows"], done["left_out"]) == (377_592, 0)
    facts = answer("info", "wordnet.ngdb")
    assert (facts["tables"]["token"], facts["tables"]["edge"]) == (117_659, 377_592)
    with gzip.open(wordnet / "relations.tsv.gz", "rt", encoding="utf-8") as file:
        next(file)
        pointers = sorted(line.rstrip("\n").split("\t") for line in file)
    back = {name: symbol for symbol, name in POINTERS.items()}
    with neurograph.open("wordnet.ngdb", mode="r") as db:
        found = db.execute(
            """select s.label, t.label, c.name, e.key
                 from edge as e
                 join token as s on s.id = e.source
                 join token as t on t.id = e.target
                 join connection_type as c on c.code = e.type"""
        )
        assert sorted([*ends, back[name], key.partition("#")[0]] for *ends, name, key in found) == pointers
        assert db.tokens.get("n02121620").properties["words"].startswith("cat")
    found = answer("path", "wordnet.ngdb", "n02121620", "n00001740", "--type", "hypernym", "--cost", "hops")
    assert (found["hops"], found["steps"][-1]["label"]) == (13, "n00001740")  # from a cat to an entity
    assert len(answer("bfs", "wordnet.ngdb", "n02121620", "--type", "hyponym", "--limit", "0")) == 39


@pytest.mark.parametrize("kind", ["tokens", "edges"])
@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl"])
def test_a_dash_is_stdout_and_stdin(mind, kind, format):
    target = mind.parent / f"there.{format}"
    run("export", mind, kind, target)
    out = run("export", mind, kind, "-", "--format", format)
    assert out.stdout == target.read_text(encoding="utf-8")
    assert f" {kind} in " in out.stderr
    if kind == "edges":
        run(
            "import",
            "new.ngdb",
            "tokens",
            "-",
            "--format",
            "csv",
            input=run("export", mind, "tokens", "-", "--format", "csv").stdout,
        )
    assert f" {kind} in " in run("import", "new.ngdb", kind, "-", "--format", format, input=out.stdout).stdout
    assert run("export", "new.ngdb", "edges", "-", "--format", "tsv").stdout.count("\n") == (
        1 if kind == "tokens" else run("export", mind, "edges", "-", "--format", "tsv").stdout.count("\n")
    )


def test_a_bad_row_of_stdin_is_named_by_line(mind):
    rows = "label,weight\nowl,0.5\nelk,heavy\n"
    assert "line 3: weight must be a number, got 'heavy'" in refusal(
        "import", "new.ngdb", "tokens", "-", "--format", "csv", input=rows
    )
    run("import", "new.ngdb", "tokens", "-", "--format", "csv", input=rows.replace("heavy", "0.25"))


def test_a_stream_has_a_format_and_is_gone_once_read(mind):
    assert "say it with --format" in refusal("import", mind, "tokens", "-", code=2, input="label\nowl\n")
    assert "say it with --format" in refusal("export", mind, "tokens", "-", code=2)
    assert "--resume needs a file" in refusal(
        "import", mind, "tokens", "-", "--format", "csv", "--resume", code=2, input=""
    )
    assert "both write to stdout" in refusal("export", mind, "tokens", "-", "--format", "csv", "--json", code=2)
    assert "had broken off" in run("import", mind, "tokens", "-", "--format", "csv", "--drop").stdout
