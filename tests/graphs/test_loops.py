"""The loop over a monitor: what it decides, whom it asks, what it promotes and tells, on small tools."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from engine.drift.levels import Level
from engine.errors import ApprovalNeeded, Busy, NotFound
from graphs.checkpoints import open_saver
from graphs.events import Event, RunFailed, RunFinished, ToolFinished, ToolStarted
from graphs.lease import lease
from graphs.loop_types import LoopSummary, Outcome, Proposal
from graphs.loops import waiting
from graphs.monitoring import build_loop
from tests.graphs.loopshop import (
    BEFORE,
    NAME,
    NEW,
    NOW,
    Refusal,
    champion,
    look_after,
    loop_workshop,
    retrainings,
    set_world,
    told,
    verdict,
    watched_workshop,
)
from tests.graphs.smallshop import effects, text_of
from tools.workshop import Workshop

WAITS = f"{verdict(True)} Making {NEW} the champion of {NAME} waits for approval: millwright monitor run {NAME}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home to copy: making its tables takes longer than most tests."""
    home = watched_workshop(tmp_path_factory.mktemp("made") / "home").home
    with open_saver(home):
        return home


@pytest.fixture
def workshop(made: Path, home: Path) -> Workshop:
    """At RED the policy asks for a retraining, and a challenger would win."""
    shutil.copytree(made, home, dirs_exist_ok=True)
    return loop_workshop(home)


@pytest.fixture
def saver(home: Path) -> Iterator[BaseCheckpointSaver[Any]]:
    with open_saver(home) as opened:
        yield opened


def yes(_: Proposal) -> bool:
    return True


def no(_: Proposal) -> bool:
    return False


def trainings(workshop: Workshop) -> int:
    return sum(effect.startswith("train") for effect in effects(workshop.home))


def promotions(workshop: Workshop) -> list[str]:
    return [effect for effect in effects(workshop.home) if effect.startswith(("promote", "roll"))]


def tools_of(heard: list[Event]) -> list[str]:
    return [event.call for event in heard if isinstance(event, ToolFinished)]


def left_waiting(workshop: Workshop, **choices: Any) -> None:
    """A loop whose proposal nobody is there to answer."""
    with pytest.raises(ApprovalNeeded):
        look_after(workshop, **choices)


# without a retraining


def test_at_green_nothing_is_done_and_nobody_is_told(workshop: Workshop) -> None:
    set_world(workshop, level=Level.GREEN, retrain=False)
    summary = look_after(workshop)
    assert (summary.outcome, summary.level, summary.retrained) == ("nothing_to_do", Level.GREEN, None)
    assert summary.sentence == "churn is GREEN: nothing to do now."
    assert effects(workshop.home) == []


def test_at_yellow_without_advice_nothing_is_trained(workshop: Workshop, heard: list[Event]) -> None:
    set_world(workshop, level=Level.YELLOW, retrain=False)
    summary = look_after(workshop, emit=heard.append)
    assert (summary.outcome, effects(workshop.home)) == ("nothing_to_do", ["told YELLOW"])
    assert "Policy: watch closer. Nothing is trained." in text_of(heard)


def test_where_the_monitor_never_retrains_red_is_told_and_the_champion_stays(workshop: Workshop) -> None:
    set_world(workshop, level=Level.RED, retrain=False)
    summary = look_after(workshop)
    assert (summary.outcome, summary.sentence) == ("kept", "The champion of churn stays.")
    assert told(workshop) == ["told RED", "told more: The champion of churn stays."]
    assert trainings(workshop) == 0


# a challenger that wins


@pytest.mark.parametrize("level", [Level.ORANGE, Level.RED])
def test_a_challenger_that_wins_waits_for_a_person_and_that_is_told(workshop: Workshop, level: Level) -> None:
    set_world(workshop, level=level)
    left_waiting(workshop)
    assert told(workshop) == [f"told {level}", f"told more: {WAITS}"]
    assert (champion(workshop), retrainings(workshop)) == (NOW, ["won"])


def test_what_waits_can_be_looked_at(workshop: Workshop, saver: BaseCheckpointSaver[Any]) -> None:
    assert waiting(workshop, saver, NAME) is None
    left_waiting(workshop)
    assert waiting(workshop, saver, NAME) == Proposal(action="promote", model=NEW, name=NAME, why=verdict(True))
    look_after(workshop, yes)
    assert waiting(workshop, saver, NAME) is None


def test_after_a_yes_the_challenger_is_promoted_once_and_that_is_told(workshop: Workshop) -> None:
    asked: list[Proposal] = []
    summary = look_after(workshop, lambda proposal: not asked.append(proposal))
    assert [proposal.model for proposal in asked] == [NEW]
    assert promotions(workshop) == [f"promote {NEW} to champion"]
    assert (summary.outcome, champion(workshop), retrainings(workshop)) == ("promoted", NEW, ["promoted"])
    assert summary.sentence == f"{NEW} is the new champion of churn: {verdict(True)}"
    assert told(workshop)[-1] == f"told the end: {summary.sentence}"


def test_after_a_no_nothing_is_promoted_and_the_next_retraining_is_not_in_its_way(workshop: Workshop) -> None:
    summary = look_after(workshop, no)
    assert (summary.outcome, champion(workshop), promotions(workshop)) == ("declined", NOW, [])
    assert summary.sentence == "The proposal for churn was declined; its champion stays."
    assert told(workshop)[-1] == f"told more: {summary.sentence}"
    look_after(workshop, yes)
    assert (champion(workshop), retrainings(workshop)) == (NEW, ["declined", "promoted"])


def test_whoever_says_yes_to_all_is_not_asked_and_nobody_hears_of_a_question(workshop: Workshop) -> None:
    summary = look_after(workshop, no, approve_all=True)
    assert (summary.outcome, champion(workshop)) == ("promoted", NEW)
    assert told(workshop) == ["told RED", f"told the end: {summary.sentence}"]


# one that does not


def test_a_challenger_that_lost_is_not_promoted_and_that_is_told(workshop: Workshop) -> None:
    set_world(workshop, wins=False)
    summary = look_after(workshop, yes)
    assert (summary.outcome, promotions(workshop), retrainings(workshop)) == ("kept", [], ["lost"])
    assert summary.sentence == f"The champion of churn stays. {verdict(False)}"
    assert told(workshop)[-1] == f"told more: {summary.sentence}"


def test_at_red_an_earlier_champion_that_wins_is_proposed_and_takes_its_place_back(workshop: Workshop) -> None:
    set_world(workshop, wins=False, earlier_wins=True)
    asked: list[Proposal] = []
    summary = look_after(workshop, lambda proposal: not asked.append(proposal))
    why = f"{verdict(False)} {BEFORE}, the champion before, beats the present one."
    assert asked == [Proposal(action="roll_back", model=BEFORE, name=NAME, why=why)]
    assert promotions(workshop) == [f"roll {NAME} back to {BEFORE}"]
    assert (summary.outcome, champion(workshop)) == ("rolled_back", BEFORE)
    assert summary.sentence == f"churn was rolled back to {BEFORE}, which beats {NOW}."
    assert f"{why} Rolling churn back to {BEFORE} waits for approval" in told(workshop)[1]
    assert told(workshop)[-1] == f"told the end: {summary.sentence}"


def test_a_no_to_rolling_back_leaves_the_champion(workshop: Workshop) -> None:
    set_world(workshop, wins=False, earlier_wins=True)
    assert look_after(workshop, no).outcome == "declined"
    assert (champion(workshop), promotions(workshop), retrainings(workshop)) == (NOW, [], ["lost"])


def test_below_red_nothing_is_rolled_back(workshop: Workshop) -> None:
    set_world(workshop, level=Level.ORANGE, wins=False, earlier_wins=True)
    assert (look_after(workshop, yes).outcome, champion(workshop)) == ("kept", NOW)


def test_a_roll_back_gives_what_was_agreed_to_whoever_was_champion_meanwhile(workshop: Workshop) -> None:
    set_world(workshop, wins=False, earlier_wins=True)
    left_waiting(workshop)
    for model in (NEW, NOW):
        workshop.call("promote_model", model=model)
    assert look_after(workshop, yes).outcome == "rolled_back"
    assert champion(workshop) == BEFORE


# none at all


@pytest.mark.parametrize(
    ("refusal", "why"), [("few", "150 are needed"), ("busy", "Another process"), ("cancelled", "was cancelled")]
)
def test_what_cannot_be_trained_is_told_and_the_loop_ends(
    workshop: Workshop, refusal: Refusal, why: str, heard: list[Event]
) -> None:
    set_world(workshop, refusal=refusal)
    summary = look_after(workshop, yes, heard.append)
    assert (summary.outcome, summary.retrained, retrainings(workshop)) == ("not_trained", None, [])
    assert why in summary.sentence
    assert told(workshop)[-1] == f"told more: {summary.sentence}"
    assert "No challenger was trained." in text_of(heard)


def test_force_trains_whatever_the_policy_says(workshop: Workshop) -> None:
    set_world(workshop, level=Level.GREEN, retrain=False)
    summary = look_after(workshop, yes, force=True)
    assert (summary.outcome, champion(workshop), trainings(workshop)) == ("promoted", NEW, 1)


# going on, and beginning anew


def test_a_loop_that_waits_is_gone_on_with_whatever_the_next_call_asks(workshop: Workshop) -> None:
    left_waiting(workshop, seed=1)
    set_world(workshop, level=Level.GREEN, retrain=False)
    summary = look_after(workshop, yes, force=True, seed=2)
    assert (summary.outcome, summary.level, trainings(workshop)) == ("promoted", Level.RED, 1)


def test_a_yes_to_all_answers_what_waits(workshop: Workshop) -> None:
    left_waiting(workshop)
    assert look_after(workshop, approve_all=True).outcome == "promoted"


def test_while_a_proposal_waits_the_windows_are_still_checked(workshop: Workshop, heard: list[Event]) -> None:
    left_waiting(workshop)
    left_waiting(workshop, emit=heard.append)
    assert [event.tool for event in heard if isinstance(event, ToolFinished)] == ["check_drift"]
    assert told(workshop).count(f"told more: {WAITS}") == 1


def test_a_finished_loop_is_followed_by_a_new_one(workshop: Workshop) -> None:
    first = look_after(workshop, yes)
    set_world(workshop, level=Level.GREEN, retrain=False)
    second = look_after(workshop, yes)
    assert second.loop != first.loop
    assert (first.outcome, second.outcome, trainings(workshop)) == ("promoted", "nothing_to_do", 1)


def test_a_retraining_is_asked_for_with_what_the_request_gives(workshop: Workshop, heard: list[Event]) -> None:
    look_after(workshop, yes, heard.append, budget_seconds=7, seed=3)
    asked = [event.arguments for event in heard if isinstance(event, ToolStarted) and event.tool == "retrain_model"]
    monitor = workshop.monitoring.monitors.get(NAME).id
    assert asked == [{"monitor": monitor, "budget_seconds": 7.0, "seed": 3}]


def test_another_at_the_same_monitor_is_told_busy(workshop: Workshop) -> None:
    monitor = workshop.monitoring.monitors.get(NAME).id
    with lease(workshop.home / "monitors" / monitor, "monitor", monitor), pytest.raises(Busy) as busy:
        look_after(workshop, yes)
    assert busy.value.code == "monitor_busy"
    assert effects(workshop.home) == []


def test_a_monitor_that_is_not_there_is_not_looked_after(workshop: Workshop) -> None:
    with open_saver(workshop.home) as saver, pytest.raises(NotFound) as missing:
        waiting(workshop, saver, "chrun")
    assert missing.value.code == "monitor_not_found"


# decided elsewhere


def at_peace(workshop: Workshop) -> None:
    set_world(workshop, level=Level.GREEN, retrain=False)


def outcomes(heard: list[Event]) -> list[Outcome]:
    return [LoopSummary.model_validate(event.summary).outcome for event in heard if isinstance(event, RunFinished)]


def test_a_challenger_that_was_promoted_by_hand_is_not_asked_about_and_a_new_loop_begins(
    workshop: Workshop, saver: BaseCheckpointSaver[Any], heard: list[Event]
) -> None:
    left_waiting(workshop)
    workshop.call("promote_model", model=NEW)
    at_peace(workshop)
    assert waiting(workshop, saver, NAME) is None
    assert look_after(workshop, emit=heard.append).outcome == "nothing_to_do"
    assert outcomes(heard) == ["settled", "nothing_to_do"]
    assert promotions(workshop) == [f"promote {NEW} to champion"]
    assert told(workshop)[-1].endswith("The proposal for churn was decided elsewhere; nothing more is done with it.")


def test_a_challenger_that_was_rolled_back_by_hand_is_not_promoted_again(
    workshop: Workshop, heard: list[Event]
) -> None:
    left_waiting(workshop)
    workshop.call("promote_model", model=NEW)
    workshop.call("roll_back_model", name=NAME)
    at_peace(workshop)
    look_after(workshop, emit=heard.append, approve_all=True)
    assert (outcomes(heard), champion(workshop)) == (["settled", "nothing_to_do"], NOW)


def test_a_roll_back_is_no_longer_proposed_once_another_is_the_champion(workshop: Workshop, heard: list[Event]) -> None:
    set_world(workshop, wins=False, earlier_wins=True)
    left_waiting(workshop)
    workshop.call("promote_model", model=NEW)
    at_peace(workshop)
    look_after(workshop, yes, heard.append)
    assert (outcomes(heard), champion(workshop)) == (["settled", "nothing_to_do"], NEW)


def test_a_yes_that_comes_after_somebody_else_decided_changes_nothing(workshop: Workshop) -> None:
    def meanwhile(_: Proposal) -> bool:
        workshop.call("promote_model", model=BEFORE)
        return True

    assert look_after(workshop, meanwhile).outcome == "settled"
    assert (champion(workshop), retrainings(workshop)) == (BEFORE, ["declined"])


# what is heard


def test_the_course_is_told_as_events(workshop: Workshop, heard: list[Event]) -> None:
    summary = look_after(workshop, yes, heard.append)
    assert tools_of(heard) == [
        *("check_drift", "evaluate_actions", "retrain_model", "announce", "promote_model", "tell_outcome")
    ]
    assert heard[-1] == RunFinished(run=summary.loop, summary=summary.model_dump(mode="json"))
    job = next(event.job for event in heard if isinstance(event, ToolStarted) and event.tool == "retrain_model")
    assert job is not None
    assert workshop.jobs.status(job).state == "done"


def test_the_words_say_what_drifted_where_it_hurts_and_what_follows(workshop: Workshop, heard: list[Event]) -> None:
    look_after(workshop, yes, heard.append)
    said = text_of(heard)
    assert "Drifted: tenure (RED since window 3)." in said
    assert "Worst where plan = A: error 0.6, elsewhere 0.2 (30 rows)." in said
    assert "Policy: roll back and retrain, due 2026-01-01T00:00+00:00. 4 features drifted. A challenger" in said
    assert f"{verdict(True)} Promoting it is put before you." in said


def test_a_loop_that_waits_says_so_and_how_it_is_answered(workshop: Workshop, heard: list[Event]) -> None:
    with pytest.raises(ApprovalNeeded, match=f"Making {NEW} the champion waits for approval") as waits:
        look_after(workshop, emit=heard.append)
    assert isinstance(heard[-1], RunFailed)
    assert (heard[-1].code, heard[-1].sentence) == ("approval_needed", waits.value.sentence)
    assert "millwright monitor run" in waits.value.hint


OUTCOMES: dict[Outcome, dict[str, Any]] = {
    "nothing_to_do": {"level": Level.GREEN, "retrain": False},
    "kept": {"wins": False},
    "not_trained": {"refusal": "few"},
    "promoted": {},
    "rolled_back": {"wins": False, "earlier_wins": True},
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_only_what_ends_the_trouble_is_told_as_its_end(workshop: Workshop, outcome: Outcome) -> None:
    set_world(workshop, **OUTCOMES[outcome])
    assert look_after(workshop, yes).outcome == outcome
    ended = any(line.startswith("told the end") for line in told(workshop))
    assert ended == (outcome in {"promoted", "rolled_back"})


def test_the_graph_is_drawn_with_every_step_from_detecting_to_telling() -> None:
    drawn = build_loop().compile().get_graph()
    steps = {"detect", "diagnose", "decide", "retrain", "gate", "announce", "approve", "promote", "roll_back", "tell"}
    assert steps <= set(drawn.nodes)
