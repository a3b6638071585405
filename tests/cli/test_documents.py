"""The documents keep their word: their Python examples run as they stand, those of docs/python.md with less time."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import environment

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)


# what is changed in an example so that it runs in a test: less time, and the model's own folder
SHORTER = {"budget_seconds=30": "budget_seconds=6", "max_drop=0.01": "max_drop=0.01, budget_seconds=5"}
ROWS = "from engine.data.samples import sample_frame\nsample_frame('churn')[0].head(2).to_csv('new_rows.csv')\n"


@pytest.mark.slow
def test_the_python_examples_run_one_after_another(home: Path, tmp_path: Path) -> None:
    program = ROWS + "\n".join(EXAMPLE.findall((ROOT / "docs" / "python.md").read_text()))
    folder = {'Path(".millwright/models/mdl_...")': f'Path("{home}/models") / trained.model'}
    for written, used in (SHORTER | folder).items():
        assert written in program
        program = program.replace(written, used)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, cwd=tmp_path, env=environment(home), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "probability_yes" in done.stdout


def test_the_example_of_the_training_loop_ends_with_the_weights_of_one_that_never_stopped(tmp_path: Path) -> None:
    (example,) = EXAMPLE.findall((ROOT / "docs" / "deep-learning.md").read_text())
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "stopped" in done.stdout
    assert "the same weights: True" in done.stdout


def test_what_documents_take_from_the_code_is_not_stale() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/docs.py", "--check"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_python_that_is_too_new_or_too_old_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncase "$1" in -V) echo Python 3.14.0;; *) exit 1;; esac\n')
    python.chmod(0o755)
    make = ["make", "install", f"PYTHON={python}", f"VENV={tmp_path}/venv"]
    done = subprocess.run(make, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert "Python 3.14.0" in done.stderr
    assert not (tmp_path / "venv").exists()
