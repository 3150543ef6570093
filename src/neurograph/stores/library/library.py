"""A library, put together from its parts."""

from __future__ import annotations

from .base import require_library
from .items.listing import ListedItems
from .items.single import SingleItems
from .nearest.recalling import RecalledLibrary
from .nearest.vec0 import Vec0Library
from .nearest.words import WordLibrary
from .partitions.optimizing import OptimizingLibrary
from .places.components import ProjectedLibrary
from .texts.index import TextLibrary
from .texts.reembedding import ReembeddedLibrary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.identity import Identity
    from .places.semantic_grid import SemanticGrid


class Library(
    WordLibrary,
    RecalledLibrary,
    SingleItems,
    ListedItems,
    ProjectedLibrary,
    TextLibrary,
    OptimizingLibrary,
    Vec0Library,
    ReembeddedLibrary,
):
    """A vector space of an open file, made by `db.library.create` or `db.library.get`.

    An item argument is an `Item`, a `Hit`, an id or a key. Lists are in order of id; bulk calls keep the given order.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     pets = db.library.create("pets", dimension=2)
    ...     ids = pets.add([[1, 0], [0, 1]], keys=["cat", "dog"])
    ...     "cat" in pets, len(pets), pets.search([1, 0.2], k=1)[0].key
    (True, 2, 'cat')
    """

    @property
    def identity(self) -> Identity:
        """What made the vectors, and how."""
        with self._session.reading() as line:
            require_library(line.connection, self._space)
            return self._maker(line.connection)

    @property
    def grid(self) -> SemanticGrid:
        """The semantic space: who is near by the items' three coordinates."""
        from .places.semantic_grid import SemanticGrid

        return SemanticGrid(self._session, self._derived, self._encoders, self._space)
