"""Principal components of vectors: the record, and the original system's file of it.

The file is little-endian: ``u32`` version (1), ``u32`` original and target dimension, then float32: the mean, the
components row by row, the explained share of each.
"""

from __future__ import annotations

import os
import struct

from ..errors import InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import ArrayLike

_HEADER = struct.Struct("<III")
VERSION = 1
MOST_DIMENSIONS = 8192


class Pca:
    """Principal components: what turns vectors into a few coordinates that keep most of their variance.

    Parameters
    ----------
    mean
        (d,): what is taken off first.
    components
        (t, d): the directions, that of the largest variance first.
    explained
        (t,): the share of the variance along each, in [0, 1].

    Raises
    ------
    InvalidValue
        The shapes don't fit each other, or a number is not finite.

    Examples
    --------
    >>> Pca([0.5, 0.5], [[1, 0]], [0.9]).transform([[1.5, 7.0]]).tolist()
    [[1.0]]
    """

    def __init__(self, mean: ArrayLike, components: ArrayLike, explained: ArrayLike) -> None:
        import numpy as np

        self.mean: np.ndarray = np.array(mean, np.float32)
        self.components: np.ndarray = np.array(components, np.float32)
        self.explained: np.ndarray = np.array(explained, np.float32)
        if self.mean.ndim != 1 or self.components.shape != (len(self.explained), len(self.mean)):
            raise InvalidValue(
                "components must have shape (t, d), mean (d,) and explained (t,), got "
                f"{self.components.shape}, {self.mean.shape} and {self.explained.shape}"
            )
        for name in ("mean", "components", "explained"):
            if not np.isfinite(getattr(self, name)).all():
                raise InvalidValue(f"{name} must be finite numbers, within float32's range")

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return len(self.mean)

    @property
    def dimensions(self) -> int:
        """How many coordinates come of it."""
        return len(self.explained)

    def transform(self, vectors: ArrayLike) -> np.ndarray:
        """Return the coordinates of vectors.

        Parameters
        ----------
        vectors
            (n, d) numbers.

        Returns
        -------
        numpy.ndarray
            (n, t) float64.

        Raises
        ------
        InvalidValue
            They have another shape.
        """
        import numpy as np

        given = np.asarray(vectors, np.float64)
        if given.ndim != 2 or given.shape[1] != self.dimension:
            raise InvalidValue(f"vectors must have shape (n, {self.dimension}), got {given.shape}")
        return (given - self.mean) @ self.components.T.astype(np.float64)  # type: ignore[no-any-return]

    def to_bytes(self) -> bytes:
        """Return the original system's file.

        Returns
        -------
        bytes
            12, and 4 for each number.

        Examples
        --------
        >>> len(Pca([0, 0], [[1, 0]], [1]).to_bytes())
        32
        """
        parts = (self.mean, self.components, self.explained)
        head = _HEADER.pack(VERSION, self.dimension, self.dimensions)
        return head + b"".join(part.astype("<f4").tobytes() for part in parts)

    @classmethod
    def from_bytes(cls, content: bytes) -> Pca:
        """Return what the original system's file holds.

        Parameters
        ----------
        content
            The whole file.

        Returns
        -------
        Pca

        Raises
        ------
        InvalidValue
            It is no such file, or not all of it.

        Examples
        --------
        >>> Pca.from_bytes(Pca([0, 0], [[1, 0]], [1]).to_bytes())
        <Pca 2 to 1 dimensions, 100% explained>
        """
        import numpy as np

        if len(content) < _HEADER.size:
            raise InvalidValue(f"a file of components must have at least {_HEADER.size} bytes, got {len(content)}")
        version, size, count = _HEADER.unpack_from(content)
        if version != VERSION or not 1 <= size <= MOST_DIMENSIONS or not 1 <= count <= MOST_DIMENSIONS:
            raise InvalidValue(
                f"a file of components must be of version {VERSION} and 1 to {MOST_DIMENSIONS} dimensions"
            )
        wanted = _HEADER.size + 4 * (size + count * size + count)
        if len(content) != wanted:
            raise InvalidValue(f"a file of {count} components of {size} must have {wanted} bytes, got {len(content)}")
        numbers = np.frombuffer(content, "<f4", offset=_HEADER.size)
        return cls(numbers[:size], numbers[size : size + count * size].reshape(count, size), numbers[-count:])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the original system's file.

        Parameters
        ----------
        path
            Where to; by its custom ``pca_model.bin``. A file that is there is replaced.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "pca_model.bin"
        >>> Pca([0, 0], [[1, 0]], [1]).save(path)
        >>> Pca.load(path)
        <Pca 2 to 1 dimensions, 100% explained>
        """
        from pathlib import Path

        Path(path).write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Pca:
        """Read the original system's file.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        Pca

        Raises
        ------
        InvalidValue
            It is no such file, or not all of it.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "pca_model.bin"
        >>> Pca([0, 0], [[1, 0]], [1]).save(path)
        >>> Pca.load(path).dimension
        2
        """
        from pathlib import Path

        return cls.from_bytes(Path(path).read_bytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pca) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def __reduce__(self) -> tuple[Any, ...]:
        return Pca, (self.mean, self.components, self.explained)

    def __repr__(self) -> str:
        return f"<Pca {self.dimension} to {self.dimensions} dimensions, {float(self.explained.sum()):.0%} explained>"
