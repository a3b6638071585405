"""Nothing unproved is shown as proved, however the answer is cut into pieces; words go out at once."""

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.proof import NOT_HELD, Ground, strike
from graphs.events import Event, TextDelta, TextRevised, text_of
from graphs.proving_stream import LOOK, Telling

RESULTS = [
    {
        "id": "r1",
        "best": "lightgbm",
        "dataset": "ds_7f3a",
        "leaderboard": [{"model": "lightgbm", "roc_auc": 0.8423}, {"model": "linear", "roc_auc": 0.8017}],
        "rows": 7043,
        "note": "No new window of 500 rows was complete.",
    }
]
TRUE = (
    "The best model is lightgbm, trained on 7,043 rows of ds_7f3a.",
    "The roc_auc of lightgbm is 0.8423.",
    "| model | roc_auc |\n|---|---|\n| lightgbm | 0.8423 |\n| linear | 0.8017 |\n",
    "1. `lightgbm` first\n2. `linear` second\n",
    "No new window of 500 rows was complete.",
    "So - all is well (I think); shall I go on?",
)
LIES = (
    "Its roc_auc is 0.9999.",
    "It used the column `income_total`.",
    "It was trained on ds_9999 and ds_7f3a.",
    "It is mdl_best_of_all.",
    "| linear | 0.8071 |\n",
    "That is .93, or -0.5 at worst.",
    "The model lihtgbm wins by far.",
    "Candidates\n lightbgm and others",
    "So it is the variant lightgbn.",
)
ground = Ground(RESULTS)


def heard_of(text: str, cuts: Sequence[int], *, final: bool) -> tuple[list[Event], Telling]:
    """What is told of `text` in the pieces that end at `cuts`."""
    heard: list[Event] = []
    telling = Telling(lambda: ground, heard.append, final)
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(text)}), len(text)]
    for start, end in pairwise(places):
        telling.hear(text[start:end])
    return heard, telling


def answers(parts: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(parts), min_size=1, max_size=5).map("\n".join)


CUTS = st.lists(st.integers(1, 400), max_size=60)


@given(answers(TRUE), CUTS, st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_holds_is_told_whole_and_nothing_is_taken_back(text: str, cuts: list[int], final: bool) -> None:
    heard, telling = heard_of(text, cuts, final=final)
    assert all(claim.grounded for claim in ground.check(text))
    telling.settle(text)
    assert text_of(heard) == text
    assert not any(isinstance(event, TextRevised) for event in heard)


@given(answers(TRUE + LIES), CUTS)
@settings(max_examples=250, deadline=None)
def test_no_part_of_a_lie_is_told_before_the_answer_is_whole(text: str, cuts: list[int]) -> None:
    heard, _ = heard_of(text, cuts, final=False)
    shown = text_of(heard)
    assert text.startswith(shown)
    wrong = [claim for claim in ground.check(text) if not claim.grounded]
    for claim in wrong:
        # of a name in which there is a line its first word may be there, but never the name
        assert len(shown) < claim.span[1]
        assert not any(letter.isdigit() or letter in "_`" for letter in shown[claim.span[0] :])


@given(answers(TRUE + LIES), CUTS)
@settings(max_examples=250, deadline=None)
def test_what_is_told_in_the_end_has_every_lie_struck_and_nothing_taken_back(text: str, cuts: list[int]) -> None:
    heard, telling = heard_of(text, cuts, final=True)
    told, claims = strike(text, ground.check(text))
    telling.settle(told)
    assert text_of(heard) == told
    assert not any(isinstance(event, TextRevised) for event in heard)
    assert told.count(NOT_HELD) <= sum(not claim.grounded for claim in claims)
    assert all(told[slice(*claim.span)] == claim.value.strip() for claim in claims)


def test_every_lie_here_is_one() -> None:
    assert all(any(not claim.grounded for claim in ground.check(lie)) for lie in LIES)


@pytest.mark.parametrize("piece", ["Hello", " there", ", you", "!\n", " (well)", " über"])
def test_words_go_out_as_they_come(piece: str) -> None:
    heard, _ = heard_of(piece, [], final=False)
    assert [event for event in heard if event is not LOOK] == [TextDelta(text=piece)]


def test_a_sentence_goes_out_when_it_is_proved_and_not_before() -> None:
    heard: list[Event] = []
    telling = Telling(lambda: ground, heard.append, final=False)
    told = []
    for piece in ("It has", " 7", ",043", " rows", ".", " Shall", " I?"):
        telling.hear(piece)
        told.append(text_of(heard))
    assert told == ["It has", "It has ", "It has ", "It has ", "It has ", "It has 7,043 rows. Shall", told[-1]]
    assert told[-1] == "It has 7,043 rows. Shall I?"


def test_a_word_that_may_become_a_figure_waits_for_its_end() -> None:
    heard, _ = heard_of("So: th", [], final=False)
    assert text_of(heard) == "So: "
    heard, _ = heard_of("So: the", [6], final=False)
    assert text_of(heard) == "So: the"
    heard, _ = heard_of("So: three models", [6, 9], final=False)
    assert text_of(heard) == "So: "


@pytest.mark.parametrize("answer", ["The model lihtgbm wins. So", "Two models", "A column   lightbgm is. So"])
@pytest.mark.parametrize("size", [1, 3, 200])
def test_a_name_that_is_nearly_known_is_not_told_before_it_is_proved(answer: str, size: int) -> None:
    heard, _ = heard_of(answer, range(size, len(answer), size), final=False)
    assert not any(part in text_of(heard) for part in ("lih", "ligh"))


def test_a_word_behind_the_word_model_goes_out_when_it_has_ended() -> None:
    heard: list[Event] = []
    telling = Telling(lambda: ground, heard.append, final=False)
    told = []
    for piece in ("The model", " light", "gbm", " and the", " modelling", " of it"):
        telling.hear(piece)
        told.append(text_of(heard))
    assert told[:3] == ["The model", "The model ", "The model "]
    assert told[3:] == ["The model lightgbm and the", f"{told[3]} modelling", f"{told[4]} of it"]


def test_while_words_are_held_the_turn_can_still_be_stopped() -> None:
    heard, _ = heard_of("4 4 4 4 4", [2, 4, 6, 8], final=False)
    assert heard == [LOOK] * 5


def test_results_are_not_looked_at_for_an_answer_without_claims() -> None:
    def never() -> Ground:
        raise AssertionError("there was nothing to check")

    telling = Telling(never, lambda event: None, final=False)
    for piece in re.findall(r"\S+\s*", "I can load data, train models and explain them. What is it about?"):
        telling.hear(piece)


def test_a_struck_name_is_struck_with_its_marks_and_a_struck_figure_keeps_its_place_in_a_table() -> None:
    text = "Uses `income`.\n| linear | 0.9 |\n"
    told, claims = strike(text, ground.check(text))
    assert told == f"Uses ~~`income`~~ {NOT_HELD}.\n| linear | ~~0.9~~ {NOT_HELD} |\n"
    assert [told[slice(*claim.span)] for claim in claims] == ["income", "0.9"]
