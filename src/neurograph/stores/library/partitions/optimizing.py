"""`library.optimize()`: what makes searches fast that may miss some, made when somebody asks for it."""

from __future__ import annotations

from ....errors import InvalidValue
from ..base import LibraryPart, require_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ....progress import Told
    from .build import OptimizedLibrary


class OptimizingLibrary(LibraryPart):
    """Partitions."""

    def optimize(self, *, progress: bool | Told = False) -> OptimizedLibrary:
        """Make or mend the partitions that approximate searches look at few of.

        Vectors that lie together are put into one partition, each with a bit for each of its numbers, and how many
        partitions a search has to look at for a recall is measured on a sample. Later calls place what changed since,
        measure again after a tenth of the vectors moved, and begin anew after half of them did. Nothing else ever makes
        partitions, and no exact answer depends on them. Where kernels can be used, it's also measured how many
        candidates, or how many partitions, approximate searches in memory take, and arrays are laid out by partition.

        Parameters
        ----------
        progress
            True shows a line on stderr where that is a terminal; a function is called with what is being done, how
            much of it is, and of how much. Nothing is open when it is called: it may read and write.

        Returns
        -------
        OptimizedLibrary
            (partitions, placed, trained).

        Raises
        ------
        InvalidValue
            `progress` is neither a bool nor a function.
        LibraryNotFound
            The library was dropped.
        ReadOnlyDatabase
            The file was opened for reading.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=2)
        ...     _ = pets.add([[1, 0], [0, 1]])
        ...     pets.optimize()
        OptimizedLibrary(partitions=0, placed=0, trained=False)

        Notes
        -----
        Grows with the number of vectors times their dimension. Others search and write meanwhile: the write lock is
        taken for slices of less than 100 ms. A call that is broken off leaves the partitions that were there; of two
        at once, the one that began first gives up. About 85 bytes a vector of 384 numbers in the file. It takes as
        much memory as `memory_budget_bytes` leaves beside arrays, but may take 64 MiB where that is less, and 4 bytes
        a vector; with little memory there are fewer partitions, made of a smaller sample, and searches look at more.
        """
        from ..nearest import calibration
        from . import build as partition_build
        from .room import room_of

        if not isinstance(progress, bool) and not callable(progress):
            raise InvalidValue(f"progress must be True, False or a function, got {progress!r}")
        with self._session.write_turn("optimize") as line:  # refused before anything is trained that can't be written
            require_library(line.connection, self._space)
        from ....progress import telling

        with telling(progress, "vectors") as told:
            room = room_of(self._session, self._derived)
            made = partition_build.refresh(self._session, self._space, room, told)
            if made is None:
                made = partition_build.build(self._session, self._space, room, told)
            calibration.keep(self._session, self._derived, self._space)
        if not made.partitions:
            with self._session.reading() as line:
                require_library(line.connection, self._space)
        return made
