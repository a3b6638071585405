"""Amounts are held before they are used, so no limit is passed: side by side, across processes, after a kill."""

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.budget import Account, BudgetSpent, Limits, Price, Spent, account
from agents.budget_purse import Purse, spending
from agents.budget_store import Meter

FIVE = account("session", "ses_1", Limits(tool_calls=5))
ONE = Spent(tool_calls=1)


def test_what_is_held_counts_until_it_is_settled(home: Path) -> None:
    purse = Purse(Meter(home), (account("session", "ses_1", Limits(tokens=100)),))
    first = purse.hold(Spent(prompt=60))
    with pytest.raises(BudgetSpent):
        purse.hold(Spent(prompt=60))
    first.settle(Spent(prompt=10))
    purse.hold(Spent(prompt=60)).settle(Spent(prompt=20, completion=30))
    assert purse.meter.spent("session:ses_1").tokens == 60
    assert purse.meter.held("session:ses_1") == Spent()


def test_as_much_is_held_as_is_left(home: Path) -> None:
    both = account("session", "ses_1", Limits(tokens=1_000)), account("owner", "", Limits(money=0.0004))
    purse, price = Purse(Meter(home), both), Price(prompt=1, completion=2)

    def priced(prompt: int, completion: int) -> Spent:
        tokens = Spent(prompt=prompt, completion=completion)
        return tokens.model_copy(update={"money": price.of(tokens)})

    hold = purse.hold(priced(100, 16), priced(100, 4_096))
    assert hold.held.tokens == 250  # 100 read for 0.0001, and 150 written for 0.0003
    assert hold.held.money == pytest.approx(0.0004)


@pytest.mark.parametrize("name", list(Limits.model_fields))
def test_every_limit_is_named_with_what_was_used_and_how_to_go_on(home: Path, name: str) -> None:
    amount = Spent(prompt=4) if name == "tokens" else Spent.model_validate({name: 4})
    mine = account("session", "ses_1", Limits.model_validate({name: 10}))
    purse = Purse(Meter(home), (mine,))
    for _ in range(2):
        purse.hold(amount).settle(amount)
    with pytest.raises(BudgetSpent) as caught:
        purse.hold(amount)
    error = caught.value.after("Done in this turn: add.")
    assert (error.code, error.limit, error.used, error.most) == ("budget_spent", name, 8, 10)
    assert "session ses_1" in error.sentence
    assert error.sentence.endswith("Done in this turn: add.")
    assert f"millwright sessions limit ses_1 --{name.replace('_', '-')} 20" in error.hint


def test_an_owner_is_told_the_setting(home: Path) -> None:
    purse = Purse(Meter(home), (account("owner", "", Limits(tool_calls=0)),))
    with pytest.raises(BudgetSpent, match="MILLWRIGHT_LIMITS__OWNER__TOOL_CALLS=2"):
        purse.hold(ONE)


def test_what_is_spent_of_one_kind_does_not_stop_another(home: Path) -> None:
    purse = Purse(Meter(home), (account("session", "ses_1", Limits(tool_calls=0, tokens=10)),))
    purse.hold(Spent(prompt=5)).settle(Spent(prompt=5))


def test_every_account_is_charged_and_any_can_stop(home: Path) -> None:
    meter, owner = Meter(home), account("owner", "", Limits(tool_calls=3))
    for number in range(3):
        Purse(meter, (owner, account("session", f"ses_{number}", Limits(tool_calls=2)))).hold(ONE).settle(ONE)
    with pytest.raises(BudgetSpent) as caught:
        Purse(meter, (owner, account("session", "ses_9"))).hold(ONE)
    assert caught.value.account == owner
    assert meter.spent("session:ses_2").tool_calls == 1
    assert meter.reset("owner:").tool_calls == 3
    assert meter.spent("owner:") == Spent()


def test_without_a_limit_nothing_is_written_before_the_end(home: Path) -> None:
    purse = Purse(Meter(home), (account("owner", ""),))
    with spending(purse, timed=True):
        purse.hold(ONE).settle(ONE)
        purse.hold(ONE).settle(ONE)
        assert not list(home.iterdir())
    spent = Meter(home).spent("owner:")
    assert spent.tool_calls == 2
    assert spent.wall_seconds > 0


def test_a_purse_within_another_charges_both_once(home: Path) -> None:
    meter = Meter(home)
    outer = Purse(meter, (account("owner", ""),))
    with spending(outer), spending(outer.within(account("run", "run_1"))) as inner:
        inner.hold(ONE).settle(ONE)
    assert outer.spent == inner.spent == ONE
    assert meter.spent("owner:") == meter.spent("run:run_1") == ONE


def eight(work: Callable[[int], bool]) -> list[bool]:
    """Eight at the same moment."""
    gate = threading.Barrier(8)

    def one(number: int) -> bool:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(8)))


def test_of_eight_calls_at_once_five_run_on_a_budget_for_five(home: Path) -> None:
    meter, ran = Meter(home), []

    def call(number: int) -> bool:
        try:
            hold = Purse(meter, (FIVE,)).hold(ONE)
        except BudgetSpent:
            return False
        ran.append(number)
        hold.settle(ONE)
        return True

    assert sorted(eight(call)) == [False] * 3 + [True] * 5
    assert len(ran) == 5
    assert meter.spent(FIVE.name) == Spent(tool_calls=5)


def forked(work: Callable[[], int]) -> int:
    """The process id of a child that ends with the code that `work` gives."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(work())
        except BaseException:
            traceback.print_exc()
        os._exit(99)
    return child


def in_a_process(home: Path, settles: bool, start: float = 0.0, lasts: float = 0.0) -> int:
    """A child that makes one call; 0 where it ran, 1 where there was no room for it."""

    def work() -> int:
        time.sleep(max(0.0, start - time.time()))
        try:
            hold = Purse(Meter(home), (FIVE,)).hold(ONE)
        except BudgetSpent:
            return 1
        if settles:
            hold.settle(ONE)
        (home / f"ran-{os.getpid()}").touch()
        time.sleep(lasts)
        return 0

    return forked(work)


def test_of_eight_processes_five_run_on_a_budget_for_five(home: Path) -> None:
    children = [in_a_process(home, settles=True, start=time.time() + 0.5) for _ in range(8)]
    assert sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children) == [0] * 5 + [1] * 3
    assert Meter(home).spent(FIVE.name) == Spent(tool_calls=5)


def test_what_a_killed_process_held_is_given_back_and_what_it_used_stays(home: Path) -> None:
    purse = Purse(Meter(home), (FIVE,))
    children = [in_a_process(home, settles, lasts=60) for settles in (True, False)]
    while len(list(home.glob("ran-*"))) < 2:
        time.sleep(0.01)
    mine = [purse.hold(ONE) for _ in range(3)]
    with pytest.raises(BudgetSpent):  # 1 used, 1 held there, 3 held here
        purse.hold(ONE)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    mine.append(purse.hold(ONE))
    with pytest.raises(BudgetSpent):
        purse.hold(ONE)
    for hold in mine:
        hold.settle(ONE)
    assert purse.meter.spent(FIVE.name).tool_calls == 5


def test_a_forked_child_holds_for_itself(home: Path) -> None:
    purse = Purse(Meter(home), (FIVE,))
    purse.hold(ONE)
    child = forked(lambda: int(purse.hold(Spent(tool_calls=4)).held.tool_calls != 4))
    assert os.waitpid(child, 0)[1] == 0
    purse.hold(Spent(tool_calls=4))
    with pytest.raises(BudgetSpent):
        purse.hold(ONE)


AMOUNTS = st.builds(
    lambda tokens, money, calls: Spent(prompt=tokens, money=money / 64, tool_calls=calls),
    st.integers(0, 40), st.integers(0, 40), st.integers(0, 3),
)  # fmt: skip
STEPS = st.lists(st.tuples(st.sampled_from(["hold", "settle", "release", "die"]), AMOUNTS, AMOUNTS), max_size=14)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, tokens=st.integers(0, 100), money=st.integers(0, 100), calls=st.integers(0, 8))
def test_no_order_of_holding_settling_and_dying_passes_a_limit(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Spent, Spent]], tokens: int, money: int, calls: int
) -> None:
    limits = Limits(tokens=tokens, money=money / 64, tool_calls=calls)
    everybody = account("owner", "", limits), account("session", "ses_1", Limits(tool_calls=calls))
    purse = Purse(Meter(tmp_path_factory.mktemp("home")), everybody)
    held = []
    for step, amount, more in steps:
        if step == "hold":
            with suppress(BudgetSpent):
                held.append(purse.hold(amount, amount + more))
        elif held:
            hold = held.pop()
            if step != "die":  # an amount that a dead process held is released by who looks next, as this is
                hold.settle(amount.model_construct(**dict(least(hold.held, amount))) if step == "settle" else Spent())
            else:
                hold.settle()
        assert_within(purse.meter, everybody)


def least(one: Spent, other: Spent) -> Spent:
    """What was used is never more than what was held."""
    return Spent.model_construct(**{name: min(value, getattr(other, name)) for name, value in one})


def assert_within(meter: Meter, accounts: tuple[Account, ...]) -> None:
    for each in accounts:
        total = meter.spent(each.name) + meter.held(each.name)
        for name, most in each.limits.given():
            assert getattr(total, name) <= most * (1 + 1e-8)
