"""Small scenarios of the tests' own, and models behind a real endpoint that play them."""

from pathlib import Path

from agents.provider import LlmSettings
from millwright.evaluation import Evaluation, EvaluationRequest, start_evaluation
from millwright.settings import Settings

CLIENTS = """
files:
  clients.csv:
    rows: 40
    columns:
      months: {walk: [7, 0, 30]}
      plan: {cycle: [basic, pro]}
      left: {below: [months, 12, "yes", "no"]}
before:
  - {tool: import_dataset, arguments: {source: "{files}/clients.csv"}, name: data}
"""
ROWS = f"""
kind: tools
about: How many rows there are is looked up and said.
{CLIENTS}
steps:
  - say: How many rows do the clients have?
    expect:
      called: [list_datasets]
      says: [{{of: data, field: rows}}]
      grounded: true
"""
PROFILE = f"""
kind: wrong columns
about: The data is described with a target that is there.
{CLIENTS}
steps:
  - say: Describe the clients, who left?
    expect: {{called: [{{tool: profile_dataset, arguments: {{target: left}}}}]}}
"""
FLIGHT = """
kind: out of scope
about: What no tool can do is declined.
steps:
  - say: Book me a flight to Lisbon.
    expect: {declines: true, at_most: {list_datasets: 0}}
"""


def write(folder: Path, **scenarios: str) -> str:
    """Write scenarios as files; the pattern that finds them."""
    folder.mkdir(exist_ok=True)
    for name, text in scenarios.items():
        (folder / f"{name}.yaml").write_text(text)
    return f"{folder}/*.yaml"


def at(home: Path, url: str, **more: object) -> Settings:
    """Settings whose language model is at `url`, and that lose no time over what fails."""
    llm = {"provider": "openai", "model": "m", "base_url": url, "max_retries": 0, "backoff_s": 0.0, "timeout_s": 5.0}
    return Settings(home=home, llm=LlmSettings.model_validate({**llm, **more}))


def judged(settings: Settings, pattern: str, model: str = "m", **more: object) -> Evaluation:
    """The evaluation of one model, or of two."""
    request = EvaluationRequest.model_validate({"model": model, "scenarios": pattern, **more})
    return start_evaluation(settings, request)
