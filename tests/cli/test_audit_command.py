"""`millwright audit` and `millwright trace`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.inside import command_in
from tests.cli.running import Millwright
from tests.tools.audited import telling
from tools import tracing
from tools.audit import FILE, resting_on
from tools.tracing_names import CONVERSATION
from tools.tracing_spans import start


@pytest.fixture
def run(home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Millwright]:
    home.mkdir(exist_ok=True)
    with command_in(home, tmp_path, capfd) as command:
        yield command


def test_effects_are_shown_with_who_and_by_what(run: Millwright, home: Path) -> None:
    assert "Nothing is on record." in run("audit").out
    shop = resting_on(telling(home), "yes_1")
    shop.call("tell_all", text="hello")
    with pytest.raises(RuntimeError):
        shop.call("tell_all", text="break")
    shown = run("audit", "--tail", "3").out
    assert "failed: RuntimeError" in shown
    assert shown.count("tell_all") == 3
    document = run("audit", "--tool", "tell_all", "--json").document
    assert [entry["kind"] for entry in document["entries"]] == ["begun", "ended", "begun", "ended"]
    assert document["entries"][0]["approval"] == "yes_1"
    assert run("audit", "--since", "2999-01-01", "--json").document["entries"] == []


def test_what_a_command_does_to_others_is_on_record_as_done_by_it(run: Millwright) -> None:
    assert run("memory", "add", "tenure is in months", "--json").code == 0
    assert run("memory", "forget", "--all", "--yes", "--json").code == 0
    entries = run("audit", "--json").document["entries"]
    assert [(entry["tool"], entry["kind"], entry["surface"]) for entry in entries] == [
        *(("forget", "begun", "cli"), ("forget", "ended", "cli")),
    ]


def test_verify_names_the_first_line_that_was_touched_and_fails(run: Millwright, home: Path) -> None:
    telling(home).call("tell_all", text="hello")
    good = run("audit", "verify")
    assert (good.code, "2 entries, as they were written." in good.out) == (0, True)
    text = (home / FILE).read_text()
    (home / FILE).write_text(text.replace("hello", "hullo"))
    bad = run("audit", "verify")
    assert (bad.code, bad.out.strip()) == (1, "Line 1 of 2 is not as it was written: it was changed.")
    assert run("audit", "verify", "--json").document["line"] == 1


def test_a_trace_is_shown_as_a_tree_and_an_unknown_one_says_how_to_have_it(run: Millwright, home: Path) -> None:
    start("file", home)
    with tracing.span("turn", {CONVERSATION: "ses_1"}), tracing.span("tool", {}):
        pass
    tracing.record(None)
    lines = run("trace", "ses_1").out.rstrip().splitlines()
    assert [line.split(" s  ")[1] for line in lines] == ["turn", "  tool"]
    assert len(run("trace", "ses_1", "--json").document["traces"][0]) == 2
    unknown = run("trace", "ses_2", "--json")
    assert (unknown.code, unknown.error["code"]) == (1, "trace_not_found")
