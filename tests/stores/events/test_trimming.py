"""How events go: by number, age and id, never the newest; an archive is whole before its first event goes."""

from __future__ import annotations

import gzip
import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

import neurograph
from neurograph.errors import InvalidValue
from neurograph.stores.events import base, trimming, writing

SECOND = 10**9


@pytest.fixture
def log(db):
    """Events 1 to 12: of custom the odd ones, of order.paid the even ones."""
    db.events.register("order.paid")
    for number in range(1, 13):
        db.events.emit("custom" if number % 2 else "order.paid", {"n": number})
    return db


def left(db: neurograph.Database) -> list[int]:
    return [event.id for event in db.events.read()]


def test_the_newest_so_many_of_a_type_are_kept(log):
    assert log.events.trim("custom", keep=2) == 4
    assert left(log) == [2, 4, 6, 8, 9, 10, 11, 12]
    assert log.events.trim("custom", keep=2) == 0
    assert log.events.trim("custom", keep=5) == 0
    assert log.events.trim("order.*", keep=0) == 5  # the newest of all stays
    assert left(log) == [9, 11, 12]
    assert [found.trimmed for found in log.events.types() if found.trimmed] == [4, 5]


def test_events_before_an_id_go(log):
    assert log.events.trim(before=1) == 0
    assert log.events.trim(before=4) == 3
    assert left(log)[0] == 4
    assert log.events.trim(before=1000) == 8
    assert left(log) == [12]
    assert log.events.trim(before=1000) == 0


def test_old_events_go(db, monkeypatch):
    now = [4_000_000_000 * SECOND]
    for module in (writing, trimming):
        monkeypatch.setattr(module, "now_ns", lambda: now[0])
    for _ in range(5):
        db.events.emit("custom")
        now[0] += SECOND
    assert db.events.trim(older_than_s=3) == 2  # written 5, 4, 3, 2 and 1 seconds ago
    assert db.events.trim(older_than_s=0) == 2
    assert left(db) == [5]


def test_what_one_bound_lets_go_goes(log):
    assert log.events.trim(keep=11, before=3) == 2
    assert log.events.trim(keep=9, before=3) == 1
    assert left(log)[0] == 4


def test_many_events_go_in_slices(db, monkeypatch):
    monkeypatch.setattr(trimming, "SLICE_IDS", 7)
    db.events.register("other")
    db.events.emit_many("custom", [{}] * 50)
    db.events.emit("other")
    db.events.emit_many("custom", [{}] * 50)
    assert db.events.trim("custom", keep=30) == 70
    assert len(left(db)) == 31
    assert db.events.trim(keep=10) == 21
    assert db.check() == []
    with db.transaction():
        assert db.events.trim(keep=1) == 9
        assert db.events.emit("custom") == 102
        db.begin()
        assert db.events.trim(keep=0) == 1
        db.rollback()
    assert left(db) == [101, 102]


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({}, "one of keep, older_than_s and before must say what goes, got none"),
        ({"keep": -1}, "keep must be in"),
        ({"before": 0}, "before must be in"),
        ({"older_than_s": -1}, "older_than_s must be in"),
        ({"older_than_s": float("nan")}, "older_than_s must be finite"),
    ],
)
def test_a_bound_that_is_none_is_refused(log, tmp_path, bounds, said):
    for call in (log.events.trim, lambda **bounds: log.events.archive(tmp_path / "out", **bounds)):
        with pytest.raises(InvalidValue, match=said):
            call(**bounds)
    assert not (tmp_path / "out").exists()
    assert len(left(log)) == 12


@pytest.mark.parametrize("name", ["old.jsonl", "old.jsonl.gz"])
def test_an_archive_has_what_went(log, tmp_path, name):
    events = [*log.events.read("order.*")]
    path = tmp_path / name
    assert log.events.archive(path, "order.*", keep=2) == 4
    with gzip.open(path, "rt", encoding="utf-8") if name.endswith(".gz") else path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    assert rows == [event._asdict() for event in events[:4]]
    assert [*log.events.read("order.*")] == events[4:]
    assert [found.name for found in tmp_path.iterdir() if "old" in found.name] == [name]


def test_an_archive_holds_what_only_escapes_can_say(db, tmp_path):
    emit = "insert into event_log (type, data) values ('custom', ?)"
    db.execute(emit, [r'{"é": "\ud800"}'])
    db.execute(emit, [r'{"greatest": [1e999, {"least": -1e999}]}'])
    db.events.emit("custom")
    assert db.events.archive(tmp_path / "old.jsonl", keep=1) == 2
    rows = [json.loads(line, parse_constant=pytest.fail) for line in (tmp_path / "old.jsonl").read_text().splitlines()]
    most = sys.float_info.max
    assert [row["data"] for row in rows] == [{"é": "\ud800"}, {"greatest": [most, {"least": -most}]}]


def test_an_archive_does_not_write_over_a_file(log, tmp_path):
    path = tmp_path / "old.jsonl"
    path.write_text("mine")
    with pytest.raises(InvalidValue, match="path must be that of a new file"):
        log.events.archive(path, keep=1)
    with pytest.raises(InvalidValue, match="path must be a text or a Path, got 7"):
        log.events.archive(7, keep=1)
    with pytest.raises(OSError, match="nowhere"):
        log.events.archive(tmp_path / "nowhere" / "old.jsonl", keep=1)
    assert path.read_text() == "mine"
    assert len(left(log)) == 12


def test_nothing_goes_where_the_archive_breaks_off(log, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        log.events.archive(tmp_path / "old.jsonl", keep=1)
    assert not [found for found in tmp_path.iterdir() if "old" in found.name]
    assert len(left(log)) == 12


@pytest.mark.parametrize("links", [True, False])
def test_of_two_archives_of_one_name_one_is_refused(log, tmp_path, monkeypatch, links):
    lines = trimming.json_lines

    @contextmanager
    def meddle(path):
        monkeypatch.setattr(trimming, "json_lines", lines)
        with lines(path) as write:
            yield write
            assert log.events.archive(path, "order.*", keep=0) == 5

    def no_links(*_):
        raise PermissionError("no links here")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(trimming, "json_lines", meddle)
    with pytest.raises(InvalidValue, match="path must be that of a new file"):
        log.events.archive(tmp_path / "old.jsonl", "custom", keep=0)
    assert left(log) == [1, 3, 5, 7, 9, 11, 12]
    assert [path.name for path in tmp_path.glob("old*")] == ["old.jsonl"]
    rows = [json.loads(line) for line in (tmp_path / "old.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [2, 4, 6, 8, 10]


def test_a_time_before_and_after_all_events_has_a_place(log):
    with log._session.reading() as line:
        assert base.first_since(line.connection, 0) == 1
        assert base.first_since(line.connection, 1 << 62) == 13
    log.events.trim(before=5)
    with log._session.reading() as line:
        assert base.first_since(line.connection, 0) == 5


def test_an_empty_log_has_nothing_to_trim(db, tmp_path: Path):
    assert db.events.trim(keep=0, before=10, older_than_s=0) == 0
    assert db.events.archive(tmp_path / "none", keep=0) == 0
    assert (tmp_path / "none").read_text() == ""
    assert [*db.events.read(since_ns=5)] == []
