"""Questions about what happened in the conversation: answered from facts, and never by starting work."""

import pytest
from langchain_core.messages import ToolMessage

from tests.agents.conftest import LOAD, METRIC
from tests.agents.working import WorkingDesk
from tools.training import EvaluationResult, TrainingResult

CHURN, AGAIN, RECALL = "predict churn within 30 seconds, without gender", "use f1 instead", "again but with tenure out"
VALUES = (0.8111, 0.8222, 0.8333, 0.8444)
WORK = {"train_model", "estimate_training", "distil_model", "optimise_model", "promote_model", "run_plan", "remember"}


class Scored(WorkingDesk):
    """Each model has a score of its own, in the metric that was asked for."""

    def _answer(self, tool: str, arguments: dict[str, object], call: str) -> ToolMessage:
        answer = super()._answer(tool, arguments, call)
        if answer.status == "error":
            return answer
        if tool == "evaluate_model":
            found = EvaluationResult.model_validate_json(str(answer.content))
            changed = found.model_copy(update={"others": {"accuracy": 0.7654}})
            return answer.model_copy(update={"content": changed.model_dump_json()})
        if tool != "train_model":
            return answer
        result, value = TrainingResult.model_validate_json(str(answer.content)), VALUES[len(self.trained) - 1]
        name = str(arguments.get("metric", "roc_auc"))
        metric = METRIC.model_copy(update={"name": name, "value": value, "ci": (value - 0.01, value + 0.01)})
        assert result.validation is not None
        validation = result.validation.model_copy(update={"name": name})
        result = result.model_copy(update={"metric": metric, "validation": validation})
        return answer.model_copy(update={"content": result.model_dump_json()})


def after(*said: str) -> Scored:
    desk = Scored()
    for words in said:
        desk.say(words)
    return desk


@pytest.fixture
def three() -> Scored:
    """Three models of churn: without gender, the same by f1, and one of houses."""
    desk = after(LOAD, CHURN, AGAIN, "load houses.csv", "predict median_house_value within 2 minutes")
    assert desk.trained == ["mdl_1", "mdl_2", "mdl_3"]
    return desk


@pytest.mark.parametrize(
    ("words", "model", "value"),
    [
        ("what was the roc_auc of the first model?", "mdl_1", "0.8111"),
        ("what did the first model score?", "mdl_1", "0.8111"),
        ("how well did the first one do?", "mdl_1", "0.8111"),
        ("what score did we get the first time?", "mdl_1", "0.8111"),
        ("what did the second one score?", "mdl_2", "0.8222"),
        ("what was the f1 of the 2nd model?", "mdl_2", "0.8222"),
        ("how good was the third model?", "mdl_3", "0.8333"),
        ("what was the score of the previous model?", "mdl_2", "0.8222"),
        ("how good was the model by f1?", "mdl_2", "0.8222"),
        ("which model did we train first?", "mdl_1", "0.8111"),
    ],
)
def test_a_model_is_found_by_the_order_of_training_with_its_figures(
    three: Scored, words: str, model: str, value: str
) -> None:
    reply = three.say(words)
    assert three.calls == []
    assert f"{model} (" in reply
    assert f" {value} (95 % interval" in reply
    assert "1,409 rows) on the sealed test rows." in reply
    assert "In validation:" in reply
    assert [other for other in VALUES if str(other) in reply] == [float(value)]


def test_the_one_before_is_that_before_the_one_that_was_told(three: Scored) -> None:
    three.say("how good was the third model?")
    assert "mdl_2 (" in three.say("and the one before?")
    assert "mdl_1 (" in three.say("and the one before that?")
    assert "no model that was trained in this conversation before mdl_1" in three.say("and the one before?")
    assert "mdl_2 (" in three.say("and the second one?")


def test_where_several_fit_all_are_told(three: Scored) -> None:
    reply = three.say("how good was the model without gender?")
    assert reply.startswith("2 models of this conversation fit")
    assert "0.8111" in reply
    assert "0.8222" in reply
    assert "0.8333" not in reply


def test_what_is_described_is_not_what_was_told_before() -> None:
    desk = after(LOAD, CHURN, AGAIN)
    desk.say("what did the first model score?")
    assert desk.say("how good was the model without gender?").startswith("2 models of this conversation fit")


def test_a_model_with_a_column_is_none_that_was_trained_without_it() -> None:
    desk = after(LOAD, CHURN)
    assert "No model that I know of" in desk.say("how good was the model with gender?")
    desk.say("predict churn")
    assert desk.say("how good was the model with gender?").startswith("mdl_2 (")


def test_a_place_or_a_kind_that_there_is_not_is_said(three: Scored) -> None:
    assert "3 models of this conversation" in three.say("what did the fifth model score?")
    assert "No model that I know of" in three.say("how good was the model without tenure?")
    assert three.calls == []


def test_a_metric_that_was_not_measured_is_not_replaced_by_another(three: Scored) -> None:
    reply = three.say("what was the accuracy of the first model?")
    assert reply.startswith("I know no accuracy of it")
    assert "roc_auc 0.8111" in reply
    three.say("evaluate mdl_1")
    assert "accuracy was 0.7654 when it was evaluated" in three.say("what was the accuracy of the first model?")


def test_right_after_a_list_a_place_is_one_of_the_list_and_both_are_told_where_they_differ(three: Scored) -> None:
    three.say("list models")
    reply = three.say("what did the first one score?")
    assert three.last == ("show_model", {"model": "mdl_3"})
    assert reply.startswith("By the list that is mdl_3; by the order of training it is mdl_1.")
    three.say("list models")
    assert "mdl_1 (" in three.say("what was the roc_auc of the first model?")
    assert three.calls == []


@pytest.mark.parametrize(
    "words",
    ["which column was the target?", "what are we predicting?", "what is the target?", "what did we predict?"],
)
def test_the_target_is_told_with_its_table(words: str) -> None:
    desk = after(LOAD, CHURN)
    reply = desk.say(words)
    assert reply == "The target is Churn, of telco (ds_telco)."
    assert desk.calls == []


def test_a_target_of_before_and_a_table_without_one_are_told_too(three: Scored) -> None:
    assert three.say("which column was the target?") == (
        "The target is median_house_value, of houses (ds_houses). Before that, oldest first: Churn of telco."
    )
    assert three.say("what was the target of the first model?") == "The target of mdl_1 is Churn, of ds_telco."
    reply = after(LOAD, CHURN, "load houses.csv").say("what are we predicting?")
    assert "The target is Churn" in reply
    assert "houses, which we are on now, has no target yet" in reply
    assert "has declared Churn as the target" in after("load sample:churn").say("what is the target?")
    assert "No target was chosen" in after().say("what are we predicting?")


@pytest.mark.parametrize(
    "words",
    [
        "what did I say about gender?",
        "did I mention gender?",
        "did I ask to leave something out?",
        "what did I ask you to leave out?",
        "did I ask you to drop gender?",
    ],
)
def test_what_the_user_said_is_quoted(three: Scored, words: str) -> None:
    three.say("how good was the model without gender?") if "leave" in words else None
    reply = three.say(words)
    assert reply == f"You said: '{CHURN}'."
    assert three.calls == []


def test_what_was_not_said_is_not_made_up(three: Scored) -> None:
    assert three.say("what did I say about tenure?") == "In what you said I find nothing about tenure."
    assert "nothing about tenure" in three.say("did I mention tenure?")
    assert "nothing about leaving something out" in after(LOAD).say("did I ask to leave something out?")
    assert "You have said nothing else" in after().say("what did I say about gender?")
    assert f"'{LOAD}'" in three.say("what was the first thing I said?")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("which metric did we use last?", "mdl_2 (lightgbm for Churn, without gender): chosen by f1 (as you asked)"),
        ("what was my budget?", "a budget of 30.0 s"),
        ("what budget did I give?", "a budget of 30.0 s"),
        ("which columns did we leave out?", "gender left out"),
        ("did you use gender?", "gender was left out"),
        ("did you train without gender?", "gender was left out"),
        ("did we use tenure?", "tenure was not left out on request"),
        ("which columns did the first model use?", "gender left out"),
        ("what did you leave out?", "gender left out"),
        ("which seed did we use?", "seed 0 (none was named)"),
        ("how long did the training take?", "it took 41.2 s"),
        ("what metric did the first model use?", "mdl_1 (lightgbm for Churn, without gender): chosen by roc_auc (the"),
        ("did we train with f1?", "target Churn; chosen by f1 (as you asked); a budget of 30.0 s; gender left out"),
    ],
)
def test_settings_are_those_of_the_training(words: str, told: str) -> None:
    desk = after(LOAD, CHURN, AGAIN)
    reply = desk.say(words)
    assert told in reply
    assert desk.calls == []


def test_which_models_were_tried_is_the_last_trainings_leaderboard(three: Scored) -> None:
    three.say("show mdl_1")
    reply = three.say("which models did you try?")
    assert three.last == ("show_model", {"model": "mdl_3"})
    assert reply.startswith("mdl_3 (")
    assert "1. lightgbm: roc_auc 0.8512" in reply


@pytest.mark.parametrize("by_meaning", [False, True])
@pytest.mark.parametrize(
    "words",
    [
        "what was my budget?",
        "did you train without gender?",
        "did we predict churn with f1?",
        "what did we train with?",
        "when did you promote it?",
        "did I tell you to train a forest?",
        "how many models did we train?",
        "did you optimise it for size?",
        "which model did you distil?",
        "what was my goal?",
    ],
)
def test_a_question_about_the_past_starts_no_work(words: str, by_meaning: bool) -> None:
    for said in ((LOAD,), (LOAD, CHURN)):
        desk = Scored(by_meaning=by_meaning)
        for one in said:
            desk.say(one)
        desk.say(words)
        assert not WORK & {name for name, _ in desk.calls}


@pytest.mark.parametrize(
    "words",
    [
        "what did the first model score?",
        "what was my budget?",
        "which metric did we use last?",
        "which models did you try?",
    ],
)
def test_before_a_training_that_is_said(words: str) -> None:
    desk = after(LOAD)
    assert "No model was trained in this conversation yet" in desk.say(words)
    assert desk.calls == []


def test_after_only_an_estimate_its_settings_are_told() -> None:
    desk = after(LOAD, "how long would it take to predict churn within 30 s?")
    assert "Only an estimate was made so far" in desk.say("what was my budget?")
    assert "a budget of 30.0 s" in desk.say("what was my budget?")


def test_a_goal_that_holds_such_words_is_still_a_goal() -> None:
    desk = after(LOAD)
    desk.say("predict which customers did leave, what was said does not matter, target Churn")
    assert desk.last is not None
    assert desk.last[0] == "train_model"


def test_a_wish_is_no_question_about_the_past() -> None:
    desk = after(LOAD, CHURN)
    desk.say("could you train it without tenure too?")
    assert desk.last is not None
    assert desk.last[0] == "train_model"
    assert desk.last[1]["drop"] == ["tenure"]


@pytest.mark.parametrize(
    "words",
    [
        "what score did the model that we trained at the beginning reach on the test rows?",
        "how good was the model from the start?",
    ],
)
def test_a_score_of_the_beginning_is_told_without_another_look_at_the_sealed_rows(words: str) -> None:
    desk = after(LOAD, CHURN, "now with recall")
    assert "mdl_1" in desk.say(words)
    assert desk.calls == []


@pytest.mark.parametrize("words", ["what score did it reach on the test rows?", "what score did the model get?"])
def test_a_score_that_was_reached_is_shown_and_not_measured_again(words: str) -> None:
    desk = after(LOAD, CHURN)
    desk.say(words)
    assert "evaluate_model" not in [name for name, _ in desk.calls]


def test_what_is_no_longer_in_the_conversation_is_looked_up() -> None:
    desk = after(LOAD, CHURN)
    desk.messages.clear()
    reply = desk.say("what score did the model that we trained at the beginning reach on the test rows?")
    assert [name for name, _ in desk.calls] == ["list_models", "show_model"]
    assert "On the sealed test rows" in reply
