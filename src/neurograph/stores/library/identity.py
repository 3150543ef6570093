"""What made the vectors of a library: written when it is created, compared when vectors come from elsewhere."""

from __future__ import annotations

import re
from typing import Any

import apsw

from ...errors import IdentityMismatch, InvalidValue
from ...model.item import UNSPECIFIED, Identity
from .base import Space, checked_text

COLUMNS = ", ".join(Identity._fields)


def identity_of(model: str | Identity | None) -> Identity:
    """Return an identity given as one, as a model's name, or not at all."""
    if model is None:
        return Identity()
    found = Identity(model) if isinstance(model, str) else model
    if not isinstance(found, Identity):
        raise InvalidValue(f"model must be a name or an Identity, got {model!r}")
    for name, value in found._asdict().items():
        checked_text(value, name)
    if found.model is None:
        raise InvalidValue("model must be a name, got None; leave it out for arrays without one")
    if found.model_sha256 is not None and not re.fullmatch("[0-9a-fA-F]{64}", found.model_sha256):
        raise InvalidValue(f"model_sha256 must be 64 hexadecimal digits or None, got {found.model_sha256!r}")
    return found


def read(connection: apsw.Connection, library_id: int) -> Identity:
    """Return the identity of a library that exists."""
    rows: Any = connection.execute(f"select {COLUMNS} from library where id = ?", (library_id,)).fetchall()
    return Identity(*rows[0])


def require_same(connection: apsw.Connection, space: Space, model: str | Identity) -> None:
    """Refuse vectors of another identity. A name alone is compared with the library's name of the model alone."""
    theirs, ours = identity_of(model), read(connection, space.id)
    if theirs.model != ours.model or (not isinstance(model, str) and theirs != ours):
        differing = [name for name, a, b in zip(Identity._fields, ours, theirs, strict=True) if a != b]
        name = differing[0]
        said = "" if ours.model != UNSPECIFIED else "; create the library with model=… to keep such vectors in it"
        raise IdentityMismatch(
            f"{name} must be {getattr(ours, name)!r}, as library {space.name!r} was created, got "
            f"{getattr(theirs, name)!r}{said}"
        )
