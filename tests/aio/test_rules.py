"""The rules cover the engine, and the stub says what they make."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import make_stub
import pytest

import neurograph
from neurograph import aio
from neurograph.aio import rules
from neurograph.aio.handles import public


def test_the_stub_is_what_would_be_made() -> None:
    assert make_stub.STUB.read_text(encoding="utf-8") == make_stub.stub(), "run `python tests/aio/make_stub.py`"


def test_every_name_of_the_module_is_there_and_in_the_stub() -> None:
    assert aio.__all__ == sorted({*rules.HANDLES, "Consumer", "Opening", "Scope", "Stream", "Worker", "open"})
    assert set(aio.__all__) <= set(dir(aio))
    for name in aio.__all__:
        assert getattr(aio, name).__module__.startswith("neurograph.aio")
    with pytest.raises(AttributeError, match="no_such_name"):
        aio.no_such_name  # type: ignore[attr-defined]  # noqa: B018


def annotations(name: str) -> list[tuple[str, str]]:
    """Return (member, what it returns) of a class that has an asyncio form."""
    cls = rules.sync_class(name)
    found = []
    for member in public(cls):
        static: Any = inspect.getattr_static(cls, member)
        function = getattr(static, "fget", None) or getattr(static, "func", None) or static
        found.append((member, function.__annotations__["return"]))
    return found


def uses_the_file(cls: type) -> bool:
    return "session" in inspect.signature(cls).parameters and hasattr(cls, "__init__")


@pytest.mark.parametrize("name", sorted(rules.HANDLES))
def test_every_object_that_uses_the_file_is_returned_in_its_asyncio_form(name: str) -> None:
    for member, returns in annotations(name):
        module, _ = make_stub.definitions(rules.sync_class(name), member)
        for word in make_stub.re_words(returns):
            origin = make_stub.origins(module).get(word, "")
            if origin.startswith("neurograph.") and word not in rules.HANDLES:
                found = getattr(importlib.import_module(origin), word, None)
                ours = {*rules.CONSUMED, "Snapshot", "Transaction"}
                assert not (inspect.isclass(found) and uses_the_file(found)) or word in ours


def test_properties_that_are_not_awaited_read_nothing() -> None:
    with neurograph.open(":memory:") as db:
        library = db.library.create("pets", dimension=2)
        held = [db, library, *(getattr(db, name) for name in public(type(db)) if _is_store(name))]

        def refuse(*_: object) -> bool:
            raise AssertionError("it read the file")

        db._session.writer.connection.exec_trace = refuse
        for each in held:
            for name in public(type(each)):
                static = inspect.getattr_static(type(each), name)
                if name in rules.PLAIN and isinstance(static, property):
                    getattr(each, name)
        db._session.writer.connection.exec_trace = None


def _is_store(name: str) -> bool:
    returns = dict(annotations("Database")).get(name)
    return returns in rules.HANDLES and name not in ("reader",)


def test_every_exception_to_the_rules_is_still_there() -> None:
    members = {member for name in rules.HANDLES for member in dir(rules.sync_class(name))}
    assert {*rules.PLAIN, *rules.AT_ONCE, *rules.LEFT_OUT, *rules.AHEAD} <= members
