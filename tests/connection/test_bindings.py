"""Values bound to SQL: numpy's as Python's, and nothing that means something else in the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import neurograph
from neurograph.errors import InvalidValue


@pytest.fixture
def db() -> Iterator[neurograph.Database]:
    with neurograph.open(":memory:") as db:
        yield db


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (np.int8(-3), -3),
        (np.float32(0.5), 0.5),
        (np.longdouble(3), 3.0),
        (np.bool_(True), 1),
        (np.str_("cat"), "cat"),
        (np.array(7), 7),
        (np.array([1, 2], np.uint8), b"\x01\x02"),
        (np.array([1, 0, 2, 0], np.uint8)[::2], b"\x01\x02"),
        (np.array([[1, 2], [3, 4]], np.uint8, order="F"), b"\x01\x02\x03\x04"),
    ],
)
def test_a_value_of_numpys_is_stored_as_what_it_is(db: neurograph.Database, value: Any, stored: Any) -> None:
    assert db.execute("select ?", [value]).fetchone() == (stored,)
    assert db.execute("select :value", {"value": value}).fetchone() == (stored,)


def test_an_array_of_objects_is_refused_and_not_stored_as_addresses(db: neurograph.Database) -> None:
    with pytest.raises(InvalidValue, match="an array to bind must hold numbers, got dtype object"):
        db.execute("select ?", [np.array([None, "cat"], object)])


@pytest.mark.parametrize("sql", ["select '\ud800'", "select 1 \x00"])
def test_sql_that_no_file_could_hold_is_refused(db: neurograph.Database, sql: str) -> None:
    with pytest.raises(InvalidValue, match="sql must be"):
        db.execute(sql)


@pytest.mark.parametrize("error", [KeyError("mine"), TypeError("mine"), OverflowError("mine")])
def test_an_error_of_the_callers_rows_is_raised_as_it_is(db: neurograph.Database, error: Exception) -> None:
    def rows() -> Iterator[tuple[str]]:
        yield ("a",)
        raise error

    with pytest.raises(type(error)) as caught:
        db.executemany("insert into token (label) values (?)", rows())
    assert caught.value is error
    assert db.tokens.count() == 0
