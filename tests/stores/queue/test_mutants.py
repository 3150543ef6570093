"""Mutation testing of the queue: a change of a comparison, a constant or a condition makes a test fail."""

from __future__ import annotations

import os

import pytest
import queue_mutants

# Changes that no test can tell, or that only cost time: each with its reason.
HARMLESS = {
    "null -> 0: update channel set expired = expired + pending",  # without a capacity nothing is pending
    "< -> <=: from channel where id = new.channel_id and rate_per_s",  # a millionth of a message
    "- -> +: and turn <= coalesce(new.published_ns",  # what waits is not due before it expires
    "+ -> -: + case when ageing_ms is null then 0 else new.published_ns end",  # the rank is made twice, and right
    "and -> or: or exists (select 1 from message where channel_id = channel.id and state = 'ready'",  # tried too soon
    "True -> False: for message, end in zip",  # as many by construction
    "100 -> (100 + 1): def dead",  # the length of a page
    "False -> True: _flows",  # the first claim tries the quick way, and falls back
    "not exists -> exists: and not exists ({DUE",  # the quick way is never taken
    "30.0 -> (30.0 + 1): timeout_s: float = 30.0",  # no test waits for so long
    "and -> or: select raise(abort,",  # what the text says
    "and -> or: select min(turn) from message where channel_id = new.channel_id",  # begins lower, and finds the same
    "<= -> <: if rows and rows[0][4] is not None and rows[0][4] <= now",  # a nanosecond later is as good
    "<= -> <: return state, None if due is None or due <= now",
    "0.0 -> (0.0 + 1): return max(0.0,",  # a heartbeat comes later, within the lease and its grace
    "1 -> (1 + 1): most = -1 if n is None",  # below zero is no limit
    ">= -> >: if len(self._known) >= MOST_KNOWN",
    "5 -> (5 + 1): self, expression: str, n: int = 5",
    "16 -> (16 + 1): end, correlation",
    "<= -> <: if end is not None and end <= due",
    "0 -> (0 + 1): self.stop(0)",  # how long it waits for threads that were never started
    "where t.name = 'queue.done' and t.enabled and m.id = ?",  # the tests of events tell
    "NEVER_NS = 2**63 - 1",  # as good as never
    "0.0 -> (0.0 + 1): self.extend_at = 0.0",  # set before it is read
    "0.5 -> (0.5 + 1): LOOKS_S = 0.5",  # how soon
    "<= -> <: over = [pair for pair in busy",
    "1 -> 2: limit (select coalesce(max(0,",  # the inner of two limits: mutants of the outer one die
    "- -> +: limit (select coalesce(max(0,",
}
COUNT = int(os.environ.get("NGDB_MUTANTS", "60"))


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="each mutant runs in a fork")
def test_no_mutant_of_the_sample_lives() -> None:
    alive = [str(mutant) for mutant in queue_mutants.survivors(COUNT, seed=0)]
    assert [text for text in alive if not any(known in text for known in HARMLESS)] == []


def test_there_are_mutants_of_each_file_and_each_is_a_change() -> None:
    found = queue_mutants.every_mutant()
    texts = {
        file: (queue_mutants.REPOSITORY / file).read_text(encoding="utf-8") for file in {one.file for one in found}
    }
    assert len(texts) > 12
    for one in found:
        assert texts[one.file][one.place :].startswith(one.old)
        assert one.old != one.new
