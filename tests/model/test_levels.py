from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from neurograph.errors import InvalidValue, UnknownName
from neurograph.model.levels import (
    AXES,
    AXIS_MEANINGS,
    AXIS_RANGES,
    AXIS_SCALES,
    AXIS_UNITS,
    COORDINATE_COLUMNS,
    LEVELS,
    level_columns,
    level_index,
)
from neurograph.model.names import unknown_name

EIGHT = ("physical", "sensory", "motor", "emotional", "cognitive", "social", "temporal", "abstract")


def test_the_eight_levels_stand_in_the_order_of_the_records() -> None:
    assert LEVELS == EIGHT


def test_the_24_columns_are_level_major() -> None:
    assert len(COORDINATE_COLUMNS) == 24
    assert COORDINATE_COLUMNS[:4] == ("physical_x", "physical_y", "physical_z", "sensory_x")
    assert COORDINATE_COLUMNS[-1] == "abstract_z"


def test_every_axis_has_a_meaning_a_unit_a_scale_and_a_range() -> None:
    for table in (AXIS_MEANINGS, AXIS_UNITS, AXIS_SCALES, AXIS_RANGES):
        assert [len(row) for row in table] == [len(AXES)] * len(LEVELS)


def test_the_scales_are_those_of_the_64_byte_record() -> None:
    assert [row[0] for row in AXIS_SCALES] == [100, 10_000, 1000, 10_000, 10_000, 10_000, 100, 10_000]
    assert AXIS_SCALES[level_index("temporal")] == (100, 100, 1000)
    assert all(row == (row[0],) * 3 for level, row in zip(LEVELS, AXIS_SCALES, strict=True) if level != "temporal")


def test_every_meaningful_range_fits_the_record() -> None:
    for scales, ranges in zip(AXIS_SCALES, AXIS_RANGES, strict=True):
        for scale, (least, greatest) in zip(scales, ranges, strict=True):
            assert least < greatest
            assert -32768 <= round(least * scale) < round(greatest * scale) <= 32767


@pytest.mark.parametrize("index", range(8))
def test_a_level_is_found_by_each_of_its_names(index: int) -> None:
    name = EIGHT[index]
    number = f"L{index + 1}"
    for given in (name, name.upper(), number, number.lower(), f"{number}_{name}", f"{number.lower()}_{name}"):
        assert level_index(given) == index
    assert level_index(index) == index
    assert level_index(np.int64(index)) == index


def test_a_level_names_its_three_columns() -> None:
    assert level_columns("l8_abstract") == ("abstract_x", "abstract_y", "abstract_z")
    assert sum((level_columns(level) for level in LEVELS), ()) == COORDINATE_COLUMNS


@pytest.mark.parametrize("name", ["emotinal", "", "L0", "L9", "l1_sensory", "0", "physical "])
def test_an_unknown_level_is_refused(name: str) -> None:
    with pytest.raises(UnknownName, match=r"^level must be a known name, got "):
        level_index(name)


def test_the_message_names_the_closest_levels_first() -> None:
    with pytest.raises(UnknownName, match=r"got 'emotinal'; the closest are 'emotional', "):
        level_index("emotinal")


@pytest.mark.parametrize("index", [-1, 8, 2**70])
def test_an_index_outside_the_eight_is_refused(index: int) -> None:
    with pytest.raises(UnknownName, match=r"^level must be an index in 0\.\.7, got "):
        level_index(index)


@pytest.mark.parametrize("value", [None, 1.0, ("physical",), b"physical"])
def test_what_is_neither_name_nor_index_is_refused(value: object) -> None:
    with pytest.raises(InvalidValue, match=r"^level must be a name or an index, got "):
        level_index(value)  # type: ignore[arg-type]


def test_an_unknown_name_among_none_says_so() -> None:
    assert str(unknown_name("library", "x", ())) == "library must be a known name, got 'x'; there are none yet"


def test_the_fixed_names_bring_neither_numpy_nor_difflib() -> None:
    program = (
        "import sys; import neurograph.model.levels, neurograph.model.vocabulary;"
        "print(*sorted({'numpy', 'numba', 'difflib'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []
