"""Where symbols stand: each measure on a text small enough to know the answer."""

from __future__ import annotations

import math

import pytest
from small_library import Read

from neurograph.flows.stdlib_measures import Measures, words
from neurograph.flows.stdlib_source import Source
from neurograph.model.levels import LEVELS


def measured(source: Source) -> dict[str, Measures]:
    return {symbol.label: symbol.measures for symbol in source.symbols}


def test_physical_is_depth_first_line_and_length(read: Read) -> None:
    found = measured(read(p__dot____init__="", p__dot__m="\nclass A:\n    def f(self):\n        pass\n\n\n"))
    assert found["p"].physical == (0.0, 0.01, 0.01)
    assert found["p.m"].physical == (1.0, 0.01, 0.07)
    assert found["p.m.A"].physical == (2.0, 0.02, 0.03)
    assert found["p.m.A.f"].physical == (3.0, 0.03, 0.02)


def test_physical_stops_at_what_the_level_represents(read: Read) -> None:
    found = measured(read(m="\n" * 40_000 + "def f(): pass\n"))
    assert found["m"].physical == (0.0, 0.01, 327.67)
    assert found["m.f"].physical == (1.0, 327.67, 0.01)


def test_load_grows_with_branches_and_a_container_has_the_mean(read: Read) -> None:
    text = "class A:\n    def f(self): pass\n    def g(self, x):\n        if x and x: pass\n        for _ in x: pass\n"
    found = measured(read(m=text))
    assert [found[f"m{name}"].complexity for name in (".A.f", ".A.g", ".A", "")] == [1, 4, 2.5, 2.5]
    assert [found[f"m.A{name}"].cognitive[0] for name in (".f", ".g", "")] == [1 / 11, 4 / 14, 2.5 / 12.5]


def test_a_function_is_abstract_as_far_as_run_time_decides(read: Read) -> None:
    text = """
def f(x):
    x()
    len(x)
    x.a()
    g()
def g(): 'Nothing.'
def h(): raise NotImplementedError('later')
def i(): return 1
class A:
    @abc.abstractmethod
    def j(self): return 1
"""
    found = measured(read(m=text))
    assert [found[f"m.{name}"].cognitive[1] for name in ("f", "g", "h", "i", "A.j")] == [0.5, 1.0, 1.0, 0.0, 1.0]


def test_a_class_is_abstract_as_far_as_others_derive_from_it(read: Read) -> None:
    found = measured(read(m="class A: pass\nclass B(A): pass\nclass C(B): pass\nclass D(B): pass\n"))
    assert [found[f"m.{name}"].cognitive[1] for name in "ABCD"] == [3 / 4, 2 / 4, 0.0, 0.0]
    assert found["m"].cognitive[1] == pytest.approx((3 / 4 + 2 / 4) / 4)


def test_certainty_grows_with_words_and_annotations(read: Read) -> None:
    text = """
class A:
    def f(self, x: int, y) -> int: 'one two three four five six seven eight nine ten'
    def g(self, x: int) -> int: pass
    def h(self, x): pass
"""
    found = measured(read(m=text))
    certainty = [found[f"m.A.{name}"].cognitive[2] for name in "fgh"]
    assert certainty == pytest.approx([1 - (1 - 10 / 20) * (1 - 2 / 3), 1.0, 0.0])
    assert found["m.A"].cognitive[2] == pytest.approx((0 + sum(certainty)) / 4)


def test_closeness_is_the_share_of_calls_within_the_module(read: Read) -> None:
    source = read(a="def f():\n    g()\n    len(())\ndef g(): pass\ndef lonely(): pass\n", b="import a\na.g()\n")
    found = measured(source)
    closeness = {label: found[label].social[0] for label in ("a.f", "a.g", "a.lonely", "a", "b", "builtins.len")}
    assert closeness == {
        "a.f": 0.0, "a.g": 0.0, "a.lonely": 0.0, "a": pytest.approx(2 / 3 - 1), "b": -1.0, "builtins.len": -1.0,
    }  # fmt: skip


def test_weight_and_status_are_logarithms_of_distinct_users(read: Read) -> None:
    text = "def f():\n    g()\n    g()\ndef g(): h()\ndef h(): g()\ndef i(): g()\n"
    source = read(m=text)
    found = measured(source)
    assert [(found[f"m.{name}"].fan_in, found[f"m.{name}"].fan_out) for name in "fgh"] == [(0, 1), (3, 1), (1, 1)]
    most = max(measures.fan_in for measures in found.values())
    assert [found[f"m.{name}"].weight for name in "fgh"] == [
        0.0,
        *(math.log(1 + n) / math.log(1 + most) for n in (3, 1)),
    ]
    assert source.weights()[source.labels().index("m.g")] == found["m.g"].weight
    assert found["m.g"].social[1] == 2 * found["m.g"].weight - 1


def test_calling_oneself_is_no_popularity(read: Read) -> None:
    found = measured(read(m="def f(): f()\n"))["m.f"]
    assert (found.fan_in, found.fan_out, found.weight) == (0, 0, 0.0)


def test_membership_is_the_size_of_the_top_level_package(read: Read) -> None:
    source = read(p__dot____init__="", p__dot__a="def f(): pass\n", m="")
    found = measured(source)
    most = sum(symbol.module == "builtins" for symbol in source.symbols)
    assert found["p"].social[2] == found["p.a.f"].social[2] == pytest.approx(2 * math.log(4) / math.log(1 + most) - 1)
    assert found["builtins.len"].social[2] == 1.0


def test_abstract_is_nearness_causality_and_modality(read: Read) -> None:
    text = """
def read_text(): 'Read it.'
def _read(): 'Read it.'; read_text(); _read()
class A:
    def __len__(self): 'Nothing alike.'
def undocumented(): pass
"""
    found = measured(read(m=text))
    assert found["m.read_text"].abstract == (0.0, -1.0, 1.0)
    assert found["m._read"].abstract == (1.0, 1.0, -1.0)
    assert found["m.A.__len__"].abstract == (-1.0, 0.0, 0.0)
    assert found["m.undocumented"].abstract is None


def test_a_name_without_words_is_near_to_nothing(read: Read) -> None:
    assert measured(read(m="def _(): 'Something.'\n"))["m._"].abstract[0] == -1.0


def test_what_is_written_in_c_has_no_text_to_measure(read: Read) -> None:
    found = measured(read(m="import _c\nlen(())\n"))
    assert (found["_c"].physical, found["_c"].cognitive, found["_c"].abstract) == (None, None, None)
    assert (found["builtins.len"].physical, found["builtins.len"].cognitive) == (None, None)
    assert found["builtins.len"].abstract is not None


def test_columns_have_all_levels_in_order_and_nan_where_undefined(read: Read) -> None:
    source = read(m="def f(): pass\n")
    row = source.coordinates()[source.labels().index("m.f")]
    defined = [level for level, point in zip(LEVELS, row, strict=True) if not math.isnan(point[0])]
    assert defined == ["physical", "cognitive", "social"]
    assert all(len(point) == 3 for point in row)
    assert all(math.isnan(axis) for axis in row[LEVELS.index("motor")])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("", []), ("_", []), ("HTTPServer", ["http", "server"]), ("getURL2", ["get", "url", "2"]), ("a_b", ["a", "b"])],
)
def test_words_of_a_name(name: str, expected: list[str]) -> None:
    assert words(name) == expected
