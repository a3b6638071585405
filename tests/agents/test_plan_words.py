"""Which steps the words of a goal ask for after the training, and which words only belong to the goal."""

import pytest

from agents.plan_words import orders_in, wishes_of

EXPLAIN, OPTIMISE, TEST = "explain_model", "optimise_model", "test_model"
DEPLOYMENT, PROMOTE, MONITOR = "plan_deployment", "promote_model", "create_monitor"


@pytest.mark.parametrize(
    ("goal", "tools"),
    [
        ("predict churn and explain it", [EXPLAIN]),
        ("predict house prices, tell me which columns matter", [EXPLAIN]),
        ("predict churn, must answer in 5 ms", [OPTIMISE]),
        ("predict y, make it smaller", [OPTIMISE]),
        ("predict y, below 2 MB, test edge cases", [OPTIMISE, TEST]),
        ("predict churn, qa it please, plan the deployment", [TEST, DEPLOYMENT]),
        ("predict churn, write a deployment note", [DEPLOYMENT]),
        ("predict churn and promote it", [PROMOTE]),
        ("predict churn then ship it", [PROMOTE]),
        ("predict churn. Put it into production and watch for drift every day", [PROMOTE, MONITOR]),
        ("I want to predict churn, deploy the best model and keep an eye on it", [PROMOTE, MONITOR]),
        ("predict sales and go live", [PROMOTE]),
        ("predict churn, explain it, answer within 10 ms, test it, promote it, monitor it",
         [EXPLAIN, OPTIMISE, TEST, PROMOTE, MONITOR]),
    ],
)  # fmt: skip
def test_a_goal_asks_for_steps_after_the_training(goal: str, tools: list[str]) -> None:
    assert sorted(wishes_of(goal).wanted) == sorted(tools)


@pytest.mark.parametrize(
    "goal",
    [
        *("predict churn", "predict which users promote a post", "predict whether a call takes more than 5 ms"),
        *("predict which students watch the lecture and test positive", "predict if a ship sinks"),
        *("predict the monitor price", "predict which machines need testing", "forecast small claims"),
        *("predict shipping cost", "predict who will explain themselves", "classify deployment failures", ""),
    ],
)
def test_words_of_a_goal_ask_for_nothing(goal: str) -> None:
    assert (dict(wishes_of(goal).wanted), wishes_of(goal).rest) == ({}, goal)


def test_limits_go_with_the_optimisation_that_they_limit() -> None:
    wishes = wishes_of("best f1 for churn, answer within 10 ms, lose at most 1 % f1, then watch it weekly")
    assert wishes.wanted[OPTIMISE] == {"max_latency_ms": 10.0, "max_drop": 0.01}
    assert wishes.wanted[MONITOR] == {"schedule": "0 6 * * 1"}
    assert wishes.rest == "best f1 for churn"


@pytest.mark.parametrize(
    ("words", "tool"),
    [
        ("predict churn but don't promote it", PROMOTE),
        ("no tuning please", "tune"),
        ("predict churn without tuning", "tune"),
        ("skip the optimisation", OPTIMISE),
        ("do not explain it", EXPLAIN),
    ],
)
def test_what_is_not_wanted_is_refused(words: str, tool: str) -> None:
    assert wishes_of(words).refused == {tool}


def test_a_challenger_is_promoted_as_one() -> None:
    assert wishes_of("predict y and promote it as challenger").wanted[PROMOTE] == {"alias": "challenger"}


@pytest.mark.parametrize(
    "words",
    [
        *("Promote it? No!", "should we deploy it later?", "if I say yes, promote it", "promote it when I say so"),
        *("promote it, but ask me first", "don't explain and promote it", "who said so? promote it only then"),
        *("promote it if it is good", "before we promote it, wait", "watch it? no", "unless it drifts, watch it"),
        *("promote it. Actually, do not promote it", "I refuse to promote it", "nobody should promote it"),
    ],
)
def test_what_others_notice_is_asked_for_by_a_plain_order_only(words: str) -> None:
    assert not {PROMOTE, MONITOR} & wishes_of(f"predict y. {words}").wanted.keys()
    assert not {PROMOTE, MONITOR} & wishes_of(words).wanted.keys()


@pytest.mark.parametrize(
    "goal",
    [
        *(
            "predict which users churn, no tuning, tell me which columns matter and promote it",
            "promote it, no testing",
        ),
        *("predict churn without tuning, once it is trained promote it", "Can you predict churn and promote it?"),
        *("predict y, lose no more than 1 %, promote it", "use only linear to predict y, promote it"),
        *("predict loan approval and promote it", "predict y. Which columns matter? Promote it."),
    ],
)
def test_words_that_belong_to_other_things_leave_an_order_plain(goal: str) -> None:
    assert wishes_of(goal).wanted[PROMOTE] == {"alias": "champion"}


def test_an_order_is_read_from_its_verb_on_and_not_from_a_goal() -> None:
    assert orders_in("Explain it and then, please promote mdl_1 now.", "promote") == ("promote mdl_1 now",)
    assert orders_in("predict who will promote mdl_1", "promote") == ()
