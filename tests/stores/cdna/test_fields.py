"""The constitution's fields: Python and the schema agree on names, defaults and ranges; bad ones change nothing."""

from __future__ import annotations

import math
import pickle
from typing import Any

import apsw
import pytest

import neurograph
from neurograph.errors import InvalidValue, UnknownName
from neurograph.model.constitution import (
    CDNA_COLUMNS,
    FIELDS,
    FLAGS,
    PAIRS,
    PROFILES,
    RANGES,
    SCALE_LIMITS,
    WHOLE,
    Constitution,
    constitution,
)
from neurograph.model.levels import LEVELS
from neurograph.model.vocabulary import CONNECTION_TYPES


def columns_of(db: neurograph.Database, table: str) -> dict[str, str]:
    return dict(db.execute("select name, type from pragma_table_info(?)", [table]))


def versions(db: neurograph.Database) -> int:
    return int(db.execute("select count(*) from cdna").fetchall()[0][0])


def sql_takes(db: neurograph.Database, **fields: Any) -> bool:
    """Tell whether the schema takes a version with these values; it is undone again."""
    sql = f"insert into cdna ({', '.join(fields)}) values ({', '.join('?' * len(fields))})"
    try:
        with db.transaction():
            db.execute(sql, list(fields.values()))
            raise KeyError
    except KeyError:
        return True
    except apsw.ConstraintError:
        return False


def python_takes(db: neurograph.Database, **fields: Any) -> bool:
    try:
        with db.transaction():
            db.cdna.update(**fields)
            raise KeyError
    except KeyError:
        return True
    except InvalidValue:
        return False


# --- Python and the schema -----------------------------------------------------------------------------------


def test_the_record_has_the_columns_of_the_table_in_their_order(db: neurograph.Database) -> None:
    assert tuple(columns_of(db, "cdna")) == CDNA_COLUMNS


def test_profiles_have_a_name_and_the_fields(db: neurograph.Database) -> None:
    assert tuple(columns_of(db, "cdna_profile")) == ("name", *FIELDS)


def test_whole_numbers_and_reals_are_those_of_the_table(db: neurograph.Database) -> None:
    kinds = columns_of(db, "cdna")
    assert {name for name in RANGES if kinds[name] == "INTEGER"} == WHOLE
    assert {name for name in RANGES if kinds[name] == "REAL"} == set(RANGES) - WHOLE


def test_the_first_version_is_the_default_profile(db: neurograph.Database) -> None:
    first = db.cdna.current()
    assert (first.version, first.profile, first.action, first.parent) == (1, "default", "create", None)
    assert first.fields == db.cdna.profile("default")


def test_the_defaults_of_both_tables_are_the_default_profile(db: neurograph.Database) -> None:
    db.execute("insert into cdna default values")
    db.execute("insert into cdna_profile (name) values ('plain')")
    assert db.cdna.current().fields == db.cdna.profile("plain") == db.cdna.profile("default")


def test_the_profiles_are_those_of_the_originals(db: neurograph.Database) -> None:
    assert {name: db.cdna.profile(name)["profile_id"] for name in db.cdna.profiles()} == PROFILES
    scales = {name: [db.cdna.profile(name)[f"scale_{level}"] for level in LEVELS] for name in PROFILES}
    assert scales == {
        "default": [1, 1, 1, 1, 1, 1, 1, 1],
        "custom": [1, 1, 1, 1, 1, 1, 1, 1],
        "explorer": [1, 1.5, 1.2, 2, 3, 2.5, 2, 5],
        "analyzer": [1, 1, 1, 1.5, 10, 5, 3, 20],
        "creative": [1, 2, 3, 5, 8, 13, 21, 34],
        "quarantine": [1, 1, 1, 1, 2, 1.5, 1, 3],
    }
    degrees = ("max_out_degree", "max_in_degree", "max_total_degree")
    assert [db.cdna.profile("explorer")[name] for name in degrees] == [2000, 1000, 4000]
    assert [db.cdna.profile("analyzer")[name] for name in degrees] == [500, 1000, 1000]
    assert [db.cdna.profile("default")[name] for name in degrees] == [1_000_000] * 3
    assert db.cdna.profile("analyzer")["strict"]
    assert db.cdna.profile("creative")["mutation"]
    assert db.cdna.profile("explorer")["mutation_rate"] == 0.05
    assert (db.cdna.profile("creative")["mutation_rate"], db.cdna.profile("creative")["crossover_rate"]) == (0.1, 0.2)


@pytest.mark.parametrize("name", RANGES)
def test_python_takes_exactly_what_the_schema_takes(unchanged: neurograph.Database, name: str) -> None:
    db = unchanged
    low, high = RANGES[name]
    step = 1 if name in WHOLE else math.nextafter
    above = high + 1 if step == 1 else math.nextafter(high, math.inf)
    below = low - 1 if step == 1 else math.nextafter(low, -math.inf)
    least, greatest = name.replace("max_", "min_"), name.replace("min_", "max_")
    wide = {n: RANGES[n][at] for n, at in ((least, 0), (greatest, 1)) if n in RANGES} if least != greatest else {}
    for value in (low, high, above, below):
        fields = {**wide, name: value}
        assert python_takes(db, **fields) == sql_takes(db, **fields) == (low <= value <= high), value


@pytest.mark.parametrize(("low", "high"), PAIRS)
def test_a_minimum_above_its_maximum_is_refused_by_both(unchanged: neurograph.Database, low: str, high: str) -> None:
    fields = {low: 0.75, high: 0.5}
    assert not python_takes(unchanged, **fields)
    assert not sql_takes(unchanged, **fields)
    with pytest.raises(InvalidValue, match=f"{low} must be at most {high}, got 0.75 and 0.5"):
        unchanged.cdna.update(**fields)


@pytest.mark.parametrize("profile", PROFILES)
def test_only_creative_may_have_its_temporal_scale(db: neurograph.Database, profile: str) -> None:
    db.cdna.set_profile(profile)
    number = PROFILES[profile]
    for value in (20.0, 20.5, 21.0, 21.5):
        right = value <= 20 or (value == 21 and profile == "creative")
        assert python_takes(db, scale_temporal=value) == right
    assert sql_takes(db, scale_temporal=21.0, profile_id=number) == (profile == "creative")


def test_what_creative_has_may_be_kept_but_not_taken_along(db: neurograph.Database) -> None:
    db.cdna.set_profile("creative")
    assert db.cdna.update(max_out_degree=5).scale_temporal == 21.0
    with pytest.raises(InvalidValue, match=r"scale_temporal must be in .* unless the profile is 'creative'"):
        db.cdna.update(profile_id=0)


# --- several fields at once -----------------------------------------------------------------------------------


def test_scales_are_eight_values_or_a_mapping_of_levels(db: neurograph.Database) -> None:
    assert list(db.cdna.update(scales=[1, 2, 3, 4, 5, 6, 7, 8]).scales.values()) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert db.cdna.update(scales={"L1": 9, "l8_abstract": 2, 3: 0}).scales == {
        "physical": 9, "sensory": 2, "motor": 3, "emotional": 0,
        "cognitive": 5, "social": 6, "temporal": 7, "abstract": 2,
    }  # fmt: skip


def test_scales_may_be_an_array(db: neurograph.Database) -> None:
    numpy = pytest.importorskip("numpy")
    assert db.cdna.update_scales(numpy.arange(1.0, 9.0)).scales["abstract"] == 8.0
    assert db.cdna.scales() == db.cdna.current().scales
    assert db.cdna.update(max_out_degree=numpy.int64(7)).max_out_degree == 7


@pytest.mark.parametrize("group", ["buckets", "field_strength_limits", "dimension_flags"])
def test_the_other_groups_work_alike(db: neurograph.Database, group: str) -> None:
    assert list(getattr(db.cdna.update(**{group: range(8)}), group).values()) == list(range(8))
    assert getattr(db.cdna.update(**{group: {"motor": 3}}), group)["motor"] == 3


def test_flags_are_a_set_of_names_or_bits(db: neurograph.Database) -> None:
    assert db.cdna.update(flags={"validation", "strict"}).flags == {"validation", "strict"}
    assert db.cdna.update(flags=0b0110).flags == {"events", "mutation"}
    assert db.cdna.update(flags=[]).flags == frozenset()
    assert db.cdna.set_flags(validation=True, mutation=False).flags == {"validation"}
    assert db.cdna.flags() == {"validation"}


def test_allowed_types_are_names_codes_or_text(db: neurograph.Database) -> None:
    assert len(db.cdna.update(allowed_types={"hypernym", 0x10}).forbidden_types) == 174
    assert db.cdna.update(allowed_types=CONNECTION_TYPES).allowed_types == "1" * 256
    assert db.cdna.update(allowed_types="0" + "1" * 255).forbidden_types == ("synonym",)
    assert db.cdna.update(allowed_types=[]).allowed_types == "0" * 176 + "1" * 80


# --- bad input ------------------------------------------------------------------------------------------------

BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"max_token_weight": math.nan}, InvalidValue, "max_token_weight must be finite, got nan"),
    ({"max_token_weight": math.inf}, InvalidValue, "max_token_weight must be finite, got inf"),
    ({"max_token_weight": "5"}, InvalidValue, "max_token_weight must be a number, got '5'"),
    ({"max_token_weight": None}, InvalidValue, "max_token_weight must be a number, got None"),
    ({"max_token_weight": True}, InvalidValue, "max_token_weight must be a number, got True"),
    ({"max_token_weight": 2e9}, InvalidValue, r"max_token_weight must be in \[-1e\+09, 1e\+09\], got 2000000000.0"),
    ({"max_out_degree": 1.5}, InvalidValue, "max_out_degree must be a whole number, got 1.5"),
    ({"max_out_degree": -1}, InvalidValue, r"max_out_degree must be in \[0, 4294967295\], got -1"),
    ({"max_out_degree": 2**70}, InvalidValue, "max_out_degree must be in"),
    ({"mutation_rate": 1.5}, InvalidValue, r"mutation_rate must be in \[0, 1\], got 1.5"),
    ({"validation": 2}, InvalidValue, "validation must be True or False, got 2"),
    ({"validation": "yes"}, InvalidValue, "validation must be True or False, got 'yes'"),
    ({"scales": [1, 2, 3]}, InvalidValue, "scales must have a value for each of the eight levels, got 3"),
    ({"scales": []}, InvalidValue, "got 0"),
    ({"scales": 5}, InvalidValue, "scales must be eight values or a mapping of levels, got 5"),
    ({"scales": "12345678"}, InvalidValue, "scales must be eight values"),
    ({"scales": [1] * 7 + [51]}, InvalidValue, r"scale_abstract must be in \[0, 50\], got 51.0"),
    ({"scales": {"physical": -1}}, InvalidValue, r"scale_physical must be in \[0, 20\], got -1.0"),
    ({"scales": [1] * 8, "scale_motor": 2}, InvalidValue, "scale_motor must be given once"),
    ({"scales": {"fysical": 1}}, UnknownName, "level must be a known name, got 'fysical'.*'physical'"),
    ({"max_tokenweight": 1}, UnknownName, "field must be a known name, got 'max_tokenweight'.*'max_token_weight'"),
    ({"version": 5}, UnknownName, "field must be a known name, got 'version'"),
    ({"checksum": 5}, UnknownName, "field must be a known name, got 'checksum'"),
    ({"flags": {"valid"}}, UnknownName, "flag must be a known name, got 'valid'.*'validation'"),
    ({"flags": 16}, InvalidValue, r"flags must be in \[0, 15\], got 16"),
    ({"flags": "validation"}, InvalidValue, "flags must be a set of names or four bits, got 'validation'"),
    ({"flags": True}, InvalidValue, "flags must be a set of names"),
    ({"flags": {"strict"}, "strict": True}, InvalidValue, "strict must be given once"),
    ({"allowed_types": {"hypernim"}}, UnknownName, "connection type must be a known name, got 'hypernim'.*'hypernym'"),
    ({"allowed_types": {256}}, InvalidValue, r"codes of allowed_types must be in \[0, 255\], got 256; use allow_type"),
    ({"allowed_types": {True}}, InvalidValue, "a connection type must be a name or a code, got True"),
    ({"allowed_types": {1.5}}, InvalidValue, "a connection type must be a name or a code, got 1.5"),
    ({"allowed_types": "1" * 255}, InvalidValue, "allowed_types must be a set of names and codes, or 256 characters"),
    ({"allowed_types": "2" * 256}, InvalidValue, "allowed_types must be a set of names and codes, or 256 characters"),
    ({"allowed_types": 7}, InvalidValue, "allowed_types must be a set"),
    ({"min_rigidity": 0.9, "max_rigidity": 0.1}, InvalidValue, "min_rigidity must be at most max_rigidity"),
    ({"max_token_weight": -1.0}, InvalidValue, "min_token_weight must be at most max_token_weight, got 0.0 and -1.0"),
    ({}, InvalidValue, "fields must name at least one to change, got none"),
    ({"max_token_weight": 2.0, "reason": 5}, InvalidValue, "reason must be a string, got 5"),
    ({"max_token_weight": 2.0, "actor": "a\x00b"}, InvalidValue, "actor must be a string"),
]


@pytest.mark.parametrize(("fields", "error", "message"), BAD, ids=[message[:50] for _, _, message in BAD])
def test_bad_input_is_refused_and_changes_nothing(
    unchanged: neurograph.Database, fields: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        unchanged.cdna.update(**fields)


@pytest.mark.parametrize(("fields", "error", "message"), BAD, ids=[message[:50] for _, _, message in BAD])
def test_validation_says_what_an_update_would(
    unchanged: neurograph.Database, fields: dict[str, Any], error: type[Exception], message: str
) -> None:
    if "reason" in fields or "actor" in fields or not fields:
        return
    if error is UnknownName:
        with pytest.raises(UnknownName, match=message):
            unchanged.cdna.validate(**fields)
        return
    with pytest.raises(InvalidValue) as caught:
        unchanged.cdna.update(**fields)
    found = unchanged.cdna.validate(**fields)
    assert not found.valid
    assert "; ".join(found.errors) == str(caught.value)


def test_every_error_is_told_at_once(db: neurograph.Database) -> None:
    with pytest.raises(InvalidValue) as caught:
        db.cdna.update(mutation_rate=2, scales=[1, 1, 1, 1, 31, 1, 1, 51], min_pull=3, max_pull=2)
    said = str(caught.value)
    assert all(name in said for name in ("mutation_rate", "scale_cognitive", "scale_abstract", "min_pull"))


# --- validation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_scales_are_graded_by_their_limit(unchanged: neurograph.Database, level: str) -> None:
    limit = SCALE_LIMITS[level]
    for share, grade in ((0, None), (0.5, None), (0.51, "caution"), (0.75, "caution"), (0.76, "danger"), (1, "danger")):
        found = unchanged.cdna.validate(scales={level: share * limit})
        assert found.valid
        assert [text.split(":")[0] for text in found.warnings] == ([grade] if grade else [])
    for value in (limit * 1.01, -0.01):
        found = unchanged.cdna.validate(scales={level: value})
        assert not found.valid
        assert found.errors == (f"scale_{level} must be in [0, {limit:g}], got {value!r}",)


def test_validation_of_nothing_looks_at_the_version_in_force(db: neurograph.Database) -> None:
    assert db.cdna.validate() == db.cdna.validate([1] * 8)
    db.cdna.set_profile("creative")
    found = db.cdna.validate()
    assert found.valid
    assert [text.split()[1] for text in found.warnings] == ["scale_social", "scale_temporal", "scale_abstract"]


def test_validation_writes_nothing(db: neurograph.Database) -> None:
    db.cdna.validate([2] * 8, max_out_degree=3)
    assert versions(db) == 1


# --- the record -----------------------------------------------------------------------------------------------


def test_a_record_is_frozen_picklable_and_short(db: neurograph.Database) -> None:
    now = db.cdna.update(max_token_weight=2, reason="<why>", actor="ana")
    assert pickle.loads(pickle.dumps(now)) == now
    assert hash(now) == hash(db.cdna.current())
    assert repr(now) == "<Constitution 2 'custom': update>"
    assert "&lt;why&gt;" in now._repr_html_()
    with pytest.raises(AttributeError):
        now.version = 3  # type: ignore[misc]


def test_flags_are_bools_and_numbers_have_the_type_of_their_column(db: neurograph.Database) -> None:
    now = db.cdna.update(scales=[1] * 8, max_pull=3)
    assert all(isinstance(getattr(now, name), bool) for name in FLAGS)
    assert all(type(getattr(now, name)) is (int if name in WHOLE else float) for name in RANGES)


def test_minus_zero_is_zero(db: neurograph.Database) -> None:
    assert math.copysign(1, db.cdna.update(max_out_degree=3, scales=[-0.0] * 8).scale_motor) == 1


def test_a_row_becomes_the_record_it_was(db: neurograph.Database) -> None:
    row = db.execute(f"select {', '.join(CDNA_COLUMNS)} from cdna").fetchall()[0]
    assert isinstance(constitution(row), Constitution)
    assert constitution(row) == db.cdna.current()
