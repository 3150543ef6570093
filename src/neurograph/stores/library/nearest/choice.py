"""Which items a question is about: a condition in SQL, ids, or both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import apsw

from ....errors import InvalidValue
from ....model.item import Hit, Item
from ...arguments import bound_ids, id_array, row_id
from ..base import Space

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from ...where import Where
    from .scan import Found

Chosen = tuple[str, Sequence["Any"], bool]


def chosen(space: Space, where: Where | None, among: Iterable[Item | Hit | int] | None) -> Chosen:
    """Return a query of the ids to look at, empty for all, the values of its ``?``, and whether it is lasting."""
    parts: list[str] = []
    values: list[Any] = []
    lasting = False
    if where is not None:
        from ...where import condition_of, is_lasting

        condition, values = condition_of(where)
        parts.append(query_of(space, condition))
        lasting = among is None and is_lasting(condition, values)
    if among is not None:
        parts.append("select value from carray(?)")
        values = [*values, bound_ids(ids_among(among))]
    return " intersect ".join(parts), values, lasting


def query_of(space: Space, condition: str) -> str:
    """Return a query of the ids of the items for which a condition is true."""
    from ...where import names_table

    inside = f"between {space.first_id} and {space.last_id}"
    if not names_table(condition, "token"):
        return f"select id from item where id {inside} and {condition}"
    # A scope of its own, so that `id` is the item's although tokens have one too.
    return f"""select asked.id
                 from item as asked
                 left join token on token.id = asked.token_id
                where asked.id {inside} and exists (select 1 from item where id = asked.id and {condition})"""


def ids_among(among: Iterable[Item | Hit | int]) -> list[int]:
    """Return the ids a question is to be answered from."""
    if isinstance(among, str | bytes) or not hasattr(among, "__iter__"):
        raise InvalidValue(f"among must be a sequence of ids, got {among!r}")
    if hasattr(among, "dtype"):
        return id_array(among, "among").tolist()  # type: ignore[no-any-return]
    return [row_id(one.id if isinstance(one, Item | Hit) else one, "among", "ids") for one in among]


def arrays_of(found: Sequence[Found]) -> tuple[np.ndarray, np.ndarray]:
    """Return what several searches found as ids and distances, (m, longest): id 0, infinitely far, fills up rows."""
    import numpy as np

    longest = max((len(ids) for ids, _ in found), default=0)
    all_ids, all_distances = np.zeros((len(found), longest), np.int64), np.full((len(found), longest), np.inf)
    for row, (ids, distances) in enumerate(found):
        all_ids[row, : len(ids)] = ids
        all_distances[row, : len(ids)] = distances
    return all_ids, all_distances


def keys_of(connection: apsw.Connection, ids: list[int]) -> list[str | None]:
    """Return the keys of items, in the order of their ids as given."""
    rows: Any = (
        connection.execute(
            "select id, key from item where id in (select value from carray(?))", (bound_ids(ids),)
        ).fetchall()
        if ids
        else []
    )
    known = dict(rows)
    return [known.get(id) for id in ids]
