"""How many tokens a conversation costs a model: exactly where its encoding is on disk, else a cautious estimate.

tiktoken downloads an encoding that it does not find, and deletes and downloads one whose hash is wrong. So its loader
is never called: a file is read and its hash checked here, and a file that is missing or wrong means an estimate.
"""

import base64
import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha1, sha256
from math import ceil
from pathlib import Path
from typing import Any, Protocol

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

MESSAGE_TOKENS = 4
"""What frames one message: its role and the marks around it."""
ANSWER_TOKENS = 3
"""What opens the answer."""
CALL_TOKENS = 8
"""What frames a call or a tool's definition beside its name and its JSON."""
CHARACTERS_PER_TOKEN = 3.2
MARGIN = 1.05
WIDE_TOKENS = 1.5
"""Tokens of a character beyond ASCII: most scripts need fewer, rare ones and emoji more."""

_URL = "https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"
_BUNDLED = (
    ("litellm", "litellm_core_utils/tokenizers"),
    ("llama_index.core", "_static/tiktoken_cache"),
)
"""Packages that carry encodings, and where."""


class TokenCounter(Protocol):
    """Counts tokens. `exact` says whether texts are counted by the model's own encoding."""

    @property
    def exact(self) -> bool: ...

    def __hash__(self) -> int: ...

    def text(self, text: str) -> int:
        """Tokens of a text."""
        ...


@dataclass(frozen=True)
class Estimate:
    """More tokens than any common encoding makes of typical text: words, digits and signs each have their price."""

    exact: bool = False

    def text(self, text: str) -> int:
        """The larger of characters / 3.2 and what its words, digits and signs come to; beyond ASCII 1.5 each."""
        return _estimate(text)


@dataclass(frozen=True)
class Exact:
    """Counts by an encoding of tiktoken that was on disk."""

    encoding: Any = field(repr=False)
    exact: bool = True

    def text(self, text: str) -> int:
        """Tokens of `text`; marks such as <|endoftext|> count as the plain text that they are."""
        return len(self.encoding.encode(text, disallowed_special=()))


ESTIMATE = Estimate()


def counter(model: str | None = None, folder: Path | None = None) -> TokenCounter:
    """The best counter for `model` that needs no network.

    Args:
        model: the provider's name of the model; None for one that has no encoding of its own.
        folder: where encodings are kept under tiktoken's names for them (its cache).
    """
    name = _encoding_name(model)
    return ESTIMATE if name is None else _by_encoding(name, folder)


@lru_cache(maxsize=8)
def _by_encoding(name: str, folder: Path | None) -> TokenCounter:
    shape = _SHAPES[name]
    for place in _folders(folder):
        ranks = _read_ranks(place / sha1(_URL.format(name=name).encode()).hexdigest(), shape.sha256)
        if ranks is not None:
            return Exact(shape.encoding(name, ranks))
    return ESTIMATE


def _encoding_name(model: str | None) -> str | None:
    if model is None:
        return None
    from tiktoken.model import encoding_name_for_model

    try:
        name = encoding_name_for_model(model.rpartition(":")[2])
    except KeyError:
        return None
    return name if name in _SHAPES else None


def _folders(folder: Path | None) -> list[Path]:
    bundled = []
    for package, inside in _BUNDLED:
        top = package.partition(".")[0]
        # only the outermost package is asked for: looking up one inside it would import it
        found = importlib.util.find_spec(top)
        for root in (found.submodule_search_locations or []) if found else []:
            bundled.append(Path(root, *package.split(".")[1:], inside))
    return [*([folder] if folder else []), *bundled]


def _read_ranks(file: Path, digest: str) -> dict[bytes, int] | None:
    """The ranks in `file`; None when it is missing, unreadable or not the file that it should be."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    if sha256(content).hexdigest() != digest:
        return None
    rows = (line.split() for line in content.splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in rows}


@dataclass(frozen=True)
class _Shape:
    """What an encoding is besides its ranks."""

    sha256: str
    pattern: str
    special: Mapping[str, int]

    def encoding(self, name: str, ranks: dict[bytes, int]) -> object:
        import tiktoken

        return tiktoken.Encoding(
            name=name, pat_str=self.pattern, mergeable_ranks=ranks, special_tokens=dict(self.special)
        )


_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SHAPES: Mapping[str, _Shape] = {
    "cl100k_base": _Shape(
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|"
        r"\s+(?!\S)|\s",
        {"<|endoftext|>": 100257, "<|endofprompt|>": 100276},
    ),
    "o200k_base": _Shape(
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
        r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        {"<|endoftext|>": 199999, "<|endofprompt|>": 200018},
    ),
}

# the estimate

_PIECES = re.compile(
    r"(?P<digits> ?[0-9]+)|(?P<mixed>(?<=[0-9])[A-Za-z]+|[A-Z]{2,}|[A-Za-z]+(?=[0-9]))|(?P<word>[A-Z]?[a-z]+|[A-Z])|"
    r"(?P<sign>[^A-Za-z0-9\s]|\n+|[ \t]{2,})"
)


@lru_cache(maxsize=4096)
def _estimate(text: str) -> int:
    ascii_text = text if text.isascii() else text.encode("ascii", "ignore").decode()
    pieces = sum(_price(piece) for piece in _PIECES.finditer(ascii_text))
    # emoji and other rare signs are two units of UTF-16, and cost twice as much
    wide = (len(text.encode("utf-16-le", "surrogatepass")) // 2 - len(ascii_text)) * WIDE_TOKENS
    return ceil(max(len(ascii_text) / CHARACTERS_PER_TOKEN, pieces * MARGIN) + wide)


def _price(piece: re.Match[str]) -> int:
    """A word of up to six letters is mostly one token; digits go by threes and have their space apart; capitals and
    letters among digits go by twos; a sign is one at most."""
    text = piece.group()
    if piece.lastgroup == "digits":
        return ceil(len(text.strip()) / 3) + (text[0] == " ")
    if piece.lastgroup == "sign":
        return 1
    return ceil(len(text) / (2 if piece.lastgroup == "mixed" else 6))


# conversations


def messages_tokens(count: TokenCounter, messages: Sequence[BaseMessage]) -> int:
    """Tokens of what is sent: every message with its frame, the calls in it, and the opening of the answer."""
    return sum(message_tokens(count, message) for message in messages) + ANSWER_TOKENS


def message_tokens(count: TokenCounter, message: BaseMessage) -> int:
    """Tokens of one message, with its calls or the id that it answers."""
    total = MESSAGE_TOKENS + count.text(str(message.text))
    if isinstance(message, AIMessage):
        total += sum(
            CALL_TOKENS + count.text(call["name"]) + count.text(_json(call["args"])) for call in message.tool_calls
        )
    if isinstance(message, ToolMessage):
        total += count.text(message.tool_call_id)
    return total


def answer_tokens(count: TokenCounter, message: AIMessage) -> int:
    """Tokens that a model wrote."""
    return message_tokens(count, message) - MESSAGE_TOKENS


def definitions_tokens(count: TokenCounter, definitions: Sequence[Mapping[str, Any]]) -> int:
    """Tokens of tool definitions, counted as the JSON that is sent: endpoints write them down in a shorter form."""
    return sum(CALL_TOKENS + count.text(_json(definition)) for definition in definitions)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
