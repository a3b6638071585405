"""Ctrl-C, a broken pipe and a second worker."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.cli.running import Millwright, command, environment, read_until

PATIENCE_S = 60.0


def started(folder: Path, home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*arguments),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=folder, env=environment(home),
    )  # fmt: skip


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_ctrl_c_stops_the_training_and_keeps_the_best_so_far(tmp_path: Path, home: Path) -> None:
    work = ("run", "predict churn", "--data", "sample:churn", "--target", "churned", "--budget", "120")
    process = started(tmp_path, home, *work, "--yes", "--json")
    read_until(process, "linear roc_auc")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, err
    assert "Stopping" in err
    assert err.count("> train_model") == 1, "another round of training began"
    assert Path(json.loads(out)["package"]).is_dir()


def test_a_second_worker_on_the_same_home_is_refused(tmp_path: Path, home: Path, millwright: Millwright) -> None:
    first = started(tmp_path, home, "worker")
    try:
        wait_for(lambda: (home / "worker.lock").exists() and (home / "worker.lock").read_text().strip() != "")
        done = millwright("worker", "--json")
        assert done.code == 1
        assert done.error["code"] == "home_busy"
        assert str(first.pid) in done.error["message"]
    finally:
        first.terminate()
        first.communicate(timeout=PATIENCE_S)
