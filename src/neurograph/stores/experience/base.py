"""What the parts of experience share: the session, a record of a row, which rows somebody wants."""

from __future__ import annotations

import json
import time

from ...connection.session import Session
from ...errors import InvalidValue, NotFound
from ...model.experience import REWARDS, STATE, Experience
from ..arguments import real, row_id, whole
from ..event_types import ids_of, types_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ACTION = tuple(f"action_{number}" for number in range(1, 9))
COLUMNS = (
    "id", "uid", "episode", "step", "(select name from event_type where event_type.id = type_id)", "flags",
    "created_ns",
    *STATE, *ACTION, *REWARDS, "reward", "policy_hash", "intent", "executor", "parameters",
)  # fmt: skip
RECORD = f"select {', '.join(COLUMNS)} from experience"


class ExperiencePart:
    """One part of experience; the parts share one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def _get(self, id: int) -> Experience:
        rows = self._session.rows(f"{RECORD} where id = ?", (id,))
        if not rows:
            raise NotFound(f"no experience has the id {id}")
        return record(rows[0])


def record(row: tuple[Any, ...]) -> Experience:
    """Return the record of a row of `RECORD`."""
    parameters = row[-1]
    if parameters is not None:
        try:
            parameters = json.loads(parameters)
        except (ValueError, RecursionError) as error:
            raise InvalidValue(
                f"the parameters of experience {row[0]} must be JSON that Python reads ({error}); read them with SQL"
            ) from None
    rewards, reward = row[23:27], float(row[27])  # an integer where it has no fraction, as a computed column is
    return Experience(*row[:7], row[7:15], row[15:23], *rewards, reward, *row[28:31], parameters)  # type: ignore[call-arg]


def number_of(experience: Experience | int) -> int:
    """Return the id of an experience given as record or id."""
    return (
        experience.id if isinstance(experience, Experience) else row_id(experience, "experience", "a record or an id")
    )


def now_ns() -> int:
    """Return nanoseconds since 1970 UTC; tests put their own clock here."""
    return time.time_ns()


class Wanted:
    """Which experiences somebody wants, as SQL.

    Attributes
    ----------
    condition, bindings
        On rows of `experience`.
    """

    def __init__(
        self,
        session: Session,
        type: str,
        episode: int | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        min_reward: float | None = None,
    ) -> None:
        conditions: list[str] = []
        self.bindings: list[Any] = []
        if type != "*":
            with session.reading() as line:
                ids_of(line.connection, type)  # which refuses a name that no type has
            kinds, names = types_of(type)
            conditions.append(f"type_id in (select id from event_type where {kinds})")
            self.bindings += names
        for value, what, sql in (
            (episode, "episode", "episode = ?"),
            (since_ns, "since_ns", "created_ns >= ?"),
            (until_ns, "until_ns", "created_ns < ?"),
        ):
            if value is not None:
                conditions.append(sql)
                self.bindings.append(whole(value, what))
        if min_reward is not None:
            conditions.append("reward >= ?")
            self.bindings.append(real(min_reward, "min_reward"))
        self.everything = not conditions
        self.condition = " and ".join(conditions) or "1"
