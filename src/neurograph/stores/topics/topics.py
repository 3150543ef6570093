"""Topics created, changed, listed, dropped."""

from __future__ import annotations

from ...errors import Conflict, RuleViolated
from ...model.topic import Topic
from ..attempts import MOST_MS
from ..named import named_rows
from ..settings import Check, checked, or_none, within
from .base import TopicsPart, topic_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins

COLUMNS = ", ".join(Topic._fields)
SETTINGS: dict[str, Check] = {
    "keep_ms": or_none(within(1, MOST_MS)),
    "keep_entries": or_none(within(1, (1 << 63) - 1)),
    "keep_bytes": or_none(within(1, (1 << 63) - 1)),
}
"""Setting → what checks it; the names are those of the columns."""
DROPPED_AT_ONCE = 2048  # 10 ms under the write lock


class TopicSettings(TopicsPart):
    """Topics and what they keep."""

    def create(self, topic: str, /, **settings: int | None) -> Topic:
        """Create a topic with settings, and return it; publishing creates one without.

        Parameters
        ----------
        topic
            Its name, without ``*``.
        settings
            What it keeps, each None unless said: ``keep_ms``, entries of that age; ``keep_entries``, so many of the
            newest; ``keep_bytes``, so many bytes of the newest, headers and payloads. An entry must be within all.

        Returns
        -------
        Topic
            All of its settings.

        Raises
        ------
        InvalidValue
            No such setting, or a value it can't have.
        Conflict
            There is a topic of that name; `update` changes it.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.topics.create("metrics", keep_ms=3_600_000, keep_entries=10_000).keep_entries
        10000
        """
        values = {"name": topic_name(topic), **checked(settings, SETTINGS, f"topic {topic!r}")}
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        try:
            rows = self._session.change(
                f"insert into topic ({names}) values ({marks}) returning {COLUMNS}", (*values.values(),)
            )
        except RuleViolated as error:
            if error.rule != "topic.name":
                raise
            raise Conflict(
                f"a topic must have a name of its own, got {topic!r}, which exists; use db.topics.update"
            ) from error
        return Topic(*rows[0])

    def get(self, topic: str, /) -> Topic:
        """Return a topic and its settings.

        Parameters
        ----------
        topic
            Its name.

        Raises
        ------
        TopicNotFound
            There is none; the message names the closest.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.topics.publish("news", "hello")
        ...     db.topics.get("news").keep_ms is None
        True
        """
        return Topic(*self._topic(COLUMNS, topic))

    def list(self) -> builtins.list[Topic]:
        """Return all topics, in the order they were created.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.topics.publish("news", "hello"), db.topics.publish("jobs", 1)
        ...     [topic.name for topic in db.topics.list()]
        ['news', 'jobs']
        """
        sql = f"select {COLUMNS} from topic order by id"
        return [Topic(*row) for row in named_rows(self._session, "topic", ("name",), sql)]

    def update(self, topic: str, /, **settings: int | None) -> Topic:
        """Change what a topic keeps, and return it; settings that are not named stay.

        Parameters
        ----------
        topic
            Its name, which can't be changed: patterns ask for it.
        settings
            As for `create`.

        Raises
        ------
        TopicNotFound
            There is none of that name.
        InvalidValue
            No such setting, or a value it can't have.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.topics.publish("news", "hello")
        ...     db.topics.update("news", keep_entries=10).keep_entries
        10

        Notes
        -----
        The first `keep_entries` or `keep_bytes` of a topic counts what it has, in one transaction: 0.1 µs an
        entry where pages are in memory. Better set it before there are many.
        """
        values = checked(settings, SETTINGS, f"topic {topic_name(topic)!r}")
        if not values:
            return self.get(topic)
        changes = ", ".join(f"{column} = ?" for column in values)
        rows = self._session.change(
            f"update topic set {changes} where name = ? returning {COLUMNS}", (*values.values(), topic)
        )
        if not rows:
            raise self._no_topic(topic)
        return Topic(*rows[0])

    def drop(self, topic: str, /) -> int:
        """Drop a topic with its entries, and return how many they were; subscriptions stay.

        Parameters
        ----------
        topic
            Its name.

        Raises
        ------
        TopicNotFound
            There is none of that name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.topics.publish_many("news", ["a", "b"])
        ...     db.topics.drop("news")
        2

        Notes
        -----
        Outside a transaction it commits every 2,048 entries, so that nobody waits long. What a subscription had not
        settled is counted in its `missed`.
        """
        session = self._session
        (number,) = self._topic("id", topic)
        count: int = 0
        while True:
            with session.transaction():
                found = session.rows(
                    "select max(id), count(*) from (select id from topic_entry where topic_id = ? order by id limit ?)",
                    (number, DROPPED_AT_ONCE),
                )
                last, gone = found[0]
                session.change("delete from topic_entry where topic_id = ? and id <= ?", (number, last))
                count += gone
                if gone < DROPPED_AT_ONCE:
                    session.change("delete from topic where id = ?", (number,))
                    return count
