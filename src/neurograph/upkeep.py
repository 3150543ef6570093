"""The part of a `Database` that looks after its file; what it does is in `flows/check` and `flows/optimize`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .connection.session import Session
    from .flows.check import Violation
    from .flows.optimize import Optimized


class Upkeep:
    """The part of a `Database` that looks after its file."""

    _session: Session

    def check(self, *, limit: int = 100) -> list[Violation]:
        """Audit the file and return what is wrong; an empty list when it is sound.

        Parameters
        ----------
        limit
            At most so many violations of each invariant.

        Returns
        -------
        list of Violation
            (invariant, row, message), in the order of the manual's list.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.check()
        []

        Notes
        -----
        Reads the whole file once or twice: about 1 s for 1M tokens with 1M edges.
        """
        from .flows.check import check

        return check(self._session, limit)

    def optimize(self, *, budget_bytes: int = 256 << 20) -> Optimized:
        """Leave the file so that the next process answers fast: save arrays, refresh statistics, give pages back.

        Parameters
        ----------
        budget_bytes
            What saved arrays may take in the file; the most useful kinds come first.

        Returns
        -------
        Optimized
            Bytes saved and pages given back.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create_many(count=1000)
        ...     db.optimize().saved_bytes > 8000
        True

        Notes
        -----
        Never needed for an answer, unless somebody deleted rows of the table ``mark``: it gives them back. Does what is
        due in the queue and deletes stored values that expired. Holds the write lock for about 100 ms at a time.
        """
        from .flows.optimize import optimize

        return optimize(self._session, budget_bytes)

    def drop_derived(self) -> int:
        """Delete saved arrays, partitions and kept vectors of texts; return how many. No exact answer changes.

        Where the encoder of a library is not on this machine, texts whose vectors were kept are not answered any more.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create_many(count=1000), db.optimize()
        ...     db.drop_derived() > 0, db.drop_derived()
        (True, 0)
        """
        from .flows.optimize import drop_derived

        return drop_derived(self._session)
