"""The constitution as 384 bytes: what the record can hold comes back, what it can't is refused."""

from __future__ import annotations

import struct
from typing import Any

import pytest

import neurograph
from neurograph.codec.cdna384 import checksum
from neurograph.errors import InvalidValue, NotFound
from neurograph.model.constitution import FIELDS, PROFILES


def signed(record: bytes) -> bytes:
    """Put the right checksum into an edited record."""
    return record[:40] + struct.pack("<Q", checksum(record)) + record[48:]


def edited(record: bytes, at: int, kind: str, value: Any) -> bytes:
    new = bytearray(record)
    struct.pack_into(f"<{kind}", new, at, value)
    return signed(bytes(new))


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_survives_the_record(db: neurograph.Database, profile: str) -> None:
    record = db.cdna.to_bytes()
    db.cdna.set_profile(profile)
    there = db.cdna.current()
    record = db.cdna.to_bytes()
    db.cdna.update(max_out_degree=3, min_edge_weight=0.5, buckets=range(1, 9), validation=False)
    back = db.cdna.from_bytes(record, reason="restored", actor="ana")
    assert (back.fields, back.action, back.reason, back.actor) == (there.fields, "import", "restored", "ana")
    assert db.cdna.to_bytes()[64:] == record[64:]
    assert back.profile == profile


def test_the_header_says_what_the_originals_expect(db: neurograph.Database) -> None:
    db.cdna.update(max_out_degree=3)
    first, now, record = db.cdna.at(1), db.cdna.current(), db.cdna.to_bytes()
    magic, major, minor, created_s, modified_s, number, state, flags = struct.unpack_from("<IHHQQIII", record)
    assert (magic, major, minor, number, state, flags) == (0x434E4441, 2, 1, 0, 5, 3)
    assert (created_s, modified_s) == (first.created_ns // 10**9, now.created_ns // 10**9)
    assert struct.unpack_from("<Q", record, 40)[0] == checksum(record)


def test_an_older_version_can_be_exported(db: neurograph.Database) -> None:
    first = db.cdna.to_bytes()
    db.cdna.update(max_out_degree=3)
    assert db.cdna.to_bytes(1) == first != db.cdna.to_bytes()
    with pytest.raises(NotFound):
        db.cdna.to_bytes(3)


def test_a_value_the_record_cannot_tell_from_ours_stays_as_it_is(db: neurograph.Database) -> None:
    record = db.cdna.to_bytes()
    assert db.cdna.from_bytes(record).version == 1
    db.cdna.update(decay_rate=0.02)
    assert db.cdna.from_bytes(record).decay_rate == pytest.approx(0.01)
    assert db.cdna.current().mutation_rate == 0.01


def test_reals_are_read_as_the_shortest_decimal_that_the_record_cannot_tell_from_them(db: neurograph.Database) -> None:
    db.cdna.update(decay_rate=0.1, mutation_rate=1 / 3, max_field_strength=0.5, max_field_radius=1.27)
    record = db.cdna.to_bytes()
    db.cdna.reset()
    back = db.cdna.from_bytes(record)
    assert (back.decay_rate, back.mutation_rate) == (0.1, 0.33333334)
    assert (back.max_field_strength, back.max_field_radius) == (128 / 255, 1.27)
    assert db.cdna.to_bytes()[64:] == record[64:]


def test_what_is_in_force_is_kept_where_the_record_says_the_same(db: neurograph.Database) -> None:
    db.cdna.update(decay_rate=1 / 3, max_field_strength=0.5, min_field_radius=0.123)
    assert db.cdna.from_bytes(db.cdna.to_bytes()).version == 2


def test_the_limits_of_pull_are_not_in_the_record(db: neurograph.Database) -> None:
    record = db.cdna.to_bytes()
    db.cdna.update(min_pull=-3, max_pull=3, max_out_degree=5)
    back = db.cdna.from_bytes(record)
    assert (back.min_pull, back.max_pull, back.max_out_degree) == (-3.0, 3.0, 1_000_000)


def test_the_first_64_types_are_in_the_record(db: neurograph.Database) -> None:
    forbidden = db.cdna.forbid_type("synonym", "between").forbidden_types
    record = db.cdna.to_bytes()
    db.cdna.allow_type("synonym", "between")
    db.cdna.forbid_type("hates")
    assert db.cdna.from_bytes(record).forbidden_types == forbidden == ("synonym", "between")


@pytest.mark.parametrize("name", ["and", "hates", "alternates"])
def test_a_forbidden_type_above_63_does_not_fit(db: neurograph.Database, name: str) -> None:
    db.cdna.forbid_type(name)
    with pytest.raises(InvalidValue, match="allowed_types must allow every type from 64 up"):
        db.cdna.to_bytes()
    assert len(db.cdna.to_bytes(1)) == 384


def test_a_radius_that_takes_more_than_a_byte_does_not_fit(db: neurograph.Database) -> None:
    db.cdna.update(max_field_radius=2.56)
    with pytest.raises(InvalidValue, match="max_field_radius"):
        db.cdna.to_bytes()


def test_a_record_of_the_originals_is_taken_over(db: neurograph.Database) -> None:
    record = edited(edited(edited(db.cdna.to_bytes(), 200, "I", 1000), 204, "I", 1000), 208, "I", 2000)
    back = db.cdna.from_bytes(record)
    assert (back.max_out_degree, back.max_in_degree, back.max_total_degree) == (1000, 1000, 2000)
    assert db.cdna.diff(1) == {
        "max_out_degree": (1_000_000, 1000),
        "max_in_degree": (1_000_000, 1000),
        "max_total_degree": (1_000_000, 2000),
    }


def test_an_unknown_profile_number_is_kept(db: neurograph.Database) -> None:
    back = db.cdna.from_bytes(edited(db.cdna.to_bytes(), 24, "I", 0x100))
    assert (back.profile_id, back.profile) == (0x100, "custom")
    assert struct.unpack_from("<I", db.cdna.to_bytes(), 24) == (0x100,)


BAD = {
    "empty": (lambda record: b"", "384 bytes"),
    "short": (lambda record: record[:-1], "384 bytes"),
    "long": (lambda record: record + b"\0", "384 bytes"),
    "a text": (lambda record: "x" * 384, "must be"),
    "magic": (lambda record: signed(b"XXXX" + record[4:]), "magic"),
    "version": (lambda record: edited(record, 4, "H", 3), "version"),
    "checksum": (lambda record: record[:-1] + b"\1", "checksum"),
    "reserved": (lambda record: edited(record, 380, "B", 1), "bytes 372..383"),
    "nan": (lambda record: edited(record, 260, "f", float("nan")), "max_token_weight of the record must be a finite"),
    "infinite": (
        lambda record: edited(record, 260, "f", float("inf")),
        "max_token_weight of the record must be a finite",
    ),
    "scale": (lambda record: edited(record, 80, "f", 20.5), r"scale_physical must be in \[0, 20\], got 20.5"),
    "negative scale": (lambda record: edited(record, 80, "f", -1.0), "scale_physical must be in"),
    "crossed": (lambda record: edited(record, 256, "f", 2.0), "min_token_weight must be at most max_token_weight"),
    "mutation": (lambda record: edited(record, 352, "f", 1.5), "mutation_rate must be in"),
    "radius": (lambda record: edited(record, 266, "H", 256), "max_field_radius"),
    "unknown flag": (lambda record: edited(record, 32, "I", 16), "flags"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_is_refused_and_changes_nothing(db: neurograph.Database, name: str) -> None:
    spoil, message = BAD[name]
    with pytest.raises(InvalidValue, match=message):
        db.cdna.from_bytes(spoil(db.cdna.to_bytes()))
    assert db.cdna.version == 1


def other_than(name: str, value: Any) -> Any:
    """Return another value of a field that fits the record and the field's partner."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return "0" + value[1:]
    return 7 if isinstance(value, int) else 0.2 if value != 0.2 else 0.4


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_but_the_limits_of_pull_is_in_the_record(db: neurograph.Database, name: str) -> None:
    before = db.cdna.to_bytes()
    after = db.cdna.to_bytes(db.cdna.update(**{name: other_than(name, getattr(db.cdna.current(), name))}).version)
    parts = [record[24:40] + record[64:] for record in (before, after)]  # without times and checksum
    assert (parts[0] != parts[1]) == (name not in {"min_pull", "max_pull"})
