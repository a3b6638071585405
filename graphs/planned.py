"""The calls that the offline planner would make for a task, as receipts from which a program is written.

What only reads, and the import of the data, is done for real, because the planner has to know the columns. What
trains or computes is not: a stand-in answers in its place, with nothing in it but ids, so that the planner goes on to
its next call. A stand-in is never shown: the program takes the real ids from the real results.
"""

import json
import types
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

from agents.offline import OfflinePlanner
from engine.errors import BadArguments, Fixable
from graphs.assistant_calls import tool_definitions
from graphs.calls import use_once
from graphs.receipts import Receipt
from tools.data import DatasetProfile
from tools.data_tools import summary
from tools.sources import known_dataset
from tools.spec import ToolResult, ToolSpec
from tools.workshop import Workshop

MOST_CALLS = 8
REAL = frozenset({"import_dataset"})
IDS = {"dataset": "ds", "model": "mdl", "run": "run"}
"""Fields that name what was made; the others of a stand-in say nothing."""
_BEFORE = "data"


def planned_calls(workshop: Workshop, tools: Mapping[str, ToolSpec], task: str, data: str | None) -> list[Receipt]:
    """The calls for `task`, in order; those whose results are only looked up are left out where others follow.

    Raises:
        BadArguments: the planner would call nothing; the hint is what it says instead.
        Fixable: the data cannot be read.
    """
    receipts: list[Receipt] = []
    messages = _before(workshop, tools, data, receipts)
    messages.append(HumanMessage(task))
    planner = OfflinePlanner().bind_tools(tool_definitions(list(tools.values())))
    imported = len(receipts)
    answer = planner.invoke(messages)
    while answer.tool_calls and len(receipts) < MOST_CALLS:
        call = answer.tool_calls[0]
        receipt = _called(workshop, tools[call["name"]], call["args"], len(receipts) + 1)
        receipts.append(receipt)
        status: Literal["success", "error"] = "success" if receipt.error is None else "error"
        content = receipt.error or json.dumps(receipt.result)
        messages += [answer, ToolMessage(content, tool_call_id=call["id"], name=call["name"], status=status)]
        answer = planner.invoke(messages)
    done = [receipt for receipt in receipts if receipt.error is None]
    if len(done) <= imported:
        raise BadArguments("I cannot write a program for this task without a language model.", str(answer.text))
    new = [receipt for place, receipt in enumerate(done) if not any(_same(receipt, other) for other in done[:place])]
    shown = [receipt for receipt in new if not receipt.tool.startswith("list_")] or new
    return [_without_leaks(workshop, receipt) for receipt in shown]


def _without_leaks(workshop: Workshop, receipt: Receipt) -> Receipt:
    """A training without the columns that the profile of its data says give the target away, and why."""
    if receipt.tool != "train_model" or _is_planned(receipt.arguments):
        return receipt
    about: dict[str, object] = {
        name: receipt.arguments[name] for name in ("dataset", "target") if name in receipt.arguments
    }
    try:
        profile = use_once(workshop, "profile_dataset", about)
    except Fixable:  # the program will say so itself
        return receipt
    assert isinstance(profile, DatasetProfile)
    drop = [*receipt.arguments.get("drop", ())]
    leaks = [name for name in dict.fromkeys(leak.column for leak in profile.leaks) if name not in drop]
    if not leaks:
        return receipt
    note = f"left out, as a leak gives the target away: {', '.join(map(repr, leaks))}"
    return receipt.model_copy(update={"arguments": {**receipt.arguments, "drop": [*drop, *leaks]}, "note": note})


def _before(
    workshop: Workshop, tools: Mapping[str, ToolSpec], data: str | None, receipts: list[Receipt]
) -> list[BaseMessage]:
    """The data as if it had just been imported; a dataset that is there already needs no call in the program."""
    if data is None:
        return []
    known = known_dataset(workshop, data)
    if known is None:
        receipt = _called(workshop, tools["import_dataset"], {"source": data}, 1)
        if receipt.error is not None:
            raise BadArguments(f"The data cannot be read: {receipt.error}")
        receipts.append(receipt)
        result = receipt.result
    else:
        result = summary(workshop.datasets.get(known)).model_dump(mode="json")
    call = {"name": "import_dataset", "args": {"source": data}, "id": _BEFORE}
    return [
        HumanMessage(f"load {data}"),
        AIMessage("", tool_calls=[call]),
        ToolMessage(json.dumps(result), tool_call_id=_BEFORE, name="import_dataset"),
        AIMessage("It is loaded."),
    ]


def _called(workshop: Workshop, spec: ToolSpec, arguments: dict[str, Any], number: int) -> Receipt:
    name = f"r{number}"
    if (spec.effect != "read" and spec.name not in REAL) or _is_planned(arguments):
        # only what runs as a job makes something new; the others tell of what they are given
        given = {} if spec.job else {field: value for field, value in arguments.items() if field in IDS}
        result = {**stand_in(spec.result, number).model_dump(mode="json"), **given}
        return Receipt(id=name, tool=spec.name, arguments=arguments, result=result)
    try:
        result = use_once(workshop, spec.name, arguments).model_dump(mode="json")
    except Fixable as error:
        return Receipt(id=name, tool=spec.name, arguments=arguments, error=str(error))
    return Receipt(id=name, tool=spec.name, arguments=arguments, result=result)


def _same(one: Receipt, other: Receipt) -> bool:
    return (one.tool, one.arguments) == (other.tool, other.arguments)


def _is_planned(arguments: Mapping[str, object]) -> bool:
    """Whether a call is about something that is only planned."""
    return any("_planned" in json.dumps(value) for value in arguments.values())


def stand_in(result: type[ToolResult], number: int) -> ToolResult:
    """A result that says nothing but the ids of what would have been made, e.g. 'mdl_planned2'."""
    return result.model_validate(_fields(result, number))


def _fields(model: type[BaseModel], number: int) -> dict[str, object]:
    return {
        name: f"{IDS[name]}_planned{number}" if name in IDS else _empty(field.annotation, number)
        for name, field in model.model_fields.items()
    }


def _empty(annotation: Any, number: int) -> object:  # noqa: ANN401  a type, or what stands for several
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return None if type(None) in arguments else _empty(arguments[0], number)
    if origin is Literal:
        return arguments[0]
    if origin is tuple:
        return () if arguments[-1:] == (Ellipsis,) else tuple(_empty(item, number) for item in arguments)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _fields(annotation, number)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next(iter(annotation))
    plain = {str: "planned", bool: False, int: 1, float: 1.0, datetime: datetime(2000, 1, 1, tzinfo=UTC)}
    return plain.get(annotation, {} if origin is dict else ())
