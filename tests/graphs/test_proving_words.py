"""The reasons that a model gives for a decision are held against the facts that it was shown."""

from agents.plan import ModelProposal
from agents.proof import NOT_HELD
from agents.scripted import ScriptedModel, call
from graphs.decisions import CHOOSE_MODELS
from graphs.events import Event
from graphs.proposals import propose
from tests.graphs.test_proposals import FACTS

LIE = call("propose_models", models=["linear"], why="linear reached 0.9999 here.")


def test_a_reason_that_no_fact_holds_is_sent_back_once(heard: list[Event]) -> None:
    mended = call("propose_models", models=["linear"], why="linear is quick.")
    with ScriptedModel(script=[LIE, mended]) as model:
        decision = propose(model, CHOOSE_MODELS, FACTS, heard.append)
    assert '"0.9999"' in str(model.seen[1][-1].content)
    assert decision == ModelProposal(models=("linear",), why="linear is quick.")


def test_a_reason_that_is_repeated_is_struck_and_the_decision_stands(heard: list[Event]) -> None:
    with ScriptedModel(script=[LIE, LIE]) as model:
        decision = propose(model, CHOOSE_MODELS, FACTS, heard.append)
    assert decision.models == ("linear",)
    assert decision.why == f"linear reached ~~0.9999~~ {NOT_HELD} here."
    assert heard == []


def test_a_reason_may_name_what_it_chooses_and_what_the_facts_hold(heard: list[Event]) -> None:
    why = "`linear` first: rows are few."
    with ScriptedModel(script=[call("propose_models", models=["linear"], why=why)]) as model:
        assert propose(model, CHOOSE_MODELS, FACTS, heard.append).why == why
