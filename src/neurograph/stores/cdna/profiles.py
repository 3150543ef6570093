"""Named profiles: sets of fields to switch to. Six are reserved; users add their own."""

from __future__ import annotations

from typing import Any

from ...errors import Conflict, InvalidValue
from ...model.constitution import FIELDS, PROFILES, Constitution, Value
from .base import CdnaPart, Draft, text
from .fields import checked

LONGEST_NAME = 64


class Profiles(CdnaPart):
    """The profiles of the table `cdna_profile`; a version keeps a copy of its fields, so it outlives its profile."""

    def profiles(self) -> list[str]:
        """Return the names of the profiles, in alphabetical order.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.cdna.profiles()
        ['analyzer', 'creative', 'custom', 'default', 'explorer', 'quarantine']
        """
        return [row[0] for row in self._session.rows("select name from cdna_profile order by name")]

    def profile(self, name: str) -> dict[str, Value]:
        """Return the fields of a profile.

        Parameters
        ----------
        name
            One of `profiles`.

        Returns
        -------
        dict
            Name of a field → value, in the order of the table.

        Raises
        ------
        UnknownName
            No profile has that name; the message names the closest ones.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.cdna.profile("analyzer")["max_out_degree"]
        500
        """
        return self._profile(name)

    def set_profile(self, name: str, *, reason: str = "", actor: str = "") -> Constitution:
        """Put the fields of a profile in force.

        Parameters
        ----------
        name
            One of `profiles`.
        reason, actor
            Why, and who; kept with the version.

        Returns
        -------
        Constitution
            The version now in force; the one before if it is that profile already.

        Raises
        ------
        UnknownName
            No profile has that name.
        Misuse
            A change is on trial.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.cdna.set_profile("creative").scales["temporal"]
        21.0
        """

        def draft(base: Constitution) -> Draft:
            return Draft(self._profile(name), name, base.version)

        return self._write("profile", actor, reason, draft)

    def create_profile(self, name: str, *, based_on: str | None = "default", **fields: Any) -> dict[str, Value]:
        """Create a profile of your own.

        Parameters
        ----------
        name
            1 to 64 characters, not yet taken.
        based_on
            The profile whose fields hold where none are given; None takes those in force.
        **fields
            As `update` takes them.

        Returns
        -------
        dict
            The profile's fields.

        Raises
        ------
        Conflict
            There is such a profile already.
        UnknownName
            No profile or field has that name.
        InvalidValue
            A value is out of its range, or a minimum exceeds its maximum.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.cdna.create_profile("library", based_on="analyzer", max_in_degree=10_000_000)
        ...     db.cdna.set_profile("library").strict
        True
        """
        if not 1 <= len(text(name, "name")) <= LONGEST_NAME:
            raise InvalidValue(f"name must have 1 to {LONGEST_NAME} characters, got {name!r}")
        with self._session.transaction():
            base = self._current().fields if based_on is None else self._profile(based_on)
            new = checked(base, fields).sound()
            if name in self.profiles():
                raise Conflict(f"a profile {name!r} exists already; remove it first, or take another name")
            columns = ("name", *FIELDS)
            self._session.change(
                f"insert into cdna_profile ({', '.join(columns)}) values ({', '.join('?' * len(columns))})",
                (name, *new.values()),
            )
        return new

    def delete_profile(self, name: str) -> None:
        """Remove a profile of your own; versions made from it stay as they are.

        Parameters
        ----------
        name
            Not one of the six reserved ones.

        Raises
        ------
        UnknownName
            No profile has that name.
        InvalidValue
            The profile is reserved.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.cdna.create_profile("library")
        ...     db.cdna.delete_profile("library")
        ...     "library" in db.cdna.profiles()
        False
        """
        if name in PROFILES:
            raise InvalidValue(f"a profile must be your own to be removed, got {name!r}")
        with self._session.transaction():
            self._profile(name)  # raises where there is none
            self._session.change("delete from cdna_profile where name = ?", (name,))
