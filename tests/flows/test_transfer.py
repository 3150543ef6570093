"""Import and export: what goes out comes back, and a bad row is named by its line."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import neurograph
from neurograph.errors import ImportFailed, InvalidValue, UnknownName
from neurograph.flows.transfer import (
    drop_import,
    export_edges,
    export_tokens,
    import_edges,
    import_items,
    import_tokens,
)

TABLES = {
    "token": "select id, label, entity_type, domain, flags, weight, physical_x, emotional_z, created_ns, modified_ns,"
    " properties from token order by id",
    "edge": "select * from edge order by source, type, target, key",
    "import_run": "select * from import_run",
    "import_row": "select * from import_row",
}


def contents(db: neurograph.Database) -> dict[str, list]:
    return {table: db.execute(sql).fetchall() for table, sql in TABLES.items()}


def mind() -> neurograph.Database:
    """Return tokens and edges with every awkward value a text format can meet."""
    db = neurograph.open(":memory:")
    awkward = ["plain", 'quo"te', "com,ma", "tab\there", "line\nbreak", "back\\slash", "\\t", "ünï", "  spaced  ", "0"]
    for n, label in enumerate(awkward):
        db.tokens.create(
            label,
            entity_type="concept",
            weight=n / 16,
            coordinates={"physical": (0.1 * n, -1e-9, 1e9)} if n % 2 else {},
            properties={"text": label, "n": n, "deep": {"list": [1, None]}} if n % 3 else None,
        )
    db.graph.create("plain", "ünï", type="hypernym", key='a"b,c\td', weight=0.1, properties={"x": "\n"})
    db.graph.create("ünï", "tab\there", bidirectional=True)
    return db


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "ndjson", "csv.gz", "tsv.gz", "jsonl.gz", "parquet"])
@pytest.mark.parametrize("ends", ["label", "id"])
def test_what_is_exported_is_imported_again(tmp_path, suffix, ends):
    tokens, edges = tmp_path / f"tokens.{suffix}", tmp_path / f"edges.{suffix}"
    with mind() as db, neurograph.open(":memory:") as copy:
        assert export_tokens(db, tokens) == 10
        assert export_edges(db, edges, ends=ends) == 2
        assert import_tokens(copy, tokens) == (10, 0)
        assert import_edges(copy, edges, ends=ends) == (2, 0)
        found, expected = contents(copy), contents(db)
        for table in ("token", "edge"):  # JSON may be spaced differently
            for a, b in zip(found[table], expected[table], strict=True):
                assert a[:-1] == b[:-1]
                assert json.loads(a[-1] or "null") == json.loads(b[-1] or "null")
        assert copy.check() == []
        assert not list(tmp_path.glob(".*"))


def write(path: Path, text: str) -> Path:
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def test_columns_that_are_not_ours_become_properties(tmp_path):
    file = write(tmp_path / "words.tsv", "id\tgloss\tlabel\n7\ta cat\\tindeed\tcat\n")
    with neurograph.open(":memory:") as db:
        import_tokens(db, file, rename={"id": "number"}, constants={"entity_type": "concept", "weight": 0.25})
        cat = db.tokens.get("cat")
        assert (cat.id, cat.entity_type, cat.weight) == (1, "concept", 0.25)
        assert cat.properties == {"number": "7", "gloss": "a cat\tindeed"}


def test_a_type_that_nobody_knows_is_told_before_the_rows(tmp_path):
    file = write(tmp_path / "links.csv", "source,target,type\n1,2,C\n")
    with neurograph.open(":memory:") as db, pytest.raises(UnknownName, match=r"got 'causez'; the closest are 'cause'"):
        import_edges(db, file, types={"C": "causez"}, ends="id", bad_rows="skip")


def test_columns_that_are_named_so_become_numbers(tmp_path):
    file = write(tmp_path / "words.csv", "label,legs,size,code\ncat,4,0.5,007\nfish,,1e3,1\n")
    with neurograph.open(":memory:") as db:
        import_tokens(db, file, rename={"size": "length"}, numbers=["legs", "length"])
        assert [one.properties for one in db.tokens.list()] == [
            {"legs": 4, "length": 0.5, "code": "007"},
            {"length": 1000.0, "code": "1"},
        ]
        write(file, "source,target,type,n\ncat,fish,likes,4\n")
        import_edges(db, file, numbers=["n"])
        assert db.graph.get("cat", "fish", type="likes").properties == {"n": 4}
        library = db.library.create("v", dimension=1)
        write(file, 'key,vector,n\na,[1],"12"\nb,[2],3\n')
        import_items(db, library, file, numbers=["n"])
        assert [hit.key for hit in library.search([1.0], where="item.metadata ->> 'n' > 3")] == ["a"]
        for wrong in ("four", "nan", "1e999"):
            write(file, f"label,legs\nowl,2\ncow,{wrong}\n")
            with pytest.raises(ImportFailed, match=f"line 3: legs must be a .*number, got '{wrong}'"):
                import_tokens(db, file, numbers=["legs"])
        with pytest.raises(InvalidValue, match="numbers must be a list of columns, got 'legs'"):
            import_tokens(db, file, numbers="legs")
        assert db.tokens.count() == 2


@pytest.mark.parametrize("rename", [{"word": "label"}, {"word": "x", "label": "x"}])
def test_two_columns_never_become_one(tmp_path, rename):
    file = write(tmp_path / "words.csv", "word,label\ncat,feline\n")
    ours = rename["word"]
    with neurograph.open(":memory:") as db:
        with pytest.raises(ImportFailed, match=rf"line 2: {ours} must come from one column, got \['word', 'label'\]"):
            import_tokens(db, file, rename=rename)
        assert db.tokens.count() == 0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "label,weight\ncat,0.5\ndog,heavy\n", "line 3: weight must be a number, got 'heavy'"),
        ("a.csv", "label,weight\ncat,nan\n", "line 2: weight must be a finite number, got 'nan'"),
        ("a.csv", "label,weight,legs\ncat,0.5,4\nowl,7,2\n", r"line 3: weight must be .*, got 7\.0"),
        ("a.csv", "label,weight\ncat,7\n", "line 2: weight must be within the constitution's limits"),
        ("a.csv", "label,flags\ncat,1.5\n", "line 2: flags must be a whole number"),
        (
            "a.csv",
            "label\ncat\ncat\n",
            r"line 3: label must be unique, got 'cat'; .* on_conflict=\"skip\" or \"update\"",
        ),
        ("a.csv", "label,entity_type\ncat,thingy\n", "line 2: entity_type must be one of"),
        ("a.csv", "label,physical_x\ncat,1\n", "line 2: .*physical"),
        ("a.csv", "label,weight\ncat\n", "line 2: must have 2 values, got 1"),
        ("a.csv", 'label\n"cat\n', "not CSV"),
        ("a.csv", "label,label\n", "line 1: names of columns must be distinct"),
        ("a.csv", "", "line 1: must name the columns"),
        ("a.tsv", "label\tweight\ncat\t1\t2\n", "line 2: must have 2 values, got 3"),
        ("a.jsonl", '{"label": "cat"}\n{"label": \n', "line 2: not JSON"),
        ("a.jsonl", '["cat"]\n', "line 1: must be a JSON object"),
        ("a.jsonl", '{"label": "cat", "properties": [1]}\n', "line 1: properties must be a JSON object"),
        ("a.jsonl", '{"label": true}\n', "line 1: label must be text"),
        ("a.csv.gz", "not gzip", "can't be read to its end"),
        ("a.parquet", "not parquet", "not Parquet"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_imported(tmp_path, name, text, message):
    file = write(tmp_path / name, text)
    with mind() as db:
        before = contents(db)
        with pytest.raises(ImportFailed, match=message):
            import_tokens(db, file)
        assert contents(db) == before


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("source,target\nplain,nowhere\n", {}, "line 2: no token has the label 'nowhere'"),
        ("source\nplain\n", {}, "line 2: target must be given"),
        ("source,target,type\nplain,0,sideways\n", {}, "line 2: .*sideways.*; types= .*--type"),
        (
            "source,target,type\nplain,0,@\n",
            {"types": {"~": "hyponym"}},
            "line 2: type must be one of those .*'@'; map it",
        ),
        ("source,target\n1,x\n", {"ends": "id"}, "line 2: target must be an id, got 'x'"),
        ("source,target\n1,99\n", {"ends": "id"}, "line 2: target must be tokens, got the id 99"),
        ("source,target\n1,2\n1,2\n", {"ends": "id"}, 'line 3: an edge 1 → 2 of .*; pass .* "update" or "number"'),
        ("source,target\n0,0\n0,0\n", {}, "line 3: an edge '0' → '0' of type 'associated_with' and key '' exists"),
        ("source,target,bidirectional\n1,2,maybe\n", {"ends": "id"}, "line 2: bidirectional must be 0 or 1"),
    ],
)
def test_a_bad_edge_is_named_and_nothing_is_imported(tmp_path, text, options, message):
    file = write(tmp_path / "edges.csv", text)
    with mind() as db:
        before = contents(db)
        with pytest.raises(ImportFailed, match=message):
            import_edges(db, file, **options)
        assert contents(db) == before


def test_bad_rows_are_left_out_where_that_is_asked_for(tmp_path, caplog):
    file = write(tmp_path / "a.csv", "label,weight\ncat,0.5\ndog,heavy\nowl,7\nbat,1\n")
    with neurograph.open(":memory:") as db:
        assert import_tokens(db, file, bad_rows="skip") == (2, 2)
        assert [token.label for token in db.tokens.list()] == ["cat", "bat"]
    assert [record.getMessage()[:16] for record in caplog.records] == ["left out: line 3", "left out: line 4"]


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.csv", "label,weight\ncat,0.5\ndog\nowl,1,2,3\nbat,1\n", [3, 4]),
        ("a.tsv", "label\tweight\ncat\t0.5\ndog\nowl\t1\t2\nbat\t1\n", [3, 4]),
        ("a.jsonl", '{"label": "cat"}\n{"label": \n[1, 2]\nNaN\n{"label": "bat"}\n{"label"\n', [2, 3, 4, 6]),
    ],
)
def test_rows_that_cannot_be_read_are_left_out_too(tmp_path, caplog, name, text, lines):
    file = write(tmp_path / name, text)
    with neurograph.open(":memory:") as db:
        with pytest.raises(ImportFailed, match=f"line {lines[0]}: ") as failed:
            import_tokens(db, file)
        assert (failed.value.line, db.tokens.count()) == (lines[0], 0)
        assert import_tokens(db, file, bad_rows="skip") == (2, len(lines))
        assert [token.label for token in db.tokens.list()] == ["cat", "bat"]
    assert [record.getMessage().split(":")[1] for record in caplog.records] == [f" line {line}" for line in lines]


def test_a_file_that_cannot_be_read_on_is_refused_all_the_same(tmp_path):
    with neurograph.open(":memory:") as db:
        for text in (b'label\ncat\n"dog"x\nbat\n', b"label\ncat\n\xff\nbat\n"):
            (tmp_path / "a.csv").write_bytes(text)
            with pytest.raises(ImportFailed):
                import_tokens(db, tmp_path / "a.csv", bad_rows="skip")
        assert db.tokens.count() == 0


@pytest.mark.parametrize("bad", ["dog,7,4,concept", "cat,1,4,concept", "dog,1,4,no_such"])
def test_good_rows_with_properties_and_types_are_kept_beside_a_bad_one(tmp_path, bad):
    file = write(tmp_path / "a.csv", f"label,weight,legs,entity_type\ncat,0.5,4,concept\n{bad}\nowl,1,2,object\n")
    with neurograph.open(":memory:") as db:
        assert import_tokens(db, file, bad_rows="skip") == (2, 1)
        found = [(token.label, token.entity_type, token.properties) for token in db.tokens.list()]
    assert found == [("cat", "concept", {"legs": "4"}), ("owl", "object", {"legs": "2"})]


def test_conflict_policies(tmp_path):
    file = write(tmp_path / "a.csv", "label,weight\nplain,0.75\nnew,0.75\n")
    with mind() as db:
        assert import_tokens(db, file, on_conflict="skip") == (1, 1)
        assert db.tokens.get("plain").weight == 0
        assert import_tokens(db, file, on_conflict="update") == (2, 0)
        assert db.tokens.get("plain").weight == 0.75
        edges = write(tmp_path / "e.csv", 'source,target,type,key,weight\nplain,ünï,hypernym,"a""b,c\td",0.9\n')
        assert import_edges(db, edges, on_conflict="skip") == (0, 1)
        assert import_edges(db, edges, on_conflict="update") == (1, 0)
        assert db.graph.list(source="plain")[0].weight == 0.9


def test_wrong_options_are_named(tmp_path):
    file = write(tmp_path / "a.csv", "label\ncat\n")
    with mind() as db:
        for options, message in (
            ({"on_conflict": "explode"}, "on_conflict must be one of"),
            ({"bad_rows": "eat"}, "bad_rows must be"),
            ({"format": "xml"}, "format must be one of"),
        ):
            with pytest.raises(InvalidValue, match=message):
                import_tokens(db, file, **options)
        with pytest.raises(InvalidValue, match=r"must end in"):
            import_tokens(db, write(tmp_path / "a.txt", "label\n"))
        with pytest.raises(ImportFailed, match="cannot open"):
            import_tokens(db, tmp_path / "absent.csv")
        db.tokens.create()
        db.graph.create(1, 11)
        with pytest.raises(InvalidValue, match=r'ends must be "id".*with id 11'):
            export_edges(db, tmp_path / "e.csv")
        assert contents(db)["import_run"] == []


KILLED = """
import os, signal, sys, neurograph
from neurograph.flows.transfer import import_tokens
def progress(what, rows):
    if rows >= 300:
        os.kill(os.getpid(), signal.SIGKILL)
import neurograph.flows.transfer.staging as staging
staging.SLICE_S = 0.0005
with neurograph.open(sys.argv[1]) as db:
    import_tokens(db, sys.argv[2], progress=progress)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_a_killed_import_is_resumed_or_dropped(tmp_path):
    path, file = tmp_path / "mind.ngdb", tmp_path / "a.csv.gz"
    with gzip.open(file, "wt") as out:
        out.write("label\n" + "".join(f"word {n}\n" for n in range(5000)))
    for ending in ("resume", "drop"):
        done = subprocess.run([sys.executable, "-c", KILLED, path, file], check=False)
        assert done.returncode == -signal.SIGKILL
        with neurograph.open(path) as db:
            before = db.tokens.count()
            staged = db.execute("select rows from import_run").fetchone()[0]
            assert 300 <= staged < 5000
            with pytest.raises(ImportFailed, match=f"broke off after {staged} rows"):
                import_tokens(db, file)
            if ending == "resume":
                with pytest.raises(ImportFailed, match="other options"):
                    import_tokens(db, file, resume=True, constants={"weight": 1})
                assert import_tokens(db, file, resume=True) == (5000, 0)
                assert [token.label for token in db.tokens.list(limit=3)] == ["word 0", "word 1", "word 2"]
                db.execute("delete from token")
            else:
                assert drop_import(db, file, "tokens")
                assert not drop_import(db, file, "tokens")
                assert db.tokens.count() == before
                assert db.execute("select count(*) from import_row").fetchone() == (0,)


def test_a_resumed_file_must_not_have_changed(tmp_path):
    file = write(tmp_path / "a.csv", "label\ncat\n")
    with neurograph.open(":memory:") as db:
        db.execute("insert into import_run (kind, source, identity, options) values ('tokens', 'a.csv', '1 2', '{}')")
        with pytest.raises(ImportFailed, match="another content"):
            import_tokens(db, file, resume=True)


def test_export_replaces_a_file_only_when_the_new_one_is_whole(tmp_path, monkeypatch):
    file = write(tmp_path / "tokens.csv", "old")
    with mind() as db:

        def broken(rows, kind, progress):
            raise OSError("disk full")

        monkeypatch.setattr("neurograph.flows.transfer.export._reported", broken)
        with pytest.raises(OSError, match="disk full"):
            export_tokens(db, file)
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["tokens.csv"]


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("skip", [("token.created", {"first": 3, "last": 5, "count": 2})]),
        ("update", [("token.created", {"id": 3}), ("token.updated", {"id": 1}), ("token.created", {"id": 5})]),
    ],
)
def test_an_import_tells_of_its_tokens(tmp_path, policy, told):
    file = tmp_path / "tokens.csv"
    file.write_text("label,weight\nant,0.5\nbee,0.25\ncat,0.5\n", encoding="utf-8")
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        db.tokens.create_many(["bee", "eel"])
        db.events.enable("token.*")
        import_tokens(db, file, on_conflict=policy)
        found = [(event.type, event.data) for event in db.events.read()]
    assert found == told
