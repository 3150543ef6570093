"""Every file that is wrong is refused with the place and the remedy, or what is wrong is skipped and counted."""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vector_files import read, write

from neurograph.codec.word_vectors import open_word_vectors, text
from neurograph.errors import ImportFailed, InvalidValue, Misuse

HUGE = b"1" + b"0" * 39
LINES = {
    "too few numbers": (b"cat 1\n", "must be a word and 2 numbers, got 2 fields"),
    "too many numbers": (b"cat 1 2 3\n", "must be a word and 2 numbers, got 3 numbers"),
    "not a number": (b"cat 1 x\n", "got b'x' as number 2"),
    "NaN": (b"cat nan 1\n", "must be finite in float32, got nan as number 1"),
    "infinity": (b"cat 1 -inf\n", "must be finite in float32, got -inf as number 2"),
    "too large for float32": (b"cat 1 %s\n" % HUGE, "must be finite in float32, got inf as number 2"),
    "no word": (b" 1 2\n", "must be a word and 2 numbers, got 2 fields"),
    "not UTF-8": (b"\xe9 1 2\n", r"must be UTF-8, got b'\xe9'"),
    "a NUL": (b"c\0t 1 2\n", r"a word must have no NUL, got b'c\x00t'"),
    "a word again": (b"the 1 2\n", "must stand in the file once, got 'the' as on line 1"),
}


@pytest.mark.parametrize(("line", "message"), LINES.values(), ids=list(LINES))
def test_a_malformed_line_refuses_the_file_or_is_skipped(tmp_path: Path, line: bytes, message: str) -> None:
    path = write(tmp_path, b"the 1 2\nof 3 4\n" + line + b"and 5 6\n")
    with pytest.raises(ImportFailed) as refused:
        read(path)
    assert refused.value.line == 3
    assert str(refused.value).startswith("line 3: ")
    assert message in str(refused.value)
    assert 'malformed="skip"' in str(refused.value)
    words, vectors, reader = read(path, malformed="skip")
    assert (words, vectors[:, 0].tolist()) == (["the", "of", "and"], [1.0, 3.0, 5.0])
    assert (reader.skipped_count, reader.skipped[0].place) == (1, 3)
    assert message in reader.skipped[0].reason


def test_what_is_behind_the_limit_is_not_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path, b"a 1 2\nb 1\nc 1 2\nd 3\n")
    assert read(path, limit=1)[0] == ["a"]
    assert read(path, limit=2, malformed="skip")[2].skipped_count == 1
    assert read(path, subset={"a"})[0] == ["a"]
    with pytest.raises(ImportFailed, match="line 2"):
        read(path, limit=2)


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_the_first_fault_is_named_however_the_file_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(text, "BLOCK", block)
    path = write(tmp_path, b"a 1 2\nb nan 2\na 1 2\nc 1\n\xff 1 2")
    with pytest.raises(ImportFailed, match="line 2: "):
        read(path)
    words, _, reader = read(path, malformed="skip")
    assert (words, [skipped.place for skipped in reader.skipped]) == (["a"], [2, 3, 4, 5])


def test_a_parser_is_not_given_lines_so_short_that_its_rows_would_fill_memory(tmp_path: Path) -> None:
    def parser(content: bytes, dimension: int) -> Any:
        lines = content.count(b"\n")
        assert lines * dimension <= len(content), f"{4 * lines * dimension} bytes for {len(content)}"
        return np.array([[0, -1, len(content) - 1]]), np.zeros((1, dimension), np.float32)

    path = write(tmp_path, b"1 8192\n" + b"\n" * (1 << 20) + b"a" + b" 1" * 8192)
    assert read(path, parser=lambda size: parser)[0] == ["a"]


def test_a_reader_reads_once_and_only_while_it_is_open(tmp_path: Path) -> None:
    path = write(tmp_path, b"a 1\n" + b"b 1\n")
    with open_word_vectors(path) as reader:
        assert [words for words, _ in reader] == [["a", "b"]]
        with pytest.raises(Misuse, match="was read already; open it again"):
            iter(reader)
    with open_word_vectors(path) as reader:
        pass
    with pytest.raises(Misuse, match="is closed"):
        iter(reader)


def test_bytes_read_tells_how_far_into_the_packed_file_reading_came(tmp_path: Path) -> None:
    content = b"".join(b"w%d %d 1\n" % (place, place) for place in range(150_000))
    path = write(tmp_path, gzip.compress(content, 1))
    with open_word_vectors(path, limit=10) as reader:
        assert len(list(reader)) == 1
        early = reader.bytes_read
    assert reader.bytes_read == early
    assert 0 < early < reader.bytes_total == path.stat().st_size
    with open_word_vectors(path) as reader:
        positions = [reader.bytes_read for _ in reader]
    assert positions == sorted(positions)
    assert positions[-1] == reader.bytes_total


def test_how_many_words_there_will_be_is_told_or_reckoned_by_the_bytes_read(tmp_path: Path) -> None:
    count = 300_000
    content = b"".join(b"w%06d 0.%05d 1\n" % (place, place % 90_000) for place in range(count))
    path = write(tmp_path, content)
    with open_word_vectors(path) as reader:
        assert (reader.expected, reader.total) == (None, None)
        totals = [total for _ in reader if (total := reader.total)]
    assert totals[-1] == count
    assert all(abs(total - count) < 0.01 * count for total in totals)
    with open_word_vectors(path, limit=9000) as reader:
        assert reader.total == 9000
        assert [reader.total for _ in reader][-1] == 9000
    with open_word_vectors(path, limit=9000, subset=["w000001", "w299999"]) as reader:
        assert reader.total == 2
        assert [reader.total for _ in reader] == [2]
    with open_word_vectors(write(tmp_path, b"%d 2\n" % count + content)) as reader:
        assert {reader.total, *(reader.total for _ in reader)} == {count}


def test_blank_lines_carriage_returns_and_a_missing_last_newline_mean_nothing(tmp_path: Path) -> None:
    words, vectors, reader = read(write(tmp_path, b"a 1 2\r\n\r\n \t\n\tb  3\t4 \r\n\nc 5 6"))
    assert (words, vectors.tolist()) == (["a", "b", "c"], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert reader.skipped_count == 0


@pytest.mark.parametrize("content", [b"", b"\n \n", gzip.compress(b"")], ids=["nothing", "blanks", "packed"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ImportFailed, match="got an empty file"):
        read(write(tmp_path, content))


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="must be GloVe or word2vec text"):
        read(write(tmp_path, b"just some prose\nand more of it\n"))
    with pytest.raises(ImportFailed, match=r"take its \.vec file"):
        read(write(tmp_path, (793712314).to_bytes(4, "little") + bytes(100)))
    with pytest.raises(ImportFailed, match="cannot open"):
        read(tmp_path / "absent")
    with pytest.raises(ImportFailed, match="cannot open"):
        open_word_vectors(tmp_path)


def test_a_line_without_an_end_is_refused_before_it_fills_memory(tmp_path: Path) -> None:
    content = b"a 1 2\n" + b"x" * (2 * text.LONGEST_LINE)
    with pytest.raises(ImportFailed, match="line 2: must end within 4194304 bytes"):
        read(write(tmp_path, content), format="glove")


@pytest.mark.parametrize("count", [1, 3])
def test_a_header_with_a_wrong_count_is_refused_or_noted(tmp_path: Path, count: int) -> None:
    path = write(tmp_path, b"%d 2\na 1 2\nb 3 4\n" % count)
    with pytest.raises(ImportFailed, match=f"line 1: the header .* says {count}, got 2"):
        read(path)
    words, _, reader = read(path, malformed="skip")
    assert (words, reader.skipped_count) == (["a", "b"], 1)


@pytest.mark.parametrize("header", [b"2 0", b"2 8193", b"2 999999999999", b"the 2", b"2", b""])
def test_a_header_that_is_wrong_or_missing_is_refused(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(ImportFailed, match="line 1: ") as refused:
        read(write(tmp_path, header + b"\na 1 2\n"), format="word2vec")
    assert refused.value.line == 1


def binary(count: int, rows: int, tail: bytes = b"") -> bytes:
    vector = np.arange(1, 4, dtype="<f4").tobytes()
    return b"%d 3\n" % count + b"".join(b"w%d " % i + vector for i in range(rows)) + tail


def test_a_binary_file_that_ends_too_early_names_word_and_byte(tmp_path: Path) -> None:
    path = write(tmp_path, binary(3, 3)[:-5])
    with pytest.raises(ImportFailed, match=r"word 3: byte 34: the file must hold 3 words, ends 10 bytes after word 2"):
        read(path)
    words, _, reader = read(path, malformed="skip")
    assert (words, reader.skipped_count) == (["w0", "w1"], 1)


def test_a_binary_file_with_more_than_it_says_is_refused(tmp_path: Path) -> None:
    assert read(write(tmp_path, binary(2, 2, b"\n")))[0] == ["w0", "w1"]
    with pytest.raises(ImportFailed, match="says 2, but more bytes follow"):
        read(write(tmp_path, binary(2, 3)))


def test_a_binary_file_is_checked_row_by_row(tmp_path: Path) -> None:
    bad = b"2 3\na " + np.array([1, np.nan, 2], "<f4").tobytes() + b"\xff " + np.zeros(3, "<f4").tobytes()
    with pytest.raises(ImportFailed, match="word 1: numbers must be finite in float32, got nan as number 2") as refused:
        read(write(tmp_path, bad))
    assert refused.value.line is None
    assert read(write(tmp_path, bad), malformed="skip")[2].skipped_count == 2
    with pytest.raises(ImportFailed, match="a word must end within 65536 bytes"):
        read(write(tmp_path, b"9 3\n" + bytes(3 << 20)), format="word2vec_binary")
    empty = b"1 3\n " + np.zeros(3, "<f4").tobytes()
    with pytest.raises(ImportFailed, match="a word must not be empty"):
        read(write(tmp_path, empty), format="word2vec_binary")


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("v", content)
    return packed.getvalue()


CONTENT = b"".join(b"w%d %d 1\n" % (i, i * i) for i in range(5000))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_packed_file_cut_short_is_refused_and_never_skipped(tmp_path: Path, pack: Any) -> None:
    packed = pack(CONTENT)
    with pytest.raises(ImportFailed, match="can't be read to its end"):
        read(write(tmp_path, packed[: len(packed) // 2]), malformed="skip")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zipped])
def test_a_packed_file_with_a_damaged_byte_is_refused(tmp_path: Path, pack: Any) -> None:
    packed = bytearray(pack(CONTENT))
    packed[len(packed) // 2] ^= 0x55
    with pytest.raises(ImportFailed, match="can't be read to its end"):
        read(write(tmp_path, bytes(packed)), malformed="skip")


def test_a_zip_without_its_end_and_an_empty_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="can't be read to its end"):
        read(write(tmp_path, zipped(CONTENT)[:-30]))
    packed = io.BytesIO()
    zipfile.ZipFile(packed, "w").close()
    with pytest.raises(ImportFailed, match="must hold one file, got none"):
        read(write(tmp_path, packed.getvalue()))


def saved(folder: Path, array: np.ndarray, words: bytes = b"a\nb\n") -> tuple[Path, Path]:
    np.save(folder / "vectors.npy", array, allow_pickle=array.dtype == object)
    return folder / "vectors.npy", write(folder, words, "words.txt")


ARRAYS = {
    "integers": (np.ones((2, 3), np.int32), "must hold float16, float32 or float64, got int32"),
    "objects": (np.array([[{}], [{}]]), "must hold float16"),
    "a vector": (np.ones(3, np.float32), "must have two dimensions"),
    "by column": (np.asfortranarray(np.ones((2, 3), np.float32)), "got Fortran order"),
}


@pytest.mark.parametrize(("array", "message"), ARRAYS.values(), ids=list(ARRAYS))
def test_arrays_of_other_kinds_are_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    path, words = saved(tmp_path, array)
    with pytest.raises(ImportFailed, match=message):
        read(path, words=words)


@pytest.mark.parametrize(("words", "got"), [(b"a\n", "got 1"), (b"a\nb\nc\n", "got more")])
def test_a_list_of_words_of_another_length_is_refused(tmp_path: Path, words: bytes, got: str) -> None:
    path, listed = saved(tmp_path, np.ones((2, 3), np.float32), words)
    with pytest.raises(ImportFailed, match=f"must have 2 lines, one for each row, {got}"):
        read(path, words=listed, malformed="skip")


def test_an_array_needs_its_words_and_all_its_rows(tmp_path: Path) -> None:
    path, words = saved(tmp_path, np.ones((2, 3), np.float32))
    with pytest.raises(ImportFailed, match="name that file by words="):
        read(path)
    write(tmp_path, path.read_bytes()[:-3], "short.npy")
    with pytest.raises(ImportFailed, match="row 2: the file ends, must have 2 rows"):
        read(tmp_path / "short.npy", words=words)
    write(tmp_path, path.read_bytes()[:20], "shorter.npy")
    with pytest.raises(ImportFailed, match="header can't be read"):
        read(tmp_path / "shorter.npy", words=words)


def test_a_list_of_words_is_for_arrays(tmp_path: Path) -> None:
    _, words = saved(tmp_path, np.ones((2, 3), np.float32))
    write(tmp_path, b"cat 1 2\n", "glove.txt")
    with pytest.raises(InvalidValue, match="words must be left out, as glove has words of its own"):
        read(tmp_path / "glove.txt", words=words)


def test_numbers_of_an_array_are_checked(tmp_path: Path) -> None:
    path, words = saved(tmp_path, np.array([[1.0, 1e39], [2.0, 3.0]]), b"a\n\n")
    with pytest.raises(ImportFailed, match="row 1: numbers must be finite in float32, got inf as number 2"):
        read(path, words=words)
    got, _, reader = read(path, words=words, malformed="skip")
    assert (got, [skipped.reason for skipped in reader.skipped][1]) == ([], "row 2: a word must not be empty")


@pytest.mark.parametrize(
    "wrong",
    [{"errors": "ignore"}, {"malformed": "keep"}, {"format": "csv"}, {"limit": 0}, {"limit": True}, {"batch_rows": 0},
     {"subset": "cat"}],
)  # fmt: skip
def test_arguments_that_break_a_rule_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match=f"{next(iter(wrong))} must be "):
        open_word_vectors(write(tmp_path, b"a 1\n"), **wrong)
