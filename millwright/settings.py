"""Everything a user can set, read in one place. `Settings()` reads the environment and a `.env` file beside it.

A variable is `MILLWRIGHT_` and the field's name; `__` goes a level down: `MILLWRIGHT_LLM__MODEL`. A value may also be
given as the name of a file that holds it, for secrets: `MILLWRIGHT_LLM__API_KEY_FILE=/run/secrets/llm`. The
environment wins over the file. A blank value is as good as none, and `null` is none where a setting may have none. A
name that is not a setting is an error, so that a slip of the pen is not silence.
"""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from pydantic_settings.sources.types import EnvNoneType

from agents.budget import Limits
from agents.provider import LlmSettings
from engine.alerts.settings import AlertSettings
from engine.environment import available_cores
from engine.errors import BadSettings

PREFIX = "MILLWRIGHT_"
OTHERS = ("MILLWRIGHT_TEST_", "MILLWRIGHT_REQUIRE_BACKENDS")
"""Names with our prefix that belong to the test suite."""
FILE = "_FILE"
DOTENV = Path(".env")
NONE = "null"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSettings(_Part):
    """The most that an import reads."""

    max_bytes: int = Field(2 * 1024**3, gt=0, description="Most bytes of one source, unpacked.")
    max_rows: int = Field(5_000_000, gt=0, description="Most rows of one source.")
    max_columns: int = Field(5_000, gt=0, description="Most columns of one source.")


class JobSettings(_Part):
    """How long work runs."""

    concurrency: int = Field(1, ge=1, le=64, description="Jobs that one worker runs at a time.")
    threads: int | None = Field(None, ge=1, description="Threads of one job; all cores that may be used by default.")
    own_worker: bool = Field(True, description="Start a worker when none serves the home; false where one always does.")


class LimitSettings(_Part):
    """The most that may be used, in all: by one conversation, and by all conversations, runs and crews of the home."""

    session: Limits = Limits()
    owner: Limits = Limits()
    answer_tokens: int = Field(4096, ge=16, description="Most tokens of one answer, where tokens or money are limited.")


class TracingSettings(_Part):
    """Where spans of OpenTelemetry go, if anywhere."""

    exporter: Literal["none", "file", "console", "otlp"] = Field(
        "none", description="none, file (traces.jsonl in the home), console (standard error) or otlp (a collector)."
    )
    endpoint: str | None = Field(
        None, description="Address of the collector, e.g. http://localhost:4318/v1/traces; OpenTelemetry's own default."
    )
    content: bool = Field(False, description="Keep messages, arguments and results in spans too, without secrets.")


class ApiSettings(_Part):
    """The HTTP interface."""

    key: SecretStr | None = Field(None, description="Key that requests must carry; needed beyond loopback.")


class Settings(BaseSettings):
    """All settings, with defaults that need nothing: SQLite in the home, no key, no network."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_parse_none_str=NONE,
        extra="forbid",
        frozen=True,
        validate_default=False,
    )

    home: Path = Field(Path(".millwright"), description="Folder that holds everything; nothing is written elsewhere.")
    database_url: str | None = Field(
        None, repr=False, description="SQLAlchemy URL for jobs and sessions, e.g. of PostgreSQL; SQLite in the home."
    )
    tracking_uri: str | None = Field(None, repr=False, description="MLflow database or server; SQLite in the home.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "WARNING", description="Least level that is logged."
    )
    budget_seconds: float = Field(60.0, ge=1, description="Training budget when none is asked for, in seconds.")
    data: DataSettings = DataSettings()
    llm: LlmSettings = LlmSettings()
    jobs: JobSettings = JobSettings()
    api: ApiSettings = ApiSettings()
    limits: LimitSettings = LimitSettings()
    tracing: TracingSettings = TracingSettings()
    alerts: AlertSettings = AlertSettings()

    @field_validator("home")
    @classmethod
    def _from_the_users_home(cls, home: Path) -> Path:
        try:
            return home.expanduser()
        except RuntimeError as error:
            raise ValueError(f"{str(home)!r} names no user's home") from error

    def __init__(self, **values: Any) -> None:  # noqa: ANN401  whatever the fields take
        """Raises: BadSettings: an unknown name or a value that does not fit, named as the variable to change."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _bad_value(error) from error
        except SettingsError as error:
            raise BadSettings(f"The settings cannot be read: {error}.", "Nested values are written as JSON.") from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls)

    @property
    def threads(self) -> int:
        """Threads that one job may use."""
        return self.jobs.threads or available_cores()

    @property
    def jobs_url(self) -> str:
        """The jobs' database."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'millwright.db'}"

    def for_worker(self) -> dict[str, Any]:
        """What a worker process needs, as JSON. Keys of language models and of the interface are not among it."""
        told = self.model_dump(mode="json", exclude={"llm", "api", "alerts"})
        return told | {"home": str(self.home.resolve()), "alerts": revealed(self.alerts)}


def revealed(part: BaseModel) -> dict[str, Any]:
    """A part as JSON with its secrets readable, for a process of ours that needs them; it goes by a pipe."""
    values = part.model_dump(mode="json")
    secrets = {name: value for name, value in part if isinstance(value, SecretStr)}
    return values | {name: value.get_secret_value() for name, value in secrets.items()}


def secrets_of(part: BaseModel) -> Iterator[str]:
    """Every secret that the settings hold, and the passwords in their addresses."""
    for _, value in part:
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from secrets_of(value)
        elif isinstance(value, str) and "://" in value:
            yield from _passwords(value)


def _passwords(address: str) -> Iterator[str]:
    """The password of an address as it is written there, and as it is meant."""
    try:
        written = urlsplit(address).password
    except ValueError:
        return
    if written:
        yield from {written, unquote(written)}


def child_environment(threads: int) -> dict[str, str]:
    """The environment for a worker: ours without our settings (they come by another way), and its thread limits."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return {"PYTHONUNBUFFERED": "1", **limits, **ours}


class _Environment(EnvSettingsSource):
    """The process's environment over the `.env` file, with `_FILE` values read and unknown names refused."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        given = {**_dotenv(DOTENV), **{name: value for name, value in os.environ.items() if name.startswith(PREFIX)}}
        filled = {name: value for name, value in given.items() if value.strip()}
        resolved = _resolved(filled, set(setting_names(settings_cls)))
        self.env_vars = {name.lower(): EnvNoneType(value) if value == NONE else value for name, value in resolved}


def setting_names(settings: type[BaseModel], prefix: str = PREFIX) -> Iterator[str]:
    """Every variable that is a setting, e.g. MILLWRIGHT_LLM__MODEL."""
    for name, variable, field in _fields(settings, prefix):
        del name, field
        yield variable


def env_example(settings: type[BaseSettings]) -> str:
    """The text of `.env.example`: every setting with its description and default, commented out."""
    lines = ["# Settings of Millwright: copy this file to .env and uncomment what you change."]
    lines += ["# Any of them may be given as a file that holds the value: add _FILE to its name."]
    lines += ["# A blank value is as good as none: the default holds.", ""]
    for _, variable, field in _fields(settings, PREFIX):
        lines += [f"# {field.description}", f"# {variable}={_default(field)}", ""]
    return "\n".join(lines)


def _fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, FieldInfo]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _fields(kind, f"{prefix}{name.upper()}__")
        else:
            yield name, f"{prefix}{name.upper()}", field


def _default(field: FieldInfo) -> str:
    if field.default is None or field.default is PydanticUndefined:
        return ""
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)


def _dotenv(path: Path) -> dict[str, str]:
    """Our names in a `.env` file; other programs may keep theirs there too."""
    from dotenv import dotenv_values

    if not path.is_file():
        return {}
    return {name: value or "" for name, value in dotenv_values(path).items() if name.startswith(PREFIX)}


def _resolved(given: Mapping[str, str], known: set[str]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        if name.startswith(OTHERS):
            continue
        if name in known:
            yield name, value
        elif name.endswith(FILE) and (plain := name.removesuffix(FILE)) in known:
            if plain in given:
                raise BadSettings(f"Both {plain} and {name} are set.", "Remove one of them.")
            yield plain, _read(name, Path(value))
        else:
            near = get_close_matches(name, known, n=1, cutoff=0.6)
            hint = f"Did you mean {near[0]}?" if near else "The file .env.example lists every setting."
            raise BadSettings(f"{name} is not a setting.", hint)


def _read(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{name} names {str(path)!r}, which cannot be read: {error}.", "Check the path.") from error


def _bad_value(error: ValidationError) -> BadSettings:
    first = error.errors(include_url=False, include_input=False)[0]
    name = PREFIX + "__".join(str(part).upper() for part in first["loc"])
    known = list(setting_names(Settings))
    if first["type"] == "extra_forbidden":
        near = get_close_matches(name, known, n=1, cutoff=0.6)
        return BadSettings(f"{name} is not a setting.", f"Did you mean {near[0]}?" if near else "")
    return BadSettings(f"{name}: {first['msg']}.", "The file .env.example describes it.")
