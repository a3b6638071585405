"""What a goal in words fixes besides its target: only explicit forms, and never silently."""

import pytest

from engine.errors import BadArguments, DeviceMissing
from engine.families import usual_families
from graphs.run_types import RunRequest
from graphs.wishes import with_choices, with_limits

COLUMNS = ("gender", "tenure", "PaymentMethod", "emails_sent", "school", "TotalCharges")


def asked(goal: str, **given: object) -> RunRequest:
    return RunRequest.model_validate({"goal": goal, "data": "x.csv", **given})


@pytest.mark.parametrize(
    "goal",
    [
        *("predict forest cover type", "boosted sales", "rf power", "which customers skip their payment"),
        *("ignore emails", "drop out of school", "predict the accuracy of the sensor", "linear speed of the forest"),
        *("predict which students will drop school", "predict recall of products", "predict whether a forest burns"),
    ],
)
def test_a_word_of_the_goal_is_no_choice(goal: str) -> None:
    whole, _ = with_choices(asked(goal), COLUMNS, "binary")
    assert (whole.metric, whole.models, whole.drop) == (None, None, ())


@pytest.mark.parametrize(
    ("goal", "field", "value"),
    [
        ("best F1 for churn", "metric", "f1"),
        ("predict churn, maximise balanced accuracy", "metric", "balanced_accuracy"),
        ("predict churn with lightgbm", "models", ("lightgbm",)),
        ("use only linear to predict churn", "models", ("linear",)),
        ("predict churn but no forest", "models", ("linear", "lightgbm")),
        ("predict churn with a neural network", "models", ("network",)),
        ("predict churn without the column tenure", "drop", ("tenure",)),
        ("predict churn, leave out total charges and GENDER", "drop", ("TotalCharges", "gender")),
    ],
)
def test_an_explicit_choice_is_taken_and_said(goal: str, field: str, value: object) -> None:
    whole, words = with_choices(asked(goal), COLUMNS, "binary")
    assert getattr(whole, field) == value
    assert words.startswith("From the goal: ")


@pytest.mark.parametrize("kinds", [{"number", "text"}, {"image"}])
def test_without_one_means_the_others_that_suit_the_columns(kinds: set[str]) -> None:
    others = tuple(name for name in usual_families(kinds) if name != "forest")
    assert with_choices(asked("predict churn without a forest"), COLUMNS, "binary", kinds)[0].models == others


def test_bert_is_taken_as_an_encoder_and_said_to_be_untrained() -> None:
    whole, words = with_choices(asked("classify the messages with BERT"), ("text",), "binary")
    assert whole.models == ("encoder",)
    assert "no pretrained BERT" in words


def test_a_metric_that_does_not_fit_the_task_is_passed_over_aloud() -> None:
    whole, words = with_choices(asked("predict price, best accuracy"), COLUMNS, "regression")
    assert whole.metric is None
    assert "accuracy is passed over" in words


def test_what_was_given_stands() -> None:
    given = asked("best F1 for churn", metric="roc_auc", drop=("gender",), models=("linear",))
    assert with_choices(given, COLUMNS, "binary") == (given, "")


def test_time_count_and_seed_of_the_goal_are_applied_and_said() -> None:
    whole, words = with_limits(asked("churn within 5 minutes, seed 7, 3 models"))
    assert (whole.budget_seconds, whole.seed, whole.max_models) == (300, 7, 3)
    assert words == "From the goal: seconds 300, number of models 3, seed 7.\n"


def test_the_device_and_the_processes_of_the_goal_are_applied_and_said() -> None:
    whole, words = with_limits(asked("predict churn on the cpu, in 2 processes"))
    assert (whole.device, whole.processes) == ("cpu", 2)
    assert words == "From the goal: device cpu, processes 2.\n"


@pytest.mark.parametrize("goal", ["predict the load on the cpu", "predict cpu temperature", "count the processes"])
def test_a_goal_about_machines_chooses_no_device(goal: str) -> None:
    assert with_limits(asked(goal))[1] == ""


def test_a_device_that_was_given_stands() -> None:
    given = asked("predict churn on the gpu in 2 processes", device="cpu", processes=4)
    assert with_limits(given) == (given, "")


def test_a_device_of_the_goal_that_is_not_there_is_refused() -> None:
    with pytest.raises(DeviceMissing):
        with_limits(asked("predict churn on GPU 77"))


def test_a_count_alone_takes_the_clock_away() -> None:
    assert with_limits(asked("churn with 3 models"))[0].budget_seconds is None


def test_options_stand_before_the_goal_unless_they_are_defaults() -> None:
    goal = "churn within 5 minutes, seed 7"
    assert with_limits(asked(goal, budget_seconds=20, seed=3))[1] == ""
    whole, _ = with_limits(asked(goal, budget_seconds=20, seed=3, defaults=["budget_seconds"]))
    assert (whole.budget_seconds, whole.seed) == (300, 3)


def test_a_goal_of_no_models_is_refused() -> None:
    with pytest.raises(BadArguments):
        with_limits(asked("churn with 0 models"))
