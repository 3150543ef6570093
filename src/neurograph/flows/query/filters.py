"""What an SQL condition leaves of tokens that were found without items: by the graph, or in space.

The condition is asked of the rows of ``item left join token``, as in `library.search`. A token stands for its items in
the libraries that are asked; a token without any for one row whose item columns are all NULL. So ``token.weight > 0.5``
speaks of every token, and ``json_extract(metadata, '$.pos') = 'n'`` only of those with such an item.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import apsw

from ...model.item import ITEM_COLUMNS
from ...stores.arguments import bound_ids
from ...stores.where import Where, condition_of

if TYPE_CHECKING:
    from ...stores.library import Library

_NO_ITEM = f"(select {', '.join(f'null as {name}' for name in ('library_id', *ITEM_COLUMNS))}) as item"


def passing(
    connection: apsw.Connection, ids: Iterable[int], where: Where | None, libraries: Sequence[Library]
) -> set[int]:
    """Return those of the tokens with `ids` that pass."""
    wanted = list(ids)
    if where is None or not wanted:
        return set(wanted)
    condition, values = condition_of(where)
    mine = "false"
    if libraries:
        mine = f"asked.library_id in ({', '.join(str(library.id) for library in libraries)})"
    sql = f"""
        select token.id
          from carray(?) as given
          join token on token.id = given.value
         where exists (
           select 1
             from item as asked
            where asked.token_id = token.id and {mine}
              and exists (select 1 from item where id = asked.id and {condition}))
            or not exists (select 1 from item as asked where asked.token_id = token.id and {mine})
           and exists (select 1 from {_NO_ITEM} where {condition})"""
    rows: Any = connection.execute(sql, (bound_ids(wanted), *values, *values)).fetchall()
    return {id for (id,) in rows}
