"""The constitution's records: a version of it, what checking one finds, and a trial under way.

1. `FIELDS` are the columns `validation` to `profile_state` of the tables `cdna` and `cdna_profile`, in their order;
   a test keeps names, defaults and ranges equal to the CHECKs of `schema/0003_cdna.sql`.
2. A record holds what SQLite holds, flags as bools; by level, `scale_physical` … `scale_abstract` are also `scales`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from .levels import LEVELS
from .vocabulary import CONNECTION_TYPES

Value = float | str
"""What a field holds: a number (a flag is 0 or 1), or the text of allowed types."""

FLAGS: tuple[str, ...] = ("validation", "events", "mutation", "strict")
"""The flags of the constitution; a flag's place is its bit in the 384-byte record."""

PROFILES: dict[str, int] = {"default": 0, "explorer": 1, "analyzer": 2, "creative": 3, "quarantine": 4, "custom": 255}
"""The reserved profiles and their numbers in the 384-byte record."""

PAIRS: tuple[tuple[str, str], ...] = tuple(
    (f"min_{what}", f"max_{what}")
    for what in (
        "token_weight",
        "field_radius",
        "field_strength",
        "edge_weight",
        "connection_weight",
        "rigidity",
        "pull",
    )
)
"""Fields of which the first may not exceed the second."""

SCALE_LIMITS: dict[str, float] = dict.fromkeys(LEVELS, 20.0) | {"cognitive": 30.0, "abstract": 50.0}
"""The greatest scale of each level; beyond half of it caution is advised, beyond three quarters it is dangerous."""

CREATIVE_TEMPORAL_SCALE = 21.0
"""What `scale_temporal` may be where `profile_id` is that of `creative`, which has it."""

TYPE_TEXT_LENGTH = 256
"""The length of `allowed_types`."""

_UINT8, _UINT32 = 2**8 - 1, 2**32 - 1


@dataclass(frozen=True, slots=True, repr=False)
class Constitution:
    """A version of the constitution, as it was when it was read; versions never change.

    Only `checksum` may be filled in later, once, in a version that plain SQL wrote.
    """

    version: int
    """Its number, from 1 without gaps."""
    profile: str
    """The named profile its fields are those of; ``"custom"`` where they were chosen one by one."""
    trial_deadline_ns: int | None
    """For a change on trial, until when it is in force; None for a confirmed version."""

    validation: bool
    """The limits hold; off lifts them all."""
    events: bool
    """Changes are announced."""
    mutation: bool
    """Evolution may change the constitution."""
    strict: bool
    """A flag of the originals' record."""

    min_token_weight: float
    max_token_weight: float
    min_field_radius: float
    max_field_radius: float
    min_field_strength: float
    max_field_strength: float

    min_edge_weight: float
    max_edge_weight: float
    max_out_degree: int
    """Edges that may leave a token; a bidirectional one counts in all three degrees of both its ends."""
    max_in_degree: int
    """Edges that may enter a token."""
    max_total_degree: int
    """Edges a token may have."""

    min_connection_weight: float
    """The weight of an edge that a connection extends."""
    max_connection_weight: float
    min_rigidity: float
    max_rigidity: float
    min_pull: float
    max_pull: float
    default_pull: float
    decay_rate: float
    allowed_types: str
    """A character for each connection type below 256, in order of code: 1 allowed, 0 not."""

    mutation_rate: float
    crossover_rate: float
    selection_pressure: float
    evolution_flags: int
    trace_sample_rate: float

    scale_physical: float
    """The level's weight in distances over several levels."""
    scale_sensory: float
    scale_motor: float
    scale_emotional: float
    scale_cognitive: float
    scale_social: float
    scale_temporal: float
    scale_abstract: float

    bucket_physical: float
    """The level's cell size: a hint that never changes an answer."""
    bucket_sensory: float
    bucket_motor: float
    bucket_emotional: float
    bucket_cognitive: float
    bucket_social: float
    bucket_temporal: float
    bucket_abstract: float

    field_strength_limit_physical: float
    field_strength_limit_sensory: float
    field_strength_limit_motor: float
    field_strength_limit_emotional: float
    field_strength_limit_cognitive: float
    field_strength_limit_social: float
    field_strength_limit_temporal: float
    field_strength_limit_abstract: float

    dimension_flags_physical: int
    dimension_flags_sensory: int
    dimension_flags_motor: int
    dimension_flags_emotional: int
    dimension_flags_cognitive: int
    dimension_flags_social: int
    dimension_flags_temporal: int
    dimension_flags_abstract: int

    profile_id: int
    """The profile's number in the 384-byte record."""
    profile_state: int
    """Bits of that record: 1 active, 2 quarantine, 4 validated, 8 read-only."""

    parent: int | None
    """The version it was made from: the one it changed, restored or confirmed; None for the first."""
    action: str
    """What was done: create, update, profile, import, trial, confirm, revert, expire, rollback, reset."""
    actor: str
    """Who did it, as the caller said."""
    reason: str
    """Why, as the caller said."""
    created_ns: int
    """When it was written, in nanoseconds since 1970 UTC."""
    checksum: int | None
    """Of the fields, see the file format; None until an engine fills it in."""
    _trial: str | None = field(default=None)

    @property
    def on_trial(self) -> bool:
        """True for a version that was written as a change on trial, under way or over."""
        return self.trial_deadline_ns is not None

    @property
    def trial(self) -> dict[str, Any]:
        """A new dict of what the trial may cost, and of the counts at its start; empty for a confirmed version."""
        return json.loads(self._trial) if self._trial else {}

    @property
    def fields(self) -> dict[str, Value]:
        """A new dict of the fields, name → value, in the order of the table."""
        return {name: getattr(self, name) for name in FIELDS}

    @property
    def flags(self) -> frozenset[str]:
        """The names of the flags that are on."""
        return frozenset(name for name in FLAGS if getattr(self, name))

    @property
    def scales(self) -> dict[str, float]:
        """The weight of each level in distances over several, by name of the level."""
        return self._by_level("scale")

    @property
    def buckets(self) -> dict[str, float]:
        """The cell size of each level."""
        return self._by_level("bucket")

    @property
    def field_strength_limits(self) -> dict[str, float]:
        """The strongest field of each level."""
        return self._by_level("field_strength_limit")

    @property
    def dimension_flags(self) -> dict[str, int]:
        """Eight bits for each level, of the originals' record."""
        return self._by_level("dimension_flags")

    @property
    def forbidden_types(self) -> tuple[str, ...]:
        """The names of the reserved connection types that are not allowed, in order of code."""
        return tuple(
            name for name, allowed in zip(CONNECTION_TYPES, self.allowed_types, strict=False) if allowed == "0"
        )

    def _by_level(self, what: str) -> dict[str, Any]:
        return {level: getattr(self, f"{what}_{level}") for level in LEVELS}

    def __repr__(self) -> str:
        trial = " on trial" if self.on_trial else ""
        return f"<Constitution {self.version} {self.profile!r}{trial}: {self.action}>"

    def _repr_html_(self) -> str:
        from html import escape

        shown = {name: getattr(self, name) for name in ("version", "profile", "action", "actor", "reason", "parent")}
        shown |= {name: value for name, value in self.fields.items() if name != "allowed_types"}
        shown["forbidden_types"] = ", ".join(self.forbidden_types)
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in shown.items()
        )
        return f"<table>{rows}</table>"


CDNA_COLUMNS: tuple[str, ...] = tuple(name.lstrip("_") for name in Constitution.__dataclass_fields__)
"""The columns of the table `cdna` in the order `Constitution` keeps them, which is the table's."""

FIELDS: tuple[str, ...] = CDNA_COLUMNS[CDNA_COLUMNS.index("validation") : CDNA_COLUMNS.index("parent")]
"""What makes up a constitution: the columns that `cdna` and `cdna_profile` share."""

WHOLE: frozenset[str] = frozenset(name for name in FIELDS if Constitution.__dataclass_fields__[name].type == "int")
"""The fields that are whole numbers."""


def _range(name: str) -> tuple[float, float]:
    kind = name.removeprefix("min_").removeprefix("max_")
    if name.startswith("scale_"):
        return 0.0, SCALE_LIMITS[name.removeprefix("scale_")]
    if name.startswith("dimension_flags_"):
        return 0, _UINT8
    if name in WHOLE:
        return 0, _UINT32
    if kind in {"rigidity", "decay_rate", "mutation_rate", "crossover_rate", "trace_sample_rate"}:
        return 0.0, 1.0
    if kind.endswith(("weight", "pull")) or kind == "field_strength":
        return -1e9, 1e9
    return 0.0, 1e9


RANGES: dict[str, tuple[float, float]] = {
    name: _range(name) for name in FIELDS if name not in FLAGS and name != "allowed_types"
}
"""Least and greatest value of each field that is a number, inclusive."""


def constitution(row: tuple[Any, ...]) -> Constitution:
    """Return the record of a row with the columns `CDNA_COLUMNS`."""
    first = CDNA_COLUMNS.index(FLAGS[0])
    after = first + len(FLAGS)
    return Constitution(*row[:first], *map(bool, row[first:after]), *row[after:])


@dataclass(frozen=True, slots=True)
class Validation:
    """What checking a constitution found."""

    valid: bool
    """True where there are no errors."""
    warnings: tuple[str, ...]
    """What is allowed and unwise: a scale beyond half of its limit (caution) or three quarters (danger)."""
    errors: tuple[str, ...]
    """What is refused, as the errors of an update would say it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A change on trial, under way: what it has cost since its start, and what it may cost.

    What is not known is None: a trial begun by plain SQL need not have counted anything.
    """

    version: int
    """The version on trial."""
    deadline_ns: int
    """When it ends by itself, in nanoseconds since 1970 UTC."""
    time_left_s: float
    """How long that is from now, in seconds."""
    broken_connections: int | None
    """Connections of the start that are gone."""
    churn: float | None
    """Tokens of the start that are gone, as a share of them."""
    growth: float | None
    """How many more tokens there are than at the start, as a share of those; negative where there are fewer."""
    max_broken_connections: int
    """How many may break."""
    max_churn: float
    """How much churn there may be."""
    max_growth: float
    """How much growth there may be."""

    @property
    def exceeded(self) -> tuple[str, ...]:
        """The names of what cost more than it may; empty for a trial that can be confirmed."""
        costs = (
            ("broken_connections", self.broken_connections, self.max_broken_connections),
            ("churn", self.churn, self.max_churn),
            ("growth", self.growth, self.max_growth),
        )
        return tuple(name for name, cost, limit in costs if cost is not None and cost > limit)
