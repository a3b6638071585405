"""The reviewer: every figure and name of a draft against the results that it cites. No words can persuade it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.claims import figures_in
from agents.grounding import Claim
from agents.proof import Ground, strike, struck
from agents.research import Finding
from graphs.receipts import Receipt
from graphs.research_types import ReportedFinding, ReviewedClaim

NOT_CITED = "(no result is named for it)"


@dataclass(frozen=True)
class Review:
    """What was checked, what is wrong in words for the researcher, and the findings with that struck."""

    claims: tuple[ReviewedClaim, ...]
    problems: tuple[str, ...]
    findings: tuple[ReportedFinding, ...]


def review_of(draft: Sequence[Finding], receipts: Sequence[Receipt]) -> Review:
    """The draft, reviewed. A finding must cite at least one result, and each of its claims stand in one it cites."""
    known = {receipt.id: receipt for receipt in receipts if receipt.result is not None}
    reviews = [_reviewed(number, finding, known) for number, finding in enumerate(draft, 1)]
    return Review(
        claims=tuple(claim for review in reviews for claim in review.claims),
        problems=tuple(problem for review in reviews for problem in review.problems),
        findings=tuple(finding for review in reviews for finding in review.findings),
    )


def _reviewed(number: int, finding: Finding, known: Mapping[str, Receipt]) -> Review:
    cited = [known[name] for name in finding.receipts if name in known]
    if not cited:
        text = f"{struck(finding.text)} {NOT_CITED}"
        claim = ReviewedClaim(finding=number, value=finding.text[:80], receipt=None)
        problem = f"Finding {number} cites no result. Name the receipts it rests on."
        return Review((claim,), (problem,), (ReportedFinding(text=text, receipts=(), struck=1),))
    claims = Ground([receipt.as_result() for receipt in cited]).check(finding.text)
    wrong = [claim for claim in claims if not claim.grounded]
    problems = [_problem(number, claim, [receipt.id for receipt in cited], known) for claim in wrong]
    reported = ReportedFinding(
        text=strike(finding.text, wrong)[0], receipts=tuple(receipt.id for receipt in cited), struck=len(wrong)
    )
    told = tuple(ReviewedClaim(finding=number, value=claim.value, receipt=claim.result_id) for claim in claims)
    return Review(told, tuple(problems), (reported,))


def _problem(number: int, claim: Claim, cited: Sequence[str], known: Mapping[str, Receipt]) -> str:
    stated = claim.value if figures_in(claim.value) else f"`{claim.value}`"
    others = Ground([receipt.as_result() for receipt in known.values()]).check(stated)
    elsewhere = next((other.result_id for other in others if other.grounded), None)
    hint = f"It stands in {elsewhere}, which the finding does not cite." if elsewhere else "No result holds it."
    return f"Finding {number}: {claim.value!r} does not stand in {', '.join(cited)}. {hint}"
