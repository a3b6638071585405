import pytest

from engine.errors import BadChoice
from engine.families import CLASSIC, FAMILIES, KINDS, check_families, check_needs, usual_families


def test_numbers_and_categories_go_to_the_classic_families() -> None:
    assert usual_families({"number", "category"}, 60) == CLASSIC
    assert usual_families({"number"}, None) == CLASSIC


def test_a_long_budget_adds_the_network_to_a_table() -> None:
    assert usual_families({"number"}, 300) == (*CLASSIC, "network")


def test_texts_and_images_get_the_networks_that_read_them() -> None:
    assert "network" in usual_families({"text", "number"}, 60)
    assert "lstm" in usual_families({"text"}, 600)
    assert "resnet" in usual_families({"image"}, 60)
    assert usual_families({"text", "image"}, 60)[0] == "linear"


def test_asked_families_come_cheapest_first_and_once() -> None:
    assert check_families(("resnet", "linear", "linear")) == ("linear", "resnet")
    assert check_families(KINDS) == FAMILIES


def test_an_unknown_family_is_named_with_the_nearest() -> None:
    with pytest.raises(BadChoice, match=r"'resnt' is not a known model.*Did you mean 'resnet'"):
        check_families(("resnt",))


def test_a_network_without_anything_to_look_at_is_refused_with_those_that_fit() -> None:
    with pytest.raises(BadChoice, match="without a column of kind text") as caught:
        check_needs(("linear", "lstm"), {"number", "image"})
    assert "resnet" in caught.value.hint
    assert "encoder" not in caught.value.hint
    check_needs(FAMILIES, {"text", "image"})
