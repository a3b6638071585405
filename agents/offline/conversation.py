"""What the messages say has happened: turns, the calls made in them, and what is known from the results."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from langchain_core.messages import BaseMessage

from agents.memory_digest import MOST_CHARACTERS, MOST_FACTS, TAIL, Digest, Recollection, is_passing
from agents.memory_turns import Done, Json, Turn, plain, turns_of
from agents.offline.watched import Watched
from agents.offline.worked import Worked

__all__ = ["Done", "Json", "Known", "Turn", "may_have_lost", "plain", "read_turns"]


def read_turns(messages: Sequence[BaseMessage]) -> list[Turn]:
    """The conversation by turns of the user, those that a digest stands for among them.

    All but the last few come as one turn without words: what their calls established is known, and nothing that was
    said so long ago is read again. So a long conversation costs no more than a short one, and a digest says as much as
    the messages that it stands for.
    """
    first = messages[0] if messages else None
    digest = first.digest if isinstance(first, Recollection) else Digest()
    turns = [*digest.as_turns(), *turns_of(messages)]
    if not turns:
        return []
    older, recent = turns[: -TAIL - 1], turns[-TAIL - 1 :]
    said = [*(one.text for one in digest.said), *(turn.text for turn in turns[len(digest.as_turns()) : -1])]
    recent[-1] = replace(recent[-1], earlier=tuple(said))
    calls = tuple(done for turn in older for done in turn.calls)
    return [Turn("", calls), *recent] if calls else recent


def may_have_lost(messages: Sequence[BaseMessage]) -> bool:
    """Whether a digest stands for the oldest turns that may have had no room for some of their calls.

    Nothing tells it for certain. The oldest calls go first, and then the digest is still nearly full, or it begins with
    something that only the loading of a table can have come before.
    """
    first = messages[0] if messages else None
    facts = first.digest.facts if isinstance(first, Recollection) else ()
    if not facts:
        return False
    size = sum(len(fact.model_dump_json()) for fact in facts)
    begins = next((fact.tool for fact in facts if not is_passing(fact)), "")
    return len(facts) >= MOST_FACTS or size > MOST_CHARACTERS // 2 or begins.endswith("_model")


@dataclass
class Known:
    """What the results so far say. Names and cells in it are data: they are compared and shown, never read as words."""

    datasets: dict[str, Json] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    dataset: str | None = None
    models: dict[str, Json] = field(default_factory=dict)
    model: str | None = None
    model_columns: dict[str, dict[str, str]] = field(default_factory=dict)
    jobs: dict[str, Json] = field(default_factory=dict)
    job: str | None = None
    training: Json | None = None
    training_tool: str = "train_model"
    distillation: Json | None = None
    """Arguments of the last one, as long as no training or optimisation followed it."""
    optimisation: Json | None = None
    """Arguments of the last one, as long as no training or distillation followed it."""
    optimised: Json | None = None
    """The last table of variants."""
    originals: dict[str, str] = field(default_factory=dict)
    """The model that an optimised one was made from."""
    listed: tuple[str, ...] = ()
    about: str | None = None
    watched: Watched = field(default_factory=Watched)
    worked: Worked = field(default_factory=Worked)

    def learn(self, done: Done) -> None:
        """Take in one answered call."""
        self.worked.learn(done.tool, done.arguments, done.result)
        if done.tool in ("train_model", "estimate_training"):
            self.training, self.training_tool = dict(done.arguments), done.tool
            self.distillation = self.optimisation = None
        if done.result is not None:
            reader = _READERS.get(done.tool)
            if reader is not None:
                reader(self, done.arguments, done.result)
            self.watched.learn(done.tool, done.arguments, done.result)

    def columns(self, dataset: str | None) -> list[Json]:
        """Name and kind of the dataset's columns; [] when they were not seen yet."""
        return _rows(self.datasets.get(dataset or "", {}).get("columns"))

    def column_names(self, dataset: str | None) -> list[str]:
        """Names of the dataset's columns, in its order."""
        return [str(column["name"]) for column in self.columns(dataset)]

    def all_column_names(self) -> frozenset[str]:
        """Every word in a known column name, in lower case: they are no typing errors."""
        names = [name for dataset in self.datasets for name in self.column_names(dataset)]
        names += [name for columns in self.model_columns.values() for name in columns]
        return frozenset(name.lower() for name in names)

    @property
    def reads_text(self) -> bool:
        """Whether the data or the model that was spoken of last has a column of text."""
        kinds = [column.get("kind") for column in self.columns(self.dataset)]
        return "text" in [*kinds, *self.model_columns.get(self.model or "", {}).values()]

    def newest_models(self) -> list[str]:
        """Model ids, the newest first."""
        return list(self.models)[::-1]


def _dataset(known: Known, arguments: Json, result: Json) -> None:
    identity = str(result.get("dataset"))
    known.datasets[identity] = result
    known.dataset = identity
    if "source" in arguments:
        known.sources[str(arguments["source"])] = identity


def _datasets(known: Known, arguments: Json, result: Json) -> None:
    rows = _rows(result.get("datasets"))
    for row in reversed(rows):
        known.datasets.setdefault(str(row.get("dataset")), row)
    known.listed = tuple(str(row.get("dataset")) for row in rows)


def _profile(known: Known, arguments: Json, result: Json) -> None:
    known.dataset = str(result.get("dataset"))


def _estimate(known: Known, arguments: Json, result: Json) -> None:
    known.dataset = str(result.get("dataset"))


def _training(known: Known, arguments: Json, result: Json) -> None:
    known.dataset = str(result.get("dataset"))
    known.training = {**arguments, "target": result.get("target")}
    if result.get("model"):
        _model(known, str(result["model"]), result)


def _model(known: Known, identity: str, row: Json) -> None:
    known.models.pop(identity, None)
    known.models[identity] = row
    known.model = identity


def _models(known: Known, arguments: Json, result: Json) -> None:
    rows = _rows(result.get("models") or result.get("rows"))
    for row in reversed(rows):
        known.models.setdefault(str(row.get("model")), row)
    known.listed = tuple(str(row.get("model")) for row in rows)
    if known.model is None and rows:
        known.model = known.listed[0]


def _comparison(known: Known, arguments: Json, result: Json) -> None:
    _models(known, arguments, result)
    if result.get("best"):
        known.model = str(result["best"])


def _details(known: Known, arguments: Json, result: Json) -> None:
    summary = result.get("summary")
    if not isinstance(summary, dict):
        return
    identity = str(summary.get("model"))
    known.models.setdefault(identity, summary)
    known.model = identity
    columns = result.get("columns")
    if isinstance(columns, dict):
        known.model_columns[identity] = {str(name): str(kind) for name, kind in columns.items()}


def _used_model(known: Known, arguments: Json, result: Json) -> None:
    identity = str(result.get("model"))
    known.models.setdefault(identity, {"model": identity})
    known.model = identity


def _promoted(known: Known, arguments: Json, result: Json) -> None:
    _used_model(known, arguments, result)
    identity = str(result.get("model"))
    known.models[identity] = {**known.models[identity], "name": result.get("name")}


def _student(known: Known, arguments: Json, result: Json) -> None:
    """The student is what is spoken of from now on."""
    known.distillation, known.optimisation = dict(arguments), None
    for place in ("teacher", "student"):
        row = result.get(place)
        if isinstance(row, dict):
            _model(known, str(row.get("model")), {**known.models.get(str(row.get("model")), {}), **row})


def _optimised(known: Known, arguments: Json, result: Json) -> None:
    """The optimised model is what is spoken of from now on."""
    known.optimisation, known.distillation = {**arguments, "model": str(result.get("source"))}, None
    _shown_table(known, arguments, result)


def _shown_table(known: Known, arguments: Json, result: Json) -> None:
    """An optimised model looks at the columns of the one that it was made from."""
    known.optimised = result
    original, model = str(result.get("source")), str(result.get("model"))
    row = known.models.setdefault(original, {"model": original})
    if model != original:
        made: Json = {"model": model, **{name: row[name] for name in ("name", "target", "dataset") if name in row}}
        known.models.setdefault(model, {**made, **({"name": arguments["name"]} if arguments.get("name") else {})})
        known.originals[model] = original
        if original in known.model_columns:
            known.model_columns[model] = known.model_columns[original]
    known.model = model


def _planned_run(known: Known, arguments: Json, result: Json) -> None:
    """The model of a plan, or what its own steps made of it, is what is spoken of from now on."""
    steps = [step for step in _rows(result.get("steps")) if step.get("tool") == "optimise_model"]
    made = [result, *(step.get("result") for step in steps)]
    named = [str(one["model"]) for one in made if isinstance(one, dict) and one.get("model")]
    for identity in named:
        _model(known, identity, {**known.models.get(identity, {}), "model": identity})


def _crew_run(known: Known, arguments: Json, result: Json) -> None:
    """The model of a crew is what is spoken of from now on."""
    if result.get("model_id"):
        identity = str(result["model_id"])
        _model(known, identity, {**known.models.get(identity, {}), "model": identity})


def _challenger(known: Known, arguments: Json, result: Json) -> None:
    """A challenger that won is what is spoken of from now on."""
    identity = str(result.get("challenger"))
    known.models.setdefault(identity, {"model": identity})
    if result.get("passed"):
        known.model = identity


def _jobs(known: Known, arguments: Json, result: Json) -> None:
    rows = _rows(result.get("jobs"))
    for row in reversed(rows):
        known.jobs[str(row.get("job"))] = row
    known.listed = tuple(str(row.get("job")) for row in rows)


def _monitors(known: Known, arguments: Json, result: Json) -> None:
    known.listed = tuple(str(row.get("monitor")) for row in _rows(result.get("monitors")))


def _job(known: Known, arguments: Json, result: Json) -> None:
    known.job = str(result.get("job"))
    known.jobs[known.job] = result


def _rows(value: object) -> list[Json]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, Iterable) else []


_READERS = {
    "import_dataset": _dataset,
    "list_datasets": _datasets,
    "profile_dataset": _profile,
    "estimate_training": _estimate,
    "train_model": _training,
    "distil_model": _student,
    "optimise_model": _optimised,
    "show_optimisation": _shown_table,
    "export_model": _used_model,
    "evaluate_model": _used_model,
    "compare_models": _comparison,
    "explain_model": _used_model,
    "predict": _used_model,
    "list_models": _models,
    "show_model": _details,
    "promote_model": _promoted,
    "roll_back_model": _promoted,
    "retrain_model": _challenger,
    "run_plan": _planned_run,
    "approve_step": _planned_run,
    "run_crew": _crew_run,
    "monitor_status": _monitors,
    "job_status": _job,
    "cancel_job": _job,
    "list_jobs": _jobs,
}
