"""Proposals carried out, each after the rules of `model.proposal`, or refused."""

from __future__ import annotations

from ...errors import (
    CannotDelete,
    GuardianRejected,
    ImmutableConnection,
    InsufficientEvidence,
    InvalidValue,
    NotHypothesis,
    RuleViolated,
)
from ...model.connection import Connection
from ...model.names import unknown_name
from ...model.proposal import (
    HYPOTHESIS_RATES,
    MODIFIABLE,
    MODIFY_EVIDENCE,
    PROMOTE_EVIDENCE,
    PROMOTED_RATES,
    CreateProposal,
    DeleteProposal,
    ModifyProposal,
    PromoteProposal,
    Proposal,
)
from ...model.vocabulary import CONNECTION_FLAGS
from ..arguments import real, whole
from .base import connection_id
from .change import ChangedConnections
from .values import REALS


class ProposedConnections(ChangedConnections):
    """Connections as what learns may change them."""

    def apply(self, proposal: Proposal, *, now_ns: int | None = None) -> Connection:
        """Carry out a proposal and return the connection.

        Parameters
        ----------
        proposal
            A `ModifyProposal`, `CreateProposal`, `DeleteProposal` or `PromoteProposal`.
        now_ns
            The time to record, in nanoseconds since 1970 UTC; None is now.

        Returns
        -------
        Connection
            The connection as it is now; one that was deleted is not active any more.

        Raises
        ------
        ImmutableConnection
            The connection to modify is immutable.
        NotHypothesis, CannotDelete
            The connection to promote, or to delete, is no hypothesis.
        InsufficientEvidence
            Fewer than 5 pieces of evidence to modify, or 20 to promote.
        GuardianRejected
            The constitution in force refuses the result.
        InvalidValue, UnknownName
            A value that is never legal, an old value that is not the one it has, a field no proposal may modify.
        ConnectionNotFound, TokenNotFound, Conflict
            No such connection or token; a connection to create that exists.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     guess = db.connections.apply(neurograph.CreateProposal(cat, dog, "fears"))
        ...     db.connections.apply(neurograph.PromoteProposal(guess, evidence=20))
        ...     guess
        <Connection 1 1 → 2 fears learnable confidence=0.5>
        <Connection 1 1 → 2 fears hypothesis confidence=0.5>
        """
        try:
            with self._session.transaction():
                if isinstance(proposal, ModifyProposal):
                    return self._modify(proposal, now_ns)
                if isinstance(proposal, CreateProposal):
                    return self._propose(proposal, now_ns)
                if isinstance(proposal, DeleteProposal):
                    return self._retire(proposal, now_ns)
                if isinstance(proposal, PromoteProposal):
                    return self._promote(proposal, now_ns)
        except RuleViolated as error:
            raise GuardianRejected(str(error)) from error
        raise InvalidValue(f"proposal must be one of the four kinds in neurograph.model.proposal, got {proposal!r}")

    def _modify(self, proposal: ModifyProposal, now_ns: int | None) -> Connection:
        connection = self._read(connection_id(proposal.connection))
        if proposal.field not in MODIFIABLE:
            raise unknown_name("field", proposal.field, MODIFIABLE)
        if connection.mutability == "immutable":
            raise ImmutableConnection(
                f"connection {connection.id} must not be immutable for a proposal to modify it; update it directly if "
                "you mean it"
            )
        _require_evidence("modify", proposal.evidence, MODIFY_EVIDENCE)
        old = getattr(connection, proposal.field)
        if proposal.old is not None and proposal.old != old:
            raise InvalidValue(
                f"old must be what {proposal.field} is, {old!r}, got {proposal.old!r}; somebody changed it since"
            )
        new = real(proposal.new, proposal.field, *REALS[proposal.field])
        flags = connection.flags | CONNECTION_FLAGS["modified"]
        return self.update(connection, flags=flags, now_ns=now_ns, **{proposal.field: new})  # type: ignore[arg-type]

    def _propose(self, proposal: CreateProposal, now_ns: int | None) -> Connection:
        learning_rate, decay_rate = HYPOTHESIS_RATES
        return self.create(
            proposal.source,
            proposal.target,
            type=proposal.type,
            key=proposal.key,
            pull=proposal.strength,
            confidence=proposal.confidence,
            mutability="hypothesis",
            learning_rate=learning_rate,
            decay_rate=decay_rate,
            origin=proposal.origin,
            now_ns=now_ns,
        )

    def _retire(self, proposal: DeleteProposal, now_ns: int | None) -> Connection:
        connection = self._read(connection_id(proposal.connection))
        if connection.mutability != "hypothesis":
            raise CannotDelete(
                f"connection {connection.id} must be a hypothesis for a proposal to delete it, got "
                f"{connection.mutability!r}; delete it directly if you mean it"
            )
        return self.update(connection, flags=connection.flags & ~CONNECTION_FLAGS["active"], now_ns=now_ns)

    def _promote(self, proposal: PromoteProposal, now_ns: int | None) -> Connection:
        connection = self._read(connection_id(proposal.connection))
        if connection.mutability != "hypothesis":
            raise NotHypothesis(
                f"connection {connection.id} must be a hypothesis to be promoted, got {connection.mutability!r}"
            )
        _require_evidence("promote", proposal.evidence, PROMOTE_EVIDENCE)
        learning_rate, decay_rate = PROMOTED_RATES
        return self.update(
            connection, mutability="learnable", learning_rate=learning_rate, decay_rate=decay_rate, now_ns=now_ns
        )


def _require_evidence(verb: str, provided: int, required: int) -> None:
    if whole(provided, "evidence") < required:
        raise InsufficientEvidence(
            f"to {verb} a connection takes {required} pieces of evidence, got {provided}", required, provided
        )
