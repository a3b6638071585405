"""A desk at which the offline planner works: tools that answer with real result types, and a way to talk."""

from collections.abc import Callable, Mapping, Sequence

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agents.offline import OfflinePlanner
from engine.drift.levels import Level
from engine.errors import ColumnNotFound, MillwrightError, NotFound, SourceNotFound
from engine.kinds import Kind
from tests.agents.optimising import OPTIMISING, Optimising
from tests.agents.watching import MONITOR, WATCHING
from tools.data import ColumnProfile, ColumnSummary, DatasetList, DatasetProfile, DatasetSummary
from tools.job_tools import JobInfo, JobList
from tools.models import ModelDetails, ModelList, ModelSummary, Predictions, Promotion
from tools.spec import ToolResult
from tools.training import (
    CandidateEstimate,
    Comparison,
    ComparisonRow,
    Distillation,
    EvaluationResult,
    Explanation,
    ImportanceRow,
    LeaderboardRow,
    MeasuredModel,
    MetricValue,
    TrainingEstimate,
    TrainingResult,
    ValidationValue,
)

TOOLS = (
    *("import_dataset", "list_datasets", "profile_dataset", "estimate_training", "train_model", "evaluate_model"),
    *("compare_models", "explain_model", "predict", "list_models", "show_model", "promote_model"),
    *("job_status", "cancel_job", "list_jobs", "distil_model", *WATCHING, *OPTIMISING),
)
TELCO = (
    "customerID:identifier gender:category SeniorCitizen:integer Partner:category Dependents:category tenure:integer "
    "InternetService:category OnlineSecurity:category Contract:category PaymentMethod:category MonthlyCharges:number "
    "TotalCharges:number Churn:category"
)
HOUSES = "longitude:number latitude:number total_rooms:integer median_income:number median_house_value:number"
WINE = "fixed_acidity:number alcohol:number pH:number quality:integer"
SPAM = "label:category text:text"
FOLDER = "image:image label:category"
SALES = "region:category list_price:number sale_price:number units:integer"
FILES = {
    "telco.csv": ("ds_telco", "telco", TELCO, None),
    "data/telco churn.csv": ("ds_telco", "telco", TELCO, None),
    "houses.csv": ("ds_houses", "houses", HOUSES, None),
    "wine.parquet": ("ds_wine", "wine", WINE, None),
    "spam.csv": ("ds_spam", "spam", SPAM, None),
    "screens.csv": ("ds_screens", "screens", "monitor:category inches:number", None),
    "sales.xlsx": ("ds_sales", "sales", SALES, None),
    "sample:churn": ("ds_sample", "churn", TELCO, "Churn"),
    "sample:diabetes": ("ds_diab", "diabetes", "age:number bmi:number target:number", "target"),
    "sample:digits": ("ds_digits", "digits", "p0:number p1:number target:category", "target"),
    "./photos": ("ds_photos", "photos", FOLDER, "label"),
    "data/photos/": ("ds_photos", "photos", FOLDER, "label"),
    "flowers": ("ds_flowers", "flowers", FOLDER, "label"),
    "mnist.npz": ("ds_mnist", "mnist", FOLDER, "label"),
    "sample:digits_images": ("ds_digit_images", "digits_images", "image:image digit:category", "digit"),
    "reviews/": ("ds_reviews", "reviews", "text:text label:category", "label"),
    "catalogue.csv": ("ds_catalogue", "catalogue", "image:image label:category price:number", None),
}
METRIC = MetricValue(name="roc_auc", value=0.86341, ci=(0.8471, 0.8790), rows=1409)
VALIDATION = ValidationValue(name="roc_auc", value=0.85123, method="5-fold")
BASELINE = ValidationValue(name="roc_auc", value=0.5, method="5-fold")
IMPORTANCE = tuple(
    ImportanceRow(column=name, importance=value, deviation=0.001)
    for name, value in [("Contract", 0.0711), ("tenure", 0.0523), ("MonthlyCharges", 0.0134), ("gender", 0.0001)]
)
BOARD = (
    LeaderboardRow(model="lightgbm", status="done", validation=0.85123, seconds=4.2),
    LeaderboardRow(model="linear", status="done", validation=0.8412, seconds=1.1),
    LeaderboardRow(model="dummy", status="done", validation=0.5, seconds=0.1),
)


def dataset(source: str) -> DatasetSummary:
    identity, name, columns, target = FILES[source]
    pairs = [column.split(":") for column in columns.split()]
    return DatasetSummary(
        dataset=identity,
        name=name,
        source=source,
        rows=7043,
        train_rows=5634,
        test_rows=1409,
        target=target,
        split="random",
        columns=tuple(
            ColumnSummary.model_validate({"name": n, "kind": k, "missing": 0, "distinct": 2, "reason": ""})
            for n, k in pairs
        ),
    )


class Desk(Optimising):
    """A conversation with the planner. Each tool answers with its real result type, or a real error."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[BaseMessage] = []
        self.calls: list[tuple[str, dict[str, object]]] = []
        self.datasets: list[str] = []
        self.trained: list[str] = []
        self.learnt: dict[str, str] = {}
        self.listed_models: list[str] = []
        self.running: list[str] = []
        self.done_jobs: list[str] = []
        self.refusals: dict[str, str] = {}
        definitions = [
            {"type": "function", "function": {"name": name, "description": name, "parameters": {"type": "object"}}}
            for name in TOOLS
        ]
        self.planner = OfflinePlanner().bind_tools(definitions)

    def say(self, text: str) -> str:
        """Say something; the planner's words after all its calls were answered. `calls` are those of this turn."""
        self.messages.append(HumanMessage(text))
        self.calls = []
        for _ in range(12):
            answer = self.planner.invoke(self.messages)
            assert isinstance(answer, AIMessage)
            self.messages.append(answer)
            if not answer.tool_calls:
                return str(answer.content)
            for call in answer.tool_calls:
                self.calls.append((call["name"], call["args"]))
                self.messages.append(self._answer(call["name"], call["args"], str(call["id"])))
        raise AssertionError(f"no end: {self.calls}")

    @property
    def last(self) -> tuple[str, dict[str, object]] | None:
        """The last call of this turn, or None."""
        return self.calls[-1] if self.calls else None

    def _answer(self, tool: str, arguments: dict[str, object], call: str) -> ToolMessage:
        if tool in self.refusals:
            return ToolMessage(self.refusals[tool], tool_call_id=call, status="error")
        try:
            result = ANSWERS[tool](self, arguments)
        except MillwrightError as error:
            return ToolMessage(str(error), tool_call_id=call, status="error")
        return ToolMessage(result.model_dump_json(), tool_call_id=call, name=tool)

    def import_dataset(self, arguments: Mapping[str, object]) -> ToolResult:
        source = str(arguments["source"])
        if source not in FILES:
            raise SourceNotFound(source, list(FILES))
        if source not in self.datasets:
            self.datasets.append(source)
        return dataset(source)

    def list_datasets(self, arguments: Mapping[str, object]) -> ToolResult:
        return DatasetList(datasets=tuple(dataset(source) for source in reversed(self.datasets)))

    def profile_dataset(self, arguments: Mapping[str, object]) -> ToolResult:
        column = ColumnProfile(name="tenure", kind="integer", missing=3, missing_share=0.1, distinct=70, relation=0.35)
        return DatasetProfile(
            dataset=str(arguments["dataset"]),
            rows=5634,
            columns=(column,),
            target="Churn",
            task="binary",
            class_shares={"No": 0.735, "Yes": 0.265},
            warnings=("customerID looks like an identifier.",),
        )

    def estimate_training(self, arguments: Mapping[str, object]) -> ToolResult:
        return TrainingEstimate(
            seconds=41.5,
            memory_mb=310.0,
            dataset=str(arguments["dataset"]),
            target=str(arguments["target"]),
            task="binary",
            metric="roc_auc",
            validation="5-fold",
            rows=5634,
            features=40,
            candidates=(CandidateEstimate(model="linear", seconds=3.25),),
        )

    def train_model(self, arguments: Mapping[str, object]) -> ToolResult:
        names = [column.name for source in FILES for column in dataset(source).columns]
        drop = arguments.get("drop") or []
        assert isinstance(drop, Sequence)
        for name in [arguments["target"], *drop]:
            if name not in names:
                raise ColumnNotFound(str(name), names)
        self.trained.append(f"mdl_{len(self.trained) + 1}")
        self.learnt[self.trained[-1]] = str(arguments["dataset"])
        return TrainingResult(
            run="run_1",
            dataset=str(arguments["dataset"]),
            target=str(arguments["target"]),
            task="binary",
            validation=VALIDATION,
            baseline=BASELINE,
            best="lightgbm",
            leaderboard=BOARD,
            seconds=41.23,
            model=self.trained[-1],
            metric=METRIC,
            importance=IMPORTANCE,
            package="models/x",
            report="models/x/report.html",
        )

    def distil_model(self, arguments: Mapping[str, object]) -> ToolResult:
        self.trained.append(f"mdl_{len(self.trained) + 1}")
        self.learnt[self.trained[-1]] = self.learnt.get(str(arguments["model"]), "")
        return Distillation(
            run="run_2",
            teacher=measured(str(arguments["model"]), "lightgbm", 2.5, 4.8),
            student=measured(self.trained[-1], str(arguments.get("student") or "network"), 0.25, 1.2),
            kept=0.9641,
            agreement=0.9737,
            smaller=10.0,
            faster=4.0,
            verdict="The student keeps most of what its teacher has learnt.",
            package="models/y",
            report="models/y/report.html",
        )

    def evaluate_model(self, arguments: Mapping[str, object]) -> ToolResult:
        data = str(arguments.get("data", "sealed test"))
        return EvaluationResult(model=str(arguments["model"]), data=data, rows=1409, metric=METRIC, looks=2)

    def compare_models(self, arguments: Mapping[str, object]) -> ToolResult:
        rows = tuple(
            ComparisonRow(
                model=model,
                name="telco-Churn",
                version=place,
                dataset="ds_telco",
                target="Churn",
                kind="lightgbm",
                metric=METRIC,
                validation=0.85,
                seconds=41.0,
                size_mb=0.3,
            )
            for place, model in enumerate(self.models, 1)
        )
        return Comparison(rows=rows, comparable=True, best=None, verdict="The intervals overlap.")

    def explain_model(self, arguments: Mapping[str, object]) -> ToolResult:
        return Explanation(
            model=str(arguments["model"]),
            target="Churn",
            metric="roc_auc",
            rows=2000,
            importance=IMPORTANCE,
            report="models/x/report.html",
        )

    def predict(self, arguments: Mapping[str, object]) -> ToolResult:
        row = {"prediction": "Yes", "probability_Yes": 0.7312, "probability_No": 0.2688}
        return Predictions(model=str(arguments["model"]), rows=1, predictions=(row,), out=_text(arguments.get("out")))

    def list_models(self, arguments: Mapping[str, object]) -> ToolResult:
        return ModelList(models=tuple(summary(model) for model in self.models))

    def show_model(self, arguments: Mapping[str, object]) -> ToolResult:
        if arguments["model"] not in self.models:
            raise NotFound("model", str(arguments["model"]), self.models)
        return ModelDetails(
            summary=summary(str(arguments["model"])),
            run="run_1",
            validation=VALIDATION,
            baseline=BASELINE,
            leaderboard=BOARD,
            importance=IMPORTANCE,
            columns=self.columns(str(arguments["model"])),
            seed=0,
            looks=1,
            report="models/x/report.html",
            card="models/x/card.md",
        )

    def promote_model(self, arguments: Mapping[str, object]) -> ToolResult:
        return Promotion(
            model=str(arguments["model"]), name="telco-Churn", version=1, alias=str(arguments["alias"]), previous=None
        )

    def job_status(self, arguments: Mapping[str, object]) -> ToolResult:
        return job(str(arguments["job"]), "running")

    def cancel_job(self, arguments: Mapping[str, object]) -> ToolResult:
        return job(str(arguments["job"]), "cancelling")

    def list_jobs(self, arguments: Mapping[str, object]) -> ToolResult:
        rows = [job(name, "running") for name in self.running] + [job(name, "done") for name in self.done_jobs]
        return JobList(jobs=tuple(rows))

    def columns(self, model: str) -> dict[str, Kind]:
        """The columns that a model takes, by what it was trained on."""
        for source in FILES:
            known = dataset(source)
            if known.dataset == self.learnt.get(model) and known.dataset != "ds_telco":
                return {column.name: column.kind for column in known.columns if column.name != "label"}
        return {"tenure": "integer", "Contract": "category", "MonthlyCharges": "number"}

    @property
    def models(self) -> list[str]:
        return self.listed_models or self.trained[::-1]


ANSWERS: Mapping[str, Callable[[Desk, Mapping[str, object]], ToolResult]] = {
    name: getattr(Desk, name) for name in TOOLS
}


def summary(model: str) -> ModelSummary:
    return ModelSummary(
        model=model,
        name="telco-Churn",
        version=1,
        aliases=("champion",) if model == "mdl_1" else (),
        dataset="ds_telco",
        target="Churn",
        task="binary",
        kind="lightgbm",
        metric=METRIC,
        created="2026-01-01T00:00:00Z",
        package="models/x",
    )


def measured(model: str, kind: str, size: float, ms: float) -> MeasuredModel:
    return MeasuredModel(
        model=model, kind=kind, metric=METRIC, size_mb=size, one_row_ms=ms, many_rows_per_second=81_920.0
    )


def job(name: str, state: str) -> JobInfo:
    return JobInfo(job=name, tool="train_model", state=state, created="", updated="", summary="3 of 5 fits")


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@pytest.fixture
def desk() -> Desk:
    """A fresh conversation."""
    return Desk()


@pytest.fixture
def desk_at() -> Callable[[str], Desk]:
    """A conversation that has come to one of SAID; or fresh, stored, two stored, idle, registered, (two) watched."""
    return at


LOAD, CHURN = "load telco.csv", "predict which customers churn within 30 seconds"
SAID: Mapping[str, Sequence[str]] = {
    "loaded": [LOAD],
    "jobs": [LOAD],
    "estimated": [LOAD, "how long would it take to predict churn within 30 s?"],
    "trained": [LOAD, CHURN],
    "twice": [LOAD, CHURN, "now with recall"],
    "models": [LOAD, CHURN, "now with recall", "list models"],
    "pictures": ["load ./photos"],
    "messages": ["load spam.csv"],
    "picture model": ["load ./photos", "train with target label"],
    "text model": ["load spam.csv", "train with target label"],
    "distilled": [LOAD, CHURN, "distil it"],
    "optimised": [LOAD, CHURN, "optimise it"],
    "monitored": [LOAD, CHURN, "watch it"],
    "red": [LOAD, CHURN, "watch it", "check the monitor"],
    "retrained": [LOAD, CHURN, "watch it", "check the monitor", "retrain it"],
}
"""What was said before, by the state that it leads to."""


def at(state: str) -> Desk:
    desk = Desk()
    if state in ("red", "retrained", "watched"):
        desk.level = Level.RED
    if state in ("watched", "two watched"):
        desk.monitors = [MONITOR, "mon_00000000beef"][: 1 + (state == "two watched")]
    if state == "stored":
        desk.datasets = ["telco.csv"]
    if state == "two stored":
        desk.datasets = ["telco.csv", "houses.csv"]
    for words in SAID.get(state, ()):
        desk.say(words)
    if state == "jobs":
        desk.running, desk.done_jobs = ["job_aa11"], ["job_bb22"]
    if state == "idle":
        desk.done_jobs = ["job_bb22"]
    if state == "registered":
        desk.listed_models = ["mdl_2", "mdl_1"]
    return desk
