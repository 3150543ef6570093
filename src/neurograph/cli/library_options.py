"""What the commands about libraries share: their arguments, and the encoder that an option names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InvalidValue
from ..model.item import METRICS

if TYPE_CHECKING:
    from ..embed.engine import EmbeddingEngine
    from ..stores.library.library import Library

library_argument = click.argument("library", metavar="LIBRARY")
metric_option = click.option(
    "--metric", type=click.Choice(METRICS), default="cosine", show_default=True, help="How distance is measured."
)
encoder_option = click.option(
    "--model", metavar="PATH", help="The folder or file of the library's encoder, where it is not the default one."
)
text_index_option = click.option(
    "--text-index", is_flag=True, help="With a text index, by which items are found by words."
)
RECALL = click.FloatRange(0, 1, min_open=True)
ENDINGS = (".onnx", ".safetensors")


def encoder(model: str) -> EmbeddingEngine:
    """Return the encoder that a command names: ``default``, or a folder or file with a model."""
    from ..embed.engine import EmbeddingEngine

    return EmbeddingEngine.default() if model == "default" else EmbeddingEngine(Path(model).expanduser())


def model_of(model: str | None) -> Any:
    """Return what makes the vectors of a new library: an encoder that is here, the name of one that isn't, or None."""
    if model is None:
        return None
    is_place = model.endswith(ENDINGS) or model[:1] in {".", "/", "~"} or Path(model).exists()
    return encoder(model) if is_place or model == "default" else model


def attach(library: Library, model: str | None) -> Library:
    """Give a library the encoder that was named, if one was."""
    if model is not None:
        library.attach(encoder(model))
    return library


def require_words(**given: str | None) -> None:
    """Refuse text to search for that has no character but blanks: every encoder makes some vector of it."""
    for name, text in given.items():
        if text is not None and not text.strip():
            said = name.upper() if name == "query" else f"--{name}"
            raise click.UsageError(f"{said} must have at least one character that is no blank, got {text!r}")


@contextmanager
def condition(where: str | None) -> Iterator[None]:
    """Say of a condition that is refused that it was given as ``--where``."""
    try:
        yield
    except InvalidValue as error:
        if where is None or not str(error).startswith("where must "):
            raise
        raise InvalidValue(f"--{error}") from error
