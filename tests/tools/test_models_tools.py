"""Tools over a trained model: evaluate, compare, explain, predict, list, show, promote."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from engine.data.samples import sample_frame
from engine.errors import BadArguments, BadChoice, ColumnNotFound, ColumnsMissing, NotFound, SourceNotFound
from tools.answers_file import without_formulas, write_answers
from tools.workshop import Workshop


@pytest.fixture
def fresh(trained: Workshop, tmp_path: Path) -> Path:
    """Labelled rows as a file, none of them in the dataset."""
    path = tmp_path / "fresh.csv"
    frame = trained.datasets.training_frame("cancer").head(50)
    frame.assign(mean_radius=frame["mean_radius"] * 1.01).to_csv(path, index=False)
    return path


@pytest.fixture
def rows(trained: Workshop, tmp_path: Path) -> Path:
    """Labelled rows as a file."""
    path = tmp_path / "rows.csv"
    trained.datasets.training_frame("cancer").head(50).to_csv(path, index=False)
    return path


def call(workshop: Workshop, tool: str, **arguments: Any) -> dict[str, Any]:
    return workshop.call(tool, **arguments).model_dump()


def test_a_file_is_predicted_in_its_order(trained: Workshop, rows: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(rows)
    out = tmp_path / "out" / "predictions.csv"
    answer = call(trained, "predict", model="cancer", data=str(rows), out=str(out))
    written = pd.read_csv(out)
    classes = [name for name in written.columns if name.startswith("probability_")]
    assert list(written.columns) == ["prediction", *classes]
    assert (answer["rows"], len(written), len(answer["predictions"])) == (50, 50, 20)
    assert written["prediction"].head(20).tolist() == [row["prediction"] for row in answer["predictions"]]
    assert (written["prediction"] == frame["diagnosis"]).mean() > 0.9
    assert list(out.parent.iterdir()) == [out]


def test_inline_rows_are_predicted_like_the_file(trained: Workshop, rows: Path) -> None:
    inline = pd.read_csv(rows).drop(columns="diagnosis").head(3).to_dict("records")
    from_file = call(trained, "predict", model="cancer", data=str(rows))["predictions"][:3]
    from_rows = call(trained, "predict", model="cancer", rows=inline)["predictions"]
    for one, two in zip(from_file, from_rows, strict=True):
        assert one["prediction"] == two["prediction"]
        assert [one[key] for key in one if key != "prediction"] == pytest.approx(
            [two[key] for key in two if key != "prediction"]
        )


def test_a_missing_column_is_named_and_an_extra_one_is_noted(trained: Workshop, rows: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(rows)
    less, more = tmp_path / "less.csv", tmp_path / "more.csv"
    frame.drop(columns="mean_radius").to_csv(less, index=False)
    frame.assign(extra=1)[["extra", *reversed(frame.columns)]].to_csv(more, index=False)
    with pytest.raises(ColumnsMissing, match="mean_radius"):
        call(trained, "predict", model="cancer", data=str(less))
    assert "extra" in call(trained, "predict", model="cancer", data=str(more))["notes"][0]


def test_what_predict_cannot_do_is_said(trained: Workshop, rows: Path, tmp_path: Path) -> None:
    big = tmp_path / "big.csv"
    pd.concat([pd.read_csv(rows)] * 21).to_csv(big, index=False)
    refused: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (BadArguments, "exactly one of", {}),
        (BadArguments, "exactly one of", {"data": str(rows), "rows": [{"a": 1}]}),
        (BadArguments, r"1,050 rows are too many.*Give `out`", {"data": str(big)}),
        (BadArguments, "would be lost", {"data": str(rows), "out": str(rows)}),
        (BadArguments, "is a folder", {"data": str(rows), "out": str(tmp_path)}),
        (BadArguments, "not a path that", {"data": str(rows), "out": f"{tmp_path}/{'z' * 300}"}),
        (BadArguments, "not a path that", {"data": str(rows), "out": "~nobody-of-this-name/out.csv"}),
        (BadArguments, "lies in the home", {"data": str(rows), "out": f"{trained.home}/datasets/x.csv"}),
        (BadArguments, "which is a file", {"data": str(rows), "out": f"{rows}/x.csv"}),
        (SourceNotFound, "does not exist", {"data": "z" * 300 + ".csv"}),
        (SourceNotFound, "does not exist", {"data": str(tmp_path / "none.csv")}),
        (NotFound, "no model 'cancre'", {"data": str(rows), "model": "cancre"}),
    ]
    for error, words, arguments in refused:
        with pytest.raises(error, match=words):
            call(trained, "predict", **{"model": "cancer", **arguments})
    assert len(pd.read_csv(rows)) == 50


def test_only_predictions_are_written_over_unless_the_user_says_so(
    trained: Workshop, rows: Path, tmp_path: Path
) -> None:
    out, mine = tmp_path / "out.csv", tmp_path / "mine.csv"
    for _ in range(2):
        call(trained, "predict", model="cancer", data=str(rows), out=str(out))
    mine.write_text("predictions of mine\n")
    with pytest.raises(BadArguments, match=r"there already.*overwrite=true"):
        call(trained, "predict", model="cancer", data=str(rows), out=str(mine))
    assert mine.read_text() == "predictions of mine\n"
    call(trained, "predict", model="cancer", data=str(rows), out=str(mine), overwrite=True)
    assert mine.read_bytes() == out.read_bytes()


def test_what_a_dataset_was_imported_from_is_never_written_over(trained: Workshop, fresh: Path) -> None:
    dataset = call(trained, "import_dataset", source=str(fresh), target="diagnosis", name="kept")
    with pytest.raises(BadArguments, match="would be lost"):
        call(trained, "predict", model="cancer", data=dataset["dataset"], out=str(fresh), overwrite=True)


def test_labels_that_a_spreadsheet_would_run_are_disarmed_and_numbers_are_left() -> None:
    answers = pd.DataFrame({"prediction": ["=1+1", "-1", "+3e5", "@x", "plain"], "probability_a": [-0.5] * 5})
    safe, notes = without_formulas(answers)
    assert safe["prediction"].tolist() == ["'=1+1", "-1", "+3e5", "'@x", "plain"]
    assert safe["probability_a"].tolist() == [-0.5] * 5
    assert "2 class name(s)" in notes[0]


def test_a_look_at_the_sealed_test_set_is_counted_and_said(trained: Workshop) -> None:
    before = trained.registry.looks(trained.datasets.get("cancer").id)
    answer = call(trained, "evaluate_model", model="cancer")
    assert answer["looks"] == before + 1
    assert f"look {before + 1}" in answer["notes"][0]
    assert answer["rows"] == trained.datasets.get("cancer").test_rows
    recorded = call(trained, "show_model", model="cancer")["summary"]["metric"]
    assert answer["metric"]["value"] == pytest.approx(recorded["value"])


def test_new_labelled_rows_are_judged_without_a_look(trained: Workshop, fresh: Path) -> None:
    before = trained.registry.looks(trained.datasets.get("cancer").id)
    answer = call(trained, "evaluate_model", model="cancer", data=str(fresh))
    assert (answer["rows"], answer["looks"], answer["data"]) == (50, before, str(fresh))
    assert sum(map(sum, answer["confusion"])) == 50


def test_rows_that_the_model_was_trained_on_do_not_judge_it(trained: Workshop, rows: Path, fresh: Path) -> None:
    with pytest.raises(BadArguments, match="trained on all 50 rows"):
        call(trained, "evaluate_model", model="cancer", data=str(rows))
    both = fresh.with_name("both.csv")
    pd.concat([pd.read_csv(rows), pd.read_csv(fresh)]).to_csv(both, index=False)
    answer = call(trained, "evaluate_model", model="cancer", data=str(both))
    assert answer["rows"] == 50
    assert "50 row(s) are left out" in answer["notes"][0]


def test_sealed_rows_are_a_look_under_any_name(trained: Workshop, tmp_path: Path) -> None:
    dataset = trained.datasets.get("cancer")
    whole = tmp_path / "whole.csv"
    sample_frame("breast_cancer")[0].to_csv(whole, index=False)
    again = call(trained, "import_dataset", source="sample:breast_cancer", seed=9, name="again")
    before = trained.registry.looks(dataset.id)
    answer = call(trained, "evaluate_model", model="cancer", data=str(whole))
    assert (answer["rows"], answer["looks"]) == (dataset.test_rows, before + 1)
    assert f"{dataset.train_rows} row(s) are left out" in answer["notes"][0]
    assert f"look {before + 1} at the sealed test set" in answer["notes"][1]
    answer = call(trained, "evaluate_model", model="cancer", data=again["dataset"])
    assert 0 < answer["rows"] < dataset.test_rows
    assert answer["looks"] == before + 2


def test_a_password_is_not_told(trained: Workshop, tmp_path: Path) -> None:
    for source in ("postgresql://u:secret@localhost:1/db", "postgresql://u:12/secret@h", "x://u:secret?secret@h"):
        with pytest.raises(NotFound, match="It is a source") as error:
            call(trained, "profile_dataset", dataset=source)
        assert "secret" not in str(error.value)


def test_another_dataset_is_judged_on_its_training_rows(trained: Workshop, fresh: Path) -> None:
    other = call(trained, "import_dataset", source=str(fresh), target="diagnosis", name="other")
    answer = call(trained, "evaluate_model", model="cancer", data="other")
    assert answer["rows"] == other["train_rows"]
    assert "stay closed" in answer["notes"][0]


def test_rows_without_the_target_cannot_be_judged(trained: Workshop, rows: Path, tmp_path: Path) -> None:
    unlabelled = tmp_path / "unlabelled.csv"
    pd.read_csv(rows).drop(columns="diagnosis").to_csv(unlabelled, index=False)
    with pytest.raises(ColumnNotFound, match="diagnosis"):
        call(trained, "evaluate_model", model="cancer", data=str(unlabelled))


def test_a_model_is_listed_shown_explained_and_compared(trained: Workshop) -> None:
    (row,) = call(trained, "list_models")["models"]
    shown = call(trained, "show_model", model=row["model"])
    assert shown["summary"] == row
    assert (shown["columns"]["mean_radius"], shown["seed"]) == ("number", 0)
    assert Path(shown["card"]).is_file()
    explained = call(trained, "explain_model", model="cancer", top=3)
    assert explained["importance"] == shown["importance"][:3]
    assert 0 < explained["rows"] <= trained.datasets.get("cancer").train_rows
    compared = call(trained, "compare_models")
    assert (compared["comparable"], compared["best"], compared["rows"][0]["name"]) == (True, row["model"], "cancer")
    assert "is the only one" in compared["verdict"]
    assert compared["rows"][0]["size_mb"] > 0


def test_promotion_moves_an_alias(trained: Workshop) -> None:
    model = call(trained, "list_models")["models"][0]["model"]
    first = call(trained, "promote_model", model=model, alias="challenger")
    assert (first["alias"], first["previous"]) == ("challenger", None)
    assert call(trained, "predict", model="cancer@challenger", rows=[dict.fromkeys(_columns(trained), 1)])["rows"] == 1
    with pytest.raises(BadChoice, match="'chmapion' is not a known alias"):
        call(trained, "promote_model", model=model, alias="chmapion")


def _columns(workshop: Workshop) -> list[str]:
    return list(call(workshop, "show_model", model="cancer")["columns"])


def test_estimates_of_predicting_and_judging_are_measured(trained: Workshop, rows: Path) -> None:
    for tool, arguments in (("predict", {"data": str(rows)}), ("evaluate_model", {})):
        spec = trained.tools[tool]
        estimate = spec.estimate(trained, spec.request.model_validate({"model": "cancer", **arguments}))
        assert estimate.seconds > 0


def test_a_place_that_cannot_be_written_is_named_and_not_the_home(tmp_path: Path) -> None:
    answers = pd.DataFrame({"prediction": [1.0]})
    with pytest.raises(BadArguments, match=r"`out` '/proc/none/out.csv' cannot be written"):
        write_answers(answers, Path("/proc/none/out.csv"), disarm=False)
    with pytest.raises(BadArguments, match="cannot be written: File name too long"):
        write_answers(answers, tmp_path / ("z" * 250 + ".csv"), disarm=False)
