"""Reading the constitution: the version in force, those before it, and what changed between two."""

from __future__ import annotations

import operator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ...errors import InvalidValue, NotFound
from ...model.constitution import FIELDS, Constitution, Value, constitution
from ..arguments import MAX_ID, whole
from .base import SELECT, CdnaPart, utc

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMES_FROM = 10**15
"""A number from here on is a time in nanoseconds (12 January 1970), one below is a version."""

# The newest of the versions written by then that was confirmed, or on trial until later. Where a clock ran backwards,
# what follows a version that is not yet written isn't either.
_AT = f"""
    {SELECT}
     where version < coalesce((select min(version) from cdna where created_ns > :time), {MAX_ID})
       and (trial_deadline_ns is null or trial_deadline_ns > :time)
     order by version desc
     limit 1"""


class History(CdnaPart):
    """The versions of the constitution, of which the newest that is confirmed or still on trial is in force."""

    def current(self) -> Constitution:
        """Return the version in force.

        Returns
        -------
        Constitution
            Every field as an attribute; `version`, `profile`, `on_trial` and `reason` tell where it comes from.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     now = db.cdna.current()
        ...     now.version, now.profile, now.max_token_weight, now.on_trial
        (1, 'default', 1.0, False)

        Notes
        -----
        Does not grow with the history: 22 µs.
        """
        return self._current()

    @property
    def version(self) -> int:
        """The number of the version in force."""
        return self._session.rows("select version from cdna_current")[0][0]  # type: ignore[no-any-return]

    @property
    def on_trial(self) -> bool:
        """True while a change is on trial."""
        return self._session.rows("select trial_deadline_ns from cdna_current")[0][0] is not None

    def scales(self) -> dict[str, float]:
        """Return the weight of each level in distances over several, by name of the level.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.cdna.set_profile("explorer")
        ...     db.cdna.scales()["abstract"]
        5.0
        """
        return self._current().scales

    def flags(self) -> frozenset[str]:
        """Return the names of the flags that are on: of validation, events, mutation and strict.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     sorted(db.cdna.flags())
        ['events', 'validation']
        """
        return self._current().flags

    def history(self, limit: int = 100, after: int | None = None) -> list[Constitution]:
        """Return versions, newest first.

        Parameters
        ----------
        limit
            How many, at least 0.
        after
            The version that the last page ended with; None begins with the newest.

        Returns
        -------
        list of Constitution
            At most `limit` of them. A trial that has ended is recorded by the next write.

        Raises
        ------
        InvalidValue
            Limit or version is not a whole number in its range.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.cdna.update(max_token_weight=5.0, reason="weights are counts", actor="ana")
        ...     [(v.version, v.action, v.reason) for v in db.cdna.history()]
        [(2, 'update', 'weights are counts'), (1, 'create', 'the first version of this file')]

        Notes
        -----
        Grows with `limit`: 9 µs a version.
        """
        least = MAX_ID if after is None else whole(after, "after", 1)
        rows = self._session.rows(
            f"{SELECT} where version < ? order by version desc limit ?", (least, whole(limit, "limit"))
        )
        return [constitution(row) for row in rows]

    def at(self, when: int | datetime) -> Constitution:
        """Return a version by its number, or the one that was in force at a time.

        A change on trial was in force until its deadline, or until another version was written. Where a clock ran
        backwards, a version counts from its predecessor's time.

        Parameters
        ----------
        when
            A version; or a time: a datetime with a time zone, or nanoseconds since 1970 UTC (a number from 10**15 up).

        Returns
        -------
        Constitution
            The version.

        Raises
        ------
        NotFound
            No version has that number, or none had been written by that time.
        InvalidValue
            `when` is neither, or a datetime without a time zone.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     second = db.cdna.update(max_token_weight=5.0)
        ...     db.cdna.at(1).version, db.cdna.at(second.created_ns).version
        (1, 2)

        Notes
        -----
        By number 11 µs; by time it reads every version: 0.1 ms a thousand.
        """
        if isinstance(when, datetime):
            return self._at_time(_ns(when))
        try:
            if isinstance(when, bool):
                raise TypeError
            number = operator.index(when)
        except TypeError:
            raise InvalidValue(f"when must be a version, a time in ns or a datetime, got {when!r}") from None
        return self._at_time(number) if number >= TIMES_FROM else self._get(number)

    def _at_time(self, time_ns: int) -> Constitution:
        rows = self._session.rows(_AT, {"time": min(time_ns, MAX_ID)})
        if not rows:
            first = self._get(1).created_ns
            raise NotFound(f"no constitution was in force at {utc(time_ns)}; the first is from {utc(first)}")
        return constitution(rows[0])

    def diff(self, a: int | Constitution, b: int | Constitution | None = None) -> dict[str, tuple[Value, Value]]:
        """Return what changed from one version to another.

        Parameters
        ----------
        a, b
            Versions, or records of them; `b` is the version in force unless given.

        Returns
        -------
        dict
            Name of a field → its value in `a` and in `b`, for fields that differ, in the order of the table.

        Raises
        ------
        NotFound
            No version has that number.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.cdna.update(max_token_weight=5.0, flags={"validation", "events", "strict"})
        ...     db.cdna.diff(1)
        {'strict': (False, True), 'max_token_weight': (1.0, 5.0)}
        """
        old = a if isinstance(a, Constitution) else self._get(a)
        new = self._current() if b is None else b if isinstance(b, Constitution) else self._get(b)
        pairs: Sequence[tuple[str, Value, Value]] = [(n, getattr(old, n), getattr(new, n)) for n in FIELDS]
        return {name: (before, after) for name, before, after in pairs if before != after}


def _ns(when: datetime) -> int:
    if when.tzinfo is None or when.utcoffset() is None:
        raise InvalidValue(f"when must have a time zone, got {when!r}; add tzinfo=datetime.UTC or another")
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
