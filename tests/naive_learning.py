"""Activation, confidence, decay and force of one connection, each a line or two: what the store must equal."""

from __future__ import annotations

from dataclasses import dataclass

HOUR_NS = 3_600 * 10**9
ACTIVE, MODIFIED, REINFORCED, DECAYING = 0x01, 0x10, 0x20, 0x40


@dataclass
class Learner:
    """What learning reads and writes."""

    mutability: int
    confidence: float
    rigidity: float
    learning_rate: float
    decay_rate: float
    modified_ns: int
    flags: int = 0
    activations: int = 0
    evidence: int = 0
    last_activation_ns: int | None = None

    def activate(self, n: int, now_ns: int, max_rigidity: float = 1.0) -> None:
        self.activations += n
        self.last_activation_ns = now_ns
        self.flags |= ACTIVE
        if self.mutability == 1:
            self.flags = (self.flags | REINFORCED) & ~DECAYING
            self.rigidity = max(self.rigidity, min(self.rigidity + n * (1 / 255), max_rigidity))

    def learn(self, success: bool, now_ns: int) -> None:
        if success:
            self.confidence = min(1.0, self.confidence + self.learning_rate)
            self.evidence += 1
        else:
            self.confidence = max(0.0, self.confidence - self.learning_rate / 2)
        self.flags |= MODIFIED
        self.modified_ns = max(self.modified_ns + 1, now_ns)

    def decay(self, now_ns: int) -> bool:
        """Lose an hour's share as long as more than an hour has passed."""
        decayed = False
        while self.mutability == 2 and now_ns - self.modified_ns > HOUR_NS:
            self.confidence *= 1 - self.decay_rate
            self.modified_ns += HOUR_NS
            self.flags = (self.flags & ~REINFORCED) | DECAYING
            decayed = True
        if decayed and self.confidence < 25 / 255:
            self.flags &= ~ACTIVE
        return decayed
