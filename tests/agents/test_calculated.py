"""A calculation proves a figure only where it is made of what results have."""

import pytest

from agents.proof import Ground

TRAINED = {
    "id": "r1", "tool": "train_model", "arguments": {"budget_seconds": 77},
    "result": {"rows": 1204, "missing": 331, "metric": {"name": "accuracy", "value": 0.8731}, "seconds": 41.6},
}  # fmt: skip
SAID = {"id": "said:1", "said": "I want an accuracy of 0.97"}


def calculated(expression: str, value: float, of: str = "share") -> dict[str, object]:
    wanted = {"of": of, "expression": expression}
    return {
        "id": "r9", "tool": "calculate", "arguments": {"wanted": [wanted]},
        "result": {"calculations": [{**wanted, "calculated": value}]},
    }  # fmt: skip


def grounded(text: str, *results: dict[str, object]) -> list[bool]:
    return [claim.grounded for claim in Ground([SAID, TRAINED, *results]).check(text)]


def test_what_follows_from_results_may_be_stated() -> None:
    share = calculated("331 / 1204", 331 / 1204)
    assert grounded("27.5 % of the values are not there.", share) == [True]
    assert grounded("27.6 % of the values are not there.", share) == [False]


def test_it_is_the_same_where_a_conversation_has_the_result_without_a_frame() -> None:
    def flat(result: dict[str, object]) -> dict[str, object]:
        inner = result["result"]
        assert isinstance(inner, dict)
        return {"id": result["id"], "arguments": result["arguments"], **inner}

    held = flat(calculated("331 / 1204", 331 / 1204))
    invented = flat(calculated("0.97 * 1", 0.97))
    assert grounded("27.5 % of the values are not there.", held) == [True]
    assert grounded("It is 0.97.", invented) == [False]


def test_numbers_may_be_rounded_and_shares_be_percentages_in_a_calculation() -> None:
    assert grounded("It is wrong for 12.7 of 100.", calculated("100 - 87.3", 12.7))[0]
    assert grounded("About 152.9 are missed.", calculated("(1 - 0.873) * 1204", 152.908)) == [True]


def test_a_number_of_the_user_may_go_in_beside_a_measured_one() -> None:
    said = {"id": "said:2", "said": "How long for 5000 rows?"}
    calculation = calculated("5000 * 41.6 / 1204", 172.757, of="seconds")
    assert [claim.grounded for claim in Ground([TRAINED, said, calculation]).check("That is about 172.8 then.")] == [
        True
    ]


@pytest.mark.parametrize("expression", ["0.97 * 1", "1203 / 1204", "77 / 12", "100 / 3", "97 / 100", "0.5 + 0.47"])
def test_made_of_invented_wished_or_no_numbers_it_proves_nothing(expression: str) -> None:
    value = eval(expression)
    assert grounded(f"It is {value:.4g}.", calculated(expression, value)) == [False]


def test_it_is_no_score_whatever_it_is_called() -> None:
    better = calculated("0.8731 + 331 / 1204 - 331 / 1204", 0.8731, of="accuracy of the next model")
    assert grounded("The recall is 0.8731.", better) == [False]
    worked_out = calculated("0.8731 * 331 / 1204", 0.24003, of="accuracy")
    assert grounded("The accuracy is 0.240.", worked_out) == [False]


def test_a_figure_in_its_words_is_none() -> None:
    assert grounded("It is 0.9731.", calculated("331 / 1204", 331 / 1204, of="0.9731 of all")) == [False]


def test_a_calculation_may_go_on_from_another() -> None:
    first = calculated("1204 - 331", 873.0)
    second = {**calculated("873 / 1204", 873 / 1204), "id": "r10"}
    assert grounded("72.5 % are complete.", first, second) == [True]
    assert grounded("72.5 % are complete.", second) == [False]
