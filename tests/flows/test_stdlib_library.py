"""The running Python's own library: complete, within its ranges, and as Python itself sees it."""

from __future__ import annotations

import importlib
import inspect
import math
import sys
import types
from collections import Counter

from naive_library import Library

from neurograph.flows.stdlib_source import EDGE_TYPES, KINDS, Symbol, read_standard_library
from neurograph.model.levels import LEVELS

#: Imported everywhere at no cost, and rich in classes that inherit from each other.
MODULES = (
    "argparse", "ast", "asyncio.events", "asyncio.tasks", "codecs", "collections", "configparser", "contextlib",
    "email.message", "enum", "fractions", "html.parser", "http.client", "inspect", "json.decoder", "json.encoder",
    "logging", "pprint", "shlex", "socketserver", "string", "textwrap", "threading", "traceback", "typing",
    "unittest.case", "urllib.request", "xml.sax.handler",
)  # fmt: skip


def test_every_file_is_read(standard_library: Library) -> None:
    source = standard_library.source
    assert source.skipped == []
    assert source.files > 400
    assert len(source.symbols) > 10_000
    assert len(source.edges) > 30_000


def test_tests_and_strangers_are_not_in_it(standard_library: Library) -> None:
    modules = {symbol.module for symbol in standard_library.source.symbols}
    assert not {name for name in modules if {"test", "tests", "idle_test"} & set(name.split("."))}
    assert {name.partition(".")[0] for name in modules} <= sys.stdlib_module_names
    assert {"json.decoder", "sys", "builtins", "collections"} <= modules


def test_labels_are_unique_and_all_kinds_and_types_occur(standard_library: Library) -> None:
    source = standard_library.source
    assert len(standard_library.ids) == len(source.symbols)
    assert {symbol.kind for symbol in source.symbols} == set(KINDS)
    assert {edge.type for edge in source.edges} == set(EDGE_TYPES)


def test_edges_are_distinct_sorted_and_weighed_within_limits(standard_library: Library) -> None:
    edges = standard_library.source.edges
    keys = [(edge.source, edge.target, edge.type) for edge in edges]
    assert keys == sorted(set(keys))
    last = len(standard_library.source.symbols) - 1
    assert all(0 <= e.source <= last and 0 <= e.target <= last and e.count > 0 and 0 < e.weight <= 1 for e in edges)


def test_every_symbol_but_the_tops_is_contained_once(standard_library: Library) -> None:
    held = Counter(target for _, kind, target, _ in standard_library.edges if kind == "contains")
    assert set(held.values()) == {1}
    for id, symbol in enumerate(standard_library.source.symbols, 1):
        assert (id in held) == (symbol.kind != "module" or "." in symbol.label), symbol.label


def test_coordinates_stay_within_the_ranges_of_their_levels(standard_library: Library) -> None:
    limits = {"physical": (0, 327.67), "cognitive": (0, 1), "social": (-1, 1), "abstract": (-1, 1)}
    for symbol, row in zip(standard_library.source.symbols, standard_library.source.coordinates(), strict=True):
        for level, point in zip(LEVELS, row, strict=True):
            if math.isnan(point[0]):
                assert all(map(math.isnan, point))
                continue
            low, high = limits[level]
            assert all(low <= axis <= high for axis in point), (symbol.label, level, point)
        assert 0 <= symbol.measures.weight <= 1


def test_most_calls_are_resolved_and_the_rest_is_accounted_for(standard_library: Library) -> None:
    calls = standard_library.source.calls
    assert calls["resolved"] > 0.5 * sum(calls.values())
    assert calls["unknown"] < 0.03 * sum(calls.values())
    assert standard_library.source.bases["resolved"] > 0.9 * sum(standard_library.source.bases.values())


def alive(symbol: Symbol) -> object:
    """Return what Python itself has under a label; None where it was deleted, replaced by a twin in C, or is local."""
    if "<locals>" in symbol.label or "#" in symbol.label:
        return None
    found: object = importlib.import_module(symbol.module)
    for name in symbol.label.removeprefix(f"{symbol.module}.").split("."):
        found = getattr(found, "__dict__", {}).get(name)  # getattr would run what warns of deprecations
    found = inspect.unwrap(found) if inspect.isfunction(found) else found
    return found if getattr(found, "__module__", None) == symbol.module else None


def test_classes_inherit_as_python_says(standard_library: Library) -> None:
    inherits = standard_library.links({"inherits"})
    same = 0
    for id, symbol in enumerate(standard_library.source.symbols, 1):
        if symbol.kind == "class" and symbol.module in MODULES and isinstance(found := alive(symbol), type):
            real = {base.__name__.lstrip("_") for base in found.__bases__}  # _local is the twin of local
            read = {standard_library.labels[base].rpartition(".")[2].lstrip("_") for base, _ in inherits[id]}
            assert read <= real, symbol.label
            same += read == real - {"object"}
    assert same > 200


def names_in(code: types.CodeType) -> set[str]:
    inner = [names_in(const) for const in code.co_consts if inspect.iscode(const)]
    return {*code.co_names, *code.co_varnames, *code.co_freevars}.union(*inner)


def test_functions_name_what_they_are_said_to_call(standard_library: Library) -> None:
    """In the compiled code, that is; but for what was imported ``as`` something else or defined twice."""
    calls = standard_library.links({"calls"})
    named = Counter[bool]()
    for id, symbol in enumerate(standard_library.source.symbols, 1):
        if symbol.kind == "function" and symbol.module in MODULES and inspect.isfunction(found := alive(symbol)):
            for target, _ in calls[id]:
                name = standard_library.labels[target].rpartition(".")[2]
                if name not in ("__init__", "__new__", "__call__"):
                    named[name in names_in(found.__code__)] += 1
    assert named[True] > 2_000
    assert named[False] < 0.05 * named[True]


def test_well_known_facts_hold(standard_library: Library) -> None:
    ids, labels = standard_library.ids, standard_library.labels
    calls, inherits, imports = (standard_library.links({kind}) for kind in ("calls", "inherits", "imports"))

    def targets(links: dict[int, list[tuple[int, float]]], label: str) -> set[str]:
        return {labels[id] for id, _ in links[ids[label]]}

    assert "json.encoder.JSONEncoder.encode" in targets(calls, "json.dumps")
    assert "re._compile" in targets(calls, "re.compile")
    assert {"builtins.isinstance", "textwrap.wrap"} & targets(calls, "textwrap.fill") == set()
    assert {"textwrap.TextWrapper", "textwrap.TextWrapper.fill"} <= targets(calls, "textwrap.fill")
    assert targets(inherits, "collections.OrderedDict") == {"builtins.dict"}
    assert targets(inherits, "json.decoder.JSONDecodeError") == {"builtins.ValueError"}
    assert {"json.decoder", "json.encoder"} <= targets(imports, "json")
    assert "re" in targets(imports, "json.decoder")


def test_len_is_called_from_more_than_a_thousand_places(standard_library: Library) -> None:
    popularity = {symbol.label: symbol.measures.fan_in for symbol in standard_library.source.symbols}
    assert popularity["builtins.len"] > 1_000
    assert popularity["builtins.len"] == max(popularity.values())
    assert standard_library.source.symbols[standard_library.ids["builtins.len"] - 1].measures.weight == 1.0


def test_a_limit_reads_the_first_modules_only() -> None:
    source = read_standard_library(limit=5)
    assert source.files == 5
    read = {symbol.module for symbol in source.symbols if symbol.file}
    assert len(read) == 5
    assert "__future__" in read
    assert "json" not in source.labels()
