"""Every rule by which methods, bases and instances are found, and when they must not; what contains what."""

from __future__ import annotations

from small_library import Read, called_by, edges, unresolved

# --- classes


def test_calling_a_class_calls_its_init(read: Read) -> None:
    text = """
class A:
    def __init__(self): pass
class B(A): pass
class C:
    def __new__(cls): pass
A()
B()
C()
"""
    source = read(m=text)
    assert called_by(source, "m") == {"m.A", "m.A.__init__", "m.B", "m.C", "m.C.__new__"}


def test_self_finds_methods_of_the_class_and_its_bases(read: Read) -> None:
    source = read(
        a="class Base:\n    def g(self): pass\n    def h(self): pass\n",
        m="import a\nclass A(a.Base):\n    def g(self): pass\n    def f(this):\n        this.g()\n        this.h()\n",
    )
    assert called_by(source, "m.A.f") == {"m.A.g", "a.Base.h"}


def test_self_is_known_in_functions_inside_the_method(read: Read) -> None:
    text = "class A:\n    def g(self): pass\n    def f(self):\n        def h(): self.g()\n        lambda: self.g()\n"
    source = read(m=text)
    assert called_by(source, "m.A.f.<locals>.h") == called_by(source, "m.A.f") == {"m.A.g"}


def test_cls_calls_class_methods_and_the_class_itself(read: Read) -> None:
    text = """
class A:
    def __new__(cls): cls.make()
    @classmethod
    def make(cls): cls()
    @staticmethod
    def free(x): x.make()
"""
    source = read(m=text)
    assert called_by(source, "m.A.__new__") == {"m.A.make"}
    assert called_by(source, "m.A.make") == {"m.A", "m.A.__new__"}
    assert called_by(source, "m.A.free") == set()


def test_super_looks_behind_the_class(read: Read) -> None:
    text = """
class A:
    def f(self): pass
class B(A):
    def f(self):
        super().f()
        super(B, self).f()
    def g(self): super(A, self).f()
"""
    source = read(m=text)
    assert called_by(source, "m.B.f") == {"m.A.f", "builtins.super"}
    assert called_by(source, "m.B.g") == {"builtins.super"}


def test_methods_are_looked_up_in_pythons_order(read: Read) -> None:
    text = """
class A:
    def f(self): pass
class B(A): pass
class C(A):
    def f(self): pass
class D(B, C):
    def g(self): self.f()
"""
    assert called_by(read(m=text), "m.D.g") == {"m.C.f"}


def test_a_base_that_is_unknown_might_define_the_method(read: Read) -> None:
    text = """
import gone
class A:
    def f(self): pass
class B(gone.X, A):
    def g(self): self.f()
class C(A, gone.X):
    def g(self): self.f()
"""
    source = read(m=text)
    assert called_by(source, "m.B.g") == set()
    assert called_by(source, "m.C.g") == {"m.A.f"}


def test_a_builtin_base_defines_what_it_really_has(read: Read) -> None:
    text = """
class A:
    def keys(self): pass
    def mine(self): pass
class B(dict, A):
    def f(self):
        self.keys()
        self.mine()
"""
    source = read(m=text)
    assert called_by(source, "m.B.f") == {"m.A.mine"}
    assert unresolved(source) == {"native": 1}


def test_an_attribute_set_on_self_hides_a_method(read: Read) -> None:
    text = "class A:\n    def f(self): pass\n    def g(self, x):\n        self.f = x\n    def h(self): self.f()\n"
    assert called_by(read(m=text), "m.A.h") == set()


def test_an_attribute_that_is_always_one_class_is_an_instance_of_it(read: Read) -> None:
    text = """
class B:
    def f(self): pass
class A:
    def __init__(self):
        self.b = B()
        self.c = B()
        self.d = None
    def set(self, x):
        self.c = x
        self.d = B()
    def g(self):
        self.b.f()
        self.d.f()
    def h(self): self.c.f()
"""
    source = read(m=text)
    assert called_by(source, "m.A.g") == {"m.B.f"}
    assert called_by(source, "m.A.h") == set()


def test_what_calling_a_class_gives_is_its_instance(read: Read) -> None:
    text = """
class A:
    def f(self): return self
    def g(self): pass
def one():
    a = A()
    a.g()
def two(): A().f().g()
def three():
    a = A()
    a = other()
    a.g()
made = A()
def four(): made.g()
def other(): pass
"""
    source = read(m=text)
    assert called_by(source, "m.one") == {"m.A", "m.A.g"}
    assert called_by(source, "m.two") == {"m.A", "m.A.f", "m.A.g"}
    assert called_by(source, "m.three") == {"m.A", "m.other"}
    assert called_by(source, "m.four") == {"m.A.g"}


def test_with_gives_an_instance_only_where_enter_returns_self(read: Read) -> None:
    text = """
class A:
    def __enter__(self): return self
    def f(self): pass
class B(A):
    def __enter__(self): return self.x
def one():
    with A() as a: a.f()
def two():
    with B() as b: b.f()
"""
    source = read(m=text)
    assert called_by(source, "m.one") == {"m.A", "m.A.f"}
    assert called_by(source, "m.two") == {"m.B"}


def test_an_instance_is_called_by_its_call_method(read: Read) -> None:
    text = "class A:\n    def __call__(self): pass\n    def f(self): self()\n"
    assert called_by(read(m=text), "m.A.f") == {"m.A.__call__"}


def test_an_instance_whose_call_is_no_function_is_not_followed(read: Read) -> None:
    source = read(m="class A:\n    class __call__: pass\n    def f(self): self()\n")
    assert called_by(source, "m.A.f") == set()
    assert unresolved(source) == {"value": 1}


def test_a_property_is_a_value(read: Read) -> None:
    text = "class A:\n    @property\n    def p(self): pass\n    def f(self):\n        self.p()\n        self.p.x()\n"
    source = read(m=text)
    assert called_by(source, "m.A.f") == set()
    assert unresolved(source) == {"value": 2}


def test_methods_reached_by_their_class_or_an_alias_resolve(read: Read) -> None:
    text = "class A:\n    def f(self): pass\n    g = f\ndef h(x):\n    A.f(x)\n    A.g(x)\n"
    assert called_by(read(m=text), "m.h") == {"m.A.f"}


def test_a_private_name_belongs_to_the_class_it_stands_in(read: Read) -> None:
    text = """
class A:
    def __f(self): pass
    def g(self): self.__f()
class B(A):
    def h(self): self.__f()
    def i(self): self._A__f()
"""
    source = read(m=text)
    assert called_by(source, "m.A.g") == called_by(source, "m.B.i") == {"m.A.__f"}
    assert called_by(source, "m.B.h") == set()


def test_the_class_of_self_is_known(read: Read) -> None:
    text = "class A:\n    def f(self): self.__class__.g()\n    def g(self): pass\n"
    assert called_by(read(m=text), "m.A.f") == {"m.A.g"}


# --- inheritance and containment


def test_bases_become_edges_but_object_does_not(read: Read) -> None:
    source = read(
        a="class X: pass\n", m="from a import X\nclass A(X, object): pass\nclass B(A, Exception, metaclass=M): pass\n"
    )
    assert {e for e in edges(source, "inherits") if not e[0].startswith("builtins")} == {
        ("m.A", "a.X"), ("m.B", "m.A"), ("m.B", "builtins.Exception"),
    }  # fmt: skip
    assert ("builtins.ValueError", "builtins.Exception") in edges(source, "inherits")
    assert not any(target == "builtins.object" for _, target in edges(source, "inherits"))


def test_a_subscripted_base_is_its_class(read: Read) -> None:
    source = read(m="class G: pass\nclass A(G[int]): pass\n")
    assert called_by(source, "m.A", "inherits") == {"m.G"}


def test_bases_that_cannot_be_resolved_are_counted_by_reason(read: Read) -> None:
    source = read(m="import _c\nclass A(_c.X, made(), gone.Y): pass\nclass B(f): pass\ndef f(): pass\n")
    told = {reason: count for reason, count in source.bases.items() if reason != "resolved"}
    assert told == {"native": 1, "expression": 0, "unknown": 2, "value": 1}


def test_a_class_that_inherits_from_itself_ends(read: Read) -> None:
    text = "class A(B):\n    def f(self): self.g()\nclass B(A): pass\nclass C(C): pass\n"
    assert called_by(read(m=text), "m.A.f") == set()


def test_bases_without_a_consistent_order_still_end(read: Read) -> None:
    text = "class A:\n    def f(self): pass\nclass B(A): pass\nclass C(A, B):\n    def g(self): self.f()\n"
    assert called_by(read(m=text), "m.C.g") == {"m.A.f"}


def test_everything_but_the_top_is_contained_once(read: Read) -> None:
    source = read(p__dot____init__="def f(): pass\n", p__dot__m="class A:\n    def g(self): pass\n")
    mine = {e for e in edges(source, "contains") if not e[0].startswith("builtins")}
    assert mine == {("p", "p.f"), ("p", "p.m"), ("p.m", "p.m.A"), ("p.m.A", "p.m.A.g")}


def test_edges_count_how_often_the_text_says_so(read: Read) -> None:
    source = read(m="def f():\n    g()\n    g()\n    g()\ndef g(): f()\n")
    labels = source.labels()
    told = {(labels[e.source], labels[e.target]): (e.count, e.weight) for e in source.edges if e.type == "calls"}
    assert told == {("m.f", "m.g"): (3, 0.75), ("m.g", "m.f"): (1, 0.5)}
