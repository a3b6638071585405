"""What work may use and what it has used: limits, amounts, prices, and the error when a limit would be passed.

Cheap to import: the store behind it is opened in `agents.budget_store`, who spends is known in `agents.budget_purse`.
"""

from collections.abc import Iterator
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from engine.errors import MillwrightError

Name = Literal["tokens", "money", "wall_seconds", "tool_calls", "training_seconds", "disk_bytes"]
NAMES: tuple[Name, ...] = get_args(Name)
SESSION, RUN, CREW, OWNER = "session", "run", "crew", "owner"
SLACK = 1e-9
"""Share of a limit that sums of fractions may be off by."""
ROUNDING = 1e-6


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Part):
    """The most that may be used in all, from the beginning on; None is no limit."""

    tokens: int | None = Field(None, ge=0, description="Most tokens that a language model reads and writes.")
    money: float | None = Field(None, ge=0, allow_inf_nan=False, description="Most money for them, by llm.*_price.")
    wall_seconds: float | None = Field(None, ge=0, allow_inf_nan=False, description="Most seconds of work under way.")
    tool_calls: int | None = Field(None, ge=0, description="Most calls of tools.")
    training_seconds: float | None = Field(None, ge=0, allow_inf_nan=False, description="Most seconds of trainings.")
    disk_bytes: int | None = Field(None, ge=0, description="Most bytes that are added to the home.")

    def given(self) -> Iterator[tuple[Name, float]]:
        """The limits there are, by name."""
        for name in NAMES:
            most = getattr(self, name)
            if most is not None:
                yield name, most

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return any(True for _ in self.given())

    def changed(self, **change: float | None) -> "Limits":
        """These limits with those of `change` that are not None in their place."""
        return Limits.model_validate(
            {**self.model_dump(), **{name: most for name, most in change.items() if most is not None}}
        )


NO_LIMITS = Limits()


class Spent(_Part):
    """Amounts: what was used, or what a call may use. `prompt` and `completion` are tokens read and written."""

    prompt: int = 0
    completion: int = 0
    money: float = 0.0
    wall_seconds: float = 0.0
    tool_calls: int = 0
    training_seconds: float = 0.0
    disk_bytes: int = 0

    @property
    def tokens(self) -> int:
        """Tokens in all."""
        return self.prompt + self.completion

    def __add__(self, other: "Spent") -> "Spent":
        return Spent.model_construct(**{name: value + getattr(other, name) for name, value in self})

    def with_part(self, more: "Spent", share: float) -> "Spent":
        """These amounts and `share` (0 to 1) of what `more` has beyond them; whole numbers are rounded down."""
        mixed = {name: value + share * (getattr(more, name) - value) for name, value in self}
        whole = {name: int(mixed[name] + ROUNDING) for name, value in self if isinstance(value, int)}
        return Spent.model_construct(**{**mixed, **whole})


NOTHING = Spent()


class Tokens(_Part):
    """Tokens that a model read and wrote, as the endpoint told them or as they were counted."""

    prompt: int = 0
    completion: int = 0


class Price(_Part):
    """What a million tokens cost, in the money that the user thinks in."""

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)

    def of(self, tokens: "Tokens | Spent") -> float:
        """What these tokens cost."""
        return (self.prompt * tokens.prompt + self.completion * tokens.completion) / 1e6


class Account(_Part):
    """Who is charged, e.g. name='session:ses_1b2d4e3f9a0c', and what it may use."""

    name: str
    limits: Limits = NO_LIMITS

    @property
    def shown(self) -> str:
        """The account in words."""
        kind, _, name = self.name.partition(":")
        return f"{kind} {name}" if name else "this home"


def account(kind: str, name: str, limits: Limits = NO_LIMITS) -> Account:
    """The account of a session, run, crew run or owner; the owner '' is everybody, where nobody logs in."""
    return Account(name=f"{kind}:{name}", limits=limits)


class Budget(_Part):
    """What an account may use and what it has used."""

    account: Account
    spent: Spent


EVERYBODY = account(OWNER, "")
"""Who is charged for everything where nobody logs in."""

WORDS: dict[Name, tuple[str, str, str]] = {
    "tokens": ("tokens of the language model", "tokens", ",.0f"),
    "money": ("money for the language model", "", ".6g"),
    "wall_seconds": ("seconds of work", "s", ".1f"),
    "tool_calls": ("calls of tools", "calls", ".0f"),
    "training_seconds": ("seconds of training", "s", ".1f"),
    "disk_bytes": ("bytes of disk", "bytes", ",.0f"),
}
"""By limit: what it is of, its unit, and how a figure is written."""


class BudgetSpent(MillwrightError):
    """A limit would be passed, so the work stopped before that.

    Attributes:
        account, limit: whose limit, and which one; `most` is its value.
        used: what was used and is held by work under way. `asked` is the least that the next step needs.
    """

    code = "budget_spent"

    def __init__(self, whose: Account, limit: Name, most: float, used: float, asked: float, done: str = "") -> None:
        self.account, self.limit, self.most, self.used, self.asked = whose, limit, most, used, asked
        what, unit, form = WORDS[limit]
        needs = f" and the next step needs at least {asked:{form}}" if used < most else ""
        sentence = (
            f"The budget of {whose.shown} for {what} is spent: {used:{form}} of {most:{form}} {unit}".rstrip()
            + f" are used{needs}. Nothing was begun beyond it."
        )
        super().__init__(f"{sentence} {done}".strip(), self._way_on())

    def after(self, done: str) -> "BudgetSpent":
        """The same error that also says what was done before it."""
        return BudgetSpent(self.account, self.limit, self.most, self.used, self.asked, done)

    def _way_on(self) -> str:
        kind, _, name = self.account.name.partition(":")
        enough = max(2 * self.most, self.used + 2 * self.asked)
        more = f"{enough:.0f}" if self.limit != "money" else f"{enough:.6g}"
        if kind == SESSION:
            option = self.limit.replace("_", "-")
            return f"Allow it more, then say it again: millwright sessions limit {name} --{option} {more}"
        return (
            f"Set MILLWRIGHT_LIMITS__OWNER__{self.limit.upper()}={more} (or more), or count from nothing again: "
            "millwright sessions spent --reset"
        )
