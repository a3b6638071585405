"""What the tests let a crew's process call; the crews package itself cannot be imported where HOME is not ours."""

import os
import sys
import time
from pathlib import Path

from crews.events import Json, Tell
from engine.errors import BadChoice, NothingTrained


def echo(arguments: Json, tell: Tell) -> Json:
    sys.stdout.write("noise that a library prints\n")
    tell({"kind": "text", "text": "first"})
    tell({"kind": "text", "text": "second"})
    return {"home": os.environ["HOME"], "given": arguments}


def mendable(arguments: Json, tell: Tell) -> Json:
    raise BadChoice("metric", "f2", ["f1"])


def hopeless(arguments: Json, tell: Tell) -> Json:
    raise NothingTrained("The adder is broken.", "Mend it.")


def dies(arguments: Json, tell: Tell) -> Json:
    os._exit(9)


def spills(arguments: Json, tell: Tell) -> Json:
    raise RuntimeError(f"the key is {arguments['key']}")


def talks(arguments: Json, tell: Tell) -> Json:
    """More on stderr than a pipe holds."""
    for _ in range(5_000):
        sys.stderr.write("w" * 79 + "\n")
    return {"talked": True}


def sleeps(arguments: Json, tell: Tell) -> Json:
    if "note" in arguments:
        Path(str(arguments["note"])).write_text(str(os.getpid()))
    time.sleep(60)
    return {}


def develops(arguments: Json, tell: Tell) -> Json:
    """The crew over the small workshop; it may be killed at the place that the file `kill` in the home names."""
    from crews.development.run import develop
    from tests.crews.crewshop import brief, crew_shop

    home = Path(str(arguments["home"]))
    return develop(crew_shop(home), None, brief(), home / "crews" / "crew_1", tell).model_dump(mode="json")
