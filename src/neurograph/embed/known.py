"""The settings of known models, by name: what their folders do not always say."""

from __future__ import annotations

from typing import NamedTuple

from ..model.names import unknown_name


class KnownModel(NamedTuple):
    """How a published model is meant to be used."""

    name: str
    dimension: int
    max_tokens: int
    pooling: str = "mean"
    query_prefix: str = ""
    document_prefix: str = ""
    normalize: bool = True


_BGE_QUERY = "Represent this sentence for searching relevant passages: "

KNOWN = {
    known.name.lower(): known
    for known in (
        KnownModel("all-MiniLM-L6-v2", 384, 256),
        KnownModel("all-MiniLM-L12-v2", 384, 256),
        KnownModel("all-mpnet-base-v2", 768, 384),
        KnownModel("bge-small-en-v1.5", 384, 512, "cls", _BGE_QUERY),
        KnownModel("bge-base-en-v1.5", 768, 512, "cls", _BGE_QUERY),
        KnownModel("bge-large-en-v1.5", 1024, 512, "cls", _BGE_QUERY),
        KnownModel("e5-small-v2", 384, 512, "mean", "query: ", "passage: "),
        KnownModel("e5-base-v2", 768, 512, "mean", "query: ", "passage: "),
        KnownModel("e5-large-v2", 1024, 512, "mean", "query: ", "passage: "),
        KnownModel("gte-small", 384, 512),
        KnownModel("gte-base", 768, 512),
        KnownModel("gte-large", 1024, 512),
        KnownModel("nomic-embed-text-v1.5", 768, 8192, "mean", "search_query: ", "search_document: "),
    )
}


def known_model(name: str) -> KnownModel:
    """Return the settings of a known model; an organisation before a slash, and capitals, do not matter.

    Examples
    --------
    >>> known_model("intfloat/e5-small-v2").query_prefix
    'query: '
    >>> known_model("bge-smal")
    Traceback (most recent call last):
    ...
    neurograph.errors.UnknownName: model must be a known name, got 'bge-smal'; ...
    """
    found = KNOWN.get(str(name).rpartition("/")[2].lower())
    if found is None:
        raise unknown_name("model", name, [known.name for known in KNOWN.values()])
    return found
