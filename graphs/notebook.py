"""A conversation or a research as a Jupyter notebook (nbformat 4.5): what was said as text, what was done as code."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, ConfigDict

from agents.offline.conversation import read_turns
from graphs.receipts import Receipt, Tools, cells_of, one_line, script_of
from tools.catalogue import CATALOGUE

OPEN = (
    "from contextlib import ExitStack",
    "",
    "import millwright",
    "",
    "stack = ExitStack()",
    "workshop = stack.enter_context(millwright.open_workshop())",
)
CLOSE = ("stack.close()",)
_CODE_MARKS = re.compile(r"`[^`\n|]+`")
"""In a table a bar ends a cell, code marks or not."""
_LIVE = re.compile(r"[\\`\[\]<@]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
_KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class Said(BaseModel):
    """Something that was said; a report counts as said by the assistant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    by: Literal["user", "assistant"] = "assistant"


Part = Said | Receipt


def parts_of(messages: Sequence[BaseMessage]) -> tuple[Part, ...]:
    """A conversation in order: what the user said, what was done for it, what was answered."""
    return tuple(_parts(messages))


def notebook_of(parts: Sequence[Part], title: str = "What was done", tools: Tools = CATALOGUE) -> dict[str, Any]:
    """The notebook as JSON. Running its cells from the top does the work again, as the script of the receipts would."""
    receipts = [part for part in parts if isinstance(part, Receipt)]
    script_of(receipts, title, tools)  # reads every line that follows
    code = iter(cells_of(receipts, tools))
    cells = [_markdown(f"# {harmless(one_line(title))}"), _code(OPEN)]
    for part in parts:
        cells.append(_code(next(code).lines) if isinstance(part, Receipt) else _markdown(_said(part)))
    cells.append(_code(CLOSE))
    numbered = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells, 1)]
    return {"cells": numbered, "metadata": _KERNEL, "nbformat": 4, "nbformat_minor": 5}


def _parts(messages: Sequence[BaseMessage]) -> Iterator[Part]:
    number = 0
    for turn in read_turns(messages):
        if turn.text:
            yield Said(text=turn.text, by="user")
        for call in turn.calls:
            number += 1
            yield Receipt(
                id=f"r{number}", tool=call.tool, arguments=call.arguments, result=call.result, error=call.error
            )
        if turn.reply:
            yield Said(text=turn.reply)


def _said(part: Said) -> str:
    text = harmless(part.text)
    return "\n".join(f"> {line}" for line in text.splitlines()) if part.by == "user" else text


def harmless(text: str) -> str:
    """Text that is read and never acted on: no HTML, no link, no picture that would be fetched when it is opened.

    What is in `code marks` stays as it is, as nothing is live in there.
    """
    parts, end = [], 0
    for code in _CODE_MARKS.finditer(text):
        parts += [_escaped(text[end : code.start()]), code.group()]
        end = code.end()
    return "".join([*parts, _escaped(text[end:])])


def _escaped(text: str) -> str:
    # an entity for what opens HTML, as not every reader takes a backslash there
    plain = text.replace("&", "&amp;")
    return _LIVE.sub(lambda found: "&lt;" if found.group() == "<" else f"\\{found.group()}", plain)


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(lines: Sequence[str]) -> dict[str, Any]:
    source = [f"{line}\n" for line in lines[:-1]] + list(lines[-1:])
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
