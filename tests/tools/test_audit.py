"""The audit: every effect is in it, in a chain that no hand can change unseen."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadChoice, HomeNotWritable
from tests.tools.audited import telling
from tools.audit import FILE, HEAD, Actor, Audit, Entry, approved, audit_of, chosen, resting_on, unfinished
from tools.catalogue import invoke
from tools.workshop import Workshop

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ANN = Actor(who="ann", surface="http")


@pytest.fixture
def shop(home: Path) -> Workshop:
    return telling(home)


def entries(shop: Workshop) -> list[Entry]:
    return list(audit_of(shop).entries())


def filled(home: Path, lines: int = 5) -> Audit:
    audit = Audit(home, lambda: NOW)
    for number in range(lines):
        audit.add("approval", f"a{number}", ANN, decision=bool(number % 2), reason=f"reason {number}", tool="promote")
    return audit


def test_an_effect_is_on_record_where_it_begins_and_where_it_ends(shop: Workshop) -> None:
    agreed = resting_on(replace(shop, actor=ANN), "yes_1")
    agreed.call("tell_all", text="postgresql://me:hunter22@host")
    agreed.call("look", text="around")
    begun, ended = entries(shop)
    assert (begun.kind, begun.tool, begun.effect, begun.who, begun.surface) == (
        *("begun", "tell_all", "external", "ann", "http"),
    )
    assert begun.arguments == {"text": "postgresql://me:***@host"}
    assert (ended.kind, ended.id, ended.approval, len(ended.result), ended.error) == (
        *("ended", begun.id, "yes_1", 64, ""),
    )
    assert ended.before == begun.hash
    assert audit_of(shop).verify().intact


def test_an_effect_that_fails_is_on_record_with_its_code_and_no_secret_is(shop: Workshop) -> None:
    with pytest.raises(BadChoice, match=r"password=\*\*\*"):
        shop.call("tell_all", text="no")
    with pytest.raises(RuntimeError):
        shop.call("tell_all", text="break")
    assert [entry.error for entry in entries(shop)] == ["", "bad_choice", "", "RuntimeError"]
    assert b"hunter22" not in (shop.home / FILE).read_bytes()


def test_an_approval_is_on_record_with_who_said_what_to_which_call(shop: Workshop) -> None:
    about = {"session": "ses_1"}
    approved(replace(shop, actor=ANN), "ap_1", False, about, ("tell_all", {"text": "token=abcdefgh"}), "not now")
    (entry,) = entries(shop)
    assert (entry.kind, entry.id, entry.who, entry.decision, entry.reason) == (
        *("approval", "ap_1", "ann", False, "not now"),
    )
    assert (dict(entry.about), entry.tool, entry.arguments) == (about, "tell_all", {"text": "token=***"})


def test_an_approval_of_one_call_holds_no_other(shop: Workshop) -> None:
    agreed = resting_on(shop, "yes_1", "ses_1/1/c1/ab")
    for name in ("ses_1/1/c1/ab", "ses_1/1/c1/ab~2", "ses_1/1/c1/abc", None):
        invoke(agreed, "tell_all", {"text": "hello"}, call_id=name)
    assert [entry.approval for entry in entries(shop) if entry.kind == "begun"] == ["yes_1", "yes_1", "", ""]


def test_without_a_name_it_is_the_user_of_the_machine(shop: Workshop) -> None:
    shop.call("tell_all", text="hello")
    assert entries(shop)[0].who == Actor().name != ""


def test_the_file_is_its_owners_alone_and_a_line_is_one_line(home: Path) -> None:
    filled(home, 2).add("approval", "x", ANN, reason="two\nlines", decision=True)
    assert (home / FILE).stat().st_mode & 0o777 == 0o600
    assert (home / HEAD).stat().st_mode & 0o777 == 0o600
    assert len((home / FILE).read_text().splitlines()) == 3


def test_what_cannot_be_recorded_is_not_done(shop: Workshop, tmp_path: Path) -> None:
    (shop.home / FILE).mkdir()
    with pytest.raises((HomeNotWritable, IsADirectoryError)):
        shop.call("tell_all", text="hello")


@settings(max_examples=150, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_every_changed_byte_is_found(tmp_path_factory: pytest.TempPathFactory, place: float, byte: int) -> None:
    home = tmp_path_factory.mktemp("audit")
    audit = filled(home)
    data = bytearray((home / FILE).read_bytes())
    spot = int(place * len(data))
    was, data[spot] = data[spot], byte
    (home / FILE).write_bytes(data)
    verdict = audit.verify()
    assert verdict.intact is (was == byte)
    if was != byte:
        assert verdict.line in (data[:spot].count(b"\n") + 1, data[:spot].count(b"\n") + 2)


@settings(max_examples=60, deadline=None)
@given(order=st.lists(st.integers(0, 4), max_size=7))
def test_every_removed_repeated_or_moved_line_is_found(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    home = tmp_path_factory.mktemp("audit")
    audit = filled(home)
    lines = (home / FILE).read_bytes().splitlines(keepends=True)
    (home / FILE).write_bytes(b"".join(lines[number] for number in order))
    verdict = audit.verify()
    assert verdict.intact is (order == [0, 1, 2, 3, 4])
    same = next((n for n, number in enumerate(order) if number != n), len(order))
    if not verdict.intact:
        assert verdict.line == same + 1


def test_lines_that_were_taken_away_stay_missing_when_others_follow(home: Path) -> None:
    audit = filled(home)
    lines = (home / FILE).read_bytes().splitlines(keepends=True)
    (home / FILE).write_bytes(b"".join(lines[:3]))
    assert audit.verify().line == 4
    audit.add("approval", "later", ANN, decision=True)
    verdict = audit.verify()
    assert (verdict.intact, verdict.line) == (False, 4)


def test_without_its_head_the_file_is_not_taken_for_whole(home: Path) -> None:
    audit = filled(home)
    (home / HEAD).unlink()
    assert (audit.verify().intact, audit.verify().problem) == (False, f"{HEAD} is missing")


def test_half_a_line_of_a_killed_writer_is_cut_off_and_breaks_nothing(home: Path) -> None:
    audit = filled(home, 2)
    with (home / FILE).open("ab") as file:
        file.write(b'{"number":3,"ti')
    assert audit.verify().intact
    audit.add("approval", "x", ANN, decision=True)
    assert (audit.verify().intact, audit.verify().entries) == (True, 3)


def test_a_writer_that_was_killed_before_the_head_breaks_nothing(home: Path) -> None:
    audit = filled(home, 2)
    head = (home / HEAD).read_bytes()
    audit.add("approval", "x", ANN, decision=True)
    (home / HEAD).write_bytes(head)
    assert audit.verify().intact
    audit.add("approval", "y", ANN, decision=True)
    assert (audit.verify().intact, audit.verify().entries) == (True, 4)


def test_threads_write_one_chain(shop: Workshop) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: shop.call("tell_all", text=str(number)), range(24)))
    verdict = audit_of(shop).verify()
    assert (verdict.intact, verdict.entries, verdict.unfinished) == (True, 48, ())


def test_processes_write_one_chain(home: Path) -> None:
    script = (
        "from datetime import UTC, datetime; from pathlib import Path; from tools.audit import Actor, Audit\n"
        f"audit = Audit(Path({str(home)!r}), lambda: datetime.now(UTC))\n"
        "for number in range(40): audit.add('approval', f'a{number}', Actor(), decision=True)"
    )
    processes = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(3)]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    verdict = Audit(home, lambda: NOW).verify()
    assert (verdict.intact, verdict.entries) == (True, 120)


def test_an_effect_that_a_kill_cut_off_stands_as_begun(home: Path) -> None:
    (home / "kill").touch()
    killed = subprocess.run([sys.executable, "-m", "tests.tools.audited", str(home), "1"], check=False, timeout=120)
    assert killed.returncode == -9
    os.unlink(home / "kill")
    shop = telling(home)
    shop.call("tell_all", text="again")
    verdict = audit_of(shop).verify()
    cut = entries(shop)[0]
    assert (verdict.intact, verdict.unfinished, cut.kind) == (True, (cut.id,), "begun")
    assert unfinished(entries(shop)) == (cut.id,)


def test_the_last_of_a_tool_from_a_moment_on_are_chosen(home: Path) -> None:
    audit = filled(home, 3)
    audit.add("approval", "other", ANN, tool="deploy", decision=True)
    known = list(audit.entries())
    assert [entry.id for entry in chosen(known, tail=1)] == ["other"]
    assert [entry.id for entry in chosen(known, tail=2, tool="promote")] == ["a1", "a2"]
    assert chosen(known, since=datetime(2027, 1, 1)) == []
    assert len(chosen(known, since=NOW)) == 4
