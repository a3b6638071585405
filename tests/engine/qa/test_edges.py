"""Edge cases: a sound model passes all of them, and each planted defect is found by its own check."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.errors import BadArguments, ColumnsMissing
from engine.metrics import Floats
from engine.package_info import InputColumn
from engine.qa import answers, cells, tables
from engine.qa.check import Check, Finding
from engine.qa.run import CHECKS, run_checks
from engine.qa.subject import Subject
from engine.serving.predictor import Prediction
from tests.engine.qa.small import COLUMNS, info, predictor, price, risk, subject, table

IDS = [id_ for id_, _, _ in CHECKS]


def statuses(found: list[Check]) -> dict[str, str]:
    return {check.id: check.status for check in found}


def wrapped(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Subject:
    """A model that does something to its rows before it answers them."""
    inner = predictor()
    return subject(predict=lambda frame: inner.predict(change(frame)))


def silent(inner: Subject) -> Subject:
    """A model that says nothing of what it ignored or took as missing."""
    return replace(inner, predict=lambda frame: replace(inner.predict(frame), notes=()))


def test_a_sound_model_fails_nothing_and_every_check_is_made_or_says_why_not() -> None:
    found = run_checks(subject())
    assert [check.id for check in found] == IDS
    assert len(IDS) == len(set(IDS)) >= 20
    assert not [check for check in found if check.status in {"failed", "warned"}]
    assert all(check.detail for check in found)
    assert {check.id for check in found if check.status == "skipped"} == {
        "odd_texts", "odd_images", "worst_slice", "calibration",
    }  # fmt: skip


def test_a_sound_model_of_numbers_fails_nothing() -> None:
    found = statuses(run_checks(subject(price, info("regression"))))
    assert "failed" not in found.values()
    assert found["probabilities"] == "skipped"


def nothing_for_missing(frame: pd.DataFrame) -> Floats:
    found = risk(frame)
    found[frame["fee"].isna().to_numpy()] = np.nan
    return found


def crash_on_new(frame: pd.DataFrame) -> Floats:
    if not set(frame["plan"].dropna()) <= {"monthly", "yearly"}:
        raise KeyError("never seen before")
    return risk(frame)


def overflow(frame: pd.DataFrame) -> Floats:
    fee = frame["fee"].to_numpy(dtype=np.float64, na_value=0.0)
    found = risk(frame)
    found[np.abs(fee) > 1e5] = np.inf
    return found


def beside_one(frame: pd.DataFrame) -> Floats:
    return risk(frame) * 1.01


def constant(frame: pd.DataFrame) -> Floats:
    return np.tile([0.6, 0.4], (len(frame), 1))


def rank_in_batch(frame: pd.DataFrame) -> Floats:
    positive = risk(frame)[:, 1].argsort().argsort() / max(len(frame), 1)
    return np.stack([1 - positive, positive], axis=1)


def by_place(frame: pd.DataFrame) -> Floats:
    positive = np.linspace(0.1, 0.9, len(frame))
    return np.stack([1 - positive, positive], axis=1)


def fewer(frame: pd.DataFrame) -> Floats:
    return risk(frame)[:100]


@pytest.mark.parametrize(
    ("formula", "check", "words"),
    [
        (nothing_for_missing, "missing_values", r"'fee' answers what is not a number.*all columns at once"),
        (crash_on_new, "unseen_categories", r"'plan' crashes \(KeyError"),
        (overflow, "extreme_numbers", "'fee' answers what is not a number"),
        (beside_one, "probabilities", "sum to one only within"),
        (constant, "varied_answers", "All 60 rows get the same answer"),
        (rank_in_batch, "one_row", "differ by up to"),
        (by_place, "row_order", "differ by up to"),
        (by_place, "duplicates", "differ by up to"),
        (fewer, "large_batch", "5,000 rows at once are not all answered"),
    ],
)
def test_a_defect_of_the_answers_is_found_by_its_own_check(
    formula: Callable[[pd.DataFrame], Floats], check: str, words: str
) -> None:
    (found,) = run_checks(subject(formula), [spec for spec in CHECKS if spec[0] == check])
    assert found.status == "failed"
    assert pd.Series([found.detail]).str.contains(words).all(), found.detail


def test_a_model_that_draws_its_answers_is_not_repeatable() -> None:
    rng = np.random.default_rng(0)

    def drawn(frame: pd.DataFrame) -> Floats:
        positive = rng.random(len(frame))
        return np.stack([1 - positive, positive], axis=1)

    assert tables.same_twice(subject(drawn)).status == "failed"


def test_a_model_that_reads_columns_by_place_is_found() -> None:
    names = [column.name for column in COLUMNS]
    assert tables.column_order(wrapped(lambda frame: frame.set_axis(names, axis="columns"))).status == "failed"
    assert tables.column_order(subject()).status == "passed"


def test_a_model_that_looks_at_row_numbers_or_identifiers_is_found() -> None:
    by_number = wrapped(lambda frame: frame.assign(fee=frame.index.to_numpy(dtype=np.float64) % 90))
    assert tables.identifiers(by_number).status == "failed"

    def by_name(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(fee=[float(name[1:]) for name in frame["customer"]]) if "customer" in frame else frame

    assert tables.identifiers(wrapped(by_name)).status == "failed"
    assert "'customer'" in tables.identifiers(subject()).detail


def test_missing_columns_that_are_filled_in_silently_are_named() -> None:
    found = tables.missing_columns(wrapped(lambda frame: frame.reindex(columns=[one.name for one in COLUMNS])))
    assert (found.status, found.figures["silent"]) == ("failed", 5)
    assert "'age'" in found.detail


def test_a_refusal_that_does_not_name_the_column_is_no_refusal_by_name() -> None:
    inner = predictor()

    def predict(frame: pd.DataFrame) -> Prediction:
        try:
            return inner.predict(frame)
        except ColumnsMissing:
            raise BadArguments("Something is missing.") from None

    found = tables.missing_columns(subject(predict=predict))
    assert found.status == "failed"
    assert "does not name" in found.detail


def test_what_is_ignored_or_taken_as_missing_has_to_be_said() -> None:
    mute = silent(subject())
    assert tables.extra_columns(mute).status == "warned"
    assert cells.unseen_categories(mute).status == "warned"
    assert cells.wrong_types(mute).status == "failed"
    assert cells.wrong_types(mute).figures["silent"] == 4


def test_an_extra_column_that_changes_answers_is_found() -> None:
    looks = wrapped(lambda frame: frame.assign(fee=0.0) if len(frame.columns) > 5 else frame)
    assert tables.extra_columns(looks).status == "failed"


def test_a_table_without_rows_that_gets_answers_is_found() -> None:
    inner = predictor()
    always = subject(predict=lambda frame: inner.predict(frame if len(frame) else table(1)))
    assert tables.empty_input(always).status == "failed"
    assert tables.empty_input(subject()).status == "passed"


def test_absurd_numbers_that_overflow_are_a_warning_and_not_a_failure() -> None:
    def formula(frame: pd.DataFrame) -> Floats:
        found = risk(frame)
        found[np.abs(frame["fee"].to_numpy(dtype=np.float64, na_value=0.0)) > 1e30] = np.nan
        return found

    found = cells.extreme_numbers(subject(formula))
    assert found.status == "warned"
    assert "'fee'" in found.detail


def test_a_crash_in_the_middle_of_a_check_fails_that_check_and_no_other() -> None:
    def crash_when_large(frame: pd.DataFrame) -> Floats:
        if len(frame) > 1_000:
            raise MemoryError("too many rows")
        return risk(frame)

    found = {check.id: check for check in run_checks(subject(crash_when_large), CHECKS[10:])}
    assert [id_ for id_, check in found.items() if check.status == "failed"] == ["large_batch"]
    assert "MemoryError: too many rows" in found["large_batch"].detail


def test_texts_and_images_are_tried_where_there_are_any() -> None:
    about = info(columns=(InputColumn(name="note", kind="text"), InputColumn(name="photo", kind="image")))
    rows = pd.DataFrame({"note": ["good", "bad"] * 20, "photo": [None] * 40}).astype({"note": "str", "photo": "str"})

    def by_length(frame: pd.DataFrame) -> Floats:
        positive = np.tanh(frame["note"].fillna("").str.len().to_numpy(dtype=np.float64) / 100)
        return np.stack([1 - positive, positive], axis=1)

    model = subject(by_length, about, rows)
    assert cells.odd_texts(model).status == "passed"
    assert cells.odd_images(model).status == "passed"
    assert cells.unseen_categories(model).status == "skipped"

    def choked(frame: pd.DataFrame) -> Floats:
        found = by_length(frame)
        found[frame["note"].str.len().fillna(0).to_numpy(dtype=np.float64) > 10_000] = np.nan
        return found

    assert "'note'" in cells.odd_texts(subject(choked, about, rows)).detail


def test_checks_without_time_or_after_a_cancel_are_skipped_by_name() -> None:
    from engine.progress import Control

    late = run_checks(subject(), end=0.0)
    assert set(statuses(late).values()) == {"skipped"}
    assert "no time left" in late[0].detail
    stopped = run_checks(subject(), control=Control(cancelled=lambda: True))
    assert {check.detail for check in stopped} == {"Cancelled."}


def test_figures_that_json_does_not_know_are_left_out() -> None:
    broken: Finding = answers.varied(subject(nothing_for_missing, rows=table().assign(fee=np.nan)))
    assert broken.status == "failed"
    for check in run_checks(subject(nothing_for_missing), CHECKS[:8]):
        check.model_dump_json()
        assert all(not isinstance(value, float) or np.isfinite(value) for value in check.figures.values())


def test_latency_is_measured_where_it_is_spent() -> None:
    import time

    def slow(frame: pd.DataFrame) -> Floats:
        time.sleep(0.02)
        return risk(frame)

    middle, late, count = answers.timed(subject(slow))
    assert 20 <= middle <= late
    assert 10 <= count <= answers.TIMED
