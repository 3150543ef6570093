"""The bytes of a file, out of gz, bz2 or zip as its first bytes say, and how many of the file were read."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from ...errors import ImportFailed

if TYPE_CHECKING:
    from zipfile import ZipFile

GZIP, BZIP, ZIP, EMPTY_ZIP = b"\x1f\x8b", b"BZh", b"PK\x03\x04", b"PK\x05\x06"


class Source:
    """An open file, read forwards.

    Parameters
    ----------
    path
        The file.
    member
        The file to read in a zip file that holds several.

    Raises
    ------
    ImportFailed
        The file can't be opened, is a damaged container, or holds several files and `member` names none of them.
    """

    def __init__(self, path: str | os.PathLike[str], member: str | None = None) -> None:
        self.path = Path(path)
        self._ahead = b""
        self._read_before_close = 0
        try:
            self._file = self.path.open("rb")
        except OSError as error:
            raise ImportFailed(f"cannot open {str(self.path)!r}: {error.strerror}") from error
        try:
            self.bytes_total = os.fstat(self._file.fileno()).st_size
            self._plain = self._unpacked(member)
        except BaseException:
            self._file.close()
            raise

    def _unpacked(self, member: str | None) -> IO[bytes]:
        magic = self._file.read(4)
        self._file.seek(0)
        self.compressed = magic.startswith((GZIP, BZIP, ZIP, EMPTY_ZIP))
        if magic.startswith(GZIP):
            import gzip

            return gzip.GzipFile(fileobj=self._file)  # type: ignore[return-value]
        if magic.startswith(BZIP):
            import bz2

            return bz2.BZ2File(self._file)
        if magic.startswith((ZIP, EMPTY_ZIP)):
            return self._unzipped(member)
        return self._file

    def _unzipped(self, member: str | None) -> IO[bytes]:
        from zipfile import BadZipFile, ZipFile

        try:
            archive: ZipFile = ZipFile(self._file)
            names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
            if member is None and len(names) == 1:
                member = names[0]
            if member not in names:
                asked = "must hold one file" if member is None else f"must hold {member!r}"
                listed = ", ".join(map(repr, names[:10])) + (", …" if len(names) > 10 else "")
                raise ImportFailed(f"{self.path.name}: {asked}, got {listed or 'none'}; name one by member=")
            return archive.open(member)
        except (BadZipFile, RuntimeError, NotImplementedError) as error:
            raise self._unreadable(error) from error

    @property
    def bytes_read(self) -> int:
        """How far into the file, compressed as it is, reading has come."""
        return self._read_before_close if self._file.closed else min(self._file.tell(), self.bytes_total)

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end only, and leave them to be read."""
        if len(self._ahead) < size:
            self._ahead += self._read(size - len(self._ahead))
        return self._ahead[:size]

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end only."""
        taken, self._ahead = self._ahead[:size], self._ahead[size:]
        return taken + self._read(size - len(taken)) if len(taken) < size else taken

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._file.closed

    def _read(self, size: int) -> bytes:
        from zipfile import BadZipFile
        from zlib import error as ZlibError  # noqa: N812 - it is a class

        pieces = []
        try:
            while size and (piece := self._plain.read(size)):
                pieces.append(piece)
                size -= len(piece)
        except (EOFError, OSError, BadZipFile, ZlibError) as error:
            raise self._unreadable(error) from error
        return b"".join(pieces)

    def _unreadable(self, error: Exception) -> ImportFailed:
        return ImportFailed(f"{self.path.name}: the file can't be read to its end ({error}); fetch it again")

    def close(self) -> None:
        """Close the file."""
        self._read_before_close = self.bytes_read
        self._plain.close()
        self._file.close()

    def __enter__(self) -> Source:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
