"""Beginning a run at a checkpoint of another: what may still be changed there, and where else when it may not."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from engine.errors import BadArguments
from engine.naming import did_you_mean
from graphs.pipeline import PipelineState, after_preprocess, after_validate
from graphs.pipeline_types import Attempt, Checkpoint, PipelineRequest

NODES = ("load", "preprocess", "train", "validate", "finish")
CHECKS = ("beats_baseline", "min_score", "no_leak")
DECIDED = {
    **dict.fromkeys(
        (
            *("goal", "data", "target", "split", "split_column", "test_fraction", "seed"),
            *("delimiter", "encoding", "sheet", "query"),
        ),
        "load",
    ),
    **dict.fromkeys(("drop", "keep", "clean", "kinds"), "preprocess"),
    **dict.fromkeys(("models", "max_models", "device", "processes", "metric", "task"), "train"),
    "checks": "validate",
    **dict.fromkeys(("name", "keep_best"), "finish"),
}
"""The node that makes each field immovable; budget and attempts are never used up."""
FREE = ("budget_seconds", "attempts")


class Place(Protocol):
    """A checkpoint with the state that it keeps."""

    @property
    def checkpoint(self) -> Checkpoint: ...

    @property
    def values(self) -> PipelineState: ...


def changed_request(state: PipelineState, changes: Mapping[str, object]) -> tuple[PipelineRequest, dict[str, object]]:
    """The request of a state with `changes`, checked; and those that really change something.

    `checks` and the names of single checks change those alone.

    Raises:
        BadArguments: no such field, or a value that does not fit.
        BadBudget, BadChoice, DeviceMissing: as `PipelineRequest.check`.
    """
    before = PipelineRequest.model_validate(state["request"])
    given = {name: value for name, value in changes.items() if name not in CHECKS}
    unknown = [name for name in given if name not in DECIDED and name not in FREE]
    if unknown:
        known = [*DECIDED, *FREE, *CHECKS]
        raise BadArguments(
            f"A branch cannot change {unknown[0]!r}.", did_you_mean(unknown[0], known) or f"It can: {', '.join(known)}."
        )
    single = {name: value for name, value in changes.items() if name in CHECKS}
    checks = given.get("checks", {})
    if single or isinstance(checks, Mapping):
        given["checks"] = {**before.checks.model_dump(), **(checks if isinstance(checks, Mapping) else {}), **single}
    if given.get("max_models") is not None and "budget_seconds" not in given:
        given["budget_seconds"] = None
    elif given.get("budget_seconds") is not None and "max_models" not in given:
        given["max_models"] = None
    after = PipelineRequest.of(**{**before.model_dump(mode="json"), **given})
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return after, {name: new[name] for name in new if new[name] != old[name]}


def refused(state: PipelineState, node: str, request: PipelineRequest, changes: Mapping[str, object]) -> str:
    """Why these changes cannot be made at this state, that of `node`; '' when they can."""
    following = next_node({**state, "request": request.model_dump(mode="json")}, node)
    if following is None:
        return "the run is over there, and nothing follows that could be changed"
    for name in changes:
        why = _fixed(name, state, node, following)
        if why:
            return why
    return ""


def _fixed(name: str, state: PipelineState, node: str, following: str) -> str:
    decided = DECIDED.get(name)
    if decided is None:
        return ""
    trained = bool(state.get("attempts")) or node in {"train", "validate"}
    if name in {"metric", "task"} and trained:
        return f"{name!r} is what the attempts so far were scored by"
    if name == "checks" and node == "validate":
        return f"{name!r} has been judged by already"
    if NODES.index(decided) < NODES.index(following):
        return f"{name!r} was decided by {decided}"
    return ""


def next_node(state: PipelineState, node: str) -> str | None:
    """What follows `node` in this state."""
    match node:
        case "load":
            return "preprocess"
        case "preprocess":
            return after_preprocess(state)
        case "train":
            return "validate"
        case "validate":
            return after_validate(state)
        case _:
            return None


def node_of(name: str) -> str:
    """The node that left a checkpoint: 'train' of 'train-2'."""
    return name.partition("-")[0]


def begun(place: Place, places: Sequence[Place], run: str, changes: Mapping[str, object]) -> PipelineState:
    """The state of the new run `run` that begins at `place` of another with `changes`.

    Raises:
        BadArguments: a change comes too late there; says from where it can be made. A least score that was meant in
            another metric; as `changed_request`.
        BadBudget, BadChoice, DeviceMissing: as `changed_request`.
    """
    state, name = place.values, place.checkpoint.name
    request, really = changed_request(state, changes)
    _check_least_score(state, request, changes)
    why = refused(state, node_of(name), request, really)
    if why:
        raise _too_late(place, places, changes, why)
    if "models" in really and state.get("prepared"):
        prepared = state["prepared"]
        state = {**state, "prepared": {**prepared, "setup": {**prepared["setup"], "models": None}}}
    return {
        **state,
        "run": run,
        "lineage": [run, *state["lineage"]],
        "request": request.model_dump(mode="json"),
        "changed": [field for field in really if DECIDED.get(field) in {"preprocess", "train"}],
        "trail": [name],
        "branch": {
            "run": place.checkpoint.run, "checkpoint": name, "checkpoint_id": place.checkpoint.checkpoint_id,
            "changes": really,
        },
    }  # fmt: skip


def latest_fit(places: Sequence[Place], changes: Mapping[str, object]) -> Place | None:
    """The latest place at which these changes can be made."""
    for place in reversed(places):
        request, really = changed_request(place.values, changes)
        if not refused(place.values, node_of(place.checkpoint.name), request, really):
            return place
    return None


def _too_late(place: Place, places: Sequence[Place], changes: Mapping[str, object], why: str) -> BadArguments:
    run, name = place.checkpoint.run, place.checkpoint.name
    names = [other.checkpoint.name for other in places]
    earlier = latest_fit(places[: names.index(name)], changes)
    hint = f"Branch from {run}:{earlier.checkpoint.name} instead." if earlier else "Start a new pipeline for that."
    return BadArguments(f"This comes too late at {run}:{name}: {why}.", hint)


def _check_least_score(state: PipelineState, request: PipelineRequest, changes: Mapping[str, object]) -> None:
    before = PipelineRequest.model_validate(state["request"])
    given = "min_score" in changes or "checks" in changes
    if before.metric != request.metric and request.checks.min_score is not None and not given:
        raise BadArguments(
            f"The least score {request.checks.min_score:g} was meant in {before.metric or 'the usual metric'}.",
            f"Say what it is to be in {request.metric or 'the usual metric'}, or null for none.",
        )


def holds(values: Mapping[str, Any], name: str) -> str:
    """What is in a checkpoint, in a few words."""
    match node_of(name):
        case "load":
            return f"dataset {values['dataset']}, target {values['target']}"
        case "preprocess":
            if values.get("stopped"):
                return "the decision to stop"
            prepared = values["prepared"]
            return f"what to train on: {len(prepared['drop'])} column(s) left out"
        case "train":
            result = values["training"]
            return f"{len(result['leaderboard'])} candidate(s), best {result['best']}"
        case "validate":
            last = Attempt.model_validate(values["attempts"][-1])
            return "passed" if last.passed else f"failed: {', '.join(check.name for check in last.failed)}"
        case _:
            return f"the end: {values['summary']['state']}"
