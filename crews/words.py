"""The agents' words beside the facts: what no tool result holds is struck, and what a task left undone is named."""

import json
from collections.abc import Iterator, Mapping, Sequence

from agents.proof import Ground, strike
from crews.ledger import ToolRecord


def struck(text: str, facts: Sequence[Mapping[str, object]]) -> tuple[str, tuple[str, ...]]:
    """`text` with every figure and name that none of `facts` holds struck and marked, and those that were.

    A sentence of a tool that is repeated word for word is founded as a whole.
    """
    claims = Ground(facts).check(text)
    return strike(text, claims)[0], tuple(claim.value for claim in claims if not claim.grounded)


def facts_of(records: Sequence[ToolRecord], given: Mapping[str, object]) -> list[dict[str, object]]:
    """What may be said: the results of the tools, and what the user gave. What an agent asked of a tool is no fact."""
    return [{"id": "brief", **given}, *_facts(records)]


def _facts(records: Sequence[ToolRecord]) -> Iterator[dict[str, object]]:
    for number, record in enumerate(records, 1):
        if record.ok:
            yield {"id": f"call-{number}", "tool": record.tool, "result": json.loads(record.result)}


def review_of(task: str, needs: Sequence[str], records: Sequence[ToolRecord]) -> tuple[str, ...]:
    """What the records of a task lack, one sentence for each tool it is not done without."""
    return tuple(_lack(tool, records) for tool in needs if not any(one.ok and one.tool == tool for one in records))


def _lack(tool: str, records: Sequence[ToolRecord]) -> str:
    failed = [record for record in records if record.tool == tool]
    if failed:
        return f"{tool} did not succeed: {failed[-1].result.removeprefix('Error: ')}"
    return f"{tool} was not called."
