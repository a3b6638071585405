"""Datasets in the home: found again, sealed, whole or not there at all."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.load import DataLimits, ReadOptions
from engine.data.split import SplitSpec
from engine.data.store import Dataset, Datasets
from engine.errors import (
    ColumnNotFound,
    HomeNotWritable,
    MillwrightError,
    NotFound,
    TargetUnusable,
    TooFewRows,
    TooLarge,
)

from .conftest import Ledger, MakeFile, people

REPOSITORY = Path(__file__).resolve().parents[3]


def test_an_import_tells_what_it_made(datasets: Datasets, people_csv: str) -> None:
    dataset = datasets.import_source(people_csv, target="left")
    assert (dataset.name, dataset.rows, dataset.train_rows, dataset.test_rows) == ("people", 40, 32, 8)
    assert {column.name: column.kind for column in dataset.schema_.columns} == {
        "person_id": "identifier",
        "age": "integer",
        "height": "number",
        "town": "category",
        "since": "datetime",
        "member": "boolean",
        "left": "category",
    }
    assert "'person_id' is an identifier" in dataset.notes[0]


def test_the_same_import_is_the_same_dataset(datasets: Datasets, people_csv: str) -> None:
    first = datasets.import_source(people_csv, target="left")
    again = datasets.import_source(people_csv, target="left")
    assert (again.id, again.created, again.content_hash) == (first.id, first.created, first.content_hash)
    assert len(datasets.list()) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"target": "town"},
        {"split": SplitSpec(seed=1)},
        {"kinds": {"age": "number"}},
        {"split": SplitSpec(fraction=0.3)},
    ],
    ids=["target", "seed", "kind", "share"],
)
def test_another_choice_is_another_dataset(datasets: Datasets, people_csv: str, changed: dict[str, object]) -> None:
    usual: dict[str, object] = {"target": "left"}
    first, other = (datasets.import_source(people_csv, **choice) for choice in (usual, usual | changed))
    assert first.id != other.id


def test_one_changed_cell_is_another_dataset(datasets: Datasets, make_file: MakeFile) -> None:
    table = people()
    first = datasets.import_source(make_file("a.csv", table.to_csv(index=False)))
    table.loc[5, "height"] += 1e-9
    assert datasets.import_source(make_file("b.csv", table.to_csv(index=False))).content_hash != first.content_hash


def test_the_same_rows_from_another_format_have_the_same_content(datasets: Datasets, make_file: MakeFile) -> None:
    table = people()
    csv = datasets.import_source(make_file("a.csv", table.to_csv(index=False)))
    jsonl = datasets.import_source(
        make_file("b.jsonl", table.to_json(orient="records", lines=True, double_precision=15))
    )
    assert csv.content_hash == jsonl.content_hash


def test_training_and_sealed_rows_are_the_source(datasets: Datasets, people_csv: str, ledger: Ledger) -> None:
    dataset = datasets.import_source(people_csv, target="left")
    training = datasets.training_frame(dataset.id)
    sealed = datasets.open_sealed(dataset.id, ledger, model="mdl_1", purpose="final test")
    assert training["person_id"].is_monotonic_increasing
    both = pd.concat([training, sealed]).sort_values("person_id", ignore_index=True)
    assert both["height"].tolist() == people()["height"].tolist()
    assert both["town"].tolist() == people()["town"].tolist()
    assert [str(kind) for kind in training.dtypes] == [
        *("str", "Int64", "float64", "str", "datetime64[us]", "boolean", "str")
    ]


def test_each_look_is_on_record_before_the_rows_are_read(datasets: Datasets, people_csv: str, ledger: Ledger) -> None:
    dataset = datasets.import_source(people_csv, target="left")
    (dataset.folder / "data.parquet").unlink()
    with pytest.raises(FileNotFoundError):
        datasets.open_sealed("people", ledger, model="mdl_1", purpose="final test")
    assert ledger.looks == [(dataset.id, "mdl_1", "final test")]


def test_listing_reads_no_rows_and_gives_the_newest_first(datasets: Datasets, people_csv: str) -> None:
    older = datasets.import_source(people_csv, target="left", name="older")
    newer = datasets.import_source(people_csv, target="town", name="newer")
    for dataset in (older, newer):
        (dataset.folder / "data.parquet").unlink()
    assert [dataset.name for dataset in datasets.list()] == ["newer", "older"]


def test_a_name_means_its_last_import(datasets: Datasets, people_csv: str) -> None:
    first = datasets.import_source(people_csv, target="left", name="mine")
    second = datasets.import_source(people_csv, target="town", name="mine")
    assert datasets.get("mine").id == second.id
    datasets.import_source(people_csv, target="left", name="mine")
    assert datasets.get("mine").id == first.id
    assert datasets.get(second.id).id == second.id


def test_a_second_name_leaves_the_first_one_valid(datasets: Datasets, people_csv: str) -> None:
    first = datasets.import_source(people_csv, name="one")
    assert datasets.import_source(people_csv, name="two").name == "two"
    assert datasets.get("one").id == datasets.get("two").id == first.id


def test_an_unknown_dataset_offers_the_nearest(datasets: Datasets, people_csv: str) -> None:
    with pytest.raises(NotFound, match="There is no dataset yet"):
        datasets.get("people")
    datasets.import_source(people_csv)
    with pytest.raises(NotFound, match="Did you mean 'people'") as caught:
        datasets.get("peple")
    assert caught.value.code == "dataset_not_found"


@pytest.mark.parametrize("name", ["ds_../../../etc", "../home", "ds_0123", ""])
def test_a_name_is_no_path(datasets: Datasets, name: str) -> None:
    with pytest.raises(NotFound):
        datasets.get(name)


def test_an_unknown_target_offers_the_nearest(datasets: Datasets, people_csv: str) -> None:
    with pytest.raises(ColumnNotFound, match="Did you mean 'left'"):
        datasets.import_source(people_csv, target="letf")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,y\n" + "1,\n" * 20, "Every value of the target 'y' is missing"),
        ("a,y\n" + "1,same\n" * 20, r"single value \('same'\)"),
        ("id,y\n" + "".join(f"{n},{n % 2}\n" for n in range(20)), "no column to learn from"),
    ],
    ids=["all missing", "constant", "nothing beside it"],
)
def test_a_target_nothing_can_be_learned_about_is_refused(
    datasets: Datasets, make_file: MakeFile, content: str, said: str
) -> None:
    with pytest.raises(TargetUnusable, match=said):
        datasets.import_source(make_file("t.csv", content), target="y")
    assert datasets.list() == []


@pytest.mark.parametrize("rows", [1, 9])
def test_too_few_rows_are_refused_for_training_and_read_for_predicting(
    datasets: Datasets, make_file: MakeFile, rows: int
) -> None:
    source = make_file("t.csv", people(rows).to_csv(index=False))
    with pytest.raises(TooFewRows, match=f"has {rows} rows"):
        datasets.import_source(source)
    assert len(datasets.read_rows(source)) == rows


def test_a_class_with_two_rows_is_kept_for_training(datasets: Datasets, make_file: MakeFile) -> None:
    table = people(60)
    table.loc[:1, "left"] = "perhaps"
    datasets.import_source(make_file("t.csv", table.to_csv(index=False)), target="left")
    assert (datasets.training_frame("t")["left"] == "perhaps").sum() >= 1


def test_new_rows_come_in_the_kinds_of_the_schema(datasets: Datasets, make_file: MakeFile, people_csv: str) -> None:
    schema = datasets.import_source(people_csv, target="left").schema_
    frame = datasets.read_rows(make_file("new.csv", "town,extra,age\nYork,1,x\n"), schema)
    assert list(frame.columns) == ["age", "town"]
    assert pd.isna(frame.loc[0, "age"])


def test_limits_come_from_the_settings(home: Path, people_csv: str) -> None:
    with pytest.raises(TooLarge, match="MILLWRIGHT_DATA__MAX_ROWS"):
        Datasets(home / "datasets", DataLimits(max_rows=5)).import_source(people_csv)


def test_a_home_that_is_a_file_is_not_writable(tmp_path: Path, people_csv: str) -> None:
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "datasets"):
        with pytest.raises(HomeNotWritable):
            Datasets(root).import_source(people_csv)


def test_the_parameters_of_a_url_are_stored_nowhere(datasets: Datasets, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        people().to_sql("people", connection, index=False)
    connection.close()
    dataset = datasets.import_source(
        f"sqlite:///{tmp_path}/shop.db?timeout=987654", options=ReadOptions(query="SELECT * FROM people")
    )
    assert dataset.name == "shop"
    assert "987654" not in (dataset.folder / "dataset.json").read_text()
    assert "987654" not in str(dataset)


def test_a_stored_description_is_whole_json(datasets: Datasets, people_csv: str) -> None:
    dataset = datasets.import_source(people_csv, target="left")
    stored = json.loads((dataset.folder / "dataset.json").read_text())
    assert Dataset.model_validate({**stored, "folder": dataset.folder}) == dataset
    assert str(datasets.root) not in json.dumps({**stored, "source": ""})


_IMPORT = """
import pathlib, sys
from engine.data.store import Datasets
print(Datasets(pathlib.Path(sys.argv[1])).import_source(sys.argv[2]).id)
"""


def importing(root: Path, source: str) -> "subprocess.Popen[str]":
    """An import in a process of its own, which prints the dataset's id."""
    return subprocess.Popen(
        [sys.executable, "-c", _IMPORT, str(root), source], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )


def killed_while_writing(root: Path, source: str) -> bool:
    """Import in another process and kill it as soon as it writes; False when it was faster than the eye."""
    with importing(root, source) as process:
        while process.poll() is None:
            if root.is_dir() and any(root.glob(".ds_*")):
                process.send_signal(signal.SIGKILL)
                return process.wait() == -signal.SIGKILL
            time.sleep(0.001)
    return False


def test_an_import_killed_while_writing_leaves_nothing_behind(home: Path, make_file: MakeFile) -> None:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(20_000, 8))).add_prefix("c")
    source = make_file("wide.csv", table.to_csv(index=False))
    roots = (home / f"datasets{attempt}" for attempt in range(10))
    datasets = Datasets(next(root for root in roots if killed_while_writing(root, source)))
    assert datasets.list() == []
    dataset = datasets.import_source(source)
    assert dataset.rows == 20_000
    assert {path.name for path in datasets.root.iterdir()} == {".lock", dataset.id}


_FULL = """
import pathlib, sys
from engine.data.store import Datasets
from engine.errors import MillwrightError
try:
    Datasets(pathlib.Path(sys.argv[1])).import_source(sys.argv[2])
except MillwrightError as error:
    print(error.code, sorted(path.name for path in pathlib.Path(sys.argv[1]).iterdir()))
"""


def test_a_full_disk_is_told_and_nothing_half_written_is_kept(tmp_path: Path, make_file: MakeFile) -> None:
    (tmp_path / "small").mkdir()
    rng = np.random.default_rng(0)
    source = make_file("wide.csv", pd.DataFrame(rng.normal(size=(4000, 20))).add_prefix("c").to_csv(index=False))
    mount = f"mount -t tmpfs -o size=128k none {tmp_path}/small"
    probe = subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this machine lets no test mount a small file system of its own")
    script = f'{mount} && exec {sys.executable} -c "$0" {tmp_path}/small {source}'
    found = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, _FULL],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert found.stdout == "disk_full ['.lock']\n"


def test_imports_at_the_same_time_make_one_dataset(datasets: Datasets, people_csv: str) -> None:
    running = [importing(datasets.root, people_csv) for _ in range(3)]
    ids = {process.communicate(timeout=120)[0] for process in running}
    assert ids == {f"{datasets.get('people').id}\n"}
    assert len(datasets.list()) == 1


CELLS = st.fixed_dictionaries(
    {
        "x": st.floats(allow_nan=False, allow_infinity=False, width=32),
        "n": st.integers(-(10**15), 10**15),
        "w": st.sampled_from(["red", "green", "Ünïcode", 'quo"ted', "com,ma", "semi;colon"]),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(CELLS, min_size=12, max_size=30))
def test_what_goes_in_comes_out(tmp_path: Path, ledger: Ledger, rows: list[dict[str, object]]) -> None:
    table = pd.DataFrame(rows)
    table.to_csv(tmp_path / "t.csv", index_label="row")
    datasets = Datasets(tmp_path / f"store{time.monotonic_ns()}")
    kinds = {"row": "integer", "x": "number", "n": "integer", "w": "category"}
    dataset = datasets.import_source(str(tmp_path / "t.csv"), kinds=kinds)
    parts = [datasets.training_frame(dataset.id), datasets.open_sealed(dataset.id, ledger, model="m", purpose="p")]
    back = pd.concat(parts).sort_values("row")
    for name in ("x", "n", "w"):
        assert back[name].tolist() == table[name].tolist()


@pytest.mark.parametrize(
    ("file", "target", "rows"),
    [
        ("telco_churn.csv", "Churn", 7043),
        ("wine_quality_white.csv", "quality", 4898),
        ("california_housing.csv.gz", "median_house_value", 20640),
        ("sms_spam.csv", "label", 5574),
    ],
)
def test_real_data_is_imported_whole(datasets: Datasets, shared_data: Path, file: str, target: str, rows: int) -> None:
    dataset = datasets.import_source(str(shared_data / file), target=target)
    assert (dataset.rows, dataset.split.method) == (rows, "stratified")
    source = pd.read_csv(shared_data / file)
    training = datasets.training_frame(dataset.id)
    number = source.select_dtypes("float").columns.difference([target])
    if len(number):
        assert training[number[0]].isin(source[number[0]]).all()


def test_telco_is_understood(datasets: Datasets, shared_data: Path) -> None:
    schema = datasets.import_source(str(shared_data / "telco_churn.csv"), target="Churn").schema_
    assert schema.of_kind("identifier") == ["customerID"]
    assert (schema.kind("TotalCharges"), schema.column("TotalCharges").missing) == (
        "number",
        7,
    )  # of 11: the rest is sealed
    assert schema.kind("SeniorCitizen") == "integer"


def test_errors_are_ours(datasets: Datasets, make_file: MakeFile) -> None:
    for content in (b"\x89PNG\r\n\x1a\n\x00", b"%PDF-1.7\n\xe2\xe3", b"{}", b'"', b",,,\n,,\n", b"\xff\xfe"):
        with pytest.raises(MillwrightError):
            datasets.import_source(make_file("t.csv", content))


def test_no_sealed_cell_is_told(datasets: Datasets, make_file: MakeFile) -> None:
    told_of_training = 0
    for row in range(12):
        rows = [f"{number},{'pq'[number % 2]}" for number in range(300)]
        rows[row] = f"SECRET{row},p"
        dataset = datasets.import_source(make_file("s.csv", "a,y\n" + "\n".join(rows)), target="y")
        in_training = bool(datasets.training_frame(dataset.id)["a"].isna().any())
        column = dataset.schema_.column("a")
        assert column.kind == "integer"
        assert column.missing == int(in_training)
        assert column.distinct == dataset.train_rows - in_training
        assert ("SECRET" in dataset.model_dump_json()) == in_training
        told_of_training += in_training
    assert 0 < told_of_training < 12


def test_a_source_may_be_written_otherwise_than_the_rows_to_come(tmp_path: Path) -> None:
    text = "price;day\n" + "".join(f"1.{k:03d},5;{k % 28 + 1:02d}/03/2025\n" for k in range(30))
    (tmp_path / "old.csv").write_text(text)
    datasets = Datasets(tmp_path / "datasets")
    old = datasets.import_source(str(tmp_path / "old.csv"))
    datasets.training_frame(old.id).to_parquet(tmp_path / "again.parquet")
    again = datasets.import_source(str(tmp_path / "again.parquet"), written_as=old.schema_)
    for name in ("price", "day"):
        ways = [
            (schema.column(name).decimal_comma, schema.column(name).date_format)
            for schema in (old.schema_, again.schema_)
        ]
        assert ways[0] == ways[1]
    assert again.schema_.column("price").decimal_comma
