"""Receipts as a program: it runs, threads ids, keeps data as data, and calls nothing but tools."""

import ast
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from graphs.receipts import Receipt, receipts_of, script_of
from graphs.script_check import faults_of, tools_called
from tests.graphs.smallshop import TOOLS, effects, small_workshop
from tools.catalogue import CATALOGUE
from tools.workshop import Workshop

HOSTILE = ['"); import os', "');import os#", "a\nimport os", "\\", "{os}", "\u2028import os", "\x00", "`rm`", "'" * 7]


def work(workshop: Workshop, source: Path) -> list[Receipt]:
    """Import, train, and add, really done once."""
    receipts: list[Receipt] = []
    for tool, arguments in (
        ("import_dataset", {"source": str(source), "target": "y"}),
        ("train_model", {"dataset": "ds_small", "target": "y", "budget_seconds": None, "max_models": 2}),
        ("add", {"a": 1.5, "b": 2}),
    ):
        result = workshop.call(tool, **arguments).model_dump(mode="json")
        receipts.append(Receipt(id=f"r{len(receipts) + 1}", tool=tool, arguments=arguments, result=result))
    return receipts


def publish(model: str) -> Receipt:
    return Receipt(id="r9", tool="publish", arguments={"model": model}, result={"model": model})


def run_over(workshop: Workshop, script: str) -> str:
    """Run a program over a workshop that is open already."""

    class Millwright:
        @contextmanager
        def open_workshop(self) -> Iterator[Workshop]:
            yield workshop

    shown = io.StringIO()
    with redirect_stdout(shown):
        code = compile(script.replace("import millwright", ""), "script", "exec")
        exec(code, {"millwright": Millwright()})
    return shown.getvalue()


def test_the_program_does_the_same_work_in_another_home(home: Path, rows: Path) -> None:
    receipts = work(small_workshop(home), rows)
    receipts.append(publish(str(receipts[1].result and receipts[1].result["model"])))
    other = small_workshop(home.parent / "other")
    shown = run_over(other, script_of(receipts, tools=TOOLS))
    done = effects(other.home)
    assert done[:4] == effects(home)[:4]
    assert "add 1.5 2" in done
    published = done[-1].removeprefix("publish ")
    assert f"register {published}" in done
    assert "[r3] add: 3.5" in shown


def test_ids_of_earlier_results_are_variables_and_others_are_told(home: Path, rows: Path) -> None:
    receipts = [*work(small_workshop(home), rows), publish("mdl_elsewhere")]
    script = script_of(receipts, tools=TOOLS)
    assert "dataset=r1.dataset" in script
    assert "expected in the home: mdl_elsewhere" in script
    assert "model='mdl_elsewhere'" in script
    assert "it changes something others use" in script


@pytest.mark.parametrize(
    ("receipt", "why"),
    [
        (Receipt(id="r1", tool="add", arguments={"a": 1}, error="The user declined\nimport os"), "import os"),
        (Receipt(id="r1", tool="sing", arguments={}, result={}), "no tool of the workshop"),
        (Receipt(id="r1", tool="add", arguments={"a": 1, "c": 2}, result={"value": 1}), "c"),
        (Receipt(id="r1", tool="train_model", arguments={}, result={"cancelled": True}), "stopped before"),
    ],
)
def test_what_cannot_be_done_again_is_left_out_with_the_reason(receipt: Receipt, why: str) -> None:
    script = script_of([receipt], tools=TOOLS)
    assert tools_called(script) == []
    (line,) = [line for line in script.splitlines() if "is left out" in line]
    assert line.lstrip().startswith("#")
    assert why in line


def test_an_empty_conversation_gives_a_program_that_does_nothing() -> None:
    script = script_of([])
    assert faults_of(script, CATALOGUE) == []
    assert tools_called(script) == []


def test_passwords_and_parameters_are_never_written() -> None:
    url = "postgresql://ann:s3cret@db/shop?token=abc"
    good = Receipt(id="r1", tool="import_dataset", arguments={"source": url, "query": "select 1"}, result={})
    bad = Receipt(id="r2", tool="import_dataset", arguments={"source": url}, error=f"cannot reach {url}")
    script = script_of([good, bad], f"from {url}")
    assert "s3cret" not in script
    assert "abc" not in script
    assert "were left out: put them in" in script


def test_a_local_file_is_named_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop.csv").write_text("a\n1\n")
    monkeypatch.chdir(tmp_path)
    receipts = [
        Receipt(id=f"r{number}", tool="import_dataset", arguments={"source": source}, result={})
        for number, source in enumerate(["shop.csv", "sample:churn", "gone.csv"], 1)
    ]
    script = script_of(receipts)
    assert f"source={str(tmp_path / 'shop.csv')!r}" in script
    assert "source='sample:churn'" in script
    assert "source='gone.csv'" in script


def test_a_note_on_a_call_is_one_remark() -> None:
    receipt = Receipt(id="r1", tool="list_models", arguments={}, result={}, note="left out\nimport os")
    assert "    # left out import os\n" in script_of([receipt])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_data(name: str) -> None:
    check_stays_data(name)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60))
def test_any_name_stays_data(name: str) -> None:
    check_stays_data(name)


def check_stays_data(name: str) -> None:
    arguments: dict[str, Any] = {"dataset": name, "target": name, "drop": [name], "max_models": 1}
    script = script_of([Receipt(id="r1", tool="train_model", arguments=arguments, result={})], name)
    assert faults_of(script, CATALOGUE) == []
    assert tools_called(script) == ["train_model"]
    calls = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Call)]
    assert len(calls) == 3  # the opening, the tool, print
    assert len([node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Import)]) == 1


BAD_PROGRAMS = [
    *("import os", "from os import system", "open('x')", "exec('1')", "__import__('os')", "().__class__"),
    *("workshop.call('nope')", "workshop.call('train_model')", "workshop.call('list_models', limit=3)"),
    *("workshop.call('train_model', **{})", "name = 'x'\nworkshop.call(name)", "sorted(['a'], key=workshop.call)"),
    *("millwright.run('a', 'b')", "call = workshop.call\ncall('x')", "millwright.compose.os.system('x')"),
    *("def f(): pass", "lambda: 1", "workshop = 3", "print = workshop", "while True: pass", "x.y = 3", "if"),
    *("workshop.call('train_model', dataset=x, target='y', budget='much')", "a" + ".b" * 3000, "x = '" + "a" * 100_001),
    *("workshop.call('train_model', dataset=x, budget_seconds='much')", "getattr(workshop, 'home')"),
]


@pytest.mark.parametrize("source", BAD_PROGRAMS, ids=range(len(BAD_PROGRAMS)))
def test_a_program_that_could_do_anything_else_is_refused(source: str) -> None:
    assert faults_of(source, CATALOGUE)


def test_a_program_may_decide_and_repeat_on_what_tools_return() -> None:
    source = """
import millwright
with millwright.open_workshop() as workshop:
    data = workshop.call("import_dataset", source="sample:churn")
    for metric in ("f1", "recall"):
        trained = workshop.call("train_model", dataset=data.dataset, target="churned", metric=metric)
        if trained.model:
            print(f"{metric}: {trained.metric.value:.3f}", [row.model for row in trained.leaderboard])
"""
    assert faults_of(source, CATALOGUE) == []


def test_receipts_are_the_answered_calls_of_a_conversation() -> None:
    call = {"name": "add", "args": {"a": 1, "b": 2}, "id": "1"}
    failed = {"name": "add", "args": {"a": "x"}, "id": "2"}
    messages = [
        HumanMessage("add"),
        AIMessage("", tool_calls=[call, failed]),
        ToolMessage(json.dumps({"value": 3}), tool_call_id="1"),
        ToolMessage("add: a: not a number", tool_call_id="2", status="error"),
        AIMessage("3", tool_calls=[{"name": "add", "args": {}, "id": "open"}]),
    ]
    one, two = receipts_of(messages)
    assert (one.id, one.tool, one.result, one.error) == ("r1", "add", {"value": 3}, None)
    assert (two.id, two.result, two.error) == ("r2", None, "add: a: not a number")


@pytest.mark.slow
def test_the_program_runs_in_a_fresh_process_and_an_empty_home(tmp_path: Path) -> None:
    """By `millwright.open_workshop()`, with its worker: import, train one model, explain it."""
    receipts = [
        Receipt(
            id="r1", tool="import_dataset", arguments={"source": "sample:diabetes"}, result=summary("ds_1", "diabetes")
        ),
        Receipt(
            id="r2",
            tool="train_model",
            arguments={"dataset": "ds_1", "target": "progression", "budget_seconds": None, "max_models": 1},
            result=trained("ds_1", "mdl_1"),
        ),
        Receipt(
            id="r3",
            tool="explain_model",
            arguments={"model": "mdl_1", "top": 3},
            result={
                "model": "mdl_1",
                "target": "progression",
                "metric": "rmse",
                "rows": 1,
                "importance": [],
                "report": "",
            },
        ),
    ]
    script = tmp_path / "script.py"
    script.write_text(script_of(receipts))
    done = subprocess.run(
        [sys.executable, str(script)], env=environment(tmp_path / "home"), cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "[r3] explain_model: mdl_" in done.stdout


def environment(home: Path) -> dict[str, str]:
    from tests.cli.running import environment as of_a_user

    return of_a_user(home)


def summary(dataset: str, name: str) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "name": name,
        "source": name,
        "rows": 3,
        "train_rows": 2,
        "test_rows": 1,
        "target": None,
        "split": "random",
        "columns": [],
    }


def trained(dataset: str, model: str) -> dict[str, Any]:
    return {
        "run": "run_1",
        "dataset": dataset,
        "target": "progression",
        "task": "regression",
        "validation": None,
        "baseline": None,
        "best": "linear",
        "leaderboard": [],
        "seconds": 1.0,
        "model": model,
    }
