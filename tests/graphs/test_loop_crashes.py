"""kill -9 at every place of a loop, again and again in one life: nothing is done twice, and the end is the same."""

import signal
import time
from pathlib import Path

import pytest

from engine.errors import Busy
from graphs.loop_types import LoopSummary
from tests.graphs.loop_crashing import Answer, ended, started
from tests.graphs.loopshop import BEFORE, NEW, champion, look_after, loop_workshop, retrainings, watched_workshop
from tests.graphs.smallshop import effects

ON_THE_WAY = [
    *("before check", "after check", "tool_finished check_drift", "tool_finished evaluate_actions", "text"),
    *("tool_started retrain_model", "after begin", "before train", "after train", "after contest"),
    *("tool_finished retrain_model", "before telling", "after telling", "tool_finished announce", "asked"),
]
TO_PROMOTE = ["tool_started promote_model", "before promote", "after promote", "tool_finished promote_model"]
TO_TELL = ["tool_started tell_outcome", "tool_finished tell_outcome"]


def killed_at(home: Path, place: str, answer: Answer) -> None:
    """Let the loop go on as far as `place`."""
    (home / "kill").write_text(place)
    assert ended(home, answer) == -signal.SIGKILL, place
    assert not (home / "kill").exists()


def live(home: Path, answer: Answer, places: list[str]) -> LoopSummary:
    """A loop that is killed at each of the places in turn, and then is let through."""
    for place in places:
        killed_at(home, place, answer)
    assert ended(home, answer) == 0
    return LoopSummary.model_validate_json((home / "summary.json").read_bytes())


def effects_by_kind(home: Path) -> list[str]:
    """What was done, without the ids."""
    return [effect.split()[0] for effect in effects(home)]


def test_a_loop_killed_at_every_place_trains_once_and_promotes(home: Path) -> None:
    workshop = watched_workshop(home)
    summary = live(home, "yes", [*ON_THE_WAY, *TO_PROMOTE, *TO_TELL])
    assert (summary.outcome, champion(workshop), retrainings(workshop)) == ("promoted", NEW, ["promoted"])
    done = effects_by_kind(home)
    assert [kind for kind in done if kind != "promote"] == ["told", "train", "told", "told"]
    assert set(effects(home)[-2].split()) == {"promote", NEW, "to", "champion"}


def test_between_the_gate_and_the_promotion_a_killed_loop_promotes_once(home: Path) -> None:
    workshop = watched_workshop(home)
    live(home, "yes", ["tool_finished retrain_model", "tool_finished announce", "asked", "tool_started promote_model"])
    assert effects_by_kind(home) == ["told", "train", "told", "promote", "told"]
    assert champion(workshop) == NEW


@pytest.mark.parametrize(
    "places", [["tool_started roll_back_model", "after roll back"], ["tool_finished roll_back_model"]]
)
def test_a_loop_killed_while_it_rolls_back_goes_one_champion_back_and_no_further(home: Path, places: list[str]) -> None:
    workshop = watched_workshop(home, wins=False, earlier_wins=True)
    summary = live(home, "yes", places)
    assert (summary.outcome, champion(workshop)) == ("rolled_back", BEFORE)
    assert effects_by_kind(home) == ["told", "train", "told", "roll", "told"]


def test_a_loop_killed_after_a_no_promotes_nothing(home: Path) -> None:
    watched_workshop(home)
    summary = live(home, "no", ["asked", *TO_TELL])
    assert summary.outcome == "declined"
    assert effects_by_kind(home) == ["told", "train", "told", "told"]
    assert retrainings(loop_workshop(home)) == ["declined"]


def test_what_a_killed_process_began_is_gone_on_with_in_this_one(home: Path) -> None:
    workshop = watched_workshop(home)
    killed_at(home, "after train", "yes")
    assert look_after(workshop, lambda proposal: True).outcome == "promoted"
    assert effects_by_kind(home).count("train") == 1


def test_while_one_process_is_at_a_monitor_another_is_told_busy(home: Path) -> None:
    workshop = watched_workshop(home)
    (home / "hold").touch()
    first = started(home, "yes")
    while not (home / "held").exists():
        time.sleep(0.01)
    with pytest.raises(Busy) as busy:
        look_after(workshop)
    (home / "hold").unlink()
    first.join()
    assert (busy.value.code, first.exitcode) == ("monitor_busy", 0)
    assert effects_by_kind(home) == ["told", "train", "told", "promote", "told"]
