"""What a research leaves to read: the report in Markdown, and results cut to what a decision needs."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agents.claims import code_marked
from agents.research import asks_for_a_model
from graphs.notebook import harmless
from graphs.receipts import Receipt, one_line
from graphs.research_types import ResearchRequest, ResearchSummary, ReviewedClaim

MOST_ITEMS = 12
MOST_TEXT = 1_200
_FIGURE = re.compile(r"[\d.,%+\-− ]+[a-z]{0,8}")
LEFT_OUT = frozenset({"histogram", "quartiles", "top", "reason", "report", "package", "card", "detail", "lineage"})
ENDINGS = {
    "reviewed": "The draft passed the review, or what failed it was struck.",
    "steps": "The team had used up its steps; what no cited result holds was struck.",
    "time": "The time was up; what no cited result holds was struck.",
}


def digest_of(value: Any) -> Any:  # noqa: ANN401  any JSON value
    """A result as it is shown to whoever decides: long lists and texts are cut, figures are left as they are."""
    if isinstance(value, Mapping):
        return {key: digest_of(item) for key, item in value.items() if key not in LEFT_OUT}
    if isinstance(value, list | tuple):
        rows = list(value)
        if rows and all(isinstance(row, Mapping) and "relation" in row for row in rows):
            rows.sort(key=lambda row: -(row["relation"] if row["relation"] is not None else -1.0))
        return [digest_of(item) for item in rows[:MOST_ITEMS]]
    return value[:MOST_TEXT] if isinstance(value, str) else value


def report_of(summary: ResearchSummary, receipts: Sequence[Receipt], claims: Sequence[ReviewedClaim]) -> str:
    """The report. Text of models, documents and data is shown and never live."""
    about = [
        f"Dataset {code_marked(summary.dataset)}." if summary.dataset else "",
        f"Model {code_marked(summary.model)}." if summary.model else "",
    ]
    lines = [f"# {harmless(one_line(summary.question))}", "", " ".join(filter(None, about)), "", "## Findings", ""]
    for number, finding in enumerate(summary.findings, 1):
        cited = " ".join(f"[{name}]" for name in finding.receipts)
        lines.append(f"{number}. {harmless(' '.join(finding.text.split()))} {cited}".rstrip())
    lines += ["", *(harmless(note) for note in summary.notes)] if summary.notes else []
    lines += ["", "What a model relies on, and what goes together with the target, need not be its cause.", ""]
    lines += _documents(summary)
    lines += ["## Review", "", _verdict(summary), "", "| Finding | Stated | Stands in |", "|---|---|---|"]
    lines += [f"| {c.finding} | {_stated(c.value)} | {c.receipt or '**nowhere: struck**'} |" for c in claims]
    lines += ["", "## What was done", "", "| Receipt | Tool | Arguments | Outcome |", "|---|---|---|---|"]
    lines += [_done(receipt) for receipt in receipts]
    lines += ["", f"The same calls as a program: `{summary.script}`; as a notebook: `{summary.notebook}`.", ""]
    return "\n".join(lines)


def _verdict(summary: ResearchSummary) -> str:
    checked = (
        f"{summary.claims_checked} figures and names were checked against the results, {summary.claims_struck} struck"
    )
    back = f"; the draft was sent back {summary.sent_back} times" if summary.sent_back else ""
    return f"{checked}{back}. {ENDINGS[summary.ended]}"


def _documents(summary: ResearchSummary) -> list[str]:
    if not summary.documents:
        return ["No documents are indexed, so none were searched.", ""]
    if not summary.sources:
        return ["The indexed documents were searched; no finding quotes them.", ""]
    quoted = [f"- {code_marked(source.doc)}, characters {source.start} to {source.end}" for source in summary.sources]
    return ["## Documents quoted", "", *quoted, ""]


def _done(receipt: Receipt) -> str:
    arguments = one_line(json.dumps(receipt.arguments, ensure_ascii=False), 160)
    outcome = "done" if receipt.error is None else f"failed: {one_line(receipt.error, 120)}"
    return f"| {receipt.id} | {_cell(receipt.tool)} | {_code_cell(arguments)} | {_cell(outcome)} |"


def _stated(value: str) -> str:
    """A figure or name as a cell; a name is whatever the data calls it."""
    return value if _FIGURE.fullmatch(value) else _code_cell(value)


def _code_cell(text: str) -> str:
    return code_marked(text).replace("|", "\\|")


def notes_of(
    request: ResearchRequest, receipts: Sequence[Receipt], model: str | None, target: str | None, seconds: float
) -> tuple[str, ...]:
    """What the reader has to know of how it went: a budget that was overrun, a training that there was no time for."""
    notes = []
    over = seconds - request.budget_seconds
    if request.max_models is None and over > 0:
        notes.append(
            f"It took {seconds:.1f} s, {over:.1f} s more than its budget of {request.budget_seconds:g} s: "
            "a call that has begun is not cut off."
        )
    tried = any(receipt.tool == "train_model" for receipt in receipts)
    if model is None and target is not None and not tried and asks_for_a_model(request.question):
        notes.append("No model was there, and none was trained.")
    return tuple(notes)


def _cell(text: str) -> str:
    return harmless(" ".join(text.split())).replace("|", "\\|")
