"""`millwright drift`: what programs read, what scripts fail on, and what is said of wrong input."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.drift.found import DriftReport
from tests.cli.inside import command_in
from tests.cli.running import Done, Millwright, environment, runner
from tests.tools.watched import MODEL, SHIFT, table, trained_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a model; comparisons add to it, and change nothing."""
    return trained_home(tmp_path_factory.getbasetemp())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    table(200, 2).to_csv(tmp_path / "same.csv", index=False)
    table(200, 2, SHIFT).drop(columns="y").to_csv(tmp_path / "shifted.csv", index=False)
    table(200, 2).to_parquet(tmp_path / "same.parquet")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("size,weight,plan\n")
    (tmp_path / "garbage.csv").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "damaged.profile").write_bytes(b"PK\x03\x04" + bytes(range(256)))
    (tmp_path / "some").mkdir()
    return tmp_path


@pytest.fixture
def millwright(home: Path, folder: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Millwright]:
    with command_in(home, folder, capfd) as run:
        yield run


def whole(done: Done) -> DriftReport:
    """The document, which is a report and nothing else."""
    assert done.code in {0, 3}, done.err
    report = DriftReport.model_validate(done.document)
    assert report.to_dict() == done.document
    return report


def test_a_process_prints_the_report_and_fails_on_the_level_that_it_was_told(home: Path, folder: Path) -> None:
    run = runner(home, folder)
    done = run("drift", "check", "--model", MODEL, "--current", "shifted.csv", "--fail-on", "orange", "--json")
    assert (done.code, done.err) == (3, "")
    report = whole(done)
    assert (report.level, report.rows) == ("RED", 200)
    size = report.columns["size"]
    assert (size.test, size.level, size.kind, size.role) == ("ks", "RED", "number", "feature")
    assert size.p_adjusted is not None
    assert size.p_value is not None
    assert 0 <= size.p_value <= size.p_adjusted < 1e-9
    assert min(size.statistic or 0, size.effect or 0, size.psi or 0) > 0.3
    assert size.findings[0].column == "size"


def test_a_green_comparison_fails_on_nothing(millwright: Millwright) -> None:
    options = ("--model", f"{MODEL}@champion", "--current", "same.csv", "--fail-on", "yellow", "--json")
    done = millwright("drift", "check", *options)
    assert (done.code, whole(done).level) == (0, "GREEN")


@pytest.mark.parametrize("reference", ["same.csv", "same.parquet", "kept.profile", "PACKAGE", "rows"])
def test_the_reference_is_a_profile_a_table_a_package_or_a_dataset(
    millwright: Millwright, home: Path, reference: str
) -> None:
    kept = millwright("drift", "profile", "same.csv", "--out", "kept.profile", "--sketch", "--json")
    assert (kept.code, kept.document["rows"]) == (0, 200)
    package = next((home / "models").glob("mdl_*"))
    done = millwright(
        "drift",
        "check",
        "--reference",
        reference.replace("PACKAGE", str(package)),
        "--current",
        "shifted.csv",
        "--json",
    )
    assert whole(done).drifted[0] == "size"


def test_people_see_the_level_the_columns_and_where_the_page_lies(millwright: Millwright) -> None:
    shown = millwright("drift", "check", "--model", MODEL, "--current", "shifted.csv")
    assert shown.code == 0
    assert "RED: 200 rows against 320 of the reference" in shown.out
    assert "Column 'size' is distributed differently" in shown.out
    report = millwright("drift", "report", "--model", MODEL, "--current", "shifted.csv")
    assert Path(report.out.strip()).read_text(encoding="utf-8").startswith("<!doctype html>")
    profiled = millwright("drift", "profile", "same.csv", "--out", "p", "--target", "y")
    assert "200 rows, 4 columns (2 number, 2 category)" in profiled.out


def test_columns_of_the_model_that_are_not_there_are_a_finding(millwright: Millwright, folder: Path) -> None:
    table(60, 1).drop(columns=["size", "plan"]).to_csv(folder / "less.csv", index=False)
    done = millwright("drift", "check", "--model", MODEL, "--current", "less.csv", "--fail-on", "red", "--json")
    assert done.code == 3
    gone = [finding.column for finding in whole(done).findings if finding.code == "missing_column"]
    assert gone == ["size", "plan"]


SIDES = (("--model", MODEL, "--current"), ("--current", "same.csv", "--reference"))
WRONG = {
    "none.csv": ("file_not_found", "'none.csv'"),
    "empty.csv": ("empty_file", "is empty"),
    "header.csv": ("header_only", "no rows"),
    "garbage.csv": ("undecodable_text", "garbage.csv"),
    "damaged.profile": ("not_a_table", "damaged.profile"),
    "some": ("unsupported_format", "folder"),
    "x" * 300: ("", "x"),
}


@pytest.mark.parametrize("side", SIDES, ids=["current", "reference"])
@pytest.mark.parametrize("name", WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_compared_is_refused_with_the_next_step(
    millwright: Millwright, side: tuple[str, ...], name: str
) -> None:
    code, words = WRONG[name]
    done = millwright("drift", "check", *side, name, "--json")
    refused(done, words)
    assert code in done.error["code"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--model", "strem", "--current", "same.csv"), "Did you mean 'stream'?"),
        (("--current", "same.csv"), "one of `model` and `reference`"),
        (("--model", MODEL, "--reference", "same.csv", "--current", "same.csv"), "one of `model` and `reference`"),
        (("--reference", "nowhere", "--current", "same.csv"), "does not exist"),
        (("--model", MODEL, "--current", "nowhere"), "no dataset 'nowhere'"),
    ],
    ids=range(5),
)
def test_a_comparison_that_cannot_be_made_is_refused(
    millwright: Millwright, options: tuple[str, ...], words: str
) -> None:
    for command in ("check", "report"):
        refused(millwright("drift", command, *options, "--json"), words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.csv", "--out", "p"), "does not exist"),
        (("empty.csv", "--out", "p"), "is empty"),
        (("same.csv", "--out", "p", "--target", "z"), "'z'"),
        (("same.csv", "--out", "same.csv"), "would be lost"),
        (("same.csv", "--out", "shifted.csv"), "is no profile"),
        (("same.csv", "--out", "some"), "is a folder"),
        (("same.csv", "--out", "same.csv/p"), "which is a file"),
    ],
    ids=range(7),
)
def test_a_profile_that_cannot_be_made_is_refused_and_nothing_is_lost(
    millwright: Millwright, folder: Path, arguments: tuple[str, ...], words: str
) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    refused(millwright("drift", "profile", *arguments, "--json"), words)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("drift",),
        ("drift", "check"),
        ("drift", "check", "--current"),
        ("drift", "check", "--current", "same.csv", "--fail-on", "purple"),
        ("drift", "profile", "same.csv"),
    ],
    ids=range(5),
)
def test_wrong_usage_exits_2(millwright: Millwright, arguments: tuple[str, ...]) -> None:
    done = millwright(*arguments)
    assert done.code == 2
    assert "Traceback" not in done.err


def test_help_loads_no_heavy_library(home: Path) -> None:
    heavy = {"torch", "langchain", "langchain_core", "crewai", "mlflow", "river", "datasketches", "httpx", "pandas"}
    helps = "".join(f"main([{group!r}, '--help']); " for group in ("drift", "monitor", "models"))
    script = f"import sys; from millwright.cli.main import main; main(['--help']); {helps}print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment(home), check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert "millwright" in loaded
    assert not loaded & heavy


def refused(done: Done, words: str) -> None:
    """Exit code 1, a sentence with these words, a next step, no traceback."""
    assert done.code == 1, done.err
    assert "Traceback" not in done.err
    error = done.error
    assert error["hint"]
    assert words in f"{error['message']} {error['hint']}", json.dumps(error)
