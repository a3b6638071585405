"""A run and a conversation from Python: what comes back, what is raised, and who says yes."""

from pathlib import Path

import pytest

import millwright
from agents.loopback import serve
from agents.provider import LlmSettings
from agents.scripted import call, say
from engine.errors import BadArguments, BadBudget, NotFound, ProviderFailed, SourceNotFound
from graphs.events import ApprovalWanted
from graphs.run_types import RunSummary
from millwright.compose import open_workshop
from millwright.settings import Settings
from tests.cli.running import table_text


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("talk") / "home")


@pytest.fixture(scope="module")
def summary(settings: Settings) -> RunSummary:
    """Of a run on a small table, in a home that all tests here share."""
    table = settings.home.parent / "clients.csv"
    table.write_text(table_text())
    return millwright.run("predict left", str(table), models=("linear",), max_models=1, settings=settings)


def scripted(settings: Settings, url: str) -> Settings:
    llm = LlmSettings(provider="openai", model="m", base_url=url, max_retries=0)
    return settings.model_copy(update={"llm": llm})


def test_a_run_answers_with_its_summary_and_a_model_that_is_there(settings: Settings, summary: RunSummary) -> None:
    assert summary.target == "left"
    assert Path(summary.package).is_dir()
    with open_workshop(settings) as workshop:
        assert workshop.registry.get(summary.model_id).run_id == summary.run_id


@pytest.mark.parametrize(
    ("choices", "error"),
    [
        ({"max_models": 500}, BadArguments),
        ({"tagret": "left"}, BadArguments),
        ({"budget_seconds": float("inf")}, BadBudget),
        ({}, SourceNotFound),
    ],
    ids=str,
)
def test_a_run_that_cannot_be_leaves_no_run(home: Path, choices: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        millwright.run("predict left", "nowhere.csv", settings=Settings(home=home), **choices)
    assert not list(home.glob("runs/*"))


def test_a_conversation_goes_on_in_its_session(settings: Settings, summary: RunSummary) -> None:
    first = millwright.chat("list my models", settings=settings)
    assert summary.model_id in str(first)
    second = millwright.chat("help", session=first.session, settings=settings)
    assert second.session == first.session
    with pytest.raises(NotFound):
        millwright.chat("help", session="ses_none", settings=settings)


def test_a_call_that_changes_something_waits_or_is_answered_by_the_caller(
    settings: Settings, summary: RunSummary
) -> None:
    asked: list[ApprovalWanted] = []

    def answer(yes: bool) -> list[str]:
        def decide(wanted: ApprovalWanted) -> bool:
            asked.append(wanted)
            return yes

        answered = millwright.chat(f"promote {summary.model_id} to challenger", approve=decide, settings=settings)
        assert answered.turn.approval is None
        with open_workshop(settings) as workshop:
            return list(workshop.registry.get(summary.model_id).aliases)

    waiting = millwright.chat(f"promote {summary.model_id} to challenger", settings=settings)
    assert waiting.turn.approval is not None
    assert answer(False) == []
    assert answer(True) == ["challenger"]
    assert [wanted.tool for wanted in asked] == ["promote_model", "promote_model"]


def test_a_turn_that_failed_raises_what_ended_it_and_the_conversation_goes_on(settings: Settings) -> None:
    with serve([say("Hello.")], mode="http_500", times=1) as endpoint:
        chosen = scripted(settings, endpoint.base_url)
        session = millwright.chat("help", settings=settings).session
        with pytest.raises(ProviderFailed):
            millwright.chat("Hello", session=session, settings=chosen)
        assert str(millwright.chat("Hello", session=session, settings=chosen)) == "Hello."


def test_what_a_language_model_calls_is_run(settings: Settings, summary: RunSummary) -> None:
    with serve([call("list_models"), say("There is one.")]) as endpoint:
        assert millwright.chat("Which?", settings=scripted(settings, endpoint.base_url)).text == "There is one."
        assert summary.model_id in str(endpoint.requests[-1]["messages"])
