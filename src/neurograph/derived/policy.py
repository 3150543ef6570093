"""When arrays repay what they cost.

Arrays are bought when plain SQL has cost as much as they would: the total is then at most about twice what knowing
the future would have cost. The price is numba's start, if it is not loaded yet, compiling, if that was never done on
this machine, and reading the rows.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from .. import log
from ..connection.settings import where_is
from ..errors import InvalidValue, NotHere

ENGINES = ("auto", "sql", "numba")
NUMBA_START_S = 0.4  # import and the first cached kernel: 0.31 to 0.45 s measured
COMPILE_S = 2.0  # the first kernels of a family where none is compiled yet: 0.5 to 5 s of one core measured
ROW_READ_S = 0.5e-6  # one row into arrays: 0.3 to 0.6 µs measured
FAMILIES = frozenset({"graph", "grid", "knn", "vectors"})  # what kernels there are, by how their files' names begin
_compiled: dict[str, bool] = {}  # what this process knows of each family; it looks once
_started: list[str | None] = []  # why numba could not be imported, or None where it was, once that was tried


def why_no_kernels() -> str | None:
    """Return why kernels can't be used here, or None where they can."""
    if os.environ.get("NGDB_KERNELS", "").lower() == "off":
        return "NGDB_KERNELS=off is set"
    if sys.modules.get("numba") is None and ("numba" in sys.modules or where_is("numba") is None):
        return "numba is not installed; run `pip install numba`"
    from .kernel_cache import cache_folder

    if os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0") and cache_folder() is None:
        return "numba has no folder for compiled code that it can write; name one by NUMBA_CACHE_DIR"
    return _started[0] if _started else None


def why_not_started() -> str | None:
    """Import numba and return None, or why that fails: it refuses a numpy that is newer, a library of it is broken."""
    if not _started:
        try:
            import_module("numba")
        except Exception as error:  # whatever a package raises that does not fit its surroundings
            _started.append(f"numba can't be imported ({error})")
            log.warning("answering without kernels, more slowly: %s", _started[0])
        else:
            _started.append(None)
    return _started[0]


def kernels_available() -> bool:
    """Tell whether kernels can be used."""
    return why_no_kernels() is None


class Policy:
    """Decides between plain SQL and arrays, for one database."""

    def __init__(self, engine: str, budget_bytes: int) -> None:
        if engine not in ENGINES:
            raise InvalidValue(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
        reason = None if engine == "sql" else why_no_kernels()
        if engine == "numba" and reason:
            raise NotHere(f'engine="numba" needs kernels, and {reason}; or use engine="auto"')
        if reason:
            log.info("answering from SQL, which is slower on large graphs and spaces: %s", reason)
        self.engine = engine
        self.budget_bytes = budget_bytes
        self._spent_s: dict[str, float] = {}
        self._unusable = "engine='sql'" if engine == "sql" else reason
        if self._unusable is None and budget_bytes <= 0:
            self._unusable = "memory_budget_bytes=0"
        self._usable = self._unusable is None

    @property
    def usable(self) -> bool:
        """True where arrays may be used at all."""
        return self._usable

    @property
    def why_unusable(self) -> str:
        """Why arrays are not used at all."""
        return self._unusable or ""

    def spend(self, name: str, seconds: float) -> None:
        """Note what plain SQL cost where arrays called `name` would have served."""
        self._spent_s[name] = self._spent_s.get(name, 0.0) + seconds

    def spent(self, name: str) -> bool:
        """Tell whether plain SQL has answered already where arrays called `name` would have served."""
        return name in self._spent_s

    def worth(self, name: str, rows: int, sql_cost_s: float) -> bool:
        """Tell whether arrays over `rows` rows repay themselves now, where SQL would cost another `sql_cost_s`.

        Where they do, and kernels need numba, it is imported; where that fails, arrays are not used from now on.
        """
        if not self._repay(name, rows, sql_cost_s):
            return False
        why = why_not_started() if name.partition(".")[0] in FAMILIES else None
        if why is None:
            return True
        if self.engine == "numba":
            raise NotHere(f'engine="numba" needs kernels, and {why}; or use engine="auto"')
        self._usable, self._unusable = False, why
        return False

    def _repay(self, name: str, rows: int, sql_cost_s: float) -> bool:
        from .kernel_cache import forget_stale

        if self.engine == "numba":
            forget_stale()
            return True
        price_s = rows * ROW_READ_S + (0.0 if "numba" in sys.modules else NUMBA_START_S)
        spent_s = self._spent_s.get(name, 0.0) + sql_cost_s
        if spent_s < price_s:
            return False
        forget_stale()
        family = name.partition(".")[0]
        if family in FAMILIES and not _is_ready(family):
            if spent_s < price_s + COMPILE_S:
                return False
            _compiled[family] = True
        return True

    def account(self, name: str, rows: int, sql_cost_s: float) -> str:
        """Return the figures by which `worth` refused arrays, as a sentence."""
        price_s = rows * ROW_READ_S + (0.0 if "numba" in sys.modules else NUMBA_START_S)
        family = name.partition(".")[0]
        if family in FAMILIES and not _is_ready(family):
            price_s += COMPILE_S
        spent_s = self._spent_s.get(name, 0.0) + sql_cost_s
        return f"plain SQL until it has cost what arrays would: {spent_s:.2g} of {price_s:.2g} s"


def _is_ready(family: str) -> bool:
    if family not in _compiled:
        from .kernel_cache import is_compiled

        _compiled[family] = is_compiled(family)
    return _compiled[family]
