"""A research keeps what gives the target away out of trainings and drivers, its report dead, and tells its overruns."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.script import Entry
from agents.scripted import ScriptedModel
from engine.data.profiled import Leak
from graphs.research_types import ResearchRequest
from graphs.research_words import notes_of
from graphs.researches import start_research
from tests.graphs.researchshop import research_workshop
from tests.graphs.smallshop import TOOLS, effects
from tests.graphs.test_research import ask, draft, look, route
from tools.workshop import Workshop

Saver = BaseCheckpointSaver[Any]


@pytest.fixture
def workshop(home: Path) -> Workshop:
    return research_workshop(home)


EVIL = "[click](http://evil.example/?q=1)"


def test_names_of_data_and_the_question_are_never_live_in_the_report(
    workshop: Workshop, saver: Saver, rows: Path
) -> None:
    evil = draft(f"30 rows of `{EVIL}`, {EVIL} and `a|b<c`", "r1")
    script = [route("researcher"), look(None), evil, route("reviewer"), route("end")]
    found = ask(workshop, saver, rows, script, question=f"Is {EVIL} | <b>y</b>?", target="y", reviews=0)
    report = Path(found.report).read_text()
    assert report.startswith("# Is \\[click\\](http:\\//evil.example/ | &lt;b>y&lt;/b>?")
    assert f"| 1 | `{EVIL}` | **nowhere" in report
    assert "| 1 | `a\\|b<c` | **nowhere" in report
    assert [line for line in report.splitlines() if EVIL in line.replace(f"`{EVIL}`", "")] == []


def leaky(workshop: Workshop) -> Workshop:
    """The workshop, in whose profile the column `a` gives the target away."""
    leak = Leak(column="a", by="values", strength=0.99, sentence="Column 'a' predicts the target almost alone (0.99).")

    def profile(at: Workshop, request: Any) -> Any:
        found = TOOLS["profile_dataset"].function(at, request)
        columns = tuple(column.model_copy(update={"relation": 0.5}) for column in found.columns)
        return found.model_copy(update={"leaks": (leak,), "warnings": (leak.sentence,), "columns": columns})

    spec = replace(workshop.tools["profile_dataset"], function=profile)
    return replace(workshop, tools={**workshop.tools, "profile_dataset": spec})


def test_a_column_that_gives_the_target_away_is_left_out_and_told(workshop: Workshop, saver: Saver, rows: Path) -> None:
    found = ask(leaky(workshop), saver, rows)
    assert "drop=['a']" in Path(found.script).read_text()
    texts = [finding.text for finding in found.findings]
    assert any(text.startswith("`a` is left out of what is trained here") and "almost alone" in text for text in texts)
    assert any("was trained with `a`, which give the target away" in text for text in texts)
    assert not any(
        "relies most on `a`" in text or ("Most strongly related" in text and "`a`" in text) for text in texts
    )
    assert found.claims_struck == 0


@pytest.mark.parametrize(
    ("before", "arguments", "told"),
    [
        ([], {"drop": ["a"]}, "profile_dataset comes first"),
        ([look("profile_dataset", dataset="ds_small", target="y")], {}, "'a' would give the target away"),
    ],
)
def test_a_model_cannot_have_a_leak_trained(
    workshop: Workshop, saver: Saver, rows: Path, before: list[Entry], arguments: dict[str, Any], told: str
) -> None:
    greedy = look("train_model", dataset="ds_small", target="y", budget_seconds=None, max_models=2, **arguments)
    end: list[Entry] = [draft("There are 30 training rows.", "r1"), route("reviewer"), route("end")]
    model = ScriptedModel(script=[route("researcher"), *before, greedy, look(None), *end])
    asked = ResearchRequest(question="What drives y?", data=str(rows), max_models=2)
    start_research(leaky(workshop), model, saver, asked)
    assert told in str(model.seen[2 + len(before)][-1].content)
    assert effects(workshop.home) == []


def test_without_time_for_a_training_there_is_none_and_the_report_says_so(
    workshop: Workshop, saver: Saver, rows: Path
) -> None:
    found = ask(workshop, saver, rows, max_models=None, budget_seconds=9)
    assert effects(workshop.home) == []
    assert found.notes == ("No model was there, and none was trained.",)
    assert found.notes[0] in Path(found.report).read_text()


def test_a_budget_that_was_overrun_is_told() -> None:
    asked = ResearchRequest(question="What drives y?", budget_seconds=6)
    (note,) = notes_of(asked, [], "mdl_1", "y", 20.4)
    assert note.startswith("It took 20.4 s, 14.4 s more than its budget of 6 s")
    assert notes_of(asked, [], "mdl_1", "y", 5.9) == ()
