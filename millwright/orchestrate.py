"""The agents over an open workshop: the chat model, where graphs keep their state, and the tools that start agents.

Plans, research and crews stand above the floor of the tools, so the composition root hands them to the workshop.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from millwright.budgets import metered_mind, owners_purse, price_of
from millwright.compose import open_workshop
from millwright.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from agents.budget_purse import Purse
    from graphs.sessions import Sessions
    from tools.spec import ToolSpec
    from tools.workshop import Workshop


@dataclass(frozen=True)
class Office:
    """What agents work with. The tools of `workshop` hold those that start agents."""

    workshop: "Workshop"
    model: "BaseChatModel"
    saver: "BaseCheckpointSaver[Any]"
    settings: Settings
    purse: "Purse | None" = None

    @property
    def budget_seconds(self) -> float:
        """The budget of a training that names none."""
        return self.settings.budget_seconds

    def sessions(self) -> "Sessions":
        """The conversations of this home; what is remembered is shown where it bears on a question."""
        from agents.tokens import counter
        from graphs.sessions import Sessions
        from tools.memories import relevant
        from tools.remembering import memories_of

        memories = memories_of(self.workshop)
        purse = self.purse or owners_purse(self.settings, self.workshop.home)
        return Sessions(
            self.workshop,
            self.model,
            self.saver,
            count=counter(self.settings.llm.model, self.settings.llm.encodings),
            price=price_of(self.settings),
            limits=self.settings.limits.session,
            owner=purse.accounts[0],
            meter=purse.meter,
            recall=lambda question: [memory.text for memory in relevant(memories, question)],
        )


@contextmanager
def open_office(settings: Settings | None = None) -> Iterator[Office]:
    """Open the workshop of a home with its agents.

    Raises:
        BadSettings: the settings cannot be read or do not fit together.
        HomeNotWritable: the home cannot be made.
    """
    settings = settings or Settings()
    with open_workshop(settings) as workshop, office_over(workshop, settings) as office:
        yield office


@contextmanager
def office_over(workshop: "Workshop", settings: Settings) -> Iterator[Office]:
    """The agents over a workshop that is open."""
    from graphs.checkpoints import open_saver

    purse = owners_purse(settings, workshop.home)
    with open_saver(settings.database_url or workshop.home) as saver, metered_mind(settings, purse) as model:
        tools = {**workshop.tools, **agent_tools(model, saver, settings)}
        yield Office(replace(workshop, tools=tools), model, saver, settings, purse)


def agent_tools(
    model: "BaseChatModel", saver: "BaseCheckpointSaver[Any]", settings: Settings
) -> "Mapping[str, ToolSpec]":
    """The tools that start agents: plans, research, programs, crews."""
    from crews.tool import crew_tools
    from graphs.plan_tools import plan_tools
    from graphs.research_tool import research_tools
    from millwright.crewing import starter

    return {
        **plan_tools(model, saver, settings.llm.prompt_price),
        **research_tools(model, saver),
        **crew_tools(starter(settings)),
    }
