"""The constitution's store, put together from its parts."""

from __future__ import annotations

from .change import Change
from .history import History
from .profiles import Profiles
from .record import Record
from .trials import Trials
from .types import Types


class Cdna(Change, Types, Trials, Profiles, Record, History):
    """The constitution of a database, reached as `db.cdna`.

    What it forbids is refused for Python, SQL and any other program that writes the file. Each change is a new version;
    a call that would change nothing writes nothing and returns the version in force. `actor` and `reason` are kept
    with the version. A version is given by its number.
    """
