"""Judging language models by what they do here: scenarios played through the same graphs, figures with intervals."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.provider import LlmSettings, chat_model
from engine.errors import BadArguments, NotFound, ProviderFailed
from engine.files import write_json
from millwright.evaluation_checks import unmet
from millwright.evaluation_figures import Comparison, Figures, Tried, compared, figures_of
from millwright.evaluation_play import play
from millwright.evaluation_trace import StepTrace, Trace
from millwright.evaluation_types import Scenario, read_scenarios
from millwright.settings import Settings
from tools.finding import without_secrets

OFFLINE = "offline"
PROVIDER_FAILED = ProviderFailed.code
MOST_SILENT = 3
"""Scenarios in a row in which the endpoint failed, after which it is the endpoint that is broken, not the model."""
MOST_TEXT = 4_000
"""Characters of a text that are kept with an outcome."""


class EvaluationRequest(BaseModel):
    """What is to be judged: a model, perhaps against another one, on which scenarios, how often each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1, description="'offline', or a model's name at the endpoint.")
    against: str | None = Field(None, min_length=1, description="Another one to compare it with.")
    base_url: str | None = Field(None, description="Endpoint; that of the settings by default.")
    scenarios: str = Field("*", description="Pattern of ids, or of YAML files of one's own.")
    repeats: int = Field(1, ge=1, le=100, description="How often each scenario is played.")
    seed: int = Field(0, ge=0, description="Seed of the intervals.")

    @property
    def models(self) -> tuple[str, ...]:
        return (self.model,) if self.against is None else (self.model, self.against)


class Evaluation(BaseModel):
    """An evaluation as it is kept, in home/evals/<id>.json. `scenarios` are their ids with what they were.

    `figures` are those of the models, in the order of the request, over what has been `tried` so far.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    began: datetime
    request: EvaluationRequest
    scenarios: dict[str, str]
    tried: tuple[Tried, ...] = ()
    figures: tuple[Figures, ...] = ()
    comparison: Comparison | None = None

    @property
    def finished(self) -> bool:
        return len(self.tried) == len(self.scenarios) * self.request.repeats * len(self.request.models)


Told = Callable[[Tried, int, int], None]
"""Hears of each trial as it ends, with how many are done and how many there are."""


def untold(_: Tried, __: int, ___: int) -> None:
    """The listener that does not listen."""


def new_evaluation_id() -> str:
    """A fresh id, e.g. 'eval_1b2d4e3f9a0c'."""
    return f"eval_{secrets.token_hex(6)}"


def start_evaluation(
    settings: Settings, request: EvaluationRequest, *, name: str | None = None, told: Told = untold
) -> Evaluation:
    """Play every scenario with every model. Each trial is kept as it ends, in a file of the home of `settings`.

    Args:
        name: its id, to be able to go on with it whatever happens; `new_evaluation_id()` by default.

    Raises:
        NotFound: no such scenario.
        BadArguments: a scenario that is none, the same model twice, or an address with a password in it.
        BadSettings: no model can be made of the settings.
        ProviderFailed: the endpoint failed several times in a row; what was finished before is kept.
    """
    if request.model == request.against:
        raise BadArguments(f"{request.model!r} cannot be compared with itself.", "Name another model with --against.")
    if request.base_url is not None and without_secrets(request.base_url) != request.base_url:
        raise BadArguments(
            "An evaluation is kept on disk, and its address holds a password or parameters.",
            "Set MILLWRIGHT_LLM__BASE_URL instead.",
        )
    if request.base_url is not None and set(request.models) == {OFFLINE}:
        raise BadArguments("The offline planner has no endpoint.", "Leave out --base-url, or name another --model.")
    scenarios = read_scenarios(request.scenarios)
    for model in request.models:
        chat_model(llm_of(settings, request, model))
    known = {scenario.id: scenario.hash for scenario in scenarios}
    if len(known) < len(scenarios):
        raise BadArguments("Two scenarios have the same name.", "Rename one of the files.")
    evaluation = Evaluation(id=name or new_evaluation_id(), began=datetime.now(UTC), request=request, scenarios=known)
    _keep(settings, evaluation)
    return _carry_out(settings, evaluation, scenarios, told)


def resume_evaluation(settings: Settings, name: str, *, told: Told = untold) -> Evaluation:
    """Go on with an evaluation that was cut off: what was tried stays, the rest is played.

    Raises:
        NotFound: `evaluation_not_found`.
        BadArguments: a scenario is not what it was.
        ProviderFailed: as `start_evaluation`.
    """
    evaluation = read_evaluation(settings, name)
    scenarios = read_scenarios(evaluation.request.scenarios)
    changed = evaluation.scenarios.items() ^ {scenario.id: scenario.hash for scenario in scenarios}.items()
    if changed:
        raise BadArguments(
            f"Scenario {min(changed)[0]!r} is not what it was when {evaluation.id} began.", "Begin a new evaluation."
        )
    return _carry_out(settings, evaluation, scenarios, told)


def read_evaluation(settings: Settings, name: str) -> Evaluation:
    """An evaluation as far as it has come.

    Raises:
        NotFound: `evaluation_not_found`.
        BadArguments: the file is not one of ours.
    """
    # an id is a name, never a path
    file = _file(settings, Path(name).name)
    if not file.is_file():
        raise NotFound("evaluation", name, sorted(path.stem for path in file.parent.glob("eval_*.json")))
    try:
        return Evaluation.model_validate_json(file.read_text(encoding="utf-8"))
    except (ValidationError, ValueError) as error:
        raise BadArguments(f"{str(file)!r} is no evaluation of this version.", "Begin a new evaluation.") from error


def llm_of(settings: Settings, request: EvaluationRequest, model: str) -> LlmSettings:
    """How `model` is reached: the planner that needs no endpoint, or a name at the endpoint of the settings.

    No other model answers in its place. The key of the settings goes to no other endpoint than the one it is set for.
    """
    if model == OFFLINE:
        return LlmSettings()
    llm = settings.llm
    alone: dict[str, Any] = dict.fromkeys(("fallback_model", "fallback_base_url", "fallback_api_key"))
    change = {**alone, "model": model, "provider": "openai" if llm.provider == OFFLINE else llm.provider}
    if request.base_url is not None and request.base_url != llm.base_url:
        change |= {"base_url": request.base_url, "provider": "openai"}
        # with no model set, the key is for whatever is named here
        change |= {} if llm.provider == OFFLINE and llm.base_url is None else {"api_key": None}
    return llm.model_copy(update=change)


def _carry_out(settings: Settings, evaluation: Evaluation, scenarios: list[Scenario], told: Told) -> Evaluation:
    by_id = {scenario.id: scenario for scenario in scenarios}
    kept, silent = list(evaluation.tried), 0
    whole = len(scenarios) * evaluation.request.repeats * len(evaluation.request.models)
    for model, scenario, repeat in _left(evaluation):
        one = _try(settings, evaluation, model, by_id[scenario], repeat)
        silent = silent + 1 if one.provider_failed else 0
        if silent == MOST_SILENT:
            del kept[len(kept) - silent + 1 :]
            _keep(settings, _with(evaluation, kept))
            raise ProviderFailed(
                f"The endpoint failed in {silent} scenarios in a row, the last time with {model!r}.",
                f"Check it, then go on: millwright eval --resume {evaluation.id}",
            )
        kept.append(one)
        _keep(settings, _with(evaluation, kept))
        told(one, len(kept), whole)
    return _with(evaluation, kept)


def _left(evaluation: Evaluation) -> Iterator[tuple[str, str, int]]:
    """What is still to be played. Models take turns: what is cut off has been compared."""
    done = {(one.model, one.scenario, one.repeat) for one in evaluation.tried}
    for repeat in range(evaluation.request.repeats):
        for scenario in evaluation.scenarios:
            for model in evaluation.request.models:
                if (model, scenario, repeat) not in done:
                    yield model, scenario, repeat


def _try(settings: Settings, evaluation: Evaluation, model: str, scenario: Scenario, repeat: int) -> Tried:
    # by letters alone: a path is told in texts, and must hold nothing that looks like a figure
    name = "".join(secrets.choice(ascii_lowercase) for _ in range(12))
    home = _file(settings, evaluation.id).parent / "homes" / name
    llm = llm_of(settings, evaluation.request, model)
    trace = play(scenario, settings.model_copy(update={"llm": llm}), home)
    found = unmet(scenario, trace)
    calls = [call for call in trace.calls if call.counts]
    stated = [one for step in trace.steps for one in step.stated]
    taken_back = sum(step.taken_back for step in trace.steps)
    costs = [step.cost for step in trace.steps if step.cost is not None]
    return Tried(
        model=model,
        scenario=scenario.id,
        kind=scenario.kind,
        repeat=repeat,
        ok=not found,
        unmet=found,
        claims=len(stated) + taken_back,
        grounded=sum(one.grounded for one in stated),
        calls=len(calls),
        valid=sum(call.valid for call in calls),
        prompt_tokens=sum(step.prompt_tokens for step in trace.steps),
        completion_tokens=sum(step.completion_tokens for step in trace.steps),
        cost=sum(costs) if costs else None,
        seconds=round(sum(step.seconds for step in trace.steps), 3),
        provider_failed=_failed_provider(trace),
        heard=tuple(_told_of(step) for step in trace.steps),
    )


def _failed_provider(trace: Trace) -> bool:
    """Whether no step got an answer from the endpoint."""
    return all(step.error == PROVIDER_FAILED for step in trace.steps)


def _told_of(step: StepTrace) -> Mapping[str, object]:
    """A step as it is kept with an outcome: without the results, which are long."""
    calls = [{name: value for name, value in asdict(call).items() if name != "result"} for call in step.calls]
    texts = {"said": step.said[:MOST_TEXT], "text": step.text[:MOST_TEXT], "state": step.state, "error": step.error}
    return {**texts, "calls": calls, "ungrounded": [one.value for one in step.stated if not one.grounded]}


def _with(evaluation: Evaluation, tried: list[Tried]) -> Evaluation:
    """The evaluation with what was tried so far, and the figures of that."""
    request = evaluation.request
    models = [model for model in request.models if any(one.model == model for one in tried)]
    return evaluation.model_copy(
        update={
            "tried": tuple(tried),
            "figures": tuple(figures_of(model, tried, request.seed) for model in models),
            "comparison": compared(models[0], models[1], tried, request.seed) if len(models) == 2 else None,
        }
    )


def _keep(settings: Settings, evaluation: Evaluation) -> None:
    write_json(_file(settings, evaluation.id), evaluation.model_dump(mode="json"))


def _file(settings: Settings, name: str) -> Path:
    return settings.home.resolve() / "evals" / f"{name}.json"
