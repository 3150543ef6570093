"""Every way to an answer: numpy, and kernels where they can be used."""

from __future__ import annotations

import pytest

from neurograph.derived.policy import Policy, kernels_available
from neurograph.vectors import engine

WAYS = ("numpy", "kernels") if kernels_available() else ("numpy",)


@pytest.fixture(params=WAYS, scope="module")
def way(request: pytest.FixtureRequest) -> None:
    """Answer by numpy, then by kernels."""
    engine.set_policy(Policy("sql", 0) if request.param == "numpy" else Policy("numba", 1))
    yield
    engine.set_policy(None)
