"""Which dataset, column, model or job a request means: by its words, by the conversation, by one look or question."""

import re
from collections.abc import Mapping

from agents.offline.columns import (
    EXAMPLES,
    NO_ANSWERS,
    SMALL_WORDS,
    USUAL_TARGETS,
    find_column,
    likely_targets,
    named_exactly,
    usual_target,
)
from agents.offline.conversation import Json, Known
from agents.offline.made import made
from agents.offline.playing import Asked, Play, Request, Told, ToolFailed
from agents.offline.slots import PLACEHOLDER, Slots
from agents.offline.wording import name_of, names
from agents.offline.words import parts, stem, word_set

NO_DATA = "Which data should I use? Give me a file, or say 'sample:churn' to try one."
NO_MODEL = "There is no model yet. Train one first, for example 'train on sample:churn'."
DEFAULT_BUDGET = 60.0
"""Seconds of a training, distillation or retraining whose request names none; the same as the tools' default."""
RUNNING = ("queued", "running", "cancelling")


def given(**arguments: object) -> Json:
    """The arguments that are there."""
    return {name: value for name, value in arguments.items() if value not in (None, ())}


def budget_for(slots: Slots, last: Mapping[str, object]) -> float | None:
    """The seconds that the words ask for, or so many times those of `last`; None when they ask for neither."""
    if slots.budget is not None or slots.factor is None:
        return slots.budget
    before = last.get("budget_seconds")
    return (float(before) if isinstance(before, int | float) and before else DEFAULT_BUDGET) * slots.factor


def dataset_for(play: Play, request: Request) -> str:
    """Id of the dataset; a source that was not loaded in this conversation is loaded."""
    slots, known = request.slots, play.known
    if slots.source is not None:
        return known.sources.get(slots.source) or load(play, slots)
    found = next(iter(slots.datasets), None) or _named(request.text, known.datasets, "dataset")
    if found is None and slots.ordinal is not None:
        found = _listed(known.listed, slots.ordinal, "ds_")
    found = found or known.dataset
    if found is not None:
        return _seen(play, found)
    rows = play.use("list_datasets").get("datasets") or []
    return _only_dataset(request, [row for row in rows if isinstance(row, dict)])


def load(play: Play, slots: Slots) -> str:
    """Import the source of `slots`; the id of the dataset."""
    arguments = given(source=slots.source, query=slots.query, test_fraction=slots.fraction)
    target = certain_target(slots)
    if target is None:
        return str(play.use_mended("import_dataset", **arguments).get("dataset"))
    try:
        # named at import, the target can be kept in proportion in the sealed rows
        return str(play.use_mended("import_dataset", **arguments, target=target).get("dataset"))
    except ToolFailed as failed:
        if failed.done.result is None and f"{target!r} is not in the dataset" in failed.sentence:
            return str(play.use_mended("import_dataset", **arguments).get("dataset"))
        raise


def certain_target(slots: Slots) -> str | None:
    """The column to predict, when it is certain before its table was seen: called the target, or spelt like a name."""
    said = bare(slots.target or "")
    if slots.target_form not in ("named", "goal") or not re.fullmatch(r"\w+", said) or said.lower() in SMALL_WORDS:
        return None
    spelt = "_" in said or re.search(r"[a-z][A-Z]|^[A-Z]", said)
    return said if spelt or said in slots.quoted or slots.target_form == "named" else None


def _seen(play: Play, dataset: str) -> str:
    """The dataset, after one look at the list when its columns are not known."""
    if not play.known.columns(dataset) and "list_datasets" in play.offered:
        rows = play.use("list_datasets").get("datasets") or []
        by_name = {str(row.get("name")): str(row.get("dataset")) for row in rows}
        return by_name.get(dataset, dataset)
    return dataset


def named_dataset(text: str, known: Known) -> str | None:
    """The one known dataset whose name stands in the text."""
    return _named(text, known.datasets, "dataset")


def _only_dataset(request: Request, rows: list[Json]) -> str:
    by_id = {str(row.get("dataset")): row for row in rows}
    named = _named(request.text, by_id, "dataset")
    if named is not None:
        return named
    if not rows:
        raise Asked("source", NO_DATA)
    if len(rows) > 1:
        listing = "; ".join(f"{name_of(row.get('name'))} ({identity})" for identity, row in list(by_id.items())[:5])
        raise Asked("dataset", f"Which dataset should I use? {listing}", tuple(by_id))
    return next(iter(by_id))


def _named(text: str, rows: Mapping[str, Json], kind: str) -> str | None:
    """The one row whose name stands in the text, letter for letter (case ignored)."""
    said = " ".join(parts(text))
    found = [
        identity
        for identity, row in rows.items()
        if (name := " ".join(parts(str(row.get("name") or "")))) and re.search(rf"\b{re.escape(name)}\b", said)
    ]
    return found[0] if len(found) == 1 else None


def _listed(listed: tuple[str, ...], place: int, prefix: str) -> str | None:
    ids = [identity for identity in listed if identity.startswith(prefix)]
    return ids[place] if -len(ids) <= place < len(ids) else None


def target_for(play: Play, request: Request, dataset: str, last: str | None = None) -> str:
    """The column to predict: from the words; when they say none, the one declared at import, `last`, or a usual name.

    Words that name no column are asked about: another column in their place would be another goal.
    """
    columns = _not_left_out(play.known.columns(dataset), request.slots)
    usable = _usable(columns, request.slots)
    summary = play.known.datasets.get(dataset, {})
    said = bare(request.slots.target or "")
    near: tuple[str, ...] = ()
    for words in filter(
        None, (said, bare(request.slots.rest), *_not_dropped(request.slots, play.known.column_names(dataset)))
    ):
        match = find_column(words, usable)
        if match.column is not None:
            return match.column
        near = near or match.near
    if said and not columns:
        return said  # the tool knows the columns, and its error names them
    examples = sorted(EXAMPLES) if {"image", "text"} & {column.get("kind") for column in columns} else []
    about = f"{summary.get('name')} {summary.get('source')} {' '.join(examples)}"
    if names_something(request.slots, about):
        raise _which_target(near or tuple(likely_targets(columns)), len(columns), said)
    if summary.get("target") is not None:
        return str(summary["target"])
    if last is not None and last in usable:
        return last
    usual = usual_target(usable if examples else [name for name in usable if name.lower() in USUAL_TARGETS])
    if usual is not None and not near:
        return usual
    raise _which_target(near or tuple(likely_targets(columns)), len(columns))


def _not_left_out(columns: list[Json], slots: Slots) -> list[Json]:
    """What the words leave out is none of what they ask to predict."""
    every = [str(column["name"]) for column in columns]
    gone = {named_exactly(words, every) for words in slots.drop}
    return [column for column in columns if str(column["name"]) not in gone] or columns


def _usable(columns: list[Json], slots: Slots) -> list[str]:
    """Columns that can be a target. A text is one only where it is called the target: most are what is classified."""
    never = NO_ANSWERS - ({"text"} if slots.target_form == "named" else set())
    return [str(column["name"]) for column in columns if column.get("kind") not in never]


def names_something(slots: Slots, about: str = "") -> bool:
    """Whether the words say what to predict. Words of no weight do not, nor those of `about`, the data's own name."""
    if slots.target_form not in ("named", "goal"):
        return False
    nothing = SMALL_WORDS | USUAL_TARGETS | set(parts(about))
    return any(word not in nothing for word in parts(bare(slots.target or "")))


def _not_dropped(slots: Slots, columns: list[str]) -> list[str]:
    """Words after 'skip' or 'ignore' that name no column: in a goal they belong to it."""
    return [name for name in slots.drop if slots.strict and named_exactly(name, columns) is None]


def _which_target(choices: tuple[str, ...], count: int, said: str = "") -> Asked:
    listing = f" Likely: {names(choices, 5)}." if choices else ""
    nothing = f"No column is {name_of(said)!r} for sure. " if said else ""
    return Asked("target", f"{nothing}Which of the {count} columns should I predict?{listing}", choices)


def bare(text: str) -> str:
    """The words without placeholders."""
    return re.sub(r"\s+", " ", PLACEHOLDER.sub(" ", text)).strip(" ,.;?!")


def model_for(play: Play, request: Request) -> str:
    """Id of the model: named, by alias, by its place, by what it is for, the last one of this conversation, or the
    newest."""
    slots, known = request.slots, play.known
    found = next(iter(slots.models), None) or _named(request.text, known.models, "model")
    if found is None and slots.ordinal is not None:
        found = _by_place(request, known)
    if found is None and slots.alias is not None and request.intent != "promote":
        return by_alias(play, slots.alias)
    if found is None and (said := said_of_model(request.words)) is not None:
        found = _called(play, request, said)
    return found or known.model or _newest(play, request)


_OTHER = re.compile(r"\bother\b", re.IGNORECASE)


def _by_place(request: Request, known: Known) -> str | None:
    """By the last list, if it has the newest model; else in the order in which they were made.

    Raises Told where there is no such place: no other model is taken for it.
    """
    place = request.slots.ordinal or 0
    every = [one.model for one in made(known.worked.past)]
    newest = known.newest_models()
    if any(identity.startswith("mdl_") for identity in known.listed) and (not every or every[-1] in known.listed):
        ids = [identity for identity in known.listed if identity.startswith("mdl_")]
    else:
        ids = newest if _OTHER.search(request.words) or not every else every
    if ids and not -len(ids) <= place < len(ids):
        raise Told(f"I know of {len(ids)} model{'' if len(ids) == 1 else 's'} here: {names(ids, 5)}.")
    return ids[place] if ids else None


_OF_MODEL = (
    re.compile(
        r"\b(?:model|one|version|classifier|regressor)\s+(?:called|named|for|of|on|from|that predicts|predicting|"
        r"trained (?:on|for)|about)\s+(?:the\s+|my\s+)?([A-Za-z][\w.-]*)",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:the|my|our|with|using)\s+([A-Za-z][\w.-]*)\s+(?:model|one|classifier|regressor)\b", re.IGNORECASE
    ),
    re.compile(r"\b(?:with|using|promote|watch|explain|test)\s+(?:the\s+)?([A-Za-z]\w*(?:-\w+)+)(?!\S)", re.IGNORECASE),
)
_NO_NAMES = word_set(
    "a an the this that it its my our your last latest newest new old older best better worst first second third other "
    "fourth fifth same whole trained current champion challenger production live previous final right wrong good only "
    "small smaller smallest fast faster fastest quick optimised optimized quantised quantized pruned original student "
    "me us you them rows row data file table new-data which what one two three every each some any all now here there "
    "edge-cases edge default network neural linear forest random lightgbm with using next most accurate full big large "
    "bigger larger tuned retrained saved registered promoted watched finished ready simple simpler another real-time "
    "sparse int8 onnx bf16 compiled compile eager static dynamic"
)


def said_of_model(words: str) -> str | None:
    """The name by which a model is called: 'the one for houses', 'the houses model', 'with houses-price'."""
    for pattern in _OF_MODEL:
        for found in pattern.finditer(words):
            said = found.group(1).rstrip(".-")
            if (
                said.lower() not in _NO_NAMES | SMALL_WORDS
                and not re.match(r"(?:mdl|ds|job|mon)_", said)
                and "." not in said
            ):
                return said
    return None


_BY_NAME_ONLY = frozenset({"promote", "predict", "show_model"})
"""Requests whose words after 'the model for' can only say which model."""


def _called(play: Play, request: Request, said: str) -> str | None:
    """The model of that registered name, target or table; asked about where several fit.

    Raises Told where none does: another model is never taken for it.
    """
    fits = [identity for identity, row in play.known.models.items() if _fits(said, row, play.known)]
    rows = dict(play.known.models)
    if not fits and request.intent not in _BY_NAME_ONLY:
        return None  # 'the model for edge cases' names none
    if not fits and "list_models" in play.offered:
        listed = play.use("list_models").get("models") or []
        rows = {str(row.get("model")): row for row in listed if isinstance(row, dict)}
        fits = [identity for identity, row in rows.items() if _fits(said, row, play.known)]
    if len(fits) == 1:
        return fits[0]
    if len(fits) > 1:
        current = play.known.model
        if current in fits and request.intent != "promote":
            return current
        raise Asked("model", f"Several models fit {name_of(said)!r}. Which one? {names(fits[::-1], 5)}", tuple(fits))
    if not rows:
        raise Told(NO_MODEL)
    raise Told(f"No model is called or made for {name_of(said)!r}. There are: {names(list(rows)[::-1], 5)}.")


def _fits(said: str, row: Mapping[str, object], known: Known) -> bool:
    """Whether the words are in the name of a model, of its target or of its table."""
    words = {stem(word) for word in parts(said)}
    table = known.datasets.get(str(row.get("dataset")), {}).get("name")
    for name in (row.get("name"), row.get("target"), table):
        if name and words and words <= {stem(word) for word in parts(str(name))}:
            return True
    return False


def by_alias(play: Play, alias: str) -> str:
    """Id of the model that has the alias."""
    trained = play.known.watched.retrained
    if alias == "challenger" and trained is not None:
        return str(trained.get("challenger"))
    rows = play.use("list_models").get("models") or []
    having = [str(row.get("model")) for row in rows if alias in (row.get("aliases") or [])]
    if not having:
        raise Told(f"No model is the {alias} yet. Say 'make it the {alias}' after choosing one.")
    return having[0]


def _newest(play: Play, request: Request) -> str:
    rows = [row for row in play.use("list_models").get("models") or [] if isinstance(row, dict)]
    if not rows:
        raise Told(NO_MODEL)
    named = _named(request.text, {str(row.get("model")): row for row in rows}, "model")
    if named is not None:
        return named
    if len(rows) > 1 and request.intent == "promote":
        ids = tuple(str(row.get("model")) for row in rows)
        raise Asked("model", f"Which model do you mean? {names(ids, 5)}", ids)
    if len(rows) > 1:
        play.remarks.append("I take the newest model.")
    return str(rows[0].get("model"))


def job_for(play: Play, request: Request, running_only: bool) -> str:
    """Id of the job: named, the only one that runs, or (unless `running_only`) the newest."""
    slots = request.slots
    if slots.jobs:
        return slots.jobs[0]
    if slots.ordinal is not None and (listed := _listed(play.known.listed, slots.ordinal, "job_")):
        return listed
    rows = [row for row in play.use("list_jobs").get("jobs") or [] if isinstance(row, dict)]
    running = [str(row.get("job")) for row in rows if row.get("state") in RUNNING]
    if len(running) == 1 or (running and not running_only):
        return running[0]
    if len(running) > 1:
        raise Asked("job", f"Which of the running jobs do you mean? {names(running, 5)}", tuple(running))
    if running_only or not rows:
        raise Told("No job is running.")
    return str(rows[0].get("job"))
