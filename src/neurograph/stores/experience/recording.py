"""What was done is recorded, and what it was worth is set later."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apsw

from ...errors import InvalidValue, RuleViolated
from ...model.experience import FLAGS, REWARDS, STATE, Experience
from ..arguments import bindable, real, whole
from ..event_types import ids_of
from ..json_texts import json_of
from .base import ACTION, ExperiencePart, now_ns, number_of

APPRAISED = FLAGS["fully_appraised"]
_NAMES = (
    "created_ns", "type_id", "flags", *STATE, *ACTION, *REWARDS, "policy_hash", "intent", "executor", "parameters",
)  # fmt: skip
_INSERT = f"""
    insert into experience (episode, step, {", ".join(_NAMES)})
    select e.episode, coalesce(?2, (select max(step) + 1 from experience where episode = e.episode), 0),
           {", ".join(f"?{number}" for number in range(3, 3 + len(_NAMES)))}
      from (select coalesce(?1, (select max(episode) + 1 from experience), 1) as episode) as e"""


class Recording(ExperiencePart):
    """What was done, and what it was worth."""

    def record(
        self,
        state: Sequence[float] | Mapping[str, float],
        action: Sequence[float] | None = None,
        *,
        episode: int | None = None,
        step: int | None = None,
        type: str = "action.completed",
        flags: int | Iterable[str] = 0,
        rewards: Mapping[str, float] | None = None,
        policy_hash: int | None = None,
        intent: str | None = None,
        executor: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Experience:
        """Record what was done in what state, in the caller's transaction or one of its own.

        Parameters
        ----------
        state
            Eight numbers in the order of existence, novelty, velocity, attention, cognitive load, certainty, valence
            and coherence, or all of them by name; each in [0, 1], valence in [-1, 1].
        action
            Eight numbers; None is eight zeros.
        episode
            Which episode it belongs to; None begins a new one, after the greatest number there is.
        step
            Its place in the episode, up to 2**32 - 1; None is the next.
        type
            An event type that exists.
        flags
            A number below 65536, or names: ``"urgent"``, ``"trajectory"``, ``"error"``, ``"persist"``,
            ``"fully_appraised"``.
        rewards
            Some of homeostasis, curiosity, efficiency and goal, as far as they are known.
        policy_hash
            Which policy acted: 32 bits.
        intent, executor
            What kind of action it was meant to be, and who acted.
        parameters
            What JSON can say of the action.

        Returns
        -------
        Experience
            As it was stored.

        Raises
        ------
        InvalidValue
            A value breaks its rule.
        UnknownName
            No event type has the name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     first = db.experience.record([1, 0.5, 0, 0.2, 0.3, 0.8, -0.1, 1], rewards={"curiosity": 0.25})
        ...     later = db.experience.record([1] * 8, episode=first.episode, intent="explore")
        ...     (first.episode, first.step, first.reward), (later.episode, later.step)
        ((1, 0, 0.25), (1, 1))

        Notes
        -----
        About 60 µs in a transaction; a commit of its own comes on top.
        """
        values = _values(state, action, flags, rewards, policy_hash, intent, executor, parameters)
        place = (
            None if episode is None else whole(episode, "episode"),
            None if step is None else whole(step, "step", 0, 0xFFFFFFFF),
        )
        with self._session.transaction():
            kind = _type(self, type)
            return self._get(self._insert((*place, now_ns(), kind, *values)))

    def record_many(
        self,
        states: Sequence[Sequence[float] | Mapping[str, float]],
        actions: Sequence[Sequence[float]] | None = None,
        *,
        rewards: Sequence[Mapping[str, float] | None] | None = None,
        episode: int | None = None,
        type: str = "action.completed",
        flags: int | Iterable[str] = 0,
        policy_hash: int | None = None,
    ) -> builtins.list[int]:
        """Record the steps of one episode in one transaction, and return their ids.

        Parameters
        ----------
        states
            n states, as for `record`.
        actions, rewards
            One for each state; None for none.
        episode
            To which they are added; None begins a new one.
        type, flags, policy_hash
            As for `record`, the same for all.

        Returns
        -------
        list of int
            In order; steps follow one another.

        Raises
        ------
        InvalidValue
            Lengths differ, or a value breaks its rule; nothing was recorded.
        UnknownName
            No event type has the name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     ids = db.experience.record_many([[1] * 8, [0.5] * 8], rewards=[None, {"goal": 1}])
        ...     [(found.step, found.reward) for found in db.experience.read(episode=1)]
        [(0, 0.0), (1, 1.0)]

        Notes
        -----
        About 35 µs each.
        """
        n = len(states)
        for column, what in ((actions, "actions"), (rewards, "rewards")):
            if column is not None and len(column) != n:
                raise InvalidValue(f"{what} must have {n} entries, one for each state, got {len(column)}")
        each: Any = zip(states, [None] * n if actions is None else actions, rewards or [None] * n, strict=True)
        values = [_values(state, action, flags, parts, policy_hash) for state, action, parts in each]
        at = None if episode is None else whole(episode, "episode")
        ids: builtins.list[int] = []
        with self._session.transaction():
            kind, now = _type(self, type), now_ns()
            for row in values:
                ids.append(self._insert((at, None, now, kind, *row)))
                if at is None:
                    at = self._session.rows("select episode from experience where id = ?", (ids[0],))[0][0]
        return ids

    def _insert(self, row: tuple[Any, ...]) -> int:
        """Insert a row, whose episode and step may be None, and return its id."""
        try:
            return self._session.insert(_INSERT, row)
        except apsw.ConstraintError as error:
            if row[0] is None and "experience.episode" in str(error):
                raise InvalidValue(
                    "episode must be given; there is no number above the greatest, 9223372036854775807"
                ) from error
            if row[1] is None and "step between" in str(error):
                raise InvalidValue(
                    f"step must be in [0, 4294967295], got the one after the last of episode {row[0]}; begin another"
                ) from error
            raise

    def appraise(
        self,
        experience: Experience | int,
        rewards: Mapping[str, float] | None = None,
        *,
        final: bool = False,
    ) -> Experience:
        """Set parts of the reward of an experience, later than it was recorded.

        Parameters
        ----------
        experience
            A record, or its id.
        rewards
            Some of homeostasis, curiosity, efficiency and goal; what is left out stays.
        final
            All that was to be set is: the experience has the flag ``fully_appraised`` from now on, and its rewards
            can't be changed any more.

        Returns
        -------
        Experience
            As it is now.

        Raises
        ------
        NotFound
            There is no such experience.
        RuleViolated
            It was fully appraised before, and `rewards` would change it.
        InvalidValue
            A value breaks its rule.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     done = db.experience.record([1] * 8)
        ...     db.experience.appraise(done, {"goal": 0.5, "efficiency": -0.125}, final=True).reward
        0.375
        """
        number, parts = number_of(experience), _rewards(rewards)
        changes = [f"{name} = ?" for name in parts] + [f"flags = flags | {APPRAISED}"] * bool(final)
        with self._session.transaction():
            found = self._get(number)
            if changes:
                try:
                    sql = f"update experience set {', '.join(changes)} where id = ?"
                    self._session.change(sql, (*parts.values(), number))
                except RuleViolated as error:
                    raise RuleViolated(f"{error}, got {parts!r} for {found.id}", error.rule) from error
            return self._get(number)


def _type(part: ExperiencePart, type: str) -> int:
    kinds = ids_of(part._session.writer.connection, type)
    if len(kinds) != 1 or type not in kinds.values():
        raise InvalidValue(f"type must be the name of one event type, got {type!r}")
    return next(iter(kinds))


def _values(
    state: Any,
    action: Any,
    flags: Any,
    rewards: Mapping[str, float] | None,
    policy_hash: int | None,
    intent: str | None = None,
    executor: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> tuple[Any, ...]:
    """Return the columns of a row from `flags` on."""
    parts = _rewards(rewards)
    return (
        _flags(flags),
        *_state(state),
        *_numbers([0.0] * 8 if action is None else action, "action", ACTION),
        *(parts.get(name) for name in REWARDS),
        None if policy_hash is None else whole(policy_hash, "policy_hash", 0, 0xFFFFFFFF),
        _text(intent, "intent"),
        _text(executor, "executor"),
        _object(parameters),
    )


def _state(state: Any) -> list[float]:
    if isinstance(state, Mapping):
        if {*state} != {*STATE}:
            raise InvalidValue(f"state must have {', '.join(STATE)}, got {', '.join(map(str, state)) or 'nothing'}")
        state = [state[name] for name in STATE]
    return _numbers(state, "state", STATE, 0.0, 1.0)


def _numbers(values: Any, what: str, names: Sequence[str], low: float = -1.7e308, high: float = 1.7e308) -> list[float]:
    if hasattr(values, "tolist"):
        values = values.tolist()
    if not isinstance(values, Sequence) or isinstance(values, str | bytes) or len(values) != 8:
        raise InvalidValue(f"{what} must be eight numbers, got {values!r}")
    return [
        real(value, f"{what} ({name})", -1.0 if name == "valence" else low, high)
        for value, name in zip(values, names, strict=True)
    ]


def _flags(flags: Any) -> int:
    if isinstance(flags, str) or not isinstance(flags, Iterable):
        return whole(flags, "flags", 0, 0xFFFF)
    number = 0
    for name in flags:
        if name not in FLAGS:
            raise InvalidValue(f"flags must be some of {', '.join(FLAGS)}, got {name!r}")
        number |= FLAGS[name]
    return number


def _rewards(rewards: Mapping[str, float] | None) -> dict[str, float]:
    if rewards is None:
        return {}
    if not isinstance(rewards, Mapping) or not {*rewards} <= {*REWARDS}:
        raise InvalidValue(f"rewards must map some of {', '.join(REWARDS)} to numbers, got {rewards!r}")
    return {name: real(value, name, -1.7e308, 1.7e308) for name, value in rewards.items()}


def _text(value: Any, what: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or "\x00" in value or bindable(value) is None:
        raise InvalidValue(f"{what} must be text without NUL, got {value!r}")
    return value


def _object(parameters: Any) -> str | None:
    if parameters is None:
        return None
    if not isinstance(parameters, Mapping):
        raise InvalidValue(f"parameters must map strings to JSON values, got {parameters!r}")
    return json_of(dict(parameters), "parameters")
