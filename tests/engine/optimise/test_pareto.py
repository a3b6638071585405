"""The frontier: who is dominated by nobody."""

from hypothesis import given
from hypothesis import strategies as st

from engine.optimise.pareto import costs_of, frontier
from engine.optimise.spec import VARIANTS, Variant
from tests.engine.optimise.choose_example import EAGER, ONNX, PRUNED, STATIC, variant

# few values, so that ties are met
FIGURES = st.sampled_from([1.0, 2.0, 3.0])


@st.composite
def tables(draw: st.DrawFn) -> list[Variant]:
    names = draw(st.lists(st.sampled_from(list(VARIANTS)), unique=True, max_size=8))
    return [
        variant(
            name, draw(st.none() | FIGURES), draw(st.sampled_from([-0.01, 0.0, 0.01])), draw(FIGURES),
            draw(st.sampled_from(["ok", "ok", "ok", "refused"])), many=draw(FIGURES), peak=draw(FIGURES),
        )
        for name in names
    ]  # fmt: skip


def dominates(one: Variant, other: Variant) -> bool:
    pairs = list(zip(costs_of(one), costs_of(other), strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


@given(tables())
def test_no_member_is_dominated_and_every_other_usable_one_is(table: list[Variant]) -> None:
    usable = [one for one in table if one.status == "ok"]
    members = [one for one in usable if one.name in frontier(table)]
    assert not any(dominates(one, other) for one in usable for other in members)
    for other in usable:
        assert other in members or any(dominates(one, other) for one in members)
    assert bool(members) == bool(usable)


@given(tables())
def test_the_frontier_keeps_the_order_of_the_table_whatever_that_is(table: list[Variant]) -> None:
    assert set(frontier(table)) == set(frontier(table[::-1]))
    assert list(frontier(table)) == [one.name for one in table if one.name in frontier(table)]


def test_equals_all_stay_and_what_is_worse_in_everything_goes() -> None:
    twin = variant("compile", 0.5, size=3.3)
    assert frontier([EAGER, ONNX, twin, STATIC]) == ("onnx", "compile", "onnx-int8-static")


def test_what_the_guard_refused_is_neither_on_the_frontier_nor_beats_others() -> None:
    assert frontier([EAGER, PRUNED]) == ("eager",)


def test_what_was_not_measured_counts_as_worst() -> None:
    assert frontier([EAGER, variant("bf16", None, size=3.4)]) == ("eager",)
    assert frontier([EAGER, variant("bf16", None, size=3.3)]) == ("eager", "bf16")


def test_an_empty_table_has_no_frontier() -> None:
    assert frontier([]) == ()
