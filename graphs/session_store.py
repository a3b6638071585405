"""The folders of sessions: session.json, the turns and the events, all readable while a turn is under way.

sessions/ses_1b2d4e3f9a0c/session.json   id, title, memory, parent
                          turns.jsonl    a line when a turn begins and when it stops; the newest of a number counts
                          events.jsonl   the journal
                          lease          held by whoever works on the session
                          cancel         there while somebody wants the turn under way to stop

The folder and what is in it is the owner's alone: people type passwords into conversations.
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from engine.errors import NotFound
from engine.files import typed_disk_errors, write_json
from graphs.journal import Journal
from graphs.session_checks import as_title
from graphs.session_types import SessionInfo, TurnRecord, TurnState
from tools.lines import LineFile

TITLE = 80
"""Characters of what was said first that make a title."""
READ = 10_000
"""Characters of it that are looked at, so that the list of conversations is not slow where somebody pasted a book."""
_STATES: dict[TurnState, Literal["idle", "working", "waiting", "failed"]] = {
    "working": "working",
    "waiting": "waiting",
    "failed": "failed",
}


class SessionFolder:
    """One session on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = Journal(path / "events.jsonl")
        self._turns = LineFile(path / "turns.jsonl")
        self._cancel = str(path / "cancel")  # looked for while words stream

    @property
    def there(self) -> bool:
        """Whether the session exists."""
        return (self.path / "session.json").exists()

    def info(self) -> SessionInfo:
        """The session as it stands: what was decided about it, and what its turns add to that."""
        info = SessionInfo.model_validate(json.loads((self.path / "session.json").read_text()))
        line = self._turns.last()
        if line is None:
            return info
        last = TurnRecord.model_validate_json(line)
        first = TurnRecord.model_validate_json(self._turns.first() or line)
        return info.model_copy(
            update={
                "title": info.title or as_title(first.said[:READ])[:TITLE],
                "state": _STATES.get(last.state, "idle"),
                "updated": max(info.updated, last.ended or last.began),
            }
        )

    def decide(self, change: Callable[[SessionInfo], SessionInfo]) -> None:
        """Change what session.json says."""
        file = self.path / "session.json"
        info = SessionInfo.model_validate(json.loads(file.read_text()))
        _write_info(file, change(info))

    def turns(self) -> list[TurnRecord]:
        """The newest record of each turn, in order, those that were undone among them."""
        records = (TurnRecord.model_validate_json(line) for line in self._turns.lines())
        newest = {record.number: record for record in records}
        return [newest[number] for number in sorted(newest)]

    def last_turn(self) -> TurnRecord | None:
        """The turn that was written of last."""
        line = self._turns.last()
        return TurnRecord.model_validate_json(line) if line else None

    def record(self, turns: Sequence[TurnRecord]) -> None:
        """Write of these turns, of all or of none."""
        self._turns.append([turn.model_dump_json() for turn in turns])

    @property
    def cancel_wanted(self) -> bool:
        """Whether somebody wants the turn under way to stop."""
        return os.path.exists(self._cancel)

    def want_cancel(self, wanted: bool) -> None:
        """Say so, or take it back."""
        with suppress(FileNotFoundError):  # the session was deleted meanwhile
            Path(self._cancel).touch() if wanted else os.unlink(self._cancel)

    def close(self) -> None:
        """Let go of the files that were written."""
        self.journal.close()
        self._turns.close()

    def remove(self) -> None:
        """Take the session away; from the first moment on nobody finds it any more."""
        (self.path / "session.json").unlink()
        shutil.rmtree(self.path, ignore_errors=True)


class SessionStore:
    """All sessions of one home."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def list(self) -> list[SessionInfo]:
        """All sessions, the one used last first."""
        found = [SessionFolder(file.parent).info() for file in self._root.glob("*/session.json")]
        return sorted(found, key=lambda info: info.updated, reverse=True)

    def new(self, info: SessionInfo) -> SessionInfo:
        """Make a session."""
        folder = self._root / info.id
        with typed_disk_errors(folder):
            self._root.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        _write_info(folder / "session.json", info)
        return info

    def folder(self, session: str) -> SessionFolder:
        """The folder of a session.

        Raises:
            NotFound: `session_not_found`.
        """
        # an id is a name, never a path; one that no file can have is no session's
        name = session if isinstance(session, str) and session == Path(session).name and len(session) <= 100 else ""
        folder = SessionFolder(self._root / name)
        if not name or "\0" in name or not folder.there:
            raise NotFound("session", str(session)[:100], [info.id for info in self.list()])
        return folder


def _write_info(file: Path, info: SessionInfo) -> None:
    write_json(file, info.model_dump(mode="json"))
    file.chmod(0o600)
