"""A library is put together from parts that do not know each other: none takes a name that another has."""

from __future__ import annotations

import itertools

import pytest

from neurograph.stores.connections import Connections
from neurograph.stores.graph import Graph
from neurograph.stores.grid import Grid
from neurograph.stores.library import Library
from neurograph.stores.tokens import Tokens


@pytest.mark.parametrize("store", [Connections, Graph, Grid, Library, Tokens])
def test_no_two_parts_have_a_name_in_common(store: type) -> None:
    parts = [part for part in store.__mro__ if part.__module__.startswith("neurograph.")]
    shared = {
        (one.__name__, other.__name__, name)
        for one, other in itertools.combinations(parts, 2)
        if not issubclass(one, other)
        for name in vars(one).keys() & vars(other).keys()
        if not name.startswith("__")
    }
    assert shared == set()
