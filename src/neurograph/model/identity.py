"""The record of what made a vector: vectors may be compared only where it is the same."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from .typed import NamedTuple


UNSPECIFIED = "unspecified"


class Identity(NamedTuple):
    """What made a vector, and how; None where nobody said. Two engines with the same one give the same vectors."""

    model: str = UNSPECIFIED
    """Name of the model: the known model's, or the folder's; ``"unspecified"`` for arrays that came without one."""
    weights_sha256: str | None = None
    """SHA-256 of the file with the weights, in hexadecimal; of an ONNX file with its external data after it."""
    tokenizer_sha256: str | None = None
    """SHA-256 of ``tokenizer.json``, in hexadecimal."""
    precision: str | None = None
    """``"float32"``, ``"float16"`` or ``"int8"``."""
    pooling: str | None = None
    """``"mean"``, ``"cls"``, ``"max"``, ``"last"``, or ``"model"`` where the file pools by itself."""
    normalize: bool | None = None
    """Whether vectors are brought to length 1."""
    max_tokens: int | None = None
    """Tokens of a text that are read, special ones included; the rest is cut off."""
    query_prefix: str | None = None
    """What is put before a query."""
    document_prefix: str | None = None
    """What is put before a document."""
    input_type: str | None = None
    """What the stored vectors are made as: ``"document"``, or ``"query"``."""

    def differences(self, other: Identity) -> tuple[str, ...]:
        """Return the names of the fields in which two identities differ and their vectors with them.

        Parameters
        ----------
        other
            Another engine's identity, or a library's.

        Returns
        -------
        tuple of str
            In the order of the fields. A name alone is compared by the name; where both know the file of the weights,
            the name is passed over: the same file under another name makes the same vectors. Empty: the vectors may
            be compared.

        Examples
        --------
        >>> ours = Identity("minilm", weights_sha256="6f…", precision="float32")
        >>> ours.differences(ours._replace(model="all-MiniLM-L6-v2"))
        ()
        >>> ours.differences(ours._replace(precision="int8", weights_sha256="1c…"))
        ('weights_sha256', 'precision')
        >>> ours.differences(Identity("minilm")), ours.differences(Identity("e5"))
        ((), ('model',))
        """
        if self[1:] == EMPTY[1:] or other[1:] == EMPTY[1:]:
            return ("model",) if self.model != other.model else ()
        named = self.weights_sha256 is None or other.weights_sha256 is None
        return tuple(
            name
            for name, mine, theirs in zip(self._fields, self, other, strict=True)
            if mine != theirs and (named or name != "model")
        )


EMPTY = Identity()
