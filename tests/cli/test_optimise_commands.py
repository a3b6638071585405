"""`millwright optimise`, `export` and `benchmark` as a user runs them."""

from pathlib import Path

import pytest

from tests.cli.running import Millwright, runner

KEYS = {"name", "metric", "drop", "latency_ms", "size_mb", "peak_mb", "parity", "status", "why"}


@pytest.fixture(scope="module")
def millwright(tmp_path_factory: pytest.TempPathFactory) -> Millwright:
    folder = tmp_path_factory.mktemp("optimise-cli")
    run = runner(folder / "home", folder)
    done = run(
        "train", "--data", "sample:breast_cancer", "--models", "linear", "--max-models", "1", "--json"
    )  # fmt: skip
    assert done.code == 0, done.err
    return run


@pytest.fixture(scope="module")
def model(millwright: Millwright) -> str:
    done = millwright("models", "list", "--json")
    return str(done.document["models"][-1]["model"])


def test_the_json_holds_choice_goal_and_variants(millwright: Millwright, model: str) -> None:
    done = millwright(
        "optimise",
        model,
        "--max-latency-ms",
        "50",
        "--max-drop",
        "0.05",
        "--variants",
        "onnx",
        "--budget",
        "30",
        "--json",
    )
    assert done.code == 0, done.err
    found = done.document
    assert {"chosen", "reason", "goal", "variants", "package"} <= set(found)
    assert found["goal"]["max_latency_ms"] == 50
    assert found["goal"]["max_drop"] == 0.05
    assert [row["name"] for row in found["variants"]] == ["eager", "onnx"]
    assert all(set(row) >= KEYS for row in found["variants"])
    assert all(set(row["latency_ms"]) == {"1", "32"} for row in found["variants"])
    assert Path(found["package"], "model.json").is_file()
    shown = millwright("optimise", model, "--show")
    assert shown.code == 0, shown.err
    assert found["chosen"] in shown.out
    assert "differed by" in shown.out


def test_wrong_input_is_told_with_the_next_step(millwright: Millwright, model: str) -> None:
    for arguments, code, words in (
        (("optimise", "nobody"), 1, "nobody"),
        (("optimise", model, "--variants", "onnx-int4"), 1, "Did you mean 'onnx"),
        (("optimise", model, "--max-drop", "2"), 2, "max-drop"),
        (("optimise", model, "--prefer", "beauty"), 1, "prefer"),
        (("optimise", model, "--max-latency-ms", "-1"), 1, "max_latency_ms"),
        (("optimise", model, "--calibration", "nowhere.csv", "--variants", "onnx"), 1, "nowhere.csv"),
        (("optimise", model, "--show", "--json"), 0, ""),
        (("export", model, "--out", "model.txt"), 1, ".onnx"),
        (("benchmark", "nobody"), 1, "nobody"),
    ):
        done = millwright(*arguments)
        assert done.code == code, (arguments, done.out, done.err)
        assert words in done.out + done.err, (arguments, done.err)


def test_a_model_is_exported_into_the_home_or_where_it_is_asked_for(millwright: Millwright, model: str) -> None:
    done = millwright("export", model, "--out", "here.onnx", "--json")
    assert done.code == 0, done.err
    assert done.document["parity"] <= done.document["tolerance"]
    inside = millwright("export", model, "--json")
    assert inside.code == 0, inside.err
    assert Path(inside.document["out"]).parent.name == "exports"


def test_models_are_measured(millwright: Millwright, model: str) -> None:
    done = millwright("benchmark", model, "--seconds", "5")
    assert done.code == 0, done.err
    assert f"{model} answers one row in" in done.out
