"""Files that others write are read as they are: gensim's, NumPy's, the real GloVe sample, packed and plain."""

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

from neurograph.codec.word_vectors import open_word_vectors
from neurograph.errors import ImportFailed

NOT_UTF8 = [218, 785, 1329, 1409, 1420]
WORDS = ["cat", "naïve", "東京", "new_york", "</s>"]
VECTORS = np.random.default_rng(5).normal(0, 0.4, (5, 7)).astype(np.float32)


@pytest.fixture
def keyed() -> Any:
    models = pytest.importorskip("gensim.models", reason="gensim is not installed (it has no wheel for this Python)")
    vectors = models.KeyedVectors(VECTORS.shape[1])
    vectors.add_vectors(WORDS, VECTORS)
    return vectors


def glove_text() -> bytes:
    return "".join(
        f"{word} {' '.join(map(str, row.tolist()))}\n" for word, row in zip(WORDS, VECTORS, strict=True)
    ).encode()


@pytest.mark.parametrize(("binary", "format"), [(False, "word2vec"), (True, "word2vec_binary")])
def test_what_gensim_writes_is_read_bit_for_bit(keyed: Any, tmp_path: Path, binary: bool, format: str) -> None:
    path = tmp_path / "vectors"
    keyed.save_word2vec_format(str(path), binary=binary)
    words, vectors, reader = read(path)
    assert (words, reader.format, reader.dimension, reader.expected) == (WORDS, format, 7, 5)
    assert vectors.tobytes() == VECTORS.tobytes()


def test_the_vec_file_of_gensims_fasttext_is_read_bit_for_bit(tmp_path: Path) -> None:
    models = pytest.importorskip("gensim.models", reason="gensim is not installed (it has no wheel for this Python)")
    model = models.FastText(
        [["cat", "sat", "mat"]] * 3, vector_size=6, min_count=1, epochs=1, seed=1, workers=1, bucket=50
    )
    path = tmp_path / "model.vec"
    model.wv.save_word2vec_format(str(path))
    words, vectors, reader = read(path, format="fasttext")
    assert (words, reader.format) == (model.wv.index_to_key, "fasttext")
    assert vectors.tobytes() == model.wv.vectors.tobytes()


def test_word2vecs_own_binary_has_a_newline_after_each_row(tmp_path: Path) -> None:
    rows = b"".join(word.encode() + b" " + row.tobytes() + b"\n" for word, row in zip(WORDS, VECTORS, strict=True))
    words, vectors, _ = read(write(tmp_path, b"5 7\n" + rows))
    assert words == WORDS
    assert vectors.tobytes() == VECTORS.tobytes()


def test_facebooks_vec_has_a_blank_at_the_end_of_each_line(tmp_path: Path) -> None:
    words, vectors, _ = read(write(tmp_path, b"2 2\n</s> 0.5 -1 \n, 1.25 2 \n"))
    assert (words, vectors.tolist()) == (["</s>", ","], [[0.5, -1.0], [1.25, 2.0]])


@pytest.mark.data
@pytest.mark.parametrize("errors", ["replace", "cp1252"])
def test_the_glove_sample_is_read_whole_but_for_words_that_repair_made_equal(glove: Path, errors: str) -> None:
    path = glove / "glove.6B.50d.first-2446.txt"
    words, vectors, reader = read(path, errors=errors)
    lines = path.read_bytes().split(b"\n")
    kept = [line for place, line in enumerate(lines, 1) if place not in {skipped.place for skipped in reader.skipped}]
    expected = np.array([[float(number) for number in line.split()[1:]] for line in kept]).astype(np.float32)
    assert vectors.tobytes() == expected.tobytes()
    assert len(words) == len(set(words)) == len(lines) - reader.skipped_count
    if errors == "replace":  # four of the five are one byte, so one word
        assert [skipped.place for skipped in reader.skipped] == [1329, 1409, 1420]
        assert words[217] == "\ufffd"
    else:
        assert words[217] == "\u2013"


@pytest.mark.data
def test_the_glove_sample_is_refused_in_strict_mode_at_its_first_line_that_is_not_utf8(glove: Path) -> None:
    with pytest.raises(ImportFailed, match=r'line 218: .*UTF-8.*errors="replace"') as refused:
        read(glove / "glove.6B.50d.first-2446.txt")
    assert refused.value.line == NOT_UTF8[0]


@pytest.mark.data
def test_the_glove_samples_lines_that_are_not_utf8_are_skipped_and_counted(glove: Path) -> None:
    words, _, reader = read(glove / "glove.6B.50d.first-2446.txt", malformed="skip")
    assert [skipped.place for skipped in reader.skipped] == NOT_UTF8
    assert len(words) == 2446 - len(NOT_UTF8)


def test_bytes_that_windows_1252_leaves_undefined_become_control_characters(tmp_path: Path) -> None:
    words, _, _ = read(write(tmp_path, b"\x81\x8d\x8f\x90\x9d\x80 1 2\n"), errors="cp1252")
    assert words == ["\x81\x8d\x8f\x90\x9d€"]


def test_a_word_keeps_the_blanks_inside_it(tmp_path: Path) -> None:
    content = b"the 1 2 3\n. . . 1 2 3\nat name@domain.com 1 2 3\n"
    words, vectors, _ = read(write(tmp_path, content))
    assert words == ["the", ". . .", "at name@domain.com"]
    assert vectors.shape == (3, 3)


def pack(kind: str, content: bytes) -> bytes:
    if kind == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.mkdir("folder")
            archive.writestr("folder/vectors.txt", content)
        return packed.getvalue()
    return {"gz": gzip.compress, "bz2": bz2.compress, "plain": bytes}[kind](content)


@pytest.mark.parametrize("kind", ["plain", "gz", "bz2", "zip"])
@pytest.mark.parametrize("binary", [False, True])
def test_packed_files_are_read_by_their_bytes_not_their_names(tmp_path: Path, kind: str, binary: bool) -> None:
    rows = b"".join(word.encode() + b" " + row.tobytes() for word, row in zip(WORDS, VECTORS, strict=True))
    path = write(tmp_path, pack(kind, b"5 7\n" + rows if binary else glove_text()), "vectors.dat")
    words, vectors, reader = read(path)
    assert words == WORDS
    assert vectors.tobytes() == VECTORS.tobytes()
    assert reader.format == ("word2vec_binary" if binary else "glove")


def test_a_zip_of_several_files_names_them_and_reads_the_one_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "glove.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.50d.txt", b"x 1\n")
        archive.writestr("a.100d.txt", b"y 1 2\n")
    with pytest.raises(ImportFailed, match=r"'a\.50d\.txt', 'a\.100d\.txt'; name one by member="):
        read(path)
    with pytest.raises(ImportFailed, match="must hold 'b'"):
        read(path, member="b")
    assert read(path, member="a.100d.txt")[0] == ["y"]


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4"])
def test_an_array_goes_with_its_list_of_words(tmp_path: Path, dtype: str) -> None:
    array = VECTORS.astype(dtype)
    np.save(tmp_path / "vectors.npy", array)
    listed = write(tmp_path, "\r\n".join([*WORDS[:-1], "two words", ""]).encode(), "words.txt")
    words, vectors, reader = read(tmp_path / "vectors.npy", words=listed)
    assert (reader.format, reader.expected, words) == ("npy", 5, [*WORDS[:-1], "two words"])
    assert vectors.tobytes() == array.astype("=f4").tobytes()


def test_a_header_wins_over_glove_unless_the_format_is_given(tmp_path: Path) -> None:
    path = write(tmp_path, b"5 1\n6 2\n")
    assert read(path, format="glove")[0] == ["5", "6"]
    with pytest.raises(ImportFailed, match="says 5, got 1"):
        read(path)


def test_text_after_a_header_is_not_taken_for_binary_even_when_its_first_row_is_short(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="line 2: must be a word and 50 numbers, got 2 fields"):
        read(write(tmp_path, b"2 50\ncat 1\n" + b"dog" + b" 1" * 50 + b"\n"))


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    assert read(write(tmp_path, mark + b"cat 1 2\n"))[0] == ["cat"]
    assert read(write(tmp_path, mark + b"1 2\ncat 1 2\n"))[2].format == "word2vec"


def test_limit_subset_and_batches_choose_rows(tmp_path: Path) -> None:
    path = write(tmp_path, b"".join(b"w%d %d 1\n" % (i, i) for i in range(10)))
    assert read(path, limit=3)[0] == ["w0", "w1", "w2"]
    assert read(path, subset={"w7", "w2", "absent"})[0] == ["w2", "w7"]
    assert read(path, subset={"w7", "w2"}, limit=1)[0] == ["w2"]
    assert read(path, subset=())[0] == []
    with open_word_vectors(path, batch_rows=4) as reader:
        assert [len(words) for words, _ in reader] == [4, 4, 2]


def test_normalized_vectors_have_length_one_and_zeros_stay(tmp_path: Path) -> None:
    _, vectors, _ = read(write(tmp_path, b"a 3 4\nb 0 0\nc 1e-30 0\n"), normalize=True)
    assert vectors.tolist() == [[np.float32(0.6), np.float32(0.8)], [0.0, 0.0], [1.0, 0.0]]
