"""A long stream whose world goes back and forth, as prices of electricity do: whoever retrains at every alarm and takes
what comes is always late. The loop may be late too, but it takes no challenger that has not won."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graphs.checkpoints import open_saver
from graphs.loop_types import LoopRequest, LoopSummary
from graphs.loops import run_loop
from tests.homes import workshop_at
from tools.workshop import Workshop

NAME, ROWS, BATCHES = "prices", 100, 25
STAYS = 5
"""Batches after which the world turns."""


def batch(number: int, rows: int = ROWS) -> pd.DataFrame:
    """Rows whose class follows demand, and every second time the opposite of it; the night's part always holds."""
    random = np.random.default_rng(number + 1_000)
    demand, night, wind = random.normal(size=(3, rows))
    turned = -1 if (number // STAYS) % 2 else 1
    up = random.random(rows) < 1 / (1 + np.exp(-2 * (1.5 * turned * demand + night)))
    ids = [f"{number}-{row}" for row in range(rows)]
    return pd.DataFrame({"demand": demand, "night": night, "wind": wind, "up": np.where(up, "yes", "no"), "id": ids})


def live(workshop: Workshop, number: int) -> None:
    """A batch is answered, and its labels come."""
    rows = batch(number)
    asked = tuple(rows.drop(columns="up").to_dict("records"))
    workshop.call("predict", model=f"{NAME}@champion", rows=asked, id_column="id")
    labels = tuple(rows[["id", "up"]].to_dict("records"))
    workshop.call("log_labels", monitor=NAME, rows=labels, id_column="id")


def courses(workshop: Workshop) -> Iterator[tuple[str, LoopSummary, str]]:
    """Each turn of the loop, with the champion before and after it."""
    request = LoopRequest(monitor=NAME, budget_seconds=2, approve_all=True)
    with open_saver(workshop.home) as saver:
        for number in range(BATCHES):
            live(workshop, number)
            before = workshop.registry.get(f"{NAME}@champion").model_id
            summary = run_loop(workshop, saver, request)
            yield before, summary, workshop.registry.get(f"{NAME}@champion").model_id


@pytest.mark.slow
def test_in_a_world_that_turns_again_and_again_only_winners_are_promoted(home: Path) -> None:
    workshop = workshop_at(home)
    batch(-STAYS * 2, 500).drop(columns="id").to_csv(home / "train.csv", index=False)
    workshop.call("import_dataset", source=str(home / "train.csv"), target="up", name=NAME)
    workshop.call("train_model", dataset=NAME, models=("linear",), max_models=1, budget_seconds=None, name=NAME)
    workshop.call("promote_model", model=NAME)
    workshop.call("create_monitor", model=NAME, window_rows=ROWS)
    contests = []
    for before, summary, after in courses(workshop):
        if summary.retrained is None:
            assert after == before
            continue
        contests.append(summary.retrained.passed)
        assert (summary.outcome == "promoted") == summary.retrained.passed
        if summary.outcome != "rolled_back":
            assert after == (summary.retrained.challenger if summary.retrained.passed else before)
    assert set(contests) == {True, False}
