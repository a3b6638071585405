"""Where alerts go: the addresses and keys of the channels. A channel without its settings is not there."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, StringConstraints

Security = Literal["starttls", "tls", "none"]
PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"

Address = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\s@<>,]+@[^\s@<>,]+$")]


def _listed(value: object) -> object:
    """Environment variables hold text: 'a@x, b@y'."""
    return tuple(part for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class AlertSettings(BaseModel):
    """Channels and how patiently they are tried. Addresses of webhooks are secrets too: whoever has one may post."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    slack_webhook: SecretStr | None = Field(None, description="Address of a Slack incoming webhook.")
    webhook_url: SecretStr | None = Field(None, description="Address that alerts are posted to as JSON.")
    webhook_secret: SecretStr | None = Field(
        None, description="Key of the HMAC-SHA256 signature in the header X-Millwright-Signature."
    )
    pagerduty_key: SecretStr | None = Field(None, description="Integration key of a PagerDuty service (Events API v2).")
    pagerduty_url: str = Field(PAGERDUTY_URL, description="Address of PagerDuty's Events API v2.")
    smtp_host: str | None = Field(None, description="Mail server; with email_from and email_to it makes e-mail work.")
    smtp_port: int = Field(587, gt=0, lt=65536, description="Port of the mail server; 465 is usual for tls.")
    smtp_user: str | None = Field(None, description="User at the mail server; leave out where none is needed.")
    smtp_password: SecretStr | None = Field(None, description="Password of smtp_user.")
    smtp_security: Security = Field("starttls", description="How the mail server is spoken to: starttls, tls or none.")
    email_from: Address | None = Field(None, description="Sender of e-mails.")
    email_to: Annotated[tuple[Address, ...] | None, BeforeValidator(_listed)] = Field(
        None, description="Receivers of e-mails, separated by commas."
    )
    timeout_seconds: float = Field(10.0, gt=0, le=60, description="Seconds to wait for a channel at each step.")
    attempts: int = Field(4, ge=1, le=10, description="How often a channel is tried at most.")
    public_url: str | None = Field(
        None, description="Address of the workbench as people reach it, e.g. https://host/ui, for the links in alerts."
    )

    def links(self, alert_id: str) -> dict[str, str]:
        """The link to an alert's page, by label; none without `public_url`.

        It leads to a page and does not acknowledge by itself: mail filters follow every link they see.
        """
        return {"Acknowledge": f"{self.public_url.rstrip('/')}/alerts/{alert_id}"} if self.public_url else {}
