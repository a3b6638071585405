"""Remembering facts and preferences, listing them, forgetting them."""

from typing import TYPE_CHECKING

from pydantic import Field

from engine.errors import BadArguments, NotFound
from tools.memories import MOST_CHARACTERS, Kind, Memories, Memory, Source, matching
from tools.spec import ToolRequest, ToolResult, ToolSpec, costs_nothing

if TYPE_CHECKING:
    from tools.workshop import Workshop

About = Field(None, description="Dataset or model (id or name) that it is about; leave out for what holds everywhere.")


class RememberRequest(ToolRequest):
    """Keep a fact or a preference beyond this conversation."""

    text: str = Field(
        description=f"One plain sentence of at most {MOST_CHARACTERS} characters, e.g. 'Recall matters more than "
        "precision.' No passwords, keys or rows of data."
    )
    kind: Kind = Field("fact", description="'preference' for how the user wants things done, else 'fact'.")
    about: str | None = About
    source: Source = Field("user", description="'user' if the user said it, 'result' if a tool's result shows it.")


class ListMemoriesRequest(ToolRequest):
    """What is remembered."""

    query: str | None = Field(
        None, description="Only those that share words with this, the best first; all, newest first, without."
    )
    about: str | None = Field(None, description="Only what is about this dataset or model (id or name).")
    limit: int = Field(50, ge=1, le=500, description="How many at most.")


class ForgetRequest(ToolRequest):
    """Forget for good. Give exactly one. Needs approval."""

    id: str | None = Field(None, description="Memory id, e.g. 'mem_1b2d4e3f9a0c'.")
    all_about: str | None = Field(None, description="Everything about this dataset or model (id or name).")
    everything: bool = Field(False, description="All memories; only where the user asked for it.")


class MemoryLine(ToolResult):
    id: str
    text: str
    kind: Kind
    about: str | None
    source: Source
    created: str
    told: int


class Remembered(ToolResult):
    memory: MemoryLine
    note: str = ""


class MemoryList(ToolResult):
    """`kept` are all that there are; `file` is where they lie."""

    memories: tuple[MemoryLine, ...]
    kept: int
    file: str


class Forgotten(ToolResult):
    forgotten: tuple[MemoryLine, ...]
    kept: int


def remember(workshop: "Workshop", request: RememberRequest) -> Remembered:
    """Keep a sentence; one that is known already is not kept twice.

    Raises:
        BadArguments: empty, too long, a secret, or no room.
        NotFound: there is no such dataset or model.
    """
    about = None if request.about is None else subject_of(workshop, request.about)
    memory, note = memories_of(workshop).add(request.text, request.kind, about, request.source)
    return Remembered(memory=line(memory), note=note)


def list_memories(workshop: "Workshop", request: ListMemoriesRequest) -> MemoryList:
    """Raises: BadArguments: the file of the memories was damaged."""
    store = memories_of(workshop)
    found = store.all()
    kept = len(found)
    if request.query is not None:
        found = matching(store, request.query)
    if request.about is not None:
        names = _names(workshop, request.about)
        found = [memory for memory in found if memory.about in names]
    return MemoryList(memories=tuple(map(line, found[: request.limit])), kept=kept, file=str(store.path))


def forget(workshop: "Workshop", request: ForgetRequest) -> Forgotten:
    """Raises: NotFound: nothing has this id. BadArguments: not exactly one of the three is given."""
    store = memories_of(workshop)
    if [request.id is not None, request.all_about is not None, request.everything].count(True) != 1:
        raise BadArguments("Say what to forget.", "Give exactly one of `id`, `all_about` and `everything`.")
    if request.id is not None:
        gone = [store.forget(request.id)]
    elif request.all_about is not None:
        names = _names(workshop, request.all_about)
        gone = store.forget_where(lambda memory: memory.about in names)
    else:
        gone = store.forget_where(lambda _: True)
    return Forgotten(forgotten=tuple(map(line, gone)), kept=len(store.all()))


def memories_of(workshop: "Workshop") -> Memories:
    """The memories of a workshop's home."""
    return Memories(workshop.home, workshop.now)


def subject_of(workshop: "Workshop", name: str) -> str:
    """The id of the dataset or model that a name means.

    Raises:
        NotFound: there is neither.
    """
    try:
        return workshop.datasets.get(name).id
    except NotFound:
        try:
            return workshop.registry.get(name).model_id
        except NotFound as error:
            raise NotFound(
                "subject", name, hint="It is no dataset and no model. Leave `about` out for what holds everywhere."
            ) from error


def _names(workshop: "Workshop", name: str) -> set[str]:
    """The name as it is, since what it means may be gone, and the id that it means now."""
    try:
        return {name, subject_of(workshop, name)}
    except NotFound:
        return {name}


def line(memory: Memory) -> MemoryLine:
    """A memory in a row."""
    shown = memory.model_dump(include={"id", "text", "kind", "about", "source", "told"})
    return MemoryLine(**shown, created=memory.created.isoformat(timespec="seconds"))


TOOLS = (
    ToolSpec(
        name="remember",
        description="Keep a fact about the user's data or a preference of the user beyond this conversation, e.g. "
        "'tenure is in months' or 'recall matters more than precision'. Only what the user said or a result shows; "
        "never passwords or keys.",
        request=RememberRequest,
        result=Remembered,
        function=remember,
        effect="compute",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="list_memories",
        description="List what is remembered about the user's data and preferences, newest first, or what fits some "
        "words or is about a dataset or model.",
        request=ListMemoriesRequest,
        result=MemoryList,
        function=list_memories,
        effect="read",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="forget",
        description="Forget one memory, all about a dataset or model, or everything that is remembered. It cannot be "
        "undone, so it needs the user's approval.",
        request=ForgetRequest,
        result=Forgotten,
        function=forget,
        effect="write",
        estimate=costs_nothing,
    ),
)
