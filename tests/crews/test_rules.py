"""What needs no CrewAI: requirements in a goal, the manager's rule, the bench's budget, words beside facts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from crews.bench import Bench, Post
from crews.brief import Demands
from crews.demands import demands_in, merged
from crews.development.deliverables import model, report
from crews.development.rules import analyse, implement, recommended, task_of
from crews.ledger import Ledger, ToolRecord
from crews.manager import DELEGATE, manage, with_ledger
from crews.markdown import plain, quoted
from crews.words import struck
from engine.errors import BadArguments, BadChoice, NotFound
from tests.crews.crewshop import brief, crew_shop
from tests.graphs.smallshop import effects
from tools.data import DatasetProfile
from tools.training import CandidateEstimate, Explanation, TrainingEstimate, TrainingResult

DATA = {"dataset": "ds_small", "target": "y"}

ENGINEER = Post("ML Engineer", "implement")


@pytest.mark.parametrize(
    ("goal", "required"),
    [
        ("predict churn", {}),
        (
            "at least 0.8 roc auc and an answer within 5 ms",
            {"metric": "roc_auc", "min_score": 0.8, "max_latency_ms": 5},
        ),
        ("F1 of at least 0.6", {"metric": "f1", "min_score": 0.6}),
        ("accuracy above 80%, under 2 MB", {"metric": "accuracy", "min_score": 0.8, "max_size_mb": 2}),
        ("RMSE below 0.7", {"metric": "rmse", "min_score": 0.7}),
        ("it must answer in 5 ms and beat the baseline", {"max_latency_ms": 5, "must_beat_baseline": True}),
        ("predict who leaves in 30 days", {}),
        ("answer in 0 ms", {}),
        ("1 " * 5_000 + "x", {}),
    ],
)
def test_the_goal_says_what_is_required(goal: str, required: dict[str, Any]) -> None:
    assert demands_in(goal).given == required


def test_an_option_goes_before_the_words() -> None:
    found = merged(Demands(min_score=0.9), demands_in("f1 of at least 0.6 in 5 ms"))
    assert found.given == {"min_score": 0.9, "max_latency_ms": 5}


def asked(*answers: str) -> list[Any]:
    messages: list[Any] = [HumanMessage("Profile it.")]
    for number, answer in enumerate(answers):
        call = {"name": DELEGATE, "args": {}, "id": f"c{number}"}
        messages += [AIMessage("", tool_calls=[call]), ToolMessage(answer, tool_call_id=f"c{number}")]
    return messages


def test_a_manager_delegates_sends_back_once_and_then_accepts() -> None:
    missing = ["profile_dataset was not called."]
    assert manage(asked(), "Data Scientist").arguments["coworker"] == "Data Scientist"
    again = manage(with_ledger(asked("Done."), missing), "Data Scientist")
    assert "profile_dataset was not called." in str(again.arguments["context"])
    assert manage(with_ledger(asked("Done."), []), "Data Scientist").text == "Done."
    assert manage(with_ledger(asked("Done.", "Really."), missing), "Data Scientist").text == "Really."


def test_an_agent_cannot_give_itself_more_seconds_than_are_left(home: Path) -> None:
    bench = Bench(crew_shop(home), Ledger(), "crew_1", budget=3.0)
    for seconds in (3600, None, 2):
        bench.use(ENGINEER, "train_model", {"dataset": "ds_small", "target": "y", "budget_seconds": seconds})
    assert [record.arguments["budget_seconds"] for record in bench.ledger.calls] == [3.0, 2.9, 2.0]


def test_the_same_call_is_made_once_even_by_another_process(home: Path) -> None:
    arguments = {"dataset": "ds_small", "target": "y", "max_models": 1}
    file = home / "ledger.jsonl"
    first = Bench(crew_shop(home), Ledger(file), "crew_1").use(ENGINEER, "train_model", arguments)
    done = effects(home)
    file.write_text(file.read_text() + '{"task": "torn')
    again = Bench(crew_shop(home), Ledger(file), "crew_1")
    assert again.use(ENGINEER, "train_model", arguments) == first
    assert effects(home) == done
    assert file.read_text().count("\n") == len(again.ledger.calls) == 1


def test_a_rule_whose_call_was_refused_gives_the_refusal_to_the_user(home: Path) -> None:
    told = brief(demands=Demands(metric="nonesuch"))
    bench = Bench(crew_shop(home), Ledger(), "crew_1")
    analyst = Post("Data Scientist", "analyse")
    refuse = replace(bench.spec("estimate_training"), function=_refuse)
    bench = replace(bench, workshop=replace(bench.workshop, tools={**bench.workshop.tools, refuse.name: refuse}))
    for _ in range(2):
        move = analyse(told, bench.ledger)
        assert move.tool is not None
        bench.use(analyst, move.tool, move.arguments)
    with pytest.raises(BadChoice, match="Choose from: rmse"):
        analyse(told, bench.ledger)


def _refuse(workshop: object, request: object) -> None:
    raise BadChoice("metric", "nonesuch", ["rmse"])


@pytest.mark.parametrize(
    ("budget", "forest", "models", "words"),
    [
        (20, 3.0, ("linear", "forest"), "every candidate can be trained"),
        (20, 30.0, ("linear",), "forest takes 30 s"),
        (20, None, ("linear",), "Left out by the pilot: forest was not timed within the pilot's time."),
        (1.5, 30.0, ("linear",), "forest takes 30 s"),
        (None, 30.0, ("linear", "forest"), "every candidate can be trained"),
    ],
)
def test_what_the_pilot_finds_too_slow_is_not_recommended(
    home: Path, budget: float | None, forest: float | None, models: tuple[str, ...], words: str
) -> None:
    shop, told = crew_shop(home), brief(budget_seconds=budget, max_models=3)
    profile, found = shop.call("profile_dataset", **DATA), shop.call("estimate_training", **DATA)
    assert isinstance(profile, DatasetProfile)
    assert isinstance(found, TrainingEstimate)
    timed = (CandidateEstimate(model="linear", seconds=2.0), CandidateEstimate(model="forest", seconds=forest))
    choice = recommended(told, profile, found.model_copy(update={"candidates": timed}))
    assert choice.models == models
    assert words in choice.why


def test_a_quick_family_that_the_pilot_did_not_time_is_kept(home: Path) -> None:
    shop, told = crew_shop(home), brief(budget_seconds=20, max_models=3)
    profile, found = shop.call("profile_dataset", **DATA), shop.call("estimate_training", **DATA)
    assert isinstance(profile, DatasetProfile)
    assert isinstance(found, TrainingEstimate)
    seconds = {"linear": 2.0, "lightgbm": None, "forest": None}
    timed = tuple(CandidateEstimate(model=name, seconds=took) for name, took in seconds.items())
    choice = recommended(told, profile, found.model_copy(update={"candidates": timed}))
    assert choice.models == ("linear", "lightgbm")
    assert "kept all the same: lightgbm." in choice.why
    assert "not worth" not in choice.why


TRAINED: dict[str, Any] = {
    "run": "run_1", "dataset": "ds_small", "target": "y", "task": "regression", "model": "mdl_1", "best": "linear",
    "validation": {"name": "rmse", "value": 0.5, "method": "holdout"},
    "metric": {"name": "rmse", "value": 0.5, "ci": (0.4, 0.6), "rows": 10},
    "baseline": None, "cancelled": False, "seconds": 15.0,
    "leaderboard": ({"model": "linear", "status": "done", "validation": 0.5, "seconds": 1.0},),
}  # fmt: skip


def trained_once(**change: Any) -> Ledger:
    """A ledger of one training round that was resumed, and an explanation."""
    ledger, result = Ledger(), TrainingResult.model_validate({**TRAINED, **change})
    explained = Explanation(model="mdl_1", target="y", metric="rmse", rows=10, importance=(), report="")
    for tool, found in (("train_model", result), ("explain_model", explained)):
        ledger.add(
            ToolRecord(
                task="implement", agent="ML Engineer", tool=tool, arguments={}, result=found.model_dump_json(),
                seconds=1.5, call=tool,
            )
        )  # fmt: skip
    return ledger


@pytest.mark.parametrize(
    ("budget", "change", "why"),
    [
        (100, {"cancelled": True}, "The run was asked to stop."),
        (100, {"leaderboard": ()}, "No model beyond the baseline has been fitted"),
        (16, {}, "too little for one more fit"),
        (None, {}, "a fixed number of models is trained in one round"),
    ],
)
def test_why_nothing_was_tuned_is_the_reason_of_the_decision(
    budget: float | None, change: dict[str, Any], why: str
) -> None:
    said = implement(brief(budget_seconds=budget, max_models=2), trained_once(**change)).text
    assert said is not None
    assert "Nothing was tuned" in said
    assert why in said


def test_a_training_that_was_gone_on_with_has_the_same_seconds_on_every_page() -> None:
    told, ledger = brief(), trained_once()
    (row,) = [
        line for line in report(told, ledger, (), (), (), ()).splitlines() if "train_model" in line.replace("\\", "")
    ]
    assert "| 15 |" in row
    assert "| 15 |" in "\n".join(model(told, ledger))


@pytest.mark.parametrize(
    ("choices", "task"),
    [
        ({}, None),
        ({"demands": Demands(metric="rmse")}, "regression"),
        ({"demands": Demands(metric="accuracy")}, None),
        ({"task": "multiclass", "demands": Demands(metric="rmse")}, "multiclass"),
    ],
)
def test_a_metric_of_numbers_makes_it_a_regression(choices: dict[str, Any], task: str | None) -> None:
    assert task_of(brief(**choices)) == task


@pytest.mark.parametrize(("tool", "error"), [("publish", BadArguments), ("notify", BadArguments), ("rm", NotFound)])
def test_a_tool_that_needs_approval_is_not_handed_out(home: Path, tool: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        Bench(crew_shop(home), Ledger(), "crew_1").spec(tool)


def test_what_an_agent_asked_of_a_tool_is_no_fact() -> None:
    from crews.words import facts_of

    record = ToolRecord(
        task="t", agent="a", tool="train_model", arguments={"seed": 9999}, result=json.dumps({"value": 0.5}),
        seconds=0.1, call="c",
    )  # fmt: skip
    text, unfounded = struck("It has 0.5 and not 9999.", facts_of([record], {}))
    assert unfounded == ("9999",)
    assert text == "It has 0.5 and not ~~9999~~ (not in the results)."


def test_a_sentence_of_a_tool_may_be_repeated_and_not_one_that_is_like_it() -> None:
    facts = [{"id": "1", "summary": "It passed 7 of 7 checks (17 skipped)."}]
    assert struck("QA: It passed 7 of 7 checks (17 skipped).", facts)[1] == ()
    assert struck("It passed 7 of 8 checks (17 skipped).", facts)[1] == ("8",)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a|b", r"a\|b"), ("<script>", r"\<script\>"), ("two\nlines", "two lines"), ("a_b _c_", r"a_b \_c\_"), ("", "-")],
)
def test_text_of_others_is_no_markup(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_quote_stays_a_quote_whatever_is_in_it() -> None:
    assert quoted("# big\n> deeper\n~~x~~") == "> \\# big\n> \\> deeper\n> \\~\\~x\\~\\~"
