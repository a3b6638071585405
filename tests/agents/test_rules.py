"""The rule-based choices give their reason, and every figure in it comes from the facts."""

import pytest

from agents.rules import choose_models, next_round

ROWS = [
    {"model": "lightgbm", "validation": 0.86, "seconds": 2.0},
    {"model": "linear", "validation": 0.85, "seconds": 1.0},
    {"model": "dummy", "validation": 0.5, "seconds": 0.1},
]


def test_small_data_gets_every_candidate() -> None:
    proposal = choose_models({"task": "binary", "rows": 7043, "features": 20, "budget_seconds": 60})
    assert proposal.models == ("linear", "lightgbm", "forest")
    assert proposal.why == "7,043 rows and 20 features: every candidate can be trained within 60 s."


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"rows": 500, "features": 9000, "budget_seconds": 600}, "9,000 features"),
        ({"rows": 500, "features": 9, "budget_seconds": 5}, "5 s"),
        ({"rows": 2_000_000, "features": 50, "budget_seconds": 60}, "60 s"),
    ],
)
def test_the_forest_is_left_out_where_it_would_take_the_time_of_the_others(
    facts: dict[str, object], reason: str
) -> None:
    proposal = choose_models(facts)
    assert proposal.models == ("linear", "lightgbm")
    assert reason in proposal.why


@pytest.mark.parametrize(
    ("models", "seconds", "kept"),
    [
        (("linear", "resnet", "lightgbm", "forest"), 5, ("linear", "lightgbm")),
        (("linear", "lstm", "lightgbm"), 20, ("linear", "lstm", "lightgbm")),
        (("linear", "resnet"), None, ("linear", "resnet")),
        *((("lstm",), 5, ("lstm",)), (("forest", "resnet"), 5, ("forest", "resnet"))),
    ],
)
def test_a_network_is_left_out_where_there_is_no_time_for_it_and_something_else(
    models: tuple[str, ...], seconds: float | None, kept: tuple[str, ...]
) -> None:
    assert choose_models({"models": models, "rows": 900, "features": 2, "budget_seconds": seconds}).models == kept


def test_the_reason_says_that_linear_looks_at_an_image_too() -> None:
    why = choose_models({"models": ["linear", "resnet"], "budget_seconds": 5}).why
    assert "resnet is left out: 5 s are too few to train a network, and linear looks at the image too" in why


def test_a_network_that_was_asked_for_is_trained_in_any_time() -> None:
    assert choose_models({"asked": ["resnet"], "models": ["resnet"], "budget_seconds": 2}).models == ("resnet",)


def test_what_the_user_named_is_taken() -> None:
    proposal = choose_models({"asked": ["forest"], "budget_seconds": 2, "metric": "f1"})
    assert (proposal.models, proposal.metric) == (("forest",), "f1")


def test_the_only_candidate_is_never_left_out() -> None:
    assert choose_models({"models": ["forest"], "rows": 10, "features": 9000}).models == ("forest",)


def test_it_tunes_while_time_is_left_and_nothing_was_tried() -> None:
    proposal = next_round({"leaderboard": ROWS, "seconds_left": 40})
    assert (proposal.action, proposal.trials) == ("tune", 8)
    assert "around lightgbm" in proposal.why


def test_it_tries_no_more_than_can_be_afforded() -> None:
    assert next_round({"leaderboard": ROWS, "seconds_left": 8}).trials == 3


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"leaderboard": ROWS, "seconds_left": 1.5}, "1.5 s are left"),
        ({"leaderboard": ROWS, "seconds_left": 40, "gains": [0.01, 0.0001]}, "gained 0.0001"),
        ({"leaderboard": ROWS, "seconds_left": 40, "gains": [0.0008]}, "threshold of 0.1% of the score (0.00086)"),
        ({"leaderboard": ROWS, "seconds_left": 40, "rounds_left": 0}, "rounds are used"),
        ({"leaderboard": ROWS, "seconds_left": 40, "cancelled": True}, "asked to stop"),
        ({"leaderboard": ROWS[2:], "seconds_left": 40}, "nothing to tune"),
        ({"leaderboard": ROWS}, "fixed number"),
        ({}, "nothing to tune"),
    ],
)
def test_it_stops_with_the_reason(facts: dict[str, object], reason: str) -> None:
    proposal = next_round(facts)
    assert (proposal.action, proposal.trials) == ("stop", 0)
    assert reason in proposal.why
