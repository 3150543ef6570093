"""The 39 channels that ATLAS runs, as a configuration: name, size, seconds to live, what goes when full, priority.

``N`` refuses the new message, ``O`` drops the least urgent (what its ``drop_old`` does).
"""

from __future__ import annotations

from typing import Any

LIST = """
user.input 100/30/N/2; user.output 500/60/O/5; user.notification 200/120/O/5; llm.request 50/120/N/2;
llm.stream 10000/10/O/8; llm.complete 200/300/N/5; llm.error 100/600/N/2; tool.invoke 100/300/N/2;
tool.result 100/300/N/5; tool.progress 500/30/O/8; tool.error 100/600/N/2; agent.spawn 50/60/N/2;
agent.delegate 100/120/N/2; agent.status 500/30/O/8; agent.terminate 50/30/N/0; agent.result 100/300/N/5;
task.create 100/120/N/2; task.update 200/60/O/5; task.complete 100/300/N/5; job.schedule 50/-/N/5;
job.create 50/120/N/5; job.update 100/60/O/5; job.execute 50/300/N/2; job.result 100/600/N/5;
conversation.start 50/60/N/2; conversation.message 500/120/N/5; conversation.end 50/60/N/5;
context.update 200/60/O/5; followup 100/300/N/5; skill.activity 200/60/O/5; blackboard.event 200/60/O/5;
budget.usage 500/60/O/10; budget.alert 100/300/N/2; budget.policy 50/120/N/5; system.control 50/30/N/0;
system.metrics 1000/60/O/10; system.log 2000/300/O/10; system.dlq 500/-/N/8; system.health 100/30/O/8
"""


def channels() -> dict[str, dict[str, Any]]:
    """Return name → settings, as `db.queue.configure` takes them."""
    found: dict[str, dict[str, Any]] = {}
    for entry in LIST.split(";"):
        name, facts = entry.split()
        size, ttl_s, policy, priority = facts.split("/")
        found[name] = {
            "capacity": int(size),
            "ttl_ms": None if ttl_s == "-" else int(ttl_s) * 1000,
            "when_full": "reject" if policy == "N" else "evict_lowest",
            "priority": int(priority),
        }
    for name in ("llm.error", "tool.error"):
        found[name]["dead_letter"] = "system.dlq"
    return found
