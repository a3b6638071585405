"""An alert in the form of each channel. Text that comes from data is escaped as the channel asks."""

from datetime import UTC, datetime
from email.message import EmailMessage
from html import escape

from engine.alerts.message import Alert, Event
from engine.drift.levels import Level
from engine.figures import figure

_SEVERITIES = {Level.YELLOW: "warning", Level.ORANGE: "error", Level.RED: "critical"}
_COLOURS = {Level.YELLOW: "#b58900", Level.ORANGE: "#cb4b16", Level.RED: "#b3001b"}
_BACK = {"acknowledge": "Acknowledged", "resolve": "Back to normal"}

SUBJECT_LENGTH = 200
SLACK_HEADER_LENGTH = 150
SLACK_LENGTH = 500
"""A Slack block takes 3,000 characters, and '&' becomes five when it is escaped."""
SLACK_SENTENCES = 40
"""A Slack message takes 50 blocks."""
SUMMARY_LENGTH = 1024
"""PagerDuty's longest summary."""


def as_text(alert: Alert, event: Event = "trigger") -> str:
    """Plain text. What is not a trigger is told in few lines."""
    about = f"Monitor {alert.monitor} of model {alert.model}."
    if event != "trigger":
        return "\n".join([headline(alert, event), about, *alert.sentences]) + "\n"
    paragraphs = [
        f"{headline(alert, event)}\n{about}",
        "\n".join(f"- {sentence}" for sentence in alert.sentences),
        what_to_do(alert),
        figures_line(alert),
        "\n".join(f"{label}: {url}" for label, url in alert.links.items()),
    ]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def as_slack(alert: Alert, event: Event = "trigger") -> dict[str, object]:
    """The body of an incoming webhook: blocks, and a text for notifications."""
    title = headline(alert, event)
    about = f"Monitor {alert.monitor} of model {alert.model}. {alert.id}"
    if event != "trigger":
        told = [title, *alert.sentences[:SLACK_SENTENCES]]
        return {"text": _mrkdwn(title), "blocks": [*map(_section, told), _context(_mrkdwn(about))]}
    header = {"type": "header", "text": {"type": "plain_text", "text": _cut(title, SLACK_HEADER_LENGTH)}}
    told = [*alert.sentences[:SLACK_SENTENCES], _more(alert), what_to_do(alert)]
    small = [_mrkdwn(figures_line(alert)), _slack_links(alert), _mrkdwn(about)]
    blocks = [header, *map(_section, filter(None, told)), *map(_context, filter(None, small))]
    return {"text": _mrkdwn(title), "blocks": blocks}


def as_email(alert: Alert, event: Event = "trigger") -> EmailMessage:
    """Subject and bodies (text and HTML); who sends it to whom is left to the channel."""
    message = EmailMessage()
    message["Subject"] = _cut(headline(alert, event), SUBJECT_LENGTH)
    # no holiday notices in answer to an alert (RFC 3834)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(as_text(alert, event))
    message.add_alternative(_as_html(alert, event), subtype="html")
    return message


def as_pagerduty(alert: Alert, event: Event = "trigger") -> dict[str, object]:
    """An event of the Events API v2, but for the routing key. Equal keys of alerts are one incident."""
    same: dict[str, object] = {"event_action": event, "dedup_key": alert.key}
    if event != "trigger":
        return same
    payload = {
        "summary": _cut(headline(alert, event), SUMMARY_LENGTH),
        "source": alert.monitor,
        "component": alert.model,
        "severity": _SEVERITIES[alert.level],
        "timestamp": alert.created.isoformat(),
        "custom_details": {
            "alert": alert.id,
            "sentences": list(alert.sentences),
            "what_to_do": what_to_do(alert),
            "figures": alert.figures,
        },
    }
    links = [{"href": url, "text": label} for label, url in alert.links.items()]
    return {**same, "payload": payload, "links": links, "client": "Millwright"}


def as_json(alert: Alert, event: Event = "trigger") -> dict[str, object]:
    """For programs: the event, and the alert's fields by name."""
    return {"event": event, "alert": alert.model_dump(mode="json")}


def headline(alert: Alert, event: Event = "trigger") -> str:
    """The title after the level, or after what became of the trouble."""
    return f"{_BACK.get(event, alert.level.value)}: {alert.title}"


def what_to_do(alert: Alert) -> str:
    """The action and its date as a sentence; '' where there is none."""
    if not alert.action:
        return ""
    words = alert.action.replace("_", " ")
    return f"What to do: {words}{_until(alert.created, alert.due)}."


def figures_line(alert: Alert) -> str:
    """'psi 0.31, rows 5,000'; '' where there are none."""
    present = {name: value for name, value in alert.figures.items() if value is not None}
    return ", ".join(f"{name} {figure(value)}" for name, value in present.items())


def _until(created: datetime, due: datetime | None) -> str:
    if due is None:
        return ""
    return f" by {due.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if due > created else " at once"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _mrkdwn(text: str) -> str:
    """What Slack asks to be escaped; cut first, so that no escape is cut in two."""
    return escape(_cut(text, SLACK_LENGTH), quote=False)


def _section(text: str) -> dict[str, object]:
    # verbatim: Slack makes no links and mentions out of a column's name
    return {"type": "section", "text": {"type": "mrkdwn", "text": _mrkdwn(text), "verbatim": True}}


def _context(mrkdwn: str) -> dict[str, object]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": mrkdwn, "verbatim": True}]}


def _slack_links(alert: Alert) -> str:
    return " ".join(f"<{escape(url, quote=False)}|{_mrkdwn(label)}>" for label, url in alert.links.items())


def _more(alert: Alert) -> str:
    left = len(alert.sentences) - SLACK_SENTENCES
    return f"And {left} more." if left > 0 else ""


def _as_html(alert: Alert, event: Event) -> str:
    colour = _COLOURS[alert.level] if event == "trigger" else "#2e7d32"
    parts = [
        f'<h2 style="color:{colour}">{escape(headline(alert, event))}</h2>',
        f"<p>Monitor {escape(alert.monitor)} of model {escape(alert.model)}.</p>",
    ]
    if event == "trigger":
        parts += _html_details(alert)
    else:
        parts += [f"<p>{escape(sentence)}</p>" for sentence in alert.sentences]
    return f'<!doctype html><html><body style="font-family:sans-serif">{"".join(parts)}</body></html>'


def _html_details(alert: Alert) -> list[str]:
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in alert.sentences)
    links = " ".join(f'<a href="{escape(url)}">{escape(label)}</a>' for label, url in alert.links.items())
    told = {"ul": sentences, "strong": escape(what_to_do(alert)), "p": escape(figures_line(alert)), "div": links}
    return [f"<{tag}>{inner}</{tag}>" for tag, inner in told.items() if inner]
