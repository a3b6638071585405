"""Goals run unattended: a policy decides what a person would be asked, and every step leaves an outcome."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel

from agents.offline import OfflinePlanner
from agents.scripted import ScriptedModel, call, say
from engine.errors import BadArguments, DataError, NotFound, SourceNotFound
from graphs.checkpoints import open_saver
from millwright.orchestrate import Office
from millwright.script_types import Script, ScriptSummary, StepOutcome, read_script
from millwright.scripts import resume_script, start_script, with_policy
from millwright.settings import Settings
from tests.graphs.smallshop import effects, small_workshop, write_rows


@contextmanager
def office_in(home: Path, model: BaseChatModel | None = None) -> Iterator[Office]:
    with open_saver(home) as saver:
        yield Office(small_workshop(home), model or OfflinePlanner(), saver, Settings(home=home))


def run(home: Path, steps: list[dict[str, Any]], model: BaseChatModel | None = None, **choices: Any) -> ScriptSummary:
    script = Script.model_validate({"steps": steps, **choices})
    with office_in(home, model) as office:
        return start_script(office, script, "goals.yaml", name="scr_1")


def states(summary: ScriptSummary) -> list[str]:
    return [step.state for step in summary.steps]


@pytest.fixture
def rows(tmp_path: Path) -> str:
    return str(write_rows(tmp_path / "rows.csv"))


def test_every_step_is_done_in_order_and_the_summary_holds_what_came_of_it(home: Path, rows: str) -> None:
    steps = [
        {"run": "predict y", "data": rows, "options": {"max_models": 2}, "expect": {"at_most": 50}},
        {"tool": "add", "arguments": {"a": 1, "b": 2}, "expect": {"fields": {"value": 3}}},
    ]
    summary = run(home, steps)
    assert summary.ok
    assert states(summary) == ["done", "done"]
    assert summary.steps[0].result is not None
    assert summary.steps[0].result["model_id"].startswith("mdl_")
    assert "sealed test rows" in summary.steps[0].text


def test_a_metric_below_what_was_expected_fails_the_script_and_says_both_figures(home: Path, rows: str) -> None:
    steps = [{"run": "predict y", "data": rows, "options": {"max_models": 2}, "expect": {"at_most": 1e-9}}]
    summary = run(home, steps)
    assert not summary.ok
    assert states(summary) == ["failed"]
    assert "at most 1e-09 was expected" in summary.steps[0].unmet[0]


def test_what_follows_a_failure_is_skipped_unless_the_script_goes_on(home: Path, tmp_path: Path) -> None:
    wrong = {"run": "predict y", "data": "nowhere.csv", "options": {"max_models": 1}}
    right = {"tool": "add", "arguments": {"a": 1, "b": 2}}
    stopped = run(home, [wrong, right])
    assert states(stopped) == ["failed", "skipped"]
    assert stopped.steps[0].error is not None
    assert stopped.steps[0].error["code"] == "file_not_found"
    other = tmp_path / "other"
    other.mkdir()
    assert states(run(other, [wrong, right], stop_on_failure=False)) == ["failed", "done"]


def test_lines_are_one_conversation_and_an_answer_is_held_to_its_words(home: Path) -> None:
    model = ScriptedModel(script=[say("There are none."), say("As I said: none.")])
    steps = [
        {"say": "which datasets are there?", "expect": {"contains": ["NONE"]}},
        {"say": "sure?", "expect": {"contains": ["seven"]}},
    ]
    summary = run(home, steps, model)
    assert states(summary) == ["done", "failed"]
    assert summary.steps[1].unmet == ("The answer does not say 'seven'.",)
    assert [message.type for message in model.seen[1]].count("human") == 2


@pytest.mark.parametrize(
    ("policy", "approve", "state"),
    [("careful", [], "declined"), ("careful", ["publish"], "done"), ("trusting", [], "done"), ("all", [], "done")],
)
def test_the_policy_decides_what_a_person_would_be_asked(
    home: Path, policy: str, approve: list[str], state: str
) -> None:
    model = ScriptedModel(script=[call("publish", model="mdl_1"), say("So it is.")])
    summary = run(home, [{"say": "publish it", "approve": approve}], model, policy=policy)
    assert states(summary) == [state]
    assert ("publish" in " ".join(effects(home))) == (state == "done")


def test_a_tool_beyond_the_policy_is_not_called_and_the_outcome_names_the_way_out(home: Path) -> None:
    summary = run(home, [{"tool": "publish", "arguments": {"model": "mdl_1"}}])
    assert states(summary) == ["declined"]
    assert "Name it in the step's `approve`" in summary.steps[0].unmet[0]
    assert effects(home) == []


def test_a_script_that_was_cut_off_goes_on_with_the_first_step_that_is_not_done(home: Path) -> None:
    added = {"tool": "add", "arguments": {"a": 1, "b": 2}}
    summary = run(home, [added, {"tool": "nothing"}])
    assert states(summary) == ["done", "failed"]
    before = effects(home)
    heard: list[StepOutcome] = []
    with office_in(home) as office:
        again = resume_script(office, "scr_1", told=heard.append)
    assert states(again) == ["done", "failed"]
    assert [outcome.number for outcome in heard] == [2]
    assert effects(home) == before


def test_a_script_that_nobody_started_cannot_be_resumed(home: Path) -> None:
    with office_in(home) as office, pytest.raises(NotFound) as error:
        resume_script(office, "../scr_9")
    assert error.value.code == "script_not_found"


def test_what_would_begin_after_the_time_is_up_is_skipped(home: Path) -> None:
    step = {"tool": "add", "arguments": {"a": 1, "b": 2}}
    summary = run(home, [step, step, step], budget_seconds=1e-6)
    assert states(summary) == ["skipped"] * 3
    assert "used up" in summary.steps[0].text


def test_the_option_wins_over_the_policy_in_the_file() -> None:
    script = Script.model_validate({"steps": [{"say": "hello"}], "policy": "all"})
    assert with_policy(script, "careful").policy == "careful"
    assert with_policy(script, None).policy == "all"


@pytest.mark.parametrize(
    "step",
    [
        {"run": "predict y", "data": "postgresql://bob:s3cretpw@127.0.0.1/db?table=t"},
        {"tool": "import_dataset", "arguments": {"source": "postgresql://bob:s3cretpw@127.0.0.1/db"}},
    ],
)
def test_a_password_in_a_step_is_refused_before_anything_is_kept(home: Path, step: dict[str, Any]) -> None:
    with pytest.raises(BadArguments, match="password") as error:
        run(home, [{"say": "hello"}, step])
    assert "s3cretpw" not in str(error.value)
    assert not list(home.glob("scripts/*"))


def test_a_line_that_was_being_said_when_the_script_died_is_gone_on_with_and_not_said_again(home: Path) -> None:
    script = Script.model_validate({"steps": [{"say": "add them"}]})

    def die(_: object) -> Any:
        raise KeyboardInterrupt

    dying = ScriptedModel(script=[call("add", a=1, b=2), die])
    with office_in(home, dying) as office, pytest.raises(KeyboardInterrupt):
        start_script(office, script, "goals.yaml", name="scr_1")
    with office_in(home, ScriptedModel(script=[say("It is 3.")])) as office:
        summary = resume_script(office, "scr_1")
        assert [turn.said for turn in office.sessions().turns(summary.session or "")] == ["add them"]
    assert summary.ok
    assert summary.steps[0].text == "It is 3."
    assert effects(home) == ["add 1 2"]


def test_a_line_whose_turn_had_ended_when_the_script_died_gives_its_answer(home: Path) -> None:
    script = Script.model_validate({"steps": [{"say": "add them"}]})
    with office_in(home, ScriptedModel(script=[say("All done.")])) as office:
        start_script(office, script, "goals.yaml", name="scr_1")
        folder = home / "scripts" / "scr_1"
        (folder / "outcomes.json").unlink()
        (folder / "begun.json").write_text('{"step": 1, "turns": 0}')
    with office_in(home, ScriptedModel(script=[])) as office:
        assert resume_script(office, "scr_1").steps[0].text == "All done."


# files


def test_goals_are_read_from_yaml_and_from_a_program(tmp_path: Path) -> None:
    in_yaml, in_python = tmp_path / "goals.yaml", tmp_path / "goals.py"
    in_yaml.write_text("policy: trusting\nsteps:\n  - say: hello\n  - run: predict y\n    data: a.csv\n")
    in_python.write_text("steps = [{'run': f'predict {name}', 'data': 'a.csv'} for name in 'xy']\n")
    assert [step.kind for step in read_script(in_yaml).steps] == ["say", "run"]
    assert [step.what for step in read_script(in_python).steps] == ["predict x", "predict y"]


@pytest.mark.parametrize(
    ("name", "text", "error", "words"),
    [
        ("a.yaml", "steps: [", DataError, "no YAML"),
        ("a.yaml", "", BadArguments, "the file"),
        ("a.yaml", "steps: []", BadArguments, "steps"),
        ("a.yaml", "steps: [{say: hi, run: x}]", BadArguments, "none or several of run, say and tool"),
        ("a.yaml", "steps: [{shout: hi}]", BadArguments, "none or several"),
        ("a.yaml", "steps: [{say: hi}]\npolicy: reckless", BadArguments, "policy"),
        ("a.yaml", "steps: [{run: x}]", BadArguments, "data"),
        ("a.yaml", "steps: [{say: hi, expect: {says: x}}]", BadArguments, "says"),
        ("a.yaml", "steps: [{run: x, data: a, options: {approve_all: true}}]", BadArguments, "approve_all.* no option"),
        ("a.yaml", "steps: [{say: hi, expect: {at_least: 1}}]", BadArguments, "at_least cannot be told of this step"),
        ("a.yaml", "steps: [{tool: x, expect: {contains: [y]}}]", BadArguments, "contains cannot be told"),
        ("a.py", "import sys; sys.exit(0)", DataError, "SystemExit"),
        ("a.py", "1 / 0", DataError, "ZeroDivisionError"),
        ("a.py", "goals = []", DataError, "neither `script` nor `steps`"),
    ],
)
def test_a_file_that_holds_no_script_is_refused_with_the_place(
    tmp_path: Path, name: str, text: str, error: type[Exception], words: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(error, match=words):
        read_script(tmp_path / name)
    with pytest.raises(SourceNotFound):
        read_script(tmp_path / "nowhere.yaml")
