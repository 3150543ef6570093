"""Few pages are kept while much is read once, and as many afterwards as there were."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

import neurograph
from neurograph.connection.passing import FEW_PAGES, FewPages
from neurograph.connection.settings import CACHE_BYTES

USUAL = -CACHE_BYTES // 1024


def kept(connection: apsw.Connection) -> object:
    return connection.pragma("cache_size")


@pytest.mark.parametrize("usual", [USUAL, -4096])
def test_few_pages_are_kept_while_much_is_read(tmp_path: Path, usual: int) -> None:
    with neurograph.open(tmp_path / "a.ngdb") as db:
        db.execute(f"pragma cache_size = {usual}")
        with db._session.reading() as line:
            with FewPages(line.connection, True):
                assert kept(line.connection) == FEW_PAGES
            assert kept(line.connection) == usual


def test_pages_stay_unless_it_is_said(tmp_path: Path) -> None:
    with (
        neurograph.open(tmp_path / "a.ngdb") as db,
        db._session.reading() as line,
        FewPages(line.connection, False),
    ):
        assert kept(line.connection) == USUAL


def test_pages_stay_while_a_transaction_writes(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "a.ngdb") as db, db.transaction():
        db.tokens.create("cat")
        with db._session.reading() as line, FewPages(line.connection, True):
            assert kept(line.connection) == USUAL


def test_an_error_gives_the_pages_back(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "a.ngdb") as db, db._session.reading() as line:
        with pytest.raises(ZeroDivisionError), FewPages(line.connection, True):
            _ = 1 / 0
        assert kept(line.connection) == USUAL


def test_a_pass_that_was_interrupted_gives_the_pages_back_at_the_next(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "a.ngdb") as db, db._session.reading() as line:
        outer = line.connection.execute("select value from json_each('[1, 2]')")
        next(outer)
        with FewPages(line.connection, True):
            line.connection.interrupt()
        outer.close(True)
        with FewPages(line.connection, True):
            assert kept(line.connection) == FEW_PAGES
        assert kept(line.connection) == USUAL
