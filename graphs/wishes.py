"""What a goal in words fixes besides its target, in explicit forms only, each said aloud before it counts."""

import re
from collections.abc import Collection, Sequence

from agents.offline.columns import named_exactly
from agents.offline.reading import read_slots
from agents.offline.tables import BERT, NOT_PRETRAINED
from agents.plan_words import TUNE, wishes_of
from engine.families import usual_families
from engine.metrics import METRICS, metrics_of
from engine.tasks import Task
from graphs.run_types import RunRequest

LIMITS = frozenset({"budget_seconds", "max_models", "seed"})
OPEN = {"device": "auto", "processes": 1}
"""Settings that a goal may name as long as they are what they are by default."""


def with_limits(request: RunRequest) -> tuple[RunRequest, str]:
    """The request with the limits, device and processes that only its goal names; and the words for it, or ''."""
    if request.plan is not None:
        # a plan that was made before says it all
        return request, ""
    free = (LIMITS - request.model_fields_set) | set(request.defaults)
    free |= {name for name, usual in OPEN.items() if getattr(request, name) == usual}
    # '... and answer within 1 second' is no limit of the training
    said = read_slots(wishes_of(request.goal).rest, goal=True)
    asked: dict[str, float | str | None] = {"budget_seconds": said.budget, "max_models": said.max_models}
    asked |= {"seed": said.seed, "device": said.device, "processes": said.processes}
    taken: dict[str, object] = {name: value for name, value in asked.items() if value is not None and name in free}
    if not taken:
        return request, ""
    words = ", ".join(
        f"{_WORDS.get(name, name)} {value if isinstance(value, str) else format(value, 'g')}"
        for name, value in asked.items()
        if value is not None and name in taken
    )
    if "max_models" in taken and "budget_seconds" in free and "budget_seconds" not in taken:
        # without a time of its own, a count means: this much work, however long it takes
        taken["budget_seconds"] = None
    # made anew, so that a goal's zero is refused as an option's would be
    return RunRequest.of(**{**request.model_dump(), **taken}), f"From the goal: {words}.\n"


def with_choices(
    request: RunRequest, columns: Sequence[str], task: Task | None, kinds: Collection[str] = ()
) -> tuple[RunRequest, str]:
    """The request with the metric, candidates and columns to leave out that only its goal names; and the words for it.

    `columns` are those without the target, `kinds` what they hold. A metric that does not fit the task, and a name
    that is no column, are said to be passed over.
    """
    wishes = wishes_of(request.goal)
    said = read_slots(wishes.rest, frozenset(column.lower() for column in columns), goal=True)
    update: dict[str, object] = {}
    words = []
    if TUNE in wishes.refused and request.tuning:
        update["tuning"] = False
        words.append("no tuning")
    if not request.keep and (kept := _kept(wishes.rest, columns)):
        update["keep"] = kept
        words += [f"{column} is kept" for column in kept]
    if request.metric is None and said.metric is not None:
        if task is None or task in METRICS[said.metric].tasks:
            update["metric"] = said.metric
            words.append(f"metric {said.metric}")
        else:
            fitting = ", ".join(metric.name for metric in metrics_of(task))
            words.append(f"{said.metric} is passed over, since {task} is judged by one of {fitting}")
    usual = usual_families(kinds, request.budget_seconds)
    if "encoder" in said.families and BERT.search(request.goal):
        words.append(NOT_PRETRAINED.rstrip("."))
    families = said.families or tuple(name for name in usual if said.without and name not in said.without)
    if request.models is None and families:
        update["models"] = families
        words.append(f"only {' and '.join(families)}")
    if said.unknown_family:
        words.append(f"there is no candidate for {said.unknown_family}")
    if not request.drop and said.drop:
        found = {name: named_exactly(name, columns) for name in said.drop}
        update["drop"] = tuple(dict.fromkeys(column for column in found.values() if column is not None))
        words += [f"without {column}" for column in found.values() if column is not None]
        words += [f"no column is called {name!r}" for name, column in found.items() if column is None]
    return request.model_copy(update=update), f"From the goal: {'; '.join(words)}.\n" if words else ""


_KEEP = re.compile(r"\bkeep(?:ing)?\s+(?:the\s+)?(?:columns?\s+)?([^,;.!?]+)", re.IGNORECASE)


def _kept(text: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Columns that are called by their names after 'keep'."""
    parts = [part.strip() for match in _KEEP.finditer(text) for part in re.split(r"\band\b|,", match[1])]
    found = (named_exactly(part, columns) for part in parts)
    return tuple(dict.fromkeys(column for column in found if column is not None))


_WORDS = {"budget_seconds": "seconds", "max_models": "number of models"}
