"""Some of the experiences, by chance.

Invariants:

1. The same seed on the same rows draws the same, in the same order, on every machine.
2. Nothing is drawn twice.
"""

from __future__ import annotations

import builtins
import sys
from typing import TYPE_CHECKING, Any

from ...errors import InvalidValue
from ...model.experience import Experience
from ..arguments import bound_ids, real, whole
from .base import RECORD, ExperiencePart, Wanted, record

if TYPE_CHECKING:
    import random

WAYS = ("uniform", "reward", "recency")
TRIES = 4
"""Ids are tried so many times as many are wanted, before all are read."""


class Sampling(ExperiencePart):
    """Some of the experiences, by chance."""

    def sample(
        self,
        k: int,
        by: str = "uniform",
        *,
        alpha: float = 1.0,
        decay: float = 0.01,
        seed: int | None = None,
        type: str = "*",
        episode: int | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        min_reward: float | None = None,
        timeout_s: float | None = None,
    ) -> builtins.list[Experience]:
        """Draw experiences by chance, none twice.

        Parameters
        ----------
        k
            How many; all, where there are not more.
        by
            ``"uniform"``: each is as likely. ``"reward"``: by the weight ``abs(reward) ** alpha``. ``"recency"``: by
            the weight ``decay ** (1 - i / n)`` for the i-th of n in order of id, from 0.
        alpha
            From 0 to 1,000; 0 makes all weights 1.
        decay
            Above 0 and at most 1: what the oldest weighs beside the newest; 1 makes all weights 1.
        seed
            A whole number for the same draw again; None for another each time.
        type, episode, since_ns, until_ns, min_reward
            Only of those, as for `read`.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        list of Experience
            In the order drawn.

        Raises
        ------
        UnknownName
            No event type has the name.
        InvalidValue
            An argument breaks its rule.
        DeadlineExceeded
            It took longer than `timeout_s`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.experience.record_many([[1] * 8] * 3, rewards=[{"goal": n} for n in (0, 0, 1)])
        ...     [found.step for found in db.experience.sample(1, "reward", seed=7)]
        [2]

        Notes
        -----
        One after the other, each with a chance of its weight's share among those not drawn yet (Efraimidis and
        Spirakis, 2006: the k greatest of ``log(u) / weight``, u uniform in (0, 1], from Python's generator in order of
        id; of their logarithms, so that no power is too large). What weighs 0 comes when nothing else is left,
        uniformly. By weight it grows with the number of experiences asked, 1 µs each; uniformly among all with `k`
        alone, unless many are gone.
        """
        import random

        most = whole(k, "k")
        if by not in WAYS:
            raise InvalidValue(f"by must be one of {', '.join(WAYS)}, got {by!r}")
        power, share = real(alpha, "alpha", 0.0, 1e3), real(decay, "decay", 1e-300, 1.0)
        chance = random.Random(None if seed is None else whole(seed, "seed", -(1 << 63)))
        wanted = Wanted(self._session, type, episode, since_ns, until_ns, min_reward)
        with self._session.reading(timeout_s) as line:
            ids = _by_chance(line.connection, most, chance) if by == "uniform" and wanted.everything else None
            if ids is None:
                sql = f"select id, abs(reward) from experience where {wanted.condition} order by id"
                rows: Any = line.connection.execute(sql, wanted.bindings).fetchall()
                line.tick()
                ids = _drawn([*rows], most, _log_weights(by, rows, power, share), chance)
            sql = f"{RECORD} where id in (select value from carray(?))"
            found = {row[0]: record(row) for row in line.connection.execute(sql, (bound_ids(ids),))}
        return [found[id] for id in ids]


def _log_weights(by: str, rows: builtins.list[Any], alpha: float, decay: float) -> builtins.list[float | None]:
    """Return the logarithm of each weight, for a power may be beyond all floats; None for the weight 0."""
    import math

    n = len(rows)
    if by == "reward" and alpha:
        most = sys.float_info.max  # of parts that are finite the sum may be infinite
        return [alpha * math.log(min(reward, most)) if reward else None for _, reward in rows]
    if by == "recency":
        slope = math.log(decay)
        return [slope * (1 - i / n) for i in range(n)]
    return [0.0] * n


def _drawn(
    rows: builtins.list[Any], k: int, weights: builtins.list[float | None], chance: random.Random
) -> builtins.list[int]:
    """Return the ids of the k greatest keys, of logarithms of weights; those that weigh nothing come last."""
    import heapq
    import math

    keys = []
    for (id, _), weight in zip(rows, weights, strict=True):
        u = 1.0 - chance.random()  # in (0, 1]
        if weight is None:
            keys.append((False, u, -id))
        else:
            keys.append((True, weight - math.log(-math.log(u)) if u < 1.0 else math.inf, -id))
    return [-id for _, _, id in heapq.nlargest(k, keys)]


def _by_chance(connection: Any, k: int, chance: random.Random) -> builtins.list[int] | None:
    """Return k of all ids, by trying numbers between the least and the greatest; None where they are too few for it."""
    bounds = (
        "select (select min(id) from experience), (select max(id) from experience)"  # one query would read them all
    )
    ((low, high),) = connection.execute(bounds).fetchall()
    if low is None or 2 * TRIES * k > high - low:  # to try most numbers takes longer than to read all ids
        return None
    tried: dict[int, None] = {}
    while len(tried) < TRIES * k:
        tried[chance.randint(low, high)] = None
    sql = "select id from experience where id in (select value from carray(?))"
    there = {id for (id,) in connection.execute(sql, (bound_ids(tried),))}
    found = [id for id in tried if id in there][:k]
    return found if len(found) == k else None
