"""A number read is `float32(float(text))` bit for bit, by the kernel as by Python, and neither takes other lines."""

from __future__ import annotations

import gzip
import struct
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from vector_files import naive_float32, read, write

from neurograph.codec.word_vectors import open_word_vectors
from neurograph.codec.word_vectors.seen import Seen
from neurograph.errors import ImportFailed

HARD = [
    "0", "-0", "+1.5", ".5", "5.", "-.5e1", "1e+05", "1E5", "1e-45", "7e-46", "7.1e-46", "1e-320", "1e-400",
    "1e-9999999999",
    "16777217", "16777219", "1.000000059604644775390625", "1.0000000596046447753906250000001", "0.1" + "0" * 400 + "1",
    "0." + "0" * 320 + "7", "1" * 38, "123456789012345678901234567890", "9007199254740993", "1.17549435e-38",
    "340282346638528859811704183484516925440", "340282356779733661637539395458142568447", "3.4e38", "3.41e38",
    "0.30000000000000004", "8.5e-44", "1_0", "00000000000000000000000000000000000000001", "1e0000000000002",
]  # fmt: skip


def parsers() -> list[Any]:
    return [None, pytest.param("kernel", marks=pytest.mark.kernels)]


def parser_of(name: str | None) -> Any:
    if name is None:
        return None
    from neurograph.kernels.text_rows import run_text_rows

    return lambda text_bytes: run_text_rows


each_parser = pytest.mark.parametrize("parser", parsers())


@each_parser
@pytest.mark.parametrize("text", HARD)
def test_hard_numbers_are_rounded_as_python_rounds_them(tmp_path: Path, parser: str | None, text: str) -> None:
    path = write(tmp_path, f"a {text}\nb 1\n".encode())
    if np.isinf(np.frombuffer(naive_float32(text), np.float32)[0]):
        with pytest.raises(ImportFailed, match="line 1: numbers must be finite in float32"):
            read(path, parser=parser_of(parser))
    else:
        assert read(path, parser=parser_of(parser))[1][0].tobytes() == naive_float32(text)


SPELLINGS = [
    repr,
    "{:.3g}".format,
    "{:.6f}".format,
    "{:.18e}".format,
    "{:.30f}".format,
    lambda x: repr(np.float32(x).item()),
]
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32) | st.floats(-10, 10)


@each_parser
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(FLOATS, st.sampled_from(SPELLINGS)), min_size=1, max_size=40))
def test_random_numbers_are_rounded_as_python_rounds_them(parser: str | None, numbers: list[Any]) -> None:
    texts = [
        text for number, spell in numbers if np.isfinite(np.frombuffer(naive_float32(text := spell(number)), "f4"))
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = write(
            Path(folder), "".join(f"w{place} {text}\n" for place, text in enumerate(texts, 1)).encode() or b"w 1\n"
        )
        vectors = read(path, parser=parser_of(parser))[1]
    assert vectors.tobytes() == (b"".join(map(naive_float32, texts)) or naive_float32("1"))


@each_parser
def test_numbers_near_the_middle_of_two_float32_are_rounded_as_python_rounds_them(
    tmp_path: Path, parser: str | None
) -> None:
    numbers = np.random.default_rng(9).integers(0x00800000, 0x7F000000, 300, dtype=np.int32)
    texts = []
    for low in map(int, numbers):
        below, above = (struct.unpack("f", struct.pack("i", low + step))[0] for step in (0, 1))
        middle = (below + above) / 2
        texts += [f"{near:{spelled}}" for near in (np.nextafter(middle, 0), middle) for spelled in (".17g", ".25e")]
    path = write(tmp_path, "".join(f"w{place} {text}\n" for place, text in enumerate(texts)).encode())
    assert read(path, parser=parser_of(parser))[1].tobytes() == b"".join(map(naive_float32, texts))


@pytest.mark.kernels
@settings(max_examples=300, deadline=None)
@given(st.text("ab1250.+-eE \t\r\n_\x0b\x1c\xe9nfi", max_size=60))
@example("a 1 2\n\x0ba 1 2\na\x0b 3 4\nb \t1  2 \r\nc\x1f 1 2\nd 1 2e\ne 1 2\r3\n 5 6 7\nroute 66 1 2")
@example("f 1. .5\ng . 5\nh 1e 5\ni 1e+ 5\nj +-1 5\nk 1e5.0 5\nl 1.5.0 5\nm 0x1 5\nn 1-2 5")
def test_the_kernel_takes_and_leaves_what_python_does(content: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), b"1 2\nfirst 1 2\n" + content.encode())
        plain, fast = (
            read(path, format="word2vec", malformed="skip", parser=parser_of(name)) for name in (None, "kernel")
        )
    assert plain[0] == fast[0]
    assert plain[1].tobytes() == fast[1].tobytes()
    assert plain[2].skipped == fast[2].skipped


@pytest.mark.data
@pytest.mark.kernels
def test_the_glove_sample_is_the_same_by_the_kernel(glove: Path) -> None:
    path = glove / "glove.6B.50d.first-2446.txt"
    plain, fast = (read(path, errors="cp1252", parser=parser_of(name)) for name in (None, "kernel"))
    assert plain[0] == fast[0]
    assert plain[1].tobytes() == fast[1].tobytes()
    assert plain[2].skipped == fast[2].skipped


def test_memory_stays_bounded_however_long_the_file_is(tmp_path: Path) -> None:
    lines = 100_000
    tail = b"-of-a-long-word" * 38 + b" 0.25" * 6 + b"\n"
    with gzip.open(tmp_path / "vectors", "wb", 1) as file:
        for start in range(0, lines, 1000):
            file.write(b"".join(b"w%d" % place + tail for place in range(start, start + 1000)))
    tracemalloc.start()
    try:
        with open_word_vectors(tmp_path / "vectors", batch_rows=1000) as reader:
            count = sum(len(words) for words, _ in reader)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == lines
    assert peak < 15 << 20  # the file has 60 MB; 16 bytes a word are 1.6 MB


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefghij"), max_size=6), max_size=12))
def test_seen_words_are_those_a_dict_knows(batches: list[list[str]]) -> None:
    seen, first, place = Seen(), dict[str, int](), 1
    for batch in batches:
        places = np.arange(place, place + len(batch))
        place += len(batch)
        expected = []
        for word, at in zip(batch, places.tolist(), strict=True):
            expected.append(first.get(word, 0))
            first.setdefault(word, at)
        assert seen.add(batch, places).tolist() == expected
