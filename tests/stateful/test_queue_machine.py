"""The queue and a plain model side by side: several consumers, a clock moved by hand, rollback, reopening, others.

After each step the file holds what the model says, and every claim takes the same messages in the same order.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import queue_others
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from queue_model import CHANNELS, DEFAULTS, GRACE_S, PENDING, Model, S

import neurograph
from effort import examples
from neurograph import Consumer, Message
from neurograph.errors import ChannelFull, LeaseLost
from neurograph.stores.queue import clock

names = st.sampled_from(sorted(CHANNELS))
priorities = st.sampled_from([None, 0, 5, 50, 60])


class Queues(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.clock = mock.patch.multiple(clock, now_ns=self.now_ns, monotonic=lambda: self.model.now / S)
        self.clock.start()
        self.folder = Path(tempfile.mkdtemp())
        self.open()
        self.db.queue.configure(CHANNELS)
        self.held: list[Message] = []  # by whichever consumer, some of them lost
        self.saved: list[Any] = []
        self.consumers: dict[str, Consumer] = {}
        self.ahead: dict[str, list[Message]] = {}  # what they have claimed and not yet given out
        self.fresh_until: dict[str, int] = {}

    def now_ns(self) -> int:
        return self.model.now

    @property
    def path(self) -> Path:
        return self.folder / "q.ngdb"

    def open(self) -> None:
        self.db = neurograph.open(self.path, synchronous="off", busy_timeout_s=GRACE_S)

    def teardown(self) -> None:
        while self.db.in_transaction:
            self.db.rollback()
        for consumer in self.consumers.values():
            consumer.close()
        assert self.db.check() == []
        self.db.close()
        self.clock.stop()
        shutil.rmtree(self.folder)

    def mine(self, message: Message) -> dict[str, Any] | None:
        """Return the model's message if this claim of it still holds."""
        return next(
            (
                m
                for m in self.model.messages
                if m["state"] == "claimed" and m.get("claim") == (message.id, message.claim)
            ),
            None,
        )

    @rule(
        channel=names,
        priority=priorities,
        key=st.sampled_from([None, None, "k", "l"]),
        delay_s=st.sampled_from([0, 0, 0, 2, 5]),
    )
    def publish(self, channel: str, priority: int | None, key: str | None, delay_s: int) -> None:
        said = self.model.publish(channel, priority, key, delay_s)
        try:
            published = self.db.queue.publish(channel, None, priority=priority, key=key, delay_s=delay_s or None)
        except ChannelFull:
            assert said == "full"
            return
        if published.duplicate:
            assert said == f"duplicate of {published.id}"
        else:
            assert published.id == said

    @rule(channel=names, n=st.integers(1, 3))
    def claim(self, channel: str, n: int) -> None:
        wanted = self.model.claim(channel, n)
        self.claimed(self.db.queue.claim(channel, n), wanted)

    def claimed(self, got: list[Message], wanted: list[dict[str, Any]]) -> None:
        assert [m.id for m in got] == [m["id"] for m in wanted]
        assert [m.attempts for m in got] == [m["attempts"] for m in wanted]
        for message, m in zip(got, wanted, strict=True):
            m["claim"] = (message.id, message.claim)
        self.held += got

    # --- consumers that claim ahead, two at a time --------------------------------------------------------------------

    @precondition(lambda self: not self.saved)
    @rule(channel=names)
    def consume(self, channel: str) -> None:
        if channel not in self.consumers:
            self.consumers[channel] = self.db.queue.consume(channel, n=2, timeout_s=0)
        lease_ms, ahead = CHANNELS[channel]["lease_ms"], self.ahead.pop(channel, [])
        if ahead and self.model.now >= self.fresh_until[channel]:
            ahead = [message for message in ahead if self.mine(message)]
            for message in ahead:
                self.mine(message)["due"] = self.model.now + (lease_ms + GRACE_S * 1000) * 10**6  # type: ignore[index]
            self.fresh_until[channel] = self.model.now + lease_ms * 10**6 // 3
        got = next(self.consumers[channel], None) if ahead else None
        if ahead:
            assert got is not None
            assert (got.id, got.claim) == (ahead[0].id, ahead[0].claim)
            self.held.append(got)
            self.ahead[channel] = ahead[1:]
            return
        wanted = self.model.claim(channel, 2)
        got = next(self.consumers[channel], None)
        messages = [] if got is None else [got, *self.consumers[channel]._ahead]
        self.claimed(messages, wanted)
        del self.held[len(self.held) - len(messages) + 1 :]
        self.ahead[channel] = messages[1:]
        self.fresh_until[channel] = self.model.now + lease_ms * 10**6 // 3

    def close_consumers(self) -> None:
        """Close them; what they had claimed ahead is ready again."""
        for channel, consumer in self.consumers.items():
            consumer.close()
            for message in self.ahead.get(channel, []):
                if m := self.mine(message):
                    m.update(state="ready", due=m["expires"], attempts=m["attempts"] - 1)
        self.consumers, self.ahead = {}, {}

    # --- other processes ----------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.saved)
    @rule(channel=names, priority=priorities, key=st.sampled_from([None, "k"]), delay_s=st.sampled_from([0, 2]))
    def publish_elsewhere(self, channel: str, priority: int | None, key: str | None, delay_s: int) -> None:
        said = self.model.publish(channel, priority, key, delay_s)
        published = queue_others.call(
            self.path, self.model.now, GRACE_S, "publish", channel, None, priority=priority, key=key,
            delay_s=delay_s or None,
        )  # fmt: skip
        if said == "full":
            assert published is ChannelFull
        elif published.duplicate:
            assert said == f"duplicate of {published.id}"
        else:
            assert published.id == said

    @precondition(lambda self: not self.saved)
    @rule(channel=names)
    def claim_elsewhere(self, channel: str) -> None:
        wanted = self.model.claim(channel, 2)
        self.claimed(queue_others.call(self.path, self.model.now, GRACE_S, "claim", channel, 2), wanted)

    @precondition(lambda self: self.held and not self.saved)
    @rule(data=st.data(), what=st.sampled_from(["ack", "nack", "extend", "release"]))
    def settle_elsewhere(self, data: st.DataObject, what: str) -> None:
        message = data.draw(st.sampled_from(self.held))
        m = self.mine(message)
        said = queue_others.call(self.path, self.model.now, GRACE_S, what, message)
        assert (said is LeaseLost) == (m is None)
        if m is not None:
            self.settled(m, what)

    @precondition(lambda self: not self.saved)
    @rule(channel=names, priority=priorities, key=st.sampled_from([None, "k"]), delay_s=st.sampled_from([0, 2]))
    def publish_by_plain_sql(self, channel: str, priority: int | None, key: str | None, delay_s: int) -> None:
        last = self.model.next
        said = self.model.publish(channel, priority, key, delay_s, by_sql=True)
        now = self.model.now
        changed = queue_others.execute(
            self.path,
            "insert into message (channel_id, payload, priority, key, published_ns, due_ns) "
            "select id, 'null', ?, ?, ?, ? from channel where name = ?",
            priority, key, now, now + delay_s * S if delay_s else None, channel,
        )  # fmt: skip
        if said == "full":
            assert changed == "ng:message.capacity: a channel must have room for a message"
            return
        stored = isinstance(said, int)
        assert changed == int(stored)
        if stored:  # its id may be higher: ids are noted ahead
            ((number,),) = queue_others.execute(self.path, "select max(id) from message")
            assert number >= last
            self.model.messages[-1]["id"] = number
            self.model.next = number + 1
            if key:
                self.model.keys[channel, key] = (number, self.model.keys[channel, key][1])

    @precondition(lambda self: not self.saved)
    @rule(number=st.integers(1, 12))
    def delete_by_plain_sql(self, number: int) -> None:
        before = len(self.model.messages)
        self.model.messages = [m for m in self.model.messages if m["id"] != number]
        gone = queue_others.execute(self.path, "delete from message where id = ?", number)
        assert gone == before - len(self.model.messages)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), what=st.sampled_from(["ack", "nack", "extend", "release"]), many=st.booleans())
    def settle(self, data: st.DataObject, what: str, many: bool) -> None:
        message = data.draw(st.sampled_from(self.held))
        m = self.mine(message)
        queue = self.db.queue
        if many:
            (answer,) = getattr(queue, f"{what}_many")([message]) or [None if what != "extend" else message]
            assert (answer is None) == ((m is not None) if what != "extend" else (m is None))
        else:
            try:
                getattr(queue, what)(message)
                assert m is not None
            except LeaseLost:
                assert m is None
        if m is not None:
            self.settled(m, what)

    def settled(self, m: dict[str, Any], what: str) -> None:
        settings_ = DEFAULTS | CHANNELS[m["channel"]]
        if what == "ack" and settings_["keep_ms"]:
            m.update(state="done", due=self.model.now + settings_["keep_ms"] * 10**6)
        elif what == "ack":
            self.model.messages.remove(m)
        elif what == "nack":
            self.model.fail(m)
        elif what == "extend":
            m["due"] = self.model.now + (settings_["lease_ms"] + GRACE_S * 1000) * 10**6
        else:
            m.update(state="ready", due=m["expires"], attempts=m["attempts"] - 1)

    @rule(number=st.integers(1, 12))
    def cancel(self, number: int) -> None:
        m = next((m for m in self.model.messages if m["id"] == number and m["state"] in {"ready", "delayed"}), None)
        assert self.db.queue.cancel(number) == (m is not None)
        if m:
            self.model.messages.remove(m)

    @rule(channel=names)
    def redrive(self, channel: str) -> None:
        assert self.db.queue.redrive(channel) == self.model.redrive(channel)

    @rule(channel=names)
    def purge(self, channel: str) -> None:
        gone = self.model.of(channel, *PENDING, "done", "dead")
        assert self.db.queue.purge(channel) == len(gone)
        self.model.messages = [m for m in self.model.messages if m not in gone]

    @rule(seconds=st.sampled_from([1, 1, 2, 5, 30]))
    def move(self, seconds: int) -> None:
        self.model.now += seconds * S

    @precondition(lambda self: len(self.saved) < 2)
    @rule()
    def begin(self) -> None:
        self.db.begin()
        self.saved.append((copy.deepcopy(self.model), list(self.held)))

    @precondition(lambda self: self.saved)
    @rule(keep=st.booleans())
    def end(self, keep: bool) -> None:
        model, held = self.saved.pop()
        if keep:
            self.db.commit()
        else:
            self.db.rollback()
            model.now = self.model.now
            self.model, self.held = model, held

    @precondition(lambda self: not self.saved)
    @rule()
    def reopen(self) -> None:
        self.close_consumers()
        self.db.close()
        self.open()

    @invariant()
    def file_and_model_are_equal(self) -> None:
        rows = self.db.execute(
            "select m.id, c.name, m.state, m.priority, m.due_ns, m.expires_ns, m.attempts, m.key, "
            "(select name from channel where id = m.origin), (select count(*) from failure where message_id = m.id) "
            "from message as m join channel as c on c.id = m.channel_id order by m.id"
        ).fetchall()
        columns = ("id", "channel", "state", "priority", "due", "expires", "attempts", "key", "origin", "failures")
        assert rows == [tuple(m[name] for name in columns) for m in sorted(self.model.messages, key=lambda m: m["id"])]
        for stats in self.db.queue.stats_of_all():
            assert stats == self.model.stats(stats.channel)


@pytest.fixture(scope="module", autouse=True)
def _others() -> Iterator[None]:
    yield
    queue_others.package.end()
    queue_others.stock.end()


TestQueues = Queues.TestCase
TestQueues.settings = settings(
    max_examples=examples(30), stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("name", sorted(CHANNELS))
def test_the_models_channels_can_be_configured(name: str) -> None:
    with neurograph.open(":memory:") as db:
        assert db.queue.create_channel(name, **CHANNELS[name]).name == name
