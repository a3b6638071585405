"""Smaller and faster models: what is to be made and held, questions about the table, ONNX files, and times."""

import re
from dataclasses import replace

from agents.offline import optimising_wording as wording
from agents.offline.conversation import Json
from agents.offline.finding import bare, budget_for, by_alias, given, model_for
from agents.offline.goals import bare_share, floor_of
from agents.offline.playing import Play, Request, Told, ToolFailed
from agents.offline.slots import Slots
from agents.offline.tables import METRICS
from agents.offline.variants import mentioned, preference, refused_in, to_make

DEFAULT_BUDGET_S = 240.0
"""Seconds of an optimisation whose request names none; the same as the tool's default."""
GOAL = (
    "metric",
    "max_drop",
    "max_latency_ms",
    "max_size_mb",
    "prefer",
    "calibration",
    "budget_seconds",
    "seed",
    "name",
)
"""What a follow-up keeps of the last optimisation, whichever variants it makes."""
MOST_MEASURED = 12
EXAMPLE = "'make it answer in 5 ms and lose at most 1 % f1'"
NO_FLOOR = (
    "I hold how much may be lost, not the least value. Say it so: 'lose at most 1 % f1', or 'lose at most 0.005 of f1'."
)

_BY_NAME = re.compile(r"\boptimi[sz](?:e|ing|ation)\b", re.IGNORECASE)
_GOES_ON = re.compile(
    r"\b(?:again|instead|rather|now|this time|once more|then|but|also|too|allow|take|use|choose|pick|prefer|only|just|"
    r"redo|re-?run|repeat|with(?:out)?)\b",
    re.IGNORECASE,
)
_AFRESH = re.compile(
    r"\b(?:make|get|quanti[sz]e|prune|compress|shrink|squeeze|speed|compile|optimi[sz]e|turn|need|want)\b",
    re.IGNORECASE,
)
_QUICKER = re.compile(r"\bquicker\b", re.IGNORECASE)
_VERBS = (
    r"(?:optimi[sz]\w+|quanti[sz]\w+|prun\w+|compress|shrink|squeeze|speed up|accelerate|export|convert|benchmark|"
    r"measure|compile|make|of|for|is|does|from|model|time|how fast is|than|with|against|and)"
)
_REGISTERED = re.compile(
    rf"\b{_VERBS}\s+(?:the\s+)?(?:latency of\s+|speed of\s+|model\s+)?"
    r"[\"'`]?([A-Za-z][\w.]*(?:-[A-Za-z_][\w.]*)+)(?![\w/])",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"(?:onnx|int|pre|re|non|real|low|high|half|full|weight|bit|run|speed|torch|quanti[sz]\w*|trade|cold|student|pruned?|"
    r"long|short|up|well|so|roc|log|f|post|on|off|multi|single|inference|production|state|edge)-",
    re.IGNORECASE,
)
_PRECISION_OF_FLOATS = re.compile(
    r"\b(?:half|lower|low|mixed|reduced|full|single|int8|16[- ]bit|8[- ]bit|numerical) precision\b", re.IGNORECASE
)
_JUDGED_BY_IT = re.compile(
    r"\b(?:metric|guard\w*|judg\w+|measur\w+|by|with|in terms of|use|hold\w*|keep\w*)\s+"
    r"(?:is |by |on |the |its |=|: ?)*accuracy\b",
    re.IGNORECASE,
)
_BY_ALIAS = re.compile(r"\b(?:champion|challenger|(?:live|production) (?:model|one))\b", re.IGNORECASE)
_ERRORS = ("rmse", "mae", "r2")


def optimise(play: Play, request: Request) -> str:
    """Make, compare and choose; the model that an optimised one was made from is what is optimised again."""
    if floor_of(request.words) is not None:
        raise Told(NO_FLOOR)
    model = original_of(play, named_model(play, request))
    last = _kept(play, request, model)
    wanted = {"model": model, **last, **_choices(play, request, model, last)}
    result = play.use_mended("optimise_model", **wanted)
    asked = _one_that_was_asked_for(play, request)
    return wording.optimised(result, name=_name_in_registry(play, wanted), asked=asked)


def goes_on(play: Play, request: Request) -> bool:
    """Whether '2 minutes' or 'again with recall' after an optimisation is about it, and not about a training."""
    slots = request.slots
    of_a_training = (
        *(slots.source, slots.max_models, slots.processes, bare(slots.target or "")),
        *(slots.keep, slots.without, slots.families, slots.drop_columns, slots.drop and not refused_in(slots.drop)),
    )
    after = play.known.about in ("optimise", "show_optimisation", "refine") and play.known.optimisation is not None
    return after and not any(of_a_training) and not re.search(r"\btrain", request.text, re.IGNORECASE)


def _kept(play: Play, request: Request, model: str) -> Json:
    """What is taken over from the last optimisation of the same model, unless a new one is asked for by its name."""
    last = play.known.optimisation or {}
    same = last.get("model") == model and play.known.about not in ("train", "distil")
    if not same or (_BY_NAME.search(request.words) and not _GOES_ON.search(request.words)):
        return {}
    names = GOAL if _AFRESH.search(request.words) else (*GOAL, "variants")
    return {name: last[name] for name in names if name in last}


def _choices(play: Play, request: Request, model: str, last: Json) -> Json:
    """What the words choose."""
    slots = request.slots
    chosen = to_make(request.words, last.get("variants", ()))
    prefer = preference(request.words, capped=slots.size_mb is not None)
    found = given(
        max_latency_ms=slots.latency_ms,
        max_size_mb=slots.size_mb,
        max_drop=bare_share(request.words) if slots.max_drop is None else slots.max_drop,
        metric=_metric(play, request, model),
        # latency is what is preferred where nothing else was
        prefer=prefer if prefer != "latency" or last.get("prefer") else None,
        calibration=slots.source or next(iter(slots.datasets), None),
        budget_seconds=_budget(request, last),
        seed=slots.seed,
        name=slots.name,
    )
    return found if chosen is None else {**found, "variants": list(chosen)}


def _budget(request: Request, last: Json) -> float | None:
    """Seconds; 'quicker' is said of the model."""
    if request.slots.budget is None and _QUICKER.search(request.words):
        return None
    return budget_for(request.slots, {"budget_seconds": DEFAULT_BUDGET_S, **last})


def _metric(play: Play, request: Request, model: str) -> str | None:
    """The metric to hold. 'Accuracy' is one where it is held or judged by, and never for a model of numbers."""
    words = _PRECISION_OF_FLOATS.sub(" ", request.words)
    found = next((name for pattern, name in METRICS if pattern.search(words)), None)
    if found == "accuracy":
        measured = play.known.models.get(model, {}).get("metric")
        own = measured.get("name") if isinstance(measured, dict) else None
        judged = request.slots.max_drop is not None or _JUDGED_BY_IT.search(words)
        if own in _ERRORS or not judged:
            return None
    return found


def named_model(play: Play, request: Request) -> str:
    """Id or name of the model. 'For production' says what it is for, and not which."""
    if not request.slots.models and (name := _registered(request)) is not None:
        return name
    return _of_words(play, request)


def _registered(request: Request) -> str | None:
    """A name of the registry in the words ('churn-Churn'), which no list need have shown."""
    text = request.words.replace(request.slots.source or "\n", " ").replace(request.slots.out or "\n", " ")
    found = [match.group(1) for match in _REGISTERED.finditer(text)]
    return next((name for name in found if not _NO_NAME.match(name)), None)


def _of_words(play: Play, request: Request) -> str:
    alias = request.slots.alias if _BY_ALIAS.search(request.words) else None
    return model_for(play, replace(request, slots=replace(request.slots, alias=alias)))


def original_of(play: Play, model: str) -> str:
    """The model that an optimised one was made from; another as it is."""
    return play.known.originals.get(model, model)


def _name_in_registry(play: Play, wanted: Json) -> str | None:
    name = wanted.get("name") or play.known.models.get(str(wanted["model"]), {}).get("name")
    return str(name) if name else None


def _one_that_was_asked_for(play: Play, request: Request) -> str | None:
    """The variant that 'take the pruned one' names."""
    named, _ = mentioned(request.words)
    takes = re.search(
        r"\b(?:take|use|choose|pick|go (?:for|with)|give me|i want|prefer)\b", request.words, re.IGNORECASE
    )
    return named[0] if takes and len(named) == 1 else None


# questions about the table


def show(play: Play, request: Request) -> str:
    """The table again, or what was asked about it."""
    words, known = request.words, play.known
    table = known.optimised
    about_it = table is not None and known.model in (table.get("model"), table.get("source"))
    if (
        table is None
        or not about_it
        or not re.search(r"\bwhy\b|\bhow come\b", words, re.IGNORECASE)
        or request.slots.models
    ):
        table = _table_of(play, named_model(play, request))
    return wording.answered(table, words, name=None)


def _table_of(play: Play, model: str) -> Json:
    try:
        return play.use("show_optimisation", model=model)
    except ToolFailed as failed:
        if failed.sentence.startswith("There is no optimisation "):
            raise Told(f"{model} was not optimised yet. Say 'optimise it', or with a goal: {EXAMPLE}.") from failed
        raise


# files and times


def export(play: Play, request: Request) -> str:
    """An ONNX file, where nothing is said under the model's name."""
    if len(request.slots.models) > 1 or len(_ONNX.findall(request.words)) > 1:
        raise Told("I export one model at a time. Say the first, with its file, and then the next.")
    model = named_model(play, request)
    out = request.slots.out or _file_for(play, model, request.slots)
    overwrite = re.search(r"\b(?:overwrite|replace|over the old)\b", request.words, re.IGNORECASE) is not None
    return wording.exported(
        play.use("export_model", model=model, out=out, **({"overwrite": True} if overwrite else {}))
    )


def _file_for(play: Play, model: str, slots: Slots) -> str:
    name = str(play.known.models.get(model, {}).get("name") or model)
    folder = slots.source if slots.source and slots.source.endswith("/") else ""
    return f"{folder}{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)}.onnx"


def benchmark(play: Play, request: Request) -> str:
    """How fast the named models answer, by id, name or alias; of 'the models' all that are listed."""
    models = _measured(play, request)[:MOST_MEASURED]
    return wording.benchmarked(
        play.use("benchmark_models", models=models, **given(seconds=_budget(request, {}) and request.slots.budget))
    )


_ONNX = re.compile(r"\w\.onnx\b", re.IGNORECASE)
_ALL = re.compile(
    r"\b(?:the|all|my|our|these|those|which|registered|of the)\s+(?:\w+\s+)?models\b|\bwhich (?:model|one)\b|\bthem\b|"
    r"\bthey\b|\bevery model\b|\beach model\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"\b(?:than|with|to|against|and|versus|vs\.?|over)\s+(?:\w+\s+)?(?:before|original|old one|eager|teacher|it was|"
    r"what it was)\b|\bbefore and after\b",
    re.IGNORECASE,
)

_OF_THE_ORIGINAL = re.compile(
    r"\b(?:is|was|does|of)\s+(?:the )?(?:original|old|unoptimi[sz]ed)(?: one| model)?\b(?!.*\bthan\b)", re.IGNORECASE
)


def _measured(play: Play, request: Request) -> list[str]:
    aliases = [
        alias for alias in ("champion", "challenger") if re.search(rf"\b{alias}\b", request.words, re.IGNORECASE)
    ]
    named = [*request.slots.models, *(by_alias(play, alias) for alias in aliases if not request.slots.models)]
    if len(named) > 1:
        return list(dict.fromkeys(named))
    if not named and _ALL.search(request.words):
        rows = play.use("list_models").get("models") or []
        if rows:
            return [str(row.get("model")) for row in rows]
    model = named[0] if named else named_model(play, request)
    if not named and _OF_THE_ORIGINAL.search(request.words):
        return [original_of(play, model)]
    if (
        named
        and re.search(r"\b(?:it|this|that)\b", request.words, re.IGNORECASE)
        and play.known.model not in (None, model)
    ):
        return [str(play.known.model), model]
    if _BEFORE.search(request.words) and original_of(play, model) != model:
        return [model, original_of(play, model)]
    return [model]
