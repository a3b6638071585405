"""benchmarks/drift.py, at its smallest: every line is there, and an interpreter without evidently is told of."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r"^(fit|save \(0 MB\)|load|ours|by hand|by hand, with Wasserstein) +([\d.]+) s( .*)?$", re.MULTILINE)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "benchmarks" / "drift.py"), "--rows", "2000", "--rounds", "1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_every_line_is_there_and_an_interpreter_without_evidently_is_told_of() -> None:
    done = run("--evidently", sys.executable)
    found = {name: (float(seconds), rest or "") for name, seconds, rest in LINE.findall(done.stdout)}
    assert list(found) == ["fit", "save (0 MB)", "load", "ours", "by hand", "by hand, with Wasserstein"]
    assert all(seconds > 0 for seconds, _ in found.values())
    assert re.fullmatch(r" +\d+ MB", found["ours"][1])
    assert re.fullmatch(r" +1/[\d.]+", found["by hand"][1])
    assert done.returncode == 1
    assert "No module named 'evidently'" in done.stderr
