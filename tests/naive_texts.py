"""Full text, slow and obvious: words by Python's own tables, and BM25 as FTS5's manual writes it down."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping

Item = tuple[str | None, str | None]
"""Key and text."""
K1, B = 1.2, 0.75


def words(text: str | None) -> list[str]:
    """Return the words of a text without case and accents: runs of letters and digits."""
    found, word = [], ""
    for sign in unicodedata.normalize("NFD", text or ""):
        kind = unicodedata.category(sign)
        if kind[0] in "LN" or kind == "Co":
            word += sign
        elif kind != "Mn" and word:
            found, word = [*found, word], ""
    return [part.lower() for part in [*found, word] if part]


def occurrences(phrase: list[str], item: Item) -> int:
    """Count where the words of a phrase stand one after another, in the key or in the text."""
    return sum(
        column[start : start + len(phrase)] == phrase
        for column in map(words, item)
        for start in range(len(column) - len(phrase) + 1)
    )


def match(items: Mapping[int, Item], text: str, every: bool = False) -> list[tuple[int, float]]:
    """Return (id, score) of the items that have one of the words, or all: the best first, then by id."""
    unique = {word.casefold(): word for word in reversed(text.split())}
    phrases = [phrase for word in reversed(unique.values()) if (phrase := words(word))]
    lengths = {id: sum(len(words(column)) for column in item) for id, item in items.items()}
    average = sum(lengths.values()) / len(items) if items else 0.0
    scores: dict[int, float] = {}
    for id, item in items.items():
        counts = [occurrences(phrase, item) for phrase in phrases]
        if not any(counts) or (every and not all(counts)):
            continue
        scores[id] = 0.0
        for phrase, count in zip(phrases, counts, strict=True):
            having = sum(occurrences(phrase, other) > 0 for other in items.values())
            weight = max(math.log((len(items) - having + 0.5) / (having + 0.5)), 0.0) or 1e-6
            share = count * (K1 + 1) / (count + K1 * (1 - B + B * lengths[id] / average))
            scores[id] += weight * share
    return sorted(scores.items(), key=lambda found: (-found[1], found[0]))
