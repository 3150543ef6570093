"""Which connection types an edge may have: those below 256 by the constitution, users' own by a flag in their row."""

from __future__ import annotations

from ...errors import InvalidValue
from ...model.constitution import Constitution
from ...model.vocabulary import FIRST_USER_CODE
from ..arguments import session_code
from .base import CdnaPart, Draft


class Types(CdnaPart):
    """The switches of connection types."""

    def allow_type(self, *types: str | int, reason: str = "", actor: str = "") -> Constitution:
        """Allow edges of connection types.

        The constitution switches the reserved types, below 256; a type of your own carries its switch in its row,
        which has no history.

        Parameters
        ----------
        *types
            Names or codes.
        reason, actor
            Why, and who.

        Returns
        -------
        Constitution
            The version now in force.

        Raises
        ------
        UnknownName
            There is no such type.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.cdna.forbid_type("hates", "fears")
        ...     db.cdna.allow_type("fears").forbidden_types
        ('hates',)
        """
        return self._switch(types, True, actor, reason)

    def forbid_type(self, *types: str | int, reason: str = "", actor: str = "") -> Constitution:
        """Refuse new edges of connection types; those that exist stay.

        Parameters
        ----------
        *types
            Names or codes; see `allow_type`.
        reason, actor
            Why, and who.

        Returns
        -------
        Constitution
            The version now in force.

        Raises
        ------
        UnknownName
            There is no such type.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.execute("insert into connection_type (code, name) values (256, 'rhymes')")
        ...     db.cdna.forbid_type("rhymes", "hates").forbidden_types
        ('hates',)
        """
        return self._switch(types, False, actor, reason)

    def _switch(self, types: tuple[str | int, ...], allowed: bool, actor: str, reason: str) -> Constitution:
        if not types:
            raise InvalidValue("types must name at least one, got none")
        with self._session.transaction():
            codes = [session_code(self._session, "connection_type", name) for name in types]
            for code in codes:
                self._session.change(
                    "update connection_type set allowed = ? where code = ? and code >= ? and allowed <> ?",
                    (allowed, code, FIRST_USER_CODE, allowed),
                )
            reserved = {code for code in codes if code < FIRST_USER_CODE}
            if not reserved:
                return self._current()

            def draft(base: Constitution) -> Draft:
                switched = "".join(
                    str(int(allowed)) if code in reserved else old for code, old in enumerate(base.allowed_types)
                )
                same = switched == base.allowed_types
                fields = base.fields | {"allowed_types": switched}
                return Draft(fields, base.profile if same else "custom", base.version)

            return self._write("update", actor, reason, draft)
