"""What the pages show runs, and shows what it prints; so do the examples in the docstrings."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import documentation
import pytest
from repository import ROOT, module_name, source_files

PAGES = documentation.pages()
MODULES = [
    module_name(path)
    for path in source_files()
    if ">>>" in path.read_text(encoding="utf-8") and path.stem != "__main__"
]


@pytest.mark.parametrize("page", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES])
def test_the_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    documentation.run_page(page)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.kernels if ".kernels" in name else ()) for name in MODULES],
)
def test_the_examples_run_of(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=documentation.OPTIONS)
    for test in doctest.DocTestFinder().find(importlib.import_module(name)):
        runner.run(test, out=report.append)
    assert not report, "".join(report)


def test_a_page_that_shows_what_is_not_printed_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(documentation, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    for wrong in (
        "```python\nassert 1 == 2\n```\n",
        "```python\n>>> 1 + 1\n3\n```\n",
        '```console\n$ python -c "print(1)"\n2\n```\n',
        "```sql\nselect 1\n```\n",
    ):
        page.write_text(wrong, encoding="utf-8")
        with pytest.raises(AssertionError):
            documentation.run_page(page)


def test_a_page_that_shows_what_is_printed_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(documentation, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nclass Fake:\n"
        "    def execute(self, text): return self\n"
        "    def fetchall(self): return [(1, 'a', None)]\n"
        "    def close(self): pass\n"
        "db = Fake()\n```\n"
        "```sql\nselect 1, 'a', null\n```\n```text\n1|a|\n```\n"
        "```python\n>>> db.fetchall()[0][1]\n'a'\n```\n"
        '```console\n$ python -c "print(1)"\n1\n$ pip install nothing\n```\n',
        encoding="utf-8",
    )
    assert [block.language for block in documentation.blocks_of(page)] == [
        "python",
        "sql",
        "python",
        "console",
    ]
    documentation.run_page(page)
