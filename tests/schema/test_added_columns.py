"""A user's own columns are left alone: the file opens, nothing is reported, and a changed table is still found."""

from __future__ import annotations

from pathlib import Path

import pytest

import neurograph
from neurograph.migrate import _only_added

OURS = "create table t (a integer check (a between 0 and 1), b text, check (a > 0)) strict"


@pytest.mark.parametrize(
    "table", ["token", "edge", "connection", "cdna", "cdna_profile", "meta", "degree", "connection_type"]
)
def test_a_table_of_ours_may_get_columns(tmp_path: Path, table: str) -> None:
    """SQLite puts them after the last column, before constraints of the table."""
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        db.execute(f"alter table {table} add column note text check (note <> 'x')")
        db.execute(f"alter table {table} add column more real default 3.5")
    with neurograph.open(path) as db:
        assert db.check() == []


@pytest.mark.parametrize(
    "theirs",
    [
        "create table t (a integer check (a between 0 and 1), b text, c any, check (a > 0)) strict",
        "create table t (a integer check (a between 0 and 1), b text, c any, d real, check (a > 0)) strict",
        'CREATE TABLE "t" (a integer check (a between 0 and 1), b text, check (a > 0), c any) STRICT',
    ],
)
def test_columns_added_among_columns_are_fine(theirs: str) -> None:
    assert _only_added(OURS, theirs)


@pytest.mark.parametrize(
    "theirs",
    [
        OURS,
        "create table t (a integer check (a between 0 and 10), b text, check (a > 0)) strict",
        "create table t (a integer check (a between 0 and 1, 2), b text, check (a > 0)) strict",
        "create table t (a integer check (a between 0 and 1), b text, check (a > 0 or true)) strict",
        "create table t (a integer check (a between 0 and 1), b text) strict",
        "create table t (a integer check (a between 0 and 1), b text, check (a > 0)) strict, without rowid",
        "",
    ],
)
def test_any_other_change_is_found(theirs: str) -> None:
    assert not _only_added(OURS, theirs)
