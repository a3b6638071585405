"""The package itself and its spec load no torch."""

import subprocess
import sys


def test_the_package_and_its_spec_load_no_torch() -> None:
    script = "import engine.nets, engine.nets.spec, sys; raise SystemExit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
