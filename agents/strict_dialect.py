"""What an endpoint was found not to take, remembered for as long as its chat model lives."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.strict_errors import EndpointFailed

STREAM = "stream"
LIMIT, NEW_LIMIT = "max_tokens", "max_completion_tokens"
"""The two names of the most tokens of an answer: most endpoints know the first, newer models of OpenAI the second."""
DROPPABLE = (STREAM, "stream_options", "strict", "parallel_tool_calls", "temperature", "tool_choice", LIMIT)
"""Parameters without which an answer is still an answer; the limit is sent by its other name instead."""


@dataclass
class Dialect:
    """What to leave out when speaking to one endpoint, and which way it gives structured answers.

    `schemas` says whether it may know the response format json_schema at all. Shared by the models bound from one.
    """

    schemas: bool = False
    refused: set[str] = field(default_factory=set)
    structure: str | None = None

    def spoken(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The request's body without what the endpoint refused."""
        body = {name: value for name, value in payload.items() if name not in self.refused}
        if "strict" in self.refused and "tools" in body:
            body["tools"] = [_without_strict(tool) for tool in body["tools"]]
        limit = payload.get(LIMIT, payload.get(NEW_LIMIT))
        if limit is not None:
            body.pop(NEW_LIMIT, None)
            body[NEW_LIMIT if LIMIT in self.refused else LIMIT] = limit
        return body

    def named_in(self, error: EndpointFailed) -> set[str]:
        """The parameters that a refusal names and that are still sent."""
        words = set(re.findall(r"[a-z_]+", error.names))
        return {name for name in DROPPABLE if name in words} - self.refused


def _without_strict(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool.get("function")
    if not isinstance(function, dict):
        return tool
    return {**tool, "function": {name: value for name, value in function.items() if name != "strict"}}
