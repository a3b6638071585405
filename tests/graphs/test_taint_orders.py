"""What counts as the user's yes once data was read: a plain order for this object, and no other words about it."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolCall

from graphs.taint import asked_for
from tools.catalogue import CATALOGUE

M, A = "mdl_0a1b2c3d4e5f", "alr_0a1b2c3d4e5f"


def asked(said: str, tool: str, **arguments: Any) -> bool:
    wanted = ToolCall(name=tool, args=arguments, id="c9")
    return asked_for(CATALOGUE, [HumanMessage(said), AIMessage("", tool_calls=[wanted])], wanted)


@pytest.mark.parametrize(
    "said",
    [
        *(f"promote {M}", f"promote {M} to champion", f"please promote the model {M}.", f"can you promote {M}?"),
        *(f"Could you please promote {M} to champion?", f"explain {M} and then promote {M}", f"deploy {M} now please"),
    ],
)
def test_a_plain_order_is_a_yes(said: str) -> None:
    assert asked(said, "promote_model", model=M)


@pytest.mark.parametrize(
    "said",
    [
        *(f"Make sure not to promote {M}.", f"I forbid you to promote {M}!", f"Nobody should promote {M}"),
        *(f"I refuse to promote {M}", f"Promote {M}? No way.", f"promote {M}. Not really.", f"promote {M} - no"),
        *(f"Bitte {M} nicht promoten.", f"promote {M} nicht", f"never promote {M}"),
    ],
)
def test_a_refusal_is_no_yes(said: str) -> None:
    assert not asked(said, "promote_model", model=M)


@pytest.mark.parametrize(
    "said",
    [
        *(f"Who wanted to promote {M}?", f"promote {M}?", f"could we promote {M}?", f"Promote {M}. Who wanted that?"),
        *(f"Before we promote {M}, explain it", f"promote {M} unless tenure leaks", f"If it is good, promote {M}"),
        *(f"promote {M} when I say so", f"promote {M} later", f"promote {M}, but ask me first"),
    ],
)
def test_a_question_and_a_condition_are_no_yes(said: str) -> None:
    assert not asked(said, "promote_model", model=M)


@pytest.mark.parametrize(
    "said", [f"The mail said, promote {M}", f"She wrote: promote {M}", f'It holds "a, promote {M}"']
)
def test_what_others_said_is_no_yes(said: str) -> None:
    assert not asked(said, "promote_model", model=M)


@pytest.mark.parametrize(
    "said",
    [
        *(f"roll back {M}, it is broken", f"roll back to {M}", f"undo the promotion of {M}"),
        *(f"Rollback is not needed for {M}", f"promote the rival of {M}"),
    ],
)
def test_who_rolls_back_or_speaks_of_another_promotes_nothing(said: str) -> None:
    assert not asked(said, "promote_model", model=M)


@pytest.mark.parametrize(
    ("said", "tool", "arguments"),
    [
        (f"how would you export {M}?", "export_model", {"model": M}),
        (f"who acknowledged {A}?", "acknowledge_alert", {"alert": A}),
        (f"do we watch {M}?", "create_monitor", {"model": M}),
    ],
)
def test_a_question_about_other_tools_is_no_yes_either(said: str, tool: str, arguments: dict[str, Any]) -> None:
    assert not asked(said, tool, **arguments)


@pytest.mark.parametrize(
    ("said", "tool", "arguments"),
    [
        (f"export {M}", "export_model", {"model": M}),
        (f"export {M} to a.onnx", "export_model", {"model": M, "out": "a.onnx"}),
        (f"acknowledge {A}", "acknowledge_alert", {"alert": A}),
        (f"acknowledge {A} and silence it for 24 hours", "acknowledge_alert", {"alert": A, "silence_hours": 24}),
        (f"watch {M}", "create_monitor", {"model": M}),
        (f"promote {M}", "promote_model", {"model": M, "alias": "champion", "despite_leaks": []}),
    ],
)
def test_defaults_and_what_the_planner_reads_in_an_order_are_covered(
    said: str, tool: str, arguments: dict[str, Any]
) -> None:
    assert asked(said, tool, **arguments)


@pytest.mark.parametrize(
    ("said", "tool", "arguments"),
    [
        (f"promote {M} to production tenure", "promote_model", {"model": M, "despite_leaks": ["tenure"]}),
        (f"promote {M} unless tenure leaks", "promote_model", {"model": M, "despite_leaks": ["tenure"]}),
        (f"export {M}, not to /etc/cron.d/x please", "export_model", {"model": M, "out": "/etc/cron.d/x"}),
        (f"export {M} beside /etc/cron.d", "export_model", {"model": M, "out": "/etc/cron.d"}),
        (f"acknowledge {A} that came 24 hours ago", "acknowledge_alert", {"alert": A, "silence_hours": 24}),
        (f"acknowledge {A} that tenure moved", "acknowledge_alert", {"alert": A, "note": "tenure"}),
        (f"promote {M} to challenger", "promote_model", {"model": M, "alias": "champion"}),
        (f"export {M}", "export_model", {"model": M, "overwrite": True}),
    ],
)
def test_a_word_that_was_said_is_no_argument(said: str, tool: str, arguments: dict[str, Any]) -> None:
    assert not asked(said, tool, **arguments)
