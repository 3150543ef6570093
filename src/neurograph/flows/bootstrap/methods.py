"""The part of a `Database` that makes a mind of a library; what it does is in the other files of this folder.

Every `Database` has these methods and few programs call them: nothing is imported before one is called.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ...model.bootstrapped import Associations, Bootstrapped, MadeTokens, PlacedWords, Woven
    from ...progress import Told
    from ...stores.arguments import TokenLike
    from ...stores.edge_place import TypeLike
    from ...stores.graph.base import TypesLike
    from ...stores.library import Library
    from ...stores.library.base import ItemLike
    from ...stores.where import Where

EVERYWHERE = float("inf")


class Bootstrapping:
    """The part of a `Database` that makes a mind of a library."""

    def bootstrap(
        self,
        library: Library | str,
        *,
        tokens: bool = True,
        place: bool = True,
        weave: bool = True,
        k: int = 5,
        decay: float = 0.1,
        type: TypeLike = "similar_to",
        entity_type: str | int | None = "concept",
        domain: str | int | None = None,
        where: Where | None = None,
        on_conflict: str = "ignore",
        weights: str = "update",
        progress: bool | Told = False,
    ) -> Bootstrapped:
        """Make a mind of a library: a token for each item, its place in space, links to what is near.

        The same as `make_tokens`, `place_tokens` and `weave`, one after the other.

        Parameters
        ----------
        library
            A library, or its name.
        tokens, place, weave
            Whether to do each of the three.
        k, decay, type
            As for `weave`.
        entity_type, domain, where
            As for `make_tokens`; `where` for `weave` too.
        on_conflict
            As for `make_tokens` and `place_tokens`.
        weights
            The `on_conflict` of `weave`: ``"ignore"`` keeps what feedback taught the links that are there.
        progress
            True shows a line on a terminal's stderr; or what is called with what is being done (``"tokens"``,
            ``"places"``, ``"links"``), how many items are done, and of how many.

        Returns
        -------
        Bootstrapped
            What each of the three did, None for one that was left out.

        Raises
        ------
        LibraryNotFound
            There is none; the message names the closest.
        Conflict
            `on_conflict` is ``"error"``, and a token has an item's label, or a place.
        RuleViolated
            The constitution refuses a token or a link.
        InvalidValue, UnknownName
            An argument breaks its rule, or names no type or domain; the library's metric is dot; it has fewer than two
            vectors to fit principal components to.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     words = db.library.create("words", dimension=2, metric="l2")
        ...     _ = words.add([[0, 0], [0, 1], [5, 0], [5, 2]], keys=["cat", "dog", "car", "bus"])
        ...     done = db.bootstrap(words, k=1)
        ...     done.tokens, done.links
        ...     [(db.tokens.id_to_label(link.target), link.type) for link in db.graph.list(source="cat")]
        ...     db.tokens.get("cat").coordinates["abstract"] == words.get("cat").coordinates
        (MadeTokens(created=4, found=0, kept=0), Woven(links=4, created=4, changed=0, deleted=0, kept=0))
        [('dog', 'similar_to')]
        True

        Notes
        -----
        Outside a transaction each step commits in slices that hold the write lock for about 100 ms at most. One that
        was broken off is made good by calling it again, and so is what was added to the library since: what is as it
        should be already is left alone.
        """
        from ...model.bootstrapped import Bootstrapped
        from .slices import as_one
        from .tokens import require_policy
        from .weaving import Asked, require_weavable

        require_policy(on_conflict)
        if weave:  # said before the first token is made
            asked = Asked(library, k, decay, type, None, EVERYWHERE, where, weights, False, "weights")
            require_weavable(self, asked)  # type: ignore[arg-type]
        made = placed = woven = None
        with as_one(self):  # type: ignore[arg-type]
            if tokens:
                kind = {"entity_type": entity_type, "domain": domain, "where": where, "on_conflict": on_conflict}
                made = self.make_tokens(library, progress=progress, **kind)  # type: ignore[arg-type]
            if place:
                placed = self.place_tokens(library, on_conflict=on_conflict, progress=progress)
            if weave:
                options = {"k": k, "decay": decay, "type": type, "where": where, "on_conflict": weights}
                woven = self.weave(library, progress=progress, **options)  # type: ignore[arg-type]
        return Bootstrapped(made, placed, woven)

    def make_tokens(
        self,
        library: Library | str,
        *,
        entity_type: str | int | None = "concept",
        domain: str | int | None = None,
        where: Where | None = None,
        on_conflict: str = "ignore",
        progress: bool | Told = False,
    ) -> MadeTokens:
        """Give each item of a library a token: the one that has its key as label, or a new one.

        Items that have a token keep it; those without a key get one without a label.

        Parameters
        ----------
        library
            A library, or its name.
        entity_type, domain
            Of the new tokens: a name or a code; None for what `db.tokens.create` gives.
        where
            Only items that an SQL condition leaves, as for `Library.search`.
        on_conflict
            What becomes of a token that has the label already: ``"ignore"`` takes it as it is, ``"update"`` also gives
            it `entity_type` and `domain`, ``"error"`` refuses.
        progress
            As for `bootstrap`.

        Returns
        -------
        MadeTokens
            How many items got a new token, found one, and had theirs.

        Raises
        ------
        LibraryNotFound, Conflict, RuleViolated, InvalidValue, UnknownName
            As for `bootstrap`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create("cat")
        ...     _ = db.library.create("words", dimension=2).add(keys=["cat", "dog"])
        ...     db.make_tokens("words")
        ...     db.make_tokens("words")
        MadeTokens(created=1, found=1, kept=0)
        MadeTokens(created=0, found=0, kept=2)
        """
        from .tokens import make_tokens

        return make_tokens(self, library, entity_type, domain, where, on_conflict, progress)  # type: ignore[arg-type]

    def place_tokens(
        self,
        library: Library | str,
        *,
        reach: float = 3.27,
        on_conflict: str = "ignore",
        progress: bool | Told = False,
    ) -> PlacedWords:
        """Place the items of a library by its principal components, and their tokens in the level ``abstract``.

        The places are those of `Library.place`: each of three components divided by its standard deviation, then all by
        one number, so that the farthest coordinate is `reach`. Where the library has no components stored, they are
        fitted first.

        Parameters
        ----------
        library
            A library, or its name.
        reach
            The largest coordinate, above 0; the default fills the level as a 64-byte record holds it.
        on_conflict
            What becomes of a token that has a place in the level which its item did not have: ``"ignore"`` leaves it
            there, ``"update"`` moves it, ``"error"`` refuses.
        progress
            As for `bootstrap`.

        Returns
        -------
        PlacedWords
            How many items and tokens have their places now, and how many tokens were left where they are.

        Raises
        ------
        LibraryNotFound, Conflict, InvalidValue
            As for `bootstrap`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     words = db.library.create("words", dimension=2, metric="l2")
        ...     _ = words.add([[0, 0], [2, 2], [4, 4]], keys=["a", "b", "c"])
        ...     _ = db.make_tokens(words)
        ...     db.place_tokens(words), db.grid.neighbors("a", k=1, level="abstract")[0].id == db.tokens.get("b").id
        (PlacedWords(items=3, tokens=3, kept=0), True)

        Notes
        -----
        With items that were added the deviations change, so all places move a little. A token that several items belong
        to is placed by the first.
        """
        from .places import place_tokens

        return place_tokens(self, library, reach, on_conflict, progress)  # type: ignore[arg-type]

    def weave(
        self,
        library: Library | str,
        *,
        k: int = 5,
        decay: float = 0.1,
        type: TypeLike = "similar_to",
        key: str | None = None,
        max_distance: float = EVERYWHERE,
        where: Where | None = None,
        on_conflict: str = "update",
        resume: bool = False,
        progress: bool | Told = False,
        timeout_s: float | None = None,
    ) -> Woven:
        """Link each token of a library to those of the items nearest to its own.

        The weight of a link is ``1 / (1 + distance · decay)``, the distance that of the library's metric. Links of an
        earlier run that don't belong any more are deleted, so that afterwards the edges of `type` with `key` are the
        weave, and nothing else.

        Parameters
        ----------
        library
            A library, or its name. Items without a token or a vector take no part.
        k
            How many each is linked to.
        decay
            At least 0. With the default, the original system's, cosine distances give weights from 0.83 to 1; 10 sets
            near and far apart.
        type
            What the links mean: a name or a code.
        key
            The key of the links; None for the library's name. Edges of that type with that key are the weave's.
        max_distance
            No links farther than that; at least 0.
        where
            Only among items that an SQL condition leaves, as for `Library.search`.
        on_conflict
            What becomes of the weight of a link that is there: ``"update"`` computes it again, ``"ignore"`` keeps it,
            for learning may have changed it.
        resume
            Pass over tokens that have `k` links of this weave: to go on where a run was broken off, to link what was
            added, or to make up for what was deleted. What the others are linked to stays as it is, also where
            something new is nearer.
        progress
            As for `bootstrap`.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; what was linked by then stays, but not inside a
            transaction of yours. None for no limit.

        Returns
        -------
        Woven
            How many links there are, and how many were created, changed, deleted, or kept: links that carry a
            connection are not deleted.

        Raises
        ------
        RuleViolated
            The constitution refuses a weight, a type or a degree; outside a transaction the links of the blocks before
            are there, and another call goes on.
        LibraryNotFound, InvalidValue, UnknownName
            As for `bootstrap`.
        DeadlineExceeded
            It took longer than `timeout_s`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     words = db.library.create("words", dimension=1, metric="l2")
        ...     _ = words.add([[0], [1], [3]], keys=["a", "b", "c"])
        ...     _ = db.make_tokens(words)
        ...     db.weave(words, k=1)
        ...     [(link.source, link.target, link.key, round(link.weight, 3)) for link in db.graph.list()]
        ...     words.delete("c"), db.weave(words, k=1)
        Woven(links=3, created=3, changed=0, deleted=0, kept=0)
        [(1, 2, 'words', 0.909), (2, 1, 'words', 0.909), (3, 2, 'words', 0.833)]
        (None, Woven(links=2, created=0, changed=0, deleted=1, kept=0))

        Notes
        -----
        Grows with n searches and with what they cost. Exact, ties by id, in the order of `Library.search`.
        """
        from .weaving import Asked, weave

        return weave(
            self,  # type: ignore[arg-type]
            Asked(library, k, decay, type, key, max_distance, where, on_conflict, resume),
            progress,
            timeout_s,
        )

    def associate(
        self,
        words: TokenLike | ItemLike | Sequence[TokenLike | ItemLike],
        k: int = 10,
        *,
        library: Library | str | None = None,
        combine: str = "sum",
        energy: float = 1.0,
        decay: float = 0.2,
        max_depth: int = 3,
        min_energy: float = 0.01,
        mode: str = "sum",
        types: TypesLike = None,
        timeout_s: float | None = None,
    ) -> Associations:
        """Find what words bring to mind: energy spreads from each through the graph, and is combined.

        Parameters
        ----------
        words
            One or several: tokens by record, id or label, or items of any library by record or hit.
        k
            At most so many.
        library
            A library, or its name: then words are its items by key, id, record or hit, or texts where it was made with
            an encoder. A text is linked to the three items nearest to it that have tokens, with the weight
            ``1 / (1 + distance)``, and energy spreads from it along those links.
        combine
            What a token is given by several words: the ``"sum"`` of what each brings it, the ``"max"``, or the
            ``"average"``, 0 for those that bring it nothing.
        energy, decay, max_depth, min_energy, mode, types
            How each word's energy spreads, as for `Graph.spread`.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Associations
            (id, label, energy, depth, path) in order of energy, the highest first, then id; the tokens of the words are
            left out. The path is that of the word which brings the most.

        Raises
        ------
        TokenNotFound, ItemNotFound
            There is no such token or item; the message names the closest.
        NotFound
            An item has no token.
        NotHere
            The library was made with an encoder that is not here.
        LibraryNotFound, InvalidValue, DeadlineExceeded
            There is no such library; an argument breaks its rule; it took too long.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     ids = db.tokens.create_many(["cat", "dog", "pet", "leash"])
        ...     _ = db.graph.create_many(ids[[0, 1, 1]], ids[[2, 2, 3]], weight=[0.5, 0.5, 0.9])
        ...     [(one.label, round(one.energy, 2)) for one in db.associate(["cat", "dog"])]
        ...     db.associate(["cat", "dog"], combine="max")[0].label
        [('pet', 0.8), ('leash', 0.72)]
        'leash'

        Notes
        -----
        Costs one `Graph.spread` for each word, three for a text.
        """
        from .association import Spread, associate

        options: dict[str, Any] = {"min_energy": min_energy, "mode": mode, "types": types}
        spread = Spread(energy, decay, max_depth, options)
        return associate(self, words, k, library, combine, spread, timeout_s)  # type: ignore[arg-type]
