"""The constitution and a plain list side by side: whatever is done, in whatever order, both tell the same history."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import apsw
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import neurograph
from effort import examples
from neurograph.errors import InvalidValue, Misuse, RuleViolated
from neurograph.model.constitution import PROFILES
from neurograph.stores.cdna.checksum import checksum

LATER, PAST = 2**62, 1
NAMES = {number: name for name, number in PROFILES.items()}

changes = st.fixed_dictionaries(
    {},
    optional={
        "max_token_weight": st.sampled_from([1.0, 2.0, 3.0]),
        "max_out_degree": st.sampled_from([5, 1_000_000]),
        "strict": st.booleans(),
        "scale_abstract": st.sampled_from([1.0, 34.0]),
    },
).filter(bool)
profiles = st.sampled_from(sorted(PROFILES))


@dataclass(frozen=True)
class Row:
    """A version as the model keeps it."""

    version: int
    fields: dict[str, Any]
    profile: str
    action: str
    parent: int | None
    deadline_ns: int | None = None
    signed: bool = True


class Constitutions(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "mind.ngdb"
        self.open()
        first = self.db.cdna.current()
        self.rows = [Row(1, first.fields, "default", "create", None, signed=False)]

    def open(self) -> None:
        self.db = neurograph.open(self.path, synchronous="off")

    def teardown(self) -> None:
        assert self.db.check() == []
        self.db.close()
        self.folder.cleanup()

    # --- the model -------------------------------------------------------------------------------------------

    @property
    def base(self) -> Row:
        return [row for row in self.rows if row.deadline_ns in (None, LATER)][-1]

    def append(self, fields: dict[str, Any], profile: str, action: str, parent: int | None, **more: Any) -> None:
        self.rows.append(Row(len(self.rows) + 1, fields, profile, action, parent, **more))

    def settle(self) -> None:
        """Do what every write of the engine does first."""
        base = self.base
        self.rows = [replace(row, signed=True) for row in self.rows]
        if self.rows[-1].version != base.version:
            self.append(base.fields, base.profile, "expire", base.version)

    def origin(self, row: Row) -> Row | None:
        if row.parent is not None:
            return self.rows[row.parent - 1]
        older = [other for other in self.rows[: row.version - 1] if other.deadline_ns is None]
        return older[-1] if older else None

    def change(
        self, action: str, draft: Callable[[Row], tuple[dict[str, Any], str, int]], call: Callable[[], Any]
    ) -> None:
        """Do a change of the engine in both."""
        if self.base.deadline_ns is not None:
            with pytest.raises(Misuse, match="is on trial"):
                call()
            return
        self.settle()
        base = self.base
        fields, profile, parent = draft(base)
        if (fields, profile) != (base.fields, base.profile):
            self.append(fields, profile, action, parent)
        assert call().version == self.base.version

    # --- what is done ----------------------------------------------------------------------------------------

    @rule(fields=changes)
    def update(self, fields: dict[str, Any]) -> None:
        def draft(base: Row) -> tuple[dict[str, Any], str, int]:
            new = {**base.fields, **fields}
            return new, base.profile if new == base.fields else "custom", base.version

        self.change("update", draft, lambda: self.db.cdna.update(**fields))

    @rule(name=profiles)
    def set_profile(self, name: str) -> None:
        self.change(
            "profile",
            lambda base: (self.db.cdna.profile(name), name, base.version),
            lambda: self.db.cdna.set_profile(name),
        )

    @rule()
    def reset(self) -> None:
        self.change(
            "reset", lambda base: (self.db.cdna.profile("default"), "default", base.version), self.db.cdna.reset
        )

    @rule(allowed=st.booleans())
    def switch_a_type(self, allowed: bool) -> None:
        def draft(base: Row) -> tuple[dict[str, Any], str, int]:
            text = base.fields["allowed_types"]
            new = {**base.fields, "allowed_types": text[:0x83] + str(int(allowed)) + text[0x84:]}
            return new, base.profile if new == base.fields else "custom", base.version

        switch = self.db.cdna.allow_type if allowed else self.db.cdna.forbid_type
        self.change("update", draft, lambda: switch("hates"))

    @rule(data=st.data())
    def roll_back_to(self, data: st.DataObject) -> None:
        target = self.rows[data.draw(st.integers(1, len(self.rows)), "version") - 1]
        self.change(
            "rollback",
            lambda base: (target.fields, target.profile, target.version),
            lambda: self.db.cdna.rollback(target.version),
        )

    @rule()
    def roll_back(self) -> None:
        base = self.base
        target = self.origin(base)
        while target is not None and target.fields == base.fields:
            target = self.origin(target)
        if target is None or base.deadline_ns is not None:
            with pytest.raises(Misuse, match=r"nothing before|is on trial"):
                self.db.cdna.rollback()
            return
        restored = target
        self.change("rollback", lambda _: (restored.fields, restored.profile, restored.version), self.db.cdna.rollback)

    @rule(data=st.data())
    def take_a_record_over(self, data: st.DataObject) -> None:
        version = self.rows[data.draw(st.integers(1, len(self.rows)), "version") - 1]
        if "0" in version.fields["allowed_types"]:
            with pytest.raises(InvalidValue, match="allow every type from 64 up"):
                self.db.cdna.to_bytes(version.version)
            return
        record = self.db.cdna.to_bytes(version.version)

        def draft(base: Row) -> tuple[dict[str, Any], str, int]:
            same = version.fields == base.fields
            return version.fields, base.profile if same else NAMES[version.fields["profile_id"]], base.version

        self.change("import", draft, lambda: self.db.cdna.from_bytes(record))

    @rule(fields=changes, ended=st.booleans())
    def try_out(self, fields: dict[str, Any], ended: bool) -> None:
        new = {**self.base.fields, **fields}
        if self.base.deadline_ns is not None or new == self.base.fields:
            with pytest.raises((Misuse, InvalidValue)):
                self.db.cdna.try_out(**fields)
            return
        now = 0 if ended else LATER - 10**9
        with mock.patch("neurograph.stores.cdna.trials.time.time_ns", return_value=now):
            self.db.cdna.try_out(**fields, duration_s=PAST / 1e9 if ended else 1)
        self.settle()
        self.append(new, "custom", "trial", self.base.version, deadline_ns=PAST if ended else LATER)

    @rule(verb=st.sampled_from(["confirm", "revert"]))
    def end_the_trial(self, verb: str) -> None:
        base = self.base
        if base.deadline_ns is None:
            with pytest.raises(Misuse, match="no change is on trial"):
                getattr(self.db.cdna, verb)()
            return
        getattr(self.db.cdna, verb)()
        kept = base
        if verb == "revert":
            kept = [row for row in self.rows[: base.version] if row.deadline_ns is None][-1]
        self.settle()
        self.append(kept.fields, kept.profile, verb, kept.version)

    @rule(fields=changes, deadline_ns=st.sampled_from([None, PAST, LATER]))
    def insert_by_sql(self, fields: dict[str, Any], deadline_ns: int | None) -> None:
        columns = {**fields, "trial_deadline_ns": deadline_ns}
        sql = f"insert into cdna ({', '.join(columns)}) values ({', '.join('?' * len(columns))})"
        if deadline_ns is not None and self.base.deadline_ns is not None:
            with pytest.raises(RuleViolated, match="a change is on trial"):
                self.db.execute(sql, list(columns.values()))
            return
        self.db.execute(sql, list(columns.values()))
        new = {**self.rows[0].fields, **fields}
        self.append(new, "custom", "update", None, deadline_ns=deadline_ns, signed=False)

    @rule(fields=changes)
    def update_the_view(self, fields: dict[str, Any]) -> None:
        sql = f"update cdna_current set {', '.join(f'{name} = ?' for name in fields)}"
        connection = apsw.Connection(str(self.path))  # a stranger: no foreign keys, no recursive triggers
        base = self.base
        try:
            if base.deadline_ns is not None:
                with pytest.raises(apsw.ConstraintError, match="a change is on trial"):
                    connection.execute(sql, list(fields.values()))
                return
            connection.execute(sql, list(fields.values()))
        finally:
            connection.close()
        self.append({**base.fields, **fields}, "custom", "update", base.version, signed=False)

    @precondition(lambda self: self.base.deadline_ns is not None)
    @rule()
    def confirm_by_sql(self) -> None:
        base = self.base
        self.db.execute("update cdna_current set trial_deadline_ns = null")
        self.append(base.fields, base.profile, "confirm", base.version, signed=False)

    @rule(fields=changes)
    def undo(self, fields: dict[str, Any]) -> None:
        before = self.rows
        self.db.begin()
        self.update(fields)
        self.db.rollback()
        self.rows = before

    @rule(first=changes, second=changes)
    def undo_a_savepoint(self, first: dict[str, Any], second: dict[str, Any]) -> None:
        with self.db.transaction():
            self.update(first)
            before = self.rows
            self.db.begin()
            self.update(second)
            self.roll_back_to_first()
            self.db.rollback()
            self.rows = before

    def roll_back_to_first(self) -> None:
        first = self.rows[0]
        self.change("rollback", lambda _: (first.fields, "default", 1), lambda: self.db.cdna.rollback(1))

    @rule(
        sql=st.sampled_from(
            [
                "update cdna set max_pull = 1",
                "update cdna set rowid = rowid + 1",
                "delete from cdna where version = 1",
                "insert or replace into cdna (version) values (1)",
                "insert into cdna (version) values (-7)",
                "update cdna_current set scale_motor = 20.5",
            ]
        )
    )
    def tamper(self, sql: str) -> None:
        with pytest.raises((RuleViolated, apsw.ConstraintError)):
            self.db.execute(sql)

    @rule()
    def ask_for_nonsense(self) -> None:
        with pytest.raises((InvalidValue, Misuse)):
            self.db.cdna.update(min_pull=5.0, max_pull=4.0)

    @rule()
    def reopen(self) -> None:
        self.db.close()
        self.open()

    # --- what holds -------------------------------------------------------------------------------------------

    @invariant()
    def both_tell_the_same_history(self) -> None:
        history = self.db.cdna.history(10_000)[::-1]
        assert [(v.version, v.profile, v.action, v.parent) for v in history] == [
            (row.version, row.profile, row.action, row.parent) for row in self.rows
        ]
        assert [v.fields for v in history] == [row.fields for row in self.rows]
        signatures = [checksum(row.fields) if row.signed else None for row in self.rows]
        assert [v.checksum for v in history] == signatures

    @invariant()
    def both_have_the_same_version_in_force(self) -> None:
        assert self.db.cdna.version == self.base.version
        assert self.db.cdna.on_trial == (self.base.deadline_ns is not None)
        assert self.db.cdna.at(LATER - 1).version == self.base.version
        assert (self.db.cdna.trial_status() is not None) == self.db.cdna.on_trial

    @invariant()
    def its_limit_is_the_one_that_holds(self) -> None:
        limit = self.base.fields["max_token_weight"]
        with self.db.transaction():
            self.db.begin()
            self.db.execute("insert into token (weight) values (?)", (limit,))
            self.db.rollback()
        with pytest.raises(RuleViolated):
            self.db.execute("insert into token (weight) values (?)", (limit + 0.5,))


Constitutions.TestCase.settings = settings(max_examples=examples(25), stateful_step_count=30, deadline=None)
TestConstitutions = Constitutions.TestCase
