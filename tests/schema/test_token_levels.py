"""A level of a token is defined whole or not at all, for every writer of the file."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

import neurograph
from neurograph.model.levels import LEVELS

PARTS = ["1, null, null", "null, 1, null", "1, 2, null", "null, 1, 2", "9e999, 1, 1", "1, 1, -9e999"]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("values", PARTS)
def test_a_level_in_part_or_without_end_is_refused(level: str, values: str, tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        with pytest.raises(apsw.ConstraintError, match=f"CHECK constraint failed: {level}"):
            db.execute(f"insert into token ({level}_x, {level}_y, {level}_z) values ({values})")
        db.execute(f"insert into token ({level}_x, {level}_y, {level}_z) values (1, 2, 3)")
        with pytest.raises(apsw.ConstraintError, match=f"CHECK constraint failed: {level}"):
            db.execute(f"update token set {level}_z = null")
        assert db.execute(f"select {level}_x, {level}_y, {level}_z from token").fetchall() == [(1.0, 2.0, 3.0)]


def test_a_level_is_cleared_by_clearing_all_three_axes(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        db.execute("insert into token (social_x, social_y, social_z) values (1, 2, 3)")
        db.execute("update token set social_x = null, social_y = null, social_z = null")
        assert db.execute("select count(*) from token where social_x is null").fetchone() == (1,)
