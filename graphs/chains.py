"""Three simple chains as LangChain expressions: an answer to a question, a program for a task, a plan for a dataset.

Each works with any chat model. What a model writes is checked like everything else: an answer against the results it
rests on, a program by reading it.
"""

import json
from collections.abc import Mapping
from functools import partial
from operator import itemgetter
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import Runnable, RunnableBranch, RunnableLambda, RunnableParallel, RunnablePassthrough

from agents.budget_work import on_the_clock
from agents.claims import figures_in, names_in, one_spaced, stands_in
from agents.grounding import check
from agents.marked import error_for_a_model, marked, own_words
from agents.memory_prose import writes_prose
from agents.proof import Ground, strike
from agents.research import SEARCH, Finding
from engine.errors import BadArguments, Fixable
from graphs.assistant_calls import tool_definitions
from graphs.calls import use_once
from graphs.chain_types import AnswerProposal, ChainAnswer, CodeAnswer, ProgramProposal
from graphs.documents import Search
from graphs.events import Emit, unheard
from graphs.planned import planned_calls
from graphs.proposals import Facts, Question, prompt, propose
from graphs.proving import sent_back
from graphs.receipts import Receipt, one_line, script_of
from graphs.research_review import review_of
from graphs.research_types import Source
from graphs.script_check import FORM, faults_of, tools_called
from tools.catalogue import CATALOGUE
from tools.spec import ToolSpec
from tools.workshop import Workshop

__all__ = ["ChainAnswer", "CodeAnswer", "answer_chain", "code_chain"]

Json = dict[str, Any]
MOST_CALLS = 6
"""Calls of reading tools for one answer."""
NOT_CALLED = f"Not called: for one answer at most {MOST_CALLS} tools are called. Answer with the results there are."


def answer_chain(
    workshop: Workshop, model: BaseChatModel, search: Search | None = None, emit: Emit = unheard
) -> Runnable[str, ChainAnswer]:
    """Question -> answer: from the documents where they answer it, else from what the reading tools know.

    Raises (when invoked): BadArguments, there is no question.
    """
    answer: Runnable[str, ChainAnswer] = (
        RunnableLambda(_question)
        | RunnableParallel(question=RunnablePassthrough(), found=RunnableLambda(partial(_searched, search)))
        | RunnableBranch(
            (_is_in_documents, RunnableLambda(partial(_from_documents, model, emit))),
            itemgetter("question") | RunnableLambda(partial(_from_results, workshop, model, emit)),
        )
    )
    return answer


def code_chain(workshop: Workshop, model: BaseChatModel, emit: Emit = unheard) -> Runnable[Json, CodeAnswer]:
    """{"task", "data"} -> a program for the task, read and found to call only tools with arguments that fit, and its
    explanation. Where no model writes one, it is built from the calls that the planner would make.

    Raises (when invoked): BadArguments, there is no task, or no program can be written for it.
    """
    tools = {name: spec for name, spec in workshop.tools.items() if name in CATALOGUE}
    return (
        RunnableLambda(_task)
        | RunnablePassthrough.assign(program=RunnableLambda(partial(_program, workshop, model, tools, emit)))
        | RunnableLambda(_code_answer)
    )


# question -> answer


def _question(question: str) -> str:
    if not any(letter.isalnum() for letter in question):
        raise BadArguments("There is no question.", "Say in words what you want to know.")
    return question.strip()[:2_000]


def _searched(search: Search | None, question: str) -> Json | None:
    return search(question).model_dump(mode="json") if search is not None else None


def _is_in_documents(known: Json) -> bool:
    return known["found"] is not None and bool(known["found"]["answer"]["found"])


def _from_documents(model: BaseChatModel, emit: Emit, known: Json) -> ChainAnswer:
    found = known["found"]
    facts: Json = {
        "question": known["question"],
        "passages": [{"doc": hit["doc"], "text": hit["text"]} for hit in found["hits"]],
        "quotes": found["answer"]["citations"],
    }
    with on_the_clock():
        text = propose(model, ANSWER, facts, emit).text
    sources = tuple(Source(**{name: quote[name] for name in Source.model_fields}) for quote in facts["quotes"])
    return ChainAnswer(
        question=known["question"],
        text=text or "The documents do not answer this.",
        found=bool(text),
        basis="documents" if text else "nothing",
        sources=sources if text else (),
        tools=(SEARCH,),
    )


def _check_answer(proposal: AnswerProposal, facts: Facts) -> str | None:
    """An answer states only figures and names that stand in the passages: the very number, the whole name."""
    passages = facts["passages"]
    assert isinstance(passages, list)
    said = "\n".join(str(passage["text"]) for passage in passages)
    held = one_spaced(" ".join([said, *(str(passage["doc"]) for passage in passages)]))
    known = {(figure.value, figure.percent) for figure in figures_in(said)}
    wrong = [figure.shown for figure in figures_in(proposal.text) if (figure.value, figure.percent) not in known]
    wrong += [name.value for name in names_in(proposal.text) if not stands_in(one_spaced(name.value), held)]
    return f"text: {wrong[0]!r} does not stand in the passages." if wrong else None


def _quoted(facts: Facts) -> AnswerProposal:
    quotes = facts["quotes"]
    assert isinstance(quotes, list)
    return AnswerProposal(
        text="\n".join(f"“{one_spaced(quote['quote'])}” ({quote['doc']})" for quote in quotes)[:4_000]
    )


def _from_results(workshop: Workshop, model: BaseChatModel, emit: Emit, question: str) -> ChainAnswer:
    """The answer of a model that may call what only reads. What no result holds is sent back once, then struck."""
    with on_the_clock():
        return _looked_up(workshop, model, emit, question)


def _looked_up(workshop: Workshop, model: BaseChatModel, emit: Emit, question: str) -> ChainAnswer:
    tools = [spec for spec in workshop.tools.values() if spec.effect == "read"]
    shown = ChatPromptTemplate.from_messages([("system", "{rules}"), MessagesPlaceholder("messages")])
    thinking = shown | model.bind_tools(tool_definitions(tools))
    messages: list[BaseMessage] = [HumanMessage(question)]
    receipts: list[Receipt] = []
    rules, asked_again = prompt("chain_answer"), not writes_prose(model)
    while True:
        answer = thinking.invoke({"rules": rules, "messages": marked(messages)})
        text = str(answer.text).strip()
        if not answer.tool_calls or len(receipts) >= MOST_CALLS:
            results = [receipt.as_result() for receipt in receipts if receipt.result is not None]
            wrong = [claim for claim in Ground(results).check(text) if not claim.grounded]
            if asked_again or not wrong:
                return _checked(question, text, receipts)
            asked_again = True
            messages += [AIMessage(text), HumanMessage(sent_back(wrong, results))]
            continue
        messages.append(AIMessage(answer.content, tool_calls=answer.tool_calls))
        for call in answer.tool_calls:
            if len(receipts) >= MOST_CALLS:
                messages.append(own_words(NOT_CALLED, call["id"]))
                continue
            receipt = _read(workshop, f"r{len(receipts) + 1}", call["name"], call["args"], emit)
            receipts.append(receipt)
            content = receipt.error or json.dumps(receipt.result)
            messages.append(ToolMessage(content, tool_call_id=call["id"], name=call["name"]))


def _read(workshop: Workshop, name: str, tool: str, arguments: Json, emit: Emit) -> Receipt:
    spec = workshop.tools.get(tool)
    if spec is None or spec.effect != "read":
        return Receipt(id=name, tool=tool, arguments=arguments, error="Only tools that read can be called here.")
    try:
        result = use_once(workshop, tool, arguments, emit).model_dump(mode="json")
        return Receipt(id=name, tool=tool, arguments=arguments, result=result)
    except Fixable as error:
        told = error_for_a_model(str(error), workshop.home, arguments)
        return Receipt(id=name, tool=tool, arguments=arguments, error=told)


def _checked(question: str, text: str, receipts: list[Receipt]) -> ChainAnswer:
    """What stands in no result is struck. Words without a result behind them are no answer to anything."""
    done = tuple(receipt.id for receipt in receipts if receipt.result is not None)
    if not done or not text:
        wrong = check(text, [])
        told = strike(text, wrong)[0] or "Nothing that is known here answers this."
        return ChainAnswer(question=question, text=told, found=False, basis="nothing", struck=len(wrong))
    finding = review_of([Finding(text=text[:1_500], receipts=done)], receipts).findings[0]
    called = tuple(receipt.tool for receipt in receipts)
    return ChainAnswer(
        question=question, text=finding.text, found=True, basis="results", tools=called, struck=finding.struck
    )


ANSWER = Question("propose_answer", AnswerProposal, _check_answer, _quoted)

# task -> code -> explanation


def _task(asked: Json) -> Json:
    task = str(asked.get("task") or "")
    if not any(letter.isalnum() for letter in task):
        raise BadArguments("There is no task.", "Say in words what the program is to do.")
    return {"task": task.strip(), "data": asked.get("data")}


def _program(
    workshop: Workshop, model: BaseChatModel, tools: Mapping[str, ToolSpec], emit: Emit, asked: Json
) -> ProgramProposal:
    def planned(_: Facts) -> ProgramProposal:
        receipts = planned_calls(workshop, tools, asked["task"], asked["data"])
        # the ids are those of stand-ins, so a check of what is written is all that is left to do
        return ProgramProposal(code=script_of(receipts, asked["task"], tools), explanation=_in_words(receipts, tools))

    def faults(proposal: ProgramProposal, _: Facts) -> str | None:
        found = faults_of(proposal.code, tools) or ([] if tools_called(proposal.code) else ["It calls no tool."])
        return " ".join(found[:3]) or None

    facts = {**asked, "form": FORM, "tools": {name: list(spec.request.model_fields) for name, spec in tools.items()}}
    with on_the_clock():
        return propose(model, Question("propose_program", ProgramProposal, faults, planned), facts, emit)


def _in_words(receipts: list[Receipt], tools: Mapping[str, ToolSpec]) -> str:
    lines = [
        f"{number}. `{receipt.tool}`: {_first_sentence(tools[receipt.tool].description)}{_noted(receipt)}"
        for number, receipt in enumerate(receipts, 1)
    ]
    return "\n".join(["The program makes these calls, each with what the ones before it returned:", *lines])


def _noted(receipt: Receipt) -> str:
    return f" ({one_line(receipt.note)})" if receipt.note else ""


def _first_sentence(text: str) -> str:
    return f"{text.partition('. ')[0].partition(': ')[0].rstrip('.')}."


def _code_answer(known: Json) -> CodeAnswer:
    program: ProgramProposal = known["program"]
    return CodeAnswer(
        task=known["task"],
        code=program.code,
        explanation=program.explanation,
        tools=tuple(tools_called(program.code)),
    )
