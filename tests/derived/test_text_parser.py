"""The kernel that reads text is used where it repays numba's start, and only where it can be."""

from __future__ import annotations

import sys

import pytest

from neurograph.derived import kernel_cache, text_parser

MB = 1_000_000


@pytest.fixture
def _numba_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    monkeypatch.setattr(text_parser, "why_no_kernels", lambda: None)


@pytest.mark.usefixtures("_numba_not_loaded")
@pytest.mark.parametrize(
    ("size", "compiled", "expected"),
    [(10 * MB, True, False), (10 * MB, False, False), (60 * MB, False, False)],
)
def test_a_short_text_is_read_without_numba(
    monkeypatch: pytest.MonkeyPatch, size: int, compiled: bool, expected: bool
) -> None:
    monkeypatch.setattr(kernel_cache, "is_compiled", lambda family: compiled)
    assert (text_parser.text_parser(size) is not None) is expected


@pytest.mark.kernels
@pytest.mark.parametrize(("size", "compiled"), [(80 * MB, True), (400 * MB, False)])
def test_a_long_text_is_read_by_the_kernel(monkeypatch: pytest.MonkeyPatch, size: int, compiled: bool) -> None:
    from neurograph.kernels.text_rows import run_text_rows

    monkeypatch.setattr(kernel_cache, "is_compiled", lambda family: compiled)
    assert text_parser.text_parser(size) is run_text_rows


def test_no_text_is_long_enough_where_kernels_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NGDB_KERNELS", "off")
    assert text_parser.text_parser(10**12) is None
