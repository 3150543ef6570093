"""What `typing` gives to classes as they are made, without `typing`: it takes 5 ms to load, and 0.3 ms a named tuple.

A process that was just started answers from SQL in a few of these. For mypy the names are those of `typing`:

    TYPE_CHECKING = False
    if TYPE_CHECKING:
        from typing import Generic, NamedTuple
    else:
        from .typed import Generic, NamedTuple
"""

from __future__ import annotations

from collections import namedtuple
from types import GenericAlias

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Named(type):
    """Makes named tuples of classes whose body names the fields, and which may have methods."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
        fields = body.get("__annotations__", {})
        defaults = [body.pop(field) for field in fields if field in body]
        made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])  # type: ignore[misc]
        made.__new__.__annotations__ = fields  # for `help` and the manual
        for what, value in body.items():
            setattr(made, what, value)
        return made


NamedTuple = type.__new__(_Named, "NamedTuple", (), {})
"""As `typing.NamedTuple`: a base class that is none."""


class Generic:
    """As `typing.Generic`: what stands in brackets is for the reader and for mypy."""

    __slots__ = ()
    __class_getitem__: Any = classmethod(GenericAlias)


def TypeVar(name: str, **rules: object) -> object:  # noqa: N802 - the name it has in `typing`
    """Return something to stand in those brackets."""
    return object
