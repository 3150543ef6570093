"""The reserved vocabulary: entity types, domains, connection types, flags, mutability classes.

1. A name's place in its tuple is its code. Codes below `FIRST_USER_CODE` are reserved, for good.
2. `schema/0002_vocabulary.sql` holds the same rows; a test keeps the two equal.
3. Users' own types live in the database and start at `FIRST_USER_CODE`: what is here is never all there is.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from .typed import NamedTuple


FIRST_USER_CODE = 256
"""The least code of a user's own entity type, domain or connection type."""

LAST_CODE = 65_535
"""The greatest code of all."""

USER_FAMILY = "user"
"""The family of every connection type from `FIRST_USER_CODE` up."""

ENTITY_TYPES: tuple[str, ...] = (
    "undefined",
    "object",
    "event",
    "state",
    "process",
    "concept",
    "relation",
    "pattern",
    "rule",
    "goal",
    "memory",
    "sensor",
    "actuator",
    "controller",
    "buffer",
    "reserved",
)
"""The names of the reserved entity types; a name's place is its code."""

DOMAINS: tuple[str, ...] = ("general", *(f"domain_{code}" for code in range(1, 16)))
"""The names of the reserved domains; the originals number them and name none."""

MUTABILITIES: tuple[str, ...] = ("immutable", "learnable", "hypothesis")
"""The classes of mutability: never modified; modified by learning; on probation, the only one that decays."""

IMMUTABLE, LEARNABLE, HYPOTHESIS = range(3)

# name, default mutability, members in the order of their codes
_FAMILIES = (
    (
        "semantic",
        IMMUTABLE,
        """
        synonym antonym hypernym hyponym meronym holonym troponym entailment
        similar also attribute derivation domain topic usage region""",
    ),
    (
        "causal",
        LEARNABLE,
        """
        cause effect precondition postcondition enabled_by disabled_by prevented_by triggered
        influences correlates depends produces consumes modifies maintains destroys""",
    ),
    (
        "temporal",
        LEARNABLE,
        """
        before after during overlaps starts finishes meets equals
        simultaneous sequential parallel periodic continuous discrete instant extended""",
    ),
    (
        "spatial",
        IMMUTABLE,
        """
        near far above below left right inside outside
        adjacent overlapping touching containing crossing behind front between""",
    ),
    (
        "logical",
        IMMUTABLE,
        """
        and or not xor implies equivalent contradicts consistent
        proves disproves assumes concludes necessary sufficient possible impossible""",
    ),
    (
        "associative",
        LEARNABLE,
        """
        associated_with related_to similar_to contrasted_with
        compared_to distinguished_from alternative_to substitute_for
        complement_of variant_of version_of example_of instance_of kind_of form_of manifestation_of""",
    ),
    (
        "structural",
        IMMUTABLE,
        """
        part_of has_part member_of has_member subclass_of superclass_of contains contained_by
        comprises composed_of element_of has_element collection_of item_in segment_of whole""",
    ),
    (
        "functional",
        LEARNABLE,
        """
        used_for used_by tool_for method_for input_to output_from resource_for required_by
        provided_by capable_of supports_function implements_function
        interface_for protocol_for standard_for optimized_for""",
    ),
    (
        "emotional",
        LEARNABLE,
        """
        likes dislikes loves hates fears trusts distrusts respects
        admires envies sympathizes empathizes resents forgives blames grateful""",
    ),
    (
        "rule_metaphor",
        IMMUTABLE,
        """
        rule exception constraint permission prohibition obligation metaphor analogy
        symbol represents signifies indicates suggests connotes denotes references""",
    ),
    (
        "dynamic",
        LEARNABLE,
        """
        becomes transforms evolves develops grows decays improves degrades
        strengthens weakens accelerates decelerates stabilizes destabilizes cycles alternates""",
    ),
)

CONNECTION_FAMILIES: tuple[tuple[str, int, tuple[str, ...]], ...] = tuple(
    (family, mutability, tuple(members.split())) for family, mutability, members in _FAMILIES
)
"""Name, default mutability and sixteen members of each family; codes go on from one family to the next."""

CONNECTION_TYPES: tuple[str, ...] = tuple(name for _, _, members in CONNECTION_FAMILIES for name in members)
"""The names of the 176 reserved connection types; a name's place is its code."""

CONNECTION_TYPE_MUTABILITIES: tuple[int, ...] = tuple(
    mutability for _, mutability, members in CONNECTION_FAMILIES for _ in members
)
"""The default mutability of each reserved connection type, by code."""

ENTITY_TYPE_CODES: dict[str, int] = {name: code for code, name in enumerate(ENTITY_TYPES)}
"""The code of each reserved entity type."""

DOMAIN_CODES: dict[str, int] = {name: code for code, name in enumerate(DOMAINS)}
"""The code of each reserved domain."""

CONNECTION_TYPE_CODES: dict[str, int] = {name: code for code, name in enumerate(CONNECTION_TYPES)}
"""The code of each reserved connection type."""

TOKEN_FLAGS: dict[str, int] = {
    "active": 0x0001,
    "persistent": 0x0002,
    "mutable": 0x0004,
    "synchronized": 0x0008,
    "compressed": 0x0010,
    "encrypted": 0x0020,
    "dirty": 0x0040,
    "locked": 0x0080,
    "user_1": 0x1000,
    "user_2": 0x2000,
    "user_3": 0x4000,
    "user_4": 0x8000,
}
"""The bit of each token flag; bits 8 to 11 hold the entity type in the 64-byte record and are no flags."""

CONNECTION_FLAGS: dict[str, int] = {
    "active": 0x01,
    "persistent": 0x02,
    "bidirectional": 0x04,
    "inhibitory": 0x08,
    "modified": 0x10,
    "reinforced": 0x20,
    "decaying": 0x40,
    "user": 0x80,
}
"""The bit of each connection flag."""


class EntityType(NamedTuple):
    """What a token may be."""

    code: int
    """0 to 255 for ours, from 256 up for users' own."""
    name: str
    """Unique among entity types."""
    allowed: bool
    """False: no new token of this type."""


class Domain(NamedTuple):
    """A domain that a token may belong to."""

    code: int
    """0 to 255 for ours, from 256 up for users' own."""
    name: str
    """Unique among domains."""


class ConnectionType(NamedTuple):
    """What an edge, and a connection, may mean."""

    code: int
    """0 to 255 for ours, from 256 up for users' own."""
    name: str
    """Unique among connection types."""
    family: str
    """The group of a reserved type; ``"user"`` for a user's own."""
    mutability: str
    """What a new connection of the type gets: ``"immutable"``, ``"learnable"`` or ``"hypothesis"``."""
    allowed: bool
    """False: no new edge of this type. The constitution in force says it for the reserved ones."""
