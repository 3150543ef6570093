"""Every writing call of the queue and of storage, one after another, and what the file holds of them.

Each is one transaction, so that a crash leaves what was there before it or all of it; the few that are more say what
may be seen in between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

import apsw

import neurograph
from neurograph import Message
from neurograph.connection.waiting import Waiting
from neurograph.stores.noting import AFTER
from neurograph.stores.queue import clock
from neurograph.stores.storage import clock as storage_clock

START_NS = 4_000_000_000 * 10**9  # 2096: by SQL's own clock nothing has expired
GRACE_S = 1
STATEMENTS = (
    "select id, name, capacity, pending, dead_letter, paused, evicted, expired, bucket from channel order by id",
    """
    select id, channel_id, state, priority, rank, due_ns, expires_ns, published_ns, attempts, claim is not null, origin,
           key, headers, payload, result
      from message order by id""",
    "select channel_id, key, message_id, until_ns, pending from message_key order by channel_id, message_id",
    "select message_id from message_floor",
    "select message_id, attempt, error, failed_ns from failure order by id",
    "select namespace, key, value, expires_ns, version from storage order by namespace, key",
    "select * from storage_namespace order by namespace",
    "select * from storage_change order by version",
    "select id, label from token order by id",
)
CHANNELS: dict[str, dict[str, Any]] = {
    "jobs": {"attempts": 2, "backoff": "fixed", "backoff_ms": 1000, "jitter": 0, "lease_ms": 5000,
             "dead_letter": "dlq", "capacity": 100},
    "kept": {"keep_ms": 60_000},
    "small": {"capacity": 2, "when_full": "evict_lowest", "ttl_ms": 3000},
    "oldest": {"capacity": 2, "when_full": "evict_oldest"},
    "keyed": {"dedup_ms": 60_000, "rate_per_s": 100.0},
}  # fmt: skip

Rows = list[list[tuple[Any, ...]]]
RANDOM = re.compile(r"[0-9a-f]{32}")


def rows_of(connection: apsw.Connection) -> Rows:
    """Return all rows of the queue and of storage, but what is random."""
    found = [connection.execute(sql).fetchall() for sql in STATEMENTS]
    return [
        [tuple(RANDOM.sub("…", value) if isinstance(value, str) else value for value in row) for row in rows]
        for rows in found
    ]


def messages_of(rows: Rows) -> dict[int, str]:
    """Return id → state."""
    return {row[0]: row[2] for row in rows[1]}


def newest(rows: Rows) -> int:
    """Return the highest id that was ever given to a message."""
    return max([rows[3][0][0], *messages_of(rows)])


class Call(NamedTuple):
    """A call by name, and what the rows may be between its transactions, where it is more than one."""

    name: str
    run: Callable[[], object]
    between: Callable[[Rows], bool] = lambda rows: False


class Steps:
    """The calls on one handle, with a clock of their own."""

    def __init__(self, db: neurograph.Database) -> None:
        self.db = db
        self.now_ns = START_NS
        self.held: list[Message] = []

    @contextmanager
    def time(self) -> Iterator[None]:
        """Let this clock be that of the queue and of storage."""
        with (
            mock.patch.object(clock, "now_ns", self.now),
            mock.patch.object(storage_clock, "now_ns", self.now),
        ):
            yield

    def now(self) -> int:
        return self.now_ns

    def claim(self, channel: str, n: int = 1) -> None:
        self.held = self.db.queue.claim(channel, n)
        assert len(self.held) == n

    def token(self) -> None:
        with self.db.transaction():
            token = self.db.tokens.create("cat")
            self.db.queue.publish("tokens", {"id": token.id})
            self.db.storage.set("tokens", "last", token.id)

    def note_ahead(self) -> None:
        """Publish once more, as the call does that commits twice: the second time for speed alone."""
        self.db.queue._unnoted = AFTER - 1
        self.db.queue.publish("jobs", {"n": 3}, priority=100)

    def request(self) -> None:
        def answer(waiting: Waiting, seen: int, until: float | None = None) -> bool:
            (message,) = self.db.queue.claim("sums")
            self.db.queue.reply(message, sum(message.payload))
            return True

        with mock.patch.object(Waiting, "wait", answer):
            assert self.db.queue.request("sums", [1, 2]).payload == 3

    def consume(self) -> None:
        with self.db.queue.consume("jobs", timeout_s=0) as consumer:
            self.held = [next(consumer)]

    def calls(self) -> Iterator[Call]:
        """Yield the calls; each must have been run before the next is asked for."""
        queue = self.db.queue
        yield Call("publish", lambda: queue.publish("jobs", {"n": 1}))
        yield Call("publish, a new channel", lambda: queue.publish("fresh", b"bytes", ttl_s=3))
        yield Call("publish, delayed", lambda: queue.publish("jobs", {"n": 2}, delay_s=2, headers={"trace": "t"}))
        yield Call("publish, a key", lambda: queue.publish("keyed", 1, key="k"))
        yield Call("publish, and note ids ahead", self.note_ahead)
        yield Call("publish_many", lambda: queue.publish_many("jobs", list(range(8))))
        yield Call("publish_many, priorities", lambda: queue.publish_many("jobs", [8, b"9"], priority=[0, 75]))
        yield Call("publish_many, keys", lambda: queue.publish_many("keyed", [1, 2, 3], key=["k", "l", None]))
        yield Call("publish_many, evicting", lambda: queue.publish_many("small", [1, 2, 3], priority=[75, 50, 25]))
        yield Call("publish_many, evicting the oldest", lambda: queue.publish_many("oldest", [1, 2, 3]))
        yield Call("publish, evicting", lambda: queue.publish("small", 4, priority=0))
        yield Call("a token, its message and a value", self.token)
        yield Call("claim", lambda: self.claim("jobs"))
        yield Call("ack", lambda: queue.ack(self.held[0]))
        yield Call("claim, many", lambda: self.claim("jobs", 6))
        one, two, three, four, five, six = self.held
        yield Call("ack_many", lambda: queue.ack_many([one, two]))
        yield Call("nack", lambda: queue.nack(three, ValueError("odd")))
        yield Call("nack_many", lambda: queue.nack_many([four, five], "no", delay_s=0))
        yield Call("extend", lambda: queue.extend(six, 60))
        yield Call("release", lambda: queue.release(six))
        yield Call("consume", self.consume, self.nothing_is_claimed)
        yield Call("extend_many", lambda: queue.extend_many(self.held, 1))
        yield Call("release_many", lambda: queue.release_many(self.held))
        yield Call("claim, and nothing more is done", lambda: self.claim("jobs", 2))
        self.now_ns += (5 + GRACE_S) * 10**9
        yield Call("claim, after leases and delays", lambda: self.claim("jobs", 5), self.nothing_is_claimed)
        first, *others = self.held
        last = next(message for message in others if message.attempts == 2)
        yield Call("nack, the last attempt", lambda: queue.nack(last, "for good"))
        yield Call("claim, and the lease of the last attempt", lambda: self.claim("jobs"))
        self.now_ns += (5 + GRACE_S) * 10**9
        yield Call("claim, burying the dead", lambda: self.claim("jobs"), self.nothing_is_claimed)
        yield Call("redrive", lambda: queue.redrive("dlq", n=1))
        yield Call("redrive, all", lambda: queue.redrive("dlq"))
        yield Call("publish, room for what expired", lambda: queue.publish("small", 5))
        yield Call("publish, kept", lambda: queue.publish_many("kept", [1, 2]))
        yield Call("claim, kept", lambda: self.claim("kept", 2))
        one, two = self.held
        yield Call("ack, with a result", lambda: queue.ack(one, {"sum": 3}))
        yield Call("ack_many, kept", lambda: queue.ack_many([two]))
        yield Call("request and reply", self.request, lambda rows: True)
        yield Call("claim, a key", lambda: self.claim("keyed"))
        yield Call("ack, a key", lambda: queue.ack(self.held[0]))
        yield Call("publish, in the window", lambda: queue.publish("keyed", 4, key="k"))
        self.now_ns += 61 * 10**9
        yield Call("publish, the window is over", lambda: queue.publish("keyed", 4, key="k"))
        yield Call("claim, dropping what is done", lambda: queue.claim("kept"), lambda rows: True)
        yield Call("cancel", lambda: queue.cancel(first.id + 1) or queue.cancel(queue.peek("jobs")[0].id))
        yield Call("update_channel", lambda: queue.update_channel("keyed", capacity=10, ageing_ms=1000))
        yield Call("pause", lambda: queue.pause("jobs"))
        yield Call("purge", lambda: queue.purge("jobs", "ready"))
        yield Call("remove_channel", lambda: queue.remove_channel("dlq"))
        yield Call("create_channel", lambda: queue.create_channel("made", dead_letter="made.dead"))
        yield Call("configure", lambda: queue.configure({"made": {"attempts": 3}, "more": {"capacity": 3}}))
        yield from self.storage_calls()

    def storage_calls(self) -> Iterator[Call]:
        storage = self.db.storage
        yield Call("set", lambda: storage.set("a", "x", {"on": True}))
        yield Call("set, over a value", lambda: storage.set("a", "x", "other", ttl_s=5))
        yield Call("set, a version", lambda: storage.set("a", "y", 1, if_version=0))
        yield Call("set_many", lambda: storage.set_many("a", {f"k{n}": "x" * 3000 for n in range(9)} | {"x": 2}))
        yield Call("set_many, with an end", lambda: storage.set_many("b", {"x": 1, "y": 2}, ttl_s=5))
        yield Call("increment", lambda: storage.increment("a", "y", 41))
        yield Call("increment, a new number", lambda: storage.increment("c", "n", 1, initial=5))
        yield Call("increment, beyond 64 bits", lambda: storage.increment("a", "y", 2**70))
        yield Call("delete", lambda: storage.delete("a", "k1"))
        yield Call("delete_many", lambda: storage.delete_many("a", ["k2", "k3"]))
        yield Call("quota", lambda: storage.quota("c", 1000))
        self.now_ns += 6 * 10**9
        yield Call("purge, storage", storage.purge)
        yield Call("clear", lambda: storage.clear("a"))

    @staticmethod
    def nothing_is_claimed(rows: Rows) -> bool:
        """Tell whether what was due is done and nothing is claimed yet."""
        return "claimed" not in messages_of(rows).values()


def states(db: neurograph.Database) -> Iterator[tuple[Call, Rows, Rows]]:
    """Run all calls, and yield each with the rows before and after it."""
    steps = Steps(db)
    connection = db._session.writer.connection
    with steps.time():
        before = rows_of(connection)
        for call in steps.calls():
            call.run()
            after = rows_of(connection)
            yield call, before, after
            before = after
