"""The constitution as the originals' 384 bytes, both ways."""

from __future__ import annotations

import struct

from ...codec.cdna384 import COLUMNS, decode, encode
from ...model.constitution import FIELDS, FLAGS, PROFILES, Constitution, Value
from .base import CdnaPart, Draft
from .fields import checked


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
        return encode({name: fields[name] for name in COLUMNS})

    def from_bytes(self, record: bytes, *, reason: str = "", actor: str = "") -> Constitution:
        """Put a 384-byte record in force, as a new version.

        What the record has no place for (the limits of pull) stays as it is, and so does a value that the record
        can't tell from its own: 0.01 is not replaced by 0.009999999776482582. Every connection type from 64 up is
        allowed.

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
        decoded = decode(record)
        names = {number: name for name, number in PROFILES.items()}

        def draft(base: Constitution) -> Draft:
            old = base.fields
            given = {
                name: old[name] if _same(old[name], value) else value
                for name, value in decoded.items()
                if name in FIELDS
            }
            fields = checked(old, given).sound()
            profile = names.get(int(fields["profile_id"]), "custom")
            return Draft(fields, base.profile if fields == old else profile, base.version)

        return self._write("import", actor, reason, draft)


def _same(kept: Value, read: Value) -> bool:
    """Tell whether the record can't tell two values apart."""
    if isinstance(kept, float) and isinstance(read, float):
        return struct.pack("<f", kept) == struct.pack("<f", read)
    return kept == read
