"""What `millwright doctor` looks at. Each check is a function that reads and changes nothing."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from engine.environment import available_cores

if TYPE_CHECKING:
    from millwright.settings import Settings

State = Literal["ok", "warning", "broken"]
GIB = 1024**3
BROKEN_BELOW, WARN_BELOW = 0.5 * GIB, 5 * GIB
PROBE_SECONDS = 120
URL_STEP = "Write MILLWRIGHT_DATABASE_URL as postgresql://user:password@host/name, or unset it to use SQLite."
TORCH_PROBE = (
    "import torch; g = torch.cuda.is_available(); print(torch.__version__, torch.cuda.get_device_name(0) if g else '')"
)


class Check(BaseModel):
    """One finding; `next_step` is empty when there is nothing to do."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: State
    detail: str
    next_step: str = ""


def python() -> Check:
    return Check(name="python", state="ok", detail=f"{platform.python_version()} at {sys.executable}")


def home(settings: "Settings") -> Check:
    path = settings.home.absolute()
    place = _existing(path)
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        step = "Set MILLWRIGHT_HOME to a folder you may write to."
        return Check(name="home", state="broken", detail=f"{place} cannot be written", next_step=step)
    made = "" if path.exists() else " (will be made at first use)"
    return Check(name="home", state="ok", detail=f"{path}{made}")


def disk(settings: "Settings") -> Check:
    free = shutil.disk_usage(_existing(settings.home.absolute())).free
    detail = f"{free / GIB:.1f} GiB free"
    if free >= WARN_BELOW:
        return Check(name="disk", state="ok", detail=detail)
    step = "Free some space or point MILLWRIGHT_HOME to another disk."
    return Check(name="disk", state="broken" if free < BROKEN_BELOW else "warning", detail=detail, next_step=step)


def cores() -> Check:
    return Check(name="cores", state="ok", detail=f"{available_cores()} that this process may use")


def torch() -> Check:
    """Imports torch in a process of its own: a broken one can take its process down."""
    try:
        command = [sys.executable, "-c", TORCH_PROBE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Check(name="torch", state="broken", detail="import takes minutes", next_step="Reinstall: make install.")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["import failed"])[-1]
        return Check(name="torch", state="broken", detail=last, next_step="Reinstall: remove .venv, then make install.")
    version, _, device = done.stdout.strip().partition(" ")
    return Check(name="torch", state="ok", detail=f"{version}, {device or 'no GPU: the CPU is used'}")


def onnx() -> Check:
    """Where exported models run."""
    try:
        from engine.serving.session import explain_providers
    except ImportError as error:
        step = "Reinstall: remove .venv, then make install."
        return Check(name="onnx", state="broken", detail=str(error), next_step=step)
    return Check(name="onnx", state="ok", detail=explain_providers())


def database(settings: "Settings") -> Check:
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        url = make_url(settings.database_url) if settings.database_url else None
    except (SQLAlchemyError, ValueError):
        # what was given may hold a password: it is not shown
        return Check(name="database", state="broken", detail="not the URL of a database", next_step=URL_STEP)
    if url is None or (url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()):
        return Check(name="database", state="ok", detail="SQLite in the home")
    shown = url.render_as_string(hide_password=True)
    try:
        with create_engine(url).connect() as connection:
            connection.execute(text("select 1"))
    except (SQLAlchemyError, ImportError) as error:
        step = "Start the database, or unset MILLWRIGHT_DATABASE_URL to use SQLite."
        why = str(error).splitlines()[0]
        return Check(name="database", state="broken", detail=f"{shown}: {why}", next_step=step)
    return Check(name="database", state="ok", detail=shown)


def worker(settings: "Settings") -> Check:
    from tools.lock import holder, is_held

    path = settings.home
    if path.exists() and is_held(path):
        return Check(name="worker", state="ok", detail=f"process {holder(path)} serves this home")
    return Check(name="worker", state="ok", detail="none running; a command that needs one starts it")


def language_model(settings: "Settings") -> Check:
    """Only asks whether the endpoint's port answers: a real call would cost money."""
    from agents.provider import chat_model
    from engine.errors import BadSettings

    llm = settings.llm
    try:
        chat_model(llm)
    except BadSettings as error:
        return Check(name="language model", state="broken", detail=error.sentence, next_step=error.hint)
    if llm.provider == "offline":
        return Check(name="language model", state="ok", detail="none configured: the offline planner answers")
    if not llm.base_url:
        return Check(name="language model", state="ok", detail=f"{llm.provider}: {llm.model}")
    detail = f"{llm.model} at {llm.base_url}"
    if _answers(llm.base_url):
        spare = llm.fallback_base_url
        if spare and not _answers(spare):
            step = "Start it, or unset MILLWRIGHT_LLM__FALLBACK_MODEL and MILLWRIGHT_LLM__FALLBACK_BASE_URL."
            lacking = f"{detail}; the fall-back at {spare} does not answer"
            return Check(name="language model", state="warning", detail=lacking, next_step=step)
        return Check(name="language model", state="ok", detail=detail)
    step = "Start the endpoint or set MILLWRIGHT_LLM__PROVIDER=offline."
    return Check(name="language model", state="broken", detail=f"{detail} does not answer", next_step=step)


def _answers(url: str) -> bool:
    import socket

    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=3):
            return True
    except OSError:
        return False


def _existing(path: Path) -> Path:
    """The path or the nearest folder above it that is there."""
    while not path.exists():
        path = path.parent
    return path


def examine() -> list[Check]:
    """All checks. Where the settings cannot be read, only what does not need them."""
    from engine.errors import BadSettings
    from millwright.settings import Settings

    try:
        settings = Settings()
    except BadSettings as error:
        return [python(), Check(name="settings", state="broken", detail=error.sentence, next_step=error.hint), cores()]
    with_settings = (home, disk, database, worker, language_model)
    return [python(), cores(), torch(), onnx(), *(check(settings) for check in with_settings)]
