import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.errors import ColumnsMissing, TooFewRows
from engine.serving.predictor import load


def test_the_folder_alone_gives_the_predictions_of_training(packaged: Any) -> None:
    predictor = load(packaged.folder)
    prediction = predictor.predict(packaged.test)
    answer = prediction.labels if prediction.probabilities is None else prediction.probabilities
    np.testing.assert_array_equal(answer, packaged.prediction)


def test_a_fresh_process_gives_the_same_bytes_and_imports_nothing_of_training(packaged: Any, tmp_path: Path) -> None:
    packaged.test.to_parquet(tmp_path / "rows.parquet")
    code = """
        import sys
        from pathlib import Path
        import numpy as np, pandas as pd
        from engine.serving.predictor import load
        predictor = load(Path(sys.argv[1]))
        prediction = predictor.predict(pd.read_parquet(sys.argv[2] + "/rows.parquet"))
        answer = prediction.labels if prediction.probabilities is None else prediction.probabilities
        np.save(sys.argv[2] + "/answer.npy", answer)
        heavy = {"mlflow", "dbos", "langchain", "langgraph", "matplotlib", "sqlalchemy"} & set(sys.modules)
        assert not heavy, heavy
    """
    arguments = [sys.executable, "-W", "error", "-c", textwrap.dedent(code), str(packaged.folder), str(tmp_path)]
    subprocess.run(arguments, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "answer.npy"), packaged.prediction)


def test_one_row_gives_the_same_answer_as_many(packaged: Any) -> None:
    predictor = load(packaged.folder)
    many, one = predictor.predict(packaged.test), predictor.predict(packaged.test.iloc[[3]])
    if many.probabilities is None or one.probabilities is None:
        assert one.labels[0] == pytest.approx(many.labels[3], rel=1e-6)
    else:
        np.testing.assert_allclose(one.probabilities[0], many.probabilities[3], atol=1e-6)


def test_the_table_has_a_prediction_and_a_probability_for_each_class(churn: Any) -> None:
    predictor = load(churn.folder)
    table = predictor.to_frame(predictor.predict(churn.test))
    assert list(table.columns) == ["prediction", "probability_No", "probability_Yes"]
    assert set(table["prediction"]) <= {"No", "Yes"}
    np.testing.assert_allclose(table[["probability_No", "probability_Yes"]].sum(axis=1), 1, atol=1e-9)
    assert len(table) == len(churn.test)


def test_classes_named_by_numbers_come_back_as_they_stand_in_the_data(packages: Any) -> None:
    predictor = load(packages["multiclass"].folder)
    table = predictor.to_frame(predictor.predict(packages["multiclass"].test))
    assert set(table["prediction"]) <= {"1", "2", "3"}
    assert list(table.columns[1:]) == ["probability_1", "probability_2", "probability_3"]


def test_a_regression_answers_with_numbers_only(packages: Any) -> None:
    predictor = load(packages["regression"].folder)
    table = predictor.to_frame(predictor.predict(packages["regression"].test))
    assert list(table.columns) == ["prediction"]
    assert table["prediction"].dtype == np.float64


def test_order_of_columns_does_not_matter_and_extra_ones_are_named(churn: Any) -> None:
    predictor = load(churn.folder)
    mixed = churn.test[list(reversed(churn.test.columns))].assign(shoe_size=42, colour="red")
    prediction = predictor.predict(mixed)
    np.testing.assert_array_equal(prediction.probabilities, churn.prediction)
    assert prediction.notes == ("Ignored 2 column(s) that the model does not use: shoe_size, colour.",)


def test_a_missing_column_is_named_with_the_nearest_given_one(churn: Any) -> None:
    renamed = churn.test.rename(columns={"months": "Month"})
    with pytest.raises(ColumnsMissing, match=r"1 column\(s\) that the data does not have: months\..*'Month'"):
        load(churn.folder).predict(renamed)


def test_neither_target_nor_identifier_is_needed(churn: Any) -> None:
    prediction = load(churn.folder).predict(churn.test.drop(columns=["leaves", "customerID"]))
    np.testing.assert_array_equal(prediction.probabilities, churn.prediction)
    assert prediction.notes == ()


def test_cells_that_do_not_fit_and_new_categories_are_tolerated_and_counted(churn: Any) -> None:
    rows = churn.test.head(5).astype({"months": object, "joined": object})
    rows.loc[rows.index[:2], "months"] = "many"
    rows.loc[rows.index[2], "months"] = ""
    rows.loc[rows.index[0], "plan"] = "for life"
    rows.loc[rows.index[4], "joined"] = "yesterday"
    prediction = load(churn.folder).predict(rows)
    assert np.isfinite(prediction.probabilities).all()
    assert "Column 'months': 2 cell(s) are no integer and were taken as missing." in prediction.notes
    assert "Column 'joined': 1 cell(s) are no datetime and were taken as missing." in prediction.notes
    assert "Column 'plan': 1 value(s) not seen in training: 'for life'." in prediction.notes


@pytest.mark.parametrize("blank", [None, "", np.nan])
def test_rows_of_nothing_but_blanks_get_an_answer(packaged: Any, blank: object) -> None:
    rows = pd.DataFrame({name: [blank] * 3 for name in packaged.test.columns}, dtype=object)
    prediction = load(packaged.folder).predict(rows)
    assert len(prediction.labels) == 3


def test_rows_as_a_csv_gives_them_predict_as_at_training(churn: Any, tmp_path: Path) -> None:
    churn.test.to_csv(tmp_path / "rows.csv", index=False)
    prediction = load(churn.folder).predict(pd.read_csv(tmp_path / "rows.csv", dtype=str))
    np.testing.assert_array_equal(prediction.probabilities, churn.prediction)


def test_no_rows_are_a_typed_error(churn: Any) -> None:
    with pytest.raises(TooFewRows, match="no rows to predict"):
        load(churn.folder).predict(churn.test.head(0))


def test_one_row_is_answered_in_milliseconds(packages: Any) -> None:
    packaged = packages["multiclass"]
    predictor, row = load(packaged.folder), packaged.test.head(1)
    took = []
    for _ in range(20):
        began = time.perf_counter()
        predictor.predict(row)
        took.append(time.perf_counter() - began)
    # 3 ms on a quiet core; the bound leaves room for a busy machine
    assert sorted(took)[10] < 0.05
