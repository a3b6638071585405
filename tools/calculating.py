"""Working out a figure from others: the only arithmetic in an answer that is not a model's own."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from engine.errors import BadArguments
from tools.spec import ToolRequest, ToolResult, ToolSpec, costs_nothing

if TYPE_CHECKING:
    from tools.workshop import Workshop

MOST = 20
LONGEST = 300
_DEEPEST = 40
_HIGHEST = 8
"""The highest power."""
_FUNCTIONS: Mapping[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "mean": lambda values: math.fsum(values) / len(values),
    "min": min,
    "max": max,
    "abs": lambda values: abs(values[0]),
}
_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: lambda base, power: float("nan") if abs(power) > _HIGHEST else math.pow(base, power),
}
_HINT = (
    "Write numbers as tools gave them, without units, thousands separators or %: '(1204 - 873) / 1204'. "
    "There are + - * / ** ( ), sum, mean, min, max and abs."
)


class Wanted(ToolRequest):
    """One figure to work out."""

    of: str = Field(
        min_length=1, max_length=80, description="What it is, in words: 'share of rows with a missing age'."
    )
    expression: str = Field(
        min_length=1, max_length=LONGEST, description="Numbers of earlier answers and + - * / ( ), sum, mean, min, max."
    )


class CalculateRequest(ToolRequest):
    """Work out differences, sums, shares or ratios of numbers that earlier answers of tools have."""

    wanted: tuple[Wanted, ...] = Field(min_length=1, max_length=MOST, description="Every figure to work out.")


class Calculated(ToolResult):
    of: str
    expression: str
    calculated: float


class CalculateResult(ToolResult):
    calculations: tuple[Calculated, ...]


def calculate(_: "Workshop", request: CalculateRequest) -> CalculateResult:
    """The value of each expression, exact to a float.

    Raises:
        BadArguments: what is no such expression, or has no value; says which, and how to write it.
    """
    return CalculateResult(
        calculations=tuple(
            Calculated(of=one.of, expression=one.expression, calculated=value_of(one.expression))
            for one in request.wanted
        )
    )


def value_of(expression: str) -> float:
    """Of an arithmetic expression.

    Raises:
        BadArguments: it is none, or has no finite value.
    """
    try:
        value = _value(_parsed(expression), 0)
    except (ZeroDivisionError, OverflowError, ValueError) as error:
        raise BadArguments(f"{expression!r} has no value: {error}.", _HINT) from error
    if not math.isfinite(value):
        raise BadArguments(f"{expression!r} has no finite value.", _HINT)
    return value


def _parsed(expression: str) -> ast.expr:
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadArguments(f"{expression!r} is no arithmetic expression.", _HINT) from error


def _value(node: ast.expr, depth: int) -> float:
    if depth > _DEEPEST:
        raise BadArguments("The expression is too deep.", "Work out a part of it first.")
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, depth + 1)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner, depth + 1)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left, depth + 1), _value(right, depth + 1))
        case ast.Call(func=ast.Name(id=name), args=[_, *_] as given, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name]([_value(each, depth + 1) for each in given])
    raise BadArguments(f"{ast.unparse(node)!r} is no number and no sum.", _HINT)


TOOLS = (
    ToolSpec(
        name="calculate",
        description="Work out figures from numbers of earlier answers: differences, sums, shares, ratios. What you "
        "work out without it may not be stated.",
        request=CalculateRequest,
        result=CalculateResult,
        function=calculate,
        effect="read",
        estimate=costs_nothing,
    ),
)
