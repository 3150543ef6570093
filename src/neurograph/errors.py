"""Every error this package raises, and nothing else.

The tree (each class also is the nearest built-in, so that generic handlers keep working)::

    NeurographError
    ├── InvalidValue              ValueError      an argument breaks a rule that never changes
    │   ├── IdNotRepresentable                    an id does not fit a fixed-size record
    │   └── NotAnObject           TypeError       a value must be a dict, where storage holds objects only
    ├── RuleViolated              ValueError      the constitution in force refuses the row
    │   └── StorageQuotaExceeded                  a namespace would outgrow its quota
    ├── Conflict                  ValueError      a row with that unique value exists already
    │   └── VersionConflict                       somebody changed the value since that version
    ├── IdentityMismatch          ValueError      vectors of another model than the library's
    ├── NotFound                  LookupError     nothing has that id, label or name
    │   ├── TokenNotFound
    │   ├── EdgeNotFound
    │   ├── ConnectionNotFound
    │   ├── LibraryNotFound
    │   ├── ItemNotFound
    │   ├── ChannelNotFound
    │   ├── MessageNotFound
    │   ├── RecurringNotFound
    │   ├── TopicNotFound
    │   ├── SubscriptionNotFound
    │   ├── ChangesForgotten                      changes, or events, that old are kept no more
    │   └── UnknownName                           a level, type, profile … that does not exist
    ├── ProposalRefused           ValueError      a proposal breaks the rules of learning
    │   ├── ImmutableConnection
    │   ├── NotHypothesis
    │   ├── CannotDelete
    │   ├── InsufficientEvidence
    │   └── GuardianRejected
    ├── ChannelFull               RuntimeError    the channel has no room for the message
    ├── RateLimited               RuntimeError    messages come faster than the channel allows
    ├── LeaseLost                 RuntimeError    the message is not the caller's any more
    ├── MessageFailed             RuntimeError    nobody will answer the message
    ├── CannotOpen                OSError         the file was left as it was
    │   ├── FileMissing           FileNotFoundError
    │   ├── NotAFile
    │   ├── NotADatabase
    │   ├── DamagedFile
    │   ├── ForeignApplication
    │   ├── NewerSchema
    │   ├── OlderSchema
    │   ├── SchemaChanged
    │   ├── ReadOnlyFile
    │   ├── FileLocked
    │   ├── ForeignHandle
    │   └── UnsafeSQLite
    ├── Misuse                    RuntimeError    a call that can't work in this state
    │   ├── Closed
    │   ├── NoTransaction
    │   ├── TransactionOpen
    │   ├── ReadOnlyDatabase
    │   └── WrongProcess
    ├── TransactionBusy           TimeoutError    another thread, task or process holds the write lock
    ├── DeadlineExceeded          TimeoutError    `timeout_s` ran out
    ├── Interrupted               RuntimeError    `interrupt()` was called
    ├── ImportFailed              ValueError      a row of a file could not be imported
    └── NotHere                   RuntimeError    this machine or installation lacks something optional

SQLite's own errors (`apsw.Error`) stay SQLite's unless we know more than SQLite does.
"""

from __future__ import annotations


class NeurographError(Exception):
    """The root of every error raised by this package."""


class InvalidValue(NeurographError, ValueError):
    """An argument breaks a rule that no constitution can change; the message names rule and value."""


class IdNotRepresentable(InvalidValue):
    """An id does not fit the fixed-size record; pass ``ids="remap"``, or export another format."""


class NotAnObject(InvalidValue, TypeError):
    """A value is no dict, where storage holds objects only; use `Storage` itself for other values."""


class RuleViolated(NeurographError, ValueError):
    """The constitution in force, or another rule of the file, refuses the row; nothing was changed.

    Attributes
    ----------
    rule
        The stable code of the rule, e.g. ``"token.weight"``.
    """

    def __init__(self, message: str, rule: str = "") -> None:
        super().__init__(message)
        self.rule = rule

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (str(self), self.rule)


class StorageQuotaExceeded(RuleViolated):
    """The values of a namespace would outgrow its quota; delete some, or raise it."""


class Conflict(NeurographError, ValueError):
    """A row with the same unique value exists already; update it, or choose another value."""


class VersionConflict(Conflict):
    """Somebody changed the value since that version; read it again and decide anew.

    Attributes
    ----------
    version
        The version that is there; 0 where nothing is stored.
    """

    def __init__(self, message: str, version: int = 0) -> None:
        super().__init__(message)
        self.version = version

    def __reduce__(self) -> tuple[type, tuple[str, int]]:
        return type(self), (str(self), self.version)


class IdentityMismatch(NeurographError, ValueError):
    """The vectors were made by another model, or otherwise, than those of the library; they can't be compared."""


class NotFound(NeurographError, LookupError):
    """Nothing in the database has that id, label or name."""


class TokenNotFound(NotFound):
    """No token has that id or label."""


class EdgeNotFound(NotFound):
    """No edge has that source, type, target and key."""


class ConnectionNotFound(NotFound):
    """No connection has that id."""


class LibraryNotFound(NotFound):
    """No library has that name, or it was dropped."""


class ItemNotFound(NotFound):
    """No item of the library has that id or key, or it has no vector."""


class ChannelNotFound(NotFound):
    """No channel has that name."""


class MessageNotFound(NotFound):
    """No message has that id, or it is gone: acked, cancelled, dropped or purged."""


class TopicNotFound(NotFound):
    """No topic has that name."""


class SubscriptionNotFound(NotFound):
    """No subscription has that name, or it was ended."""


class RecurringNotFound(NotFound):
    """Nothing of that name recurs; the message names the closest."""


class ChangesForgotten(NotFound):
    """Changes of storage after that version are kept no more; read what is stored anew."""


class UnknownName(NotFound):
    """No level, type, domain, profile or option has that name; the message names the closest ones."""


class ProposalRefused(NeurographError, ValueError):
    """A proposal breaks the rules by which connections may learn."""


class ImmutableConnection(ProposalRefused):
    """The connection is immutable; no proposal may change it."""


class NotHypothesis(ProposalRefused):
    """Only a hypothesis can be promoted."""


class CannotDelete(ProposalRefused):
    """Only a hypothesis can be deleted by a proposal."""


class InsufficientEvidence(ProposalRefused):
    """The proposal carries less evidence than its kind requires.

    Attributes
    ----------
    required, provided
        Pieces of evidence.
    """

    def __init__(self, message: str, required: int = 0, provided: int = 0) -> None:
        super().__init__(message)
        self.required = required
        self.provided = provided

    def __reduce__(self) -> tuple[type, tuple[str, int, int]]:
        return type(self), (str(self), self.required, self.provided)


class GuardianRejected(ProposalRefused):
    """The constitution in force refuses what the proposal asks for."""


class ChannelFull(NeurographError, RuntimeError):
    """The channel has no room for the message, and rejects or waited in vain; nothing was published."""


class RateLimited(NeurographError, RuntimeError):
    """Messages come faster than the channel's rate allows; nothing was published."""


class LeaseLost(NeurographError, RuntimeError):
    """The message is not the caller's any more: its lease ran out and others took it, or it was settled before."""


class MessageFailed(NeurographError, RuntimeError):
    """The message whose result or reply was waited for is dead, or was dropped; the text tells why."""


class CannotOpen(NeurographError, OSError):
    """The file could not be opened; it was left as it was."""


class FileMissing(CannotOpen, FileNotFoundError):
    """There is no such file or folder; create it, or open a database with ``mode="rwc"``."""


class NotAFile(CannotOpen):
    """The path names a folder, a device or a pipe."""


class NotADatabase(CannotOpen):
    """The file is not a SQLite database."""


class DamagedFile(CannotOpen):
    """The file is shorter than it says, or SQLite finds it damaged; restore it from a copy."""


class ForeignApplication(CannotOpen):
    """The file is a SQLite database of another application."""


class NewerSchema(CannotOpen):
    """The file was written by a newer version of this package; upgrade the package."""


class OlderSchema(CannotOpen):
    """The file has an older schema and was opened without leave to migrate it; open it for writing once."""


class SchemaChanged(CannotOpen):
    """A table, index, view or trigger of ours differs from what this package created."""


class ReadOnlyFile(CannotOpen):
    """The file or its folder can't be written; open it with ``mode="r"``."""


class FileLocked(CannotOpen):
    """Another process held the file locked for longer than the busy timeout."""


class ForeignHandle(CannotOpen):
    """This process holds the file open outside this package, which would drop SQLite's locks."""


class UnsafeSQLite(CannotOpen):
    """The SQLite library is older than the first version without faults that can damage files, or lacks parts."""


class Misuse(NeurographError, RuntimeError):
    """A call that can't work in the present state; the message says which one can."""


class Closed(Misuse):
    """The database is closed."""


class NoTransaction(Misuse):
    """`commit` or `rollback` without an open transaction."""


class TransactionOpen(Misuse):
    """`begin`, `close` or the like while a transaction is open."""


class ReadOnlyDatabase(Misuse):
    """A write through a handle opened with ``mode="r"``, or inside a snapshot."""


class WrongProcess(Misuse):
    """The handle was inherited by a fork; open the file again in the child."""


class TransactionBusy(NeurographError, TimeoutError):
    """Another thread, task or process held the write lock for longer than the busy timeout."""


class DeadlineExceeded(NeurographError, TimeoutError):
    """The call took longer than its `timeout_s`; what it had begun to write was undone."""


class Interrupted(NeurographError, RuntimeError):
    """The call was stopped by `Database.interrupt`; what it had begun to write was undone."""


class ImportFailed(NeurographError, ValueError):
    """A row of a file could not be imported.

    Attributes
    ----------
    line
        The number of the line in the file, from 1, or None.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line

    def __reduce__(self) -> tuple[type, tuple[str, int | None]]:
        return type(self), (str(self), self.line)


class NotHere(NeurographError, RuntimeError):
    """This machine or installation lacks something optional; the message names the remedy."""
