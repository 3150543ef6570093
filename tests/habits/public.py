"""The public API as it is found: `neurograph.__all__`, and the classes an open database leads to."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import neurograph


@functools.cache
def classes() -> tuple[type, ...]:
    """Return every public class: exported, or of a store that an open database has as an attribute."""
    found = {value for value in exported().values() if inspect.isclass(value)} | {neurograph.vectors.TopK}
    found |= {
        getattr(neurograph.aio, name) for name in ("Consumer", "Scope", "Stream", "Worker")
    }  # the others there are made from classes found below
    with neurograph.open(":memory:") as db:
        for name in dir(type(db)):
            attribute = inspect.getattr_static(type(db), name)
            if not name.startswith("_") and isinstance(attribute, property | functools.cached_property):
                cls = type(getattr(db, name))
                if cls.__module__.startswith("neurograph."):
                    found.add(cls)
    return tuple(sorted(found, key=lambda cls: (cls.__module__, cls.__qualname__)))


def exported() -> dict[str, Any]:
    """Return name → object of `neurograph.__all__`."""
    return {name: getattr(neurograph, name) for name in neurograph.__all__}


def functions() -> dict[str, Callable[..., Any]]:
    """Return name → public function, those of public modules under their dotted names."""
    found = {name: value for name, value in exported().items() if inspect.isfunction(value)}
    vectors = neurograph.vectors
    found |= {
        f"vectors.{name}": value for name in vectors.__all__ if inspect.isfunction(value := getattr(vectors, name))
    }
    return found | {"aio.open": neurograph.aio.open}


@functools.cache
def callables() -> tuple[tuple[str, Callable[..., Any]], ...]:
    """Return (dotted name, function) of every public function and method, errors left out."""
    found = list(functions().items())
    for cls in classes():
        if not issubclass(cls, BaseException):
            found += [(f"{cls.__name__}.{name}", function) for name, function in methods(cls)]
    return tuple(found)


def methods(cls: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public methods that a class of ours defines itself or inherits from another of ours."""
    for name in dir(cls):
        value = inspect.getattr_static(cls, name)
        if isinstance(value, classmethod | staticmethod):
            value = value.__func__
        ours = inspect.isfunction(value) and value.__module__.startswith("neurograph")
        if ours and not name.startswith("_"):
            yield name, value


def properties(cls: type) -> Iterator[tuple[str, str | None]]:
    """Yield (name, docstring) of the public properties of a class."""
    for name in dir(cls):
        value = inspect.getattr_static(cls, name)
        if isinstance(value, property | functools.cached_property) and not name.startswith("_"):
            yield name, inspect.getdoc(value)
