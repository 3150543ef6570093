"""Named tuples and generic classes without `typing` are what those of `typing` are."""

from __future__ import annotations

import copy
import inspect
import pickle
import typing

import pytest

from neurograph.model.typed import Generic, NamedTuple, TypeVar


class Ours(NamedTuple):
    """A place."""

    x: int
    """From the left."""
    y: float | None = None

    @property
    def both(self) -> tuple[int, float | None]:
        return (self.x, self.y)

    @classmethod
    def origin(cls) -> Ours:
        return cls(0, 0.0)


class Theirs(typing.NamedTuple):
    """A place."""

    x: int
    y: float | None = None

    @property
    def both(self) -> tuple[int, float | None]:
        return (self.x, self.y)

    @classmethod
    def origin(cls) -> Theirs:
        return cls(0, 0.0)


@pytest.mark.parametrize("of", [Ours, Theirs])
def test_a_named_tuple_has_fields_defaults_methods_and_a_name(of: typing.Any) -> None:
    one = of(3)
    assert one == (3, None)
    assert one.both == (3, None)
    assert of.origin() == (0, 0.0)
    assert of._fields == ("x", "y")
    assert of._field_defaults == {"y": None}
    assert one._replace(y=2.0) == of(x=3, y=2.0)
    assert one._asdict() == {"x": 3, "y": None}
    assert repr(one) == f"{of.__name__}(x=3, y=None)"
    assert of.__doc__ == "A place."
    assert of.__module__ == __name__
    assert of.__qualname__ == of.__name__
    assert [*of.__annotations__] == ["x", "y"]
    assert [*inspect.signature(of).parameters] == ["x", "y"]
    assert isinstance(one, tuple)
    assert type(copy.copy(one)) is type(pickle.loads(pickle.dumps(one))) is of
    assert not hasattr(one, "__dict__")


def test_the_signature_says_the_types() -> None:
    assert str(inspect.signature(Ours)) == "(x: 'int', y: 'float | None' = None)"
    assert typing.get_type_hints(Ours) == {"x": int, "y": float | None}


def test_brackets_of_a_generic_class_change_nothing() -> None:
    T = TypeVar("T")  # noqa: N806 - a type

    class Box(Generic[T]):
        pass

    class Numbers(Box[int]):
        pass

    assert Numbers.__mro__ == (Numbers, Box, Generic, object)
