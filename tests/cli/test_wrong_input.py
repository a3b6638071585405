"""Wrong input at the command line: exit code 1, a code, a sentence that names the thing, the next step, no debris."""

from pathlib import Path

import pytest

from tests.cli.running import Done, Millwright, Trained, table_text

GOOD = table_text(120)
HEADER, *ROWS = GOOD.splitlines()


def with_target(values: list[str]) -> str:
    return "\n".join([HEADER, *(f"{row.rpartition(',')[0]},{value}" for row, value in zip(ROWS, values, strict=True))])


UNREADABLE = {
    "empty": (b"", "empty_file", "empty"),
    "header only": (f"{HEADER}\n".encode(), "header_only", "no rows"),
    "duplicate columns": (GOOD.replace("plan", "months", 1).encode(), "duplicate_columns", "months"),
    "NUL bytes": (GOOD.encode()[:400] + b"\x00\x00\x00" + GOOD.encode()[400:], "not_a_table", "NUL"),
}


def refused(done: Done, code: str, *words: str) -> None:
    """The command failed with this code, said these words, and gave a next step."""
    assert done.code == 1, done.err
    error = done.error
    assert error["code"] == code
    assert error["hint"]
    said = f"{error['message']} {error['hint']}"
    assert all(word in said for word in words), said


def nothing_left(home: Path) -> None:
    """No dataset, no model, and no half-made folder."""
    for kind in ("datasets", "models", "runs"):
        folder = home / kind
        assert not folder.exists() or [path for path in folder.iterdir() if path.name != ".lock"] == []


def test_an_unknown_file_is_refused_and_the_nearest_name_offered(
    millwright: Millwright, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "clients.csv").write_text(GOOD)
    for work in (("train",), ("run", "predict left", "--yes")):
        done = millwright(*work, "--data", "client.csv", "--target", "left", "--json")
        refused(done, "file_not_found", "clients.csv")
        nothing_left(home)


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_table_is_refused(millwright: Millwright, home: Path, tmp_path: Path, name: str) -> None:
    content, code, word = UNREADABLE[name]
    (tmp_path / "table.csv").write_bytes(content)
    refused(millwright("data", "import", "table.csv", "--json"), code, word)
    nothing_left(home)


def test_an_unknown_target_is_refused_with_the_nearest_name(millwright: Millwright, home: Path, tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text(GOOD)
    for work in (("train",), ("run", "predict it", "--yes")):
        done = millwright(*work, "--data", "clients.csv", "--target", "lef", "--json")
        refused(done, "column_not_found", "'lef'", "Did you mean 'left'?")
    nothing_left(home)


@pytest.mark.parametrize("values", [["yes"] * len(ROWS), [""] * len(ROWS)], ids=["constant", "all missing"])
def test_a_target_that_says_nothing_is_refused(millwright: Millwright, tmp_path: Path, values: list[str]) -> None:
    (tmp_path / "clients.csv").write_text(with_target(values))
    done = millwright("train", "--data", "clients.csv", "--target", "left", "--budget", "5", "--json")
    refused(done, "target_unusable", "left")


@pytest.mark.parametrize("rows", [1, 6])
def test_a_table_of_a_few_rows_is_refused(millwright: Millwright, tmp_path: Path, rows: int) -> None:
    (tmp_path / "few.csv").write_text("\n".join([HEADER, *ROWS[:rows]]))
    refused(millwright("train", "--data", "few.csv", "--target", "left", "--json"), "too_few_rows", "row")


def test_an_unknown_kind_is_refused_with_the_kinds_there_are(
    millwright: Millwright, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "clients.csv").write_text(GOOD)
    done = millwright("data", "import", "clients.csv", "--kind", "plan=categry", "--json")
    refused(done, "unknown_kind", "categry", "plan", "Did you mean 'category'?")
    nothing_left(home)


@pytest.mark.parametrize("budget", ["0", "-1", "inf"])
@pytest.mark.parametrize("command", [("train",), ("run", "predict left", "--yes")], ids=["train", "run"])
def test_a_budget_of_nothing_is_refused(
    millwright: Millwright, home: Path, tmp_path: Path, command: tuple[str, ...], budget: str
) -> None:
    (tmp_path / "clients.csv").write_text(GOOD)
    done = millwright(*command, "--data", "clients.csv", "--target", "left", "--budget", budget, "--json")
    refused(done, "bad_budget", budget)
    nothing_left(home)


def test_an_unknown_metric_is_refused_with_the_choices(trained: Trained) -> None:
    done = trained.millwright("train", "--data", str(trained.table), "--target", "left", "--metric", "rocauc", "--json")
    refused(done, "bad_choice", "rocauc", "roc_auc")


def test_an_unknown_split_is_refused(millwright: Millwright, home: Path) -> None:
    refused(millwright("train", "--data", "sample:churn", "--split", "ramdom", "--json"), "bad_choice", "random")
    nothing_left(home)


def test_an_unknown_sample_is_refused(millwright: Millwright) -> None:
    refused(millwright("data", "import", "sample:chrun", "--json"), "bad_choice", "churn")


@pytest.mark.parametrize("command", ["show", "cancel"])
def test_an_unknown_job_is_refused(millwright: Millwright, command: str) -> None:
    refused(millwright("jobs", command, "job_123", "--json"), "job_not_found", "job_123")


def test_an_unknown_model_is_refused(trained: Trained) -> None:
    refused(trained.millwright("models", "show", "mdl_123", "--json"), "model_not_found", "mdl_123")


def test_an_unknown_run_is_refused(millwright: Millwright) -> None:
    refused(millwright("run", "--resume", "run_123", "--json"), "run_not_found", "run_123")


def test_an_unknown_tool_is_refused(millwright: Millwright) -> None:
    done = millwright("tools", "call", "train_modl", "{}", "--json")
    refused(done, "tool_not_found", "train_modl", "train_model")


@pytest.mark.parametrize(
    ("arguments", "word"), [("{", "JSON"), ("[1]", "object"), ('{"dataset": "x", "targt": "y"}', "targt")]
)
def test_arguments_that_do_not_fit_a_tool_are_refused(millwright: Millwright, arguments: str, word: str) -> None:
    refused(millwright("tools", "call", "profile_dataset", arguments, "--json"), "bad_arguments", word)


def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path, millwright: Millwright, home: Path) -> None:
    home.write_text("a file stands where the home should be")
    refused(millwright("data", "import", "sample:churn", "--json"), "home_not_writable", "MILLWRIGHT_HOME")


def test_predicting_without_a_column_is_refused_and_writes_nothing(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("client,months,note\nc1,3,4\nc2,9,1\n")
    out = tmp_path / "out.csv"
    model = trained.summary["model_id"]
    done = trained.millwright("predict", "--model", model, "--data", f"{tmp_path}/new.csv", "--out", str(out), "--json")
    refused(done, "columns_missing", "plan")
    assert list(tmp_path.iterdir()) == [tmp_path / "new.csv"]


def test_without_a_terminal_nothing_runs_unapproved(trained: Trained) -> None:
    done = trained.millwright("run", "predict left", "--data", str(trained.table), "--target", "left", "--json")
    refused(done, "approval_needed", "--yes")
    promoted = trained.millwright("models", "promote", trained.summary["model_id"], "--json")
    refused(promoted, "approval_needed", "--yes")


def test_an_error_is_a_sentence_for_people(millwright: Millwright) -> None:
    done = millwright("data", "import", "nowhere.csv")
    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("Error: File 'nowhere.csv' does not exist.")


def test_a_wrong_delimiter_is_refused_and_the_right_one_named(
    millwright: Millwright, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "semicolons.csv").write_text(GOOD.replace(",", ";"))
    refused(millwright("data", "import", "semicolons.csv", "--delimiter", ",", "--json"), "not_a_table", "';'")
    nothing_left(home)


def test_a_wrong_encoding_is_refused_with_the_byte_and_the_right_one_named(
    millwright: Millwright, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "wide.csv").write_bytes(GOOD.encode("utf-16"))
    done = millwright("data", "import", "wide.csv", "--encoding", "utf-8", "--json")
    refused(done, "undecodable_text", "0xff", "utf_16")
    nothing_left(home)
    assert millwright("data", "import", "wide.csv", "--json").document["rows"] == len(ROWS)


def awkward_table() -> str:
    """Infinite values, numbers mixed with words, a thousand categories, and a class with two rows."""
    lines = [f"{HEADER.removesuffix(',left')},big,mixed,city,left"]
    for number, line in enumerate(table_text(1_500).splitlines()[1:]):
        cells, _, left = line.rpartition(",")
        big, mixed = ("inf" if number % 50 == 0 else number / 7), ("x" if number % 9 == 0 else number % 100)
        lines.append(f"{cells},{big},{mixed},city {number * 7 % 1_000},{'rare' if number in (7, 99) else left}")
    return "\n".join(lines)


def test_awkward_values_are_noted_and_trained_on(millwright: Millwright, tmp_path: Path) -> None:
    (tmp_path / "awkward.csv").write_text(awkward_table())
    work = ("--target", "left", "--models", "linear", "--max-models", "1", "--json")
    trained = millwright("train", "--data", "awkward.csv", *work)
    assert trained.code == 0, trained.err
    files = ("--data", "awkward.csv", "--out", "out.csv")
    predicted = millwright("predict", "--model", trained.document["model_id"], *files, "--json")
    assert predicted.code == 0, predicted.err
    assert "probability_rare" in predicted.document["predictions"][0]
    notes = millwright("data", "import", "awkward.csv", "--target", "left", "--json").document["notes"]
    assert any("infinite" in note for note in notes)
