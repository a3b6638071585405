"""A disk that fills up in the middle of a run: told as such, and the run goes on once there is room."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.running import command, environment, table_text

PATIENCE_S = 120
WORK = "--target left --models linear,lightgbm --max-models 2 --yes --json"
SCRIPT = """
mount -t tmpfs -o size=900k none {small} || exit 77
{millwright} run 'who leaves' --data {table} {work} > {first}
echo $? > {status}
mount -o remount,size=64m {small}
{millwright} run --resume $(ls {small}/home/runs) --json > {second}
"""


def test_a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    table, small = tmp_path / "clients.csv", tmp_path / "small"
    table.write_text(table_text())
    small.mkdir()
    names = {name: tmp_path / name for name in ("first", "second", "status")}
    script = SCRIPT.format(small=small, table=table, work=WORK, millwright=" ".join(command()), **names)
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        cwd=tmp_path, env=environment(small / "home"), capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    if done.returncode in {77, 127} or not names["status"].exists():
        pytest.skip("this machine lets no test mount a small file system of its own")
    assert names["status"].read_text().strip() == "1", done.stderr
    error = json.loads(names["first"].read_text())["error"]
    assert error["code"] == "disk_full"
    assert "MILLWRIGHT_HOME" in error["hint"]
    assert done.returncode == 0, done.stderr
    summary = json.loads(names["second"].read_text())
    assert summary["model_id"].startswith("mdl_")
    assert summary["metric"]["value"] > 0.9
