"""Who said yes or no to what, and what was done to others: `audit.jsonl` in the home, which is only ever added to.

Each line holds the hash of the one before and its own, and `audit.head` the number and hash of the last, so that a line
that was changed, removed, added between or put elsewhere is found (`Audit.verify`). It is no defence against somebody
who may write in the home and makes all hashes anew: keep the last hash elsewhere for that.
"""

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.errors import MillwrightError
from engine.files import typed_disk_errors
from engine.redaction import redacted
from tools.lines import LineFile

if TYPE_CHECKING:
    from tools.spec import ToolRequest, ToolResult, ToolSpec
    from tools.workshop import Workshop

FILE, HEAD, LOCK = "audit.jsonl", "audit.head", "audit.lock"
START = "0" * 64
ACTS = ("write", "external")
BY_REQUEST = "yes to all"
"""What an effect rests on where its run was asked for with a yes to all."""
_LINE = re.compile(rb'(\{.*),"hash":"([0-9a-f]{64})"\}', re.DOTALL)

log = logging.getLogger("millwright.audit")
surface: ContextVar[str] = ContextVar("surface", default="python")
"""By what this process is spoken to: cli, http, worker, crew or python. The one who opens a workshop reads it."""


@dataclass(frozen=True)
class Actor:
    """For whom a workshop works: `who` is '' for the user of this machine; `approval` is what effects rest on.

    With a `call` it is good for that call alone, and for the attempts of it (`call~2`).
    """

    who: str = ""
    surface: str = "python"
    approval: str = ""
    call: str = ""

    @property
    def name(self) -> str:
        """Who it is, in words."""
        return self.who or _user()

    def approval_of(self, call: str) -> str:
        """What a call rests on; '' is nothing."""
        return self.approval if not self.call or call == self.call or call.startswith(f"{self.call}~") else ""


ANYBODY = Actor()
"""The user of this machine, from Python."""


class Entry(BaseModel):
    """One line: an approval that was given or refused, or an effect that was begun or ended.

    Attributes:
        id: of an approval as it was asked for; of an effect its own, the same where it ends.
        about: what an approval is good for: the session, run or monitor, with the call, the plan's hash or the step.
        call: what names a call for good; its job has it too. An approval of one call names that.
        approval: the approval that an effect rests on, '' where none was asked for.
        result: the SHA-256 of the result's JSON; `error` is the code of what it failed with instead.
        before: the hash of the line before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=1)
    time: datetime
    kind: Literal["approval", "begun", "ended"]
    id: str
    who: str
    surface: str
    tool: str = ""
    effect: str = ""
    about: Mapping[str, str] = {}
    arguments: Mapping[str, Any] | None = None
    call: str = ""
    approval: str = ""
    decision: bool | None = None
    reason: str = ""
    result: str = ""
    error: str = ""
    before: str
    hash: str = ""


class Verdict(BaseModel):
    """Whether the file is as it was written. `line` is the first that is not, from 1; `unfinished` are the effects that
    were begun and whose end is not on record; `last` is the hash of the last line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: int
    intact: bool
    line: int | None = None
    problem: str = ""
    unfinished: tuple[str, ...] = ()
    last: str = START


class Audit:
    """The audit of one home. Threads and processes may write it at once."""

    def __init__(self, home: Path, now: Callable[[], datetime]) -> None:
        self._home, self._now = home, now
        self._file, self._head = home / FILE, home / HEAD

    def add(self, kind: Literal["approval", "begun", "ended"], id_: str, actor: Actor, **more: object) -> None:
        """Add a line; secrets in it are blotted out.

        Raises:
            DiskFull, HomeNotWritable: it was not written.
        """
        with self._locked():
            number, before = self._end()
            told = {"number": number + 1, "time": self._now(), "kind": kind, "id": id_, "who": actor.name}
            entry = Entry.model_validate({**told, "surface": actor.surface, **more, "before": before})
            plain = entry.model_dump(mode="json", exclude_defaults=True)
            body = json.dumps(redacted(plain), ensure_ascii=False, separators=(",", ":")).encode()
            own = hashlib.sha256(body).hexdigest()
            lines = LineFile(self._file)
            try:
                lines.append([f'{body[:-1].decode()},"hash":"{own}"}}'])
            finally:
                lines.close()
            self._set_head(number + 1, own)

    def entries(self) -> Iterator[Entry]:
        """The lines as they stand, oldest first; one that cannot be read is passed over (`verify` names it)."""
        for line in LineFile(self._file).lines():
            with suppress(ValueError):
                yield Entry.model_validate_json(line)

    def verify(self) -> Verdict:
        """Read all of it, and say the first line that is not as it was written."""
        with self._locked():
            lines = [line.removesuffix(b"\n") for line in LineFile(self._file).lines()]
            head = self._known_head()
        before, hashes = START, []
        for number, line in enumerate(lines, 1):
            problem, before = _checked(line, number, before)
            if problem:
                return Verdict(entries=len(lines), intact=False, line=number, problem=problem, last=before)
            hashes.append(before)
        line_, problem = _against_head(hashes, head)
        open_ = unfinished(list(self.entries()))
        return Verdict(
            entries=len(lines), intact=not problem, line=line_, problem=problem, unfinished=open_, last=before
        )

    def _locked(self) -> AbstractContextManager[None]:
        # here, not above: the command line reads the catalogue and must not load SQLAlchemy for it
        from engine.database import file_lock

        return file_lock(self._home / LOCK)

    def _end(self) -> tuple[int, str]:
        """Number and hash of the last line. By the head, so that lines that were taken away stay missing; where a
        writer was killed between its line and the head, by the line."""
        number, own = self._known_head() or (0, START)
        last = LineFile(self._file).last()
        found = None if last is None else _LINE.fullmatch(last.removesuffix(b"\n"))
        if last is not None and found is not None:
            with suppress(ValueError):
                entry = Entry.model_validate_json(last)
                if entry.number == number + 1 and entry.before == own:
                    return entry.number, found[2].decode()
        return number, own

    def _known_head(self) -> tuple[int, str] | None:
        try:
            number, own = self._head.read_text(encoding="ascii").split()
            return int(number), own
        except (FileNotFoundError, ValueError):
            return None

    def _set_head(self, number: int, own: str) -> None:
        with typed_disk_errors(self._head):
            handle = os.open(self._head, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                # always of one length, so that no kill leaves a part of the older one
                os.pwrite(handle, f"{number:020d} {own}\n".encode(), 0)
            finally:
                os.close(handle)


def audit_of(workshop: "Workshop") -> Audit:
    """The audit of a workshop's home."""
    return Audit(workshop.home, workshop.now)


def approved(
    workshop: "Workshop",
    id_: str,
    decision: bool,
    about: Mapping[str, str],
    call: tuple[str, Mapping[str, object]] | None = None,
    reason: str = "",
    name: str = "",
) -> None:
    """Write down that somebody said yes or no, to a `call` (tool and arguments) or a plan, before anything follows.

    `name` is what names the call for good.

    Raises:
        DiskFull, HomeNotWritable: it was not written, and nothing may follow.
    """
    tool, arguments = call or ("", None)
    told = {"decision": decision, "about": dict(about), "tool": tool, "arguments": arguments, "reason": reason}
    told["call"] = name
    audit_of(workshop).add("approval", id_, workshop.actor, **told)


def resting_on(workshop: "Workshop", approval: str, call: str = "") -> "Workshop":
    """The workshop whose effects, or those of the one `call` that is named, rest on an approval."""
    return replace(workshop, actor=replace(workshop.actor, approval=approval, call=call))


@contextmanager
def audited(
    workshop: "Workshop", spec: "ToolSpec", request: "ToolRequest", call: str | None
) -> "Iterator[Callable[[ToolResult], None]]":
    """Write down that a call with an effect begins and how it ends; the block tells its result. Others pass.

    Raises:
        DiskFull, HomeNotWritable: the beginning cannot be written, and nothing is begun.
    """
    if spec.effect not in ACTS:
        yield _unheard
        return
    audit, id_ = audit_of(workshop), f"eff_{token_hex(6)}"
    named = {"tool": spec.name, "effect": spec.effect, "call": call or ""}
    named["approval"] = workshop.actor.approval_of(named["call"])
    told: list[str] = []

    def ended(result: "ToolResult") -> None:
        told.append(hashlib.sha256(result.model_dump_json().encode()).hexdigest())

    def end(**how: str) -> None:
        try:
            audit.add("ended", id_, workshop.actor, **named, **how)
        except MillwrightError:
            # what was done is done; it stays on record as begun
            log.exception("the end of %s could not be written to the audit", id_)

    audit.add("begun", id_, workshop.actor, **named, arguments=request.model_dump(mode="json"))
    try:
        yield ended
    except BaseException as error:
        end(error=error.code if isinstance(error, MillwrightError) else type(error).__name__)
        raise
    end(result=told[0])


def unfinished(entries: Sequence[Entry]) -> tuple[str, ...]:
    """The ids of the effects that were begun and whose end is not on record."""
    ended = {entry.id for entry in entries if entry.kind == "ended"}
    return tuple(entry.id for entry in entries if entry.kind == "begun" and entry.id not in ended)


def chosen(
    entries: Sequence[Entry], tail: int | None = None, tool: str | None = None, since: datetime | None = None
) -> list[Entry]:
    """The last `tail` of the entries about a tool from a moment on; a moment without a time zone is one in UTC."""
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    found = [
        entry for entry in entries if (tool is None or entry.tool == tool) and (since is None or entry.time >= since)
    ]
    return found if tail is None else found[-tail:]


def _unheard(_: "ToolResult") -> None:
    """Of a call without an effect nothing is written down."""


def _checked(line: bytes, number: int, before: str) -> tuple[str, str]:
    """What is wrong with a line ('' for nothing), and its hash."""
    found = _LINE.fullmatch(line)
    if found is None:
        return "it is no line of an audit", before
    body, own = found[1] + b"}", found[2].decode()
    if hashlib.sha256(body).hexdigest() != own:
        return "it was changed", before
    try:
        entry = Entry.model_validate_json(line)
    except ValueError:
        return "it is no line of an audit", before
    if entry.before != before or entry.number != number:
        return "a line before it was removed, added or put elsewhere", before
    return "", own


def _against_head(hashes: Sequence[str], head: tuple[int, str] | None) -> tuple[int | None, str]:
    """The first line that the head does not agree with, and why; a writer may have been killed before the head."""
    if head is None:
        return (1, f"{HEAD} is missing") if len(hashes) > 1 else (None, "")
    number, own = head
    if number > len(hashes):
        return len(hashes) + 1, f"{number - len(hashes)} line(s) at the end were removed"
    if number < len(hashes) - 1:
        return number + 1, f"{HEAD} is older than the file"
    if (hashes[number - 1] if number else START) != own:
        return max(number, 1), "it is not the line that was written"
    return None, ""


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
