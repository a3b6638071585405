"""How a run spends its budget: what a round of training may take, and what stays in reserve for the end."""

from dataclasses import dataclass

RESERVE_SHARE = 0.15
LEAST_RESERVE, MOST_RESERVE = 2.0, 60.0  # seconds; the end is choosing, one look, importance, package, registration
LEAST_ROUND = 1.0
LEAST_FOR_A_PILOT = 15.0
MAX_ROUNDS = 8


@dataclass(frozen=True)
class Pace:
    """The budget of a run in seconds; None means a fixed number of models, where no clock is looked at."""

    budget: float | None

    @property
    def reserve(self) -> float:
        """Seconds kept for the end of the run."""
        share = RESERVE_SHARE * (self.budget or 0.0)
        return min(MOST_RESERVE, max(LEAST_RESERVE, share))

    @property
    def pilot(self) -> bool:
        """Whether a timed pilot of a second or two is worth its time."""
        return self.budget is None or self.budget >= LEAST_FOR_A_PILOT

    def for_round(self, spent: float) -> float | None:
        """Seconds that a round of training may take now; at least one, so that there is always a model."""
        return None if self.budget is None else max(LEAST_ROUND, self.budget - spent - self.reserve)

    def for_finish(self, spent: float) -> float | None:
        """Seconds that the end may take now; what is left, and never less than what the end needs at least."""
        return None if self.budget is None else max(LEAST_ROUND, self.budget - spent)

    def another_round(self, rounds: int, spent: float) -> bool:
        """Whether a further round is possible at all. A fixed number of models is trained in one."""
        return self.budget is not None and rounds < MAX_ROUNDS and self.budget - spent - self.reserve >= LEAST_ROUND
