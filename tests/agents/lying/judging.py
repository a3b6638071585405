"""The replies and the lies against the check, as the tests and benchmarks/trust.py count them."""

from collections.abc import Iterator, Sequence

from agents.grounding import Claim, Facts
from tests.agents.lying.lies import Lie
from tests.agents.lying.replies import Json, Reply

NEAR = 8
"""Letters behind an altered place in which its figure may stand: a unit is altered behind its figure."""


class Judge:
    """Results are made ready once, however many texts are about them."""

    def __init__(self) -> None:
        self._facts: dict[int, tuple[Facts, Sequence[Json]]] = {}

    def claims(self, reply: Reply, text: str | None = None) -> list[Claim]:
        """The claims of a reply, or of another text about the same results."""
        known = self._facts.get(id(reply.results))
        if known is None:
            known = self._facts[id(reply.results)] = (Facts(reply.results), reply.results)
        return known[0].check(reply.text if text is None else text)

    def struck(self, reply: Reply) -> Iterator[str]:
        """What of a true reply would be struck, with the words around it."""
        for claim in self.claims(reply):
            if not claim.grounded:
                start, end = claim.span
                around = reply.text[max(0, start - 40) : start], reply.text[end : end + 20]
                yield f"{reply.source}: {around[0]}<{claim.value}>{around[1]}"

    def passes(self, lie: Lie) -> bool:
        """Whether nothing of what was altered is found out."""
        wrong = [claim.span for claim in self.claims(lie.reply, lie.text) if not claim.grounded]
        return not any(a < end and start < b + NEAR for a, b in wrong for start, end in lie.spans)
