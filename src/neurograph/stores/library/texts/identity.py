"""What made the vectors of a library: written when it is created, compared when vectors come from elsewhere."""

from __future__ import annotations

from functools import lru_cache

import apsw

from ....errors import IdentityMismatch, InvalidValue
from ...arguments import json_text, truth, whole
from ..base import Space, checked_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ....embed.engine import EmbeddingEngine
    from ....model.identity import Identity

HASHES = ("weights_sha256", "tokenizer_sha256")
TEXTS = ("precision", "pooling", "query_prefix", "document_prefix", "input_type")


def identity_of(model: str | Identity | EmbeddingEngine | None) -> Identity:
    """Return an identity given as one, as a model's name, as an encoder that has one, or not at all."""
    from ....model.identity import Identity

    if model is None:
        return Identity()
    if isinstance(model, str | Identity):
        found = Identity(model) if isinstance(model, str) else model
    else:
        from .encoders import encoder_of

        found = encoder_of(model, "model must be a name, an Identity or an EmbeddingEngine").identity
    if checked_text(found.model, "model") is None:
        raise InvalidValue("model must be a name, got None; leave it out for arrays without one")
    for name in HASHES:
        if (value := getattr(found, name)) is not None and not _is_sha256(value):
            raise InvalidValue(f"{name} must be 64 hexadecimal digits or None, got {value!r}")
    for name in TEXTS:
        checked_text(getattr(found, name), name, empty=True)
    if found.normalize is not None:
        truth(found.normalize, "normalize")
    if found.max_tokens is not None:
        whole(found.max_tokens, "max_tokens", 1)
    return found


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def details(identity: Identity) -> str:
    """Return all but the name as JSON; what nobody said is left out."""
    return json_text({name: value for name, value in list(identity._asdict().items())[1:] if value is not None})


def read(connection: apsw.Connection, library_id: int) -> Identity:
    """Return the identity of a library that exists."""
    rows: Any = connection.execute("select model, identity from library where id = ?", (library_id,)).fetchall()
    return _said(*rows[0])


@lru_cache(64)  # asked three times for a question of words, 10 µs each
def _said(model: str, text: str) -> Identity:
    import json

    from ....model.identity import Identity

    known = {name: value for name, value in json.loads(text).items() if name in Identity._fields}
    return Identity(**{**known, "model": model})


def require_same(connection: apsw.Connection, space: Space, model: str | Identity | EmbeddingEngine) -> None:
    """Refuse vectors of another identity."""
    from ....model.identity import UNSPECIFIED

    theirs, ours = identity_of(model), read(connection, space.id)
    differing = ours.differences(theirs)
    if differing:
        name = differing[0]
        said = "" if ours.model != UNSPECIFIED else "; create the library with model=… to keep such vectors in it"
        raise IdentityMismatch(
            f"{name} must be {getattr(ours, name)!r}, as library {space.name!r} was created, got "
            f"{getattr(theirs, name)!r}{said}"
        )
