"""What of a conversation a model is shown, by the session's kind of memory.

The turn that goes on is always shown, and a call never without its answer. Nothing here asks a model: the same
messages and digest give the same view, so a step that was killed comes to it again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage, ToolMessage

from agents.memory import MemorySettings
from agents.memory_digest import Digest, fold, shortened
from agents.memory_turns import split_turns, whole
from agents.memory_words import earlier
from agents.tokens import TokenCounter, message_tokens

DIGEST_TOKENS = 2_000
"""Most tokens of a digest where the kind of memory names no budget."""
DIGEST_SHARE = 4
"""The part of a budget that the digest may take is one in so many."""
LEAST_DIGEST = 150
"""Tokens of a digest's head and a little more."""
REFILL = 0.7
"""A conversation over its budget is cut back to this part of it, so that not every turn has to cut."""
RESULT_CHARACTERS = (12_000, 6_000, 3_000, 1_500, 700, 300)
"""Sizes to which results of tools are cut, one after another, when the turn that goes on does not fit by itself."""


@dataclass(frozen=True)
class View:
    """`earlier` is the digest in words, `messages` the turns that are shown, `tokens` what both come to."""

    earlier: str
    messages: tuple[BaseMessage, ...]
    digest: Digest
    tokens: int


def look(
    messages: Sequence[BaseMessage],
    digest: Digest,
    settings: MemorySettings,
    count: TokenCounter,
    limit: int | None = None,
) -> View:
    """What is shown of `messages`, of which `digest` stands for the first ones.

    Args:
        limit: most tokens, below what the settings allow; for an endpoint that found more too long.
    """
    digest = digest if limit is None else digest.model_copy(update={"limit": limit})
    budget = _budget(settings, digest)
    turns = [whole(turn) for turn in split_turns(messages[digest.messages :])]
    sizes = [sum(message_tokens(count, message) for message in turn) for turn in turns]
    cut = len(turns) - _kept(len(turns), settings)
    share = DIGEST_TOKENS if budget is None else max(LEAST_DIGEST, min(DIGEST_TOKENS, budget // DIGEST_SHARE))
    after = _folded(digest, messages, cut)
    told = earlier(after, count, share)
    if budget is not None and count.text(told) + sum(sizes[cut:]) > budget:
        first = cut
        # the digest has its own share of the room, whatever is folded into it
        while cut < len(turns) - 1 and sum(sizes[cut:]) > budget * REFILL - share:
            cut += 1
        if cut > first:
            after = _folded(digest, messages, cut)
            told = earlier(after, count, share)
    shown = [message for turn in turns[cut:] for message in turn]
    if budget is not None:
        shown = _fitting(shown, count, budget - count.text(told))
    total = count.text(told) + sum(message_tokens(count, message) for message in shown)
    return View(told, tuple(shown), after, total)


def _budget(settings: MemorySettings, digest: Digest) -> int | None:
    limits = [limit for limit in (settings.tokens if settings.kind == "tokens" else None, digest.limit) if limit]
    return min(limits, default=None)


def _kept(turns: int, settings: MemorySettings) -> int:
    """How many of the newest turns the kind shows before any budget is looked at."""
    if settings.kind == "window":
        return min(turns, settings.turns)
    if settings.kind == "summary" and turns > settings.turns + (settings.turns + 1) // 2:
        # a summary costs an answer of the model, so several turns are taken in at once
        return settings.turns
    return turns


def _folded(digest: Digest, messages: Sequence[BaseMessage], turns: int) -> Digest:
    if turns <= 0:
        return digest
    rest = split_turns(messages[digest.messages :])
    return fold(digest, [message for turn in rest[:turns] for message in turn])


def _fitting(shown: list[BaseMessage], count: TokenCounter, room: int) -> list[BaseMessage]:
    """The messages with results of tools cut as far as needed; what the user said is never cut."""
    for characters in RESULT_CHARACTERS:
        if sum(message_tokens(count, message) for message in shown) <= room:
            break
        shown = [_cut(message, characters) if isinstance(message, ToolMessage) else message for message in shown]
    return shown


def _cut(message: ToolMessage, characters: int) -> ToolMessage:
    """The answer in about so many characters, still JSON where it was; it says that it is cut and what to do."""
    text = str(message.text)
    if len(text) <= characters:
        return message
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return message.model_copy(update={"content": f"{text[:characters]}… (cut from {len(text)} characters)"})
    note = f"Cut from {len(text)} characters. For the rest call the tool again and ask for less at a time."
    for rows in (24, 8, 3, 1, 0):
        small = shortened(value, rows, max(20, characters // 20), columns=max(rows, 8))
        body = {**small, "shortened": note} if isinstance(small, dict) else {"value": small, "shortened": note}
        content = json.dumps(body, ensure_ascii=False)
        if len(content) <= characters:
            return message.model_copy(update={"content": content})
    keys = sorted(value)[:20] if isinstance(value, dict) else []
    return message.model_copy(update={"content": json.dumps({"fields": keys, "shortened": note})})
