"""torchrun that ends with the process that asked for it.

python -m engine.training.distributed.starter PARENT EXITS ARGS, where ARGS are torchrun's. The processes it starts
are told its process id, so that they end with it. When they fail, their exit codes by rank are left in the file
EXITS: torchrun itself only prints them.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.files import write_json
from engine.parent import die_with


def main(arguments: Sequence[str]) -> None:
    """Run torchrun to its end; exit code 1 when a process failed."""
    parent, exits, *rest = arguments
    die_with(int(parent))
    # after the line above, since torch takes seconds to load
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    try:
        torchrun([*rest, str(os.getpid())])
    except ChildFailedError as error:
        write_json(Path(exits), {str(rank): failure.exitcode for rank, failure in error.failures.items()})
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
