"""The sequence that answers of many rows are: records over columns, which become Python objects only when looked at.

A radius query with 50 hits takes 5 µs as arrays; 50 Python objects take longer than that. Columns are lists where
plain SQL answered (a fresh process then needs no numpy) and arrays where a kernel did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Generic, TypeVar, overload

    import numpy as np
    import pandas
else:
    from .typed import Generic, TypeVar

R = TypeVar("R", bound="tuple[Any, ...]")


class Records(Sequence[R], Generic[R]):
    """A sequence of named tuples kept as columns of equal length.

    Compares equal to any sequence of the same records. `to_dataframe` needs the extra ``frames``.
    """

    __slots__ = ("_columns",)
    record: ClassVar[Any]
    dtypes: ClassVar[tuple[str, ...]]

    def __init__(self, *columns: Any) -> None:
        self._columns = columns

    def _like(self, columns: Sequence[Any]) -> Records[R]:
        """Return other records that came from where these did."""
        return type(self)(*columns)

    def _array(self, place: int) -> np.ndarray:
        import numpy as np

        return np.asarray(self._columns[place], self.dtypes[place])

    def _lists(self) -> list[list[Any]]:
        return [column if isinstance(column, list) else column.tolist() for column in self._columns]

    def __len__(self) -> int:
        return len(self._columns[0])

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, at: int) -> R: ...
        @overload
        def __getitem__(self, at: slice) -> Records[R]: ...

    def __getitem__(self, at: int | slice) -> R | Records[R]:
        if isinstance(at, slice):
            return self._like([column[at] for column in self._columns])
        values = (column[at] for column in self._columns)
        return self.record(*(v.item() if hasattr(v, "item") else v for v in values))  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[R]:
        return map(self.record._make, zip(*self._lists(), strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._columns

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return each record as a dict."""
        return [record._asdict() for record in self]  # type: ignore[attr-defined]

    def to_dataframe(self) -> pandas.DataFrame:
        """Return the records as a pandas DataFrame."""
        from ..errors import NotHere

        try:
            import pandas
        except ImportError as error:
            raise NotHere('pandas must be installed for a DataFrame; run pip install "neurograph[frames]"') from error
        return pandas.DataFrame(dict(zip(self.record._fields, self._lists(), strict=True)))

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:6]))
        return f"[{shown}{f', … {len(self)} in all' if len(self) > 6 else ''}]"

    def _repr_html_(self) -> str:
        from html import escape

        head = "".join(f"<th>{escape(name)}</th>" for name in self.record._fields)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in record) + "</tr>" for record in self[:50]
        )
        return f"<table><tr>{head}</tr>{rows}</table>"
