"""The crew with the real tools on real tables: no HOME, no network, nothing outside the home. Slow."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents.loopback import serve
from agents.script import call, say

pytestmark = pytest.mark.slow

START = """
import json, sys
from millwright.crewing import crew
given = json.loads(sys.argv[1])
print(crew("development", given.pop("data"), given.pop("target"), **given).model_dump_json())
"""
SETS = {
    "telco_churn.csv": ("Churn", "roc auc of at least 0.7"),
    "wine_quality_white.csv": ("quality", "rmse below 0.8"),
}


def started(tmp_path: Path, environment: dict[str, str], *, given: dict[str, Any], **settings: str) -> dict[str, Any]:
    """What the crew answers to `given`, from a process whose folders are all watched."""
    folders = {name: tmp_path / name for name in ("cwd", "tmp", "home")}
    for folder in folders.values():
        folder.mkdir()
    variables = {"MILLWRIGHT_HOME": str(folders["home"]), "TMPDIR": str(folders["tmp"]), **settings}
    done = subprocess.run(
        [sys.executable, "-c", START, json.dumps(given)],
        env={**environment, **variables},
        cwd=folders["cwd"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not any(folders["cwd"].iterdir())
    assert not any(path.is_file() for path in folders["tmp"].rglob("*"))
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("process", ["sequential", "hierarchical"])
@pytest.mark.parametrize("table", SETS)
def test_a_crew_turns_a_table_into_a_tested_model_with_a_plan(
    tmp_path: Path, environment: dict[str, str], shared_data: Path, table: str, process: str
) -> None:
    target, goal = SETS[table]
    given = {"data": str(shared_data / table), "target": target, "goal": goal, "process": process, "budget_seconds": 20}
    report = started(tmp_path, environment, given=given)
    assert report["missing"] == report["struck"] == []
    assert [task["name"] for task in report["tasks"]] == ["analyse", "implement", "test", "deploy"]
    assert all(Path(path).exists() for task in report["tasks"] for path in task["artifacts"])
    assert report["model_id"] in report["tasks"][1]["output"]
    quality = next(Path(path) for path in report["tasks"][2]["artifacts"] if path.endswith("qa.md")).read_text()
    assert "| Score | passed |" in quality
    deployment = Path(report["tasks"][3]["artifacts"][0]).read_text()
    assert all(f"## {heading}" in deployment for heading in ("Serving", "Monitoring", "A/B test", "Rollback"))


def test_a_language_model_leads_the_crew_and_its_key_is_nowhere_on_disk(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    sample = {"dataset": "breast_cancer", "target": "diagnosis"}
    fixed = {**sample, "models": ["linear"], "budget_seconds": None, "max_models": 1}
    script = [
        [call("profile_dataset", **sample), call("estimate_training", **fixed)],
        say("The classes are benign and malignant."),
        call("train_model", **fixed, name="tumours"),
        call("explain_model", model="tumours"),
        say("It has an accuracy of 0.99999."),
        call("test_model", model="tumours", seconds=10),
        say("It was tested."),
        call("plan_deployment", model="tumours"),
        say("It is planned."),
    ]
    with serve(script) as server:
        report = started(
            tmp_path,
            environment,
            given={"data": "sample:breast_cancer", "target": "diagnosis", "max_models": 1},
            MILLWRIGHT_LLM__PROVIDER="openai",
            MILLWRIGHT_LLM__MODEL="m",
            MILLWRIGHT_LLM__BASE_URL=server.base_url,
            MILLWRIGHT_LLM__API_KEY="sk-very-secret",
        )
    assert server.used_up
    assert report["struck"] == ["0.99999"]
    assert report["tokens"]["calls"] == len(script)
    assert not [
        path for path in (tmp_path / "home").rglob("*") if path.is_file() and b"very-secret" in path.read_bytes()
    ]
