"""Topics and a plain model side by side: several subscriptions and consumers, a clock moved by hand, undo, reopening.

The model is lists that are looked through from end to end. After each step the file holds what the model says, and
every claim takes the same entries in the same order. Where a cursor stands between entries that a subscription does not
ask for is its own affair: the model takes that from the file, once it has seen that nothing asked for lies between.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import neurograph
from effort import examples
from neurograph import Entry
from neurograph.errors import LeaseLost
from neurograph.stores.topics import clock, passing, publishing

S = 1_000_000_000
GRACE_S = 1
WINDOW = 3
TRIM_EVERY = 2
TOPICS: dict[str, dict[str, Any]] = {
    "a": {},
    "a.b": {"keep_bytes": 24},
    "a.c": {"keep_entries": 4},
    "b": {"keep_ms": 6000, "keep_entries": 9},
}
SUBSCRIPTIONS: dict[str, dict[str, Any]] = {
    "all": {"pattern": "*", "lease_ms": 4000, "attempts": 2, "backoff_ms": 2000, "jitter": 0},
    "some": {"pattern": "a*", "where": {"n": {"$gte": 2}}, "lease_ms": 3000, "attempts": 3, "backoff": "fixed",
             "backoff_ms": 1000, "jitter": 0},
    "dots": {"pattern": "a.*", "lease_ms": 3000, "attempts": 1},
    "one": {"pattern": "a.c", "lease_ms": 2000, "backoff_ms": 1000, "backoff_most_ms": 3000, "jitter": 0},
}  # fmt: skip
DEFAULTS = {"attempts": 5, "backoff": "exponential", "backoff_ms": 1000, "backoff_most_ms": 300_000}

topics = st.sampled_from(sorted(TOPICS))
subscriptions = st.sampled_from(sorted(SUBSCRIPTIONS))


def matches(pattern: str, topic: str) -> bool:
    return topic.startswith(pattern[:-1]) if pattern.endswith("*") else topic == pattern


class Model:
    """What the log and its readers hold, by the manual's words."""

    def __init__(self) -> None:
        self.now = 1_700_000_000 * S
        self.next = 1
        self.log: list[dict[str, Any]] = []
        self.cursors = dict.fromkeys(SUBSCRIPTIONS, 0)
        self.missed = dict.fromkeys(SUBSCRIPTIONS, 0)
        self.held: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in SUBSCRIPTIONS}
        self.ever: list[tuple[int, str]] = []

    def asked(self, name: str, entry: dict[str, Any]) -> bool:
        where = "where" not in SUBSCRIPTIONS[name] or entry["n"] >= 2
        return where and matches(SUBSCRIPTIONS[name]["pattern"], entry["topic"])

    def above(self, name: str) -> list[dict[str, Any]]:
        return [e for e in self.log if e["id"] > self.cursors[name] and self.asked(name, e)]

    def publish(self, topic: str, numbers: list[int]) -> list[int]:
        ids = [*range(self.next, self.next + len(numbers))]
        self.log += [{"id": id, "topic": topic, "n": n, "at": self.now} for id, n in zip(ids, numbers, strict=True)]
        self.next += len(numbers)
        return ids

    def trim(self, topic: str) -> int:
        kept = TOPICS[topic]
        count = 0
        while entries := [e for e in self.log if e["topic"] == topic]:
            old = "keep_ms" in kept and entries[0]["at"] < self.now - kept["keep_ms"] * 10**6
            many = "keep_entries" in kept and len(entries) > kept["keep_entries"]
            large = "keep_bytes" in kept and len(entries) > 1 and 7 * len(entries) > kept["keep_bytes"]
            if not (old or many or large):
                break
            self.forget(entries[0])
            count += 1
        return count

    def forget(self, entry: dict[str, Any]) -> None:
        self.log.remove(entry)
        for name, deliveries in self.held.items():
            delivery = deliveries.pop(entry["id"], None)
            open_ = delivery["state"] != "dead" if delivery else entry["id"] > self.cursors[name]
            self.missed[name] += open_ and matches(SUBSCRIPTIONS[name]["pattern"], entry["topic"])

    def pass_time(self, name: str) -> None:
        for d in self.held[name].values():
            if d["due"] is not None and d["due"] <= self.now:
                if d["state"] == "claimed":
                    dead = d["attempts"] >= (DEFAULTS | SUBSCRIPTIONS[name])["attempts"]
                    d.update(state="dead" if dead else "ready", error="the lease ran out")
                else:
                    d["state"] = "ready"
                d["due"] = None

    def claimable(self, name: str, n: int) -> list[int]:
        self.pass_time(name)
        again = sorted(id for id, d in self.held[name].items() if d["state"] == "ready")
        return (again + [e["id"] for e in self.above(name)])[:n]

    def claim(self, name: str, entry: Entry) -> None:
        d = self.held[name].setdefault(entry.id, {"attempts": 0, "error": None})
        until = self.now + (SUBSCRIPTIONS[name]["lease_ms"] + GRACE_S * 1000) * 10**6
        d.update(state="claimed", due=until, attempts=d["attempts"] + 1, claim=entry.claim)

    def fail(self, name: str, d: dict[str, Any]) -> None:
        s = DEFAULTS | SUBSCRIPTIONS[name]
        d["error"] = "why"
        if d["attempts"] >= s["attempts"]:
            d.update(state="dead", due=None)
            return
        times = 2 ** (d["attempts"] - 1) if s["backoff"] == "exponential" else 1
        d.update(state="delayed", due=self.now + min(s["backoff_ms"] * times, s["backoff_most_ms"]) * 10**6)

    def seek(self, name: str, cursor: int) -> bool:
        self.cursors[name] = cursor
        self.held[name] = {id: d for id, d in self.held[name].items() if id <= cursor}
        there = {e["id"] for e in self.log}
        return all(id in there or not matches(SUBSCRIPTIONS[name]["pattern"], t) for id, t in self.ever if id > cursor)


class Topics(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.patches = [
            mock.patch.object(clock, "now_ns", self.now_ns),
            mock.patch.object(passing, "WINDOW", WINDOW),
            mock.patch.object(publishing, "TRIM_EVERY", TRIM_EVERY),
        ]
        for patch in self.patches:
            patch.start()
        self.folder = Path(tempfile.mkdtemp())
        self.saved: list[Any] = []
        self.held: list[tuple[str, Entry]] = []  # by whichever consumer, some of them lost
        self.open()
        for name, options in TOPICS.items():
            self.db.topics.create(name, **options)
        self.subscribe()

    def now_ns(self) -> int:
        return self.model.now

    def open(self) -> None:
        self.db = neurograph.open(self.folder / "t.ngdb", synchronous="off", busy_timeout_s=GRACE_S)
        self.untrimmed: dict[str, int] = {}

    def subscribe(self) -> None:
        self.readers = {
            name: [self.db.topics.subscribe(name, start="first", **options) for _ in range(2)]
            for name, options in SUBSCRIPTIONS.items()
        }

    def teardown(self) -> None:
        while self.db.in_transaction:
            self.db.rollback()
        assert self.db.check() == []
        self.db.close()
        for patch in self.patches:
            patch.stop()
        shutil.rmtree(self.folder)

    @rule(topic=topics, numbers=st.lists(st.integers(0, 4), min_size=1, max_size=3), many=st.booleans())
    def publish(self, topic: str, numbers: list[int], many: bool) -> None:
        payloads = [{"n": n} for n in numbers]
        if many:
            got = [*self.db.topics.publish_many(topic, payloads)]
        else:
            numbers, got = numbers[:1], [self.db.topics.publish(topic, payloads[0])]
        ids = self.model.publish(topic, numbers)
        self.model.ever += [(id, topic) for id in ids]
        assert got == ids
        due = self.untrimmed.get(topic, TRIM_EVERY) + len(ids)
        if due > TRIM_EVERY:
            self.model.trim(topic)
            due = 0
        self.untrimmed[topic] = due

    @rule(topic=st.sampled_from([None, *TOPICS]))
    def trim(self, topic: str | None) -> None:
        wanted = sum(self.model.trim(name) for name in (TOPICS if topic is None else [topic]))
        assert self.db.topics.trim(topic) == wanted

    @rule(name=subscriptions, n=st.integers(1, 4), which=st.integers(0, 1))
    def claim(self, name: str, n: int, which: int) -> None:
        wanted = self.model.claimable(name, n)
        got = self.readers[name][which].claim(n)
        ids = [entry.id for entry in got]
        assert ids == wanted[: len(ids)]
        if SUBSCRIPTIONS[name]["pattern"] in {"*", "a.c"}:
            assert ids == wanted
        assert bool(ids) == bool(wanted)
        for entry in got:
            self.model.claim(name, entry)
            model = next(e for e in self.model.log if e["id"] == entry.id)
            assert (entry.topic, entry.payload, entry.published_ns) == (model["topic"], {"n": model["n"]}, model["at"])
            d = self.model.held[name][entry.id]
            assert (entry.state, entry.attempts, entry.due_ns) == ("claimed", d["attempts"], d["due"])
            assert entry.error == d["error"]
        self.held += [(name, entry) for entry in got]
        self.model.cursors[name] = max([self.model.cursors[name], *ids])

    @precondition(lambda self: self.held)
    @rule(data=st.data(), what=st.sampled_from(["ack", "ack", "nack", "extend", "release"]), many=st.booleans())
    def settle(self, data: st.DataObject, what: str, many: bool) -> None:
        name, entry = data.draw(st.sampled_from(self.held))
        d = self.model.held[name].get(entry.id)
        mine = d is not None and d["state"] == "claimed" and d.get("claim") == entry.claim
        reader = data.draw(st.sampled_from(self.readers[name]))
        options = {"error": "why"} if what == "nack" else {}
        if many:
            (answer,) = getattr(reader, f"{what}_many")([entry], **options) or [None if what != "extend" else entry]
            assert (answer is None) == (mine if what != "extend" else not mine)
        else:
            try:
                getattr(reader, what)(entry, **options)
                assert mine
            except LeaseLost:
                assert not mine
        if not mine or d is None:
            return
        if what == "ack":
            del self.model.held[name][entry.id]
        elif what == "nack":
            self.model.fail(name, d)
        elif what == "extend":
            d["due"] = self.model.now + (SUBSCRIPTIONS[name]["lease_ms"] + GRACE_S * 1000) * 10**6
        else:
            d.update(state="ready", due=None, attempts=d["attempts"] - 1)

    @rule(name=subscriptions, data=st.data())
    def seek(self, name: str, data: st.DataObject) -> None:
        reader = self.readers[name][0]
        if data.draw(st.booleans()):
            sequence = data.draw(st.integers(1, self.model.next))
            assert reader.seek(sequence=sequence) == self.model.seek(name, sequence - 1)
            return
        at = self.model.now - data.draw(st.integers(-1, 12)) * S
        before = [e["id"] for e in self.model.log if e["at"] < at]
        later = [e for e in self.model.log if e["at"] >= at]
        cursor = max(before, default=0) if later else self.model.next - 1
        assert reader.seek(at_ns=at) == self.model.seek(name, cursor)

    @rule(name=subscriptions)
    def redrive(self, name: str) -> None:
        dead = [d for d in self.model.held[name].values() if d["state"] == "dead"]
        assert self.readers[name][0].redrive() == len(dead)
        for d in dead:
            d.update(state="ready", attempts=0)

    @rule(pattern=st.sampled_from(["*", "a*", "a.*", "a.c", "none"]), after=st.integers(0, 20), n=st.integers(0, 9))
    def read(self, pattern: str, after: int, n: int) -> None:
        wanted = [e["id"] for e in self.model.log if e["id"] > after and matches(pattern, e["topic"])][:n]
        assert [entry.id for entry in self.db.topics.read(pattern, after=after, limit=n)] == wanted

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
        self.db.close()
        self.open()
        self.subscribe()

    @invariant()
    def file_and_model_are_equal(self) -> None:
        model = self.model
        rows = self.db.execute("select id, topic, payload ->> 'n', published_ns from topic_log order by id").fetchall()
        assert rows == [(e["id"], e["topic"], e["n"], e["at"]) for e in model.log]
        found = self.db.execute("select name, cursor, missed from subscription").fetchall()
        for name, cursor, missed in found:
            between = [e for e in model.above(name) if e["id"] <= cursor]
            assert (between, cursor >= model.cursors[name]) == ([], True)
            model.cursors[name] = cursor
            assert missed == model.missed[name]
        rows = self.db.execute(
            "select s.name, d.entry_id, d.state, d.due_ns, d.attempts, d.error "
            "from delivery as d join subscription as s on s.id = d.subscription_id order by 1, 2"
        ).fetchall()
        assert rows == sorted(
            (name, id, d["state"], d["due"], d["attempts"], d["error"])
            for name, deliveries in model.held.items()
            for id, d in deliveries.items()
        )
        for name, (reader, _) in self.readers.items():
            stats = reader.stats()
            assert stats.lag == len(model.above(name))
            then = copy.deepcopy(model)
            then.pass_time(name)
            states = [d["state"] for d in then.held[name].values()]
            assert (stats.ready, stats.delayed, stats.claimed, stats.dead) == tuple(
                map(states.count, ("ready", "delayed", "claimed", "dead"))
            )


TestTopics = Topics.TestCase
TestTopics.settings = settings(
    max_examples=examples(30), stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
