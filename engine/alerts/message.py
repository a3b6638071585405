"""One alert: what is told when something drifts, before it takes the form of any channel."""

import re
import secrets
from math import isfinite
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from engine.drift.levels import Level
from engine.drift.policy import ActionName

Event = Literal["trigger", "acknowledge", "resolve"]
"""What happened to the trouble: it is there, someone has taken it on, it is over."""
LONGEST_NAME = 250
"""PagerDuty takes keys of up to 255 characters."""
ALERT_ID = re.compile(r"alr_[0-9a-f]{12}")
_LINK = re.compile(r"https?://[^\s<>\"'|\\]+")


def new_alert_id() -> str:
    """'alr_' and twelve hexadecimal digits."""
    return f"alr_{secrets.token_hex(6)}"


def one_line(text: str) -> str:
    """`text` without line breaks, control characters and direction marks: it cannot pass for a second line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _a_trouble(level: Level) -> Level:
    if level == Level.GREEN:
        raise ValueError("GREEN is no trouble: resolve its key instead")
    return level


def _web_address(url: str) -> str:
    if not _LINK.fullmatch(url):
        raise ValueError("a link is an http(s) address without blanks and quotes")
    return url


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


Line = Annotated[str, AfterValidator(one_line)]
Name = Annotated[Line, Field(min_length=1, max_length=LONGEST_NAME)]


class Alert(BaseModel):
    """What is wrong with a monitored model, and what is to be done about it.

    Texts may hold column names and categories from data: they are made one line here, and escaped for each channel.

    key       what it is about: equal keys are the same trouble, e.g. 'drift:mon_1'
    action    '' where nothing is to be done; `due` is until when
    links     by label, e.g. of the page where it is acknowledged
    figures   by name; not a number and infinite are None
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(default_factory=new_alert_id, pattern=f"^{ALERT_ID.pattern}$")
    monitor: Name
    model: Name
    key: Name
    level: Annotated[Level, AfterValidator(_a_trouble)]
    title: Line
    sentences: tuple[Line, ...] = ()
    action: ActionName | Literal[""] = ""
    due: AwareDatetime | None = None
    created: AwareDatetime
    links: dict[Line, Annotated[str, AfterValidator(_web_address)]] = {}
    figures: dict[Line, Annotated[float | None, AfterValidator(_finite)]] = {}
