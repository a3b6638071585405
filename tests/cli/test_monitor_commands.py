"""`millwright monitor` as a user works with it: watch, predict, label, check, look, acknowledge, pause; and slips."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.drift.policy import Policy
from tests.cli.inside import command_in
from tests.cli.running import Done, Millwright, command, environment
from tests.engine.alerts.loopback import Answer, service
from tests.tools.watched import MODEL, SHIFT, copied_home, table, with_ids

STATUS = ("monitor", "status", MODEL, "--json")


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_home(tmp_path_factory.getbasetemp(), tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """'a.csv' with 60 rows as in the training and 'b.csv' with 60 shifted ones, with their labels in 'a-truth.csv'."""
    for name, shift in (("a", 0.0), ("b", SHIFT)):
        frame = with_ids(table(60, 4, shift), name)
        frame.drop(columns="y").to_csv(tmp_path / f"{name}.csv", index=False)
        frame[["id", "y"]].to_csv(tmp_path / f"{name}-truth.csv", index=False)
    return tmp_path


@pytest.fixture
def millwright(home: Path, folder: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Millwright]:
    with command_in(home, folder, capfd) as run:
        yield run


@pytest.fixture
def created(millwright: Millwright) -> Millwright:
    """The command, with a monitor."""
    succeeded(millwright("monitor", "create", f"{MODEL}@champion", "--rows", "60", "--yes"))
    return millwright


@pytest.fixture
def watching(created: Millwright) -> Millwright:
    """The command, with a monitor of one quiet window and one that is RED, neither checked yet."""
    for name in ("a", "b"):
        predicted(created, name)
        succeeded(created("monitor", "label", MODEL, "--data", f"{name}-truth.csv", "--id-column", "id"))
    return created


def predicted(millwright: Millwright, name: str) -> Done:
    files = ("--data", f"{name}.csv", "--out", f"{name}-out.csv", "--id-column", "id")
    return succeeded(millwright("predict", "--model", f"{MODEL}@champion", *files, "--json"))


def succeeded(done: Done) -> Done:
    assert done.code == 0, done.err
    return done


def test_the_ids_of_the_rows_are_beside_the_predictions(watching: Millwright, folder: Path) -> None:
    lines = (folder / "a-out.csv").read_text().splitlines()
    assert lines[0] == "prediction,probability_no,probability_yes,row_id"
    assert [line.rpartition(",")[2] for line in lines[1:]] == [f"a-{row}" for row in range(60)]


def test_windows_are_checked_and_shown_to_programs_and_people(watching: Millwright) -> None:
    found = succeeded(watching("monitor", "check", MODEL, "--json")).document
    assert [window["level"] for window in found["windows"]] == ["GREEN", "RED"]
    assert found["windows"][1]["labelled"] == 60
    shown = succeeded(watching("monitor", "check", MODEL))
    assert "No new window of 60 rows was complete." in shown.out
    state = succeeded(watching(*STATUS)).document["monitors"][0]
    assert (state["level"], state["logged"], state["labelled"], state["waiting_rows"]) == ("RED", 120, 120, 0)
    assert "120 predictions logged, 120 labelled" in succeeded(watching("monitor", "status")).out


def test_actions_say_what_to_do(watching: Millwright) -> None:
    watching("monitor", "check", MODEL)
    advice = succeeded(watching("monitor", "actions", MODEL, "--json")).document
    assert (advice["action"], advice["retrain"]) == ("roll_back_and_retrain", True)
    shown = watching("monitor", "actions", MODEL).out
    assert "stream is RED: roll back and retrain" in shown
    assert "Retraining is called for." in shown


def test_an_alert_is_listed_and_acknowledged(watching: Millwright) -> None:
    assert watching("monitor", "alerts").out.strip() == "No alert."
    watching("monitor", "check", MODEL)
    (alert,) = succeeded(watching("monitor", "alerts", MODEL, "--json")).document["alerts"]
    assert (alert["level"], alert["state"]) == ("RED", "open")
    done = succeeded(watching("monitor", "ack", "latest", "--note", "on it", "--silence", "2", "--json"))
    assert (done.document["alert"]["alert"], done.document["alert"]["state"]) == (alert["alert"], "acknowledged")
    assert "acknowledged" in watching("monitor", "alerts").out
    refused(watching("monitor", "ack", "latest", "--json"), "alert_not_found", "No alert is open")
    refused(watching("monitor", "ack", "alr_0", "--json"), "alert_not_found", alert["alert"])


def test_a_report_and_plots_are_written(watching: Millwright) -> None:
    refused(watching("monitor", "report", MODEL, "--json"), "report_not_found", "check")
    watching("monitor", "check", MODEL)
    page = succeeded(watching("monitor", "report", MODEL)).out.strip()
    assert Path(page).read_text(encoding="utf-8").startswith("<!doctype html>")
    for plot in ("drift", "performance", "size"):
        path = succeeded(watching("monitor", "report", MODEL, "--plot", plot, "--json")).document["path"]
        assert "<svg" in Path(path).read_text(encoding="utf-8")
    refused(watching("monitor", "report", MODEL, "--plot", "sise", "--json"), "bad_choice", "'size'")


def test_a_policy_is_shown_and_another_set_and_a_wrong_one_changes_nothing(created: Millwright, folder: Path) -> None:
    shown = succeeded(created("monitor", "policy", MODEL)).out
    assert "due_hours: 48" in shown
    (folder / "good.yaml").write_text("retrain: {features: 5}\n")
    done = succeeded(created("monitor", "policy", MODEL, "--set", "good.yaml", "--json"))
    assert Policy.model_validate(done.document).retrain.features == 5
    for text, word in (("retrain: {features: 0}", "retrain.features"), ("[", "cannot be read"), ("{a: 1}", "a: ")):
        (folder / "bad.yaml").write_text(text)
        refused(created("monitor", "policy", MODEL, "--set", "bad.yaml", "--json"), "bad_arguments", word)
    refused(created("monitor", "policy", MODEL, "--set", "none.yaml", "--json"), "bad_arguments", "none.yaml")
    assert succeeded(created("monitor", "policy", MODEL, "--json")).document == done.document


def test_a_monitor_is_paused_and_goes_on(watching: Millwright) -> None:
    assert succeeded(watching("monitor", "pause", MODEL, "--json")).document["paused"]
    assert succeeded(watching("monitor", "check", MODEL, "--json")).document["windows"] == []
    assert "(paused)" in watching("monitor", "status").out
    assert not succeeded(watching("monitor", "resume", MODEL, "--json")).document["paused"]
    assert len(succeeded(watching("monitor", "check", MODEL, "--json")).document["windows"]) == 2


def test_labels_may_come_before_their_rows(created: Millwright) -> None:
    early = succeeded(created("monitor", "label", MODEL, "--data", "a-truth.csv", "--id-column", "id"))
    assert "0 labels joined, 60 wait for their row." in early.out
    predicted(created, "a")
    assert succeeded(created(*STATUS)).document["monitors"][0]["labelled"] == 60


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("strem",), "model_not_found", "Did you mean 'stream'?"),
        ((MODEL, "--rows", "100", "--hours", "2"), "bad_arguments", "not both"),
        ((MODEL, "--hours", "9000"), "bad_arguments", "8784"),
        ((MODEL, "--schedule", "every hour"), "bad_arguments", "'0 * * * *' is every hour"),
        ((MODEL, "--retrain", "always"), "bad_arguments", "'never'"),
        ((MODEL, "--name", ""), "bad_arguments", "name"),
    ],
    ids=range(6),
)
def test_a_monitor_that_cannot_be_made_is_refused(
    millwright: Millwright, options: tuple[str, ...], code: str, words: str
) -> None:
    refused(millwright("monitor", "create", *options, "--yes", "--json"), code, words)
    assert "No monitor yet" in millwright("monitor", "status").out


def test_a_name_that_is_taken_is_refused(created: Millwright) -> None:
    refused(created("monitor", "create", MODEL, "--name", MODEL, "--yes", "--json"), "bad_arguments", "already")
    assert succeeded(created("monitor", "create", MODEL, "--yes", "--json")).document["name"] == f"{MODEL}-2"


def test_without_a_terminal_nothing_is_watched_or_rolled_back_unapproved(millwright: Millwright) -> None:
    for arguments in (("monitor", "create", MODEL), ("models", "rollback", MODEL)):
        refused(millwright(*arguments, "--json"), "approval_needed", "--yes")


@pytest.mark.parametrize(
    "arguments",
    [
        ("status", "strem"),
        ("check", "strem"),
        ("actions", "strem"),
        ("label", "strem", "--data", "a-truth.csv"),
        ("report", "strem"),
        ("policy", "strem"),
        ("alerts", "strem"),
        ("pause", "strem"),
        ("resume", "strem"),
        ("run", "strem", "--yes"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_monitor_that_is_not_there_is_refused_with_the_nearest(
    created: Millwright, arguments: tuple[str, ...]
) -> None:
    refused(created("monitor", *arguments, "--json"), "monitor_not_found", "Did you mean 'stream'?")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--data", "none.csv"), "file_not_found", "none.csv"),
        (("--data", "a-truth.csv"), "bad_arguments", "'row_id'"),
        (("--data", "a-truth.csv", "--id-column", "id", "--label-column", "z"), "bad_arguments", "'z'"),
        (("--data", "a.csv", "--id-column", "id"), "bad_arguments", "'label'"),
    ],
    ids=range(4),
)
def test_labels_that_cannot_be_read_are_refused(
    created: Millwright, options: tuple[str, ...], code: str, words: str
) -> None:
    refused(created("monitor", "label", MODEL, *options, "--json"), code, words)


@pytest.mark.parametrize(
    "arguments",
    [
        ("monitor",),
        ("monitor", "create"),
        ("monitor", "create", MODEL, "--rows", "19"),
        ("monitor", "create", MODEL, "--hours", "0"),
        ("monitor", "label", MODEL),
        ("monitor", "run", MODEL, "--budget", "1"),
    ],
    ids=range(6),
)
def test_wrong_usage_exits_2(millwright: Millwright, arguments: tuple[str, ...]) -> None:
    done = millwright(*arguments)
    assert done.code == 2
    assert "Traceback" not in done.err


def test_a_promotion_is_rolled_back(millwright: Millwright) -> None:
    refused(millwright("models", "rollback", MODEL, "--yes", "--json"), "model_not_found", "before this one")
    refused(millwright("models", "rollback", "strem", "--yes", "--json"), "model_not_found", "Did you mean 'stream'?")
    newer = succeeded(millwright("models", "promote", f"{MODEL}@2", "--yes", "--json")).document
    back = succeeded(millwright("models", "rollback", MODEL, "--yes", "--json")).document
    assert (back["version"], back["model"], back["previous"]) == (1, newer["previous"], newer["model"])


def test_two_processes_that_check_at_once_tell_once(watching: Millwright, home: Path, folder: Path) -> None:
    with service(Answer(delay=0.5)) as hook:
        variables = environment(home) | {"MILLWRIGHT_ALERTS__WEBHOOK_URL": hook.url}
        both = [
            subprocess.Popen(
                command("monitor", "check", MODEL, "--json"), cwd=folder, env=variables, stdout=subprocess.PIPE
            )
            for _ in range(2)
        ]
        assert [process.communicate(timeout=120) and process.returncode for process in both] == [0, 0]
        assert [request.json()["event"] for request in hook.requests] == ["trigger"]
    assert succeeded(watching(*STATUS)).document["monitors"][0]["level"] == "RED"


def test_what_the_monitor_says_has_no_colours_and_no_markup_of_names(millwright: Millwright) -> None:
    succeeded(millwright("monitor", "create", MODEL, "--name", "[red]x[/red]", "--yes"))
    shown = millwright("monitor", "status").out
    assert "[red]x[/red]" in shown
    assert os.fsencode(shown).count(b"\x1b") == 0


def refused(done: Done, code: str, words: str) -> None:
    """Exit code 1, a code, a sentence with these words, a next step, no traceback."""
    assert done.code == 1, done.err
    assert "Traceback" not in done.err
    error = done.error
    assert error["code"] == code
    assert error["hint"]
    assert words in f"{error['message']} {error['hint']}"
