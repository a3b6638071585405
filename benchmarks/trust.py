"""What checking a text against results costs, how many true figures it strikes and how many lies it lets pass.

    python benchmarks/trust.py [--json] [--seed N] [--show]

The replies are those of tests/agents/lying: of the offline planner over real tools, written by hand about the same
results, by a language model about them, and about made-up results. --show lists what is struck and what passes.
"""

import argparse
import json
import re
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
RUNS = 9
SESSIONS = ("churn", "diabetes", "board", "members")


@dataclass(frozen=True)
class Cost:
    """Milliseconds and microseconds are those of the processor, the medians of several runs."""

    texts: str
    results: int
    kb: float
    ready_ms: float
    words: int
    claims: int
    ms_per_1000_words: float
    us_per_claim: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost and errors of checking texts against results.")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--seed", type=int, default=2026, help="of the lies")
    parser.add_argument("--show", action="store_true", help="list what is struck and what passes")
    asked = parser.parse_args()
    costs = [*(cost_of_replies(name) for name in SESSIONS), cost_of_prose()]
    wrongly, passed, written = struck(asked.show), missed(asked.seed, asked.show), struck_of_a_model(asked.show)
    made_up = of_made_up(asked.show)
    if asked.json:
        figures = {
            "cost": [asdict(one) for one in costs],
            "struck": wrongly,
            "missed": passed,
            "written": written,
            **made_up,
        }
        print(json.dumps(figures, indent=1))
        return
    print(
        f"{'texts':22} {'results':>7} {'kB':>4} {'ready, ms':>10} {'words':>6} {'claims':>6} {'ms/1,000 words':>15}",
        end="",
    )
    print(f" {'us/claim':>9}")
    for one in costs:
        print(
            f"{one.texts:22} {one.results:7} {one.kb:4.0f} {one.ready_ms:10.1f} {one.words:6} {one.claims:6} "
            f"{one.ms_per_1000_words:15.1f} {one.us_per_claim:9.0f}"
        )
    for head, wrong, counts in (
        ("true claims", "struck", wrongly),
        ("of a language model", "struck", written),
        ("lies", "passed", passed),
        ("of made-up results", "struck", made_up["made_up_struck"]),
        ("lies about these", "passed", made_up["made_up_missed"]),
    ):
        print(f"\n{head:22} {'tried':>6} {wrong:>7} {'share':>8}")
        for kind, (tried, number) in counts.items():
            print(f"{kind:22} {tried:6} {number:7} {number / max(1, tried):8.2%}")


def cost_of_replies(session: str) -> Cost:
    """Of the replies about a session, against all that was said and returned in it. Every fifth word is a claim."""
    from tests.agents.lying.replies import every, whole

    texts = [reply.text for reply in every() if reply.source.endswith(session)]
    return _cost(f"replies, {session}", texts, whole(session))


def cost_of_prose() -> Cost:
    """Of a page of this project's documents, where claims are few."""
    from tests.agents.lying.replies import whole

    page = (ROOT / "docs" / "drift.md").read_text(encoding="utf-8")
    return _cost("a page, board", page.split("\n\n"), whole("board"))


def _cost(title: str, texts: Sequence[str], results: Sequence[Mapping[str, object]]) -> Cost:
    from agents.grounding import Facts

    words = sum(len(text.split()) for text in texts)
    ready, took, claims = [], [], 0
    for _ in range(RUNS):
        begun = time.process_time()
        facts = Facts(results)
        ready.append(time.process_time() - begun)
        begun = time.process_time()
        claims = sum(len(facts.check(text)) for text in texts)
        took.append(time.process_time() - begun)
    seconds, size = statistics.median(took), len(json.dumps(results)) / 1000
    ready_ms = 1e3 * statistics.median(ready)
    return Cost(title, len(results), size, ready_ms, words, claims, 1e6 * seconds / words, 1e6 * seconds / claims)


def struck(show: bool) -> dict[str, tuple[int, int]]:
    """Of the true claims of each kind, how many are struck."""
    from tests.agents.lying.judging import Judge
    from tests.agents.lying.replies import every

    judge = Judge()
    counts: dict[str, tuple[int, int]] = {}
    for reply in every():
        for claim in judge.claims(reply):
            kind = kind_of(claim.value, reply.text[claim.span[1] :])
            tried, wrong = counts.get(kind, (0, 0))
            counts[kind] = (tried + 1, wrong + (not claim.grounded))
        if show:
            print("\n".join(f"struck: {each}" for each in judge.struck(reply)), end="")
    return {**dict(sorted(counts.items())), "all": _sum(counts)}


def struck_of_a_model(show: bool) -> dict[str, tuple[int, int]]:
    """Of the true claims in replies of a language model, without the assistant's prompt and with it, the struck."""
    from tests.agents.lying.judging import Judge
    from tests.agents.lying.replies import WRITTEN, written

    judge = Judge()
    counts: dict[str, tuple[int, int]] = {}
    for path in sorted(WRITTEN.glob("*.json")):
        claims = [claim for reply in written(path.stem) for claim in judge.claims(reply)]
        counts[path.stem] = (len(claims), sum(not claim.grounded for claim in claims))
        if show:
            print("\n".join(f"struck: {each}" for reply in written(path.stem) for each in judge.struck(reply)))
    from tests.agents.lying.prompted import SETS, answers
    from tests.agents.lying.prompted import claims as claims_of

    for name in SETS:
        told = [claim for answer in answers(name) for claim in claims_of(answer)]
        counts[f"prompted, {name}"] = (len(told), sum(not claim.grounded for claim in told))
    return {**counts, "all": _sum(counts)}


def of_made_up(show: bool) -> dict[str, dict[str, tuple[int, int]]]:
    """Of the true claims about made-up results of many shapes, how many are struck, and of the lies, how many pass."""
    from tests.agents.lying.made_up import SETS, cases, judged

    wrongly: dict[str, tuple[int, int]] = {}
    passed: dict[str, tuple[int, int]] = {}
    for name in SETS:
        outcomes = list(judged(name))
        tried = sum(len(case.lies) for case in cases(name))
        wrongly[name] = (sum(one.claims for one in outcomes), sum(len(one.struck) for one in outcomes))
        passed[name] = (tried, sum(len(one.passed) for one in outcomes))
        for case, one in zip(cases(name), outcomes, strict=True) if show else ():
            print("\n".join([*(f"struck: {each} of {case.text!r}" for each in one.struck), *map(str, one.passed)]))
    return {"made_up_struck": {**wrongly, "all": _sum(wrongly)}, "made_up_missed": {**passed, "all": _sum(passed)}}


def missed(seed: int, show: bool) -> dict[str, tuple[int, int]]:
    """Of the lies of each kind, how many pass."""
    from tests.agents.lying.judging import Judge
    from tests.agents.lying.lies import lies
    from tests.agents.lying.replies import every

    judge = Judge()
    counts = {}
    for kind, made in lies(every(), seed).items():
        passed = [lie for lie in made if judge.passes(lie)]
        counts[kind] = (len(made), len(passed))
        for lie in passed if show else ():
            start, end = lie.spans[0]
            print(f"{kind}: {lie.text[max(0, start - 60) : start]}<{lie.text[start:end]}>{lie.text[end : end + 30]!r}")
    return {**counts, "all": _sum(counts)}


def kind_of(value: str, after: str) -> str:
    """A kind of claim by how it is written."""
    if not any(letter.isdigit() for letter in value):
        return "name" if re.search(r"[_`]|^[a-z]+$", value) and "wice" not in value else "number word"
    if re.fullmatch(r"[A-Za-z_.:/-].*|.*_.*|\d{4}-.*", value):
        return "name"
    if "%" in value:
        return "percentage"
    if re.match(r"\s?(?:ms|s|seconds?|minutes?|MB|kB|µs)\b", after):
        return "with a unit"
    return "decimal" if "." in value else "whole number"


def _sum(counts: dict[str, tuple[int, int]]) -> tuple[int, int]:
    return sum(tried for tried, _ in counts.values()), sum(wrong for _, wrong in counts.values())


if __name__ == "__main__":
    main()
