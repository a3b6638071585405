"""Four levels, in order of seriousness whatever the alphabet says."""

from itertools import pairwise

import pytest

from engine.drift.levels import Level, highest

IN_ORDER = (Level.GREEN, Level.YELLOW, Level.ORANGE, Level.RED)


def test_levels_are_ordered_by_seriousness_and_not_by_alphabet() -> None:
    for low, high in pairwise(IN_ORDER):
        assert low < high
        assert low <= high
        assert high > low
        assert high >= low
    assert sorted([Level.RED, Level.GREEN, Level.ORANGE, Level.YELLOW]) == list(IN_ORDER)
    assert [level.rank for level in IN_ORDER] == [0, 1, 2, 3]


def test_a_level_equals_its_name_and_is_compared_with_it() -> None:
    assert Level.RED == "RED"
    assert f"{Level.RED}" == "RED"
    assert Level.RED > "YELLOW"
    assert Level("ORANGE") <= Level.ORANGE


def test_what_is_no_level_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="PURPLE"):
        _ = Level.RED > "PURPLE"


def test_the_highest_of_none_is_green() -> None:
    assert highest([]) == Level.GREEN
    assert highest([Level.YELLOW, Level.RED, Level.ORANGE]) == Level.RED
