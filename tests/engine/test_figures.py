"""Figures are short, and never rounded to what they are not."""

import pytest

from engine.figures import figure


@pytest.mark.parametrize(
    ("value", "words"),
    [
        *((0.86341, "0.8634"), (1.0, "1"), (0.0, "0"), (7043, "7,043"), (-0.5, "-0.5")),
        *((0.99996, "0.99996"), (0.9999999, "0.9999999"), (-0.99999, "-0.99999"), (0.00004, "4e-05")),
        *((182345.67, "182,345.67"), (1234.5, "1,234.5"), (41623.456, "41,623.46"), (float("nan"), "nan")),
    ],
)
def test_a_figure_keeps_what_counts(value: float, words: str) -> None:
    assert figure(value) == words
