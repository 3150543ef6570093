"""Libraries to read: the running Python's own, and small ones written for one claim."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from naive_library import Library

from neurograph.flows.stdlib_source import Source, read_source, read_standard_library
from processes import untraced


@pytest.fixture(scope="session")
def standard_library() -> Library:
    with untraced():  # 730 files; test_stdlib_facts.py and its like measure how small ones are read
        return Library(read_standard_library())


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Source]:
    """Write files (name: text) and read them; what is written in C is called ``_c``."""

    def write_and_read(**files: str | bytes) -> Source:
        for name, text in files.items():
            path = tmp_path / (name.replace("__dot__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_source(tmp_path, native={"_c"})

    return write_and_read
