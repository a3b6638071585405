"""The channels that alerts go to, each over its service's own interface."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import ClassVar, Protocol

import httpx
from pydantic import SecretStr

from engine.alerts.mail import Email
from engine.alerts.message import Alert, Event
from engine.alerts.posting import Post
from engine.alerts.render import as_json, as_pagerduty, as_slack
from engine.alerts.settings import AlertSettings
from engine.drift.policy import ChannelName
from engine.errors import BadSettings

SIGNATURE = "X-Millwright-Signature"
_ALL: frozenset[Event] = frozenset({"trigger", "acknowledge", "resolve"})
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Channel(Protocol):
    """Somewhere that people, or programs, hear of alerts.

    `events` are those that it is told of. One that is told of acknowledgements keeps the state of each trouble by its
    key, so that telling it twice does no harm.
    """

    @property
    def name(self) -> ChannelName: ...

    @property
    def events(self) -> frozenset[Event]: ...

    def send(self, alert: Alert, event: Event = "trigger") -> str:
        """Tell it. Returns what is worth recording, '' for nothing.

        Raises:
            DeliveryFailed: it did not take the alert.
        """
        ...


@dataclass(frozen=True)
class Slack:
    """An incoming webhook."""

    post: Post

    name: ClassVar[ChannelName] = "slack"
    events: ClassVar[frozenset[Event]] = frozenset({"trigger", "resolve"})

    def send(self, alert: Alert, event: Event = "trigger") -> str:
        """Raises: DeliveryFailed."""
        self.post.send(_json(as_slack(alert, event)))
        return ""


@dataclass(frozen=True)
class Webhook:
    """JSON to any address. With a secret, the header X-Millwright-Signature is 'sha256=' and the HMAC of the body."""

    post: Post
    secret: SecretStr | None = None

    name: ClassVar[ChannelName] = "webhook"
    events: ClassVar[frozenset[Event]] = _ALL

    def send(self, alert: Alert, event: Event = "trigger") -> str:
        """Raises: DeliveryFailed."""
        body = _json(as_json(alert, event))
        self.post.send(body, {SIGNATURE: _signature(self.secret, body)} if self.secret is not None else None)
        return ""


@dataclass(frozen=True)
class PagerDuty:
    """The Events API v2: an alert's key is the incident's, so that what comes twice is one incident."""

    post: Post
    key: SecretStr

    name: ClassVar[ChannelName] = "pagerduty"
    events: ClassVar[frozenset[Event]] = _ALL

    def send(self, alert: Alert, event: Event = "trigger") -> str:
        """Raises: DeliveryFailed."""
        self.post.send(_json({"routing_key": self.key.get_secret_value(), **as_pagerduty(alert, event)}))
        return ""


def channels_of(settings: AlertSettings) -> tuple[Channel, ...]:
    """The channels that the settings describe.

    Raises:
        BadSettings: settings that do not fit together, or an address that is none. Shows no secret.
    """
    _check_address("public_url", settings.public_url)
    made = (_slack(settings), _webhook(settings), _email(settings), _pagerduty(settings))
    return tuple(channel for channel in made if channel is not None)


def _slack(settings: AlertSettings) -> Slack | None:
    if settings.slack_webhook is None:
        return None
    return Slack(_post("slack", "slack_webhook", settings.slack_webhook, settings))


def _webhook(settings: AlertSettings) -> Webhook | None:
    if settings.webhook_url is None:
        if settings.webhook_secret is not None:
            raise _useless("webhook_secret", "webhook_url")
        return None
    return Webhook(_post("webhook", "webhook_url", settings.webhook_url, settings), settings.webhook_secret)


def _pagerduty(settings: AlertSettings) -> PagerDuty | None:
    if settings.pagerduty_key is None:
        return None
    url = SecretStr(settings.pagerduty_url)
    return PagerDuty(_post("pagerduty", "pagerduty_url", url, settings), settings.pagerduty_key)


def _email(settings: AlertSettings) -> Email | None:
    parts = ("smtp_host", "email_from", "email_to", "smtp_user", "smtp_password")
    given = [name for name in parts if getattr(settings, name)]
    if not given:
        return None
    if not settings.smtp_host or not settings.email_from or not settings.email_to:
        missing = next(name for name in parts if name not in given)
        raise _useless(given[0], missing)
    return Email(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        sender=settings.email_from,
        receivers=settings.email_to,
        login=_login(settings),
        timeout=settings.timeout_seconds,
    )


def _login(settings: AlertSettings) -> tuple[str, SecretStr] | None:
    user, password = settings.smtp_user, settings.smtp_password
    if user is None and password is None:
        return None
    if user is None or password is None:
        raise _useless(*("smtp_user", "smtp_password") if password is None else ("smtp_password", "smtp_user"))
    if settings.smtp_security == "none" and settings.smtp_host not in _LOOPBACK:
        raise BadSettings(
            "alerts.smtp_password would cross the network unencrypted.", "Set alerts.smtp_security to starttls or tls."
        )
    return user, password


def _post(channel: ChannelName, setting: str, url: SecretStr, settings: AlertSettings) -> Post:
    _check_address(setting, url.get_secret_value())
    return Post(channel, url, settings.timeout_seconds)


def _check_address(setting: str, url: str | None) -> None:
    if url is not None and not _is_web_address(url):
        raise BadSettings(f"alerts.{setting} is not an http(s) address.", "Write it in full, with https://.")


def _is_web_address(url: str) -> bool:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parts.scheme in ("http", "https") and bool(parts.host)


def _useless(given: str, missing: str) -> BadSettings:
    return BadSettings(f"alerts.{given} is set but alerts.{missing} is not.", f"Set alerts.{missing} too.")


def _json(value: dict[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _signature(secret: SecretStr, body: bytes) -> str:
    return f"sha256={hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()}"
