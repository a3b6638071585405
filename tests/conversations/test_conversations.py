"""Ten conversations of newcomers end as they ended when they were kept."""

from pathlib import Path

import pytest

from tests.conversations.lines import CONVERSATIONS
from tests.conversations.recording import PAGE, hold, kept, page, record, replayed


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_newcomers_conversation_goes_as_it_went(home: Path, name: str) -> None:
    from millwright.compose import inline_workshop
    from millwright.settings import Settings

    then = kept(name)
    assert [turn.you for turn in then] == list(CONVERSATIONS[name][1])
    with replayed(home, then, inline_workshop(Settings(home=home))) as sessions:
        now = hold(sessions, CONVERSATIONS[name][1])
    assert [turn.text for turn in now] == [turn.text for turn in then]
    assert [turn.waits for turn in now] == [turn.waits for turn in then]


def test_the_page_shows_the_conversations_that_are_kept() -> None:
    assert PAGE.read_text(encoding="utf-8") == page({name: kept(name) for name in CONVERSATIONS})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["first-steps", "changes-of-mind", "into-production"])
def test_with_real_tools_the_same_calls_are_made(name: str) -> None:
    calls = [[call.tool for call in turn.calls] for turn in record(CONVERSATIONS[name][1])]
    assert calls == [[call.tool for call in turn.calls] for turn in kept(name)]
