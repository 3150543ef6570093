"""What the tests ask of a library that was written for one claim."""

from __future__ import annotations

from collections.abc import Callable

from neurograph.flows.stdlib_source import Source

Read = Callable[..., Source]


def edges(source: Source, kind: str = "calls") -> set[tuple[str, str]]:
    labels = source.labels()
    return {(labels[e.source], labels[e.target]) for e in source.edges if e.type == kind}


def called_by(source: Source, caller: str, kind: str = "calls") -> set[str]:
    return {target for origin, target in edges(source, kind) if origin == caller}


def unresolved(source: Source) -> dict[str, int]:
    return {reason: count for reason, count in source.calls.items() if count and reason != "resolved"}
