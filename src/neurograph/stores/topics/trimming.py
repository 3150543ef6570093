"""What is older, or more, than a topic keeps is deleted, the oldest first and in slices.

Invariant: nothing is looked for in the log but its oldest entries: a slice takes the same time however long the log is.
"""

from __future__ import annotations

from ...connection.session import Session
from . import clock
from .base import TopicsPart, topic_name

SLICE = 1024  # entries: 5 ms under the write lock
LIMITS = """
    select id, keep_ms, keep_entries, keep_bytes, entries, bytes
      from topic
     where {} = ? and (keep_ms is not null or keep_entries is not null or keep_bytes is not null)"""
BY_NAME, BY_ID = LIMITS.format("name"), LIMITS.format("id")
OLDEST = """
    select id, published_ns, octet_length(payload) + coalesce(octet_length(headers), 0)
      from topic_entry
     where topic_id = ?
     order by id
     limit ?"""


class Trimming(TopicsPart):
    """Topics kept within what they are to keep."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._untrimmed: dict[str, int] = {}  # topic → entries published since it was last looked at

    def trim(self, topic: str | None = None) -> int:
        """Delete what is older, or more, than topics keep, and return how many entries that were.

        Publishing does so now and then, and `db.optimize`; this does it now. What a subscription has not settled goes
        as well: it is counted in its `missed`.

        Parameters
        ----------
        topic
            The name of one; None: all.

        Raises
        ------
        TopicNotFound
            There is none of that name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.topics.create("news", keep_entries=2)
        ...     for text in ("a", "b", "c"):
        ...         _ = db.topics.publish("news", text)
        ...     db.topics.trim("news")
        ...     [entry.payload for entry in db.topics.read("news")]
        1
        ['b', 'c']

        Notes
        -----
        4 µs an entry. Outside a transaction it commits every 1,024 entries, so that nobody waits long.
        """
        if topic is not None:
            self._topic("id", topic)
        return trim(self._session, topic)

    def _trim_slice(self, topic: str, most: int) -> None:
        _trim_slice(self._session, BY_NAME, topic_name(topic), most)


def trim(session: Session, topic: str | None = None) -> int:
    """Trim one topic, or all of them, and return how many entries were deleted."""
    limits, topics = BY_NAME, [topic]
    if topic is None:  # by their ids: a name that is not UTF-8 must not keep the others from it
        limits, topics = BY_ID, [row[0] for row in session.rows("select id from topic order by id")]
    count = 0
    for one in topics:
        while (gone := _trim_slice(session, limits, one, SLICE)) == SLICE:
            count += gone
        count += gone
    return count


def _trim_slice(session: Session, limits: str, topic: str | int | None, most: int) -> int:
    """Delete at most so many of the oldest entries of a topic that it is not to keep; return how many."""
    if not session.rows(limits, (topic,)):
        return 0
    with session.transaction():
        found = session.rows(limits, (topic,))
        if not found:
            return 0
        number, keep_ms, keep_entries, keep_bytes, entries, size = found[0]
        oldest_ns = None if keep_ms is None else clock.now_ns() - keep_ms * 1_000_000
        last, count = 0, 0
        rows = session.rows(OLDEST, (number, most + 1))
        for place, (entry, published_ns, length) in enumerate(rows[:most]):
            newest = place == len(rows) - 1  # one entry that is larger than keep_bytes stays
            old = oldest_ns is not None and published_ns < oldest_ns
            many = keep_entries is not None and entries - place > keep_entries
            large = keep_bytes is not None and size > keep_bytes and not newest
            if not (old or many or large):
                break
            last, count, size = entry, place + 1, size - length
        if count:
            session.change("delete from topic_entry where topic_id = ? and id <= ?", (number, last))
    return count
