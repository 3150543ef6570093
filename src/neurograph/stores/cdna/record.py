"""The constitution as the originals' 384 bytes, both ways."""

from __future__ import annotations

import struct

from ...codec import cdna384
from ...codec.fields import UNIT_STEPS
from ...codec.token64 import RADIUS_STEPS
from ...model.constitution import FIELDS, FLAGS, PROFILES, Constitution, Value
from .base import CdnaPart, Draft
from .fields import checked

_KINDS = dict(cdna384.FIELDS)
_STEPS = {"radius": RADIUS_STEPS, "unit": UNIT_STEPS}
"""What a whole number of the record is divided by; other reals have 32 bits."""


class Record(CdnaPart):
    """Export and import of the fixed-size record."""

    def to_bytes(self, version: int | None = None) -> bytes:
        """Return a version as the 384-byte record.

        The record holds 32-bit reals, whole seconds, and the first 64 connection types; it has no place for the
        limits of pull, which are left out.

        Parameters
        ----------
        version
            None is the one in force.

        Returns
        -------
        bytes
            384 of them, the checksum included. The record's `created_at` is the time of version 1.

        Raises
        ------
        InvalidValue
            A type from 64 up is not allowed, or a value does not fit; the message names it.
        NotFound
            No version has that number.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     record = db.cdna.to_bytes()
        ...     len(record), record[:4]
        (384, b'ADNC')
        """
        with self._session.reading():
            found = self._current() if version is None else self._get(version)
            created_ns = self._get(1).created_ns
        times = {"created_ns": created_ns, "modified_ns": max(created_ns, found.created_ns)}
        fields = found.fields | {name: int(getattr(found, name)) for name in FLAGS} | times
        return cdna384.encode({name: fields[name] for name in cdna384.COLUMNS})

    def from_bytes(self, record: bytes, *, reason: str = "", actor: str = "") -> Constitution:
        """Put a 384-byte record in force, as a new version.

        What the record has no place for (the limits of pull) stays as it is, and so does a value that the record
        can't tell from its own. Other reals are read as the shortest decimal of which the same holds: 0.01 rather
        than 0.009999999776482582. Every connection type from 64 up is allowed.

        Parameters
        ----------
        record
            384 bytes, with a right checksum.
        reason, actor
            Why, and who.

        Returns
        -------
        Constitution
            The version now in force; the one before if nothing would change.

        Raises
        ------
        InvalidValue
            The record is damaged or of another kind, or a value of it can't be in force.
        Misuse
            A change is on trial.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db, neurograph.open(":memory:") as other:
        ...     _ = other.cdna.set_profile("explorer")
        ...     db.cdna.from_bytes(other.cdna.to_bytes()).profile
        'explorer'
        """
        decoded = cdna384.decode(record)
        names = {number: name for name, number in PROFILES.items()}

        def draft(base: Constitution) -> Draft:
            old = base.fields
            given = {name: _meant(name, value, old[name]) for name, value in decoded.items() if name in FIELDS}
            fields = checked(old, given).sound()
            profile = names.get(int(fields["profile_id"]), "custom")
            return Draft(fields, base.profile if fields == old else profile, base.version)

        return self._write("import", actor, reason, draft)


def _meant(name: str, read: Value, kept: Value) -> Value:
    """Return the value that a number of the record stands for: the one in force, or the shortest decimal."""
    if not isinstance(read, float):
        return read
    steps = _STEPS.get(_KINDS[name])
    if steps is not None:
        return kept if round(float(kept) * steps) == round(read * steps) else read
    bits = struct.pack("<f", read)
    candidates = (float(kept), *(float(f"{read:.{digits}g}") for digits in range(1, 9)))
    return next((value for value in candidates if struct.pack("<f", value) == bits), read)
