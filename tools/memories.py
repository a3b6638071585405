"""What is remembered beyond one conversation: facts and preferences, in one file of the home that its user can read.

What is kept is data, as a cell of a table is: it is shown to a model as something that was said, and never obeyed.
"""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from engine.errors import BadArguments, NotFound
from engine.files import write_atomic
from engine.redaction import kind_of_secret

MOST_KEPT = 500
MOST_CHARACTERS = 500
MOST_SHOWN = 10
FOLDER = "memories"

Kind = Literal["fact", "preference"]
Source = Literal["user", "result"]


class Memory(BaseModel):
    """One thing that is remembered. `about` is the id of a dataset or model, None for what holds everywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^mem_[0-9a-f]{12}$")
    text: str = Field(min_length=1, max_length=MOST_CHARACTERS)
    kind: Kind
    about: str | None = None
    source: Source
    owner: str = Field("", description="Whose it is; '' where nobody logs in.")
    created: datetime
    told: int = Field(1, ge=1, description="How often it was told.")


MEMORIES: TypeAdapter[list[Memory]] = TypeAdapter(list[Memory])

_WORD = re.compile(r"\w+")
_COMMON = frozenset(
    _WORD.findall(
        "a an and are as at be by can do does for from have how i in is it its me my not of on or our so that the this "
        "to was we what when which who why will with you your please use"
    )
)


class Memories:
    """The memories of one home. Processes and threads may share it: every change is made under a lock.

    Args:
        home: where the folder `memories` lies.
        owner: whose memories are read and written; others are not seen.
        most: kept of one owner.
    """

    def __init__(self, home: Path, now: Callable[[], datetime], owner: str = "", most: int = MOST_KEPT) -> None:
        self._most = most
        self._path = home / FOLDER / "memories.json"
        self._now = now
        self._owner = owner

    @property
    def path(self) -> Path:
        """The file that they are kept in."""
        return self._path

    def all(self) -> list[Memory]:
        """All of the owner's, newest first.

        Raises:
            BadArguments: the file was edited into something that is none of ours.
        """
        return [memory for memory in self._read() if memory.owner == self._owner][::-1]

    def add(self, text: str, kind: Kind, about: str | None = None, source: Source = "user") -> tuple[Memory, str]:
        """Keep a sentence, and say in words what became of it beside that ('' if nothing).

        The same sentence about the same thing is kept once. When the store is full, the oldest that came from a result
        makes room; what a user said never does.

        Raises:
            BadArguments: it holds nothing, is too long, looks like a secret, or there is no room.
            DiskFull, HomeNotWritable: nothing is changed.
        """
        plain = checked_text(text)
        with self._locked():
            kept = self._read()
            id_ = _id(self._owner, about, plain)
            known = next((memory for memory in kept if memory.id == id_), None)
            if known is not None:
                again = known.model_copy(update={"told": known.told + 1, "kind": kind, "source": _of(known, source)})
                self._write([memory for memory in kept if memory.id != id_] + [again])
                return again, "It was known already."
            kept, note = self._with_room(kept)
            memory = Memory(
                id=id_, text=plain, kind=kind, about=about, source=source, owner=self._owner, created=self._now()
            )
            self._write([*kept, memory])
        return memory, note

    def forget(self, id_: str) -> Memory:
        """Raises: NotFound: nothing of the owner's has this id."""
        gone = self.forget_where(lambda memory: memory.id == id_)
        if not gone:
            raise NotFound("memory", id_, [memory.id for memory in self.all()[:20]])
        return gone[0]

    def forget_where(self, which: Callable[[Memory], bool]) -> list[Memory]:
        """Forget all of the owner's for which this holds; gives what is gone."""
        with self._locked():
            kept = self._read()
            gone = [memory for memory in kept if memory.owner == self._owner and which(memory)]
            if gone:
                ids = {memory.id for memory in gone}
                self._write([memory for memory in kept if memory.id not in ids])
        return gone

    def _locked(self) -> AbstractContextManager[None]:
        # here, not above: the command line reads the catalogue and must not load SQLAlchemy for it
        from engine.database import file_lock

        return file_lock(self._path.with_name("memories.lock"))

    def _with_room(self, kept: list[Memory]) -> tuple[list[Memory], str]:
        mine = [memory for memory in kept if memory.owner == self._owner]
        if len(mine) < self._most:
            return kept, ""
        oldest = next((memory for memory in mine if memory.source == "result"), None)
        if oldest is None:
            raise BadArguments(
                f"{self._most} memories are kept at most, and all of them are what the user said.",
                "Forget some first: list_memories shows them.",
            )
        return [memory for memory in kept if memory.id != oldest.id], f"To make room, this was forgotten: {oldest.text}"

    def _read(self) -> list[Memory]:
        try:
            return MEMORIES.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise BadArguments(
                f"The memories in {str(self._path)!r} cannot be read.", "Mend the file, or move it away to start anew."
            ) from error

    def _write(self, memories: Sequence[Memory]) -> None:
        write_atomic(self._path, MEMORIES.dump_json([*memories], indent=1))


def relevant(store: Memories, question: str, about: str | None = None, most: int = MOST_SHOWN) -> list[Memory]:
    """What may matter to a question, the most telling first: memories that share words with it (BM25) or are about the
    dataset or model at hand, and preferences that hold everywhere. What is about another one needs a word in common."""
    scored = []
    for place, (memory, score) in enumerate(_scored(store.all(), question)):
        at_hand = about is not None and memory.about == about
        everywhere = memory.about is None and memory.kind == "preference"
        whole = 2 * score + 1.0 * at_hand + 0.5 * everywhere
        if whole > 0:
            scored.append((-whole, place, memory))  # of equals the newest first
    return [memory for _, _, memory in sorted(scored, key=lambda one: one[:2])[:most]]


def matching(store: Memories, words: str) -> list[Memory]:
    """The memories that share words with these, the best first."""
    found = [(memory, score) for memory, score in _scored(store.all(), words) if score > 0]
    return [memory for memory, _ in sorted(found, key=lambda one: -one[1])]


def _scored(memories: Sequence[Memory], asked: str) -> list[tuple[Memory, float]]:
    if not memories:
        return []
    return list(zip(memories, _bm25(_words(asked), [_words(one.text) for one in memories]), strict=True))


def checked_text(text: str) -> str:
    """A sentence as it is kept, on one line.

    Raises:
        BadArguments: it holds nothing, is too long, or looks like a secret.
    """
    plain = " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
    if not plain:
        raise BadArguments("There is nothing to remember.", "Give a sentence.")
    if len(plain) > MOST_CHARACTERS:
        raise BadArguments(
            f"{len(plain):,} characters are too many to remember; {MOST_CHARACTERS} are kept at most.",
            "Say it shorter, or in several.",
        )
    what = kind_of_secret(plain)
    if what is not None:
        raise BadArguments(f"This looks like {what}, and secrets are not kept.", "Say it without.")
    return plain


def _of(known: Memory, source: Source) -> Source:
    """What a user said stays what a user said."""
    return "user" if "user" in (known.source, source) else "result"


def _id(owner: str, about: str | None, text: str) -> str:
    same = " ".join(_WORD.findall(text.casefold()))
    key = "\0".join((owner, about or "", same or text))
    return f"mem_{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def _words(text: str) -> list[str]:
    words = [word for word in _WORD.findall(text.casefold()) if word not in _COMMON]
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words]


def _bm25(asked: Sequence[str], texts: Sequence[Sequence[str]], k: float = 1.2, b: float = 0.75) -> list[float]:
    """The BM25 score of each text. Source: Robertson and Zaragoza 2009."""
    mean = sum(map(len, texts)) / len(texts) or 1.0
    holders = Counter(word for text in texts for word in set(text))
    scores = []
    for text in texts:
        counts, length = Counter(text), k * (1 - b + b * len(text) / mean)
        scores.append(
            sum(
                math.log(1 + (len(texts) - holders[word] + 0.5) / (holders[word] + 0.5))
                * counts[word] * (k + 1) / (counts[word] + length)
                for word in set(asked)
                if word in counts
            )
        )  # fmt: skip
    return scores
