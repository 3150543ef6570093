"""Experience by id, by episode, by type, by time; the episodes; how experience goes."""

from __future__ import annotations

import builtins
import os
from array import array
from collections.abc import Iterator
from typing import Any

from ...connection.scope import deadline_after
from ...errors import InvalidValue
from ...model.experience import FLAGS, REWARDS, Episode, Experience
from ..arguments import bound_ids, real, whole
from ..id_pages import PAGE, in_pages, is_newest_first
from ..json_lines import json_lines
from .base import RECORD, ExperiencePart, Wanted, now_ns, number_of, record

CHANGING = ("flags", *REWARDS)  # the rest stays as it was recorded
_GOES = f"id <= ? and (flags & {FLAGS['persist']}) = 0 and ({{}})"


class Looking(ExperiencePart):
    """What was experienced."""

    def get(self, experience: Experience | int) -> Experience:
        """Return an experience by its id.

        Parameters
        ----------
        experience
            An id, or a record to read anew.

        Returns
        -------
        Experience
            As it is now.

        Raises
        ------
        NotFound
            There is none.
        InvalidValue
            It is neither record nor id.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     done = db.experience.record([1] * 8)
        ...     db.experience.get(done.id) == done
        True
        """
        return self._get(number_of(experience))

    def read(
        self,
        type: str = "*",
        *,
        episode: int | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        min_reward: float | None = None,
        after: int = 0,
        limit: int | None = None,
        order: str = "oldest",
        timeout_s: float | None = None,
    ) -> Iterator[Experience]:
        """Yield experiences in order of id.

        Parameters
        ----------
        type
            The name of an event type, the beginning of names as ``"action.*"``, or ``"*"`` for all.
        episode
            Only of this one.
        since_ns, until_ns
            Only from this time on, and before that one, in nanoseconds since 1970 UTC.
        min_reward
            Only those whose reward is at least so much.
        after
            Only those with a greater id.
        limit
            At most so many; None for all.
        order
            ``"oldest"`` or ``"newest"`` first.
        timeout_s
            Seconds from the call after which it raises `DeadlineExceeded`, here or at a later page; None for no limit.

        Yields
        ------
        Experience
            In order of id.

        Raises
        ------
        UnknownName
            No event type has the name.
        InvalidValue
            An argument breaks its rule.
        DeadlineExceeded
            It took longer than `timeout_s`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.experience.record_many([[1] * 8] * 3, rewards=[{"goal": n} for n in range(3)])
        ...     [found.step for found in db.experience.read(min_reward=1, order="newest")]
        [2, 1]

        Notes
        -----
        A thousand are fetched at a time, so any number of them takes little memory and no lock; those that are trimmed
        before their turn are left out. An episode is found by
        an index.
        """
        deadline = deadline_after(timeout_s)
        wanted = Wanted(self._session, type, episode, since_ns, until_ns, min_reward)
        low, most = whole(after, "after"), None if limit is None else whole(limit, "limit")
        newest_first = is_newest_first(order)
        rows: Any = self._session.rows_until(deadline, "select coalesce(max(id), 0) from experience")
        order = "desc" if newest_first else ""
        sql = f"{RECORD} where id > ? and id <= ? and {wanted.condition} order by id {order} limit ?"

        def page(low: int, high: int, size: int) -> builtins.list[Experience]:
            found = self._session.rows_until(deadline, sql, (low, high, *wanted.bindings, size))
            return [*map(record, found)]

        return in_pages(page, low, rows[0][0], most, newest_first)

    def count(
        self,
        type: str = "*",
        *,
        episode: int | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        min_reward: float | None = None,
        timeout_s: float | None = None,
    ) -> int:
        """Return how many experiences there are.

        Parameters
        ----------
        type, episode, since_ns, until_ns, min_reward
            As for `read`.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        int
            At least 0.

        Raises
        ------
        UnknownName, InvalidValue, DeadlineExceeded
            As for `read`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.experience.count(episode=1)
        0
        """
        deadline = deadline_after(timeout_s)
        wanted = Wanted(self._session, type, episode, since_ns, until_ns, min_reward)
        sql = f"select count(*) from experience where {wanted.condition}"
        rows = self._session.rows_until(deadline, sql, wanted.bindings)
        return rows[0][0]  # type: ignore[no-any-return]

    def episodes(
        self, *, after: int | None = None, limit: int | None = 100, timeout_s: float | None = None
    ) -> builtins.list[Episode]:
        """Return episodes in order of their number.

        Parameters
        ----------
        after
            Only those with a greater number: that of the last of the page before.
        limit
            At most so many; None for all.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        list of Episode
            With their number of steps, the sum of their rewards, their begin and end.

        Raises
        ------
        InvalidValue
            A number is negative.
        DeadlineExceeded
            It took longer than `timeout_s`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.experience.record_many([[1] * 8] * 3, rewards=[{"goal": n} for n in range(3)])
        ...     [(found.episode, found.steps, found.reward) for found in db.experience.episodes()]
        [(1, 3, 3.0)]
        """
        sql = """
            select episode, count(*), min(id), max(id), total(reward), min(created_ns), max(created_ns)
              from experience
             where episode > ?
             group by episode
             order by episode
             limit ?"""
        page = (-1 if after is None else whole(after, "after"), -1 if limit is None else whole(limit, "limit"))
        return [Episode(*row) for row in self._session.rows_until(deadline_after(timeout_s), sql, page)]

    def trim(self, *, keep: int | None = None, older_than_s: float | None = None, before: int | None = None) -> int:
        """Delete the oldest experiences, but those with the flag ``persist``, and return how many that were.

        Parameters
        ----------
        keep
            All but the newest so many go.
        older_than_s
            Those older than so many seconds go.
        before
            Those with a smaller id go.

        Returns
        -------
        int
            How many went.

        Raises
        ------
        InvalidValue
            None of the three is given, or one breaks its rule.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.experience.record_many([[1] * 8] * 10)
        ...     db.experience.trim(keep=4), db.experience.count()
        (6, 4)

        Notes
        -----
        With several of them, what one of them lets go goes. A thousand a transaction; in one of yours all of them.
        """
        return self._trim(*self._going(keep, older_than_s, before))

    def archive(
        self,
        path: str | os.PathLike[str],
        *,
        keep: int | None = None,
        older_than_s: float | None = None,
        before: int | None = None,
    ) -> int:
        """Write the oldest experiences to a file, then delete them, and return how many that were.

        Parameters
        ----------
        path
            A new file: an experience a line, with the fields of `Experience`, `uid` in hexadecimal; compressed where it
            ends with ``.gz``.
        keep, older_than_s, before
            As for `trim`.

        Returns
        -------
        int
            How many went.

        Raises
        ------
        InvalidValue
            As `trim`, or the file exists already.
        OSError
            The file can't be written; nothing is gone.

        Examples
        --------
        >>> import neurograph, tempfile
        >>> with neurograph.open(":memory:") as db, tempfile.TemporaryDirectory() as folder:
        ...     _ = db.experience.record_many([[1] * 8] * 10)
        ...     db.experience.archive(f"{folder}/old.jsonl", keep=4)
        6

        Notes
        -----
        The file is whole and on the disk before the first goes: after a crash one may be in both, never in neither. One
        that is appraised meanwhile stays, as the file has not what was said of it. What a crash leaves of a file that
        was not whole ends with ``.part``; nobody needs it.
        """
        condition, bindings = self._going(keep, older_than_s, before)
        sql = f"{RECORD} where id > ? and {condition} order by id limit ?"
        ids, parts = array("q"), array("q")
        with json_lines(path) as write:
            low = 0
            while found := [*map(record, self._session.rows(sql, (low, *bindings, PAGE)))]:
                for experience in found:
                    write({**experience._asdict(), "uid": experience.uid.hex()})
                    ids.append(experience.id)
                    parts.append(_sum([getattr(experience, name) for name in CHANGING]))
                low = found[-1].id
        return self._trim_written(ids, parts)

    def _going(
        self, keep: int | None, older_than_s: float | None, before: int | None
    ) -> tuple[str, builtins.list[Any]]:
        """Return the condition of those that go, none that comes later among them."""
        rows: Any = self._session.rows("select coalesce(max(id), 0) from experience")
        parts: builtins.list[str] = []
        bindings = [rows[0][0]]
        if before is not None:
            parts.append("id < ?")
            bindings.append(whole(before, "before", 1))
        if older_than_s is not None:
            parts.append("created_ns < ?")
            bindings.append(now_ns() - round(real(older_than_s, "older_than_s", 0.0, 3e9) * 1e9))
        if keep is not None:
            sql = "select id from experience order by id desc limit 1 offset ?"
            oldest: Any = self._session.rows(sql, (whole(keep, "keep"),))
            parts.append("id <= ?")
            bindings.append(oldest[0][0] if oldest else 0)
        if not parts:
            raise InvalidValue("one of keep, older_than_s and before must say what goes, got none")
        return _GOES.format(" or ".join(parts)), bindings

    def _trim(self, condition: str, bindings: builtins.list[Any]) -> int:
        chosen = f"select id from experience where {condition} order by id limit ?"
        sql = f"delete from experience where id in ({chosen}) returning 1"
        gone = 0
        while rows := self._session.change(sql, (*bindings, PAGE)):
            gone += len(rows)
        return gone

    def _trim_written(self, ids: array[int], parts: array[int]) -> int:
        """Delete what was written to a file, unless it has changed since."""
        sql = f"select id, {', '.join(CHANGING)} from experience where id in (select value from carray(?))"
        gone = 0
        for start in range(0, len(ids), PAGE):
            written = dict(zip(ids[start : start + PAGE], parts[start : start + PAGE], strict=True))
            with self._session.transaction():
                rows: Any = self._session.rows(sql, (bound_ids(written),))
                same = bound_ids([id for id, *changing in rows if _sum(changing) == written[id]])
                delete = "delete from experience where id in (select value from carray(?)) returning 1"
                gone += len(self._session.change(delete, (same,)))
        return gone


def _sum(changing: builtins.list[Any]) -> int:
    """Return 64 bits of what may change: of its text, for -1.0 and -2.0 have the same hash."""
    return hash(repr(changing))
