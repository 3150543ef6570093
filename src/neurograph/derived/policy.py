"""When arrays repay what they cost.

Arrays are bought when plain SQL has cost as much as they would: the total is then at most about twice what knowing
the future would have cost. The price is numba's start, if it is not loaded yet, plus reading the rows.
"""

from __future__ import annotations

import importlib.util
import os
import sys

from ..errors import InvalidValue, NotHere

ENGINES = ("auto", "sql", "numba")
NUMBA_START_S = 0.4  # import and the first cached kernel: 0.31 to 0.45 s measured
ROW_READ_S = 0.5e-6  # one row into arrays: 0.3 to 0.6 µs measured


def kernels_available() -> bool:
    """Tell whether kernels can be used: numba is installed and ``NGDB_KERNELS=off`` is not set."""
    if os.environ.get("NGDB_KERNELS", "").lower() == "off":
        return False
    return "numba" in sys.modules or importlib.util.find_spec("numba") is not None


class Policy:
    """Decides between plain SQL and arrays, for one database."""

    def __init__(self, engine: str, budget_bytes: int) -> None:
        if engine not in ENGINES:
            raise InvalidValue(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
        if engine == "numba" and not kernels_available():
            raise NotHere('engine="numba" needs the package numba and NGDB_KERNELS not "off"; use engine="auto"')
        self.engine = engine
        self.budget_bytes = budget_bytes
        self._spent_s: dict[str, float] = {}
        self._usable = engine != "sql" and budget_bytes > 0 and kernels_available()

    @property
    def usable(self) -> bool:
        """True where arrays may be used at all."""
        return self._usable

    def spend(self, name: str, seconds: float) -> None:
        """Note what plain SQL cost where arrays called `name` would have served."""
        self._spent_s[name] = self._spent_s.get(name, 0.0) + seconds

    def worth(self, name: str, rows: int, sql_cost_s: float) -> bool:
        """Tell whether arrays over `rows` rows repay themselves now, where SQL would cost another `sql_cost_s`."""
        if self.engine == "numba":
            return True
        price_s = rows * ROW_READ_S + (0.0 if "numba" in sys.modules else NUMBA_START_S)
        return self._spent_s.get(name, 0.0) + sql_cost_s >= price_s

    def disable(self) -> None:
        """Use plain SQL from now on, because kernels failed on this machine."""
        self._usable = False
