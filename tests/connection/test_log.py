"""What the package says is heard by whoever listens, and nobody is made to pay for it or to see it.

What depends on the moment `logging` is loaded runs in a process of its own: here pytest loaded it long ago.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

import neurograph
from neurograph import log

IMPORT = "import neurograph"
OPEN = "db = neurograph.open(':memory:', slow_query_s=0)"
LISTEN = "import logging; logging.basicConfig(format='%(levelname)s %(name)s %(filename)s %(message)s')"
LOADED = "import logging"
SPEAK = "db.execute('select 7'); db.close()"


def printed(*code: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}  # it loads much
    done = subprocess.run([sys.executable, "-c", "\n".join(code)], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "code",
    [(LISTEN, IMPORT, OPEN, SPEAK), (IMPORT, LISTEN, OPEN, SPEAK), (IMPORT, OPEN, LISTEN, SPEAK)],
    ids=["before the import", "before open", "after open"],
)
def test_who_listens_hears_it_whenever_that_began(code: tuple[str, ...]) -> None:
    said = printed(*code)
    assert said.startswith("WARNING neurograph statement.py :memory:: ")
    assert said.endswith(" s for select 7\n")


@pytest.mark.parametrize(
    "code",
    [(LOADED, IMPORT, OPEN, SPEAK), (IMPORT, LOADED, OPEN, SPEAK), (IMPORT, OPEN, LOADED, SPEAK)],
    ids=["before the import", "before open", "after open"],
)
def test_nothing_is_printed_where_nobody_configured_logging(code: tuple[str, ...]) -> None:
    handlers = "print(*[type(handler).__name__ for handler in logging.getLogger('neurograph').handlers])"
    assert printed(*code, handlers) == "NullHandler\n"


def test_the_import_alone_gives_the_logger_its_handler() -> None:
    handlers = "print(logging.getLogger('neurograph').handlers)"
    assert printed(LOADED, IMPORT, handlers) == "[<NullHandler (NOTSET)>]\n"


def test_logging_is_loaded_for_nobody() -> None:
    assert printed(IMPORT, OPEN, SPEAK, "import sys; print('logging' in sys.modules)") == "False\n"


def test_a_logger_with_a_handler_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs: list[logging.Handler] = [logging.StreamHandler()]
    monkeypatch.setattr(logging.getLogger("neurograph"), "handlers", theirs)
    assert log.logger() is logging.getLogger("neurograph")
    assert len(theirs) == 1


@pytest.mark.parametrize(("level", "heard"), [(logging.INFO, ["info", "warning"]), (logging.WARNING, ["warning"])])
def test_the_level_is_the_listeners(caplog: pytest.LogCaptureFixture, level: int, heard: list[str]) -> None:
    with caplog.at_level(level, "neurograph"):
        log.info("%s", "info")
        log.warning("%s", "warning")
    assert caplog.messages == heard


def test_a_record_names_the_line_that_spoke(caplog: pytest.LogCaptureFixture) -> None:
    with neurograph.open(":memory:", slow_query_s=0) as db:
        db.execute("select 1")
    assert {(record.filename, record.funcName) for record in caplog.records} == {("statement.py", "notice_slow")}
