"""The research team: by rule, by a model, with a model that invents, loops or talks garbage; and bad input."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.offline import OfflinePlanner
from agents.script import Entry
from agents.scripted import ScriptedModel, call, say
from engine.errors import (
    BadArguments,
    BadBudget,
    Busy,
    Fixable,
    JobFailed,
    NotFound,
    ProviderFailed,
    SourceNotFound,
)
from graphs.documents import Search, search_of
from graphs.events import Event, Handover
from graphs.lease import lease
from graphs.research_types import ResearchRequest, ResearchSummary
from graphs.researches import resume_research, start_research, unfinished
from graphs.script_check import faults_of, tools_called
from tests.graphs.researchshop import RESEARCH_TOOLS, SENTENCE, documents, research_workshop
from tests.graphs.smallshop import effects, text_of
from tools.workshop import Workshop

Saver = BaseCheckpointSaver[Any]


@pytest.fixture
def workshop(home: Path) -> Workshop:
    return research_workshop(home)


def ask(
    workshop: Workshop,
    saver: Saver,
    rows: Path,
    script: Sequence[Entry] | None = None,
    heard: list[Event] | None = None,
    search: Search | None = None,
    **request: Any,
) -> ResearchSummary:
    """A research over the small workshop; without a script by rule."""
    asked = ResearchRequest.of(**{"question": "What drives y?", "data": str(rows), "max_models": 2, **request})
    heard = heard if heard is not None else []
    model = OfflinePlanner() if script is None else ScriptedModel(script=script)
    return start_research(workshop, model, saver, asked, search=search, run_id="run_1", emit=heard.append)


def route(to: str) -> Entry:
    return call("propose_route", next=to, task=f"{to}, to work")


def look(tool: str | None, **arguments: object) -> Entry:
    return call("propose_inquiry", tool=tool, arguments=arguments, why="to know")


def draft(text: str, *receipts: str) -> Entry:
    return call("propose_draft", findings=[{"text": text, "receipts": receipts}])


CODE = call("propose_code", title="What drives y", receipts=["r1", "r2"])
PROFILE: list[Entry] = [route("researcher"), look("profile_dataset", dataset="ds_small", target="y"), look(None)]


def test_by_rule_a_question_ends_with_findings_a_program_and_a_review(
    workshop: Workshop, saver: Saver, rows: Path, heard: list[Event]
) -> None:
    found = ask(workshop, saver, rows, heard=heard)
    assert found.ended == "reviewed"
    assert (found.claims_struck, found.sent_back) == (0, 0)
    assert found.claims_checked > 10
    assert "relies most on `a` 1.25, `b` 0.5" in found.findings[0].text
    assert found.findings[0].receipts == ("r5",)
    report = Path(found.report).read_text()
    assert "| r5 | explain_model |" in report
    assert "No documents are indexed, so none were searched." in report
    assert [event.agent for event in heard if isinstance(event, Handover)] == ["researcher", "coder", "reviewer"]
    assert "was not used" not in text_of(heard)


def test_the_program_holds_what_was_done(workshop: Workshop, saver: Saver, rows: Path) -> None:
    found = ask(workshop, saver, rows)
    script = Path(found.script).read_text()
    assert tools_called(script) == [
        *("import_dataset", "profile_dataset", "list_models", "train_model", "explain_model"),
    ]
    assert "model=r4.model" in script
    assert faults_of(script, RESEARCH_TOOLS) == []
    assert json.loads(Path(found.notebook).read_text())["nbformat"] == 4


def test_a_model_that_is_there_is_found_and_not_trained_again(workshop: Workshop, saver: Saver, rows: Path) -> None:
    first = ask(workshop, saver, rows)
    before = [effect for effect in effects(workshop.home) if effect.startswith("fit")]
    asked = ResearchRequest(question="What drives y?", data=str(rows))
    second = start_research(workshop, OfflinePlanner(), saver, asked)
    assert second.model == first.model
    assert [effect for effect in effects(workshop.home) if effect.startswith("fit")] == before


def test_a_question_about_the_data_alone_trains_nothing(workshop: Workshop, saver: Saver, rows: Path) -> None:
    found = ask(workshop, saver, rows, question="Are there missing values in the data for y?")
    assert found.model is None
    assert effects(workshop.home) == []


def test_documents_are_quoted_with_their_place(workshop: Workshop, saver: Saver, rows: Path) -> None:
    found = ask(workshop, saver, rows, search=documents)
    assert found.documents
    (source,) = found.sources
    assert (source.doc, source.quote) == ("guide.md", SENTENCE)
    assert any(SENTENCE in finding.text for finding in found.findings)
    assert found.claims_struck == 0


def test_a_model_leads_the_team(workshop: Workshop, saver: Saver, rows: Path) -> None:
    script = [
        *PROFILE,
        draft("There are 40 training rows.", "r2"),
        *(route("coder"), CODE, route("reviewer"), route("end")),
    ]
    found = ask(workshop, saver, rows, script)
    assert [finding.text for finding in found.findings] == ["There are 40 training rows."]
    assert tools_called(Path(found.script).read_text()) == ["import_dataset", "profile_dataset"]
    assert found.steps == 4


def test_an_invented_number_is_sent_back_and_corrected(
    workshop: Workshop, saver: Saver, rows: Path, heard: list[Event]
) -> None:
    script = [
        *PROFILE,
        draft("There are 41 training rows.", "r2"),
        route("reviewer"),
        *(route("researcher"), look(None), draft("There are 40 training rows.", "r2")),
        *(route("reviewer"), route("end")),
    ]
    found = ask(workshop, saver, rows, script, heard)
    assert found.findings[0].text == "There are 40 training rows."
    assert (found.sent_back, found.claims_struck) == (1, 0)
    assert "Finding 1: '41' does not stand in r2. No result holds it." in text_of(heard)


def test_a_stubborn_one_is_struck_and_marked(workshop: Workshop, saver: Saver, rows: Path) -> None:
    lie = draft("There are 41 rows of `ds_big`, in ds_small.", "r2")
    again = [route("researcher"), look(None), lie, route("reviewer")]
    found = ask(workshop, saver, rows, [*PROFILE, lie, route("reviewer"), *again, route("end")], reviews=1)
    text = found.findings[0].text
    assert text == "There are ~~41~~ (not in the results) rows of ~~`ds_big`~~ (not in the results), in ds_small."
    assert (found.sent_back, found.claims_struck, found.findings[0].struck) == (1, 2, 2)
    assert "| 1 | 41 | **nowhere: struck** |" in Path(found.report).read_text()


def test_what_stands_in_another_result_than_the_cited_one_is_told_so(
    workshop: Workshop, saver: Saver, rows: Path, heard: list[Event]
) -> None:
    script = [*PROFILE, draft("30 rows were for training.", "r2"), route("reviewer")]
    again = [
        route("researcher"),
        look(None),
        draft("30 rows were for training.", "r1"),
        route("reviewer"),
        route("end"),
    ]
    found = ask(workshop, saver, rows, [*script, *again], heard)
    assert "It stands in r1, which the finding does not cite." in text_of(heard)
    assert found.claims_struck == 0


def test_a_finding_that_cites_nothing_is_struck(workshop: Workshop, saver: Saver, rows: Path) -> None:
    found = ask(workshop, saver, rows, [*PROFILE, draft("All is well."), route("reviewer"), route("end")], reviews=0)
    assert found.findings[0].text == "~~All is well.~~ (no result is named for it)"


def test_a_supervisor_that_loops_is_ended_by_the_bound(workshop: Workshop, saver: Saver, rows: Path) -> None:
    turn: list[Entry] = [route("researcher"), look(None), draft("There are 41 training rows.", "r1")]
    found = ask(workshop, saver, rows, turn * 10)
    assert (found.ended, found.steps) == ("steps", 10)
    assert "~~41~~" in found.findings[0].text
    assert tools_called(Path(found.script).read_text()) == ["import_dataset"]


def test_a_researcher_that_never_has_enough_is_ended_by_the_bound(workshop: Workshop, saver: Saver, rows: Path) -> None:
    more: list[Entry] = [look("explain_model", model=f"mdl_{number}") for number in range(12)]
    end: list[Entry] = [draft("There are 30 training rows.", "r1"), route("reviewer"), route("end")]
    found = ask(workshop, saver, rows, [route("researcher"), *more, *end])
    assert found.ended == "reviewed"
    assert Path(found.report).read_text().count("| failed: ") == 12


@pytest.mark.parametrize(
    "garbage",
    [
        say("I think the researcher"),
        call("propose_route", next="boss", task=""),
        call("propose_route", next="end", task=""),
        call("propose_route", next="coder"),
        [call("propose_route", next="researcher"), call("propose_route", next="researcher")],
    ],
)
def test_garbage_routes_fall_to_the_rule(
    workshop: Workshop, saver: Saver, rows: Path, heard: list[Event], garbage: Entry
) -> None:
    more = [look(None), draft("There are 30 training rows.", "r1"), route("reviewer"), route("end")]
    # an empty table has nothing that a program could do again until it is imported, so the coder may come first
    tries = 1 if garbage == call("propose_route", next="coder") else 3
    script = [*[garbage] * tries, *more] if tries == 3 else [garbage, call("propose_code", title="t", receipts=["r1"])]
    if tries == 1:
        script += [route("researcher"), *more]
    found = ask(workshop, saver, rows, script, heard)
    assert found.ended == "reviewed"
    assert ("was not used" in text_of(heard)) == (tries == 3)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (look("publish", model="mdl_1"), "is not offered"),
        (look("import_dataset", source="/etc/passwd"), "is not offered"),
        (look("explain_model"), "needs the argument 'model'"),
        (look("train_model", dataset="ds_small", target="y"), "the user asked for 2"),
        (look("search_documents", query="x"), "is not offered"),
    ],
)
def test_an_inquiry_that_may_not_be_made_is_not_made(
    workshop: Workshop, saver: Saver, rows: Path, wrong: Entry, told: str
) -> None:
    end: list[Entry] = [draft("There are 30 training rows.", "r1"), route("reviewer"), route("end")]
    model = ScriptedModel(script=[route("researcher"), wrong, look(None), *end])
    asked = ResearchRequest(question="What drives y?", data=str(rows), max_models=2)
    start_research(workshop, model, saver, asked)
    assert told in str(model.seen[2][-1].content)
    assert effects(workshop.home) == []


def test_a_training_may_not_take_more_than_is_left(workshop: Workshop, saver: Saver, rows: Path) -> None:
    greedy = look("train_model", dataset="ds_small", target="y", budget_seconds=50)
    script = [route("researcher"), greedy, look(None), draft("30 rows.", "r1"), route("reviewer"), route("end")]
    model = ScriptedModel(script=script)
    start_research(workshop, model, saver, ResearchRequest(question="y?", data=str(rows), budget_seconds=30))
    assert "are left for a training" in str(model.seen[2][-1].content)


def test_an_endpoint_that_is_away_leaves_the_rules(workshop: Workshop, saver: Saver, rows: Path) -> None:
    found = ask(workshop, saver, rows, [ProviderFailed("away")] * 40)
    assert found.ended == "reviewed"
    assert found.model is not None


def test_text_of_a_model_is_never_live_in_the_report(workshop: Workshop, saver: Saver, rows: Path) -> None:
    evil = draft("![x](http://evil) <script>30</script> rows", "r1")
    found = ask(workshop, saver, rows, [route("researcher"), look(None), evil, route("reviewer"), route("end")])
    report = Path(found.report).read_text()
    assert "<script>" not in report
    assert "![x]" not in report


@pytest.mark.parametrize("question", ["", "  \n", "?!"])
def test_an_empty_question_is_refused(workshop: Workshop, saver: Saver, question: str) -> None:
    with pytest.raises(BadArguments, match="no question"):
        start_research(workshop, OfflinePlanner(), saver, ResearchRequest(question=question))
    assert not workshop.runs.exists()


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"data": "ds_nothere"}, NotFound),
        ({"data": "/no/such/file.csv"}, SourceNotFound),
        ({"target": "nothere"}, Fixable),
        ({"budget_seconds": 0.5}, BadBudget),
        ({"budget_seconds": float("nan")}, BadBudget),
        ({"reviews": 9}, BadArguments),
        ({"colour": "red"}, BadArguments),
        ({"data": "postgresql://ann:s3cret@db/shop"}, BadArguments),
    ],
)
def test_what_cannot_be_worked_on_is_refused_and_leaves_nothing(
    workshop: Workshop, saver: Saver, rows: Path, request_: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask(workshop, saver, rows, **request_)
    assert not (workshop.runs / "run_1").exists()


def test_without_any_data_or_document_there_is_nothing_to_look_into(workshop: Workshop, saver: Saver) -> None:
    with pytest.raises(BadArguments, match="nothing to look into"):
        start_research(workshop, OfflinePlanner(), saver, ResearchRequest(question="What drives y?"))


def test_documents_alone_can_answer(workshop: Workshop, saver: Saver) -> None:
    found = start_research(
        workshop, OfflinePlanner(), saver, ResearchRequest(question="Who leaves least?"), search=documents
    )
    assert found.dataset is None
    assert SENTENCE in found.findings[0].text


def test_a_home_without_an_index_has_no_search(home: Path) -> None:
    assert search_of(home) is None


def test_a_research_that_is_worked_on_is_busy(workshop: Workshop, saver: Saver, rows: Path) -> None:
    with lease(workshop.runs / "run_1" / "research", "run", "run_1"), pytest.raises(Busy):
        ask(workshop, saver, rows)


def test_an_unknown_research_is_not_found(workshop: Workshop, saver: Saver) -> None:
    with pytest.raises(NotFound):
        resume_research(workshop, OfflinePlanner(), saver, "run_9")


def test_one_that_stopped_is_found_and_gone_on_with(workshop: Workshop, saver: Saver, rows: Path) -> None:
    (workshop.home / "full").touch()
    asked = ResearchRequest(question="What drives y?", data=str(rows), max_models=2)
    with pytest.raises(JobFailed, match="disk is full"):
        start_research(workshop, OfflinePlanner(), saver, asked, run_id="run_1")
    (workshop.home / "full").unlink()
    assert unfinished(workshop, saver, asked) == "run_1"
    found = resume_research(workshop, OfflinePlanner(), saver, "run_1")
    assert effects(workshop.home).count("fit linear") == 1
    assert unfinished(workshop, saver, asked) is None
    assert resume_research(workshop, OfflinePlanner(), saver, "run_1") == found
