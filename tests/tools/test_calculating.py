"""Arithmetic over numbers of earlier answers: what it gives, and what it refuses."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadArguments
from tools.calculating import LONGEST, MOST, value_of
from tools.catalogue import invoke
from tools.workshop import Workshop

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 6))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("(1204 - 873) / 1204", 331 / 1204),
        ("2 + 3 * 4", 14.0), ("-2 * (3 - 5)", 4.0), ("(1 + 2) ** 2", 9.0), ("+1.5e3", 1500.0),
        ("sum(1, 2, 3)", 6.0), ("mean(0.81, 0.83)", 0.82), ("max(3, min(9, 7))", 7.0), ("abs(2 - 5)", 3.0),
        (" 1 / 3 ", 1 / 3),
    ],
)  # fmt: skip
def test_an_expression_has_its_value(expression: str, value: float) -> None:
    assert value_of(expression) == pytest.approx(value, rel=1e-15)


@given(NUMBERS, NUMBERS)
def test_differences_and_sums_are_those_of_python(a: float, b: float) -> None:
    assert value_of(f"({a!r}) - ({b!r})") == a - b
    assert value_of(f"sum({a!r}, {b!r})") == math.fsum((a, b))


@pytest.mark.parametrize(
    "expression",
    [
        "", "x", "12%", "1,204", "1/0", "1e999", "1e308 * 10", "2 ** 9", "(-2) ** 0.5",
        "9 // 2", "True", "'a' * 3", "sum()", "len(3)",
        "sum(x=1)", "[1][0]", "(lambda: 1)()", "__import__('os')", "1 if 2 else 3", "1 < 2", "sum(*[1])", "1j", "mean",
        "(" * 250 + "1" + ")" * 250, "-" * 100 + "1", "1 +", "\x00", "a.b",
    ],
)  # fmt: skip
def test_what_is_no_sum_of_numbers_is_refused_with_how_to_write_it(expression: str) -> None:
    with pytest.raises(BadArguments) as refused:
        value_of(expression)
    assert refused.value.hint


def test_a_call_works_out_every_figure_and_says_what_it_is(workshop: Workshop) -> None:
    found = invoke(workshop, "calculate", {"wanted": [{"of": "lost", "expression": "1 - 331 / 1204"}]})
    assert found.model_dump()["calculations"] == (
        {"of": "lost", "expression": "1 - 331 / 1204", "calculated": 1 - 331 / 1204},
    )


@pytest.mark.parametrize(
    "wanted",
    [
        [], [{"of": "x", "expression": "1"}] * (MOST + 1), [{"of": "", "expression": "1"}], [{"expression": "1"}],
        [{"of": "x", "expression": "1" * (LONGEST + 1)}], [{"of": "x", "expression": "1", "unit": "s"}],
        [{"of": "x", "expression": 3}], "1 + 1",
    ],
)  # fmt: skip
def test_a_call_that_does_not_fit_is_refused(workshop: Workshop, wanted: object) -> None:
    with pytest.raises(BadArguments):
        invoke(workshop, "calculate", {"wanted": wanted})
