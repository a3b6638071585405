"""A LangChain chat model drives a CrewAI agent through native tool calls."""

from pathlib import Path
from typing import Any

import pytest

from crews.process import run_in_crew_process
from engine.errors import JobFailed

Environment = dict[str, str]


def adds(home: Path, environment: Environment, *calls: dict[str, Any]) -> dict[str, Any]:
    return run_in_crew_process("child:adds", {"calls": calls}, home=home, environment=environment)


def test_the_tool_runs_and_the_model_is_shown_its_result(home: Path, environment: Environment) -> None:
    reply = adds(home, environment, {"a": 2, "b": 3}, {"a": "two", "b": 3})
    assert reply["text"] == "That is all."
    assert [(each["arguments"], each["result"]) for each in reply["calls"][:1]] == [({"a": 2, "b": 3}, "5")]
    assert "5" in reply["shown"]
    assert all(path.startswith(str(home)) for path in reply["files"])


def test_an_error_that_no_argument_mends_stops_the_crew_with_its_code(home: Path, environment: Environment) -> None:
    with pytest.raises(JobFailed, match=r"The adder is broken\. Mend it\.") as caught:
        adds(home, environment, {"a": -1, "b": 3})
    assert caught.value.code == "nothing_trained"
