"""Make `src/neurograph/aio/__init__.pyi` from the engine's own signatures: `python tests/aio/make_stub.py`.

1. Signatures are read as text, from the files of the classes, with their imports; nothing is guessed.
2. What a method returns follows `neurograph.aio.rules`, as it does at run time.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import importlib
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from typing import get_args, get_origin

from neurograph.aio import rules
from neurograph.aio.handles import public

STUB = Path(__file__).parents[2] / "src" / "neurograph" / "aio" / "__init__.pyi"

HEAD = '''"""The engine for asyncio. Made by `python tests/aio/make_stub.py` from its signatures: don't edit."""
'''

DATABASE = '''    @property
    def in_transaction(self) -> bool:
        """True where the running task has a transaction open."""
    async def close(self, *, portable: bool = False) -> None:
        """Wait for calls that run, and close the file; a second call does nothing."""
    async def __aenter__(self) -> Database: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
'''

OPENING = '''class Opening:
    """What `open` returns: awaited it is the open `Database`, and ``async with`` closes that at its end."""

    def __await__(self) -> Generator[Any, None, Database]: ...
    async def __aenter__(self) -> Database: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
'''

COROUTINES = {rules.Kind.CALL, rules.Kind.CALLS_BACK}
MADE = {rules.Kind.SCOPE: "Scope", rules.Kind.WORKER: "Worker"}
OURS = {"close", "in_transaction"}  # of Database
Function = ast.FunctionDef


class Inside:
    """What names mean inside a class: its members hide built-ins, and its type variables stand for types."""

    def __init__(self, cls: type | None = None) -> None:
        self.members = set(public(cls)) if cls else set()
        bases = [base for each in (cls.__mro__ if cls else ()) for base in vars(each).get("__orig_bases__", ())]
        self.types: dict[str, type] = {}
        for base in bases:
            variables = getattr(get_origin(base), "__parameters__", ())
            self.types |= dict(zip([variable.__name__ for variable in variables], get_args(base), strict=False))


class Names:
    """The names the stub uses, and where they come from."""

    def __init__(self) -> None:
        self.origins: dict[str, str] = {
            "Any": "typing",
            "Coroutine": "collections.abc",
            "Generator": "collections.abc",
            "TracebackType": "types",
            "Consumer": "neurograph.aio.queues",
            "Scope": "neurograph.aio.scopes",
            "Stream": "neurograph.aio.streams",
            "Worker": "neurograph.aio.queues",
        }

    def use(self, module: str, annotation: ast.expr, inside: Inside) -> ast.expr:
        """Return an annotation of a module as the stub writes it inside a class."""
        return ast.fix_missing_locations(_Rewriting(self, module, inside).visit(annotation))

    def add(self, name: str, module: str) -> str:
        """Return what the stub calls a name of a module: a second one of the same name gets that module's."""
        while module.startswith("neurograph.") and (origins(module).get(name) or module) != module:
            module = origins(module)[name]  # which only imports it
        if self.origins.setdefault(name, module) == module:
            return name
        other = f"{name}Of{module.rpartition('.')[0].rpartition('.')[2].title()}"
        assert self.origins.setdefault(other, f"{module}:{name}") == f"{module}:{name}"
        return other

    def imports(self) -> str:
        by_module: dict[str, list[str]] = {}
        for name, module in self.origins.items():
            by_module.setdefault(module, []).append(name)
        lines = ["import builtins"]
        lines += [f"{module} as {names[0]}" for module, names in by_module.items() if module.startswith("import ")]
        for module in sorted(name for name in by_module if not name.startswith("import ")):
            ours = module.startswith("neurograph.aio.")
            names = ", ".join(f"{name} as {name}" if ours else name for name in sorted(by_module[module]))
            source, _, other = module.partition(":")
            lines.append(f"from {source} import {f'{other} as {names}' if other else names}")
        return "\n".join(lines) + "\n"


class _Rewriting(ast.NodeTransformer):
    def __init__(self, names: Names, module: str, inside: Inside) -> None:
        self.names, self.module, self.inside = names, module, inside

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in rules.HANDLES or node.id == "builtins":
            return node
        stands_for = self.inside.types.get(node.id)
        origin = origins(self.module).get(node.id)
        if isinstance(stands_for, type):
            node.id = self.names.add(stands_for.__name__, stands_for.__module__)
        elif origin is not None:
            node.id = self.names.add(node.id, origin)
        elif not hasattr(builtins, node.id):
            raise ValueError(f"{self.module} must define or import {node.id}")
        elif node.id in self.inside.members:
            return ast.Attribute(ast.Name("builtins", ast.Load()), node.id, ast.Load())
        return node


@functools.cache
def tree(module: str) -> ast.Module:
    return ast.parse(Path(inspect.getsourcefile(importlib.import_module(module)) or "").read_text(encoding="utf-8"))


@functools.cache
def origins(module: str) -> dict[str, str]:
    """Return name → module of what a module imports from others, or defines."""
    found: dict[str, str] = {}
    loaded = importlib.import_module(module)
    package = module if hasattr(loaded, "__path__") else module.rpartition(".")[0]
    for node in _top(tree(module).body):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: f"import {alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            source = importlib.util.resolve_name(base, package) if node.level else base
            found |= {alias.asname or alias.name: source for alias in node.names}
        elif isinstance(node, ast.ClassDef):
            found[node.name] = module
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: module for target in targets if isinstance(target, ast.Name)}
    return found


def _top(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a module, those under ``if TYPE_CHECKING:`` among them."""
    flat: list[ast.stmt] = []
    for node in body:
        flat += _top(node.body) if isinstance(node, ast.If) else [node]
    return flat


def definitions(cls: type, name: str) -> tuple[str, list[Function]]:
    """Return the module that defines a member, and its definitions: the overloads where it has some."""
    owner = next(base for base in cls.__mro__ if name in vars(base))
    classes = [node for node in _top(tree(owner.__module__).body) if isinstance(node, ast.ClassDef)]
    body = next(node for node in classes if node.name == owner.__name__).body
    found = [node for node in body if isinstance(node, Function) and node.name == name]
    found = copy.deepcopy([node for node in found if _decorated(node, "overload")] or found)
    return owner.__module__, found


def re_words(annotation: str) -> list[str]:
    """Return the names in an annotation."""
    return re.findall(r"\w+", annotation)


def _decorated(node: Function, *names: str) -> bool:
    return any(ast.unparse(decorator) in names for decorator in node.decorator_list)


def signature(names: Names, module: str, node: Function, inside: Inside) -> str:
    arguments = node.args
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]:
        if argument is not None and argument.annotation is not None:
            argument.annotation = names.use(module, argument.annotation, inside)
    arguments.defaults = [_plain(default) for default in arguments.defaults]
    arguments.kw_defaults = [default and _plain(default) for default in arguments.kw_defaults]
    return ast.unparse(arguments)


def _plain(default: ast.expr) -> ast.expr:
    try:
        ast.literal_eval(default)
    except ValueError:
        return ast.Constant(...)
    return default


def member(names: Names, cls: type, name: str, inside: Inside) -> list[str]:
    module, nodes = definitions(cls, name)
    lines = []
    for node in nodes:
        assert node.returns is not None
        is_property = _decorated(node, "property", "cached_property")
        returns = ast.unparse(node.returns)
        kind = rules.kind_of(name, returns, is_property)
        inner = node.returns
        if kind is rules.Kind.STREAM:
            assert isinstance(inner, ast.Subscript)
            inner = inner.slice
        if kind is rules.Kind.CONSUMER:
            inner = ast.Name(rules.CONSUMED[returns], ast.Load())
        shown = "" if kind in MADE else ast.unparse(names.use(module, inner, inside))
        doc = (ast.get_docstring(node) or "").partition("\n")[0]
        body = f'\n        """{doc}"""' if doc else " ..."
        if is_property:
            shown = f"Coroutine[Any, Any, {shown}]" if kind in COROUTINES else shown
            lines += ["    @property", f"    def {name}(self) -> {shown}:{body}"]
            continue
        yields = {rules.Kind.STREAM: f"Stream[{shown}]", rules.Kind.CONSUMER: f"Consumer[{shown}]"}
        shown = MADE.get(kind) or yields.get(kind, shown)
        lines += ["    @overload"] if _decorated(node, "overload") else []
        define = "async def" if kind in COROUTINES else "def"
        lines.append(f"    {define} {name}({signature(names, module, node, inside)}) -> {shown}:{body}")
        if _decorated(node, "overload"):
            names.add("overload", "typing")
    return lines


def class_stub(names: Names, name: str) -> str:
    cls = rules.sync_class(name)
    inside = Inside(cls)
    lines = [f"class {name}:", f'    """The asyncio form of `neurograph`\'s `{name}`."""', ""]
    for each in public(cls):
        if name != "Database" or each not in OURS:
            lines += member(names, cls, each, inside)
    if hasattr(cls, "__iter__"):
        module, (node,) = definitions(cls, "__iter__")
        assert isinstance(node.returns, ast.Subscript)
        item = ast.unparse(names.use(module, node.returns.slice, inside))
        lines.append(f"    def __aiter__(self) -> Stream[{item}]: ...")
    return "\n".join(lines) + "\n" + (DATABASE if name == "Database" else "")


def stub() -> str:
    """Return what the stub must be."""
    names = Names()
    classes = [class_stub(names, name) for name in sorted(rules.HANDLES)]
    functions = [node for node in tree("neurograph.database").body if isinstance(node, Function)]
    opening = copy.deepcopy(next(node for node in functions if node.name == "open"))
    arguments = signature(names, "neurograph.database", opening, Inside())
    opened = f'def open({arguments}) -> Opening:\n    """Open a file for asyncio, creating it where there is none."""\n'
    public_names = sorted({*rules.HANDLES, "Consumer", "Opening", "Scope", "Stream", "Worker", "open"})
    listed = "__all__ = [\n" + "".join(f'    "{name}",\n' for name in public_names) + "]\n"
    return "\n".join([HEAD, names.imports(), listed, *classes, OPENING, opened])


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
    sys.stderr.write(f"{STUB.name} was made\n")
