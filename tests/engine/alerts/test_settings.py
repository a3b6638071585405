import os
from collections.abc import Iterator

import pytest
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from engine.alerts.settings import AlertSettings


class Surrounding(BaseSettings):
    """As the settings of Millwright hold those of alerts."""

    model_config = SettingsConfigDict(env_prefix="TEST_ALERTS_", env_nested_delimiter="__", extra="forbid", frozen=True)

    alerts: AlertSettings = AlertSettings()


@pytest.fixture
def variables() -> Iterator[dict[str, str]]:
    before = dict(os.environ)
    yield os.environ  # type: ignore[misc]
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("text", ["a@x.org, b@y.org,", '["a@x.org", "b@y.org"]'])
def test_the_receivers_in_a_variable_are_separated_by_commas_or_json(variables: dict[str, str], text: str) -> None:
    variables["TEST_ALERTS_ALERTS__EMAIL_TO"] = text
    variables["TEST_ALERTS_ALERTS__SLACK_WEBHOOK"] = "https://hooks.example/secret"
    alerts = Surrounding().alerts
    assert alerts.email_to == ("a@x.org", "b@y.org")
    assert alerts.slack_webhook == SecretStr("https://hooks.example/secret")


def test_receivers_may_be_given_as_they_are() -> None:
    assert AlertSettings(email_to=("a@x.org",)).email_to == ("a@x.org",)
    assert AlertSettings.model_validate({"email_to": "a@x.org"}).email_to == ("a@x.org",)


@pytest.mark.parametrize("address", ["a", "a@", "@x", "a@x\nBcc: c@x", "A <a@x>", "a@b@c"])
def test_what_is_no_mail_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="email_from"):
        AlertSettings(email_from=address)
    with pytest.raises(ValidationError, match="email_to"):
        AlertSettings(email_to=(address,))


def test_every_setting_is_described_and_has_a_default() -> None:
    fields = AlertSettings.model_fields.values()
    assert all(field.description and not field.is_required() for field in fields)


def test_no_secret_is_shown() -> None:
    names = ("slack_webhook", "webhook_url", "webhook_secret", "pagerduty_key", "smtp_password")
    settings = AlertSettings.model_validate(dict.fromkeys(names, "s3cr3t"))
    assert "s3cr3t" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    with pytest.raises(ValidationError) as caught:
        AlertSettings.model_validate({"slack_webhook": {"s3cr3t": 1}, "slack_webhok": "s3cr3t"})
    assert "s3cr3t" not in str(caught.value).replace("slack_webhok", "")


def test_the_link_of_an_alert_is_made_from_the_public_address() -> None:
    assert AlertSettings().links("alr_1") == {}
    assert AlertSettings(public_url="https://mw.example/").links("alr_1") == {
        "Acknowledge": "https://mw.example/alerts/alr_1"
    }
