"""`millwright doctor --llm` as a user runs it."""

from pathlib import Path

from tests.agents.raw_endpoint import raw, refusal
from tests.agents.test_probe import MODELS, without
from tests.cli.running import Millwright, runner


def on(home: Path, folder: Path, url: str, **more: str) -> Millwright:
    given = {"PROVIDER": "openai", "MODEL": "m", "BASE_URL": url, **more}
    return runner(home, folder, **{f"MILLWRIGHT_LLM__{name}": value for name, value in given.items()})


def test_what_an_endpoint_can_do_is_a_table_and_a_document(home: Path, tmp_path: Path) -> None:
    with raw(without("response_format"), models=MODELS) as server:
        shown = on(home, tmp_path, server.base_url)("doctor", "--llm")
        asked = on(home, tmp_path, server.base_url, PROMPT_PRICE="1", COMPLETION_PRICE="1")("doctor", "--llm", "--json")
    assert (shown.code, asked.code) == (0, 0)
    assert "json_schema" in shown.out
    assert "requests" in shown.out
    document = asked.document
    assert document["ok"] is True
    assert document["cost"] > 0
    assert {one["name"]: one["state"] for one in document["findings"]}["json_schema"] == "missing"


def test_an_endpoint_that_does_not_answer_is_an_exit_code_and_names_the_setting(home: Path, tmp_path: Path) -> None:
    with raw(refusal(401), models=MODELS) as server:
        done = on(home, tmp_path, server.base_url, API_KEY="hunter2-hunter2")("doctor", "--llm", "--json")
    assert done.code == 1
    assert "MILLWRIGHT_LLM__API_KEY" in done.out
    assert "hunter2" not in done.out + done.err


def test_without_an_endpoint_the_planner_is_named(home: Path, tmp_path: Path) -> None:
    done = runner(home, tmp_path)("doctor", "--llm")
    assert (done.code, "offline planner" in done.out) == (0, True)


def test_an_endpoint_that_the_planner_would_ignore_is_told(home: Path, tmp_path: Path) -> None:
    done = runner(home, tmp_path, MILLWRIGHT_LLM__BASE_URL="http://127.0.0.1:9/v1")("doctor", "--llm", "--json")
    assert (done.code, done.error["code"]) == (1, "bad_settings")
    assert "MILLWRIGHT_LLM__PROVIDER" in done.error["hint"]
