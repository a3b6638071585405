"""A job in several processes: started by torchrun, listened to, stopped, and ended with the caller."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.environment import available_cores
from engine.files import typed_disk_errors
from engine.training.clock import never
from engine.training.distributed.failure import exits_file, failed
from engine.training.distributed.following import follow
from engine.training.distributed.job import FitJob
from engine.training.distributed.ray_train import fit_on_ray
from engine.training.distributed.strategies import check_together
from engine.training.events import Listener, unheard
from engine.training.spec import DistributedSpec, FitReport

GRACE_SECONDS = 10.0
LOOPBACK = {"linux": "lo", "darwin": "lo0"}


def launch(
    job: FitJob, spec: DistributedSpec, *, listener: Listener = unheard, stop: Callable[[], bool] = never
) -> FitReport:
    """Train `job` in `spec.processes` processes on this machine and wait for them; the weights are in `job.weights()`.

    A job that was stopped or lost its processes goes on from its last checkpoint; one that is through is not trained
    again. Of several machines, each calls this with its `node_rank` and with a folder that all of them see. Blocks;
    call it from a thread that lives as long as the training, since on Linux the processes end with that thread.
    On one machine, gloo's tensors stay on the loopback device; but the store through which torchrun's processes find
    each other listens on all networks, without a password, as long as they run.

    Raises:
        ProcessesFailed: a process died; the last lines of its log are in the sentence.
        BadArguments: what is asked for does not go together, or Ray is not installed.
        JobFailed: the training ended with an error that has a code of its own, which it keeps.
        DiskFull, HomeNotWritable: the folder cannot be written.
    """
    done = job.report()
    if done is not None and done.ended != "stopped":
        return done
    check_together(job.fit(), spec)
    if spec.node_rank == 0:
        job.begin(spec)
    if spec.ray_address is not None:
        return fit_on_ray(job, spec, listener=listener, stop=stop)
    with _started(job, spec) as process:
        follow(lambda: process.poll() is not None, job, listener, stop)
    report = job.report()
    if process.returncode != 0 or report is None:
        raise failed(job.folder, job.log, spec.world)
    return report


@contextmanager
def _started(job: FitJob, spec: DistributedSpec) -> Iterator[subprocess.Popen[bytes]]:
    """torchrun and its processes; gone at the end, whatever happens in between."""
    with typed_disk_errors(job.log), job.log.open("ab") as log:
        process = subprocess.Popen(
            command(job, spec), stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let torchrun end its processes, and kill it if it takes too long: they die with it, and with their input."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.stdin is not None
    process.stdin.close()
    process.wait()


def command(job: FitJob, spec: DistributedSpec) -> list[str]:
    """The command line: as many threads in each process as there are cores for it, then torchrun, then the job."""
    threads = max(1, available_cores() // spec.processes)
    return [
        "env", f"OMP_NUM_THREADS={threads}", *_kept_inside(spec),
        sys.executable, "-m", "engine.training.distributed.starter", str(os.getpid()), str(exits_file(job.folder)),
        f"--nproc-per-node={spec.processes}", *_meeting(spec),
        "-m", "engine.training.distributed.worker", str(job.folder),
    ]  # fmt: skip


def _kept_inside(spec: DistributedSpec) -> list[str]:
    """Lets gloo use the loopback device, where it would take the network that the machine's name belongs to."""
    if spec.nodes > 1 or sys.platform not in LOOPBACK:
        return []
    return [f"GLOO_SOCKET_IFNAME={LOOPBACK[sys.platform]}"]


def _meeting(spec: DistributedSpec) -> list[str]:
    """Where the processes meet: at a free port of this machine, or at the address that several machines know."""
    if spec.nodes == 1:
        return ["--standalone", "--local-addr=127.0.0.1"]
    host, _, port = (spec.address or "").rpartition(":")
    return [
        f"--nnodes={spec.nodes}", f"--node-rank={spec.node_rank}", f"--master-addr={host}", f"--master-port={port}",
    ]  # fmt: skip
