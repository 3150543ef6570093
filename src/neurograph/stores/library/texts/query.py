"""What somebody asks for in words, as a query in FTS5's language."""

from __future__ import annotations

from ....errors import InvalidValue
from ...arguments import bindable

SYNTAXES = ("words", "all", "fts5")


def text_query(text: str, syntax: str) -> str:
    """Return a query that FTS5 takes; empty where there is no word, so that nothing can be found."""
    if syntax not in SYNTAXES:
        raise InvalidValue(f"syntax must be one of {', '.join(SYNTAXES)}, got {syntax!r}")
    if not isinstance(text, str):
        raise InvalidValue(f"text must be a string, got {text!r}")
    if bindable(text) is None:
        raise InvalidValue(f"text must be text that UTF-8 can hold, got {text!r}")
    if syntax == "fts5":
        return _in_its_language(text)
    words = text.replace("\x00", " ").split()
    first = {word.casefold(): word for word in reversed(words)}  # a word said twice weighs no more
    quoted = ['"' + word.replace('"', '""') + '"' for word in reversed(first.values())]
    return (" OR " if syntax == "words" else " ").join(quoted)


def _in_its_language(text: str) -> str:
    if "\x00" in text or text.lstrip().startswith("*"):  # what begins so is a question about the index itself
        raise InvalidValue(f"text must be a query in the language of FTS5, got {text!r}; syntax='words' takes any text")
    return text if text.strip() else ""
