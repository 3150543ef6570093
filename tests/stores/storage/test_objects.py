"""Storage whose values are all dicts: the checks and texts of the service that programs come from."""

from __future__ import annotations

import pytest

from neurograph.errors import InvalidValue, NotAnObject


@pytest.mark.parametrize("wrong", ["", None, 1, "\0"])
def test_names_are_refused_in_every_method_with_the_texts_programs_look_for(db, wrong):
    objects = db.storage.objects()
    for call in (
        lambda: objects.get(wrong, "k"), lambda: objects.set(wrong, "k", {}), lambda: objects.delete(wrong, "k"),
        lambda: objects.list_keys(wrong), lambda: objects.clear_namespace(wrong), lambda: objects.batch_set(wrong, {}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="namespace must be non-empty string"):
            call()
    for call in (
        lambda: objects.get("n", wrong), lambda: objects.set("n", wrong, {}), lambda: objects.delete("n", wrong),
        lambda: objects.batch_set("n", {"a": {}, wrong: {}}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="key must be non-empty string"):
            call()
    assert objects.list_keys("n") == []


@pytest.mark.parametrize("wrong", [None, 1, "a", [], [("a", 1)]])
def test_a_value_that_is_no_dict_is_a_type_error_before_all_else(db, wrong):
    objects = db.storage.objects()
    with pytest.raises(TypeError, match="value must be dict"):
        objects.set("", "", wrong)
    with pytest.raises(TypeError, match="value must be dict"):
        objects.batch_set("n", {"a": {}, "b": wrong})
    with pytest.raises(TypeError, match="items must be dict"):
        objects.batch_set("n", wrong)
    assert objects.list_keys("n") == []


def test_it_reads_and_writes_what_storage_does(db):
    objects = db.storage.objects()
    objects.set("n", "a", {"x": 1})
    objects.batch_set("n", {"b": {}, "c": {"y": None}})
    assert db.storage.get_many("n", ["a", "b", "c"]) == {"a": {"x": 1}, "b": {}, "c": {"y": None}}
    assert (objects.get("n", "a"), objects.get("n", "x")) == ({"x": 1}, None)
    assert (objects.delete("n", "a"), objects.delete("n", "a")) == (True, False)
    assert objects.clear_namespace("n") is None
    assert db.storage.keys("n") == []


def test_a_value_that_storage_stored_and_is_no_dict_is_refused(db):
    db.storage.set("n", "a", [1])
    db.storage.set("n", "null", None)
    with pytest.raises(NotAnObject, match=r"value must be dict, got \[1\]"):
        db.storage.objects().get("n", "a")
    assert db.storage.objects().get("n", "null") is None


def test_nan_and_keys_that_are_no_strings_are_refused(db):
    for value in ({"a": float("nan")}, {1: 2}, {"a": {None: 1}}):
        with pytest.raises(InvalidValue):
            db.storage.objects().set("n", "a", value)


def test_a_function_is_called_in_a_transaction(db):
    objects = db.storage.objects()

    def fill(storage):
        assert db.in_transaction
        storage.set("n", "a", {})
        return storage.list_keys("n")

    assert objects.transaction_callback(fill) == ["a"]

    def fail(storage):
        storage.set("n", "b", {})
        raise KeyError("b")

    with pytest.raises(KeyError):
        objects.transaction_callback(fail)

    async def later(storage):
        storage.set("n", "c", {})

    with pytest.raises(InvalidValue, match=r"no coroutine function here, .* neurograph\.aio awaits it"):
        objects.transaction_callback(later)
    assert objects.list_keys("n") == ["a"]


def test_a_transaction_that_fails_keeps_nothing(db):
    objects = db.storage.objects()
    with pytest.raises(TypeError), objects.transaction():
        objects.batch_set("n", {"a": {}, "b": 1})
    with objects.transaction():
        objects.set("n", "c", {})
    assert objects.list_keys("n") == ["c"]
