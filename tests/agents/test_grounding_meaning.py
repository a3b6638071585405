"""Units, number words, figures worked out from others, and true figures in the wrong place."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.grounding import Facts, check
from agents.grounding.words import greater_is_better
from engine.metrics import METRICS

TRAINED = {
    "id": "r1",
    "dataset": "ds_1",
    "target": "churned",
    "best": "linear",
    "model": "mdl_1",
    "metric": {"name": "roc_auc", "value": 0.8449, "ci": [0.8062, 0.8711], "rows": 600},
    "validation": {"name": "roc_auc", "value": 0.8228, "method": "5-fold"},
    "baseline": {"name": "roc_auc", "value": 0.5, "method": "5-fold"},
    "leaderboard": [
        {"model": "linear", "status": "done", "validation": 0.8228, "seconds": 0.3},
        {"model": "lightgbm", "status": "done", "validation": 0.7918, "seconds": 4.5},
        {"model": "forest", "status": "done", "validation": 0.7705, "seconds": 9.0},
        {"model": "dummy", "status": "done", "validation": 0.5, "seconds": 0.02},
        {"model": "network", "status": "skipped", "validation": None, "seconds": 0.0},
    ],
    "seconds": 91.0,
}
DATA = {
    "id": "r2",
    "dataset": "ds_1",
    "name": "telco",
    "rows": 3000,
    "train_rows": 2400,
    "test_rows": 600,
    "columns": [
        {"name": "tenure", "kind": "integer", "missing": 0, "distinct": 73, "minimum": 2.0, "maximum": 72.0},
        {"name": "charge", "kind": "number", "missing": 101, "distinct": 349, "minimum": 15.0, "maximum": 140.0},
        {"name": "contract", "kind": "category", "missing": 12, "distinct": 3, "minimum": None, "maximum": None},
    ],
    "class_shares": {"no": 0.7558, "yes": 0.2442},
}
FAST = {
    "id": "r3",
    "rows": [
        {"model": "mdl_1", "latency_ms": {"1": 12.0}, "p95_ms": {"1": 30.0}, "size_mb": 1.5},
        {"model": "mdl_2", "latency_ms": {"1": 3.0}, "p95_ms": {"1": 4.4}, "size_mb": 0.25},
    ],
    "arguments": {"budget_seconds": 30.0},
}
SAID = {"id": "said:1", "said": "use at most 45 minutes and 7 of them"}
RESULTS = (TRAINED, DATA, FAST, SAID)


def wrong(text: str) -> list[str]:
    return [claim.value for claim in check(text, RESULTS) if not claim.grounded]


@pytest.mark.parametrize(
    "text",
    [
        # units
        "It took 91 s.",
        "It took 1.5 minutes.",
        "One row takes mdl_1 12 ms.",
        "One row takes mdl_1 0.012 s.",
        "mdl_2 takes 3,000 µs per row.",
        "mdl_2 is 250 kB, mdl_1 1.5 MB.",
        "The p95 of mdl_1 is 30 ms.",
        "lightgbm took 4,500 ms.",
        # number words
        "Five models are on the list.",
        "There are three columns.",
        "Two columns have missing values.",
        "One of them is better, and it is one that I like.",
        # differences, ratios, percent, counts
        "linear is 0.031 better than lightgbm.",
        "linear is 3.1 points better than lightgbm.",
        "forest is 0.0523 behind linear.",
        "lightgbm is twice as fast as forest.",
        "mdl_2 answers 4 times faster than mdl_1.",
        "mdl_2 is 75 % faster than mdl_1.",
        "It is 0.3228 above the baseline in validation.",
        "4 of 5 models are done.",
        "20 % of the rows are the test.",
        "600 of 3,000 rows (20 %) are kept back.",
        "linear, lightgbm and forest score 0.8228, 0.7918 and 0.7705.",
        # rounding words
        "About 3,000 rows, over 2,000 of them for training.",
        "The roc_auc on the test is over 0.84.",
        # places
        "roc_auc 0.8449 (95 % interval 0.8062 to 0.8711, 600 rows)",
        "In validation: roc_auc 0.8228; the dummy baseline has roc_auc 0.5.",
        "| model | roc_auc | seconds |\n|---|---|---|\n| linear | 0.8228 | 0.3 |\n| forest | 0.7705 | 9.0 |",
        "tenure goes from 2 to 72.",
        "24.4 % are yes, 75.6 % no.",
        "Within the budget of 30 s.",
        "You said at most 45 minutes.",
    ],
)
def test_what_follows_from_the_results_is_left_as_it_is(text: str) -> None:
    assert wrong(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # another unit
        ("It took 91 ms.", "91"),
        ("It took 91 minutes.", "91"),
        ("One row takes mdl_1 12 s.", "12"),
        ("mdl_2 is 250 MB.", "250"),
        # another model's, another metric's, another stage's
        ("lightgbm has a roc_auc of 0.8228 in validation.", "0.8228"),
        ("forest scores 0.7918.", "0.7918"),
        ("network reaches roc_auc 0.7705.", "0.7705"),
        ("The accuracy is 0.8449.", "0.8449"),
        ("On the test rows: roc_auc 0.8228.", "0.8228"),
        ("The roc_auc is 0.8711.", "0.8711"),
        ("| model | roc_auc |\n|---|---|\n| linear | 0.7705 |", "0.7705"),
        ("linear, lightgbm and forest score 0.7918, 0.8228 and 0.7705.", "0.7918"),
        ("The p95 of mdl_1 is 12 ms.", "12"),
        # rounded up
        ("roc_auc 0.85 on the test", "0.85"),
        ("about 0.85 in roc_auc on the test", "0.85"),
        # intervals
        ("roc_auc 0.8449 [0.8062, 0.8449]", "0.8062"),
        ("roc_auc 0.8449 (95 % interval 0.7705 to 0.8711)", "0.7705"),
        ("roc_auc 0.8449 (90 % interval 0.8062 to 0.8711)", "90 %"),
        # shares, differences and counts that are not so
        ("25 % of the rows are the test.", "25 %"),
        ("linear is 0.041 better than lightgbm.", "0.041"),
        ("linear is 0.031 worse than lightgbm.", "0.031"),
        ("lightgbm is twice as fast as linear.", "twice"),
        ("3 of 5 models are done.", "3"),
        ("There are four columns.", "four"),
        ("2,400 test rows", "2,400"),
        ("tenure goes from 2 to 140.", "140"),
        # nearly a name
        ("The column tenuer matters.", "tenuer"),
        # what was asked for is no result
        ("Training took 30 s.", "30"),
        ("It took 45 minutes.", "45"),
        ("There are 7 columns.", "7"),
    ],
)
def test_a_true_figure_in_the_wrong_place_is_found_out(text: str, found: str) -> None:
    assert found in wrong(text)


def test_what_is_not_said_to_be_a_difference_is_none() -> None:
    assert wrong("It is 0.031.") == ["0.031"]


def test_more_is_better_of_the_metrics_of_which_it_is() -> None:
    assert {name for name in METRICS if greater_is_better(name)} == {
        name for name, metric in METRICS.items() if metric.greater_is_better
    }


_WORDS = (
    "name model value metric ci rows columns quartiles minimum maximum confusion validation leaderboard notes said "
    "error p95_ms latency_ms size_mb seconds best baseline status class_shares summary dataset others top importance 1"
)
_KEYS = st.sampled_from(_WORDS.split())
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["mdl_1", "rmse", "dummy", "lightgbm-t1", "12 % of 5 rows in 3 ms, twice as fast"])
)
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=5), max_leaves=25
)
_SAYINGS = (
    "12|0.84|84 %|1e9999|-3|½|three models| of | than |twice as fast|half of the rows|about |over | rows| ms| MB|x"
    "|[|]|(|)| to |–|, |roc_auc |RMSE|mdl_1 |lightgbm-t2 |better by |5 of 7 |1,000,000|±|baseline|# h|`|“|”| points"
    "|İ|column tenur |123456789012345678901234567890123456"
)
_PIECES = st.sampled_from([*_SAYINGS.split("|"), "\n", "| a | b |\n|---|---|\n| c | 3 |\n", ";", ": "])


@settings(deadline=None, max_examples=60)
@given(
    st.lists(_PIECES | st.text(max_size=6), max_size=25),
    st.lists(st.dictionaries(_KEYS, _JSON, max_size=4), max_size=3),
)
def test_no_text_and_no_result_is_too_odd_to_be_checked(pieces: list[str], found: list[dict[str, object]]) -> None:
    text = "".join(pieces)
    claims = Facts([{**one, "id": f"r{n}"} for n, one in enumerate(found)]).check(text, before=text)
    assert all(claim.grounded == (claim.result_id is not None) for claim in claims)
    assert all(0 <= claim.span[0] < claim.span[1] <= len(text) for claim in claims)


@settings(deadline=None, max_examples=60)
@given(st.decimals("0.11", "0.89", places=4), st.integers(1, 9))
def test_an_altered_score_beside_its_metric_and_model_is_never_grounded(value: Decimal, by: int) -> None:
    results = [{"id": "r1", "model": "mdl_1", "metric": {"name": "f1", "value": float(value), "ci": [0.1, 0.9]}}]
    altered = f"{value:.4f}"[:-1] + str((int(f"{value:.4f}"[-1]) + by) % 10)
    (name, figure) = check(f"mdl_1 has f1 {altered}.", results)
    assert (name.grounded, figure.grounded) == (True, False)
