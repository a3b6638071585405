"""What a research is asked and what it answers."""

from typing import Any, Literal

from pydantic import Field, ValidationError

from agents.budget import Tokens
from engine.errors import BadArguments, BadBudget
from tools.arguments import bad_arguments
from tools.spec import ToolRequest, ToolResult

MOST_INQUIRIES = 12
"""Calls by which something is found out, in one research."""
MOST_ROUTES = 10
"""Decisions of the supervisor."""
MOST_DECISIONS = 40
"""Decisions that the model is asked for in all; from then on the rules decide. Each asks it three times at most."""
Json = dict[str, Any]


class ResearchRequest(ToolRequest):
    """A question in words, and whatever the user wants to fix."""

    question: str = Field(max_length=2_000, description="What is to be found out, in words.")
    data: str | None = Field(
        None, description="A file, 'sample:NAME', or a dataset's id or name; the only one there is when left out."
    )
    target: str | None = Field(None, description="Column to predict; found from the question when left out.")
    model: str | None = Field(None, description="The model it is about; found or trained when left out.")
    budget_seconds: float = Field(
        60.0, description="Seconds after which nothing new is begun; a call that has begun is not cut off."
    )
    max_models: int | None = Field(None, ge=1, le=200, description="Train exactly this many candidates.")
    seed: int = Field(0, ge=0, description="Seed of a training.")
    reviews: int = Field(2, ge=0, le=5, description="How often the reviewer may send a draft back.")

    @classmethod
    def of(cls, **values: object) -> "ResearchRequest":
        """The request, checked.

        Raises:
            BadArguments: naming the first value that does not fit.
            BadBudget: as `check`.
        """
        try:
            request = cls.model_validate(values)
        except ValidationError as error:
            raise bad_arguments("research", cls, error) from error
        request.check()
        return request

    def check(self) -> None:
        """Refuse what cannot be worked on, before anything is written.

        Raises:
            BadArguments: there is no question.
            BadBudget: less than a second.
        """
        if not any(letter.isalnum() for letter in self.question):
            raise BadArguments("There is no question.", "Say in words what you want to know.")
        if not 1 <= self.budget_seconds < float("inf"):
            raise BadBudget(self.budget_seconds)


class ReviewedClaim(ToolResult):
    """One figure or name of a finding (numbered from 1), with the receipt that holds it."""

    finding: int
    value: str
    receipt: str | None


class ReportedFinding(ToolResult):
    """A finding as it stands in the report: what no cited result holds is struck."""

    text: str
    receipts: tuple[str, ...]
    struck: int = 0


class Source(ToolResult):
    """A passage of a document that a finding quotes."""

    doc: str
    start: int
    end: int
    quote: str


class ResearchSummary(ToolResult):
    """The result of a research. `documents` is False when none are indexed; `ended` says what brought it to its end."""

    run: str
    question: str
    dataset: str | None
    model: str | None
    findings: tuple[ReportedFinding, ...]
    claims_checked: int
    claims_struck: int
    sent_back: int
    documents: bool
    sources: tuple[Source, ...]
    report: str
    script: str
    notebook: str
    ended: Literal["reviewed", "steps", "time"]
    steps: int
    seconds: float
    notes: tuple[str, ...] = ()
    tokens: Tokens | None = Field(None, description="Tokens of the language model; None where none was asked.")
    cost: float | None = Field(None, description="What they cost, where it is known what a token costs.")
