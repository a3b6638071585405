"""The border: usage, exit codes, one JSON document, and a `--help` that imports next to nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import Millwright, environment

HEAVY = {
    "torch", "langchain", "langchain_core", "langgraph", "crewai", "mlflow", "pandas", "sklearn", "numpy", "dbos",
    "scipy", "lightgbm", "matplotlib", "sqlalchemy", "fastapi", "uvicorn", "httpx", "pyarrow", "openai",
}  # fmt: skip
LIST_MODULES = (
    "import sys; from millwright.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
)


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIST_MODULES], capture_output=True, text=True, env=environment(tmp_path), check=True
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "Say what you want from your data" in done.stdout
    assert not loaded & HEAVY


def test_the_command_alone_shows_its_help(millwright: Millwright) -> None:
    done = millwright()
    assert done.code == 0
    assert "Usage: millwright" in done.out


def test_the_version_is_that_of_the_package(millwright: Millwright) -> None:
    assert millwright("--version").out.startswith("millwright 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("data", "nonsense"),
        ("train",),
        ("train", "--data"),
        ("run", "a goal"),
        ("jobs", "list", "--limit", "x"),
    ],
)
def test_wrong_usage_exits_2_and_says_where_the_help_is(millwright: Millwright, arguments: tuple[str, ...]) -> None:
    done = millwright(*arguments)
    assert done.code == 2
    assert "--help" in done.err
    assert done.out == ""


def test_a_help_that_was_asked_for_is_text_with_json_too(millwright: Millwright) -> None:
    done = millwright("train", "--json", "--help")
    assert done.code == 0
    assert "Usage: millwright train" in done.out


@pytest.mark.parametrize("number", ["0", "201"])
def test_a_number_of_models_out_of_range_is_wrong_usage(millwright: Millwright, home: Path, number: str) -> None:
    for work in (("train",), ("run", "predict left", "--yes")):
        done = millwright(*work, "--data", "sample:churn", "--max-models", number, "--json")
        assert (done.code, done.error["code"]) == (2, "usage")
    assert not home.exists()


@pytest.mark.parametrize("also", [("predict left",), ("--data", "x.csv"), ("--budget", "5"), ("--split", "random")])
def test_a_resumed_run_is_not_asked_for_anything_else(millwright: Millwright, also: tuple[str, ...]) -> None:
    done = millwright("run", *also, "--resume", "run_1", "--json")
    assert (done.code, done.error["code"]) == (2, "usage")
    assert (also[0] if also[0].startswith("-") else "GOAL") in done.error["message"]


def test_wrong_usage_is_a_document_too(millwright: Millwright) -> None:
    done = millwright("train", "--json")
    assert done.code == 2
    assert done.error["code"] == "usage"
    assert "--data" in done.error["message"]


def test_a_kind_without_a_column_is_wrong_usage(millwright: Millwright) -> None:
    done = millwright("data", "import", "x.csv", "--kind", "number", "--json")
    assert (done.code, done.error["code"]) == (2, "usage")


def test_nothing_is_written_by_help_or_usage_errors(millwright: Millwright, home: Path) -> None:
    millwright("--help")
    millwright("train")
    assert not home.exists()
