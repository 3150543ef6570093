"""What one Python file says about itself: definitions, names, imports, calls; nothing is looked up elsewhere.

Invariants
----------
1. A file is parsed, never imported or run.
2. A call or import belongs to the innermost definition whose body runs it: decorators, defaults and annotations to
   the scope around the ``def``; lambdas and comprehensions to the definition they stand in. What operators and
   statements call by themselves (``+``, ``with``, ``for``) is not counted.
3. A name bound by anything that is not a definition, an import or another name is a *value*: what it calls is
   decided at run time, and is never guessed here.
4. A syntax tree is dropped as soon as it was read: 660 trees kept together cost the parser several times its time
   (4 to 7 s instead of 1.3: the garbage collector looks at all of them again and again).
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable

from neurograph.flows.stdlib_definitions import CALLED, Binding, Definition, Path

_BRANCHES = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.Assert,
    ast.comprehension,
    ast.match_case,
)
_CLASS_FIRST = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})
_LEAF_FIELDS = frozenset({"ctx", "op", "ops", "type_comment", "kind", "id", "attr", "level", "is_async", "simple"})


def read_module(text: bytes, name: str, *, package: bool = False, file: str | None = None) -> Definition:
    r"""Parse one file and say what it defines, binds, imports and calls.

    Parameters
    ----------
    text
        The file's bytes; an encoding cookie or a byte order mark is obeyed.
    name
        The module's dotted name.
    package
        Whether the file is a package's ``__init__.py``: relative imports start one level lower.
    file
        The path to note in every definition.

    Returns
    -------
    Definition
        The module; everything defined in it hangs below ``members``, in the order of the lines.

    Raises
    ------
    SyntaxError
        The text is not Python of the running version, or its encoding is unknown.
    ValueError
        The text holds null bytes.

    Examples
    --------
    >>> module = read_module(b"def f():\n    return len(())", "m")
    >>> [(d.qualname, dict(d.calls)) for d in module.members]
    [('f', {('len',): 1})]

    Notes
    -----
    Grows with the nodes of the syntax tree: 1.16 million of them, the whole standard library, take 1.9 s.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in somebody's file is not our caller's warning
        tree = ast.parse(text)
    module = Definition("module", name.rpartition(".")[2], name, "", None, file, 1, text.count(b"\n") + 1)
    module.package = package
    module.docstring = _docstring(tree)
    _Reader(module).read(module, tree.body)
    return module


class _Reader:
    """Walks one file's tree; one instance a file."""

    def __init__(self, module: Definition) -> None:
        self.module = module

    def read(self, scope: Definition, body: Iterable[ast.AST]) -> None:
        """Read the statements of one scope, definitions inside it included."""
        rest: list[object] = []
        for statement in body:  # what stands directly in the body is unconditional
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self.define(scope, statement, rest, conditional=False)
            elif isinstance(statement, (ast.Import, ast.ImportFrom)):
                self.bind_import(scope, statement, conditional=False)
            else:
                rest.append(statement)
        while rest:
            node = rest.pop()
            kind = node.__class__
            known = _FIELDS.get(kind)
            if known is None:
                if not isinstance(node, ast.AST):
                    continue
                known = _FIELDS[kind] = tuple(f for f in node._fields if f not in _LEAF_FIELDS)
            if kind in _SPECIAL and not self.special(scope, node, rest):
                continue
            for name in known:
                value = getattr(node, name, None)
                if value.__class__ is list:
                    rest.extend(value)
                elif value is not None:
                    rest.append(value)
        for name in sorted(scope.global_names & scope.bindings.keys()) if scope.parent else ():
            for binding in scope.bindings.pop(name):  # only now: the walk may meet `global x` after `x = 1`
                self.module.bind(name, binding._replace(conditional=True))
        for bindings in scope.bindings.values():
            bindings.sort(key=lambda binding: binding.line)
        scope.members.sort(key=lambda member: member.line)

    def special(self, scope: Definition, node: object, rest: list[object]) -> bool:
        """Read a node that binds, calls or branches; True: go on with its children."""
        match node:
            case ast.Name():
                if not isinstance(node.ctx, ast.Load):
                    scope.bind(node.id, Binding("value", node.lineno))
                return False
            case ast.Call():
                scope.calls[self.path(scope, node.func)] += 1
            case ast.Attribute():
                if isinstance(node.ctx, ast.Store):
                    self.attribute_of_self(scope, node, Binding("value", node.lineno))
            case ast.withitem() if isinstance(node.optional_vars, ast.Name):
                path = self.path(scope, node.context_expr)
                how, entered = ("alias", (*path, "__enter__", CALLED)) if path else ("value", ())
                scope.bind(node.optional_vars.id, Binding(how, node.context_expr.lineno, path=entered))
                rest.append(node.context_expr)
                return False
            case ast.Return():
                named = isinstance(node.value, ast.Name) and node.value.id == scope.first_parameter
                scope.returns.append(named and bool(scope.first_parameter))
            case ast.Assign() | ast.AnnAssign():
                return self.assign(scope, node, rest)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.define(scope, node, rest, conditional=True)
                return False
            case ast.Import() | ast.ImportFrom():
                self.bind_import(scope, node, conditional=True)
            case ast.arg():  # of a lambda: a definition's own never come here
                scope.bind(node.arg, Binding("value", node.lineno))
            case ast.Global():
                scope.global_names.update(map(scope.mangled, node.names))
                return False
            case ast.Nonlocal():
                scope.nonlocal_names.update(map(scope.mangled, node.names))
                return False
            case ast.BoolOp():
                scope.branches += len(node.values) - 1
            case ast.MatchAs() | ast.MatchStar() if node.name:
                scope.bind(node.name, Binding("value", node.lineno))
            case ast.MatchMapping() if node.rest:
                scope.bind(node.rest, Binding("value", node.lineno))
            case ast.ExceptHandler() if node.name:
                scope.bind(node.name, Binding("value", node.lineno))
            case _:
                pass
        scope.branches += isinstance(node, _BRANCHES)
        return True

    def assign(self, scope: Definition, node: ast.Assign | ast.AnnAssign, rest: list[object]) -> bool:
        """Bind ``name = other.name()`` as an alias, ``name = None`` as nothing, all else as a value."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if scope.kind == "module" and any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            scope.exports = _literal_names(node.value)
        nothing = isinstance(node.value, ast.Constant) and node.value.value is None
        path = () if node.value is None else self.path(scope, node.value)
        if node.value is None:
            return False  # a bare annotation binds nothing
        rest.append(node.value)
        how = "none" if nothing else "alias" if path else "value"
        for target in targets:
            if isinstance(target, ast.Name):
                scope.bind(target.id, Binding(how, node.lineno, path=path))
            elif not self.attribute_of_self(scope, target, Binding(how, node.lineno, path=path)):
                rest.append(target)
        return False

    def attribute_of_self(self, scope: Definition, target: ast.AST, binding: Binding) -> bool:
        """Note ``self.name = …``: on an instance it hides a method of that name, and may say what it is."""
        owner = scope.parent
        if not isinstance(target, ast.Attribute) or owner is None or owner.kind != "class":
            return False
        if not isinstance(target.value, ast.Name) or target.value.id != scope.first_parameter:
            return False
        owner.assigned.setdefault(scope.mangled(target.attr), []).append((scope, binding))
        return True

    def define(
        self,
        scope: Definition,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        rest: list[object],
        *,
        conditional: bool,
    ) -> None:
        """Read a class or function; what runs around it (decorators, defaults, bases) goes to ``rest``."""
        kind = "class" if isinstance(node, ast.ClassDef) else "function"
        inside = ".<locals>." if scope.kind == "function" else "." if scope.qualname else ""
        made = Definition(kind, node.name, scope.module, scope.qualname + inside + node.name, scope, scope.file)
        made.line, made.end_line = node.lineno, node.end_lineno or node.lineno
        made.docstring = _docstring(node)
        scope.bind(node.name, Binding("def", node.lineno, conditional, made))
        scope.members.append(made)
        decorators = [self.path(scope, d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list]
        for decorator, path in zip(node.decorator_list, decorators, strict=True):
            if path and not isinstance(decorator, ast.Call):
                scope.calls[path] += 1
        rest.extend(node.decorator_list)
        if isinstance(node, ast.ClassDef):
            made.bases = [self.path(scope, _unsubscripted(base)) for base in node.bases]
            rest.extend(node.bases)
            rest.extend(keyword.value for keyword in node.keywords)
        else:
            self.sign(made, node, decorators, rest)
        self.read(made, node.body)

    def sign(
        self,
        made: Definition,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        decorators: list[Path],
        rest: list[object],
    ) -> None:
        """Read a function's parameters and what its decorators say of it."""
        arguments = node.args
        named = [*arguments.posonlyargs, *arguments.args]
        every = [*named, *arguments.kwonlyargs, *(a for a in (arguments.vararg, arguments.kwarg) if a)]
        last = {path[-1] for path in decorators if path}
        made.is_property = bool(last & {"property", "cached_property", "setter", "deleter", "getter"})
        made.does_nothing = bool(last & {"abstractmethod", "overload"}) or _does_nothing(node.body)
        for argument in every:
            made.bind(argument.arg, Binding("value", 0))
            rest.append(argument.annotation)
        rest.extend((*arguments.defaults, *arguments.kw_defaults, node.returns))
        made.parameters = len(every) + 1
        made.annotated = sum(a.annotation is not None for a in every) + (node.returns is not None)
        in_class = made.parent is not None and made.parent.kind == "class"
        if in_class and named and "staticmethod" not in last:
            of_class = "classmethod" in last or made.name in _CLASS_FIRST
            made.first_parameter = named[0].arg
            made.bindings[made.mangled(named[0].arg)] = [Binding("class" if of_class else "instance", 0)]
            made.parameters -= 1  # nobody annotates self

    def bind_import(self, scope: Definition, node: ast.Import | ast.ImportFrom, *, conditional: bool) -> None:
        """Bind what an import names, and note it."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                scope.imports[alias.name, ""] += 1
                bound = alias.asname or alias.name.partition(".")[0]
                loaded = alias.name if alias.asname else bound
                scope.bind(bound, Binding("import", node.lineno, conditional, path=(loaded,)))
            return
        source = self.absolute(node)
        for alias in node.names:
            scope.imports[source, alias.name] += 1
            if alias.name == "*":
                scope.stars.append(source)
            else:
                path = (source, alias.name)
                scope.bind(alias.asname or alias.name, Binding("from", node.lineno, conditional, path=path))

    def absolute(self, node: ast.ImportFrom) -> str:
        """Name the module of ``from … import``, dots resolved; ``""`` beyond the top."""
        if not node.level:
            return node.module or ""
        package = self.module.module.split(".")
        up = node.level - self.module.package
        if up >= len(package) + self.module.package:
            return ""
        kept = package[: len(package) - up]
        return ".".join([*kept, *([node.module] if node.module else [])])

    def path(self, scope: Definition, node: ast.expr) -> Path:
        """Spell ``a.b().c`` as names, ``()`` for what is anything else."""
        parts: list[str] = []
        while True:
            match node:
                case ast.Attribute():
                    parts.append(scope.mangled(node.attr))
                    node = node.value
                case ast.Call() if not node.args or not _is_super(node) or _of_own_class(scope, node):
                    parts.append(CALLED)
                    node = node.func
                case ast.Name():
                    return (scope.mangled(node.id), *reversed(parts))
                case _:
                    return ()


def _unsubscripted(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Subscript) else node


def _is_super(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == "super"


def _of_own_class(scope: Definition, node: ast.Call) -> bool:
    """``super(C, self)`` says the same as ``super()`` only where C is the class it stands in."""
    around: Definition | None = scope
    while around is not None and around.kind != "class":
        around = around.parent
    return around is not None and isinstance(node.args[0], ast.Name) and node.args[0].id == around.name


def _literal_names(node: ast.AST | None) -> frozenset[str] | None:
    if not isinstance(node, (ast.List, ast.Tuple)):
        return None
    names = [e.value for e in node.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
    return frozenset(names) if len(names) == len(node.elts) else None


def _does_nothing(body: list[ast.stmt]) -> bool:
    """Whether a body is only a docstring, ``pass``, ``...`` or ``raise NotImplementedError``."""
    for statement in body:
        match statement:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                continue
            case ast.Raise(exc=ast.Name(id="NotImplementedError")):
                continue
            case ast.Raise(exc=ast.Call(func=ast.Name(id="NotImplementedError"))):
                continue
            case _:
                return False
    return True


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    text = ast.get_docstring(node) or ""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")  # what a text column can hold


_FIELDS: dict[type, tuple[str, ...]] = {}
_SPECIAL = frozenset(
    {
        *_BRANCHES,
        ast.Name,
        ast.Call,
        ast.Attribute,
        ast.Assign,
        ast.AnnAssign,
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Import,
        ast.ImportFrom,
        ast.arg,
        ast.Global,
        ast.Nonlocal,
        ast.BoolOp,
        ast.MatchAs,
        ast.MatchStar,
        ast.MatchMapping,
        ast.Return,
        ast.withitem,
    }
)
