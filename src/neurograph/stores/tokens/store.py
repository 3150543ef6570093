"""The token store, put together from its parts."""

from __future__ import annotations

from .labels import LabelledTokens
from .listing import ListedTokens
from .records import RecordedTokens
from .space import PlacedTokens


class Tokens(RecordedTokens, PlacedTokens, LabelledTokens, ListedTokens):
    """The tokens of a database, reached as `db.tokens`.

    A token argument is a `Token`, an id or a label. Lists are in order of id; bulk calls keep the given order.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     ids = db.tokens.create_many(["cat", "dog"], entity_type="concept")
    ...     "cat" in db.tokens, len(db.tokens)
    ...     [token.label for token in db.tokens]
    (True, 2)
    ['cat', 'dog']
    """
