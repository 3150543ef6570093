"""The queue as a plain model, by the manual's words: a list of dicts that is looked through from end to end."""

from __future__ import annotations

import copy
from typing import Any

from neurograph import ChannelStats

S = 1_000_000_000
GRACE_S = 1
CHANNELS: dict[str, dict[str, Any]] = {
    "plain": {"attempts": 2, "backoff_ms": 2000, "jitter": 0, "lease_ms": 4000, "dead_letter": "dlq"},
    "small": {"capacity": 3, "attempts": 2, "backoff": "fixed", "backoff_ms": 1000, "jitter": 0, "lease_ms": 3000},
    "lowest": {
        "capacity": 3,
        "when_full": "evict_lowest",
        "ttl_ms": 9000,
        "lease_ms": 3000,
        "keep_ms": 5000,
        "jitter": 0,
    },
    "oldest": {"capacity": 3, "when_full": "evict_oldest", "dedup_ms": 6000, "lease_ms": 3000, "jitter": 0},
    "ageing": {"ageing_ms": 1000, "lease_ms": 3000, "attempts": 1},
    "dlq": {"attempts": 1, "lease_ms": 3000},
}
DEFAULTS = {"capacity": None, "when_full": "reject", "ttl_ms": None, "attempts": 5, "backoff": "exponential",
            "backoff_ms": 1000, "jitter": 0.1, "dead_letter": None, "dedup_ms": 0,
            "ageing_ms": None, "keep_ms": 0}  # fmt: skip
PENDING = ("ready", "delayed", "claimed")


class Model:
    """What the queue holds, by the manual's words."""

    def __init__(self) -> None:
        self.now = 1_700_000_000 * S
        self.next = 1
        self.messages: list[dict[str, Any]] = []
        self.keys: dict[tuple[str, str], tuple[int, int]] = {}  # message, until
        self.dropped = dict.fromkeys(CHANNELS, 0)  # as their time was over
        self.evicted = dict.fromkeys(CHANNELS, 0)

    def of(self, channel: str, *states: str) -> list[dict[str, Any]]:
        return [m for m in self.messages if m["channel"] == channel and m["state"] in states]

    def order(self, message: dict[str, Any]) -> tuple[float, int]:
        ageing = CHANNELS[message["channel"]].get("ageing_ms")
        waited = (self.now - message["published"]) / (ageing * 1e6) if ageing else 0
        return message["priority"] - waited, message["id"]

    def first_with(self, channel: str, key: str | None) -> int | None:
        number, until = self.keys.get((channel, key or ""), (0, 0))
        pending = any(m["id"] == number and m["channel"] == channel and m["state"] in PENDING for m in self.messages)
        return number if number and (pending or until > self.now) else None

    def publish(
        self, channel: str, priority: int | None, key: str | None, delay_s: int, by_sql: bool = False
    ) -> int | str | None:
        s = DEFAULTS | CHANNELS[channel]
        if key and not by_sql:
            self.end_what_is_over(channel, key)
        if key and (first := self.first_with(channel, key)):
            return f"duplicate of {first}"
        rank = priority if priority is not None else 50
        if s["capacity"]:
            for state in ("ready", "delayed"):  # what is expired makes room, as far as room is wanted
                if len(self.of(channel, *PENDING)) >= s["capacity"]:
                    gone = [m for m in self.expired(channel) if m["state"] == state]
                    self.messages = [m for m in self.messages if m not in gone]
                    self.dropped[channel] += len(gone)
            if len(self.of(channel, *PENDING)) >= s["capacity"]:
                ready = self.of(channel, "ready")
                if s["when_full"] == "reject":
                    return "full"
                if s["when_full"] == "evict_lowest":
                    worst = max(
                        (m for m in ready if m["priority"] > rank), key=lambda m: (m["priority"], m["id"]), default=None
                    )
                else:
                    worst = min(ready, key=lambda m: m["id"], default=None)
                self.evicted[channel] += 1
                if worst is None:
                    return None
                self.messages.remove(worst)
        expires = self.now + s["ttl_ms"] * 10**6 if s["ttl_ms"] else None
        due = min(self.now + delay_s * S, expires or 1 << 62) if delay_s else expires
        number = self.next
        self.next += 1
        self.messages.append(
            {"id": number, "channel": channel, "state": "delayed" if delay_s else "ready", "priority": rank, "due": due,
             "expires": expires, "published": self.now, "attempts": 0, "key": key, "origin": None, "failures": 0}
        )  # fmt: skip
        if key:
            self.keys[channel, key] = (number, self.now + s["dedup_ms"] * 10**6)
        return number

    def expired(self, channel: str) -> list[dict[str, Any]]:
        return [
            m
            for m in self.of(channel, "ready", "delayed")
            if m["expires"] and m["expires"] <= self.now and m["due"] <= self.now
        ]

    def end_what_is_over(self, channel: str, key: str) -> None:
        """Do what is due of the message with a key, if time has dropped it or made it a dead letter."""
        number, until = self.keys.get((channel, key), (0, 0))
        for m in self.of(channel, *PENDING):
            late = m["expires"] is not None and m["expires"] <= self.now
            spent = m["state"] == "claimed" and m["attempts"] >= (DEFAULTS | CHANNELS[channel])["attempts"]
            if m["id"] == number and until <= self.now and (late or spent):
                self.pass_time(channel, number)

    def pass_time(self, channel: str, only: int | None = None) -> None:
        for m in [m for m in self.of(channel, *PENDING, "done") if m["due"] and m["due"] <= self.now]:
            if m["id"] != (only or m["id"]):
                continue
            late = m["expires"] is not None and m["expires"] <= self.now
            if m["state"] == "claimed":
                m["failures"] += 1
                if m["attempts"] >= (DEFAULTS | CHANNELS[channel])["attempts"]:
                    self.bury(m)
                    continue
            if m["state"] == "done" or late:
                self.messages.remove(m)
                self.dropped[channel] += m["state"] != "done"
            else:
                m.update(state="ready", due=m["expires"])

    def bury(self, m: dict[str, Any]) -> None:
        target = CHANNELS[m["channel"]].get("dead_letter")
        if target and m["origin"] is None:
            m.update(origin=m["channel"], channel=target, state="ready", attempts=0, expires=None, due=None)
        else:
            m.update(state="dead", due=None, expires=None)

    def claim(self, channel: str, n: int) -> list[dict[str, Any]]:
        self.pass_time(channel)
        taken = sorted(self.of(channel, "ready"), key=self.order)[:n]
        for m in taken:
            until = self.now + (CHANNELS[channel]["lease_ms"] + GRACE_S * 1000) * 10**6
            m.update(state="claimed", due=until, attempts=m["attempts"] + 1)
        return taken

    def fail(self, m: dict[str, Any]) -> None:
        s = DEFAULTS | CHANNELS[m["channel"]]
        m["failures"] += 1
        if m["attempts"] >= s["attempts"]:
            self.bury(m)
            return
        times = 2 ** (m["attempts"] - 1) if s["backoff"] == "exponential" else 1
        due = self.now + s["backoff_ms"] * times * 10**6
        m.update(state="delayed", due=min(due, m["expires"] or due))

    def redrive(self, channel: str) -> int:
        back = [m for m in self.of(channel, "dead", "ready", "delayed") if m["state"] == "dead" or m["origin"]]
        for m in back:
            home = m["origin"] or channel
            ttl = CHANNELS[home].get("ttl_ms")
            expires = self.now + ttl * 10**6 if ttl else None
            m.update(channel=home, origin=None, state="ready", attempts=0, expires=expires, due=expires)
        return len(back)

    def stats(self, channel: str) -> ChannelStats:
        later = copy.deepcopy(self)
        later.pass_time(channel)
        moved = sum(m["origin"] == channel for m in later.messages) - sum(m["origin"] == channel for m in self.messages)
        ready = later.of(channel, "ready")
        states = {state: len(later.of(channel, state)) for state in ("ready", "delayed", "claimed", "done", "dead")}
        states["dead"] += moved  # they are counted here until they move
        return ChannelStats(
            channel=channel,
            **states,
            evicted=self.evicted[channel],
            expired=later.dropped[channel],
            oldest_ns=min((m["published"] for m in ready), default=None),
            paused=False,
        )
