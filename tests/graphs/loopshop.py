"""A workshop whose monitored world is told in a file: checks, advice and contests end as it says, in milliseconds.

Monitors, retrainings, aliases and jobs are the real ones; what a tool does beyond them is written down as an effect, so
that one done twice shows. As in `smallshop`, a process can be killed at every place.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from engine.drift.levels import Level
from engine.drift.policy import ActionName
from engine.errors import Busy, JobFailed, MillwrightError, TooFewRows
from engine.monitoring.records import RetrainingState, WindowSpec
from engine.registry_index import Index, IndexRow
from graphs.checkpoints import open_saver
from graphs.events import Emit, unheard
from graphs.loop_types import LoopRequest, LoopSummary
from graphs.loops import Approve, run_loop
from tests.graphs.smallshop import effects, kill_here, note, small_workshop
from tools.catalogue import CATALOGUE
from tools.drift import (
    ActionAdvice,
    CheckDriftRequest,
    DriftCheck,
    DriftedFeature,
    EvaluateActionsRequest,
    OutcomeTold,
    Retrained,
    RetrainModelRequest,
    Slice,
    TellOutcomeRequest,
)
from tools.inline import InlineJobs
from tools.models import PromoteModelRequest, Promotion, RollBackModelRequest
from tools.settling import settle
from tools.workshop import Workshop

NAME = "churn"
Refusal = Literal["few", "busy", "cancelled"]
BEFORE, NOW, NEW = "mdl_before", "mdl_now", "mdl_new"
ACTIONS: dict[Level, ActionName] = {
    Level.GREEN: "go_on",
    Level.YELLOW: "watch_closer",
    Level.ORANGE: "prepare_retraining",
    Level.RED: "roll_back_and_retrain",
}


class World(BaseModel):
    """How things are with the monitored model, and how a contest would end."""

    model_config = ConfigDict(frozen=True)

    level: Level = Level.RED
    retrain: bool = True
    wins: bool = True
    earlier_wins: bool = False
    refusal: Refusal | None = None


def set_world(workshop: Workshop, **values: Any) -> None:
    """Let things be so from now on."""
    (workshop.home / "world.json").write_text(World(**values).model_dump_json())


def watched_workshop(home: Path, **world: Any) -> Workshop:
    """A new home with three versions of one name, the second champion after the first, and a monitor of it."""
    workshop = loop_workshop(home)
    set_world(workshop, **world)
    for version, model in enumerate((BEFORE, NOW, NEW), 1):
        _index(workshop).add(IndexRow(model, NAME, version, f"run_{version}", f"models/{model}", datetime.now(UTC)))
    for model in (BEFORE, NOW):
        _index(workshop).set_alias(NAME, "champion", model)
    workshop.monitoring.monitors.create(model=NAME, reference=NOW, window=WindowSpec(rows=20))
    return workshop


def loop_workshop(home: Path) -> Workshop:
    """The workshop over a home that was made before."""
    return replace(small_workshop(home), tools=TOOLS, jobs=InlineJobs(home, lambda: loop_workshop(home)))


def look_after(workshop: Workshop, approve: Approve | None = None, emit: Emit = unheard, **choices: Any) -> LoopSummary:
    """Run the monitor's loop once."""
    with open_saver(workshop.home) as saver:
        return run_loop(workshop, saver, LoopRequest(monitor=NAME, **choices), approve, emit)


def champion(workshop: Workshop) -> str:
    return workshop.registry.get(f"{NAME}@champion").model_id


def retrainings(workshop: Workshop) -> list[RetrainingState]:
    """How the monitor's retrainings stand, in order."""
    monitors = workshop.monitoring.monitors
    return [one.state for one in monitors.retrainings.list(monitors.get(NAME).id)]


def told(workshop: Workshop) -> list[str]:
    """What somebody was told, in order."""
    return [effect for effect in effects(workshop.home) if effect.startswith("told")]


# tools


def check_drift(workshop: Workshop, request: CheckDriftRequest) -> DriftCheck:
    kill_here(workshop.home, "before check")
    _wait_while_held(workshop)
    level = _world(workshop).level
    if level > Level.GREEN:
        _once(workshop, f"told {level}")
    kill_here(workshop.home, "after check")
    return DriftCheck(monitor=request.monitor, model=NOW, level=level, found=None)


def evaluate_actions(workshop: Workshop, request: EvaluateActionsRequest) -> ActionAdvice:
    world = _world(workshop)
    return ActionAdvice(
        monitor=NAME,
        model=NAME,
        level=world.level,
        action=ACTIONS[world.level],
        due="2026-01-01T00:00+00:00" if world.retrain else None,
        retrain=world.retrain,
        reasons=("4 features drifted.",) if world.retrain else (),
        features=(DriftedFeature(column="tenure", level=world.level, since=3, effect=0.4),) if world.retrain else (),
        slices=(Slice(rows_where="plan = A", rows=30, share=0.3, reference_share=0.3, error=0.6, error_elsewhere=0.2),),
        next_steps=(),
    )


def retrain_model(workshop: Workshop, request: RetrainModelRequest) -> Retrained:
    job, world = workshop.job, _world(workshop)
    assert job is not None
    if world.refusal is not None:
        raise _refused(world.refusal)
    found = job.step("begin", lambda: _begun(workshop, request.monitor, job.id))
    job.step("train", lambda: _trained(workshop, job.id))
    job.step("contest", lambda: _contested(workshop, found, world))
    return Retrained(
        monitor=NAME,
        retraining=found,
        champion=NOW,
        challenger=NEW,
        trained_on="fresh rows alone",
        passed=world.wins,
        metric="roc_auc",
        champion_value=0.6,
        challenger_value=0.9 if world.wins else 0.6,
        improvement=(0.2, 0.4) if world.wins else (-0.1, 0.1),
        p_value=0.001 if world.wins else 0.5,
        gate_rows=200,
        fresh_rows=300,
        old_rows=0,
        verdict=verdict(world.wins),
        roll_back_to=BEFORE if world.earlier_wins and not world.wins else None,
    )


def verdict(wins: bool) -> str:
    """The sentence about the contest."""
    how = "0.9 is better than" if wins else "0.6 is not shown to be better than"
    return f"The challenger's roc_auc of {how} the champion's 0.6 on 200 rows."


def _refused(why: Refusal) -> MillwrightError:
    match why:
        case "few":
            return TooFewRows("12 logged rows have labels; 150 are needed.", "Tell the true values of more.")
        case "busy":
            return Busy("retraining", "ret_1")
        case "cancelled":
            return JobFailed("The training was cancelled before its first model was through.")


def _begun(workshop: Workshop, monitor: str, job: str) -> str:
    monitors = workshop.monitoring.monitors
    begun = monitors.retrainings.begin(monitors.get(monitor).id, 3, champion=NOW, at=workshop.now(), job=job)
    if begun.retraining.job != job:
        raise Busy("retraining", begun.retraining.id)
    kill_here(workshop.home, "after begin")
    return begun.retraining.id


def _trained(workshop: Workshop, job: str) -> bool:
    kill_here(workshop.home, "before train")
    _once(workshop, f"train {job}")
    kill_here(workshop.home, "after train")
    return True


def _contested(workshop: Workshop, retraining: str, world: World) -> bool:
    workshop.monitoring.monitors.retrainings.finish(
        retraining, "won" if world.wins else "lost", at=workshop.now(), challenger=NEW
    )
    kill_here(workshop.home, "after contest")
    return world.wins


def promote_model(workshop: Workshop, request: PromoteModelRequest) -> Promotion:
    kill_here(workshop.home, "before promote")
    note(workshop, f"promote {request.model} to {request.alias}")
    before = champion(workshop)
    _index(workshop).set_alias(NAME, request.alias, request.model)
    settle(workshop, NAME, request.model)
    kill_here(workshop.home, "after promote")
    return _promotion(workshop, before)


def roll_back_model(workshop: Workshop, request: RollBackModelRequest) -> Promotion:
    before, back = champion(workshop), workshop.registry.previous(request.name)
    assert back is not None
    note(workshop, f"roll {request.name} back to {back.model_id}")
    _index(workshop).set_alias(NAME, "champion", back.model_id, back=True)
    kill_here(workshop.home, "after roll back")
    return _promotion(workshop, before)


def tell_outcome(workshop: Workshop, request: TellOutcomeRequest) -> OutcomeTold:
    kill_here(workshop.home, "before telling")
    _once(workshop, f"told {'the end' if request.resolved else 'more'}: {request.sentence}")
    kill_here(workshop.home, "after telling")
    return OutcomeTold(monitor=NAME, told=())


def _promotion(workshop: Workshop, before: str) -> Promotion:
    record = workshop.registry.get(f"{NAME}@champion")
    return Promotion(model=record.model_id, name=NAME, version=record.version, alias="champion", previous=before)


def _once(workshop: Workshop, effect: str) -> None:
    """The alert desk tells a trouble once, and a training keeps what was fitted."""
    if effect not in effects(workshop.home):
        note(workshop, effect)


def _wait_while_held(workshop: Workshop) -> None:
    """Stay here for as long as the file `hold` lies in the home; `held` says that this place was reached."""
    while (workshop.home / "hold").exists():
        (workshop.home / "held").touch()
        time.sleep(0.01)


def _world(workshop: Workshop) -> World:
    return World.model_validate_json((workshop.home / "world.json").read_bytes())


def _index(workshop: Workshop) -> Index:
    return Index(f"sqlite:///{workshop.home.resolve() / 'registry.db'}", workshop.home)


TOOLS = {
    function.__name__: replace(CATALOGUE[function.__name__], function=function, check=None)
    for function in (check_drift, evaluate_actions, retrain_model, promote_model, roll_back_model, tell_outcome)
}
"""The real ones' names, requests and results before other functions."""
