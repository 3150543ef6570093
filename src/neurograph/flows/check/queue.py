"""Invariants of channels and messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apsw

from ...stores.queue.recurring import TEXTS
from .invariant import Invariant, not_utf8, with_blobs

HEX_OF_NAME = "'x''' || hex(name) || ''''"


def _without_time(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
    sql = "select cast(name as blob), error from recurring where next_ns is null or error is not null"
    for name, error in connection.execute(sql):
        assert isinstance(name, bytes)
        yield name.decode(errors="replace"), error  # a name that is no text is one reason


QUEUE = (
    Invariant(
        "channel.pending",
        """select id, pending from channel as c
            where capacity is not null
              and pending <> (
                select count(*) from message where channel_id = c.id and state not in ('done', 'dead'))""",
        "a channel with a capacity must count its pending messages; set its capacity to null and back",
    ),
    Invariant(
        "channel.dead_letter",
        with_blobs(
            "select id, cast(dead_letter as blob) from channel where dead_letter not in (select name from channel)"
        ),
        "dead_letter must be the name of a channel; create it, or set it to null",
    ),
    Invariant(
        "channel.utf8",
        lambda connection: not_utf8("channel", ("name", "dead_letter"), connection),
        "name and dead_letter must be UTF-8; set them anew with SQL, by the channel's id",
    ),
    Invariant(
        "message.channel",
        "select id, channel_id from message where channel_id not in (select id from channel)",
        "a message must be in a channel that exists; delete it",
    ),
    Invariant(
        "message.rank",
        """select m.id, m.rank from message as m join channel as c on c.id = m.channel_id
            where m.priority is null or m.published_ns is null
               or m.rank is not m.priority * coalesce(c.ageing_ms * 1000000, 1)
                  + iif(c.ageing_ms is null, 0, m.published_ns)""",
        "a message must have a priority, the time it was published, and the rank they make; set its rank to null and "
        "its priority anew",
    ),
    Invariant(
        "message.due",
        """select id, state, due_ns, expires_ns from message
            where state = 'ready' and due_ns is not expires_ns or state = 'delayed' and due_ns > expires_ns""",
        "due_ns of a ready message must be when it expires, of a delayed one no later; set it so",
    ),
    Invariant(
        "message.newest",
        """select seq from sqlite_sequence
            where name = 'message'
              and (seq < (select max(id) from message) or seq < (select message_id from message_floor))
           union all
           select count(*) from message_floor having count(*) <> 1""",
        "sqlite_sequence must not be below the newest id, and message_floor must have its row; restore the file",
    ),
    Invariant(
        "message_key.message",
        with_blobs(
            """select k.channel_id, cast(k.key as blob) from message_key as k
                where k.pending <> exists (
                  select 1 from message as m
                   where m.id = k.message_id and m.channel_id = k.channel_id and m.key = k.key
                     and m.state not in ('done', 'dead'))"""
        ),
        "a key must be pending exactly while its message is; delete it",
    ),
    Invariant(
        "recurring.channel",
        with_blobs(
            "select cast(name as blob), channel_id from recurring where channel_id not in (select id from channel)"
        ),
        "what recurs must go to a channel that exists; delete it",
    ),
    Invariant(
        "recurring.next_ns",
        _without_time,
        "expression and time zone must be known and have a time to come; set them with db.queue.every",
    ),
    Invariant(
        "recurring.utf8",
        lambda connection: not_utf8("recurring", TEXTS, connection, HEX_OF_NAME),
        "name and texts must be UTF-8; set them anew, or delete the row, with SQL, where name = cast(x'…' as text)",
    ),
    Invariant(
        "failure.message",
        "select id, message_id from failure where message_id not in (select id from message)",
        "a failure must belong to a message that exists; delete it",
    ),
)
