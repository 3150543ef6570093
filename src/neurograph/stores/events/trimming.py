"""How events go: trimmed by age, number or id, or first written to a file.

Invariants:

1. The newest event of all stays.
2. The lock is held for one slice of ids at a time, unless the caller has a transaction.
3. An archive is whole and on the disk before its first event goes.
"""

from __future__ import annotations

import os
from typing import Any

from ...errors import InvalidValue
from ..arguments import real, whole
from ..json_lines import json_lines
from .base import NEWEST, SLICE_IDS, EventPart, first_since, now_ns
from .question import Question


class Trimming(EventPart):
    """How events go."""

    def trim(
        self,
        type: str = "*",
        *,
        keep: int | None = None,
        older_than_s: float | None = None,
        before: int | None = None,
    ) -> int:
        """Delete the oldest events of these types, and return how many that were.

        Parameters
        ----------
        type
            As for `read`.
        keep
            All but the newest so many of these types go.
        older_than_s
            Those older than so many seconds go.
        before
            Those with a smaller id go.

        Returns
        -------
        int
            How many went; the newest event of all stays, whatever its type.

        Raises
        ------
        InvalidValue
            None of `keep`, `older_than_s` and `before` is given, or one breaks its rule.
        UnknownName
            No type has the name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.events.emit_many("custom", [{"n": n} for n in range(100)])
        ...     db.events.trim(keep=10), db.events.count(), db.events.types("custom")[0].trimmed
        (90, 10, 90)

        Notes
        -----
        With several of them, what one of them lets go goes. 4,096 ids a transaction, about 1 µs each; in a transaction
        of yours all of them.
        """
        return self._trim(Question(type, None), self._bound(type, keep, older_than_s, before))

    def archive(
        self,
        path: str | os.PathLike[str],
        type: str = "*",
        *,
        keep: int | None = None,
        older_than_s: float | None = None,
        before: int | None = None,
    ) -> int:
        """Write the oldest events of these types to a file, then delete them, and return how many that were.

        Parameters
        ----------
        path
            A new file: an event a line, ``{"id": …, "type": …, "created_ns": …, "data": {…}}``, the oldest first;
            compressed where it ends with ``.gz``.
        type, keep, older_than_s, before
            As for `trim`.

        Returns
        -------
        int
            How many went; the newest event of all stays, whatever its type.

        Raises
        ------
        InvalidValue
            As `trim`, or the file exists already.
        UnknownName
            No type has the name.
        OSError
            The file can't be written; no event is gone.

        Examples
        --------
        >>> import neurograph, tempfile
        >>> with neurograph.open(":memory:") as db, tempfile.TemporaryDirectory() as folder:
        ...     _ = db.events.emit_many("custom", [{"n": n} for n in range(100)])
        ...     db.events.archive(f"{folder}/2026.jsonl.gz", keep=10)
        90

        Notes
        -----
        The file is whole and on the disk before the first event goes: after a crash an event may be in both, never in
        neither. What a crash leaves of a file that was not whole ends with ``.part``; nobody needs it.
        """
        question, bound = Question(type, None), self._bound(type, keep, older_than_s, before)
        with json_lines(path) as write:
            low = 0
            while events := question.page(self._session.rows, low, bound, 1_000):
                for event in events:
                    write(event._asdict())
                low = events[-1].id
        return self._trim(question, bound)

    def _bound(self, type: str, keep: int | None, older_than_s: float | None, before: int | None) -> int:
        """Return the id up to which events go."""
        if keep is None and older_than_s is None and before is None:
            raise InvalidValue("one of keep, older_than_s and before must say what goes, got none")
        question, bounds = Question(type, None), [0]
        with self._session.reading() as line:
            question.require_type(line.connection)
            if before is not None:
                bounds.append(whole(before, "before", 1) - 1)
            if older_than_s is not None:
                moment = now_ns() - round(real(older_than_s, "older_than_s", 0.0, 3e9) * 1e9)
                bounds.append(first_since(line.connection, moment) - 1)
            if keep is not None:
                sql = f"select id from event where {question.condition} order by id desc limit 1 offset ?"
                newest: Any = line.connection.execute(NEWEST).fetchall()[0][0]
                rows: Any = line.connection.execute(
                    sql, (0, newest, *question.bindings, whole(keep, "keep"))
                ).fetchall()
                bounds += [id for (id,) in rows]
            newest = line.connection.execute(NEWEST).fetchall()[0][0]
        return min(max(bounds), int(newest) - 1)

    def _trim(self, question: Question, bound: int) -> int:
        sql = f"select type_id, count(*), max(id) from event where {question.condition} group by type_id"
        first: Any = self._session.rows("select coalesce(min(id), 1) from event")
        low, gone = first[0][0] - 1, 0
        while low < bound:
            high = min(low + SLICE_IDS, bound)
            with self._session.transaction():
                # Up to its last that goes, and no further: who has handled that one has missed nothing.
                for type_id, count, last in self._session.rows(sql, (low, high, *question.bindings)):
                    self._session.change(
                        "update event_type set trimmed_to = ?1 where id = ?2 and trimmed_to < ?1", (last, type_id)
                    )
                    gone += count
            low = high
        return gone
