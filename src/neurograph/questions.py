"""The part of a `Database` that asks all stores one question; what it does is in `flows/query`."""

from __future__ import annotations

from functools import cached_property

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike

    from .connection.session import Session
    from .flows.feedback import Feedbacks
    from .model.query_result import QueryResult
    from .stores.arguments import TokenLike
    from .stores.library import Library
    from .stores.where import Where


class Questions:
    """The part of a `Database` that asks all stores one question."""

    _session: Session

    @cached_property
    def feedback(self) -> Feedbacks:
        """Feedback on answers: what was said, what it changed, and the way back."""
        from .flows.feedback import Feedbacks
        from .stores.connections import Connections

        return Feedbacks(self._session, Connections(self._session))

    def query(
        self,
        query: str | ArrayLike | bytes | None = None,
        k: int = 10,
        *,
        text: str | None = None,
        vector: ArrayLike | bytes | None = None,
        library: str | Library | Iterable[str | Library] | None = None,
        legs: str | Iterable[str] | None = None,
        weights: Mapping[str, float] | None = None,
        fusion: str = "rrf",
        near: TokenLike | tuple[str | int, Sequence[float] | TokenLike] | None = None,
        where: Where | None = None,
        graph: str = "spread",
        seeds: int = 5,
        depth: int = 1,
        decay: float = 0.8,
        candidates: int | None = None,
        standing: float = 1.0,
        timeout_s: float | None = None,
    ) -> QueryResult:
        """Ask vectors, words, graph and space one question, and return what they find together, explained.

        An item that belongs to a token is that token: what several items, libraries and legs say of it is one hit.

        Parameters
        ----------
        query
            A text, or a vector of as many numbers as a library has dimensions.
        k
            At most so many hits.
        text, vector
            The same by name; give both to search words by the text and vectors by the vector.
        library
            A name, a `Library`, or several of them; None for all that can answer.
        legs
            Some of ``"vector"``, ``"text"``, ``"graph"`` and ``"space"``, each of which must then be able to answer;
            None for those that can, which the result tells.
        weights
            Leg → what it weighs, at least 0; those left out keep their default: vector 1, text 1.5, graph 2, space 1.
        fusion
            ``"rrf"``: a leg adds ``weight / (5 + rank)``. ``"weighted"``: it adds its weight times its own figure,
            brought to [0, 1] over its candidates.
        near
            Where the leg ``"space"`` looks: ``(level, (x, y, z))``, a token, whose distance over all levels counts, or
            ``(level, token)``. A token is left out itself.
        where
            An SQL condition as for `library.search`, which applies to all legs before `k`. A token found without an
            item stands for its items in the libraries asked, or for one item whose columns are all NULL.
        graph
            What the leg ``"graph"`` does from the best hits of the others: ``"spread"`` activation, or a personalised
            ``"pagerank"``.
        seeds
            From how many hits the graph starts, the best first: they are given the energies 1, 1/2, 1/3 …
        depth
            How many links activation follows, in [0, 100].
        decay
            What part of the energy is lost at a link, in (0, 1]; for PageRank, how often the walk jumps back.
        candidates
            How many candidates each leg brings, at least `k`; None for 2·k, and at least 20.
        standing
            What feedback weighs, in [0, 1]: a score is multiplied by ``5 ** (standing · s)`` for a hit of standing s.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        QueryResult
            Hits in order of score, the highest first, then kind, then id; each with every leg's rank, figure and share
            of the score.

        Raises
        ------
        InvalidValue
            An argument breaks its rule; there is neither text nor vector nor near; libraries of the vector's dimension
            were made by different models, so that one must be named.
        NotHere
            No leg can answer, or one that was named can't; the message says why and what helps.
        LibraryNotFound, TokenNotFound, UnknownName
            There is no such library, token or level.
        Misuse
            A text must be made a vector inside a transaction, which others would wait for; `library.embed` with
            ``kind="query"`` makes it before.
        IdentityMismatch
            Another encoder took a library over in the meantime; ask again.
        DeadlineExceeded
            It took longer than `timeout_s`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, animal = db.tokens.create("cat"), db.tokens.create("animal")
        ...     _ = db.graph.create(cat, animal, type="hypernym")
        ...     pets = db.library.create("pets", dimension=2)
        ...     _ = pets.add([[1, 0], [0, 1]], keys=["cat", "car"], tokens=[cat, None])
        ...     found = db.query([1, 0.1], k=3)
        ...     [(hit.kind, hit.label, [leg.leg for leg in hit.legs]) for hit in found]
        [('token', 'cat', ['vector', 'graph']), ('token', 'animal', ['graph']), ('item', 'car', ['vector'])]

        Notes
        -----
        All legs see one state of the file. A text is made a vector before that, and never inside a transaction. It
        costs what its legs cost, and 0.5 ms: among 117,659 items with 377,592 links 1.6 ms by vector alone, 2.4 ms with
        the graph, 25 to 50 ms with words as frequent as *the*; a PageRank takes 0.3 s more (two cores, Linux).
        """
        from .flows.query import answer

        return answer(
            self,  # type: ignore[arg-type]
            query=query,
            k=k,
            text=text,
            vector=vector,
            library=library,
            legs=legs,
            weights=weights,
            fusion=fusion,
            near=near,
            where=where,
            graph=graph,
            seeds=seeds,
            depth=depth,
            decay=decay,
            candidates=candidates,
            standing=standing,
            timeout_s=timeout_s,
        )
