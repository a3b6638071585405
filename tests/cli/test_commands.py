"""Each command on a small model: what programs read, what people see."""

import csv
import json
from pathlib import Path

import pytest

from tests.cli.running import Millwright, Trained, runner, table_text

SUMMARY = {
    "run_id", "dataset_id", "model_id", "task", "target", "metric", "validation", "baseline", "leaderboard",
    "importance", "package", "report", "seconds",
}  # fmt: skip


def test_train_answers_with_exactly_the_promised_document(trained: Trained) -> None:
    summary = trained.summary
    assert set(summary) == SUMMARY
    assert set(summary["metric"]) == {"name", "value", "ci"}
    low, high = summary["metric"]["ci"]
    assert low <= summary["metric"]["value"] <= high
    assert all(set(row) == {"model", "validation", "seconds"} for row in summary["leaderboard"])
    assert {row["model"] for row in summary["leaderboard"]} >= {"dummy", "linear"}
    assert summary["importance"][0]["column"] == "months"
    assert Path(summary["package"]).is_dir()
    assert Path(summary["report"]).read_text().startswith("<!doctype html>")


def test_run_answers_with_the_same_document_and_shows_its_plan(trained: Trained) -> None:
    done = trained.millwright(
        "run", "predict left", "--data", str(trained.table), "--target", "left", "--max-models", "2", "--yes", "--json"
    )
    assert done.code == 0, done.err
    assert set(done.document) == SUMMARY | {"plan", "steps", "mermaid"}
    assert "Plan: predict left" in done.err


def test_people_see_leaderboard_baseline_interval_paths_and_the_next_commands(trained: Trained) -> None:
    work = ("--models", "linear", "--max-models", "2")
    done = trained.millwright("train", "--data", str(trained.table), "--target", "left", *work)
    assert done.code == 0, done.err
    for words in ("dummy (baseline)", "95 % interval", "months", "report.html", "millwright predict --model"):
        assert words in done.out
    assert "\x1b" not in done.out + done.err


def test_predict_writes_the_rows_in_order_with_a_probability_for_each_class(trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    model = trained.summary["model_id"]
    done = trained.millwright("predict", "--model", model, "--data", str(trained.table), "--out", str(out), "--json")
    assert done.code == 0, done.err
    rows = list(csv.DictReader(out.read_text().splitlines()))
    truth = [row["left"] for row in csv.DictReader(trained.table.read_text().splitlines())]
    assert list(rows[0]) == ["prediction", "probability_no", "probability_yes"]
    assert len(rows) == len(truth)
    assert sum(row["prediction"] == value for row, value in zip(rows, truth, strict=True)) > 0.8 * len(truth)


def test_predict_takes_columns_in_any_order_and_more_than_it_needs(trained: Trained, tmp_path: Path) -> None:
    lines = list(csv.reader(trained.table.read_text().splitlines()))
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join(",".join([*reversed(line), "x"]) for line in lines))
    model, outs = trained.summary["model_id"], [tmp_path / "a.csv", tmp_path / "b.csv"]
    for data, out in zip((trained.table, turned), outs, strict=True):
        assert trained.millwright("predict", "--model", model, "--data", str(data), "--out", str(out)).code == 0
    assert outs[0].read_text() == outs[1].read_text()


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("data", "list"), "datasets"),
        (("models", "list"), "models"),
        (("models", "show", "MODEL"), "summary"),
        (("models", "compare"), "verdict"),
        (("explain", "--model", "MODEL"), "importance"),
        (("evaluate", "--model", "MODEL", "--data", "TABLE"), "confusion"),
        (("jobs", "list"), "jobs"),
        (("tools", "list"), "tools"),
        (("doctor",), "checks"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_each_command_answers_programs_and_people(trained: Trained, arguments: tuple[str, ...], field: str) -> None:
    real = {"MODEL": trained.summary["model_id"], "TABLE": str(trained.table)}
    asked = [real.get(word, word) for word in arguments]
    done = trained.millwright(*asked, "--json")
    assert done.code == 0, done.err
    assert field in done.document
    shown = trained.millwright(*asked)
    assert shown.code == 0
    assert shown.out.strip()


def test_data_profile_imports_a_file_and_warns_in_words(millwright: Millwright, tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text(table_text())
    done = millwright("data", "profile", "clients.csv", "--target", "left", "--json")
    assert done.code == 0, done.err
    assert done.document["task"] == "binary"
    kinds = {column["name"]: column["kind"] for column in done.document["columns"]}
    assert kinds["client"] == "identifier"
    assert millwright("data", "list", "--json").document["datasets"][0]["name"] == "clients"


def test_a_kind_given_by_hand_is_kept(millwright: Millwright, tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text(table_text())
    done = millwright("data", "import", "clients.csv", "--kind", "note=category", "--json")
    kinds = {column["name"]: column["kind"] for column in done.document["columns"]}
    assert kinds["note"] == "category"


def test_promote_gives_the_alias_that_other_commands_take(trained: Trained) -> None:
    model = trained.summary["model_id"]
    promoted = trained.millwright("models", "promote", model, "--yes", "--json").document
    assert promoted["alias"] == "champion"
    shown = trained.millwright("models", "show", f"{promoted['name']}@champion", "--json").document
    assert shown["summary"]["model"] == model


def test_a_tool_is_called_with_json_and_answers_with_json(trained: Trained) -> None:
    request = json.dumps({"model": trained.summary["model_id"], "rows": [{"months": 3, "plan": "B", "note": 1}]})
    done = trained.millwright("tools", "call", "predict", request, "--json")
    assert done.code == 0, done.err
    assert done.document["predictions"][0]["prediction"] == "yes"


def test_doctor_says_what_is_broken_and_what_to_do(millwright: Millwright, home: Path) -> None:
    home.write_text("in the way")
    done = millwright("doctor", "--json")
    assert done.code == 1
    broken = [check for check in done.document["checks"] if check["state"] == "broken"]
    assert [check["name"] for check in broken] == ["home"]
    assert "MILLWRIGHT_HOME" in broken[0]["next_step"]


@pytest.mark.parametrize(
    ("variables", "name", "word"),
    [
        ({"MILLWRIGHT_DATABASE_URL": "foo"}, "database", "MILLWRIGHT_DATABASE_URL"),
        ({"MILLWRIGHT_DATABASE_URL": "postgresql://h:abc/x"}, "database", "MILLWRIGHT_DATABASE_URL"),
        ({"MILLWRIGHT_DATABASE_URL": "nosuchdb://h/x"}, "database", "MILLWRIGHT_DATABASE_URL"),
        (
            {
                "MILLWRIGHT_LLM__PROVIDER": "openai",
                "MILLWRIGHT_LLM__MODEL": "m",
                "MILLWRIGHT_LLM__BASE_URL": "http://h:abc/v1",
            },
            "language model",
            "MILLWRIGHT_LLM__BASE_URL",
        ),
    ],
    ids=["no url", "no port", "no driver", "no port of an endpoint"],
)
def test_doctor_diagnoses_addresses_that_cannot_be_read(
    home: Path, tmp_path: Path, variables: dict[str, str], name: str, word: str
) -> None:
    done = runner(home, tmp_path, **variables)("doctor", "--json")
    assert done.code == 1, done.err
    broken = [check for check in done.document["checks"] if check["state"] == "broken"]
    assert [check["name"] for check in broken] == [name]
    assert word in broken[0]["next_step"]


def test_a_run_takes_a_dataset_by_its_name(trained: Trained) -> None:
    work = ("--models", "linear", "--max-models", "1", "--yes", "--json")
    done = trained.millwright("run", "predict left", "--data", "clients", *work)
    assert done.code == 0, done.err
    assert done.document["dataset_id"] == trained.summary["dataset_id"]
