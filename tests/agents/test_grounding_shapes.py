"""Results of any shape, as other tools return them, and what may and may not be said of them."""

import pytest

from agents.grounding import check
from agents.numerals import without_chinese

RESULTS = (
    {
        "id": "r1",
        "tool": "train",
        "model": "lightgbm",
        "metrics": {"roc_auc": 0.8624, "f1": 0.6132, "accuracy": 0.8047, "recall": 0.5321, "precision": 0.6874},
        "ci": {"roc_auc": [0.841, 0.882]},
        "rows": 7043,
        "train_rows": 5634,
        "test_rows": 1409,
        "seconds": 25.5,
    },
    {
        "id": "r2",
        "tool": "train",
        "model": "linear",
        "metrics": {"roc_auc": 0.8403, "f1": 0.5891, "accuracy": 0.7913},
        "ci": {"roc_auc": [0.818, 0.861]},
        "seconds": 1.27,
    },
    {
        "id": "r3",
        "dataset": "telco",
        "rows": 7043,
        "columns": 21,
        "missing": {"TotalCharges": 11},
        "positive_share": 0.2654,
        "period": {"start": "2024-06-27", "end": "2024-07-03"},
    },
    {
        "id": "r4",
        "variants": [
            {"name": "fp32", "size_mb": 4.81, "p50_ms": 2.31, "p95_ms": 3.9},
            {"name": "int8", "size_mb": 1.27, "p50_ms": 0.84, "p95_ms": 1.5},
        ],
    },
    {"id": "r5", "output": {"model": "forest", "cv_rmse_eur": 46213.7, "mae_eur": 31002.4, "baseline_rmse": 115213.2}},
    {"id": "r6", "confusion_matrix": {"true_positive": 470, "false_positive": 201, "false_negative": 90, "tn": 1353}},
)


def struck(text: str) -> list[str]:
    return [claim.value for claim in check(text, RESULTS) if not claim.grounded]


@pytest.mark.parametrize(
    "text",
    [
        "LightGBM reaches a ROC AUC of 0.862 (95 % CI 0.841–0.882) on 1,409 test rows.",
        "The ROC AUC of lightgbm is 86.2 %, that of linear 84.0 %.",
        "lightgbm beats linear by 0.022 ROC AUC, or 2.2 points.",
        "About 26.5 % of customers churn; TotalCharges is missing 11 times.",
        "Training took 25.5 s, twenty times as long as linear (1.3 s).",
        "int8 is 1.27 MB instead of 4.81 MB, i.e. 3.8 times smaller, and answers in 0.84 ms instead of 2.31 ms.",
        "The RMSE is about €46,200, some 60 % below the baseline of 115,213.",
        "| model | ROC AUC | F1 |\n|---|---|---|\n| lightgbm | 0.862 | 0.613 |\n| linear | 0.840 | 0.589 |",
        "Of the 7,043 rows, 5,634 (80 %) were used for training and 1,409 (20 %) for testing.",
        "The p95 latency falls from 3.9 ms to 1.5 ms.",
        # what is advice, general knowledge or the base of a rate
        "Try again with 300 seconds. An AUC of 0.5 is chance.",
        "It ranks the right one higher in 86 of every 100 pairs.",
        # days and numbers in words
        "The data is from 27 June 2024 to 3 July.",
        "Its accuracy is eighty point five percent, its F1 zero point six one three.",
    ],
)
def test_what_follows_from_results_of_any_shape_is_left_as_it_is(text: str) -> None:
    assert struck(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("LightGBM reaches a ROC AUC of 0.826 on the test rows.", "0.826"),
        ("The ROC AUC of lightgbm is 0.87.", "0.87"),
        ("The ROC AUC of lightgbm is 0.8403.", "0.8403"),
        ("lightgbm has an F1 of 0.589.", "0.589"),
        ("ROC AUC 0.862 (95 % CI 0.851–0.872).", "0.851"),
        ("ROC AUC 0.862 (90 % CI 0.841–0.882).", "90 %"),
        ("lightgbm beats linear by 0.032 ROC AUC.", "0.032"),
        ("The table has 7,034 rows.", "7,034"),
        ("About 36.1 % of customers churn.", "36.1 %"),
        ("Training took 25.5 minutes.", "25.5"),
        ("int8 is 1.27 GB.", "1.27"),
        ("int8 answers in 2.31 ms.", "2.31"),
        ("The RMSE is 31,002.", "31,002"),
        ("Recall is 0.6874.", "0.6874"),
        ("The model is 99.99 % accurate.", "99.99 %"),
        ("25 % (1,409 of 7,043) of the rows are for testing.", "25 %"),
        ("int8 is 4.8 times smaller.", "4.8"),
        ("The accuracy is -0.8047.", "-0.8047"),
        ("xgboost reaches 0.8624.", "xgboost"),
        ("The data is from 28 June 2024.", "28 June 2024"),
        ("| model | ROC AUC |\n|---|---|\n| lightgbm | 0.840 |", "0.840"),
        # a score is no advice
        ("Consider lightgbm: its accuracy is 0.99.", "0.99"),
        ("The accuracy is zero point nine nine.", "zero point nine nine"),
        ("An accuracy of ninety-nine percent.", "ninety-nine percent"),
        ("Accuracy: XCIX %", "XCIX %"),
        ("accuracy97", "97"),
        ("The accuracy is ⑨⑨ %.", "⑨⑨ %"),
        ("The accuracy is 零点九九.", "零点九九"),
        ("The accuracy is 百分之九十九.", "百分之九十九"),
        ("The accuracy is 0.9&#57;.", "0.9&#57;"),
        ("The accuracy is 0.9<b>9</b>.", "0.9<b>9</b>"),
        ("The accuracy is &frac34;.", "&frac34;"),
    ],
)
def test_what_contradicts_them_is_found_out(text: str, value: str) -> None:
    assert value in struck(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [("三百二十个", "320"), ("一个模型", "一个模型"), ("两千零五", "2005"), ("十二", "12"), ("零点八四", "0.84")],
)
def test_chinese_numerals_are_read_as_digits_and_one_alone_as_a_word(text: str, plain: str) -> None:
    assert without_chinese(text).replace("\ue000", "").rstrip("个") == plain
