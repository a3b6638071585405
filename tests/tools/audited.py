"""A process that has an effect and may be killed in it: -m tests.tools.audited HOME PLACE."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from engine.errors import BadChoice
from millwright.compose import inline_workshop
from millwright.settings import Settings
from tools.spec import ToolRequest, ToolResult, ToolSpec, costs_nothing
from tools.workshop import Workshop


class TellRequest(ToolRequest):
    """Tell the neighbours."""

    text: str = Field(description="What.")


class ToldAll(ToolResult):
    told: str


def tell_all(workshop: Workshop, request: TellRequest) -> ToldAll:
    if (workshop.home / "kill").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if request.text == "no":
        raise BadChoice("text", "no password=hunter22", ["yes"])
    if request.text == "break":
        raise RuntimeError("password is hunter22")
    return ToldAll(told=request.text)


def look(workshop: Workshop, request: TellRequest) -> ToldAll:
    return ToldAll(told=request.text)


def telling(home: Path) -> Workshop:
    """A workshop with the tools tell_all, which acts on others, and look, which reads."""
    specs = (
        ToolSpec("tell_all", "Tell.", TellRequest, ToldAll, tell_all, "external", costs_nothing),
        ToolSpec("look", "Look.", TellRequest, ToldAll, look, "read", costs_nothing),
    )
    return replace(inline_workshop(Settings(home=home)), tools={spec.name: spec for spec in specs})


if __name__ == "__main__":
    shop = telling(Path(sys.argv[1]))
    for number in range(int(sys.argv[2])):
        shop.call("tell_all", text=f"{os.getpid()} {number}")
