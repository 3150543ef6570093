"""The three vocabularies of a database."""

from __future__ import annotations

from typing import Any

from ...model.names import unknown_name
from ...model.vocabulary import FIRST_USER_CODE, MUTABILITIES, ConnectionType, Domain, EntityType
from ..arguments import whole
from .base import Vocabulary, WordLike, truth


class EntityTypes(Vocabulary[EntityType]):
    """The entity types of a database, reached as `db.entity_types`: what a token may be."""

    _table = "entity_type"
    _columns = "code, name, allowed"

    def _word(self, row: tuple[Any, ...]) -> EntityType:
        code, name, allowed = row
        return EntityType(code, name, bool(allowed))

    def create(self, name: str, *, code: int | None = None, allowed: bool = True) -> int:
        """Add an entity type of your own and return its code.

        Parameters
        ----------
        name
            Unique among entity types; lower snake case by convention.
        code
            From 256 to 65535; None takes the next one.
        allowed
            False: no token may have it yet.

        Raises
        ------
        Conflict
            The name, or the code, is taken.
        InvalidValue
            A name or a code that can't be.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.entity_types.create("robot")
        ...     db.tokens.create("r2", entity_type="robot").entity_type
        256
        'robot'
        """
        return self._create(name, code, {"allowed": truth(allowed, "allowed")})

    def update(self, word: WordLike, *, name: str | None = None, allowed: bool | None = None) -> EntityType:
        """Rename an entity type of your own, allow or forbid it, and return it.

        Parameters
        ----------
        word
            The name or the code.
        name, allowed
            New values; None keeps the old ones.

        Raises
        ------
        UnknownName
            There is no such type.
        RuleViolated
            It is one of ours.
        Conflict
            The name is taken.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.entity_types.create("robot")
        ...     db.entity_types.update("robot", name="machine")
        EntityType(code=256, name='machine', allowed=True)
        """
        return self._update(word, name, {} if allowed is None else {"allowed": truth(allowed, "allowed")})


class Domains(Vocabulary[Domain]):
    """The domains of a database, reached as `db.domains`: where a token belongs."""

    _table = "domain"
    _columns = "code, name"

    def _word(self, row: tuple[Any, ...]) -> Domain:
        return Domain(*row)

    def create(self, name: str, *, code: int | None = None) -> int:
        """Add a domain of your own and return its code.

        Parameters
        ----------
        name
            Unique among domains; lower snake case by convention.
        code
            From 256 to 65535; None takes the next one.

        Raises
        ------
        Conflict
            The name, or the code, is taken.
        InvalidValue
            A name or a code that can't be.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.domains.create("music")
        ...     db.tokens.create("a minor", domain="music").domain
        256
        'music'
        """
        return self._create(name, code, {})

    def update(self, word: WordLike, *, name: str) -> Domain:
        """Rename a domain of your own and return it.

        Parameters
        ----------
        word
            The name or the code.
        name
            The new name.

        Raises
        ------
        UnknownName
            There is no such domain.
        RuleViolated
            It is one of ours.
        Conflict
            The name is taken.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.domains.create("music")
        ...     db.domains.update("music", name="sound")
        Domain(code=256, name='sound')
        """
        return self._update(word, name, {})


class ConnectionTypes(Vocabulary[ConnectionType]):
    """The connection types of a database, reached as `db.connection_types`: what an edge may mean."""

    _table = "connection_type"
    _columns = f"""code, name, family, mutability, case
        when code >= {FIRST_USER_CODE} then allowed
        else substr((select allowed_types from cdna_current), code + 1, 1) = '1'
    end"""

    def _word(self, row: tuple[Any, ...]) -> ConnectionType:
        code, name, family, mutability, allowed = row
        return ConnectionType(code, name, family, MUTABILITIES[mutability], bool(allowed))

    def create(
        self, name: str, *, mutability: str | int = "learnable", code: int | None = None, allowed: bool = True
    ) -> int:
        """Add a connection type of your own and return its code.

        Parameters
        ----------
        name
            Unique among connection types; lower snake case by convention.
        mutability
            What new connections of the type get: ``"immutable"``, ``"learnable"`` or ``"hypothesis"``.
        code
            From 256 to 65535; None takes the next one.
        allowed
            False: no edge may have it yet; see `Cdna.allow_type`.

        Raises
        ------
        Conflict
            The name, or the code, is taken.
        InvalidValue, UnknownName
            A name, a code or a mutability that can't be.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.connection_types.create("imports", mutability="immutable")
        ...     a, b = db.tokens.create("a"), db.tokens.create("b")
        ...     db.connections.create(a, b, type="imports").mutability
        256
        'immutable'
        """
        values = {"mutability": _mutability(mutability), "allowed": truth(allowed, "allowed")}
        return self._create(name, code, values)

    def update(
        self,
        word: WordLike,
        *,
        name: str | None = None,
        mutability: str | int | None = None,
        allowed: bool | None = None,
    ) -> ConnectionType:
        """Rename a connection type of your own, give it another mutability, allow or forbid it, and return it.

        Parameters
        ----------
        word
            The name or the code.
        name, allowed
            New values; None keeps the old ones.
        mutability
            Of connections made from now on; those that exist keep theirs.

        Raises
        ------
        UnknownName
            There is no such type or mutability.
        RuleViolated
            It is one of ours; `Cdna.allow_type` and `Cdna.forbid_type` switch those.
        Conflict
            The name is taken.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.connection_types.create("imports")
        ...     db.connection_types.update("imports", mutability="hypothesis").mutability
        'hypothesis'
        """
        values: dict[str, Any] = {}
        if mutability is not None:
            values["mutability"] = _mutability(mutability)
        if allowed is not None:
            values["allowed"] = truth(allowed, "allowed")
        return self._update(word, name, values)


def _mutability(mutability: str | int) -> int:
    if isinstance(mutability, str):
        if mutability not in MUTABILITIES:
            raise unknown_name("mutability", mutability, MUTABILITIES)
        return MUTABILITIES.index(mutability)
    return whole(mutability, "mutability", 0, len(MUTABILITIES) - 1)
