"""Search that spreads through the graph: what words bring to mind together.

Invariants:

1. Each word's energy spreads by itself, as `Graph.spread` has it; what arrives at a token is then combined over the
   words. So an answer is a sum, a greatest or a mean of energies that each have a path.
2. A text is linked to the items nearest to it as the weave would link it: they receive the first of what spreads, and
   are part of the answer. The tokens of words are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import InvalidValue, ItemNotFound, NotFound
from ...model.bootstrapped import Associations
from ...model.item import Hit, Item
from ...model.token import Token
from ...stores.arguments import existing_token_id, real, whole
from ...stores.graph.spreading import MODES, MOST_ROUNDS
from ...stores.library import Library
from .slices import library_of

if TYPE_CHECKING:
    from ...database import Database

COMBINE = ("sum", "max", "average")
NEAREST = 3  # items that a text is linked to


class Spread(NamedTuple):
    """How energy spreads, see `Graph.spread`."""

    energy: float
    decay: float
    max_depth: int
    options: dict[str, Any]


class Reached(NamedTuple):
    """How a word came to a token."""

    energy: float
    depth: int
    path: tuple[int, ...]


def associate(
    db: Database,
    words: Any,
    k: int,
    library: Library | str | None,
    combine: str,
    spread: Spread,
    timeout_s: float | None,
) -> Associations:
    """Find what words bring to mind, see `Database.associate`."""
    given = words.tolist() if hasattr(words, "tolist") else words
    given = [given] if isinstance(given, str | Token | Item | Hit | int) else given
    if not isinstance(given, Sequence) or isinstance(given, bytes) or not given:
        raise InvalidValue(f"words must be a word or a sequence of at least one, got {words!r}")
    if combine not in COMBINE:
        raise InvalidValue(f"combine must be one of {', '.join(COMBINE)}, got {combine!r}")
    most, ours = whole(k, "k"), None if library is None else library_of(db, library)
    _require_spread(spread)
    with db._session.reading() as line:
        tokens = [_token_of(line.connection, word, ours) for word in given]
    queries = [  # encoded before anything is held
        b"" if token is not None or ours is None else ours._vector_of(word)
        for word, token in zip(given, tokens, strict=True)
    ]
    with db._session.reading(timeout_s):
        found = []
        for token, query in zip(tokens, queries, strict=True):
            if token is not None:
                found.append(_from_token(db, token, spread))
            elif ours is not None:
                found.append(_from_text(db, query, ours, spread))
        together = _combined(found, combine, {token for token in tokens if token is not None})
        return _answer(db, together, most)


def _require_spread(spread: Spread) -> None:
    """Refuse what `Graph.spread` would, which is asked with less for a text, or not at all."""
    real(spread.decay, "decay", 0.0, 1.0), whole(spread.max_depth, "max_depth", 0, MOST_ROUNDS)
    if not real(spread.energy, "energy") > 0:
        raise InvalidValue(f"energy must be above 0, got {spread.energy!r}")
    if spread.options["mode"] not in MODES:
        raise InvalidValue(f"mode must be one of {', '.join(MODES)}, got {spread.options['mode']!r}")


def _token_of(connection: Any, word: Any, library: Library | None) -> int | None:
    """Return the token of a word; None for a text that the library reads."""
    if isinstance(word, Token) or (library is None and not isinstance(word, Item | Hit)):
        return existing_token_id(connection, word)
    if library is None:
        return _of_item(connection, word.id)
    if isinstance(word, str) and word not in library and library._reads_text():
        return None
    return _of_item(connection, library._item_id(connection, word))


def _of_item(connection: Any, id: int) -> int:
    rows = connection.execute("select key, token_id from item where id = ?", (id,)).fetchall()
    if not rows:
        raise ItemNotFound(f"no item has the id {id}")
    if rows[0][1] is None:
        raise NotFound(f"item {rows[0][0] or id!r} must have a token; db.make_tokens(library) gives each item one")
    return int(rows[0][1])


def _from_token(db: Database, token: int, spread: Spread) -> dict[int, Reached]:
    found = db.graph.spread(
        token, energy=spread.energy, decay=spread.decay, max_depth=spread.max_depth, threshold=0.0, **spread.options
    )
    return {id: Reached(energy, depth, path) for id, energy, depth, path in found}


def _from_text(db: Database, query: bytes, library: Library, spread: Spread) -> dict[int, Reached]:
    """Return what a text, given as its vector, brings to mind."""
    found = []
    for hit in library.search(query, NEAREST, where="token_id is not null") if spread.max_depth else ():
        ((token,),) = db._session.rows("select token_id from item where id = ?", (hit.id,))
        energy = spread.energy * (1.0 - spread.decay) / (1.0 + hit.distance)
        further = _from_token(db, token, spread._replace(energy=energy, max_depth=spread.max_depth - 1))
        found.append({id: one._replace(depth=one.depth + 1) for id, one in further.items()})
        found[-1][token] = Reached(energy, 1, (token,))
    return _combined(found, "sum", set())


def _combined(found: list[dict[int, Reached]], combine: str, without: set[int]) -> dict[int, Reached]:
    """Return what arrives at each token, combined; the path of what arrives is that of the most."""
    together: dict[int, Reached] = {}
    most: dict[int, float] = {}
    for reached in found:
        for id, one in reached.items():
            before = together.get(id)
            if before is not None:
                energy = max(before.energy, one.energy) if combine == "max" else before.energy + one.energy
                path = one.path if one.energy > most[id] else before.path
                together[id] = Reached(energy, min(before.depth, one.depth), path)
            elif id not in without:
                together[id] = one
            most[id] = max(most.get(id, 0.0), one.energy)
    if combine == "average":
        return {id: one._replace(energy=one.energy / len(found)) for id, one in together.items()}
    return together


def _answer(db: Database, together: dict[int, Reached], k: int) -> Associations:
    best = sorted(together.items(), key=lambda item: (-item[1].energy, item[0]))[:k]
    ids = [id for id, _ in best]
    labels = db.tokens.ids_to_labels(ids) if ids else []
    columns = [list(column) for column in zip(*(one for _, one in best), strict=True)] or [[], [], []]
    return Associations(ids, labels, *columns)
