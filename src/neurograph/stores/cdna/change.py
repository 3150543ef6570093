"""Changing the constitution: each change is a new version, checked before it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InvalidValue, Misuse
from ...model.constitution import FLAGS, Constitution, Validation, Value
from .base import CdnaPart, Draft
from .fields import checked, warnings_of


class Change(CdnaPart):
    """Changes of single fields, and the way back."""

    def update(self, *, reason: str = "", actor: str = "", **fields: Any) -> Constitution:
        """Change some fields and keep the others.

        Parameters
        ----------
        reason, actor
            Why, and who; kept with the version.
        **fields
            Any field of `Constitution` by name; or several at once: `scales`, `buckets`, `field_strength_limits` and
            `dimension_flags` as eight values or as level → value, `flags` as a set of names or four bits,
            `allowed_types` as a set of names and codes below 256, or as the text of 256 characters.

        Returns
        -------
        Constitution
            The version now in force; the one before where nothing would change.

        Raises
        ------
        InvalidValue
            A value is out of its range, or a minimum exceeds its maximum; every such error is told.
        UnknownName
            No field, level, flag or type has that name.
        Misuse
            A change is on trial.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     new = db.cdna.update(max_out_degree=500, scales={"abstract": 5}, reason="hubs blur the picture")
        ...     new.version, new.profile, new.parent, new.max_out_degree, new.scales["abstract"]
        (2, 'custom', 1, 500, 5.0)

        Notes
        -----
        One transaction unless one is open: 0.2 ms, and the commit. Rows that the new limits forbid stay as they are.
        """
        if not fields:
            raise InvalidValue("fields must name at least one to change, got none")
        return self._change("update", actor, reason, fields)

    def _change(self, action: str, actor: str, reason: str, given: Mapping[str, Any]) -> Constitution:
        """Write a version with the given fields laid over those in force."""

        def draft(base: Constitution) -> Draft:
            fields = checked(base.fields, given).sound()
            same = fields == base.fields
            return Draft(fields, base.profile if same else "custom", base.version)

        return self._write(action, actor, reason, draft)

    def update_scales(self, scales: Any, *, reason: str = "", actor: str = "") -> Constitution:
        """Change the weight of levels in distances over several.

        Parameters
        ----------
        scales
            Eight values in the order of the levels, or level → value; each in [0, 20], cognitive to 30, abstract to 50.
        reason, actor
            Why, and who.

        Returns
        -------
        Constitution
            The version now in force.

        Raises
        ------
        InvalidValue
            There are not eight, or one is out of its range.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.cdna.update_scales([1, 1, 1, 1, 10, 5, 3, 20]).scales["social"]
        5.0
        """
        return self._change("update", actor, reason, {"scales": scales})

    def set_flags(
        self,
        *,
        validation: bool | None = None,
        events: bool | None = None,
        mutation: bool | None = None,
        strict: bool | None = None,
        reason: str = "",
        actor: str = "",
    ) -> Constitution:
        """Switch flags on or off.

        Parameters
        ----------
        validation
            Off lifts all limits, for everyone who writes the file.
        events, mutation, strict
            The other flags of the 384-byte record; None leaves a flag as it is.
        reason, actor
            Why, and who.

        Returns
        -------
        Constitution
            The version now in force.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.cdna.set_flags(validation=False, reason="import of old data")
        ...     db.tokens.create("heavy", weight=100).weight
        100.0
        """
        values = dict(zip(FLAGS, (validation, events, mutation, strict), strict=True))
        given = {name: value for name, value in values.items() if value is not None}
        return self._change("update", actor, reason, given)

    def validate(self, scales: Any = None, **fields: Any) -> Validation:
        """Tell what an update would say, without making it.

        Parameters
        ----------
        scales
            Eight values or level → value.
        **fields
            Any others, as `update` takes them. Without any, the version in force is looked at.

        Returns
        -------
        Validation
            `valid`, `warnings` (a scale beyond half of its limit: caution; beyond three quarters: danger), `errors`.

        Raises
        ------
        UnknownName
            No field, level, flag or type has that name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.cdna.validate([1, 1, 1, 1, 1, 1, 1, 40]).warnings
        ...     db.cdna.validate(scales={"physical": 25}).errors
        ('danger: scale_abstract is 40, over 75% of its limit 50',)
        ('scale_physical must be in [0, 20], got 25.0',)
        """
        given = fields if scales is None else {"scales": scales, **fields}
        found = checked(self._current().fields, given)
        names = found.given if given else tuple(found.fields)
        return Validation(not found.errors, warnings_of(found.fields, names), found.errors)

    def rollback(self, to: int | None = None, *, reason: str = "", actor: str = "") -> Constitution:
        """Go back to how the constitution was, by a new version equal to the old one.

        Parameters
        ----------
        to
            A version. None is the last state that differs from the present one, so that two calls go two steps back.
        reason, actor
            Why, and who.

        Returns
        -------
        Constitution
            The version now in force; its `parent` is the one it restores.

        Raises
        ------
        NotFound
            No version has that number.
        Misuse
            There is nothing to go back to, or a change is on trial.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     for weight in 2.0, 3.0, 4.0:
        ...         _ = db.cdna.update(max_token_weight=weight)
        ...     [db.cdna.rollback().max_token_weight for _ in range(3)]
        [3.0, 2.0, 1.0]
        """

        def draft(base: Constitution) -> Draft:
            target = self._last_other(base) if to is None else self._get(to)
            return Draft(target.fields, target.profile, target.version)

        return self._write("rollback", actor, reason, draft)

    def _last_other(self, version: Constitution) -> Constitution:
        """Return the nearest version that `version` comes from and that differs from it."""
        fields: dict[str, Value] = version.fields
        found = self._before(version)
        while found is not None and found.fields == fields:
            found = self._before(found)
        if found is None:
            raise Misuse(f"cannot rollback; nothing before version {version.version} differs from it")
        return found

    def reset(self, *, reason: str = "", actor: str = "") -> Constitution:
        """Go back to the profile `default`.

        Parameters
        ----------
        reason, actor
            Why, and who.

        Returns
        -------
        Constitution
            The version now in force.

        Raises
        ------
        Misuse
            A change is on trial.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.cdna.update(max_token_weight=5.0)
        ...     db.cdna.reset().max_token_weight
        1.0
        """
        fields = self._profile("default")
        return self._write("reset", actor, reason, lambda base: Draft(fields, "default", base.version))
