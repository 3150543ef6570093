"""What one file says, and how damaged files and folders are met."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from small_library import Read

from neurograph.errors import NotHere
from neurograph.flows import stdlib_source
from neurograph.flows.stdlib_facts import read_module
from neurograph.flows.stdlib_files import find_modules
from neurograph.flows.stdlib_source import Source, read_source, read_standard_library


def own(source: Source) -> list[str]:
    return [label for label in source.labels() if not label.startswith("builtins")]


def test_definitions_are_labelled_as_python_spells_them(read: Read) -> None:
    text = "class A:\n    class B:\n        def f(self):\n            def g():\n                class C: pass\n"
    labels = own(read(m=text))
    assert labels == ["m", "m.A", "m.A.B", "m.A.B.f", "m.A.B.f.<locals>.g", "m.A.B.f.<locals>.g.<locals>.C"]


def test_symbols_know_kind_place_and_docstring(read: Read) -> None:
    source = read(p__dot____init__="", p__dot__m='"""Of m."""\n\nasync def f():\n    """Do.\n\n    More.\n    """\n')
    f = next(s for s in source.symbols if s.label == "p.m.f")
    assert (f.kind, f.module, f.file, f.line) == ("function", "p.m", "p/m.py", 3)
    assert (f.summary, f.docstring) == ("Do.", "Do.\n\nMore.")
    module = next(s for s in source.symbols if s.label == "p.m")
    assert (module.kind, module.summary, module.measures.lines) == ("module", "Of m.", 8)


def test_properties_leave_out_what_is_unknown(read: Read) -> None:
    source = read(m="import _c\ndef f(): pass\n")
    properties = {s.label: s.properties() for s in source.symbols}
    assert properties["m.f"] == {
        "kind": "function", "module": "m", "file": "m.py", "line": 2, "lines": 1, "complexity": 1.0,
        "fan_in": 0, "fan_out": 0,
    }  # fmt: skip
    assert properties["_c"] == {"kind": "module", "module": "_c", "fan_in": 1, "fan_out": 0}


def test_members_are_listed_in_the_order_of_their_lines(read: Read) -> None:
    text = "if x:\n    def late(): pass\ndef later(): pass\ntry:\n    class Last: pass\nfinally: pass\n"
    assert own(read(m=text)) == ["m", "m.late", "m.later", "m.Last"]


def test_the_last_unconditional_definition_has_the_plain_label(read: Read) -> None:
    source = read(m="def f():\n    'first'\ndef f():\n    'last'\nif x:\n    def f(): 'other'\n")
    docs = {s.label: s.docstring for s in source.symbols if s.module == "m" and s.kind == "function"}
    assert docs == {"m.f": "last", "m.f#2": "first", "m.f#3": "other"}


def test_of_conditional_definitions_the_first_has_the_plain_label(read: Read) -> None:
    source = read(m="if x:\n    def f(): 'first'\nelse:\n    def f(): 'second'\n")
    docs = {s.label: s.docstring for s in source.symbols if s.kind == "function" and s.module == "m"}
    assert docs == {"m.f": "first", "m.f#2": "second"}


def test_of_a_property_the_getter_has_the_plain_label(read: Read) -> None:
    text = "class A:\n    @property\n    def x(self): 'get'\n    @x.setter\n    def x(self, v): 'set'\n"
    docs = {s.label: s.docstring for s in read(m=text).symbols if s.kind == "function" and s.module == "m"}
    assert docs == {"m.A.x": "get", "m.A.x#2": "set"}


def test_overloads_give_way_to_what_they_describe(read: Read) -> None:
    text = "@overload\ndef f(x: int): ...\n@overload\ndef f(x: str): ...\ndef f(x): 'real'\n"
    docs = {s.label: s.docstring for s in read(m=text).symbols if s.kind == "function" and s.module == "m"}
    assert docs == {"m.f": "real", "m.f#2": "", "m.f#3": ""}


def test_a_module_keeps_its_label_from_a_definition_of_that_name(read: Read) -> None:
    source = read(p__dot____init__="def part(): 'a function'\n", p__dot__part="'a module'\n")
    kinds = {s.label: s.kind for s in source.symbols if s.label.startswith("p.")}
    assert kinds == {"p.part": "module", "p.part#2": "function"}


def test_a_file_that_is_not_python_is_named_and_skipped(read: Read) -> None:
    source = read(bad="def f(:\n", good="x = 1\n", nul=b"x = 1\0\n")
    assert own(source) == ["good"]
    assert source.files == 1
    assert [file for file, _ in source.skipped] == ["bad.py", "nul.py"]
    assert source.skipped[0][1].startswith("SyntaxError: ")


def test_an_encoding_cookie_is_obeyed(read: Read) -> None:
    source = read(m="# -*- coding: latin-1 -*-\n'''\xe9t\xe9'''\n".encode("latin-1"))
    assert next(s for s in source.symbols if s.label == "m").docstring == "été"


def test_an_unknown_encoding_is_named_and_skipped(read: Read) -> None:
    source = read(m=b"# coding: klingon\n")
    assert own(source) == []
    assert [file for file, _ in source.skipped] == ["m.py"]


def test_a_byte_order_mark_is_passed_over(read: Read) -> None:
    assert own(read(m=b"\xef\xbb\xbfdef f(): pass\n")) == ["m", "m.f"]


def test_an_invalid_escape_warns_nobody(read: Read) -> None:
    assert own(read(m="x = '\\d'\n")) == ["m"]


def test_a_docstring_is_text_that_any_database_can_hold(read: Read) -> None:
    source = read(m="'''a\\ud800b\\0c'''\n")
    assert next(s for s in source.symbols if s.label == "m").docstring == "a?b\ufffdc"


def test_tests_caches_and_impossible_names_are_left_out(tmp_path: Path) -> None:
    for name in ("test/a", "p/tests/b", "p/__pycache__/c", "site-packages/d", "config-3/e", "not-a-name", "p/f"):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert [name for name, _ in find_modules(tmp_path)] == ["p.f"]


def test_a_package_wins_over_a_module_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "__init__.py").write_text("")
    assert find_modules(tmp_path) == [("m", tmp_path / "m" / "__init__.py")]


def test_modules_come_sorted_by_name_whatever_the_folders_are(tmp_path: Path) -> None:
    for name in ("b", "a_b", "a/z", "a/__init__", "aa"):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    assert [name for name, _ in find_modules(tmp_path)] == ["a", "a.z", "a_b", "aa", "b"]


def test_reading_twice_gives_the_same(read: Read, tmp_path: Path) -> None:
    first = read(b="from a import f\nclass B:\n    def g(self): return f(len(self))\n", a="def f(): pass\n")
    second = read_source(tmp_path, native={"_c"})
    assert first == second
    assert first.edges == sorted(first.edges, key=lambda e: (e.source, e.target, e.type))


def test_progress_hears_of_every_file(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.py").write_text("(" if name == "b" else "")
    heard: list[tuple[int, int]] = []
    read_source(tmp_path, progress=lambda done, of: heard.append((done, of)))
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_the_garbage_collector_is_left_as_it_was(read: Read) -> None:
    assert gc.isenabled()
    read(m="")
    assert gc.isenabled()
    gc.disable()
    try:
        read(m="")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_python_without_source_text_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for folder in (tmp_path, tmp_path / "python.zip"):
        monkeypatch.setattr(stdlib_source.sysconfig, "get_path", lambda _, folder=folder: str(folder))
        with pytest.raises(NotHere, match="source text must be there"):
            read_standard_library()


def test_branches_belong_to_the_innermost_definition() -> None:
    text = b"""
if a and b or c: pass
def f(x):
    while x:
        try: assert x
        except E: pass
    def g(): return [i for i in x if i] if x else (lambda: x or 1)
    match x:
        case 1: pass
        case _: pass
"""
    module = read_module(text, "m")
    f = module.members[0]
    assert module.branches == 3  # if, and, or
    assert f.branches == 5  # while, except, assert, two cases
    assert f.members[0].branches == 3  # conditional expression, comprehension, or


def test_what_runs_around_a_definition_is_its_scopes() -> None:
    text = b"""
@deco
@made(1)
def f(x=default(), y: note() = 0, *, z=other()) -> result(): inner()
class A(base()): body()
"""
    module = read_module(text, "m")
    f, a = module.members
    assert {".".join(path) for path in module.calls} == {"deco", "made", "default", "note", "other", "result", "base"}
    assert list(f.calls) == [("inner",)]
    assert list(a.calls) == [("body",)]
