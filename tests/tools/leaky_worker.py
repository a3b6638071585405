"""A worker whose tool breaks with secrets in its words: `python leaky_worker.py HOME DATABASE_URL PARENT`."""

import logging
import sys
import time
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from engine.errors import HomeBusy, NothingTrained
from engine.parent import die_with
from engine.redaction import print_clean
from millwright.compose import watch_over
from millwright.settings import ApiSettings, Settings, TracingSettings
from tests.tools.small_worker import no_estimate, small_workshop
from tools.spec import ToolRequest, ToolResult, ToolSpec
from tools.worker import serve
from tools.worker_process import BUSY_EXIT
from tools.workshop import Workshop

STARTED = time.time()
EXACT = "violet-harbour-seven"
SECRETS = (EXACT, "hunter22", "abcdef.ghijkl-1234", "sk-proj-Zq81mNopQrStUvWx")
SAID = f"{EXACT}, postgresql://me:hunter22@host/db, Bearer abcdef.ghijkl-1234, sk-proj-Zq81mNopQrStUvWx"


class LeakRequest(ToolRequest):
    how: str


class Leaked(ToolResult):
    text: str


def leak(workshop: Workshop, request: LeakRequest) -> Leaked:
    assert workshop.job is not None
    logging.getLogger("millwright.leak").error("about to %s: %s", request.how, SAID)
    if request.how == "typed":
        raise NothingTrained(SAID, SAID)
    if request.how == "bug":
        raise RuntimeError(SAID)
    workshop.job.step("one", _typed if request.how == "typed in a step" else _bug)
    return Leaked(text="never")


def _typed() -> None:
    raise NothingTrained(SAID, SAID)


def _bug() -> None:
    raise RuntimeError(SAID)


LEAK = ToolSpec("leak", "Leak.", LeakRequest, Leaked, leak, "compute", no_estimate, job=True)


def settings(home: Path) -> Settings:
    return Settings(home=home, api=ApiSettings(key=SecretStr(EXACT)), tracing=TracingSettings(exporter="file"))


def leaky_workshop(home: Path) -> Workshop:
    return replace(small_workshop(home), tools={"leak": LEAK})


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    sys.stdin.readline()
    die_with(int(sys.argv[3]))
    print_clean()
    logging.basicConfig(level=logging.INFO)
    watch_over(settings(folder), folder)
    try:
        serve(lambda: leaky_workshop(folder), home=folder, database_url=sys.argv[2], started=STARTED)
    except HomeBusy:
        sys.exit(BUSY_EXIT)
