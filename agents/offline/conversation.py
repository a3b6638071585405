"""What the messages say has happened: turns, the calls made in them, and what is known from the results."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agents.offline.watched import Watched

Json = dict[str, Any]
"""Arguments or a result as they came over the wire; only a tool's schema says what is in them."""


@dataclass(frozen=True)
class Done:
    """A call that was answered. `result` is None when the answer was an error or not JSON; then `error` says why."""

    tool: str
    arguments: Json
    result: Json | None
    error: str | None = None


@dataclass(frozen=True)
class Turn:
    """What the user said, the calls answered since, and the words it ended with ('' while it goes on)."""

    text: str
    calls: tuple[Done, ...] = ()
    reply: str = ""


def read_turns(messages: Sequence[BaseMessage]) -> list[Turn]:
    """The conversation by turns of the user. Calls that nothing has answered are left out."""
    answers = {message.tool_call_id: message for message in messages if isinstance(message, ToolMessage)}
    turns: list[Turn] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            turns.append(Turn(plain(message)))
        elif isinstance(message, AIMessage):
            if not turns:
                turns.append(Turn(""))
            done = [_done(call, answers[call["id"]]) for call in message.tool_calls if call["id"] in answers]
            reply = turns[-1].reply if message.tool_calls else plain(message)
            turns[-1] = replace(turns[-1], calls=(*turns[-1].calls, *done), reply=reply)
    return turns


def plain(message: BaseMessage) -> str:
    """The text of a message whose content may come in parts."""
    return str(message.text).strip()


def _done(call: Mapping[str, Any], answer: ToolMessage) -> Done:
    text = plain(answer)
    if answer.status == "error":
        return Done(call["name"], dict(call["args"]), None, text)
    try:
        result = json.loads(text)
    except json.JSONDecodeError:
        return Done(call["name"], dict(call["args"]), None, text or "The tool gave no answer.")
    if not isinstance(result, dict):
        return Done(call["name"], dict(call["args"]), None, text)
    return Done(call["name"], dict(call["args"]), result)


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
    """Arguments of the last one, as long as no training followed it."""
    listed: tuple[str, ...] = ()
    about: str | None = None
    watched: Watched = field(default_factory=Watched)

    def learn(self, done: Done) -> None:
        """Take in one answered call."""
        if done.tool in ("train_model", "estimate_training"):
            self.training, self.training_tool = dict(done.arguments), done.tool
            self.distillation = None
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
    known.distillation = dict(arguments)
    for place in ("teacher", "student"):
        row = result.get(place)
        if isinstance(row, dict):
            _model(known, str(row.get("model")), {**known.models.get(str(row.get("model")), {}), **row})


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
    "evaluate_model": _used_model,
    "compare_models": _comparison,
    "explain_model": _used_model,
    "predict": _used_model,
    "list_models": _models,
    "show_model": _details,
    "promote_model": _promoted,
    "roll_back_model": _promoted,
    "retrain_model": _challenger,
    "monitor_status": _monitors,
    "job_status": _job,
    "cancel_job": _job,
    "list_jobs": _jobs,
}
