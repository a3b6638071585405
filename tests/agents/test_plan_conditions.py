"""A step that is asked for under a condition is held for a person, whatever the step, the condition and its place."""

import pytest

from agents.plan_conditions import apart
from agents.plan_words import DEPLOYMENT, EXPLAIN, EXPORT, MONITOR, OPTIMISE, PROMOTE, TEST, wishes_of

ORDERS = {
    EXPLAIN: "explain it",
    OPTIMISE: "optimise it",
    TEST: "test it",
    DEPLOYMENT: "plan the deployment",
    PROMOTE: "promote it",
    MONITOR: "monitor it",
    EXPORT: "export it",
}
CONDITIONS = (
    *("if it is good", "unless it is slow", "only if it works", "when it passes", "if f1 is better than 0.8"),
    *("provided it beats the champion", "as long as it is fast", "in case it is needed", "once it passes the check"),
)


@pytest.mark.parametrize("tool", ORDERS)
@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_step_is_held_under_every_condition_before_it_and_after_it(tool: str, condition: str) -> None:
    order = ORDERS[tool]
    for words in (f"{order} {condition}", f"{condition}, {order}", f"{condition} {order}", f"{order}, but {condition}"):
        wishes = wishes_of(f"predict churn and {words}")
        assert tool not in wishes.wanted, words
        assert wishes.held[tool].conditional, words
        assert wishes.rest == "predict churn", words


@pytest.mark.parametrize(
    "words",
    [
        *("explain it if possible", "explain it if you can", "explain it once it is trained", "explain it when done"),
        *("once the model is ready, explain it", "explain it after training", "explain it before promoting it"),
    ],
)
def test_a_courtesy_and_the_order_of_steps_set_no_condition(words: str) -> None:
    wishes = wishes_of(f"predict churn, {words}")
    assert (EXPLAIN in wishes.wanted, EXPLAIN in wishes.held) == (True, False)


@pytest.mark.parametrize(
    ("words", "wanted", "held"),
    [
        ("if f1 is above 0.8, promote it and watch it", [], [PROMOTE, MONITOR]),
        ("test it, if it passes, promote it", [TEST], [PROMOTE]),
        ("test it when it passes promote it", [TEST], [PROMOTE]),
        ("explain it. If it is good, test it", [EXPLAIN], [TEST]),
        ("if it is good, test it. Explain it", [EXPLAIN], [TEST]),
        ("explain it and test it, but only if it is quick", [EXPLAIN], [TEST]),
        ("promote it, but ask me first", [], [PROMOTE]),
        ("promote it tomorrow", [], [PROMOTE]),
        ("if it answers in 5 ms, promote it", [], [PROMOTE]),
        ("if it takes more than 5 ms make it faster", [], [OPTIMISE]),
        ("optimise it for 5 ms, below 2 MB if it is slow", [], [OPTIMISE]),
        ("if it fails, explain it if possible", [], [EXPLAIN]),
        ("don't promote it unless it is good", [], [PROMOTE]),
        ("promote it if it is good. No, do not promote it", [], []),
        ("should we promote it if it is good?", [], []),
        ("my boss said: promote it if it is good", [], []),
    ],
)
def test_a_condition_holds_the_steps_that_it_is_said_of(words: str, wanted: list[str], held: list[str]) -> None:
    wishes = wishes_of(f"predict churn. {words}")
    assert (sorted(wishes.wanted), sorted(wishes.held)) == (sorted(wanted), sorted(held))


def test_what_is_held_keeps_its_words_and_arguments() -> None:
    wishes = wishes_of("predict y; if the test passes, promote it as challenger and watch it weekly")
    assert wishes.held[PROMOTE].said == "if the test passes, promote it as challenger"
    assert wishes.held[PROMOTE].arguments == {"alias": "challenger"}
    assert wishes.held[MONITOR].arguments == {"schedule": "0 6 * * 1"}


def test_a_limit_goes_with_the_step_that_is_held() -> None:
    wishes = wishes_of("predict y, optimise it for 5 ms if it is slow, lose at most 1 % f1")
    assert (dict(wishes.wanted), wishes.rest) == ({}, "predict y")
    assert wishes.held[OPTIMISE].arguments == {"max_latency_ms": 5.0, "max_drop": 0.01}


def test_an_order_that_is_not_plain_is_held_without_a_condition() -> None:
    held = wishes_of("predict churn, we should promote it").held[PROMOTE]
    assert (held.said, held.conditional) == ("we should promote it", False)


@pytest.mark.parametrize(
    "goal",
    [
        *("predict which customers leave when prices make it hard", "predict who leaves when it rains"),
        *("predict if a customer churns", "predict churn if they leave when we promote it", "when do they leave"),
    ],
)
def test_a_condition_of_the_goal_itself_holds_nothing(goal: str) -> None:
    wishes = wishes_of(goal)
    assert (dict(wishes.wanted), dict(wishes.held), wishes.rest) == ({}, {}, goal)


@pytest.mark.parametrize("clause", ["", "promote it", "if it is good", "test it when it passes promote it", "if if if"])
def test_cutting_a_clause_loses_nothing(clause: str) -> None:
    assert "".join(piece + gap for piece, gap in apart(clause)) == clause
