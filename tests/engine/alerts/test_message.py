import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from engine.alerts.message import Alert, new_alert_id
from engine.alerts.render import SLACK_SENTENCES, as_email, as_json, as_pagerduty, as_slack, as_text
from engine.drift.levels import Level
from tests.engine.alerts.small import START, an_alert

NASTY = "<!channel> & <b>x</b>\r\nBcc: eve@x.org\u2028\u202eevil\x00"
FULL = an_alert(
    sentences=("PSI of 'plan' is 0.31.", "2 of 9 columns drifted."),
    action="roll_back_and_retrain",
    due=START + timedelta(hours=2),
    links={"Acknowledge": "https://mw.example/alerts/1?a=1&b=2"},
    figures={"psi": 0.31, "rows": 5000, "auc": None},
)


def test_an_alert_is_told_in_plain_text() -> None:
    assert as_text(FULL) == (
        "RED: churn has drifted\nMonitor mon_1 of model mdl_1.\n\n"
        "- PSI of 'plan' is 0.31.\n- 2 of 9 columns drifted.\n\n"
        "What to do: roll back and retrain by 2026-01-01 02:00 UTC.\n\n"
        "psi 0.31, rows 5,000\n\n"
        "Acknowledge: https://mw.example/alerts/1?a=1&b=2\n"
    )


def test_an_alert_without_details_has_no_empty_paragraphs() -> None:
    assert as_text(an_alert()) == "RED: churn has drifted\nMonitor mon_1 of model mdl_1.\n"
    assert "at once" in as_text(an_alert(action="roll_back_and_retrain", due=START))


def test_back_to_normal_is_short() -> None:
    over = FULL.model_copy(update={"sentences": ("A new champion answers.",)})
    expected = "Back to normal: churn has drifted\nMonitor mon_1 of model mdl_1.\nA new champion answers.\n"
    assert as_text(over, "resolve") == expected
    assert len(as_slack(over, "resolve")["blocks"]) == 3  # type: ignore[arg-type]


def test_text_from_data_makes_no_mention_link_or_markup_in_slack() -> None:
    alert = an_alert(title=NASTY, sentences=(NASTY,), figures={NASTY: 1.0}, links={"a|<b>": "https://x/?a=1&b=2"})
    message = as_slack(alert)
    marked = [block["text"] for block in message["blocks"] if block["type"] == "section"]  # type: ignore[attr-defined]
    small = [block["elements"][0] for block in message["blocks"] if block["type"] == "context"]  # type: ignore[attr-defined]
    assert all(text["verbatim"] for text in [*marked, *small])
    assert marked[0]["text"] == "&lt;!channel&gt; &amp; &lt;b&gt;x&lt;/b&gt; Bcc: eve@x.org evil"
    assert small[1]["text"] == "<https://x/?a=1&amp;b=2|a|&lt;b&gt;>"
    assert "<" not in f"{message['text']}{small[0]['text']}{small[2]['text']}"


def test_a_long_alert_keeps_the_limits_of_slack_and_pagerduty() -> None:
    alert = an_alert(title="&" * 5000, sentences=("<" * 5000,) * 200, action="go_on", figures={"a" * 5000: 1.0})
    blocks = as_slack(alert)["blocks"]
    assert isinstance(blocks, list)
    assert len(blocks) <= 50
    assert "And 160 more." in json.dumps(blocks)
    assert SLACK_SENTENCES == 40
    assert all(len(block["text"]["text"]) <= 3000 for block in blocks if block["type"] == "section")
    assert len(blocks[0]["text"]["text"]) == 150
    assert len(as_pagerduty(alert)["payload"]["summary"]) == 1024  # type: ignore[index]


def test_no_text_adds_a_header_to_an_email_or_markup_to_its_html() -> None:
    alert = an_alert(title=NASTY, sentences=(NASTY,), links={NASTY: "https://x/?a=1&b=2"})
    message = as_email(alert)
    text, html = (part.get_content() for part in message.iter_parts())
    assert message["Subject"] == "RED: <!channel> & <b>x</b> Bcc: eve@x.org evil"
    assert message["Bcc"] is None
    assert "<b>x" not in html
    assert '<a href="https://x/?a=1&amp;b=2">&lt;!channel&gt;' in html
    assert text == as_text(alert)


@pytest.mark.parametrize(("level", "severity"), [("YELLOW", "warning"), ("ORANGE", "error"), ("RED", "critical")])
def test_a_level_is_a_severity_of_pagerduty(level: str, severity: str) -> None:
    event = as_pagerduty(an_alert(Level(level)))
    assert (event["event_action"], event["dedup_key"]) == ("trigger", "drift:mon_1")
    assert event["payload"]["severity"] == severity  # type: ignore[index]


def test_what_became_of_an_incident_is_its_key_alone() -> None:
    assert as_pagerduty(FULL, "resolve") == {"event_action": "resolve", "dedup_key": "drift:mon_1"}


def test_json_reads_back_as_the_alert() -> None:
    told = json.loads(json.dumps(as_json(FULL, "acknowledge"), allow_nan=False))
    assert told["event"] == "acknowledge"
    assert Alert.model_validate(told["alert"]) == FULL


def test_figures_that_are_no_numbers_are_none() -> None:
    alert = an_alert(figures={"a": float("nan"), "b": float("inf"), "c": 0.5})
    assert alert.figures == {"a": None, "b": None, "c": 0.5}


@pytest.mark.parametrize(
    "values",
    [
        {"level": Level.GREEN},
        {"key": ""},
        {"key": "\n\x00"},
        {"key": "k" * 251},
        {"id": "alr_1"},
        {"created": datetime(2026, 1, 1)},
        {"links": {"a": "javascript:alert(1)"}},
        {"links": {"a": "https://x/ onclick=1"}},
        {"unknown": 1},
    ],
)
def test_what_is_no_alert_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        an_alert(**values)


def test_ids_are_new_and_of_one_form() -> None:
    ids = {new_alert_id() for _ in range(100)}
    assert len(ids) == 100
    assert an_alert(id=ids.pop()).id not in ids
