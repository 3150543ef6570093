"""Other processes that use the queue beside a state machine: one with the package, one with a plain SQLite."""

from __future__ import annotations

import base64
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

PACKAGE = """if True:
    import base64, json, pickle, sys, neurograph
    from neurograph.stores.queue import clock
    path, db = None, None
    for line in sys.stdin:
        wanted, now, grace_s, method, arguments, options = json.loads(line)
        if wanted != path:
            db and db.close()
            path, db = wanted, neurograph.open(wanted, synchronous="off", busy_timeout_s=grace_s)
        clock.now_ns = lambda: now
        arguments = [pickle.loads(base64.b64decode(a["m"])) if type(a) is dict else a for a in arguments]
        try:
            said = getattr(db.queue, method)(*arguments, **options)
        except neurograph.NeurographError as error:
            said = type(error)
        print(base64.b64encode(pickle.dumps(said)).decode(), flush=True)"""
STOCK = """if True:
    import json, sqlite3, sys
    for line in sys.stdin:
        path, sql, bindings = json.loads(line)
        connection = sqlite3.connect(path, timeout=60, isolation_level=None)
        try:
            rows = connection.execute(sql, bindings).fetchall()
            said = rows if sql.startswith("select") else connection.execute("select changes()").fetchone()[0]
        except sqlite3.Error as error:
            said = str(error)
        connection.close()
        print(json.dumps(said), flush=True)"""


class Other:
    """A process that answers line by line; started when it is first asked."""

    def __init__(self, *command: str) -> None:
        self._command = command
        self._child: subprocess.Popen[str] | None = None

    def ask(self, question: Any) -> str:
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, *self._command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(question) + "\n")
        self._child.stdin.flush()
        return self._child.stdout.readline()

    def end(self) -> None:
        if self._child is not None:
            self._child.communicate()
            self._child = None


package = Other("-c", PACKAGE)
stock = Other("-S", "-c", STOCK)


def call(path: Path, now_ns: int, grace_s: float, method: str, *arguments: Any, **options: Any) -> Any:
    """Call a method of `db.queue` in another process, at a given time; return what it returned, or its error's type."""
    sent = [
        value
        if value is None or isinstance(value, str | int)
        else {"m": base64.b64encode(pickle.dumps(value)).decode()}
        for value in arguments
    ]
    return pickle.loads(base64.b64decode(package.ask([str(path), now_ns, grace_s, method, sent, options])))


def execute(path: Path, sql: str, *bindings: Any) -> Any:
    """Run a statement in a SQLite that does not know us; return rows, how many changed, or the error's text."""
    return json.loads(stock.ask([str(path), sql, bindings]))
