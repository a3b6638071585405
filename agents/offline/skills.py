"""What the planner can do: one short function per kind of request, from the request to the words for its result."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agents.offline import distil, optimising, retraining, standing, wording
from agents.offline.columns import find_column, find_columns, named_exactly, nearly_named
from agents.offline.conversation import Json, Known
from agents.offline.finding import (
    DEFAULT_BUDGET,
    NO_DATA,
    NO_MODEL,
    bare,
    budget_for,
    dataset_for,
    given,
    job_for,
    load,
    model_for,
    named_dataset,
    target_for,
)
from agents.offline.labelling import id_column
from agents.offline.playing import Asked, Play, Request, Told
from agents.offline.slots import Slots
from agents.offline.tables import BERT, NOT_PRETRAINED
from agents.offline.wording import name_of, names
from engine.families import CLASSIC, NETWORKS, usual_families
from engine.pixels import kinds_with_pixels

SETTINGS = (
    *("target", "task", "metric", "models", "budget_seconds", "max_models", "drop", "seed"),
    *("device", "processes"),
)
"""What a follow-up keeps of the last training."""
NO_ROWS = "Which rows should I predict? Give me a file, or values such as tenure=3, Contract=Two year."


# data


def import_data(play: Play, request: Request) -> str:
    if request.slots.source is None:
        raise Asked("source", NO_DATA)
    dataset = load(play, request.slots)
    return wording.imported(play.known.datasets[dataset])


def list_datasets(play: Play, request: Request) -> str:
    return wording.datasets(play.use("list_datasets"))


def profile(play: Play, request: Request) -> str:
    dataset = dataset_for(play, request)
    said = bare(request.slots.target or "")
    match = find_column(said, play.known.column_names(dataset)) if said else None
    arguments = given(dataset=dataset, target=match.column if match else None)
    return wording.profiled(play.use_mended("profile_dataset", **arguments))


# training


def train(play: Play, request: Request) -> str:
    _check_families(play, request)
    dataset = dataset_for(play, request)
    target = target_for(play, request, dataset, _last_target(play.known, dataset))
    arguments = {"dataset": dataset, "target": target, **changes(play, request.slots, dataset, {})}
    return wording.trained(play.use_mended("train_model", **arguments, **given(name=request.slots.name)))


def estimate(play: Play, request: Request) -> str:
    _check_families(play, request)
    dataset = dataset_for(play, request)
    base = _base(play.known, dataset)
    target = target_for(play, request, dataset, _last_target(play.known, dataset))
    arguments = {**base, "dataset": dataset, "target": target, **changes(play, request.slots, dataset, base)}
    return wording.estimated(play.use_mended("estimate_training", **arguments))


def refine(play: Play, request: Request) -> str:
    """Go on from the last training (or estimate) with something changed; right after a distillation, from that."""
    if distil.goes_on(play, request):
        return distil.again(play, request)
    if optimising.goes_on(play, request):
        return optimising.optimise(play, request)
    if retraining.goes_on(play, request):
        return retraining.retrain(play, request)
    _check_families(play, request)
    tool = play.known.training_tool
    dataset = dataset_for(play, replace(request, text="")) if request.slots.source else _last_dataset(play, request)
    base = _base(play.known, dataset)
    arguments = {**base, "dataset": dataset, **changes(play, request.slots, dataset, base)}
    if bare(request.slots.target or "") or "target" not in base:
        arguments["target"] = target_for(play, request, dataset, _last_target(play.known, dataset))
    result = play.use_mended(tool, **arguments)
    return wording.trained(result) if tool == "train_model" else wording.estimated(result)


def go(play: Play, request: Request) -> str:
    """'go ahead' after an estimate or a load."""
    if play.known.training_tool == "estimate_training" and play.known.training:
        dataset = _last_dataset(play, request)
        return wording.trained(play.use_mended("train_model", **_base(play.known, dataset), dataset=dataset))
    if play.known.dataset is not None and play.known.training is None:
        return train(play, request)
    raise Told("Tell me what to do next, for example 'train on sample:churn'. 'help' shows what I can do.")


def changes(play: Play, slots: Slots, dataset: str, base: Mapping[str, Any]) -> Json:
    """The settings of a training that `slots` name, on top of `base`."""
    out = given(
        metric=slots.metric,
        seed=slots.seed,
        drop=_drop(play, slots, dataset, base),
        device=slots.device,
        processes=slots.processes,
    )
    out.update(given(budget_seconds=budget_for(slots, base)))
    if slots.max_models is not None:
        # without a time of its own, a count means: this much work, however long it takes
        out.update(max_models=slots.max_models, budget_seconds=slots.budget)
    there = _candidates(play.known, dataset, {**base, **out})
    return {**out, **given(models=_families(slots, base.get("models"), there))}


def _candidates(known: Known, dataset: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The candidates that a training with these settings would have."""
    if settings.get("models"):
        return tuple(settings["models"])
    used = [
        column
        for column in known.columns(dataset)
        if column.get("kind") != "identifier" and column["name"] not in (settings.get("drop") or ())
    ]
    kinds = kinds_with_pixels({str(column["name"]): str(column.get("kind")) for column in used})
    return usual_families(kinds, settings.get("budget_seconds", DEFAULT_BUDGET))


def _families(slots: Slots, before: list[str] | None, there: tuple[str, ...]) -> list[str] | None:
    if slots.families:
        adds = before and re.search(r"\b(?:also|add|too|as well|in addition)\b", slots.rest)
        chosen = [*(before or []), *slots.families] if adds else list(slots.families)
    elif slots.without:
        chosen = [name for name in there if name not in slots.without]
        if not chosen:
            raise Told(f"Without {names(slots.without)} no model is left to train. {_ALL_CANDIDATES}")
    else:
        return None
    return list(dict.fromkeys(chosen))


def _drop(play: Play, slots: Slots, dataset: str, base: Mapping[str, Any]) -> list[str] | None:
    """Columns to leave out: those of before, without what is to be used again, and what `slots` name."""
    columns = play.known.column_names(dataset)
    last = [str(name) for name in base.get("drop") or []]
    always = [name for name in standing.left_out((*play.turn.earlier, play.turn.text), columns) if name not in last]
    before = [*last, *always]
    back, _ = find_columns(slots.keep, before)
    if told := [name for name in always if name not in back]:
        play.remarks.append(f"As you asked, {names(told)} is left out.")
    asked = {bare(words): words in slots.drop_columns for words in slots.drop if bare(words)}
    new = [name for words, sure in asked.items() if (name := _to_drop(play, slots, words, columns, sure))]
    after = list(dict.fromkeys([*(name for name in before if name not in back), *new]))
    return after if after or back else None


def _to_drop(play: Play, slots: Slots, words: str, columns: list[str], sure: bool) -> str | None:
    """The column that `words` name; in a goal only a full name counts, since any word may belong to it."""
    exact = named_exactly(words, columns)
    if exact is not None:
        return exact
    # a name that is not there goes to the tool as it is: its error lists what there is
    if sure or nearly_named(words, columns):
        return find_column(words, columns).column or words
    if slots.strict:
        play.remarks.append(f"No column is called {names([words])}, so none is left out for it.")
        return None
    found = find_column(words, columns).column
    if found is not None:
        play.remarks.append(f"I leave out {names([found])}.")
    return found or words


_ALL_CANDIDATES = (
    f"There are {names(CLASSIC)} (lightgbm is gradient boosting), and {names(NETWORKS)} (network is a neural network "
    "over all columns; lstm and encoder read a text, resnet an image), each trained from scratch on your rows."
)


def _check_families(play: Play, request: Request) -> None:
    """Refuse what there is no candidate for, and say what is taken in the place of a name."""
    if request.slots.unknown_family:
        refusal = f"I have no candidate for {request.slots.unknown_family}. {_ALL_CANDIDATES}"
        raise Told(f"{refusal} Say for example 'only lightgbm'.")
    if "encoder" in request.slots.families and BERT.search(request.text):
        play.remarks.append(NOT_PRETRAINED)


def _base(known: Known, dataset: str) -> Json:
    last = known.training or {}
    kept = {name: last[name] for name in SETTINGS if name in last}
    if last.get("dataset") not in (None, dataset):
        kept.pop("drop", None)
        if kept.get("target") not in known.column_names(dataset):
            kept.pop("target", None)
    return kept


def _last_target(known: Known, dataset: str) -> str | None:
    last = known.training or {}
    target = last.get("target")
    return str(target) if target is not None and last.get("dataset") == dataset else None


def _last_dataset(play: Play, request: Request) -> str:
    named = named_dataset(request.text, play.known)
    if request.slots.datasets or named is not None:
        return named if named is not None else dataset_for(play, request)
    last = (play.known.training or {}).get("dataset")
    return str(last) if last else dataset_for(play, request)


# judging


def compare(play: Play, request: Request) -> str:
    chosen = request.slots.models if len(request.slots.models) > 1 else ()
    return wording.compared(play.use("compare_models", **given(models=list(chosen) or None)))


def leaderboard(play: Play, request: Request) -> str:
    return wording.leaderboard(play.use("show_model", model=model_for(play, request)))


def explain(play: Play, request: Request) -> str:
    model = model_for(play, request)
    return wording.explained(play.use("explain_model", **given(model=model, top=request.slots.top)))


def evaluate(play: Play, request: Request) -> str:
    model = model_for(play, request)
    data = request.slots.source or next(iter(request.slots.datasets), None)
    return wording.evaluated(play.use("evaluate_model", **given(model=model, data=data)))


# using


def predict(play: Play, request: Request) -> str:
    slots = request.slots
    model = model_for(play, request)
    if slots.rows:
        rows = _complete(play, model, slots.rows)
        return wording.predicted(play.use("predict", **given(model=model, rows=rows, out=slots.out)))
    data = slots.source or next(iter(slots.datasets), None)
    if data is None and slots.quoted and (text := _text_column(play, model)) is not None:
        rows = _complete(play, model, tuple({text: words} for words in slots.quoted))
        return wording.predicted(play.use("predict", **given(model=model, rows=rows, out=slots.out)))
    if data is None:
        raise Asked("rows", NO_ROWS)
    asked = given(model=model, data=data, out=slots.out, id_column=id_column(request))
    return wording.predicted(play.use("predict", **asked))


def _complete(play: Play, model: str, rows: tuple[Json, ...]) -> list[Json]:
    """The rows with the model's own names of columns, and nothing (null) where no value was given."""
    columns = list(_columns_of(play, model))
    whole, unknown = [], []
    for row in rows:
        named = {find_column(name, columns).column or name: value for name, value in row.items()}
        unknown += [name for name in named if name not in columns]
        whole.append({**dict.fromkeys(columns), **{name: value for name, value in named.items() if name in columns}})
    if unknown and columns:
        raise Told(f"The model has no column {names(unknown)}. It has: {names(columns, 30)}.")
    empty = [name for name in columns if all(row.get(name) is None for row in whole)]
    if empty:
        counted = "it counts" if len(empty) == 1 else "they count"
        play.remarks.append(f"No value was given for {names(empty)}; {counted} as missing.")
    return whole


def _columns_of(play: Play, model: str) -> dict[str, str]:
    """Name and kind of the columns that a model takes."""
    if model not in play.known.model_columns:
        shown = play.use("show_model", model=model)
        return {str(name): str(kind) for name, kind in (shown.get("columns") or {}).items()}
    return play.known.model_columns[model]


def _text_column(play: Play, model: str) -> str | None:
    """The column that quoted words belong to: the only one of text that the model takes."""
    texts = [name for name, kind in _columns_of(play, model).items() if kind == "text"]
    return texts[0] if len(texts) == 1 else None


def list_models(play: Play, request: Request) -> str:
    return wording.models(play.use("list_models"))


def show_model(play: Play, request: Request) -> str:
    return wording.shown(play.use("show_model", model=model_for(play, request)))


def promote(play: Play, request: Request) -> str:
    """Of 'promote the challenger' and 'promote it to challenger' only the second is about another challenger."""
    model = retraining.challenger_for(play, request)
    alias = "champion" if model is not None else request.slots.alias or "champion"
    if model is None and not request.slots.models and _BETTER.search(request.words):
        model = _better(play)
    model = model or model_for(play, request)
    if model in request.slots.models and model != play.known.watched.challenger:
        _check_there(play, model)
    return wording.promoted(play.use("promote_model", model=model, alias=alias))


_BETTER = re.compile(r"\b(?:better (?:one|model|of)|best (?:one|of)|winner|whichever is better)\b", re.IGNORECASE)
_MAKES = frozenset({"train_model", "optimise_model", "distil_model", "retrain_model"})


def _better(play: Play) -> str:
    """The first of a comparison: of the last one made, where nothing was trained since, else of one made now."""
    compared = None
    for tool, _, result in play.known.worked.past:
        if tool == "compare_models" and result is not None:
            compared = result
        elif tool in _MAKES:
            compared = None
    compared = compared or play.use("compare_models")
    ids = [str(row.get("model")) for row in compared.get("rows") or [] if isinstance(row, dict)]
    if not ids or not compared.get("comparable", True):
        raise Told(f"I cannot tell which is better. {compared.get('verdict') or ''} Name the model by its id.")
    if not compared.get("best"):
        play.remarks.append(f"By the comparison {ids[0]} comes first. {compared.get('verdict') or ''}".strip())
    return str(compared.get("best") or ids[0])


def _check_there(play: Play, model: str) -> None:
    """An id that the conversation has not seen is looked up before anybody is asked to approve its promotion."""
    seen = {value for _, _, result in play.known.worked.past for value in (result or {}).values() if value == model}
    if not model.startswith("mdl_") or model in play.known.models or seen or "list_models" not in play.offered:
        return
    ids = [str(row.get("model")) for row in play.use("list_models").get("models") or [] if isinstance(row, dict)]
    if model not in ids:
        raise Told(f"There is no model {name_of(model)}. There are: {names(ids, 5)}." if ids else NO_MODEL)


# jobs


def job_status(play: Play, request: Request) -> str:
    return wording.job(play.use("job_status", job=job_for(play, request, running_only=False)))


def list_jobs(play: Play, request: Request) -> str:
    return wording.jobs(play.use("list_jobs"))


def cancel(play: Play, request: Request) -> str:
    return wording.job(play.use("cancel_job", job=job_for(play, request, running_only=True)))
