"""A run, a research or another piece of work with an account of its own: it is charged to whoever asked for it too."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agents.budget import EVERYBODY, Account, Tokens
from agents.budget_purse import Purse, current, spending
from agents.budget_store import Meter
from agents.metered import MeteredWhole, metered

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


@dataclass(frozen=True)
class Paid:
    """What the work is done with: the model, metered, and the purse that is charged."""

    model: "BaseChatModel"
    purse: Purse

    def bill(self) -> dict[str, object]:
        """`tokens` and `cost` of all that the work took, in earlier processes too; empty where no model was asked.

        The cost is None where nobody has said what a token costs.
        """
        spent = self.purse.total()
        if not spent.tokens:
            return {}
        priced = isinstance(self.model, MeteredWhole) and self.model.price is not None
        tokens = Tokens(prompt=spent.prompt, completion=spent.completion)
        return {"tokens": tokens, "cost": spent.money if priced else None}


@contextmanager
def on_the_clock() -> Iterator[None]:
    """Count the seconds of the block for whoever is charged here and now, unless those of an outer one are.

    Raises:
        BudgetSpent: there are no seconds left to begin with.
    """
    purse = current()
    if purse is None:
        yield
        return
    # a purse of its own: others may spend from the outer one in other threads, without a clock or with theirs
    with spending(Purse(purse.meter, purse.accounts, purse, purse.clock), timed=True):
        yield


@contextmanager
def paid_by(home: Path, mine: Account, model: "BaseChatModel") -> Iterator[Paid]:
    """Charge what is done in the block to `mine`, and to all that is charged here and now.

    Another thread has no purse in force: there the model knows who pays for it.

    Raises:
        BudgetSpent: there are no seconds left to begin with.
    """
    owner: Purse | None = current() or getattr(model, "purse", None)
    purse = (owner or Purse(Meter(home), (EVERYBODY,))).within(mine)
    with spending(purse, timed=True):
        yield Paid(metered(model), purse)
