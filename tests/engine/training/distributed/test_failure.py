"""What is said when a process of several fails."""

import signal
from pathlib import Path

from engine.errors import JobFailed, LossNotFinite, MillwrightError, ProcessesFailed
from engine.files import write_json
from engine.training.distributed.failure import Failure, exits_file, failed


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def fail(folder: Path, error: Exception, rank: int, at: float) -> None:
    Failure.of(raised(error), rank).model_copy(update={"at": at}).write(folder)


def outcome(folder: Path) -> MillwrightError:
    return failed(folder, folder / "log.txt", 2)


def test_the_first_failure_counts_and_shows_its_last_lines(tmp_path: Path) -> None:
    fail(tmp_path, RuntimeError("connection closed by peer"), rank=0, at=2.0)
    fail(tmp_path, ZeroDivisionError("of rank 1"), rank=1, at=1.0)
    error = outcome(tmp_path)
    assert isinstance(error, ProcessesFailed)
    assert "Process 1 of 2 (counted from 0) of the training failed." in error.sentence
    assert "ZeroDivisionError: of rank 1" in error.sentence
    assert "goes on from its last checkpoint" in error.hint


def test_an_error_with_a_code_keeps_it(tmp_path: Path) -> None:
    original = LossNotFinite(3, 0.1, "fp32")
    fail(tmp_path, original, rank=0, at=1.0)
    error = outcome(tmp_path)
    assert isinstance(error, JobFailed)
    assert (error.code, str(error)) == (original.code, str(original))


def test_a_process_that_was_killed_comes_before_those_that_miss_it(tmp_path: Path) -> None:
    fail(tmp_path, RuntimeError("connection closed by peer"), rank=0, at=1.0)
    write_json(exits_file(tmp_path), {"0": 1, "1": -signal.SIGKILL})
    error = outcome(tmp_path)
    assert isinstance(error, ProcessesFailed)
    assert "Process 1 of 2 (counted from 0) of the training was ended by SIGKILL." in error.sentence


def test_a_process_that_torchrun_ended_is_not_to_blame(tmp_path: Path) -> None:
    fail(tmp_path, ValueError("of rank 1"), rank=1, at=1.0)
    write_json(exits_file(tmp_path), {"0": -signal.SIGTERM, "1": 1})
    assert "ValueError: of rank 1" in str(outcome(tmp_path))


def test_without_a_word_of_any_process_the_log_is_shown(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("".join(f"line {number}\n\n" for number in range(40)))
    error = outcome(tmp_path)
    assert "line 39" in error.sentence
    assert "line 20" not in error.sentence
