"""How a training spends its budget: what each fit may take, and what is kept back for judging and packaging."""

from dataclasses import dataclass

LEAST_FIT_S = 0.3
"""A fit that could not have this much is skipped, unless there is no model yet."""
FIRST_FIT_S = 0.8
"""The first real model gets this much even when the budget is gone, and twice as much after each that failed: a
training always ends with a model."""
LEAST_NETWORK_S = 3.0
"""The same for a network, which has torch to load and a few passes over the rows to make."""
NETWORK_SHARES = 3.0
"""How many shares of the time a network gets where another fit gets one."""
GENEROUS = 1.25
"""An early fit may take more than its even share, since most leave some of it over."""
FIXED_EXPLAIN_S = 60.0
CANCELLED_EXPLAIN_S = 0.3


@dataclass(frozen=True)
class Pace:
    """Shares of a budget in seconds; None is a fixed amount of work, where no clock is looked at.

    `start` is what passed before the first fit: a machine that was slow to begin will be slow to end. With `networks`
    more is kept for the last fit on all rows, which takes one of them as long as its first.
    """

    budget: float | None
    start: float = 0.0
    networks: bool = False

    @property
    def ending(self) -> float:
        """Kept for choosing, judging, packaging and registering, most of which costs the same for any budget."""
        if self.budget is None:
            return 0.0
        usual = min(1.3 + 0.05 * self.budget, 10.0)
        return max(usual, min(0.7 * self.start, 0.5 * self.budget))

    @property
    def refit(self) -> float:
        """Kept for fitting the chosen model again on all rows."""
        if self.budget is None:
            return 0.0
        return 0.25 * self.budget if self.networks else min(0.08 * self.budget, 60.0)

    def left(self, spent: float) -> float | None:
        """Seconds left for fits."""
        return None if self.budget is None else self.budget - self.ending - self.refit - spent

    def for_fit(
        self, spent: float, waiting: float, any_model: bool, tried: int = 0, least: float = LEAST_FIT_S
    ) -> float | None:
        """Seconds for the next fit; 0 means that it is skipped. `tried` have come to nothing so far.

        `waiting` counts it and those after it, each by its shares of the time over the shares of this one; `least` is
        what it must have to be worth a try. What a fit leaves over goes to those after it. Until there is a model
        beside the baseline, the next fit is held to a small part of the budget, so that there soon is one.
        """
        left = self.left(spent)
        if left is None:
            return None
        if any_model:
            share = min(left, GENEROUS * left / max(1.0, waiting))
            return share if share >= least else (left if left >= least else 0.0)
        first = max(FIRST_FIT_S, least) * 2.0**tried
        if waiting <= 1:
            return max(first, left)
        return max(first, min(left, 0.15 * (self.budget or 0.0)))

    def for_select(self, spent: float, cancelled: bool) -> float | None:
        if cancelled:
            return 0.0
        return None if self.budget is None else max(0.0, self.budget - self.ending - spent)

    def for_explain(self, spent: float, cancelled: bool) -> float:
        if cancelled:
            return CANCELLED_EXPLAIN_S
        if self.budget is None:
            return FIXED_EXPLAIN_S
        return min(max(0.3, 0.4 * (self.budget - spent)), 10.0)

    def for_reference(self, spent: float, cancelled: bool) -> float:
        """Seconds for weighing the columns once more, for later comparison."""
        if cancelled:
            return CANCELLED_EXPLAIN_S
        if self.budget is None:
            return FIXED_EXPLAIN_S
        return min(max(0.2, 0.2 * (self.budget - spent)), 5.0)
