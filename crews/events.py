"""What a crew says while it works, as JSON lines in the shape of the events that graphs emit: whoever started the crew
reads them as such. A crew cannot use their types, since the two floors do not know each other."""

from collections.abc import Callable, Mapping

Json = dict[str, object]
Tell = Callable[[Json], None]


def unheard(_: Json) -> None:
    """The listener that does not listen."""


def handover(agent: str, task: str) -> Json:
    return {"kind": "handover", "agent": agent, "task": task}


def said(text: str) -> Json:
    return {"kind": "text", "text": text}


def tool_started(call: str, tool: str, arguments: Mapping[str, object], job: str | None) -> Json:
    return {"kind": "tool_started", "call": call, "tool": tool, "arguments": dict(arguments), "job": job}


def tool_progress(call: str, tool: str, progress: Json) -> Json:
    return {"kind": "tool_progress", "call": call, "tool": tool, "progress": progress}


def tool_finished(call: str, tool: str, seconds: float, result: Json | None = None, error: str | None = None) -> Json:
    return {"kind": "tool_finished", "call": call, "tool": tool, "seconds": seconds, "result": result, "error": error}


def artifact(name: str, path: str) -> Json:
    return {"kind": "artifact", "name": name, "path": path}
