"""What a name in a file stands for: static resolution over the files that were read, never a guess.

Invariants
----------
1. What is bound to a value (a parameter, an item, a result) resolves to nothing, and the reason is kept. The result
   of calling a class is an instance of it, that of a method which only returns ``self`` is its object; nothing
   else is concluded from calls.
2. A name with several definitions stands for its last unconditional one, else for its first. In a module and class
   ``name = None`` beside a definition or an import says "not here" and is passed over. Other names must agree: a
   local, an instance attribute or an instance that is assigned twice stands for something only if it does both times.
3. A method is looked for along the C3 order of the known bases. A base that cannot be resolved might define it:
   the search ends there. What methods assign to ``self.name`` hides what the class calls so.
4. A module written in C is known by its name alone; a module that takes every name of one (``from posix import *``),
   or of one that was not read, has names nobody can list: what it does not bind itself is not taken for a built-in.
5. Nothing depends on the platform or on the order files were read in; of ``import posixpath as path`` and
   ``import ntpath as path`` the first that is there counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from neurograph.flows.stdlib_definitions import CALLED, Binding, Definition, Path, primary
from neurograph.flows.stdlib_targets import (
    EXPRESSION,
    NATIVE,
    OBJECT,
    UNKNOWN,
    VALUE,
    Target,
    agreed,
    merged,
)


class Names:
    r"""The names of all modules that were read.

    Parameters
    ----------
    modules
        By dotted name; modules known by their name alone have ``native`` set.
    builtins
        The module that every other falls back to.

    Examples
    --------
    >>> from neurograph.flows.stdlib_facts import read_module
    >>> module = read_module(b"def f(): return g()\ndef g(): return f", "m")
    >>> names = Names({"m": module}, read_module(b"", "builtins"))
    >>> [d.qualname for d in names.called(module.members[0], ("g",))[1]]
    ['g']

    Notes
    -----
    Answers are remembered per scope and name: the 66,000 calls of the standard library take 0.5 s.
    """

    def __init__(self, modules: Mapping[str, Definition], builtins: Definition) -> None:
        self._modules = modules
        self._builtins = builtins
        self._found: dict[tuple[Definition, str], Target] = {}
        self._orders: dict[Definition, list[Definition]] = {}

    def module(self, dotted: str) -> Definition | None:
        """Find the module an import names; ``os.path`` by way of what ``os`` binds.

        Parameters
        ----------
        dotted
            The absolute name.

        Returns
        -------
        Definition or None
            None where no such module was read.
        """
        if dotted in self._modules:
            return self._modules[dotted]
        head, _, tail = dotted.rpartition(".")
        parent = self.module(head) if head else None
        if parent is None:
            return None
        found = self._member(parent, tail).definition
        return found if found is not None and found.kind == "module" else None

    def imported(self, source: str, name: str) -> Definition | None:
        """Find the module that ``import source`` or ``from source import name`` loads last.

        Parameters
        ----------
        source
            The absolute name.
        name
            ``""`` for a plain import, ``"*"`` for all names.

        Returns
        -------
        Definition or None
            The submodule where `name` is one, else the module `source`; None where it was not read.
        """
        inside = self.module(source)
        if inside is None or name in ("", "*"):
            return inside
        found = self._member(inside, name).definition
        return found if found is not None and found.kind == "module" else inside

    def resolve(self, scope: Definition, path: Path) -> Target:
        """Say what a path means where it stands.

        Parameters
        ----------
        scope
            The definition whose body holds the path.
        path
            Names from left to right, ``()`` for a call.

        Returns
        -------
        Target
            A definition, an instance of one, or the reason why not.
        """
        if not path:
            return EXPRESSION
        target = self._lookup(scope, path[0])
        for name in path[1:]:
            if target.definition is None:
                return target
            if name == CALLED:
                target = self._result(scope, target)
            else:
                target = self._attribute(target, name)
        return target

    def called(self, scope: Definition, path: Path) -> tuple[str, list[Definition]]:
        """Say what a call runs: a function, or a class together with its ``__init__`` (or else ``__new__``).

        Parameters
        ----------
        scope
            The definition that makes the call.
        path
            The called expression.

        Returns
        -------
        str
            ``resolved`` or a reason from `REASONS`.
        list of Definition
            Empty for a reason.
        """
        target = self.resolve(scope, path)
        found = target.definition
        if found is None:
            return target.how, []
        if target.how == "instance":
            target = self._attribute(target, "__call__")
            return self._runs(target)
        if target.how != "symbol" or found.kind == "module":
            return "value", []
        if found.kind == "function":
            return self._runs(target)
        for name in ("__init__", "__new__"):
            maker = self._of_class(found, name).definition
            if maker is not None and maker.kind == "function":
                return "resolved", [found, maker]
        return "resolved", [found]

    def bases(self, cls: Definition) -> list[Target]:
        """Resolve the bases of a class, in their order.

        Parameters
        ----------
        cls
            A class.

        Returns
        -------
        list of Target
            One for each base as written.
        """
        scope = cls.parent
        return [self.resolve(scope, path) for path in cls.bases] if scope else []

    def order(self, cls: Definition) -> list[Definition]:
        """Put a class and its ancestors in the order attributes are looked up (C3; ``object`` left out).

        Parameters
        ----------
        cls
            A class.

        Returns
        -------
        list of Definition
            The class first; a stand-in of kind ``unknown`` for every base that could not be resolved.

        Notes
        -----
        C3: Barrett et al., "A monotonic superclass linearization for Dylan", 1996; what Python itself does.
        """
        if cls not in self._orders:
            self._orders[cls] = [cls]  # a class that inherits from itself ends here
            bases = []
            for target in self.bases(cls):
                base = target.definition
                if target.how != "symbol" or base is None or base.kind != "class":
                    reason = target.how if base is None else "value"
                    bases.append(Definition("unknown", reason, cls.module, "?"))
                elif base.label != OBJECT:
                    bases.append(base)
            self._orders[cls] = [cls, *merged([*(self.order(base) for base in bases), bases])]
        return self._orders[cls]

    def _runs(self, target: Target) -> tuple[str, list[Definition]]:
        found = target.definition
        if found is None:
            return target.how, []
        if target.how != "symbol" or found.kind != "function" or found.is_property:
            return "value", []
        return "resolved", [found]

    def _result(self, scope: Definition, target: Target) -> Target:
        """Say what calling a target gives: an instance of a class; itself where a method only returns ``self``."""
        found = target.definition
        if target.how != "symbol" or found is None:
            return EXPRESSION
        if found.kind == "function" and target.through is not None and found.returns and all(found.returns):
            of_class = bool(found.bindings[found.mangled(found.first_parameter)][0].how == "class")
            return Target("symbol" if of_class else "instance", target.through)
        if found.kind != "class":
            return EXPRESSION
        if found.native and found.name == "super" and found.parent is self._builtins:
            around: Definition | None = scope
            while around is not None and around.kind != "class":
                around = around.parent
            return Target("super", around) if around is not None else UNKNOWN
        return Target("instance", found)

    def _attribute(self, target: Target, name: str) -> Target:
        found = target.definition
        assert found is not None, "a reason has no attributes"
        if target.how == "symbol" and found.kind == "module":
            return self._member(found, name)
        if found.kind != "class":
            return VALUE
        if target.how == "instance":
            if name == "__class__":
                return Target("symbol", found)
            held = self._held(found, name)
            if held is not None:
                return held
        return self._of_class(found, name, behind=target.how == "super")

    def _held(self, cls: Definition, name: str) -> Target | None:
        """Say what the methods of a class, or of its bases, assign to ``self.name``; None: nothing."""
        key = (cls, f"self.{name}")
        if key not in self._found:
            owners = [c for c in self.order(cls) if not c.native and name in c.assigned]
            if not owners:
                return None
            self._found[key] = VALUE  # `self.x = self.x.y` asks for itself
            assigned = [(scope, b) for owner in owners for scope, b in owner.assigned[name] if b.how != "none"]
            self._found[key] = agreed([self._meant(scope, "", b) for scope, b in assigned])
        return self._found[key]

    def _of_class(self, cls: Definition, name: str, *, behind: bool = False) -> Target:
        for owner in self.order(cls)[behind:]:
            if owner.kind == "unknown":
                return Target(owner.name)
            if owner.native and name in owner.assigned:
                return NATIVE
            if name in owner.bindings:
                found = self._bound(owner, name)
                return found._replace(through=cls) if found.how == "symbol" else found
        return VALUE if not behind else NATIVE  # behind every known class stands object

    def _lookup(self, scope: Definition, name: str) -> Target:
        """Follow Python's scopes: own, enclosing functions, module, built-in."""
        here: Definition = scope
        if name in here.global_names:
            here = self._modules.get(scope.module, scope)
        elif name in here.nonlocal_names and here.parent is not None:
            here = here.parent
        around: Definition | None = here
        while around is not None:
            if name in around.bindings and (around.kind != "class" or around is here):
                return self._bound(around, name)
            if around.kind == "module":
                starred = self._starred(around, name)
                if starred is not None:
                    return starred
            around = around.parent
        return self._bound(self._builtins, name) if name in self._builtins.bindings else UNKNOWN

    def _member(self, module: Definition, name: str) -> Target:
        """Find an attribute of a module: what it binds, else a submodule."""
        if name in module.bindings:
            return self._bound(module, name)
        starred = self._starred(module, name)
        if starred is not None and starred.definition is not None:
            return starred
        submodule = self._modules.get(f"{module.module}.{name}")
        if submodule is not None:
            return Target("symbol", submodule)
        return NATIVE if module.native else starred or UNKNOWN

    def _starred(self, module: Definition, name: str) -> Target | None:
        """Find what ``from … import *`` brings under a name; None: surely nothing."""
        if not module.stars:
            return None
        key = (module, f"* {name}")
        if key in self._found:
            return self._found[key]
        self._found[key] = UNKNOWN  # modules that star-import each other end here
        result: Target | None = None
        for source in module.stars:
            other = self.module(source)
            if other is None or other.native:
                result = result or (UNKNOWN if other is None else NATIVE)
                continue
            listed = name in other.exports if other.exports is not None else not name.startswith("_")
            if listed and name in other.bindings:
                result = self._bound(other, name)
                break
            deeper = self._starred(other, name) if listed else None
            if deeper is not None and (result is None or deeper.definition is not None):
                result = deeper
        if result is None:
            del self._found[key]
        else:
            self._found[key] = result
        return result

    def _bound(self, scope: Definition, name: str) -> Target:
        key = (scope, name)
        if key not in self._found:
            self._found[key] = UNKNOWN  # `x = x` asks for itself
            self._found[key] = self._choose(scope, name)
        return self._found[key]

    def _choose(self, scope: Definition, name: str) -> Target:
        bindings = scope.bindings[name]
        local = scope.kind == "function"
        has_value = any(binding.how == "value" for binding in bindings)
        definition = primary(bindings)
        mixed = definition is not None and any(b.definition is None for b in bindings)
        if local and (has_value or mixed):
            return VALUE
        if definition is not None:
            return VALUE if definition.is_property else Target("symbol", definition)
        if has_value:
            return VALUE
        targets = [self._meant(scope, name, binding) for binding in bindings if binding.how != "none"]
        if local or any(target.how == "instance" for target in targets):
            return agreed(targets)
        return next((target for target in targets if target.definition is not None), (targets or [VALUE])[0])

    def _meant(self, scope: Definition, name: str, binding: Binding) -> Target:
        match binding.how:
            case "import":
                found = self.module(binding.path[0])
                return Target("symbol", found) if found is not None else UNKNOWN
            case "from":
                source, member = binding.path
                submodule = self._modules.get(f"{source}.{member}")
                if source == scope.module and submodule is not None:
                    return Target("symbol", submodule)  # a package's own `from . import part` binds what it asks for
                inside = self.module(source)
                return self._member(inside, member) if inside is not None else UNKNOWN
            case "alias":
                if binding.path[0] != name:
                    return self.resolve(scope, binding.path)
                if scope.kind == "function":
                    return VALUE
                # `list = list` keeps what the name meant further out
                return self.resolve(scope.parent or self._builtins, binding.path)
            case "instance":
                return Target("instance", scope.parent)
            case "class":
                return Target("symbol", scope.parent)
            case _:
                return VALUE
