"""Text to ids: truncation is the tokenizer's own, and a long text is cut where it does not matter."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_models import VOCABULARY, WORDS, tokenizer

from neurograph import errors
from neurograph.embed.tokens import Tokens


@pytest.fixture
def path(tmp_path: Path) -> Path:
    tokenizer().save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def ids(*words: str) -> list[int]:
    return [VOCABULARY[word] for word in words]


def test_special_tokens_stay_when_a_text_is_cut(path: Path) -> None:
    assert Tokens(path, 4, True)(["the cat sat", "dog"]) == [
        ids("[CLS]", "the", "cat", "[SEP]"),
        ids("[CLS]", "dog", "[SEP]"),
    ]


def test_without_special_tokens_every_place_is_the_text_s(path: Path) -> None:
    assert Tokens(path, 2, False)(["the cat sat", ""]) == [ids("the", "cat"), []]


def test_padding_and_length_in_the_file_do_not_count(path: Path) -> None:
    made = tokenizer()
    made.enable_padding(length=50)
    made.enable_truncation(3)
    made.save(str(path))
    assert Tokens(path, 5, True)(["the cat sat"]) == [ids("[CLS]", "the", "cat", "sat", "[SEP]")]


@pytest.mark.parametrize("max_tokens", [3, 9, 40])
@pytest.mark.parametrize("gap", [" ", " " * 500, "\n" * 3000])
def test_a_long_text_has_the_ids_of_the_whole(path: Path, max_tokens: int, gap: str) -> None:
    text = gap.join(WORDS[:9] * 30)
    whole = tokenizer()
    whole.enable_truncation(max_tokens)
    assert Tokens(path, max_tokens, True)([text, "cat"])[0] == whole.encode(text).ids


def test_a_tokenizer_that_cuts_from_the_left_reads_the_end(path: Path) -> None:
    made = tokenizer()
    made.enable_truncation(4, direction="left")
    made.save(str(path))
    assert Tokens(path, 4, True)(["cat " * 100_000 + "red sea"]) == [ids("[CLS]", "red", "sea", "[SEP]")]


@pytest.mark.parametrize("max_tokens", [1, 2])
def test_room_for_special_tokens_alone_is_refused(path: Path, max_tokens: int) -> None:
    with pytest.raises(errors.InvalidValue, match=f"more than the 2 special tokens, got {max_tokens}"):
        Tokens(path, max_tokens, True)


@pytest.mark.parametrize("text", ["", "{}", "[]", "\x00\xff"])
def test_a_file_that_is_no_tokenizer_is_named(path: Path, text: str) -> None:
    path.write_text(text, encoding="latin-1")
    with pytest.raises(errors.CannotOpen, match=r"must be a tokenizer\.json of the tokenizers package"):
        Tokens(path, 5, True)
