"""Invariants of topics, their entries, subscriptions and deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apsw

from ...stores.topics.condition import condition_sql
from .invariant import Invariant, not_utf8

NEWEST = "select max(entry_id, coalesce((select max(id) from topic_entry), 0)) from topic_entry_floor"


def _conditions(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
    sql = "select id, cast(condition as blob) from subscription where condition is not null"
    for number, text in connection.execute(sql):
        assert isinstance(text, bytes)
        try:
            condition_sql(text.decode())
        except (ValueError, RecursionError):
            yield number, text.decode(errors="replace")


TOPICS = (
    Invariant(
        "topic.counters",
        """with found (topic_id, entries, bytes) as (
             select topic_id, count(*), sum(octet_length(payload) + coalesce(octet_length(headers), 0))
               from topic_entry
              where topic_id in (select id from topic where keep_entries is not null or keep_bytes is not null)
              group by topic_id)
           select t.id, t.entries, t.bytes
             from topic as t left join found as f on f.topic_id = t.id
            where (t.entries, t.bytes) is not (coalesce(f.entries, 0), coalesce(f.bytes, 0))""",
        "a topic with keep_entries or keep_bytes must count what it has, and no other; set them to null and back",
    ),
    Invariant(
        "topic.utf8",
        lambda connection: not_utf8("topic", ("name",), connection),
        "a name must be UTF-8, and can't be changed; delete the topic with SQL, by its id",
    ),
    Invariant(
        "topic_entry.topic",
        "select id, topic_id from topic_entry where topic_id not in (select id from topic)",
        "an entry must belong to a topic that exists; delete it",
    ),
    Invariant(
        "topic_entry.newest",
        """select seq from sqlite_sequence
            where name = 'topic_entry'
              and (seq < (select max(id) from topic_entry) or seq < (select entry_id from topic_entry_floor))
           union all
           select count(*) from topic_entry_floor having count(*) <> 1""",
        "sqlite_sequence must not be below the newest id, and topic_entry_floor must have its row; restore the file",
    ),
    Invariant(
        "subscription.utf8",
        lambda connection: not_utf8("subscription", ("name", "pattern"), connection),
        "name and pattern must be UTF-8; set them anew with SQL, by the subscription's id",
    ),
    Invariant(
        "subscription.cursor",
        f"select id, cursor from subscription where cursor > ({NEWEST})",
        "a cursor must not be above the newest entry, or the next ones would be passed over; set it back",
    ),
    Invariant(
        "subscription.condition",
        _conditions,
        "a condition must be one that db.topics.subscribe takes; set it to null",
    ),
    Invariant(
        "delivery.subscription",
        """select d.entry_id, d.subscription_id
             from delivery as d left join subscription as s on s.id = d.subscription_id
            where s.id is null or d.entry_id > s.cursor""",
        "a delivery must belong to a subscription that exists, at or below its cursor; delete it",
    ),
    Invariant(
        "delivery.entry",
        "select entry_id, subscription_id from delivery where entry_id not in (select id from topic_entry)",
        "a delivery must be of an entry that exists; delete it",
    ),
)
