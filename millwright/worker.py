"""A worker that a client starts for itself: `python -m millwright.worker PARENT`, settings on standard input."""

import time

STARTED = time.time()

import json  # noqa: E402  the clock of the first job starts before the imports do
import logging  # noqa: E402
import sys  # noqa: E402


def main() -> None:
    """Serve the home's jobs until told to stop or until the parent is gone."""
    given = json.loads(sys.stdin.readline())
    parent = int(sys.argv[1])
    from engine.errors import HomeBusy, MillwrightError
    from engine.parent import die_with
    from engine.redaction import print_clean
    from tools.worker_process import BUSY_EXIT

    die_with(parent)
    print_clean()
    from millwright.compose import serve_jobs
    from millwright.settings import Settings

    settings = Settings.model_validate(given)
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("millwright").setLevel(logging.INFO)
    try:
        serve_jobs(settings, started=STARTED)
    except HomeBusy as error:
        logging.getLogger("millwright.worker").info("%s", error)
        sys.exit(BUSY_EXIT)
    except MillwrightError as error:
        logging.getLogger("millwright.worker").error("%s", error)
        sys.exit(1)


if __name__ == "__main__":
    main()
