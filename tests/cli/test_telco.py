"""The quality that a run reaches on a known table: customers of a telephone company, 7,043 rows."""

from pathlib import Path

import pytest

from tests.cli.running import Millwright

FLOOR = 0.86
"""ROC AUC on the sealed rows."""


@pytest.mark.slow
def test_a_minute_is_enough_for_a_good_model_of_churn(millwright: Millwright, shared_data: Path) -> None:
    table = shared_data / "telco_churn.csv"
    if not table.exists():
        pytest.skip("telco_churn.csv is not in the development data")
    work = ("--target", "Churn", "--metric", "roc_auc", "--budget", "60", "--yes", "--json")
    done = millwright("run", "predict which customers churn", "--data", str(table), *work)
    assert done.code == 0, done.err
    assert done.document["metric"]["name"] == "roc_auc"
    assert done.document["metric"]["value"] >= FLOOR
    assert done.document["seconds"] <= 66
