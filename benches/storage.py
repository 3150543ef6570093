"""Storage beside diskcache, both in a file of their own with the same synchronous level, in one run.

The values are small objects and counters, one thread. ``pip install ".[bench]"`` brings the peer.

    python benches/storage.py [--keys 10000] [--synchronous normal] [--folder FOLDER] [--write]
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import diskcache
from measure import Row, best, faster, machine, table, write

import neurograph as ng

ROUNDS = 15
CALLS = 300
LEVELS = {"normal": 1, "full": 2}
TARGET = 3.0


def value(number: int) -> dict[str, Any]:
    return {"on": True, "level": 0.8, "seen": number}


def calls(work: Callable[[str, int], object], names: Iterator[int]) -> Callable[[], None]:
    """Return a turn of calls, each with a name of its own."""

    def turn() -> None:
        for number in itertools.islice(names, CALLS):
            work(f"lamp:{number}", number)

    return turn


def around(keys: int) -> Iterator[int]:
    """Yield the numbers of keys that exist, over and over, a long way apart."""
    return (7919 * number % keys for number in itertools.count())


def compare(db: ng.Database, cache: diskcache.Cache, keys: int) -> list[Row]:
    storage = db.storage
    names = {f"lamp:{number}": value(number) for number in range(keys)}
    storage.set_many("devices", names)
    storage.set_many("lives", names, ttl_s=1e6)
    with cache.transact():
        for name, found in names.items():
            cache.set(name, found)
            cache.set(("lives", name), found, expire=1e6)
    for number in range(100):
        storage.set("counts", f"lamp:{number}", 0)
        cache.set(("counts", f"lamp:{number}"), 0)
    cases: dict[str, tuple[Callable[[str, int], object], Callable[[str, int], object], Callable[[], Iterator[int]]]] = {
        "get": (lambda k, n: storage.get("devices", k), lambda k, n: cache.get(k), lambda: around(keys)),
        "get what is not there": (
            lambda k, n: storage.get("none", k), lambda k, n: cache.get(("none", k)), lambda: around(keys),
        ),
        "set, one that is there": (
            lambda k, n: storage.set("devices", k, value(n)), lambda k, n: cache.set(k, value(n)), lambda: around(keys),
        ),
        "set, a new one": (
            lambda k, n: storage.set("new", k, value(n)), lambda k, n: cache.set(("new", k), value(n)),
            lambda: itertools.count(),
        ),
        "set with an expiry": (
            lambda k, n: storage.set("lives", k, value(n), ttl_s=1e6),
            lambda k, n: cache.set(("lives", k), value(n), expire=1e6),
            lambda: around(keys),
        ),
        "increment": (
            lambda k, n: storage.increment("counts", k), lambda k, n: cache.incr(("counts", k)), lambda: around(100),
        ),
        "delete": (
            lambda k, n: storage.delete("new", k), lambda k, n: cache.delete(("new", k)), lambda: itertools.count(),
        ),
    }  # fmt: skip
    rows = []
    for what, (ours, theirs, numbers) in cases.items():
        took = best(calls(ours, numbers()), calls(theirs, numbers()), rounds=ROUNDS)
        rows.append(faster(what, took[0] / CALLS, took[1] / CALLS, "diskcache", TARGET))
    return rows + in_transactions(db, cache)


def in_transactions(db: ng.Database, cache: diskcache.Cache) -> list[Row]:
    """Measure 100 calls in one transaction, and the forms that take many."""
    some = {f"lamp:{number}": value(number) for number in range(100)}

    def theirs_get() -> None:
        with cache.transact():
            for key in some:
                cache.get(key)

    def theirs_set() -> None:
        with cache.transact():
            for key, found in some.items():
                cache.set(key, found)

    def theirs_add() -> None:
        with cache.transact():
            for key in some:
                cache.incr(("counts", key))

    def ours_add() -> None:
        with db.transaction():
            for key in some:
                db.storage.increment("counts", key)

    cases = {
        "get, 100 at once": (lambda: db.storage.get_many("devices", some), theirs_get),
        "set, 100 at once": (lambda: db.storage.set_many("devices", some), theirs_set),
        "increment, 100 in a transaction": (ours_add, theirs_add),
    }
    rows = []
    for what, (ours, theirs) in cases.items():
        took = best(ours, theirs, rounds=ROUNDS, repeat=5)
        rows.append(faster(f"{what}, each", took[0] / 100, took[1] / 100, "diskcache", TARGET))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--synchronous", choices=LEVELS, default="normal")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        path = Path(made) / "mind.ngdb"
        cache = diskcache.Cache(str(Path(made) / "cache"), sqlite_synchronous=LEVELS[options.synchronous])
        with ng.open(path, synchronous=options.synchronous) as db, cache:
            rows = compare(db, cache, options.keys)
    text = f"{machine()}; {options.keys:,} keys, {options.synchronous.upper()}.\n\n{table(rows)}"
    print(text)
    if options.write:
        write("storage.py", text)


if __name__ == "__main__":
    main()
