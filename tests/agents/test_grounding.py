"""Figures and names of a text against results: rounding as shown, percent, separators; nothing altered passes."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.claims import figures_in
from agents.grounding import check
from engine.figures import figure

RESULT = {
    "id": "r1",
    "roc_auc": 0.8423,
    "rows": 7043,
    "share": 0.265,
    "gain": -0.1234,
    "folds": 5,
    "metric": {"value": 61.37, "ci": [58.2, 64.9]},
    "model": "mdl_9f2c",
    "columns": [{"name": "tenure"}, {"name": "Monthly Charges"}],
    "created": "2026-03-04T10:00:00",
    "warnings": ["`total` leaks the target"],
}


def grounded(text: str) -> list[bool]:
    return [claim.grounded for claim in check(text, [RESULT])]


@pytest.mark.parametrize(
    "text",
    [
        *("0.8423", "0.842", "0.84", "0.8", "84.2 %", "84%", "84.23 percent", "+0.84", "0,842"),
        *("7,043", "7043", "7\u202f043", "7_043", "7,043 rows.", "26.5 %", "-0.123", "−0.12", "61.4", "61"),
        *("95 % interval", "5 folds", "2 columns", "value:61.37", "(58.2 to 64.9)", "58.2–64.9"),
        *("`tenure`", "`Monthly Charges`", "mdl_9f2c", "2026-03-04", "roc_auc", "“leaks the target”"),
    ],
)
def test_what_a_result_holds_is_grounded(text: str) -> None:
    assert grounded(text)
    assert all(grounded(text))


@pytest.mark.parametrize(
    "text",
    [
        *("0.8432", "0.8243", "0.85", "0.843", "84.3 %", "8.42 %", "0.84 %", "842", "1.0", "100 %", "0"),
        *("7,034", "7,044", "70,43", "7.043", "704", "2.65 %", "28 %", "0.123", "0.1234", "500 %", "5 %", "62"),
        *("`tenur`", "`Tenure`", "mdl_9f2d", "2026-03-05", "roc_auk", "“leaks everything”", "61.37 %"),
    ],
)
def test_what_no_result_holds_is_not(text: str) -> None:
    assert grounded(text)
    assert not any(grounded(text))


SPELT = {
    "id": "r1",
    "roc_auc": 0.8402,
    "gap": 0.05,
    "rows": 650,
    "total": 12345678,
    "seconds": 91.0,
    "milliseconds": 650.0,
    "speed": 3.0,
    "share": 0.842,
    "method": "5-fold",
    "best": "lightgbm-t1",
    "model": "mdl_45075d68dab1",
    "dataset": "ds_13871aa8e602",
    "created": "2026-11-27T02:29:00+00:00",
    "drop": [5.31, 0.9, 1],
}
ALTERED = (
    *("92s", "651ms", "0.91x", "4x faster", "651rows", "650k", "a 651-row file", "651/700", "[0.91]", "[651]"),
    *("[r1](0.91)", "651) rows", "651. rows", "#651", "@0.91", "AUC0.91", "AUC=0.91", "28.11.2026", "02:30", "⅓"),
    *("0.8402000000000000000000000000000000001", "84.0200000000000000000000000000000000001 %", ".06", ".8117"),
    *("0.9\u200b1", "0.9\u00ad1", "0.9\u20601", "12 345 679", "12.4 million", "13 M", "0.651k", "12,345,679"),
    *("12'345'679", "12.345.679", "0,8403", "６５１", "٦٥١", "-650", "−0.05", "6-fold", "0.8402‰", "650²", "1½"),
    *("0.9**1**", "0.9\\1", "rows651", "651_rows", "651%", "651 pct", "(651)", "“651”", "`651`", "$651", "<651"),
    *("27.11.2025", "2026-11-28", "mdl_45075d68dab2", "651–652", "3f9a0c", "1h31m", "650.5", "651…", "*651*", "|651|"),
)
TRUE = (
    *("91s", "650ms", "3x faster", "650rows", "a 650-row file", "0.65k", "[650]", "[0.84]", "(650)", "650) rows"),
    *("650. rows", "#650", "@0.84", "AUC0.84", "AUC=0.84", "27.11.2026", "02:29", ".05", ".8402", ".84", "+.05"),
    *("12 345 678", "12.3 million", "12.35 M", "12,345,678", "12'345'678", "12.345.678", "12_345_678", "0,8402"),
    *("84.02 %", "84.2%", "84 pct", "84.2 percent", "0.8402.", "0.8402,", "0.8402;", "*650*", "**0.84**", "|650|"),
    *("5-fold", "lightgbm-t1", "mdl_45075d68dab1", "ds_13871aa8e602", "F1", "f1", "R²", "r2", "R2", "gpt-4", "utf-8"),
    *("1. first\n2. second", "6５0", "0.84\u200b02", "~650", "≈650", "$650", "650–650", "91 s", "650 ms", "`650`"),
    *("2026-11-27", "2026-11-27T02:29:00", "r1: 650", "[r1] 650", "report.md", "the 1st", "5x3", "0.8402/0.842"),
)


@pytest.mark.parametrize("text", ALTERED)
def test_no_spelling_hides_an_altered_figure(text: str) -> None:
    claims = check(f"{text} it is", [SPELT]) + check(f"It is {text}", [SPELT])
    assert len([claim for claim in claims if not claim.grounded]) >= 2


@pytest.mark.parametrize("text", TRUE)
def test_no_spelling_makes_a_true_figure_a_false_one(text: str) -> None:
    assert [claim.value for claim in check(f"{text} it is", [SPELT]) if not claim.grounded] == []


@pytest.mark.parametrize("text", ["91s", ".8117", "12 345 678", "12.3 million", "0.9\u200b1", "½", "02:29", "650ms"])
def test_a_claim_is_the_whole_of_what_is_shown(text: str) -> None:
    (claim,) = check(f"It is {text} there", [])
    assert (claim.value.replace("\u200b", ""), claim.span) == (text.replace("\u200b", ""), (6, 6 + len(text)))


def test_what_is_nearly_all_or_nothing_is_not_said_to_be() -> None:
    nearly = [{"id": "r1", "a": 0.9996, "b": 0.0004}]
    assert not any(claim.grounded for claim in check("1, 1.000, 100 %, 100.0 %, 0, 0.000, 0 %", nearly))


def test_every_end_of_a_range_is_a_claim_of_its_own() -> None:
    assert grounded("from 58.2-65.9") == [True, False]


def test_receipts_ids_and_numbers_of_lists_are_no_figures() -> None:
    assert figures_in("1. the first [r3]\n2) lightgbm-t3 of mdl_123 has validation and F1, `x 99`") == []


def test_only_numbers_that_count_up_are_those_of_a_list() -> None:
    assert [one.shown for one in figures_in("1. a\n2. b\n650. rows\n")] == ["650"]


def test_a_claim_says_where_it_stands_and_which_result_holds_it() -> None:
    text = "It scores 61.4."
    (claim,) = check(text, [{"id": "r0", "a": 3}, RESULT])
    assert (text[slice(*claim.span)], claim.value, claim.grounded, claim.result_id) == ("61.4", "61.4", True, "r1")


def test_without_results_nothing_is_grounded() -> None:
    assert grounded_by_nothing("12 of `a`") == [False, False]


def grounded_by_nothing(text: str) -> list[bool]:
    return [claim.grounded for claim in check(text, [])]


@settings(deadline=None)
@given(st.floats(-1e9, 1e9, allow_nan=False, allow_subnormal=False))
def test_a_value_as_the_product_shows_it_is_always_grounded(value: float) -> None:
    claims = check(f"It is {figure(value)} there.", [{"id": "r1", "value": value}])
    assert [claim.grounded for claim in claims] == [True]


@settings(deadline=None)
@given(st.decimals("0.1001", "0.9999", places=4), st.integers(0, 3), st.integers(1, 9))
def test_a_value_with_one_digit_altered_is_never_grounded(value: Decimal, place: int, by: int) -> None:
    digits = list(f"{value:.4f}")
    digits[2 + place] = str((int(digits[2 + place]) + by) % 10)
    altered = "".join(digits)
    claims = check(f"It scores {altered}.", [{"id": "r1", "value": float(value)}])
    assert not any(claim.grounded for claim in claims)
