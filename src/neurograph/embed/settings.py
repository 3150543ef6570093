"""How a model is to be used: what its folder says, and what wins.

For each setting the first that says something: the argument; the known model named by ``model=``; the folder's files;
the default. The files and what they say:

| file | setting |
|---|---|
| modules.json | whether vectors are normalised; which folder says the pooling |
| 1_Pooling/config.json | pooling |
| sentence_bert_config.json | max_tokens |
| tokenizer_config.json | max_tokens, where the file above is missing |
| config_sentence_transformers.json | query_prefix and document_prefix, from its prompts |
| config.json | the positions there are: no more tokens than that |

Defaults: mean pooling, normalised, 512 tokens or as many as there are positions, no prefixes.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import CannotOpen, InvalidValue
from ..model.names import unknown_name
from .known import known_model
from .pooling import POOLINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

DEFAULT_MAX_TOKENS = 512
_QUERY_PROMPTS = ("query", "search_query")
_DOCUMENT_PROMPTS = ("document", "passage", "search_document")


class Settings(NamedTuple):
    """How text becomes a vector."""

    model: str
    pooling: str | None
    """None: nobody said; a mean, unless the file pools by itself."""
    normalize: bool
    max_tokens: int
    query_prefix: str
    document_prefix: str
    dimension: int | None
    """What the known model has; None where none was named."""


def settings(folder: Path, model: str | None, **given: Any) -> Settings:
    """Return the settings of a folder; `given` holds the arguments, None where there was none.

    Raises
    ------
    UnknownName
        There is no known model, or no pooling, of that name.
    InvalidValue
        The files ask for a pooling or a module that is not supported, or `max_tokens` is more than the model has.
    """
    _check(given)
    known = known_model(model) if model is not None else None
    config = read_json(folder / "config.json")
    said = _said(folder) if known is None else known._asdict()
    chosen = {name: given[name] if given[name] is not None else said.get(name) for name in given}
    positions = config.get("max_position_embeddings")
    most = positions if isinstance(positions, int) and positions > 0 else None
    if given["max_tokens"] is not None and most is not None and given["max_tokens"] > most:
        raise InvalidValue(f"max_tokens must be at most {most}, the model's positions, got {given['max_tokens']}")
    max_tokens = chosen["max_tokens"] or DEFAULT_MAX_TOKENS
    return Settings(
        model=known.name if known else folder.resolve().name,
        pooling=chosen["pooling"],
        normalize=True if chosen["normalize"] is None else chosen["normalize"],
        max_tokens=min(max_tokens, most) if most else max_tokens,
        query_prefix=chosen["query_prefix"] or "",
        document_prefix=chosen["document_prefix"] or "",
        dimension=known.dimension if known else None,
    )


def _check(given: dict[str, Any]) -> None:
    if given["pooling"] is not None and given["pooling"] not in POOLINGS:
        raise unknown_name("pooling", given["pooling"], POOLINGS)
    tokens = given["max_tokens"]
    if tokens is not None and (isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 1):
        raise InvalidValue(f"max_tokens must be a whole number from 1, got {tokens!r}")
    if given["normalize"] not in (None, True, False):
        raise InvalidValue(f"normalize must be True or False, got {given['normalize']!r}")
    for name in ("query_prefix", "document_prefix"):
        if given[name] is not None and not isinstance(given[name], str):
            raise InvalidValue(f"{name} must be text, got {given[name]!r}")


def _said(folder: Path) -> dict[str, Any]:
    """Return what the folder's files say, by setting."""
    said: dict[str, Any] = {}
    pooling_folder = "1_Pooling"
    if modules := read_json(folder / "modules.json").get("list"):
        kinds = {str(module.get("type", "")).rpartition(".")[2]: str(module.get("path")) for module in modules}
        if foreign := sorted(set(kinds) - {"Transformer", "Pooling", "Normalize"}):
            raise InvalidValue(f"modules.json must name Transformer, Pooling and Normalize only, got {foreign}")
        said["normalize"] = "Normalize" in kinds
        pooling_folder = kinds.get("Pooling", pooling_folder)
    said["pooling"] = _pooling(read_json(folder / pooling_folder / "config.json"))
    for file, name in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        tokens = read_json(folder / file).get(name)
        if isinstance(tokens, int) and 0 < tokens < 1_000_000:  # transformers writes 10**30 for "no limit"
            said["max_tokens"] = tokens
            break
    prompts = read_json(folder / "config_sentence_transformers.json").get("prompts")
    if isinstance(prompts, dict):
        said["query_prefix"] = next((prompts[name] for name in _QUERY_PROMPTS if prompts.get(name)), None)
        said["document_prefix"] = next((prompts[name] for name in _DOCUMENT_PROMPTS if prompts.get(name)), None)
    return said


def _pooling(config: dict[str, Any]) -> str | None:
    modes = {
        "pooling_mode_cls_token": "cls",
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_max_tokens": "max",
        "pooling_mode_lasttoken": "last",
    }
    on = sorted(name for name, value in config.items() if name.startswith("pooling_mode_") and value is True)
    if not on:
        return None
    if len(on) > 1 or on[0] not in modes:
        raise InvalidValue(f"the pooling's config.json must name one of {sorted(modes)}, got {on}; pass pooling=")
    return modes[on[0]]


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON file's object, empty where the file is missing; a list is under ``"list"``."""
    import json

    if not path.is_file():
        return {}
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CannotOpen(f"{str(path)!r} must be JSON; {error}") from error
    if isinstance(read, list):
        return {"list": [item for item in read if isinstance(item, dict)]}
    return read if isinstance(read, dict) else {}
