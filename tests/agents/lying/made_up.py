"""Short answers about made-up results of many shapes, each with three lies: written by a language model that knew none
of the rules, in four sets. The rules were made better with all but the last in view; `plain` was first checked when
they were done."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agents.grounding import Claim, Facts

FOLDER = Path(__file__).parent / "cases"
SETS = ("tabular", "operations", "everything", "plain")
_NEAR = 3
"""Letters around the altered figure in which a claim must be struck."""


@dataclass(frozen=True)
class Case:
    """Results, a true answer about them, and the same with one figure altered: the kind of the lie, and the text."""

    results: Sequence[Mapping[str, object]]
    text: str
    lies: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Outcome:
    """How a case was judged: the claims of the true answer, those among them struck, the lies that passed."""

    claims: int
    struck: Sequence[str]
    passed: Sequence[tuple[str, str]]


@cache
def cases(name: str) -> Sequence[Case]:
    """Those of a set."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(_case(json.loads(line)) for line in lines)


def _case(line: Mapping[str, list[Mapping[str, str]]]) -> Case:
    lies = tuple((lie["kind"], lie["text"]) for lie in line["lies"])
    return Case(line["results"], str(line["text"]), lies)


def judged(name: str) -> Iterator[Outcome]:
    """How each case of a set fares."""
    for case in cases(name):
        facts = Facts(case.results)
        claims = facts.check(case.text)
        passed = [(kind, text) for kind, text in case.lies if not _is_found(facts.check(text), case.text, text)]
        yield Outcome(len(claims), [claim.value for claim in claims if not claim.grounded], passed)


def _is_found(claims: Sequence[Claim], true: str, false: str) -> bool:
    """Whether a claim is struck where two texts differ."""
    shorter = min(len(true), len(false))
    start = next((n for n in range(shorter) if true[n] != false[n]), shorter)
    behind = next((n for n in range(shorter - start) if true[-1 - n] != false[-1 - n]), shorter - start)
    end = len(false) - behind
    return any(
        not claim.grounded and claim.span[0] <= end + _NEAR and start - _NEAR <= claim.span[1] for claim in claims
    )
