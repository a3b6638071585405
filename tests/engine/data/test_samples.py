"""The bundled samples are what their descriptions say."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from engine.data.image_text import pixels_of
from engine.data.samples import CHURN_BAYES_AUC, SAMPLES, churn, churn_probabilities, sample_frame
from engine.data.store import Datasets
from engine.errors import BadChoice


@pytest.mark.parametrize(
    ("name", "rows"),
    [("churn", 3000), ("breast_cancer", 569), ("diabetes", 442), ("digits", 1797), ("digits_images", 1797)],
)
def test_a_sample_is_imported_with_its_target(datasets: Datasets, name: str, rows: int) -> None:
    frame, target = sample_frame(name)
    dataset = datasets.import_source(f"sample:{name}", target=target)
    assert (dataset.name, dataset.rows, len(frame)) == (name, rows, rows)


def test_a_sample_brings_its_target(datasets: Datasets) -> None:
    assert datasets.import_source("sample:diabetes").target == "progression"


def test_an_unknown_sample_is_refused() -> None:
    with pytest.raises(BadChoice):
        sample_frame("iris")
    assert set(SAMPLES) == {"churn", "breast_cancer", "diabetes", "digits", "digits_images"}


def test_churn_is_always_the_same() -> None:
    assert churn()[0].equals(churn()[0])


def test_churn_has_blanks_an_id_and_an_unbalanced_target(datasets: Datasets) -> None:
    schema = datasets.import_source("sample:churn", target="churned").schema_
    assert schema.of_kind("identifier") == ["customer_id"]
    assert schema.kind("total_charge") == "number"
    assert schema.column("total_charge").missing > 10
    assert 0.22 < (churn()[0]["churned"] == "yes").mean() < 0.28


def test_the_bayes_auc_of_churn_is_as_documented() -> None:
    rows, seed = 300_000, 5
    labels = churn(rows, seed)[0]["churned"] == "yes"
    assert roc_auc_score(labels, churn_probabilities(rows, seed)) == pytest.approx(CHURN_BAYES_AUC, abs=0.004)


def test_churn_follows_its_law() -> None:
    frame, _ = churn(50_000, 3)
    truth = churn_probabilities(50_000, 3)
    z = -1.85 + 1.5 * (frame["contract"] == "month-to-month") - 0.9 * (frame["contract"] == "two years")
    z += -0.045 * frame["tenure_months"] + 0.55 * frame["support_calls"] + 0.03 * (frame["monthly_charge"] - 65)
    z += 0.6 * (frame["payment"] == "electronic check") - 0.02 * (frame["age"] - 45).abs()
    known = frame["age"].notna()
    assert np.allclose(1 / (1 + np.exp(-z[known])), truth[known])


def test_digits_has_64_numeric_columns(datasets: Datasets) -> None:
    schema = datasets.import_source("sample:digits", target="digit").schema_
    assert len(schema.features("digit")) == len(schema.of_kind("number")) == 64


def test_the_images_of_digits_are_its_pixels() -> None:
    images, numbers = sample_frame("digits_images")[0], sample_frame("digits")[0]
    found = pixels_of(images.loc[7, "image"])
    assert found is not None
    wanted = numbers.drop(columns="digit").loc[7].to_numpy().reshape(8, 8, 1) * 255 / 16
    assert np.abs(found - wanted).max() <= 0.5
    assert (images["digit"] == numbers["digit"]).all()
