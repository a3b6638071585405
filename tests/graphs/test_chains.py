"""The chains: a question, a program, a plan, each by rule and by a scripted model; and bad input."""

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.offline import OfflinePlanner
from agents.scripted import ScriptedModel, call, say
from engine.errors import BadArguments, ColumnNotFound, NotFound, SourceNotFound
from engine.progress import Progress, StageStarted
from graphs.chain_types import PipelineAsk
from graphs.chains import answer_chain, code_chain
from graphs.documents import search_of
from graphs.pipeline_chain import pipeline_chain
from graphs.planned import stand_in
from graphs.receipts import script_of
from graphs.research_tool import research_tools
from graphs.script_check import faults_of, tools_called
from graphs.studio import studio_workshop
from rag.index import build_index
from rag.load import load_documents
from rag.tool import index_folder
from tests.graphs.researchshop import SENTENCE, documents, research_workshop
from tools.catalogue import CATALOGUE, invoke
from tools.workshop import Workshop

GOOD = """import millwright
with millwright.open_workshop() as workshop:
    print(workshop.call("list_models"))
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The real tools over a home with one small dataset."""
    folder = tmp_path_factory.mktemp("chains")
    rows = folder / "shop.csv"
    rows.write_text("age,left\n" + "\n".join(f"{age},{'yes' if age % 3 else 'no'}" for age in range(20, 80)) + "\n")
    workshop = studio_workshop(folder / "home")
    workshop.call("import_dataset", source=str(rows), target="left")
    return workshop


def write(workshop: Workshop, model: Any, task: str, data: str | None = None) -> Any:
    return code_chain(workshop, model).invoke({"task": task, "data": data})


# question -> answer


def test_documents_answer_with_their_own_words(real: Workshop) -> None:
    found = answer_chain(real, OfflinePlanner(), documents).invoke("Who leaves least?")
    assert (found.found, found.basis) == (True, "documents")
    assert SENTENCE in found.text
    assert found.sources[0].doc == "guide.md"


def test_the_index_of_a_home_is_searched(real: Workshop, tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text(f"# Guide\n\n{SENTENCE}\n")
    build_index(index_folder(tmp_path), load_documents(tmp_path / "guide.md").documents)
    search = search_of(tmp_path)
    found = answer_chain(real, OfflinePlanner(), search).invoke("Which customers on a contract leave least?")
    assert found.basis == "documents"
    assert "24 months" in found.text


def test_a_model_may_say_only_what_the_passages_say(real: Workshop) -> None:
    lie = call("propose_answer", text="Customers on 36 months leave least (guide.md).")
    truth = call("propose_answer", text="Those on 24 months leave least (guide.md).")
    with ScriptedModel(script=[lie, truth]) as model:
        found = answer_chain(real, model, documents).invoke("Who leaves least?")
    assert found.text == "Those on 24 months leave least (guide.md)."
    assert "'36' does not stand in the passages" in str(model.seen[1][-1].content)


@pytest.mark.parametrize(
    "lie",
    ["Those on 4 months leave.", "Those on 2 months.", "24 % leave.", "`contra` leaves.", "“act of 24 mon” it says"],
)
def test_a_part_of_a_figure_or_name_is_not_what_the_passage_says(real: Workshop, lie: str) -> None:
    script = [call("propose_answer", text=lie), call("propose_answer", text="24 months, `contract`.")]
    with ScriptedModel(script=script) as model:
        assert answer_chain(real, model, documents).invoke("Who leaves least?").text == "24 months, `contract`."


def test_without_any_result_no_figure_is_left(real: Workshop) -> None:
    told = "The model `mdl_1` has an AUC of 0.99 on 12,345 rows."
    found = answer_chain(real, ScriptedModel(script=[say(told), say(told)])).invoke("how good is it?")
    assert (found.found, found.basis, found.struck) == (False, "nothing", 3)
    assert found.text == (
        "The model ~~`mdl_1`~~ (not in the results) has an AUC of ~~0.99~~ (not in the results) "
        "on ~~12,345~~ (not in the results) rows."
    )


def test_without_documents_the_reading_tools_answer(real: Workshop) -> None:
    found = answer_chain(real, OfflinePlanner()).invoke("which datasets are there?")
    assert (found.found, found.basis, found.struck) == (True, "results", 0)
    assert "shop" in found.text
    assert found.tools == ("list_datasets",)


def test_what_a_model_adds_to_the_results_is_struck(real: Workshop) -> None:
    lie = say("There are 60 rows and 99 models.")
    with ScriptedModel(script=[call("list_datasets"), lie, lie]) as model:
        found = answer_chain(real, model).invoke("what is there?")
    assert '- "99": ' in str(model.seen[2][-1].content)
    assert found.text == "There are 60 rows and ~~99~~ (not in the results) models."
    assert found.struck == 1


def test_a_tool_that_writes_cannot_be_called_for_an_answer(real: Workshop) -> None:
    from agents.scripted import ScriptError

    with pytest.raises(ScriptError, match="promote_model"):
        answer_chain(real, ScriptedModel(script=[call("promote_model", model="m")])).invoke("promote it")


def test_what_nobody_knows_is_refused_in_words(real: Workshop) -> None:
    found = answer_chain(real, OfflinePlanner()).invoke("what is the meaning of life?")
    assert (found.found, found.basis) == (False, "nothing")
    assert "language model" in found.text


@pytest.mark.parametrize("question", ["", "   ", "?"])
def test_an_empty_question_is_refused(real: Workshop, question: str) -> None:
    with pytest.raises(BadArguments, match="no question"):
        answer_chain(real, OfflinePlanner()).invoke(question)


# task -> code -> explanation


def test_by_rule_a_program_makes_the_calls_of_the_planner(real: Workshop) -> None:
    found = write(real, OfflinePlanner(), "train a model to predict left and explain it", "shop")
    assert found.tools == ("train_model", "explain_model")
    assert "model=r" in found.code
    assert "_planned" not in found.code
    assert faults_of(found.code, CATALOGUE) == []
    assert "`train_model`" in found.explanation
    assert not (real.home / "runs").exists()


def test_the_program_of_a_model_is_read_before_it_is_given(real: Workshop) -> None:
    bad = call("propose_program", code="import os\nos.system('rm -r /')", explanation="cleans up")
    good = call("propose_program", code=GOOD, explanation="Lists the models.")
    with ScriptedModel(script=[bad, good]) as model:
        found = write(real, model, "list the models")
    assert (found.code, found.explanation, found.tools) == (GOOD, "Lists the models.", ("list_models",))


def test_a_model_that_only_writes_bad_programs_gives_way_to_the_rule(real: Workshop) -> None:
    bad = call("propose_program", code="workshop.call('sing')", explanation="sings")
    with ScriptedModel(script=[bad] * 3) as model:
        found = write(real, model, "compare the models")
    assert found.tools == ("compare_models",)


def test_a_program_that_trains_leaves_out_what_gives_the_target_away(tmp_path: Path) -> None:
    lines = [f"{age},{'yes' if age % 3 else 'no'},{'y' if age % 3 else 'n'}" for age in range(20, 140)]
    (tmp_path / "leaky.csv").write_text("\n".join(["age,left,told", *lines]) + "\n")
    workshop = studio_workshop(tmp_path / "home")
    found = write(workshop, OfflinePlanner(), "train a model to predict left", str(tmp_path / "leaky.csv"))
    assert "drop=['told']" in found.code
    assert "# left out, as a leak gives the target away: 'told'" in found.code
    assert "gives the target away: 'told'" in found.explanation


@pytest.mark.parametrize("task", ["", "  ", "..."])
def test_an_empty_task_is_refused(real: Workshop, task: str) -> None:
    with pytest.raises(BadArguments, match="no task"):
        write(real, OfflinePlanner(), task)


def test_what_no_rule_can_write_is_refused(real: Workshop) -> None:
    with pytest.raises(BadArguments, match="without a language model"):
        write(real, OfflinePlanner(), "sing me a song")


@pytest.mark.parametrize("data", ["ds_nothere", "/no/such.csv"])
def test_data_that_is_not_there_is_refused(real: Workshop, data: str) -> None:
    with pytest.raises((NotFound, SourceNotFound, BadArguments)):
        write(real, OfflinePlanner(), "train a model", data)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_tool_has_a_stand_in_from_which_no_figure_is_taken(name: str) -> None:
    result = stand_in(CATALOGUE[name].result, 7)
    assert type(result) is CATALOGUE[name].result


# dataset and task -> plan


def test_a_plan_has_the_times_of_a_pilot(real: Workshop) -> None:
    found = pipeline_chain(real, OfflinePlanner()).invoke(PipelineAsk(data="shop", task="binary"))
    assert (found.task, found.target, found.rows) == ("binary", "left", 48)
    assert len(found.candidates) > 2
    measured = [row.seconds for row in found.candidates if row.seconds is not None]
    assert measured
    # a pilot takes an eighth of the budget: on a busy machine it does not come to every candidate, and says so
    whole = len(measured) == len(found.candidates)
    assert found.steps[1].seconds == (pytest.approx(sum(measured), abs=0.01) if whole else None)
    assert not (real.home / "models").exists()


def test_a_model_chooses_the_candidates_of_a_plan(real: Workshop) -> None:
    choice = call("propose_models", models=["linear"], metric=None, why="The data is small.")
    with ScriptedModel(script=[choice]) as model:
        found = pipeline_chain(real, model).invoke(PipelineAsk(data="shop"))
    assert [row.model for row in found.candidates] == ["dummy", "linear"]
    assert found.why == "The data is small."


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"data": "ds_nothere"}, NotFound),
        ({"data": "/no/such.csv"}, SourceNotFound),
        ({"data": "shop", "target": "nothere"}, ColumnNotFound),
    ],
)
def test_a_plan_of_nothing_is_refused(real: Workshop, asked: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        pipeline_chain(real, OfflinePlanner()).invoke(PipelineAsk.model_validate(asked))


# as tools


def test_the_team_is_a_tool_that_tells_its_progress(home: Path, saver: BaseCheckpointSaver[Any], rows: Path) -> None:
    small = research_workshop(home)
    tools = research_tools(OfflinePlanner(), saver)
    workshop = Workshop(**{**vars(small), "tools": {**small.tools, **tools}})
    told: list[Progress] = []
    arguments = {"question": "What drives y?", "data": str(rows), "max_models": 2}
    found = invoke(workshop, "research", arguments, watch=told.append).model_dump()
    assert found["claims_struck"] == 0
    stages = [one.stage for one in told if isinstance(one, StageStarted)]
    assert [stage for stage in stages if stage not in workshop.tools] == ["researcher", "coder", "reviewer"]
    assert stages.index("researcher") < stages.index("train_model") < stages.index("coder")
    assert {spec.effect for spec in tools.values()} == {"compute"}


def test_code_is_written_by_a_tool(real: Workshop, saver: BaseCheckpointSaver[Any]) -> None:
    tools = research_tools(OfflinePlanner(), saver)
    workshop = Workshop(**{**vars(real), "tools": {**real.tools, **tools}})
    found = workshop.call("write_code", task="profile the data", data="shop").model_dump()
    assert tools_called(found["code"]) == ["profile_dataset"]
    assert script_of([]) != found["code"]
