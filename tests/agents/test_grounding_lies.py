"""True replies over real results are left as they are; replies with one thing altered are not."""

from collections import Counter

import pytest

from agents.grounding import Facts
from tests.agents.lying.judging import Judge
from tests.agents.lying.lies import KINDS, Lie, lies
from tests.agents.lying.made_up import cases, judged
from tests.agents.lying.replies import KEPT, Reply, every, of_planner, written

SEED = 2026
PER_KIND = 17


@pytest.fixture(scope="module")
def replies() -> list[Reply]:
    return every()


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


@pytest.fixture(scope="module")
def altered(replies: list[Reply]) -> dict[str, list[Lie]]:
    return lies(replies, SEED)


def test_of_two_hundred_true_replies_at_most_one_figure_in_a_hundred_is_struck(
    replies: list[Reply], judge: Judge
) -> None:
    assert len(replies) >= 200
    told = sum(len(judge.claims(reply)) for reply in replies)
    struck = [each for reply in replies for each in judge.struck(reply)]
    assert told >= 500
    assert len(struck) <= told / 100, struck


def test_what_the_planner_says_of_its_results_is_never_struck(judge: Judge) -> None:
    replies = of_planner(KEPT)
    assert len(replies) >= 20
    assert [each for reply in replies for each in judge.struck(reply)] == []


def test_of_two_hundred_lies_none_passes(altered: dict[str, list[Lie]], judge: Judge) -> None:
    tried = [lie for kind in KINDS for lie in altered[kind][:PER_KIND]]
    assert len(tried) >= 200
    assert [(lie.kind, lie.text) for lie in tried if judge.passes(lie)] == []


def test_every_kind_of_lie_is_among_them(altered: dict[str, list[Lie]]) -> None:
    assert all(altered[kind] for kind in KINDS)


@pytest.mark.slow
def test_of_every_lie_that_can_be_made_nearly_none_passes(altered: dict[str, list[Lie]], judge: Judge) -> None:
    every_lie = [lie for listed in altered.values() for lie in listed]
    passed = Counter(lie.kind for lie in every_lie if judge.passes(lie))
    assert len(every_lie) >= 5000
    assert passed.total() <= len(every_lie) / 50, passed


def test_what_was_said_before_says_what_a_sentence_is_about() -> None:
    results = [
        {"id": f"r{n}", "model": f"mdl_{n}", "metric": {"name": "rmse", "value": value, "ci": [value - 1, value + 1]}}
        for n, value in ((1, 46.24), (2, 38.55))
    ]
    facts = Facts(results)
    (claim,) = facts.check("On the test its rmse is 46.24.", before="The model is mdl_2.\n")
    assert not claim.grounded
    (claim,) = facts.check("On the test its rmse is 46.24.", before="The model is mdl_1.\n")
    assert (claim.grounded, claim.result_id, claim.span) == (True, "r1", (24, 29))


@pytest.mark.parametrize(
    ("name", "most"),
    [("everyday", 0.10), ("california", 0.14), ("telco", 0.17), ("platform", 0.12), ("production", 0.16)],
)
def test_what_a_language_model_wrote_without_the_rules_is_struck_no_more_often_than_measured(
    name: str, most: float, judge: Judge
) -> None:
    replies = written(name)
    told = sum(len(judge.claims(reply)) for reply in replies)
    struck = [each for reply in replies for each in judge.struck(reply)]
    assert len(replies) >= 30
    assert told >= 200
    assert len(struck) <= most * told, struck


@pytest.mark.parametrize(
    ("name", "struck", "passed"),
    [("tabular", 0.06, 0.10), ("operations", 0.055, 0.08), ("everything", 0.065, 0.14), ("plain", 0.075, 0.13)],
)
def test_made_up_results_of_any_shape_fare_no_worse_than_measured(name: str, struck: float, passed: float) -> None:
    outcomes = list(judged(name))
    told, lies_told = sum(one.claims for one in outcomes), sum(len(case.lies) for case in cases(name))
    wrongly = [each for one in outcomes for each in one.struck]
    believed = [each for one in outcomes for each in one.passed]
    assert (len(outcomes) >= 100, told >= 500, lies_told >= 300) == (True, True, True)
    assert len(wrongly) <= struck * told, wrongly
    assert len(believed) <= passed * lies_told, believed
