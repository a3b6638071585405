"""Texts, embeddings and all columns together, as `compare` reports them."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from engine.drift.compare import compare
from engine.drift.levels import Level
from engine.drift.profile import Profile, fit_profile

PRAISE = ("the service was quick and friendly", "a pleasant room with a view", "breakfast was good and plentiful")
BLAME = ("the parcel came late and broken", "nobody answered my letters", "the refund never reached my account")
KINDS = {"note": "text", "vector": "embedding"}


def letters(rows: int, seed: int, angry: float = 0.0, moved: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    notes = [str(rng.choice(BLAME if rng.random() < angry else PRAISE)) + f" {rng.integers(99)}" for _ in range(rows)]
    return pd.DataFrame({"note": notes, "vector": list(rng.normal(moved, 1, (rows, 6)))})


@pytest.fixture(scope="module")
def profile() -> Profile:
    return fit_profile(letters(400, 0), KINDS)


def test_texts_and_embeddings_like_the_reference_are_green(profile: Profile) -> None:
    report = compare(profile, letters(300, 1))
    assert report.level == Level.GREEN
    assert {name: column.test for name, column in report.columns.items()} == {
        "note": "domain_classifier", "vector": "mmd",
    }  # fmt: skip


def test_other_texts_are_found_and_the_finding_names_the_auc(profile: Profile) -> None:
    report = compare(profile, letters(300, 1, angry=0.8))
    assert report.drifted == ("note",)
    (finding,) = report.findings
    assert finding.level == Level.RED
    auc = report.columns["note"].statistic
    assert auc is not None
    assert f"with an AUC of {auc:.3f}, adjusted p " in finding.sentence


def test_embeddings_that_moved_are_found(profile: Profile) -> None:
    report = compare(profile, letters(300, 1, moved=0.6))
    assert report.drifted == ("vector",)
    column = report.columns["vector"]
    assert column.statistic == column.metrics["mmd2"]
    assert column.level == Level.RED
    json.dumps(report.to_dict(), allow_nan=False)


@pytest.mark.parametrize("rows", [12, 29])
def test_of_too_few_texts_nothing_is_said_but_that(profile: Profile, rows: int) -> None:
    report = compare(profile, letters(rows, 1, angry=1.0))
    assert report.level == Level.GREEN
    assert {finding.code for finding in report.findings} == {"too_few_rows"}


def twins(rows: int, seed: int, agreement: float) -> pd.DataFrame:
    """Two columns that are each as ever, and together only as long as they agree as they did."""
    first, noise = np.random.default_rng(seed).normal(size=(2, rows))
    return pd.DataFrame({"a": first, "b": agreement * first + np.sqrt(1 - agreement**2) * noise})


def test_columns_that_changed_only_together_are_found_when_looked_at_together() -> None:
    profile = fit_profile(twins(2_000, 0, agreement=0.95))
    current = twins(1_000, 1, agreement=0.0)
    alone, together = compare(profile, current), compare(profile, current, multivariate=True)
    assert (alone.level, alone.multivariate) == (Level.GREEN, None)
    assert together.multivariate is not None
    assert together.level == together.multivariate.level > Level.GREEN
    (finding,) = together.findings
    assert finding.code == "multivariate"
    assert finding.sentence.startswith(
        "Taken together, current rows can be told from the reference's with an AUC of 0."
    )


def test_columns_that_agree_as_ever_are_green_together() -> None:
    profile = fit_profile(twins(2_000, 0, agreement=0.95))
    report = compare(profile, twins(1_000, 1, agreement=0.95), multivariate=True)
    assert (report.level, report.findings) == (Level.GREEN, ())
    assert report.multivariate is not None


def test_columns_and_all_columns_together_are_one_family_of_tests() -> None:
    profile = fit_profile(twins(2_000, 0, agreement=0.95))
    report = compare(profile, twins(1_000, 1, agreement=0.0), multivariate=True)
    found = report.multivariate
    assert found is not None
    columns = report.columns.values()
    p_values = [*(c.p_value for c in columns), found.p_value, found.reconstruction_p_value]
    right = stats.false_discovery_control(p_values)
    assert [column.p_adjusted for column in columns] == pytest.approx(right[:2].tolist())
