"""The small encoder of the extra ``text``: wordllama's table of 32,000 tokens by 256 numbers.

The package carries its weights and its tokenizer, so nothing is downloaded. It is found and never imported: its code,
and what it depends on, is not needed to read a table.
"""

from __future__ import annotations

from ..errors import NotHere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_NAME = "wordllama-l2-supercat-256"
DEFAULT_MAX_TOKENS = 8192
"""A bound on memory: a table has none of its own. 8,192 tokens are some ten pages."""


def default_places() -> tuple[Path, Path]:
    """Return where the table and its tokenizer are.

    Raises
    ------
    NotHere
        The extra ``text`` is not installed.
    """
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec("wordllama")
    for folder in map(Path, (spec and spec.submodule_search_locations) or ()):
        weights = folder / "weights" / "l2_supercat_256.safetensors"
        tokenizer = folder / "tokenizers" / "l2_supercat_tokenizer_config.json"
        if weights.is_file() and tokenizer.is_file():
            return weights, tokenizer
    raise NotHere('the default encoder is not installed; pip install "neurograph[text]"')
