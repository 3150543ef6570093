r"""Files as rows of named values, and rows as files.

A format is told by the file's name: ``.csv``, ``.tsv``, ``.jsonl`` (also ``.ndjson``), ``.parquet``; the first three
also with ``.gz``. Text is UTF-8; the first line of CSV and TSV names the columns. TSV has no quotes: a tab or newline
inside a value is written ``\t`` or ``\n``, a backslash ``\\``, as in PostgreSQL's text format.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ...errors import ImportFailed, InvalidValue, NotHere

FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
LONGEST_FIELD = 1 << 28  # characters; the csv module's own limit of 131,072 is less than a long text
Row = tuple[int, dict[str, Any] | ImportFailed]  # a row that can't be read is what is wrong with it


def format_of(path: Path, name: str | None = None) -> str:
    """Return the format of a file: the one named, or what its name says."""
    if name is not None:
        if name not in FORMATS.values():
            raise InvalidValue(f"format must be one of {', '.join(sorted(set(FORMATS.values())))}, got {name!r}")
        return name
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    found = FORMATS.get(suffixes[-1]) if suffixes else None
    if found is None:
        raise InvalidValue(f"the name of {path.name!r} must end in {', '.join(FORMATS)}; else pass format= (--format)")
    return found


def read_rows(path: Path, format_name: str | None = None, first_line: int = 1) -> Iterator[Row]:
    """Yield (line, values by column) from `first_line` on; in CSV and TSV line 1 is the header.

    In the place of the values of a row that can't be read is the error that says so, for whoever leaves it out;
    `readable` raises it.

    Raises
    ------
    ImportFailed
        The file can't be read on: quotes that don't match, bytes that are no UTF-8, a broken archive.
    """
    kind = format_of(path, format_name)
    if kind == "parquet":
        yield from _read_parquet(path, first_line)
        return
    with _open_text(path, "r") as file:
        rows = {"csv": _read_csv, "tsv": _read_tsv, "jsonl": _read_json}[kind](file)
        try:
            yield from (row for row in rows if row[0] >= first_line)
        except UnicodeDecodeError as error:
            raise ImportFailed(f"{path.name}: text must be UTF-8 ({error})") from error
        except (gzip.BadGzipFile, EOFError, OSError) as error:
            raise ImportFailed(f"{path.name}: the file can't be read to its end ({error})") from error


def readable(row: dict[str, Any] | ImportFailed) -> dict[str, Any]:
    """Return a row's values, or raise what is wrong with it."""
    if isinstance(row, ImportFailed):
        raise row
    return row


def _read_csv(file: IO[str]) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(file, strict=True)
    try:
        names = _header(next(reader, None))
        line = reader.line_num + 1
        for values in reader:
            if values:
                yield line, _named(names, values, line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise ImportFailed(f"line {reader.line_num}: not CSV ({error})", reader.line_num) from error


def _read_tsv(file: IO[str]) -> Iterator[Row]:
    names = _header(next(file, "").rstrip("\r\n").split("\t"))
    for line, text in enumerate(file, 2):
        text = text.rstrip("\r\n")
        if text:
            values = text.split("\t")
            yield line, _named(names, map(_unescape, values) if "\\" in text else values, line, len(values))


def _read_json(file: IO[str]) -> Iterator[Row]:
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
        yield line, _object(text, line)


def _object(text: str, line: int) -> dict[str, Any] | ImportFailed:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        return ImportFailed(f"line {line}: not JSON ({error})", line)
    if not isinstance(row, dict):
        return ImportFailed(f"line {line}: must be a JSON object, got {text.strip()[:60]!r}", line)
    return {name: value for name, value in row.items() if value is not None}


def _read_parquet(path: Path, first_line: int) -> Iterator[Row]:
    parquet = _parquet()
    try:
        file = parquet.ParquetFile(path)
    except Exception as error:  # pyarrow raises errors of its own for a file that is none
        raise ImportFailed(f"{path.name}: not Parquet ({error})") from error
    line = 1
    for batch in file.iter_batches(batch_size=10_000):
        for row in batch.to_pylist():
            if line >= first_line:
                yield line, {name: value for name, value in row.items() if value is not None}
            line += 1


def _header(names: list[str] | None) -> list[str]:
    if not names or names == [""]:
        raise ImportFailed("line 1: must name the columns, got an empty file", 1)
    if len(set(names)) < len(names) or "" in names:
        raise ImportFailed(f"line 1: names of columns must be distinct and not empty, got {names!r}", 1)
    return names


def _named(
    names: list[str], values: Iterable[str], line: int, count: int | None = None
) -> dict[str, Any] | ImportFailed:
    values = list(values)
    if len(values) != len(names):
        return ImportFailed(f"line {line}: must have {len(names)} values, got {len(values)}", line)
    return {name: value for name, value in zip(names, values, strict=True) if value != ""}


def _unescape(value: str) -> str:
    if "\\" not in value:
        return value
    parts = value.split("\\\\")
    return "\\".join(part.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r") for part in parts)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def write_rows(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]], format_name: str | None = None) -> int:
    """Write rows of plain values under the names of their columns, and return how many."""
    kind = format_of(path, format_name)
    if kind == "parquet":
        return _write_parquet(path, names, rows)
    count = 0
    with _open_text(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        if kind == "csv":
            writer.writerow(names)
        elif kind == "tsv":
            file.write("\t".join(map(_escape, names)) + "\n")
        for row in rows:
            count += 1
            if kind == "csv":
                writer.writerow(row)
            elif kind == "tsv":
                file.write("\t".join("" if value is None else _escape(str(value)) for value in row) + "\n")
            else:
                values = {name: value for name, value in zip(names, row, strict=True) if value is not None}
                file.write(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")
    return count


def _write_parquet(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    parquet = _parquet()
    import pyarrow

    rows = list(rows)
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    table = pyarrow.table([pyarrow.array(list(column)) for column in columns], names=list(names))
    parquet.write_table(table, path)
    return len(rows)


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise NotHere('pyarrow must be installed for Parquet; run pip install "neurograph[parquet]"') from error
    return pyarrow.parquet


@contextmanager
def _open_text(path: Path, mode: str) -> Iterator[IO[str]]:
    """Open a text file, gzipped where its name ends in ``.gz``."""
    opened: Any = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        file = opened(path, mode + "t", encoding="utf-8-sig" if mode == "r" else "utf-8", newline="")
    except OSError as error:
        raise ImportFailed(f"cannot open {str(path)!r}: {error.strerror}") from error
    with file:
        yield file
