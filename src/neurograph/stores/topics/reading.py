"""The log read without a subscription."""

from __future__ import annotations

import builtins
from collections.abc import Mapping

from ...model.topic import Entry
from ..arguments import whole
from .base import TopicsPart, entry_id, pattern_of
from .condition import condition_text
from .entry_rows import entries
from .passing import Asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Reading(TopicsPart):
    """Entries looked at."""

    def read(
        self,
        pattern: str = "*",
        *,
        after: Entry | int = 0,
        limit: int = 100,
        where: Mapping[str, Any] | None = None,
        timeout_s: float | None = None,
    ) -> builtins.list[Entry]:
        """Return entries of the log in order, and leave all as it is.

        Parameters
        ----------
        pattern
            The name of a topic; with ``*`` at its end, all topics that begin so.
        after
            Only those after this one, an entry or its id: the last of the page before.
        limit
            At most so many.
        where
            A condition, as for `subscribe`.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        list of Entry
            Empty where there is nothing after that.

        Raises
        ------
        InvalidValue
            An argument breaks its rule above; or a text of an entry, which the message names, is not UTF-8, as other
            tools may write it.
        DeadlineExceeded
            It took longer than `timeout_s`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.topics.publish("tokens.created", {"id": 1}), db.topics.publish("tokens.deleted", {"id": 1})
        ...     _ = db.topics.publish("news", b"hello")
        ...     db.topics.read("tokens.*")
        ...     db.topics.read(after=2)
        [<Entry 1 'tokens.created' {"id":1}>, <Entry 2 'tokens.deleted' {"id":1}>]
        [<Entry 3 'news' 5 bytes>]

        Notes
        -----
        A topic is read by an index, 0.5 µs an entry; a pattern passes over all of the log after `after`, 0.2 µs an
        entry, and a condition reads JSON, 0.4 µs and more.
        """
        asked = Asked(pattern_of(pattern), condition_text(where))
        first, most = (0 if after == 0 else entry_id(after, "after")), whole(limit, "limit")
        if not most:
            return []
        with self._session.reading(timeout_s) as line:
            rows, _ = asked.find(line, first, most)
        return entries(rows)
