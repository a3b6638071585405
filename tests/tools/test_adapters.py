"""The tools as LangChain's: the same call, and two kinds of failure told apart."""

import json

import pytest

from engine.errors import PackageDamaged
from tools.adapters import as_langchain_tool
from tools.workshop import Workshop


def test_a_langchain_tool_answers_with_the_result_as_json(trained: Workshop) -> None:
    tool = as_langchain_tool(trained, trained.tools["list_models"])
    assert json.loads(tool.invoke({}))["models"][0]["name"] == "cancer"
    assert tool.args_schema is trained.tools["list_models"].request


def test_a_fixable_error_is_an_answer_with_status_error(trained: Workshop) -> None:
    tool = as_langchain_tool(trained, trained.tools["profile_dataset"])
    call = {"name": tool.name, "args": {"dataset": "cancre"}, "id": "1", "type": "tool_call"}
    message = tool.invoke(call)
    assert message.status == "error"
    assert "Did you mean 'cancer'" in message.content


def test_arguments_that_do_not_fit_are_named_to_the_model(trained: Workshop) -> None:
    tool = as_langchain_tool(trained, trained.tools["explain_model"])
    call = {"name": tool.name, "args": {"model": "cancer", "topp": 3}, "id": "1", "type": "tool_call"}
    message = tool.invoke(call)
    assert message.status == "error"
    assert "explain_model has no argument 'topp'" in message.content


def test_an_error_that_no_argument_mends_stops_the_run(trained: Workshop) -> None:
    tool = as_langchain_tool(trained, trained.tools["show_model"])
    card = trained.registry.get("cancer").package / "model.json"
    whole = card.read_text()
    try:
        card.write_text("{}")
        with pytest.raises(PackageDamaged):
            tool.invoke({"model": "cancer"})
    finally:
        card.write_text(whole)
