"""A model in use, as its users meet it: trained, watched, overtaken by a world that changes, and replaced.

The stream is simulated and the drift is planted at a known batch; the services that alerts go to are real ones on the
loopback interface. Predictions and labels come in through Python, all else through the command.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.drift.levels import Level
from millwright.compose import inline_workshop
from millwright.settings import Settings
from tests.cli.running import runner
from tests.engine.alerts.loopback import Service, service
from tests.engine.alerts.test_mail import Mailbox, mail_server
from tools.workshop import Workshop

NAME, ROWS = "stream-left", 200
CLEAN, DRIFTED = (1, 2, 3), (4, 5, 6)
DRIFT_AT = DRIFTED[0]
"""The first batch, and so the first window, of the changed world."""
AFTER = 7
"""A batch of the changed world that comes once the challenger has been promoted."""


def batch(number: int, rows: int = ROWS) -> pd.DataFrame:
    """Rows with a class that follows x0, x1 and plan; from DRIFT_AT on x0 lies higher and means the opposite."""
    random = np.random.default_rng(number)
    changed = number >= DRIFT_AT
    x = random.normal(size=(rows, 4))
    x[:, 0] += changed
    plan = random.choice(["a", "b", "c"], rows)
    odds = 1.5 * x[:, 0] * (-1 if changed else 1) + x[:, 1] - 0.5 * (plan == "a")
    left = np.where(random.random(rows) < 1 / (1 + np.exp(-2 * odds)), "yes", "no")
    columns = {f"x{place}": x[:, place] for place in range(4)}
    return pd.DataFrame({**columns, "plan": plan, "left": left, "id": [f"{number}-{row}" for row in range(rows)]})


@dataclass(frozen=True)
class Heard:
    """What each service had received at one time."""

    slack: tuple[dict[str, Any], ...]
    pagerduty: tuple[dict[str, Any], ...]
    webhook: tuple[dict[str, Any], ...]
    emails: tuple[EmailMessage, ...]

    def since(self, before: "Heard") -> "Heard":
        return Heard(
            self.slack[len(before.slack) :],
            self.pagerduty[len(before.pagerduty) :],
            self.webhook[len(before.webhook) :],
            self.emails[len(before.emails) :],
        )


class Services:
    """Slack, PagerDuty, a webhook and a mail server that keep what they are sent."""

    def __init__(self, opened: ExitStack) -> None:
        self._slack, self._pagerduty, self._webhook = (opened.enter_context(service()) for _ in range(3))
        self._mailbox = Mailbox()
        self._port = opened.enter_context(mail_server(self._mailbox))

    @property
    def variables(self) -> dict[str, str]:
        """The settings that lead to them."""
        values = {
            "SLACK_WEBHOOK": self._slack.url,
            "WEBHOOK_URL": self._webhook.url,
            "PAGERDUTY_KEY": "key",
            "PAGERDUTY_URL": self._pagerduty.url,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self._port),
            "SMTP_SECURITY": "none",
            "EMAIL_FROM": "millwright@example.org",
            "EMAIL_TO": "ann@example.org",
        }
        return {f"MILLWRIGHT_ALERTS__{name}": value for name, value in values.items()}

    def heard(self) -> Heard:
        def bodies(of: Service) -> tuple[dict[str, Any], ...]:
            return tuple(request.json() for request in of.requests)

        return Heard(bodies(self._slack), bodies(self._pagerduty), bodies(self._webhook), tuple(self._mailbox.messages))


class Stream:
    """The user of the model: asks it, and tells later what turned out to be true."""

    def __init__(self, workshop: Workshop, folder: Path) -> None:
        self._workshop = workshop
        self._folder = folder

    def ask(self, number: int, model: str = f"{NAME}@champion") -> float:
        """Have a batch answered; the share of right answers."""
        rows, path, out = batch(number), self._folder / f"{number}.csv", self._folder / f"{number}-out.csv"
        rows.drop(columns="left").to_csv(path, index=False)
        self._workshop.call("predict", model=model, data=str(path), id_column="id", out=str(out), overwrite=True)
        return float((pd.read_csv(out)["prediction"] == rows["left"]).mean())

    def tell(self, number: int) -> None:
        rows = tuple(batch(number)[["id", "left"]].to_dict("records"))
        self._workshop.call("log_labels", monitor=NAME, rows=rows, id_column="id")

    def run(self, *numbers: int) -> None:
        for number in numbers:
            self.ask(number)
            self.tell(number)


@dataclass(frozen=True)
class Step:
    """A command's document, what was heard during it, and who is champion after it."""

    document: dict[str, Any]
    heard: Heard
    champion: str


@dataclass(frozen=True)
class Story:
    """How it went, step by step; `right` is the share of right answers on one batch by model."""

    clean: Step
    drifted: Step
    asked: Step
    answered: Step
    right: dict[str, float]
    after: Step
    status: Step


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with ExitStack() as opened:
        yield Services(opened)


@pytest.fixture(scope="module")
def story(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("stream")
    millwright = runner(folder / "home", folder, **services.variables)
    batch(0, 1500).drop(columns="id").to_csv(folder / "stream.csv", index=False)
    work = ("--target", "left", "--models", "linear", "--max-models", "1")
    trained = millwright("train", "--data", "stream.csv", *work, "--json").document
    millwright("models", "promote", trained["model_id"], "--yes")
    assert millwright("monitor", "create", NAME, "--rows", str(ROWS), "--yes").code == 0
    workshop = inline_workshop(Settings(home=folder / "home"))
    stream = Stream(workshop, folder)

    def step(*command: str) -> Step:
        before = services.heard()
        document = millwright("monitor", *command, "--json").document
        return Step(document, services.heard().since(before), workshop.registry.get(f"{NAME}@champion").model_id)

    stream.run(*CLEAN)
    clean = step("check", NAME)
    stream.run(DRIFT_AT)
    drifted = step("check", NAME)
    stream.run(*DRIFTED[1:])
    asked = step("run", NAME, "--budget", "4")
    answered = step("run", NAME, "--yes")
    right = {model: stream.ask(AFTER, model) for model in (answered.champion, asked.champion)}
    stream.tell(AFTER)
    return Story(clean, drifted, asked, answered, right, step("check", NAME), step("status", NAME))


def test_before_the_drift_every_window_is_quiet(story: Story) -> None:
    levels = [window["level"] for window in story.clean.document["windows"]]
    assert levels == ["GREEN"] * len(CLEAN)
    assert story.clean.heard == Heard((), (), (), ())


def test_the_window_of_the_drift_is_red_and_says_what_drifted(story: Story) -> None:
    (window,) = story.drifted.document["windows"]
    assert (window["window"], window["level"], window["action"]) == (DRIFT_AT, "RED", "roll_back_and_retrain")
    assert window["columns"][0]["column"] == "x0"
    (measured,) = [one for one in window["performance"] if one["source"] == "labels"]
    assert measured["drop"] > 0.3


def test_slack_e_mail_pagerduty_and_the_webhook_hear_of_it_once(story: Story) -> None:
    heard, title = story.drifted.heard, f"RED: {NAME} is RED in window {DRIFT_AT}"
    assert [message["text"] for message in heard.slack] == [title]
    assert [mail["Subject"] for mail in heard.emails] == [title]
    assert [(call["event_action"], call["payload"]["severity"]) for call in heard.pagerduty] == [
        ("trigger", "critical")
    ]
    assert [call["alert"]["level"] for call in heard.webhook] == ["RED"]


def test_the_challenger_wins_and_waits_and_the_right_people_are_told(story: Story) -> None:
    assert story.asked.document["error"]["code"] == "approval_needed"
    assert story.asked.champion == story.drifted.champion
    (mail,) = story.asked.heard.emails
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "is better than the champion's" in text
    assert f"waits for approval: millwright monitor run {NAME}" in text
    assert (len(story.asked.heard.slack), story.asked.heard.pagerduty) == (1, ())


def test_after_a_yes_the_challenger_is_champion(story: Story) -> None:
    summary = story.answered.document
    assert (summary["outcome"], summary["retrained"]["passed"]) == ("promoted", True)
    assert story.answered.champion == summary["retrained"]["challenger"] != story.asked.champion
    assert [one["state"] for one in story.status.document["monitors"][0]["retrainings"]] == ["promoted"]


def test_the_new_champion_answers_the_next_batch_better_than_the_old_one(story: Story) -> None:
    assert story.right[story.answered.champion] > story.right[story.asked.champion] + 0.2
    assert story.right[story.answered.champion] > 0.75


def test_the_trouble_is_told_as_over_to_all_who_heard_of_it(story: Story) -> None:
    heard, sentence = story.answered.heard, story.answered.document["sentence"]
    assert [call["event_action"] for call in heard.pagerduty] == ["resolve"]
    assert all("Back to normal" in message["text"] for message in heard.slack)
    assert any(sentence in str(message) for message in heard.slack)
    assert any(mail["Subject"].startswith("Back to normal") for mail in heard.emails)
    assert story.status.document["monitors"][0]["alerts"] == []


def test_in_the_new_world_the_new_champion_is_in_no_trouble(story: Story) -> None:
    (window,) = story.after.document["windows"]
    assert window["window"] == AFTER
    assert Level(window["level"]) < Level.ORANGE
