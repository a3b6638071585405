"""What a minute on two cores comes to on texts and images, through the command."""

from pathlib import Path

import pytest

from tests.cli.running import Millwright

FLOOR = 0.985
"""Accuracy on the sealed rows."""
WORK = ("--metric", "accuracy", "--budget", "60", "--yes", "--json")


@pytest.mark.slow
@pytest.mark.parametrize("source", ["sample:digits_images", "sample:digits"])
def test_a_minute_is_enough_to_read_digits(millwright: Millwright, source: str) -> None:
    done = millwright("run", "tell the digits apart", "--data", source, "--target", "digit", *WORK)
    assert done.code == 0, done.err
    assert done.document["metric"]["name"] == "accuracy"
    assert done.document["metric"]["value"] >= FLOOR
    assert done.document["seconds"] <= 66


@pytest.mark.slow
def test_a_minute_is_enough_to_know_spam(millwright: Millwright, shared_data: Path) -> None:
    table = shared_data / "sms_spam.csv"
    if not table.exists():
        pytest.skip("sms_spam.csv is not in the development data")
    done = millwright("run", "which messages are spam", "--data", str(table), "--target", "label", *WORK)
    assert done.code == 0, done.err
    assert done.document["metric"]["value"] >= FLOOR
    assert done.document["seconds"] <= 66
