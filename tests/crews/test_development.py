"""The development crew turns a dataset into a registered model, and every call is on record."""

import json
from pathlib import Path
from typing import Any

import yaml

from crews.process import run_in_crew_process

ROOT = Path(__file__).resolve().parents[2]


def test_the_crew_profiles_mends_a_refused_call_and_trains(home: Path, environment: dict[str, str]) -> None:
    report: Any = run_in_crew_process("child:develops", {"home": str(home)}, home=home, environment=environment)
    calls = report["calls"]
    assert [(each["task"], each["agent"]) for each in report["tasks"]] == [
        ("analyse", "Data Scientist"),
        ("train", "ML Engineer"),
    ]
    assert [each["tool"] for each in calls] == ["profile_dataset", "train_model", "train_model"]
    assert calls[1]["result"].startswith("Error: 'f2' is not a known metric.")
    assert report["registered"] == [json.loads(calls[2]["result"])["model"]]


def test_without_a_key_the_offline_planner_leads_the_crew(home: Path, environment: dict[str, str]) -> None:
    report: Any = run_in_crew_process("child:develops_offline", {"home": str(home)}, home=home, environment=environment)
    assert [each["tool"] for each in report["calls"] if each["tool"] != "list_datasets"] == [
        "profile_dataset",
        "train_model",
    ]
    model = json.loads(report["calls"][-1]["result"])["model"]
    assert model in report["tasks"][1]["text"]


def test_the_crew_keeps_the_stock_layout() -> None:
    folder = ROOT / "crews" / "development"
    agents = yaml.safe_load((folder / "agents.yaml").read_text())
    tasks = yaml.safe_load((folder / "tasks.yaml").read_text())
    assert all({"role", "goal", "backstory"} <= set(agent) for agent in agents.values())
    assert {task["agent"] for task in tasks.values()} == set(agents)
