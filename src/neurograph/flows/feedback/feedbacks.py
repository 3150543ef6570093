"""`db.feedback`: what was said of answers: give, get, list, count, undo."""

from __future__ import annotations

import builtins
import json
import time
from typing import Any

from ...connection.session import Session
from ...errors import Conflict, GuardianRejected, InvalidValue, ItemNotFound, NotFound, RuleViolated, TokenNotFound
from ...model.feedback import FEEDBACK_KINDS, Change, Feedback
from ...model.item import Item
from ...model.query_result import KINDS, QueryHit, QueryResult
from ...model.token import Token
from ...stores.arguments import MAX_ID, existing_token_id, real, row_id, whole
from ...stores.connections import Connections
from .effects import Effects, Entity
from .rows import dumps, put_back

_RECORD = """
    select id, kind, query_text, query_sha256, entity_kind, entity_id, other_kind, other_id, strength, created_ns,
           undone_ns
      from feedback"""
What = int | str | QueryHit | Token | Item


class Feedbacks:
    """What was said of answers, reached as `db.feedback`.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     pets = db.library.create("pets", dimension=2)
    ...     _ = pets.add([[1, 0], [0.99, 0.1]], keys=["dog", "cat"])
    ...     found = db.query([1, 0])
    ...     for _ in range(3):
    ...         said = found.feedback("positive", 1)
    ...     [hit.label for hit in found], [hit.label for hit in db.query([1, 0])]
    (['dog', 'cat'], ['cat', 'dog'])
    """

    def __init__(self, session: Session, connections: Connections) -> None:
        self._session = session
        self._connections = connections

    def give(
        self,
        result: QueryResult,
        kind: str,
        of: What = 0,
        *,
        value: What | None = None,
        strength: float = 1.0,
        now_ns: int | None = None,
    ) -> Feedback:
        """Say something of a query's result, and let the mind learn from it.

        Parameters
        ----------
        result
            What `db.query` returned.
        kind
            ``"positive"``: the hit is right. ``"negative"``: it is wrong. ``"correction"``: `value` should have stood
            in its place. ``"association"``: its token and the token `value` have to do with each other.
        of
            Which hit: its place in the result, 0 for the first, or the `QueryHit`.
        value
            For a correction and an association: a place in the result, a `QueryHit`, a `Token`, an `Item`, or a
            token's label.
        strength
            How sure that is, above 0 and at most 1.
        now_ns
            The time to record, in nanoseconds since 1970 UTC; None is now.

        Returns
        -------
        Feedback
            What was stored, with every value it changed; `undo` takes its id.

        Raises
        ------
        InvalidValue
            An argument breaks its rule; a value is missing, or given where none belongs; an item without a token is
            associated.
        TokenNotFound, ItemNotFound
            The hit or the value is gone.
        GuardianRejected
            The constitution in force refuses a change; nothing was changed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     _ = db.library.create("pets", dimension=1).add([[1]], tokens=[cat])
        ...     said = db.feedback.give(db.query([1]), "association", value=dog, strength=0.5)
        ...     [(hit.label, hit.legs[-1].path) for hit in db.query([1])]
        [('cat', (1,)), ('dog', (1, 2))]

        Notes
        -----
        One transaction, about 0.3 ms. A confirmation of strength s adds ``rate · s`` to a value, at most up to 1; a
        refutation takes ``rate · s / 2``. That changes the standing, from -1 to 1, by the rate 1/8, and `db.query`
        multiplies a score by ``5 ** standing``. It changes the weights of the links on the hit's path, by the rate
        1/8, or a connection's own, whose confidence changes likewise. A correction confirms `value` and refutes the
        hit. An association makes a hypothesis of type similar_to of the weight `strength`, or confirms the one that is
        there.
        """
        if not isinstance(result, QueryResult):
            raise InvalidValue(f"result must be what db.query returned, got {result!r}")
        if kind not in FEEDBACK_KINDS:
            raise InvalidValue(f"kind must be one of {', '.join(FEEDBACK_KINDS)}, got {kind!r}")
        if (value is None) != (kind in FEEDBACK_KINDS[:2]):
            must = "be left out" if value is not None else "be given"
            raise InvalidValue(f"value must {must} for the kind {kind!r}, got {value!r}")
        hit = _hit(result, of, "of")
        if hit is None:
            raise InvalidValue(f"of must be a place in the result or one of its hits, got {of!r}")
        much = real(strength, "strength", 0.0, 1.0)
        if much == 0.0:
            raise InvalidValue("strength must be above 0, got 0.0")
        now = time.time_ns() if now_ns is None else whole(now_ns, "now_ns", 0, MAX_ID)
        try:
            with self._session.transaction():
                return self._give(result, kind, hit, value, much, now)
        except RuleViolated as error:
            raise GuardianRejected(str(error)) from error

    def _give(
        self, result: QueryResult, kind: str, hit: QueryHit, value: What | None, strength: float, now_ns: int
    ) -> Feedback:
        entity = (hit.kind, hit.id)
        self._require(entity)
        other_hit = None if value is None else _hit(result, value, "value")
        other = None if value is None else self._entity(value, other_hit)
        effects = Effects(self._session, self._connections, strength, now_ns)
        if kind == "association":
            assert other is not None
            effects.associate(entity, other)
        elif kind == "correction":
            assert other is not None
            if other == entity:
                raise InvalidValue(f"value must be another one than the hit, got {value!r}")
            effects.judge(other, True, other_hit)
            effects.judge(entity, False, hit)
        else:
            effects.judge(entity, kind == "positive", hit)
        number = self._session.change(
            """insert into feedback (kind, query_text, query_sha256, entity_kind, entity_id, other_kind, other_id,
                                     strength, created_ns)
               values (?, ?, ?, ?, ?, ?, ?, ?, ?)
               returning id""",
            (kind, *result.asked, *entity, *(other or (None, None)), strength, now_ns),
        )[0][0]
        for step, change in enumerate(effects.watch.changes(), 1):
            self._session.change(
                "insert into feedback_change values (?, ?, ?, ?, ?, ?)",
                (number, step, change.subject, dumps(change.place), dumps(change.before), dumps(change.after)),
            )
        return self.get(number)

    def _entity(self, value: What, hit: QueryHit | None) -> Entity:
        """Return what a value names, which must be there."""
        if hit is not None:
            entity = hit.kind, hit.id
        elif isinstance(value, Item):
            entity = ("item", value.id) if value.token_id is None else ("token", value.token_id)
        elif isinstance(value, Token | str):
            return "token", existing_token_id(self._session.writer.connection, value)
        else:
            raise InvalidValue(
                f"value must be a place in the result, a QueryHit, a Token, an Item or a label, got {value!r}"
            )
        self._require(entity)
        return entity

    def _require(self, entity: Entity) -> None:
        kind, id = entity
        if not self._session.rows(f"select 1 from {kind} where id = ?", (id,)):
            error = TokenNotFound if kind == "token" else ItemNotFound
            raise error(f"no {kind} has the id {id}; it was there when the query was answered")

    def undo(self, feedback: int | Feedback, *, missing: str = "error", now_ns: int | None = None) -> Feedback:
        """Put back, byte for byte, every value that feedback changed; the feedback stays, as undone.

        Parameters
        ----------
        feedback
            What `give` returned, or its id.
        missing
            What to do where a row that was changed is gone, as with a link that was deleted: ``"error"`` refuses the
            call, ``"skip"`` puts back what is still there.
        now_ns
            The time to record, in nanoseconds since 1970 UTC; None is now.

        Returns
        -------
        Feedback
            With `undone_ns`, and in `gone` what could not be put back.

        Raises
        ------
        NotFound
            There is no such feedback.
        Conflict
            It was undone before; or somebody, or later feedback, changed one of those values since: undo that first; or
            a row is gone. Nothing was changed.
        InvalidValue
            `feedback` is neither record nor id, or `missing` is none of the two.
        GuardianRejected
            The constitution in force refuses a value as it was; nothing was changed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.library.create("pets", dimension=1).add([[1]], keys=["cat"])
        ...     said = db.query([1]).feedback("positive")
        ...     before = db.query([1])[0].standing
        ...     _ = db.feedback.undo(said)
        ...     before, db.query([1])[0].standing
        (0.125, 0.0)
        """
        number = _id(feedback)
        now = time.time_ns() if now_ns is None else whole(now_ns, "now_ns", 0, MAX_ID)
        if missing not in ("error", "skip"):
            raise InvalidValue(f"missing must be 'error' or 'skip', got {missing!r}")
        try:
            with self._session.transaction():
                known = self.get(number)
                if known.undone_ns is not None:
                    raise Conflict(f"feedback {number} must not have been undone before; it was, at {known.undone_ns}")
                skip = missing == "skip"
                back = [change for change in reversed(known.changes) if put_back(self._session, change, number, skip)]
                self._session.change("update feedback set undone_ns = ? where id = ?", (now, number))
        except RuleViolated as error:
            raise GuardianRejected(str(error)) from error
        return known._replace(undone_ns=now, gone=tuple(change for change in known.changes if change not in back))

    def get(self, id: int) -> Feedback:
        """Return feedback by its id.

        Parameters
        ----------
        id
            As `give` returned it.

        Returns
        -------
        Feedback
            With what it changed.

        Raises
        ------
        NotFound
            There is none.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.library.create("pets", dimension=1).add([[1]], keys=["cat"])
        ...     _ = db.query([1]).feedback("negative", strength=0.5)
        ...     db.feedback.get(1).changes
        (Change(subject='standing', place=('item', 4294967297), before=None, after={'value': -0.03125}),)
        """
        number = _id(id)
        with self._session.reading() as line:
            rows: Any = line.connection.execute(f"{_RECORD} where id = ?", (number,)).fetchall()
            if not rows:
                raise NotFound(f"no feedback has the id {number}")
            return self._record(line.connection, rows[0])

    def list(self, limit: int | None = 100, *, after: int = 0) -> builtins.list[Feedback]:
        """Return feedback in order of id, undone included.

        Parameters
        ----------
        limit
            At most so much; None for all.
        after
            Only what has a greater id: that of the last one of the page before.

        Returns
        -------
        list of Feedback
            In order of id.

        Raises
        ------
        InvalidValue
            A number is negative.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.feedback.list()
        []
        """
        page = (whole(after, "after"), -1 if limit is None else whole(limit, "limit"))
        with self._session.reading() as line:
            rows: Any = line.connection.execute(f"{_RECORD} where id > ? order by id limit ?", page).fetchall()
            return [self._record(line.connection, row) for row in rows]

    def count(self) -> int:
        """Return how much feedback there is, undone included.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.feedback.count()
        0
        """
        return self._session.rows("select count(*) from feedback")[0][0]  # type: ignore[no-any-return]

    @staticmethod
    def _record(connection: Any, row: tuple[Any, ...]) -> Feedback:
        id, kind, text, sha256, entity_kind, entity_id, other_kind, other_id, strength, created_ns, undone_ns = row
        rows = connection.execute(
            "select subject, place, before, after from feedback_change where feedback_id = ? order by step", (id,)
        ).fetchall()
        changes = tuple(
            Change(subject, tuple(json.loads(place)), before and json.loads(before), json.loads(after))
            for subject, place, before, after in rows
        )
        other = None if other_id is None else (other_kind, other_id)
        entity = (entity_kind, entity_id)
        return Feedback(id, kind, text, sha256, entity, other, strength, created_ns, undone_ns, changes)


def _hit(result: QueryResult, what: Any, name: str) -> QueryHit | None:
    """Return a hit given by itself or its place; None for something else."""
    if isinstance(what, QueryHit):
        if what.kind not in KINDS:
            raise InvalidValue(f"{name} must be a hit of a token or an item, got {what!r}")
        return what._replace(id=row_id(what.id, name, "a hit with an id"))
    if isinstance(what, bool) or not isinstance(what, int):
        return None
    if not 0 <= what < len(result):
        raise InvalidValue(f"{name} must be a place in the result, from 0 to {len(result) - 1}, got {what}")
    return result[what]


def _id(feedback: int | Feedback) -> int:
    return feedback.id if isinstance(feedback, Feedback) else row_id(feedback, "feedback", "a record or an id")
