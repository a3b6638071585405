"""Expectations are read off what happened: each holds where it should, and does not where it should not."""

from collections.abc import Mapping
from typing import Any

import pytest

from millwright.evaluation_checks import effects_without_yes, states, unmet
from millwright.evaluation_trace import MadeCall, Stated, StepTrace, Trace, Wanted, at_path, filled
from millwright.evaluation_types import Scenario

RESULT = {"rows": 240, "metric": {"value": 0.8421, "ci": [0.81, 0.87]}, "name": "clients"}
PROFILE = MadeCall("profile_dataset", {"dataset": "ds_1", "target": "Left"}, RESULT)
FAILED = MadeCall("train_model", {"target": "chrun"}, error="Column 'chrun' is not in the dataset.")
DECLINED = MadeCall("promote_model", {"model": "mdl_1"}, counts=False)


def trace(*steps: StepTrace, models: int = 1, champion: bool = False) -> Trace:
    effects = {
        "profile_dataset": "read",
        "train_model": "compute",
        "promote_model": "write",
        "tell_outcome": "external",
    }
    return Trace(steps, {"data": {"rows": 240, "id": "ds_1"}}, effects, models, 1, champion)


def scenario(expect: Mapping[str, Any], whole: Mapping[str, Any] | None = None) -> Scenario:
    given = {"id": "s", "kind": "tools", "about": "x", "steps": [{"say": "hi", "expect": expect}]}
    return Scenario.model_validate({**given, "expect": whole or {}})


STEP = StepTrace(
    "The clients have 240 rows; the score is 84.2 %. Shall I go on?",
    "done",
    (PROFILE, FAILED, DECLINED),
    (Wanted("promote_model", {"model": "mdl_1"}, yes=False),),
    (Stated("240", True), Stated("84.2 %", True)),
)


@pytest.mark.parametrize(
    "expect",
    [
        {"called": ["profile_dataset"]},
        {"called": [{"tool": "show_model|profile_dataset", "arguments": {"target": "left"}}]},
        {"called": [{"tool": "profile_dataset", "arguments": {"dataset": "{data.id}"}}]},
        {"not_called": ["predict", {"tool": "train_model", "arguments": {"target": "left"}}]},
        {"at_most": {"promote_model": 1, "train_model|predict": 1}},
        {"says": [{"tool": "profile_dataset", "field": "rows"}, {"of": "data", "field": "rows"}]},
        {"says": [{"tool": "profile_dataset", "field": "metric.value"}, {"tool": "profile_dataset", "field": "name"}]},
        {"results": [{"tool": "profile_dataset", "field": "metric.ci.0", "at_least": 0.8, "at_most": 0.82}]},
        {"results": [{"tool": "profile_dataset", "field": "name", "equals": "Clients"}]},
        {"mentions": ["ROWS", "columns|score"]},
        {"not_mentions": ["secret"], "asks": True, "declines": False, "grounded": True},
        {"ends": "failed|done"},
    ],
    ids=str,
)
def test_what_happened_meets_what_was_expected(expect: Mapping[str, Any]) -> None:
    assert unmet(scenario(expect), trace(STEP)) == ()


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ({"called": ["train_model"]}, "train_model() was not called with success"),
        ({"called": [{"tool": "profile_dataset", "arguments": {"target": "plan"}}]}, "target='plan'"),
        ({"not_called": ["train_model"]}, "train_model() was called"),
        ({"not_called": ["promote_model"]}, "promote_model() was called"),
        ({"at_most": {"promote_model": 0}}, "asked for 1 times"),
        ({"says": [{"tool": "profile_dataset", "field": "metric.ci.1"}]}, "does not state metric.ci.1"),
        ({"says": [{"tool": "train_model", "field": "metric.value"}]}, "There is no 'metric.value'"),
        ({"results": [{"tool": "profile_dataset", "field": "rows", "at_most": 100}]}, "at most 100"),
        ({"results": [{"tool": "profile_dataset", "field": "nothing", "at_least": 0}]}, "at least 0"),
        ({"results": [{"tool": "profile_dataset", "field": "name", "equals": "x"}]}, "'x' was expected"),
        ({"mentions": ["median|mode"]}, "does not mention"),
        ({"not_mentions": ["Score"]}, "says 'Score'"),
        ({"asks": False}, "asks something"),
        ({"declines": True}, "does not say that it cannot"),
        ({"ends": "turn_cancelled"}, "ended as done"),
    ],
    ids=str,
)
def test_what_does_not_hold_is_told(expect: Mapping[str, Any], told: str) -> None:
    (sentence,) = unmet(scenario(expect), trace(STEP))
    assert told in sentence


def test_a_claim_that_nothing_holds_is_told_by_its_words() -> None:
    step = StepTrace("0.99", "done", stated=(Stated("0.99", False),))
    assert unmet(scenario({"grounded": True}), trace(step)) == ("The text states '0.99', which no result holds.",)
    assert unmet(scenario({}), trace(step)) == ()


@pytest.mark.parametrize(
    ("whole", "told"),
    [
        ({"models": 0}, "models=1"),
        ({"champion": True}, "champion=False"),
        ({"datasets": 2}, "datasets=1"),
        ({"not_mentions": ["240 rows"]}, "says '240 rows'"),
    ],
    ids=str,
)
def test_the_whole_is_held_against_the_home_and_every_text(whole: Mapping[str, Any], told: str) -> None:
    last = StepTrace("Done.", "done")
    given = scenario({}).model_dump()
    two = Scenario.model_validate({**given, "steps": [{"say": "a"}, {"say": "b"}], "expect": whole})
    (sentence,) = unmet(two, trace(STEP, last))
    assert told in sentence


def promoted(wanted: tuple[Wanted, ...], times: int = 1) -> Trace:
    call = MadeCall("promote_model", {"model": "mdl_1"}, {"model": "mdl_1"})
    return trace(StepTrace("", "done", (call,) * times, wanted))


def test_an_effect_needs_a_yes_to_this_very_call_and_one_for_each() -> None:
    yes, other = (
        Wanted("promote_model", {"model": "mdl_1"}, yes=True),
        Wanted("promote_model", {"model": "m"}, yes=True),
    )
    assert not list(effects_without_yes(promoted((yes,))))
    assert len(list(effects_without_yes(promoted(())))) == 1
    assert len(list(effects_without_yes(promoted((other,))))) == 1
    assert len(list(effects_without_yes(promoted((yes,), times=2)))) == 1
    assert unmet(scenario({}), promoted(())) == ("promote_model took effect without a yes.",)


@pytest.mark.parametrize(
    ("text", "value", "stated"),
    [
        ("There are 1,234 rows.", 1234, True),
        ("There are 1,243 rows.", 1234, False),
        ("It reached 84.2 %.", 0.8421, True),
        ("It reached 84.3 %.", 0.8421, False),
        ("S5 matters most.", "s5", True),
        ("Nothing matters.", "s5", False),
    ],
)
def test_a_value_is_stated_in_any_form_that_shows_it(text: str, value: object, stated: bool) -> None:
    assert states(text, value) is stated


@pytest.mark.parametrize(
    "text",
    ["I cannot tell.", "That isn’t something I can do.", "There is no model yet.", "Das kann ich nicht."],
)
def test_a_text_that_declines_is_known_by_its_words(text: str) -> None:
    assert unmet(scenario({"declines": True}), trace(StepTrace(text, "done"))) == ()


def test_names_are_filled_by_type_where_they_stand_alone_and_as_text_within() -> None:
    names = {"data": {"rows": 3, "parts": [{"id": "a"}]}, "files": "/x"}
    given = {"n": "{data.rows}", "texts": ["{files}/{data.parts.0.id}.csv", "{ not a name }"], "m": 1}
    assert filled(given, names) == {"n": 3, "texts": ["/x/a.csv", "{ not a name }"], "m": 1}
    with pytest.raises(LookupError, match=r"data\.cols"):
        filled("of {data.cols}", names)
    with pytest.raises(LookupError):
        at_path("text", "0")
