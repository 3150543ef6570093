"""A change on trial (quarantine): in force until its deadline, unless it is confirmed.

What a trial costs is counted from rows alone. Ids are never reused, so connections and tokens with an id up to the
last of the start are those of the start; what came and went since is not seen, and counters on every write are not
needed. The view `cdna_trial` counts, for SQL and for Python alike; docs/decisions/0005 says why.
"""

from __future__ import annotations

import json
import time
from typing import Any, NoReturn

from ...errors import InvalidValue, Misuse, RuleViolated
from ...model.constitution import Constitution, Trial, constitution
from ..arguments import real, whole
from .base import SELECT, CdnaPart, Draft, utc
from .fields import checked

LONGEST_S = 1e9  # thirty years: a deadline must fit 64 bits of nanoseconds
_START = """
    select (select count(*) from connection), (select coalesce(max(id), 0) from connection),
           (select count(*) from token), (select coalesce(max(id), 0) from token)"""
_STATUS = """
    select version, trial_deadline_ns, time_left_s, broken_connections, churn, growth,
           max_broken_connections, max_churn, max_growth
      from cdna_trial"""


class Trials(CdnaPart):
    """Changes on trial, one at a time."""

    def try_out(
        self,
        *,
        profile: str | None = None,
        duration_s: float = 300.0,
        broken_connections: int = 10,
        churn: float = 0.3,
        growth: float = 0.2,
        reason: str = "",
        actor: str = "",
        **fields: Any,
    ) -> Constitution:
        """Put a change in force for a while; it ends by itself unless `confirm` is called.

        When the time is up, what was in force before is in force again, for every reader and writer at the same
        moment and whatever program they use. Rows written meanwhile stay.

        Parameters
        ----------
        profile
            A profile whose fields to try; None begins with those in force.
        duration_s
            How long, in seconds; more than 0.
        broken_connections
            How many of the connections of the start may be gone when it is confirmed.
        churn
            What share of the tokens of the start may be gone.
        growth
            By what share of them the number of tokens may grow.
        reason, actor
            Why, and who.
        **fields
            As `update` takes them.

        Returns
        -------
        Constitution
            The version on trial, now in force.

        Raises
        ------
        InvalidValue
            A value is out of its range, or nothing would change.
        UnknownName
            No profile or field has that name.
        Misuse
            Another change is on trial.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.cdna.try_out(max_out_degree=50, duration_s=600, reason="do hubs matter?")
        ...     db.cdna.current().max_out_degree, db.cdna.revert().max_out_degree
        (50, 1000000)

        Notes
        -----
        Counts tokens and connections by walking their smallest index: 0.1 ms a million while it is cached.
        """
        duration = real(duration_s, "duration_s", 0.0, LONGEST_S)
        if not duration:
            raise InvalidValue(f"duration_s must be more than 0, got {duration_s!r}")
        may_cost = {
            "broken_connections": whole(broken_connections, "broken_connections"),
            "churn": real(churn, "churn", 0.0),
            "growth": real(growth, "growth", 0.0),
        }

        def draft(base: Constitution) -> Draft:
            before = base.fields if profile is None else self._profile(profile)
            new = checked(before, fields).sound()
            if new == base.fields:
                raise InvalidValue("fields must change something to be tried out, got what is in force")
            connections, last_connection, tokens, last_token = self._session.rows(_START)[0]
            start = {
                "connections": connections,
                "last_connection": last_connection,
                "tokens": tokens,
                "last_token": last_token,
            }
            name = profile if profile is not None and new == before else "custom"
            deadline_ns = time.time_ns() + int(duration * 1e9)
            return Draft(new, name, base.version, deadline_ns, json.dumps({**may_cost, "start": start}))

        return self._write("trial", actor, reason, draft)

    def trial_status(self) -> Trial | None:
        """Return what the trial under way has cost so far, or None.

        Returns
        -------
        Trial or None
            `time_left_s`; `broken_connections`, `churn` and `growth` since the start; `exceeded`, the names of those
            that keep it from being confirmed. Reading it changes nothing.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     _ = db.cdna.try_out(max_token_weight=5.0)
        ...     _ = db.execute("delete from token where label = 'dog'")
        ...     trial = db.cdna.trial_status()
        ...     trial.churn, trial.growth, trial.exceeded
        (0.5, -0.5, ('churn',))

        Notes
        -----
        Counts tokens and connections by walking their smallest index: 0.1 ms a million while it is cached.
        """
        rows = self._session.rows(_STATUS)
        return Trial(*rows[0]) if rows else None

    def confirm(self, *, force: bool = False, reason: str = "", actor: str = "") -> Constitution:
        """Keep the change on trial, by a new version equal to it.

        Parameters
        ----------
        force
            Keep it even if it cost more than it may.
        reason, actor
            Why, and who.

        Returns
        -------
        Constitution
            The version now in force, without a deadline.

        Raises
        ------
        RuleViolated
            The trial cost more than it may; the message says what. Its `rule` is ``"cdna.trial"``.
        Misuse
            No change is on trial, or its time is up.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.cdna.try_out(profile="explorer")
        ...     kept = db.cdna.confirm(reason="nothing broke")
        ...     kept.version, kept.profile, kept.action, kept.on_trial
        (3, 'explorer', 'confirm', False)
        """
        with self._session.transaction():
            base = self._settled(actor, reason)
            trial = self.trial_status()
            if trial is None or not base.on_trial:
                self._nothing_on_trial("confirm")
            if trial.exceeded and not force:
                said = ", ".join(
                    f"{name} {getattr(trial, name):g} (at most {getattr(trial, f'max_{name}'):g})"
                    for name in trial.exceeded
                )
                raise RuleViolated(
                    f"a trial must not cost more than it may, got {said}; revert() or confirm(force=True)",
                    "cdna.trial",
                )
            return self._append(Draft(base.fields, base.profile, base.version), "confirm", actor, reason)

    def revert(self, *, reason: str = "", actor: str = "") -> Constitution:
        """End the trial now, by a new version equal to the one before it.

        Parameters
        ----------
        reason, actor
            Why, and who.

        Returns
        -------
        Constitution
            The version now in force; its `parent` is the one it restores.

        Raises
        ------
        Misuse
            No change is on trial, or its time is up.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.cdna.try_out(max_token_weight=5.0)
        ...     old = db.cdna.revert()
        ...     old.version, old.parent, old.max_token_weight
        (3, 1, 1.0)
        """
        with self._session.transaction():
            base = self._settled(actor, reason)
            if not base.on_trial:
                self._nothing_on_trial("revert")
            old = self._confirmed_before(base.version)
            assert old is not None  # version 1 is confirmed
            return self._append(Draft(old.fields, old.profile, old.version), "revert", actor, reason)

    def _nothing_on_trial(self, verb: str) -> NoReturn:
        rows = self._session.rows(f"{SELECT} where trial_deadline_ns is not null order by version desc limit 1")
        if rows and (last := constitution(rows[0])).trial_deadline_ns is not None:
            ended = f"; the trial of version {last.version} had until {utc(last.trial_deadline_ns)}"
        else:
            ended = ""
        raise Misuse(f"cannot {verb}; no change is on trial{ended}; use try_out to begin one")
