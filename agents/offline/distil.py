"""Distilling: which model teaches, which network learns, and the result in words."""

import re

from agents.offline.conversation import Json
from agents.offline.finding import bare, budget_for, given, model_for
from agents.offline.playing import Play, Request, Told
from agents.offline.reading import read_slots
from agents.offline.wording import figure, name_of, notes, scored
from engine.families import NETWORKS

_INTO = re.compile(r"\b(?:into|to (?=an? |the )|as (?=an? ))(.*)", re.IGNORECASE)
_AS_STUDENT = re.compile(
    r"\b(an? (?:[\w-]{1,40} ){0,2}?[\w-]{1,40}|[\w-]{1,40}) as (?:the|a|its) student\b", re.IGNORECASE
)
_TAUGHT = re.compile(r"\bdistill?\w*\s+(?:the|my|our|this|that)\s+[\w-]+", re.IGNORECASE)
_TEACHER = re.compile(
    r"\b(?:distill?\w*|compress|shrink|of|from)\s+(?:the\s+)?(?:model\s+)?[\"'`]?([\w.]+(?:-[\w.]+)+)", re.IGNORECASE
)
_WIDTH = re.compile(r"\bwidth\s*(?:of|=|:|is)?\s*(\d+)|\b(\d+)\s+(?:units|neurons|wide)\b", re.IGNORECASE)


def distil(play: Play, request: Request) -> str:
    """A student of the model that was named, or of the one that was spoken of last."""
    return distilled(play.use_mended("distil_model", model=_teacher(play, request), **_choices(request, {})))


def goes_on(play: Play, request: Request) -> bool:
    """Whether 'again, with an lstm' after a distillation is about its student, and not about a training."""
    slots = request.slots
    of_a_training = (
        *(slots.metric, slots.source, slots.max_models, slots.processes, bare(slots.target or "")),
        *(slots.drop, slots.keep, slots.without, set(slots.families) - set(NETWORKS)),
    )
    after = play.known.about in ("distil", "refine") and play.known.distillation is not None
    return after and not any(of_a_training) and not re.search(r"\btrain", request.text, re.IGNORECASE)


def again(play: Play, request: Request) -> str:
    """The last distillation with something changed, of the same teacher."""
    last = play.known.distillation or {}
    return distilled(play.use_mended("distil_model", **{**last, **_choices(request, last)}))


def _choices(request: Request, last: Json) -> Json:
    """What the words choose of a distillation."""
    slots = request.slots
    width = _WIDTH.search(request.text)
    return given(
        student=_student(request),
        width=int(width.group(1) or width.group(2)) if width else None,
        budget_seconds=budget_for(slots, last),
        device=slots.device,
        seed=slots.seed,
        name=slots.name,
    )


def _teacher(play: Play, request: Request) -> str:
    """The model by its name in the registry ('churn-churned'), which no list need have shown; or as anywhere else."""
    named = _TEACHER.search(request.text)
    return named.group(1) if named and not request.slots.models else model_for(play, request)


def _student(request: Request) -> str | None:
    """The family of the student: what stands after 'into', else a network that does not tell of the teacher."""
    into = _AS_STUDENT.search(request.text) or _INTO.search(request.text)
    words = into.group(1) if into else _TAUGHT.sub("", request.text)
    said = read_slots(f"with {words}").families if into else read_slots(words).families
    networks = [name for name in said if name in NETWORKS]
    if into and said and not networks:
        raise Told(f"A student is a network: {', '.join(NETWORKS)}. Say for example 'distil it into a network'.")
    return networks[0] if networks else None


def distilled(result: Json) -> str:
    """Words for distil_model."""
    teacher, student = _row(result, "teacher"), _row(result, "student")
    lines = [
        f"Distilled {_model(teacher)} into {_model(student)}.",
        f"On the sealed test rows: {scored(student.get('metric'))}; the teacher has {scored(teacher.get('metric'))}.",
        f"{_size(result, teacher, student)} {_speed(result, teacher, student)}",
        f"{_kept(result)}{_agreement(result, student)}",
        f"Report: {result.get('report')}",
    ]
    return "\n".join([*lines, *notes(result, 1)])


def _row(result: Json, place: str) -> Json:
    row = result.get(place)
    return row if isinstance(row, dict) else {}


def _model(row: Json) -> str:
    return f"{row.get('model')} ({name_of(row.get('kind'))})"


def _size(result: Json, teacher: Json, student: Json) -> str:
    sizes = f"{figure(student.get('size_mb'))} MB instead of {figure(teacher.get('size_mb'))} MB"
    if float(result.get("smaller") or 0) > 1:
        return f"The student is {figure(result['smaller'])} times smaller ({sizes})"
    return f"The student is not smaller ({sizes})"


def _speed(result: Json, teacher: Json, student: Json) -> str:
    times = f"{figure(student.get('one_row_ms'))} ms for one row instead of {figure(teacher.get('one_row_ms'))} ms"
    if float(result.get("faster") or 0) > 1:
        return f"and {figure(result['faster'])} times as fast ({times})."
    return f"and not faster ({times})."


def _kept(result: Json) -> str:
    """'' where there is no baseline, or the teacher is no better than it."""
    if result.get("kept") is None:
        return ""
    return f"Of the teacher's gain over the baseline it keeps a share of {figure(result['kept'])}. "


def _agreement(result: Json, student: Json) -> str:
    if result.get("agreement") is None:
        return "How far the two agree cannot be told: one of them gives the same answer for every row."
    metric = student.get("metric")
    of_numbers = isinstance(metric, dict) and metric.get("name") in {"rmse", "mae", "r2"}
    if of_numbers:
        return f"The answers of the two correlate by {figure(result.get('agreement'))}."
    return f"Both give the same answer for a share of {figure(result.get('agreement'))} of these rows."
