"""What each kind of feedback changes, by the rules of `learning.py`.

- Positive and negative: the hit's standing; and each link on the path by which the graph came to it: the weight of a
  plain edge, or weight and confidence of a connection that may learn, at the connection's own rate. An immutable
  one stays as it is, and its edge with it.
- A correction: positive for what should have stood there, negative for what did.
- An association: a link of type similar_to between two tokens, followed both ways. One that is there learns; else a
  hypothesis is made, as proposals make one, of the weight `strength`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import apsw

from ...connection.session import Session
from ...errors import InvalidValue
from ...model.proposal import HYPOTHESIS_RATES
from ...model.query_result import QueryHit
from ...model.vocabulary import CONNECTION_FLAGS, CONNECTION_TYPE_CODES
from ...stores.arguments import MAX_ID
from .learning import RATE, learned
from .rows import Watch

if TYPE_CHECKING:
    from ...stores.connections import Connections

Entity = tuple[str, int]
SIMILAR = "similar_to"
ORIGIN = 2
"""What a connection that an association made has as `origin`; 1 is the original system's intuition."""
IMMUTABLE = 0


class Effects:
    """What one piece of feedback does, inside one transaction."""

    def __init__(self, session: Session, connections: Connections, strength: float, now_ns: int) -> None:
        self._session = session
        self._connections = connections
        self._connection: apsw.Connection = session.writer.connection
        self._strength = strength
        self._now_ns = now_ns
        self.watch = Watch(self._connection)

    def judge(self, entity: Entity, success: bool, hit: QueryHit | None) -> None:
        """Let an entity's standing learn, and the links that led to it."""
        self._stand(entity, success)
        links: dict[tuple[Any, ...], None] = {}
        for leg in hit.legs if hit is not None else ():
            for near, far in pairwise(leg.path):
                links |= dict.fromkeys(self._between(near, far))
        for place in links:
            self._learn(place, success)

    def associate(self, one: Entity, other: Entity) -> None:
        """Make or strengthen the link between two tokens."""
        if one == other:
            raise InvalidValue(f"value must be another token than the hit, got {other!r} for both")
        for kind, id in (one, other):
            if kind != "token":
                raise InvalidValue(f"an association must be between tokens, got item {id}; give it one with update")
        source, target, code = one[1], other[1], CONNECTION_TYPE_CODES[SIMILAR]
        there = [place for place in self._between(source, target) if place[1] == code]
        if not there:  # one the other way, too, says that they are alike
            there = [place for place in self._between(target, source) if place[1] == code]
        for place in there:
            self._learn(place, True)
        if not there:
            place = (source, code, target, "")
            self.watch.note("edge", place)
            learning_rate, decay_rate = HYPOTHESIS_RATES
            made = self._connections.create(
                source, target, type=SIMILAR, weight=self._strength, bidirectional=True, mutability="hypothesis",
                learning_rate=learning_rate, decay_rate=decay_rate, origin=ORIGIN, now_ns=self._now_ns,
            )  # fmt: skip
            self.watch.created("connection", (made.id,))

    def _stand(self, entity: Entity, success: bool) -> None:
        row = self.watch.note("standing", entity)
        before = 0.0 if row is None else row["value"]
        after = learned(before, RATE, self._strength, success, low=-1.0)
        self._session.change(
            "insert into standing values (?, ?, ?) on conflict do update set value = excluded.value", (*entity, after)
        )

    def _between(self, near: int, far: int) -> list[tuple[Any, ...]]:
        """Return the keys of the edges that are followed from one token to another."""
        rows: Any = self._connection.execute(
            """select source, type, target, key from edge where source = :near and target = :far
               union all
               select source, type, target, key from edge
                where source = :far and target = :near and bidirectional and source <> target
                order by 1, 2, 3, 4""",
            {"near": near, "far": far},
        ).fetchall()
        return [tuple(row) for row in rows]

    def _learn(self, place: tuple[Any, ...], success: bool) -> None:
        rows: Any = self._connection.execute(
            """select id, mutability, learning_rate, confidence from connection
                where (source, type, target, key) = (?, ?, ?, ?)""",
            place,
        ).fetchall()
        if rows and rows[0][1] == IMMUTABLE:
            return
        rate = rows[0][2] if rows else RATE
        edge = self.watch.note("edge", place)
        assert edge is not None
        weight = learned(edge["weight"], rate, self._strength, success)
        if weight != edge["weight"]:
            self._session.change(
                "update edge set weight = ? where (source, type, target, key) = (?, ?, ?, ?)", (weight, *place)
            )
        if rows:
            id, _, _, confidence = rows[0]
            self.watch.note("connection", (id,))
            self._session.change(
                f"""update connection
                       set confidence = ?, evidence_count = min(evidence_count, {MAX_ID} - 1) + ?,
                           flags = flags | {CONNECTION_FLAGS["modified"]}, modified_ns = max(modified_ns + 1, ?)
                     where id = ?""",
                (learned(confidence, rate, self._strength, success), int(success), self._now_ns, id),
            )
