"""Who pays in a home: its owner's purse, and the chat model of the settings, metered."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadSettings
from millwright.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from agents.budget import Price
    from agents.budget_purse import Purse


@contextmanager
def metered_mind(settings: Settings, purse: "Purse") -> "Iterator[BaseChatModel]":
    """The chat model of the settings; it and every tool that a graph calls in the block are charged to `purse`.

    Raises:
        BadSettings: the settings of the language model do not fit together; money is limited, and no price is known.
    """
    from agents.budget_purse import spending
    from agents.metered import metered
    from agents.provider import chat_model
    from agents.tokens import counter

    llm = settings.llm
    _check_price(settings)
    model = metered(
        chat_model(llm),
        purse=purse,
        price=price_of(settings),
        count=counter(llm.model, llm.encodings),
        largest=settings.limits.answer_tokens,
        cap="max_tokens" if llm.provider == "openai" else None,
    )
    with spending(purse):
        yield model


def owners_purse(settings: Settings, home: Path) -> "Purse":
    """What is charged for all that is done in a home, where nobody logs in."""
    from agents.budget import OWNER, account
    from agents.budget_purse import Purse
    from agents.budget_store import Meter

    return Purse(Meter(home, settings.database_url), (account(OWNER, "", settings.limits.owner),))


def price_of(settings: Settings) -> "Price | None":
    """What the tokens of the language model cost; None where nobody has said both prices, or where a fall-back model,
    which has none of its own, may be the one that answers.
    """
    from agents.budget import Price

    llm = settings.llm
    if llm.prompt_price is None or llm.completion_price is None or llm.fallback_model is not None:
        return None
    return Price(prompt=llm.prompt_price, completion=llm.completion_price)


def _check_price(settings: Settings) -> None:
    llm, limits = settings.llm, (settings.limits.session, settings.limits.owner)
    if llm.provider == "offline" or all(each.money is None for each in limits):
        return
    if price_of(settings) is not None:
        return
    if llm.fallback_model is None:
        raise BadSettings(
            "Money is limited, but nobody has said what a token costs.",
            "Set both MILLWRIGHT_LLM__PROMPT_PRICE and MILLWRIGHT_LLM__COMPLETION_PRICE, for a million tokens each.",
        )
    raise BadSettings(
        "Money is limited, and the fall-back model has no price of its own to count it by.",
        "Limit tokens instead (MILLWRIGHT_LIMITS__OWNER__TOKENS), or unset MILLWRIGHT_LLM__FALLBACK_MODEL.",
    )
