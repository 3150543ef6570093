"""The record of what made a vector: vectors may be compared only where it is the same."""

from __future__ import annotations

from typing import NamedTuple


class EmbeddingIdentity(NamedTuple):
    """What made a vector. Two engines with the same one give the same vectors."""

    model: str
    """Name of the model: the known model's, or the folder's. A name only: `differences` passes over it."""
    dimension: int
    """Numbers in a vector."""
    weights_sha256: str
    """SHA-256 of the file with the weights, in hexadecimal; of an ONNX file with its external data after it."""
    tokenizer_sha256: str
    """SHA-256 of ``tokenizer.json``, in hexadecimal."""
    precision: str
    """``"float32"``, ``"float16"`` or ``"int8"``."""
    pooling: str
    """``"mean"``, ``"cls"``, ``"max"``, ``"last"``, or ``"model"`` where the file pools by itself."""
    normalize: bool
    """Whether vectors are brought to length 1."""
    max_tokens: int
    """Tokens of a text that are read, special ones included; the rest is cut off."""
    query_prefix: str
    """What is put before a query."""
    document_prefix: str
    """What is put before a document."""
    input_type: str = "document"
    """What the stored vectors are made as: ``"document"``, or ``"query"``."""

    def differences(self, other: EmbeddingIdentity) -> tuple[str, ...]:
        """Return the names of the fields in which two identities differ and their vectors with them.

        Parameters
        ----------
        other
            Another engine's identity, or a library's.

        Returns
        -------
        tuple of str
            In the order of the fields, `model` left out: the same file under another name makes the same vectors.
            Empty: the vectors may be compared.

        Examples
        --------
        >>> ours = EmbeddingIdentity("minilm", 384, "6f…", "be…", "float32", "mean", True, 256, "", "")
        >>> ours.differences(ours._replace(model="all-MiniLM-L6-v2"))
        ()
        >>> ours.differences(ours._replace(precision="int8", weights_sha256="1c…"))
        ('weights_sha256', 'precision')
        """
        return tuple(
            name
            for name, mine, others in zip(self._fields, self, other, strict=True)
            if mine != others and name != "model"
        )
