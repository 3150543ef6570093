"""Text to token ids, by the model's own ``tokenizer.json``.

1. Truncation is the tokenizer's own: special tokens stay. Padding is ours, a batch at a time.
2. A text far longer than `max_tokens` can hold is cut at a space before it is tokenised, and tokenised again with more
   of it where the cut could be told from the ids: 100 MB of text would take gigabytes of offsets otherwise.
"""

from __future__ import annotations

from ..errors import CannotOpen, InvalidValue, NotHere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

# Characters for each token at which a text counts as far too long; English has 4 to 5.
_GENEROUS = 64


class Tokens:
    """A tokenizer, made ready for one length.

    Parameters
    ----------
    path
        ``tokenizer.json``.
    max_tokens
        Special tokens included.
    special
        Whether to add the special tokens; static tables want none.
    """

    def __init__(self, path: Path, max_tokens: int, special: bool) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise NotHere(f'text needs the tokenizers package; pip install "tokenizers>=0.20" ({error})') from error
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the package raises bare Exception
            raise CannotOpen(f"{str(path)!r} must be a tokenizer.json of the tokenizers package; {error}") from error
        self._special = special
        self._max_tokens = max_tokens
        added = self._tokenizer.num_special_tokens_to_add(False) if special else 0
        if max_tokens <= added:
            raise InvalidValue(f"max_tokens must be more than the {added} special tokens, got {max_tokens}")
        direction = (self._tokenizer.truncation or {}).get("direction", "right")
        self._from_right = direction == "right"
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens, direction=direction)

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text; `check_text` has seen them."""
        limit = self._max_tokens * _GENEROUS + 1024
        if self._from_right and any(len(text) > limit for text in texts):
            return [self._long(text, limit) if len(text) > limit else self._encode([text])[0] for text in texts]
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        encoded: list[Any] = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=self._special)
        return [encoding.ids for encoding in encoded]

    def _long(self, text: str, limit: int) -> list[int]:
        while limit < len(text):
            space = text.rfind(" ", limit // 2, limit)
            ids = self._encode([text[: space if space > 0 else limit]])[0]
            if len(ids) >= self._max_tokens:  # the rest would have been cut off
                return ids
            limit *= 4
        return self._encode([text])[0]


def check_text(name: str, text: object) -> None:
    """Raise `InvalidValue` where it is no str, or holds half a character; `name` is what the message calls it."""
    if not isinstance(text, str):
        raise InvalidValue(f"{name} must be a str, got {type(text).__name__}")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidValue(
                f"{name} must be what UTF-8 can hold, got the lone surrogate {text[error.start]!r} at {error.start}; "
                'read files with errors="replace"'
            ) from None
