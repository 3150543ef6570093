"""The original system's 64-byte records, both ways: one, and arrays of them.

1. The record says the entity type twice, in the id and in the flags. Where the two disagree the id counts; the flags
   are written from it.
2. A record's 32-bit id is kept as `legacy_id`, whatever id the token gets.
3. Its time, whole seconds, becomes created and modified; `created_ns`, rounded down, is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from ...codec.token64 import TokenRecord, encode
from ...errors import IdNotRepresentable, InvalidValue
from ...model.levels import AXES, COORDINATE_COLUMNS, LEVELS
from ...model.token import Token
from ..arguments import TokenLike
from .base import BY_ID
from .batch import Batch
from .columns import read_columns
from .find import keys_of
from .many import ManyTokens
from .single import SingleTokens

if TYPE_CHECKING:
    import numpy as np

_WHOLES = ("entity_type", "domain", "flags")
_REALS = ("weight", "field_radius", "field_strength")
_SECONDS = "case when created_ns < 0 then -1 else created_ns / 1000000000 end"  # exact as a float, nanoseconds are not


class RecordedTokens(SingleTokens, ManyTokens):
    """Tokens as the original system's records."""

    def to_bytes(self, token: TokenLike, *, clip: bool = False) -> bytes:
        """Return a token as the original system's 64-byte record.

        Parameters
        ----------
        token
            A `Token` (read again), an id or a label.
        clip
            Store the nearest value the record holds instead of refusing one that does not fit.

        Returns
        -------
        bytes
            64 of them: coordinates in steps, the composed id, flags, weight, field, whole seconds.

        Raises
        ------
        TokenNotFound
            Nothing has that id or label.
        IdNotRepresentable
            The id does not fit 24 bits; `to_bytes_many` can number anew.
        InvalidValue
            Another value does not fit; the message names it and the limit.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create("cat", entity_type="concept", coordinates={"social": (0.5, 0.25, 1.0)})
        ...     record = db.tokens.to_bytes("cat")
        ...     len(record), record[48:52].hex()
        (64, '01000005')

        Notes
        -----
        The record has no label and no properties, and rounds: a coordinate to the nearest step of its level.
        """
        row = self.get(token)._row
        places = row[9 : 9 + len(COORDINATE_COLUMNS)]
        points = tuple(
            None if places[at] is None else places[at : at + len(AXES)] for at in range(0, len(places), len(AXES))
        )
        kind, area, flags, weight, radius, strength = row[3:9]
        created_ns = row[9 + len(COORDINATE_COLUMNS)]
        record = TokenRecord(row[0], kind, area, flags, weight, radius, strength, points, created_ns)
        return encode(record, clip=clip)

    def from_bytes(self, record: bytes, label: str | None = None) -> Token:
        """Create a token from one of the original system's 64-byte records and return it.

        Parameters
        ----------
        record
            64 bytes.
        label
            A unique name, or None.

        Returns
        -------
        Token
            The token as stored: a new id, and the record's 32-bit id as `legacy_id`.

        Raises
        ------
        InvalidValue
            There are not 64 bytes, the id is 0, or the weight is not finite.
        Conflict
            Another token has the label.
        RuleViolated
            The constitution refuses the weight or the field.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat = db.tokens.create("cat", entity_type="concept", weight=0.75)
        ...     copy = db.tokens.from_bytes(db.tokens.to_bytes("cat"), "copy of cat")
        ...     copy.id, copy.entity_type, copy.weight, hex(copy.legacy_id)
        (2, 'concept', 0.75, '0x5000001')
        """
        if isinstance(record, bytes | bytearray | memoryview) and len(record) != 64:
            raise InvalidValue(f"record must have 64 bytes, got {len(record)}")
        (number,) = self.from_bytes_many(record, [label]).tolist()
        return Token(self._session.rows(BY_ID, (number,))[0])

    def to_bytes_many(
        self,
        tokens: Iterable[TokenLike] | np.ndarray | None = None,
        *,
        ids: Literal["exact", "remap"] = "exact",
        clip: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return many tokens as records, and the ids they have there.

        Parameters
        ----------
        tokens
            Ids, labels or records; None for every token.
        ids
            ``"exact"`` keeps the ids and refuses one that does not fit 24 bits; ``"remap"`` numbers the tokens 1 to
            n in the order given.
        clip
            Store the nearest value the record holds instead of refusing one that does not fit.

        Returns
        -------
        records : (n, 64) uint8
            In the order given, or by id.
        legacy_ids : (n,) int64
            The 32-bit id of each record: with the tokens' own ids the map that connections' records need.

        Raises
        ------
        TokenNotFound
            One of `tokens` does not exist.
        IdNotRepresentable
            An id does not fit 24 bits.
        InvalidValue
            Another value does not fit; the message names the token.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create_many(["cat", "dog"], entity_type="concept")
        ...     records, legacy_ids = db.tokens.to_bytes_many(["dog", "cat"], ids="remap")
        ...     records.shape, [hex(id) for id in legacy_ids]
        ((2, 64), ['0x5000001', '0x5000002'])

        Notes
        -----
        Grows with n, 6 µs each.
        """
        import numpy as np

        from ...codec.token64_arrays import TokenColumns, encode_many

        keys = None if tokens is None else keys_of(tokens)
        columns = (*_WHOLES, *_REALS, _SECONDS, *COORDINATE_COLUMNS)
        with self._session.reading() as line:
            numbers, values = read_columns(line, columns, keys)
        kind, domain, flags, weight, radius, strength, seconds = values[:, :7].T
        places = values[:, 7:].reshape(-1, len(LEVELS), len(AXES))
        created_ns = seconds.astype(np.int64) * 1_000_000_000
        columns64 = TokenColumns(
            numbers,
            kind.astype(np.int64),
            domain.astype(np.int64),
            flags.astype(np.int64),
            weight,
            radius,
            strength,
            places,
            created_ns,
        )
        return encode_many(columns64, ids=ids, clip=clip)

    def from_bytes_many(
        self,
        records: bytes | np.ndarray,
        labels: Sequence[str | None] | np.ndarray | None = None,
        *,
        ids: Literal["remap", "keep"] = "remap",
    ) -> np.ndarray:
        """Create tokens from the original system's records, in one transaction, and return their ids.

        Parameters
        ----------
        records
            (n, 64) uint8, or the bytes of n records one after the other. Not modified.
        labels
            n unique names or None; left out, none has a label.
        ids
            ``"remap"`` gives new ids; ``"keep"`` takes the 24 bits of the record's id that are the token's own.

        Returns
        -------
        numpy.ndarray
            (n,) int64, in the order given; the records' 32-bit ids are kept as `Token.legacy_id`.

        Raises
        ------
        InvalidValue
            The size is no multiple of 64, an id is 0, or a weight is not finite; the message names the record.
        IdNotRepresentable
            With ``"keep"``: the token's own part of an id is 0.
        Conflict
            A label exists, or, with ``"keep"``, an id does.
        RuleViolated
            The constitution refuses a weight or a field; the message names its index.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db, neurograph.open(":memory:") as other:
        ...     _ = db.tokens.create_many(["cat", "dog"])
        ...     db.tokens.delete("cat")
        ...     records, _ = db.tokens.to_bytes_many()
        ...     other.tokens.from_bytes_many(records, ["dog"], ids="keep")
        array([2])

        Notes
        -----
        Grows with n; memory with n too, for the records are decoded at once: 300 bytes each.
        """
        from ...codec.token64_arrays import decode_many

        if ids not in ("remap", "keep"):
            raise InvalidValue(f"ids must be 'remap' or 'keep', got {ids!r}")
        columns = decode_many(records)
        batch = Batch(len(columns.id))
        batch.each = {name: getattr(columns, name) for name in (*_WHOLES, *_REALS, "created_ns")}
        batch.each |= {"modified_ns": columns.created_ns, "legacy_id": columns.legacy_id}
        if ids == "keep":
            if not columns.id.all():
                raise IdNotRepresentable(
                    f"id of record {int((columns.id == 0).argmax())} must be at least 1, got 0; pass ids='remap'"
                )
            batch.each["id"] = columns.id
        batch.add_coordinates(columns.coordinates)
        batch.add_texts("labels", labels)
        return self._insert_batch(batch)
