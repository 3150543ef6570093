"""The 32-bit ids by which records of connections name their ends, and the tokens they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw

from ...codec.token64 import GREATEST_LOCAL_ID, GREATEST_NIBBLE, compose_id, split_id
from ...errors import InvalidValue, TokenNotFound
from ..arguments import id_array

if TYPE_CHECKING:
    import numpy as np

TokenMap = tuple["np.ndarray", "np.ndarray"] | None
"""Ids of tokens, and the 32-bit ids their records have: what `Tokens.to_bytes_many` returns for all tokens."""


def record_ids(
    connection: apsw.Connection, tokens: TokenMap, source: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids that two columns of tokens have in records."""
    import numpy as np

    ids, places = np.unique(np.concatenate((source, target)), return_inverse=True)
    if tokens is None:
        rows: Any = connection.execute(
            "select id, entity_type, domain from token where id in (select value from carray(?)) order by id",
            (apsw.carray(ids),),
        ).fetchall() if len(ids) else []  # fmt: skip
        found = np.array(rows, np.int64).reshape(-1, 3)
        id, kind, domain = found.T
        bad = (id > GREATEST_LOCAL_ID) | (kind > GREATEST_NIBBLE) | (domain > GREATEST_NIBBLE)
        if bad.any():
            compose_id(*found[int(bad.argmax())].tolist())  # refuses it in the words of token records
            raise AssertionError("an id was refused by the array form alone")
        composed = domain << 28 | kind << 24 | id
    else:
        composed = _looked_up(_pair(tokens), ids, "token")
    return composed[places[: len(source)]], composed[places[len(source) :]]


def token_ids(
    connection: apsw.Connection, tokens: TokenMap, source: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens that two columns of records' ids stand for."""
    import numpy as np

    ids, places = np.unique(np.concatenate((source, target)), return_inverse=True)
    found = _known_tokens(connection, ids) if tokens is None else _looked_up(_pair(tokens)[::-1], ids, "record")
    return found[places[: len(source)]], found[places[len(source) :]]


def _known_tokens(connection: apsw.Connection, ids: np.ndarray) -> np.ndarray:
    """Return the token of each record id, ascending: the one imported with it, else the one that composes it."""
    import numpy as np

    if not len(ids):
        return ids
    sql = """select legacy_id, min(id), count(*)
               from token
              where legacy_id in (select value from carray(?))
              group by legacy_id"""
    known: dict[int, int] = {}
    legacy: Any = connection.execute(sql, (apsw.carray(ids),)).fetchall()
    for record_id, token, count in legacy:
        if count > 1:
            raise InvalidValue(
                f"tokens must say which token has the id {record_id:#010x}: {count} were imported with it"
            )
        known[record_id] = token
    own = np.array([split_id(id)[0] for id in ids.tolist()], np.int64)
    sql = "select (domain << 28) | (entity_type << 24) | id, id from token where id in (select value from carray(?))"
    composed: Any = connection.execute(sql, (apsw.carray(own),)).fetchall()
    known = dict(composed) | known
    for id in ids.tolist():
        if id not in known:
            raise TokenNotFound(
                f"no token has the record's id {id:#010x}, neither imported nor composed; create it, or pass "
                "tokens=(ids, ids of records)"
            )
    return np.array([known[id] for id in ids.tolist()], np.int64)


def _pair(tokens: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return two arrays of ids of one length."""
    if not isinstance(tokens, tuple | list) or len(tokens) != 2:
        raise InvalidValue(f"tokens must be two arrays, ids of tokens and of their records, got {tokens!r}")
    own, theirs = id_array(tokens[0], "tokens"), id_array(tokens[1], "ids of records")
    if len(own) != len(theirs):
        raise InvalidValue(f"tokens must be two arrays of one length, got {len(own)} and {len(theirs)}")
    return own, theirs


def _looked_up(pair: tuple[np.ndarray, np.ndarray], ids: np.ndarray, what: str) -> np.ndarray:
    """Return for each of `ids` what stands beside it in the pair."""
    import numpy as np

    keys, values = pair
    order = np.argsort(keys, kind="stable")
    places = np.searchsorted(keys[order], ids)
    present = places < len(keys)
    present[present] = keys[order][places[present]] == ids[present]
    if not present.all():
        raise TokenNotFound(f"tokens must name every end, got none for the {what}'s id {ids[int(present.argmin())]}")
    return values[order][places]
