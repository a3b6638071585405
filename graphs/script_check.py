"""Whether a program does nothing but call tools of the workshop, each with arguments that fit.

It is read, never run. A program may import millwright, open the workshop, call tools by name, keep and print what they
return, and decide and repeat on it; there is no way from there to a file, a process or the network.
"""

import ast
import re
from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from tools.arguments import bad_arguments
from tools.spec import ToolSpec

BUILTINS = frozenset(
    {
        "print",
        "len",
        "sorted",
        "round",
        "min",
        "max",
        "sum",
        "str",
        "int",
        "float",
        "list",
        "dict",
        "range",
        "enumerate",
    }
)
METHODS = frozenset({"items", "keys", "values", "get", "append", "join"})
OPENING = "millwright.open_workshop()"
_STATEMENTS = (ast.Import, ast.With, ast.Assign, ast.Expr, ast.For, ast.If, ast.Pass)
_NAMES = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
MOST_CHARACTERS = 100_000
FORM = (
    "A program imports only millwright, opens the workshop by `with millwright.open_workshop() as workshop:` and "
    "works through `workshop.call('tool', argument=value)`."
)


def faults_of(source: str, tools: Mapping[str, ToolSpec]) -> list[str]:
    """What is wrong with a program, in words; [] when nothing is."""
    if len(source) > MOST_CHARACTERS:
        return [f"The program is longer than {MOST_CHARACTERS:,} characters."]
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return [f"It is no Python program: {error}."]
    try:
        return list(_Reader(tools, tree).faults())
    except RecursionError:
        return ["The program is nested too deeply to be read."]


def tools_called(source: str) -> list[str]:
    """The tools that a program without faults calls, in order of their places."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and _is_tool_call(node)]
    calls.sort(key=lambda node: (node.lineno, node.col_offset))
    return [str(node.args[0].value) for node in calls if isinstance(node.args[0], ast.Constant)]


class _Reader:
    def __init__(self, tools: Mapping[str, ToolSpec], tree: ast.Module) -> None:
        self._tools, self._nodes = tools, list(ast.walk(tree))
        # the two names through which anything is done, where they stand as they should
        self._proper = {id(name) for node in self._nodes for name in _proper_names(node)}

    def faults(self) -> Iterator[str]:
        for node in self._nodes:
            found = self._fault(node)
            if found:
                line = getattr(node, "lineno", 0)
                yield f"Line {line}: {found}" if line else found

    def _fault(self, node: ast.AST) -> str | None:
        if isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS):
            return f"{type(node).__name__.lower()} is not used in such a program. {FORM}"
        if isinstance(node, ast.Lambda | ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr | ast.Starred):
            return f"{type(node).__name__.lower()} is not used in such a program."
        if isinstance(node, ast.keyword) and node.arg is None:
            return "arguments are given by name, not by **."
        if isinstance(node, ast.Import):
            return None if [(name.name, name.asname) for name in node.names] == [("millwright", None)] else FORM
        if isinstance(node, ast.With):
            return None if all(_opens(item) for item in node.items) else FORM
        if isinstance(node, ast.Attribute):
            hidden = node.attr.startswith("_") or not isinstance(node.ctx, ast.Load)
            return f"{node.attr!r} is not for use from outside." if hidden else None
        if isinstance(node, ast.Name):
            return None if id(node) in self._proper else _name_fault(node)
        return self._call_fault(node) if isinstance(node, ast.Call) else None

    def _call_fault(self, node: ast.Call) -> str | None:
        if _is_tool_call(node):
            return self._tool_fault(node)
        function = node.func
        if ast.unparse(node) == OPENING or (isinstance(function, ast.Name) and function.id in BUILTINS):
            return None
        if isinstance(function, ast.Attribute) and function.attr in METHODS:
            return None
        return f"{ast.unparse(function)[:60]} may not be called. {FORM}"

    def _tool_fault(self, node: ast.Call) -> str | None:
        first = node.args[0] if len(node.args) == 1 else None
        if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
            return "workshop.call takes the tool's name as a text, then arguments by name."
        spec = self._tools.get(first.value)
        if spec is None:
            return f"{first.value!r} is not a tool. There are: {', '.join(sorted(self._tools))}."
        return _arguments_fault(spec, node)


def _arguments_fault(spec: ToolSpec, node: ast.Call) -> str | None:
    """What the tool's own schema says of the arguments; those that are worked out by the program count by name."""
    fixed: dict[str, object] = {}
    worked_out: set[str] = set()
    for keyword in node.keywords:
        try:
            fixed[str(keyword.arg)] = ast.literal_eval(keyword.value)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            worked_out.add(str(keyword.arg))
    unknown = sorted(worked_out - set(spec.request.model_fields))
    if unknown:
        return f"{spec.name} has no argument {unknown[0]!r}. It takes: {', '.join(spec.request.model_fields)}."
    try:
        spec.request.model_validate(fixed)
    except ValidationError as error:
        real = [item for item in error.errors() if not item["loc"] or item["loc"][0] not in worked_out]
        # the sentence tells of the first fault, which may be that of an argument that is there after all
        return _first_fault(spec, fixed, error, worked_out) if real else None
    return None


def _first_fault(spec: ToolSpec, fixed: Mapping[str, object], error: ValidationError, worked_out: set[str]) -> str:
    first = error.errors()[0]
    if first["loc"] and first["loc"][0] not in worked_out:
        return str(bad_arguments(spec.name, spec.request, error))
    real = next(item for item in error.errors() if not item["loc"] or item["loc"][0] not in worked_out)
    where = ".".join(str(part) for part in real["loc"]) or "the arguments"
    return f"{spec.name}: {where}: {real['msg']}."


def _name_fault(node: ast.Name) -> str | None:
    if node.id in BUILTINS:
        return None if isinstance(node.ctx, ast.Load) else f"{node.id!r} may not be given another meaning."
    if node.id in ("millwright", "workshop") or not _NAMES.fullmatch(node.id) or node.id in _dangerous():
        return f"{node.id!r} may not be used. {FORM}"
    return None


def _dangerous() -> frozenset[str]:
    """Every other name that Python gives without an import."""
    import builtins

    return frozenset(dir(builtins)) - BUILTINS


def _proper_names(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.With):
        for item in node.items:
            if _opens(item):
                yield from ast.walk(item)
    if isinstance(node, ast.Call) and _is_tool_call(node):
        assert isinstance(node.func, ast.Attribute)
        yield node.func.value


def _opens(item: ast.withitem) -> bool:
    named = isinstance(item.optional_vars, ast.Name) and item.optional_vars.id == "workshop"
    return named and ast.unparse(item.context_expr) == OPENING


def _is_tool_call(node: ast.Call) -> bool:
    function = node.func
    return isinstance(function, ast.Attribute) and function.attr == "call" and _is_workshop(function.value)


def _is_workshop(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "workshop"
