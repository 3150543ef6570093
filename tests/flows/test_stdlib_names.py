"""Every rule by which a name of a module or function finds what it stands for, and when it must not."""

from __future__ import annotations

import pytest
from small_library import Read, called_by, edges, unresolved

# --- scopes


def test_a_name_of_the_module_resolves(read: Read) -> None:
    assert called_by(read(m="def f(): g()\ndef g(): pass\n"), "m.f") == {"m.g"}


def test_a_builtin_resolves_unless_the_module_binds_it(read: Read) -> None:
    source = read(a="def f(): len(())\n", b="def f(): len(())\ndef len(x): pass\n")
    assert called_by(source, "a.f") == {"builtins.len"}
    assert called_by(source, "b.f") == {"b.len"}


def test_an_alias_of_a_builtin_is_that_builtin(read: Read) -> None:
    assert called_by(read(m="IOError()\n"), "m") == {"builtins.OSError"}


def test_a_nested_function_resolves_from_the_inside_out(read: Read) -> None:
    text = "def g(): pass\ndef f():\n    def g(): pass\n    def h(): g()\n    g()\n"
    source = read(m=text)
    assert called_by(source, "m.f") == called_by(source, "m.f.<locals>.h") == {"m.f.<locals>.g"}


def test_a_method_does_not_see_the_names_of_its_class(read: Read) -> None:
    text = "def g(): pass\nclass A:\n    def g(self): pass\n    def f(self): g()\n    g()\n"
    source = read(m=text)
    assert called_by(source, "m.A.f") == {"m.g"}
    assert called_by(source, "m.A") == {"m.A.g"}


@pytest.mark.parametrize(
    "body",
    [
        "def f(g): g()",
        "def f(*, g): g()",
        "def f(*g): g()",
        "def f(**g): g()",
        "def f():\n    for g in (): g()",
        "def f():\n    g = 1\n    g()",
        "def f():\n    g = h = {}['x']\n    g()",
        "def f():\n    (g := 1)\n    g()",
        "def f():\n    a, g = 1, 2\n    g()",
        "def f():\n    try: pass\n    except E as g: g()",
        "def f():\n    with {}['x'] as g: g()",
        "def f():\n    [g() for g in ()]",
        "def f():\n    lambda g: g()",
        "def f():\n    match 1:\n        case g: g()",
        "def f():\n    match 1:\n        case [*g]: g()",
        "def f():\n    match 1:\n        case {**g}: g()",
        "def f():\n    g = k\n    g = f\n    g()",
        "def f():\n    if 1:\n        def g(): pass\n    else:\n        g = None\n    g()",
    ],
)
def test_a_local_value_hides_a_name_of_the_module(read: Read, body: str) -> None:
    source = read(m=f"def g(): pass\ndef k(): pass\n{body}\n")
    assert called_by(source, "m.f") == set()
    assert unresolved(source) == {"value": 1}


def test_global_and_nonlocal_are_obeyed(read: Read) -> None:
    text = """
def g(): pass
def outer():
    def g(): pass
    def one():
        global g
        g()
    def two():
        nonlocal g
        g()
"""
    source = read(m=text)
    assert called_by(source, "m.outer.<locals>.one") == {"m.g"}
    assert called_by(source, "m.outer.<locals>.two") == {"m.outer.<locals>.g"}


def test_a_global_assigned_in_a_function_is_a_value_everywhere(read: Read) -> None:
    source = read(m="import _c\ng = None\ndef f():\n    global g\n    g = _c.x\n    g = 1\ndef h(): g()\n")
    assert called_by(source, "m.h") == set()
    assert unresolved(source) == {"value": 1}


def test_a_local_alias_resolves_while_all_its_values_agree(read: Read) -> None:
    text = "def g(): pass\ndef f():\n    h = g\n    if 1: h = g\n    h()\n"
    assert called_by(read(m=text), "m.f") == {"m.g"}


def test_a_definition_rebound_to_its_own_wrapping_is_still_found(read: Read) -> None:
    assert called_by(read(m="def g(): pass\ng = wrap(g)\ndef f(): g()\n"), "m.f") == {"m.g"}


def test_a_name_nobody_binds_is_unknown(read: Read) -> None:
    assert unresolved(read(m="nowhere()\n")) == {"unknown": 1}


def test_a_call_on_an_expression_is_counted_and_not_guessed(read: Read) -> None:
    source = read(m="''.join(())\n(1).real()\n[].x()\n{}[0]()\n")
    assert edges(source) == set()
    assert unresolved(source) == {"expression": 4}


# --- imports


def test_imports_resolve_in_every_spelling(read: Read) -> None:
    source = read(
        p__dot____init__="",
        p__dot__a="def f(): pass\n",
        one="import p.a\np.a.f()\n",
        two="import p.a as x\nx.f()\n",
        three="from p import a\na.f()\n",
        four="from p.a import f\nf()\n",
        five="from p.a import f as g\ng()\n",
        six="from p.a import *\nf()\n",
    )
    for caller in ("one", "two", "three", "four", "five", "six"):
        assert called_by(source, caller) == {"p.a.f"}
        assert called_by(source, caller, "imports") == {"p.a"}


def test_relative_imports_count_their_dots(read: Read) -> None:
    source = read(
        p__dot____init__="from . import a\nfrom .q import b\na.f()\nb.g()\n",
        p__dot__a="from .q.b import g\ndef f(): g()\n",
        p__dot__q__dot____init__="",
        p__dot__q__dot__b="from .. import a\nfrom ..a import f\ndef g():\n    f()\n    a.f()\n",
    )
    assert called_by(source, "p") == {"p.a.f", "p.q.b.g"}
    assert called_by(source, "p.a.f") == {"p.q.b.g"}
    assert called_by(source, "p.q.b.g") == {"p.a.f"}
    assert called_by(source, "p", "imports") == {"p.a", "p.q.b"}


def test_dots_beyond_the_top_resolve_to_nothing(read: Read) -> None:
    source = read(p__dot____init__="from ... import x\nx()\n")
    assert source.imports["unknown"] == 1
    assert unresolved(source) == {"unknown": 1}


def test_a_name_is_followed_through_packages_that_pass_it_on(read: Read) -> None:
    source = read(p__dot____init__="from .a import f as g\n", p__dot__a="def f(): pass\n", m="import p\np.g()\n")
    assert called_by(source, "m") == {"p.a.f"}


def test_a_module_reached_by_an_alias_of_another_is_found(read: Read) -> None:
    source = read(
        o="if x: import px as path\nelse: import nx as path\n",
        px="def join(): pass\n",
        nx="def join(): pass\n",
        m="import o.path\no.path.join()\n",
        n="from o.path import join\njoin()\n",
    )
    assert called_by(source, "m") == called_by(source, "n") == {"px.join"}
    assert called_by(source, "m", "imports") == called_by(source, "n", "imports") == {"px"}


def test_an_import_belongs_to_the_function_that_runs_it(read: Read) -> None:
    source = read(a="", m="def f():\n    import a\n    a.b\n")
    assert edges(source, "imports") == {("m.f", "a")}


def test_a_star_brings_public_names_only(read: Read) -> None:
    source = read(a="def f(): pass\ndef _g(): pass\n", m="from a import *\nf()\n_g()\n")
    assert called_by(source, "m") == {"a.f"}
    assert unresolved(source) == {"unknown": 1}


def test_a_star_brings_what_all_lists(read: Read) -> None:
    text = "__all__ = ['_g']\ndef f(): pass\ndef _g(): pass\n"
    source = read(a=text, b="from a import *\n", m="from b import *\nf()\n_g()\n", n="from a import *\n_g()\nf()\n")
    assert called_by(source, "n") == {"a._g"}
    assert called_by(source, "m") == set()  # b lists nothing, and _g is private there


def test_stars_in_a_circle_end(read: Read) -> None:
    source = read(a="from b import *\nf()\n", b="from a import *\ndef g(): pass\n", m="from a import *\ng()\n")
    assert called_by(source, "m") == {"b.g"}
    assert unresolved(source) == {"unknown": 1}


def test_behind_a_star_of_a_module_in_c_nothing_is_taken_for_a_builtin(read: Read) -> None:
    source = read(m="from _c import *\ndef f(): pass\nlen(())\nf()\n")
    assert called_by(source, "m") == {"m.f"}
    assert unresolved(source) == {"native": 1}


def test_a_module_in_c_is_a_symbol_and_its_functions_are_counted(read: Read) -> None:
    source = read(m="import _c\nfrom _c import f\nf()\n_c.g()\n_c.h.i()\n")
    assert called_by(source, "m", "imports") == {"_c"}
    assert unresolved(source) == {"native": 3}


def test_the_python_twin_of_an_accelerated_name_is_found(read: Read) -> None:
    text = "def f(): pass\ntry:\n    from _c import f\nexcept ImportError: pass\nf()\n"
    assert called_by(read(m=text), "m") == {"m.f"}


def test_none_says_not_here(read: Read) -> None:
    source = read(a="def f(): pass\n", m="try:\n    from a import f\nexcept ImportError:\n    f = None\nf()\n")
    assert called_by(source, "m") == {"a.f"}


def test_a_second_value_makes_an_import_uncertain(read: Read) -> None:
    source = read(a="def f(): pass\n", m="try:\n    from a import f\nexcept ImportError:\n    f = 1\nf()\n")
    assert called_by(source, "m") == set()


def test_behind_a_star_of_a_module_nobody_has_nothing_is_known(read: Read) -> None:
    source = read(m="from gone import *\nlen(())\nf()\n")
    assert called_by(source, "m") == set()
    assert unresolved(source) == {"unknown": 2}


def test_a_module_cannot_be_called(read: Read) -> None:
    source = read(a="", m="import a\na()\na.b.c()\n")
    assert called_by(source, "m") == set()
    assert unresolved(source) == {"value": 1, "unknown": 1}


def test_modules_nobody_has_are_counted(read: Read) -> None:
    source = read(m="import gone\nfrom gone.too import x\n")
    assert source.imports["unknown"] == 2
    assert edges(source, "imports") == set()


def test_names_that_import_each_other_in_a_circle_end(read: Read) -> None:
    source = read(a="from b import x\nx()\n", b="from a import x\nx()\n", c="y = z\nz = y\ny()\n")
    assert unresolved(source) == {"unknown": 3}


def test_a_name_bound_to_itself_keeps_its_outer_meaning(read: Read) -> None:
    source = read(m="def g(): pass\nlist = list\nclass A:\n    g = g\n    g()\nlist()\n")
    assert called_by(source, "m") == {"builtins.list"}
    assert called_by(source, "m.A") == {"m.g"}
