"""What a language model answers that was given the assistant's prompt is seldom struck."""

import pytest

from tests.agents.lying.prompted import answers, claims


@pytest.mark.parametrize(
    ("name", "least", "most"), [("first", 120, 0.03), ("second", 70, 0.03), ("third", 84, 0.03), ("fourth", 70, 0.05)]
)
def test_what_a_model_answers_by_the_prompt_is_struck_no_more_often_than_measured(
    name: str, least: int, most: float
) -> None:
    found = list(answers(name))
    told = [claim for answer in found for claim in claims(answer)]
    struck = [claim.value for claim in told if not claim.grounded]
    assert len(found) >= least
    assert len(told) >= 500
    assert len(struck) <= most * len(told), struck


def test_what_was_calculated_in_a_conversation_holds_figures_of_its_answers() -> None:
    calculated = [each for each in answers("first") if any(one.get("tool") == "calculate" for one in each.results)]
    held = [claim.result_id for each in calculated for claim in claims(each)]
    assert len(calculated) >= 10
    assert held.count("worked-out") >= 10
