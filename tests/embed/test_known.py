"""The settings of known models."""

from __future__ import annotations

import pytest

from neurograph import errors
from neurograph.embed.known import KNOWN, known_model
from neurograph.embed.pooling import POOLINGS


def test_each_is_found_by_its_name_with_and_without_its_organisation() -> None:
    for known in KNOWN.values():
        assert known_model(known.name) is known_model(f"org/{known.name.upper()}") is known
        assert known.pooling in POOLINGS


def test_prefixes_are_those_the_models_were_trained_with() -> None:
    assert known_model("all-MiniLM-L6-v2")[1:] == (384, 256, "mean", "", "", True)
    assert known_model("e5-large-v2")[1:6] == (1024, 512, "mean", "query: ", "passage: ")
    assert known_model("bge-large-en-v1.5").document_prefix == ""
    assert known_model("nomic-embed-text-v1.5").query_prefix == "search_query: "


@pytest.mark.parametrize("name", ["", "all-minilm", "e5", 3])
def test_another_name_is_refused_with_the_closest(name: str) -> None:
    with pytest.raises(errors.UnknownName, match=r"model must be a known name, got .*; the closest are"):
        known_model(name)
