from __future__ import annotations

import naive_records
import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_strategies import settled

from neurograph.codec.edge_id import edge_id, fnv1a_64, word_id
from neurograph.errors import IdNotRepresentable, InvalidValue


@pytest.mark.parametrize(
    ("ends", "expected"),
    [((1, 2, 0), 7779954275409725554), ((2, 1, 0), 11903084451507074), ((10, 20, 0x10), 12286392148666440593)],
)
def test_edge_ids_are_those_of_the_originals(ends: tuple[int, int, int], expected: int) -> None:
    assert edge_id(*ends) == expected


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 255))
@settled
def test_an_edge_id_hashes_nine_bytes(source: int, target: int, type_code: int) -> None:
    content = source.to_bytes(4, "little") + target.to_bytes(4, "little") + bytes([type_code])
    assert edge_id(source, target, type_code) == naive_records.fnv1a_64(content)


@pytest.mark.parametrize("end", [-1, 2**32])
def test_an_end_that_does_not_fit_32_bits_is_refused(end: int) -> None:
    with pytest.raises(IdNotRepresentable, match=r"^source must fit 32 bits, got "):
        edge_id(end, 1, 0)
    with pytest.raises(IdNotRepresentable, match=r"^target must fit 32 bits, got "):
        edge_id(1, end, 0)


@pytest.mark.parametrize("type_code", [-1, 256, 1.0, None])
def test_a_type_that_is_no_byte_is_refused(type_code: int) -> None:
    with pytest.raises(InvalidValue, match=r"^type_code must be "):
        edge_id(1, 2, type_code)


@pytest.mark.parametrize(
    ("content", "expected"), [(b"", 0xCBF29CE484222325), (b"a", 0xAF63DC4C8601EC8C), (b"foobar", 0x85944171F73967E8)]
)
def test_fnv_agrees_with_its_published_vectors(content: bytes, expected: int) -> None:
    assert fnv1a_64(content) == expected


@pytest.mark.parametrize(("word", "expected"), [("cat", 0xFB5A2833), ("dog", 0x94B0D51C), ("happy", 0xD61ECC73)])
def test_word_ids_are_those_of_the_originals(word: str, expected: int) -> None:
    assert word_id(word) == expected


@pytest.mark.parametrize(
    ("word", "seed", "expected"),
    [
        ("", 0, 0),
        ("", 1, 0x514E28B7),
        ("", 0xFFFFFFFF, 0x81F16F39),
        ("\0\0\0\0", 0, 0x2362F9DE),
        ("aaaa", 0x9747B28C, 0x5A97808A),
        ("aaa", 0x9747B28C, 0x283E0130),
        ("aa", 0x9747B28C, 0x5D211726),
        ("a", 0x9747B28C, 0x7FA09EA6),
        ("Hello, world!", 0x9747B28C, 0x24884CBA),
        ("ππππππππ", 0x9747B28C, 0xD58063C1),
    ],
)
def test_murmur_agrees_with_its_published_vectors(word: str, seed: int, expected: int) -> None:
    assert word_id(word, seed) == expected


def test_a_word_without_a_utf_8_form_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"^word must be valid Unicode, got '\\ud800'"):
        word_id("\ud800")


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5])
def test_a_seed_that_does_not_fit_32_bits_is_refused(seed: int) -> None:
    with pytest.raises(InvalidValue, match=r"^seed must be "):
        word_id("cat", seed)
