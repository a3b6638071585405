"""One process of a job: python -m engine.training.distributed.worker FOLDER [PARENT], started by torchrun."""

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from engine.parent import die_with


def main(arguments: Sequence[str]) -> None:
    """Train the job of a folder together with the other processes; exit code 1 on an error, which is left there."""
    if len(arguments) > 1:
        die_with(int(arguments[1]))
    # after the line above, since torch takes seconds to load
    from engine.training.distributed.failure import Failure
    from engine.training.distributed.group import own_rank

    folder = Path(arguments[0])
    try:
        from engine.training.distributed.work import work

        work(folder)
    except Exception as error:
        Failure.of(error, own_rank()).write(folder)
        traceback.print_exc()
        sys.stderr.flush()
        # at once: the others may wait in an exchange that this process will not come to any more
        os._exit(1)
    leave()


def leave() -> None:
    """End this process, whose work is done and written.

    Without the interpreter's way down: threads of torch's exchange may outlive the objects that hold them, and the
    process was seen to abort there ("terminate called without an active exception"), which counts as a lost one.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
