"""The HTTP channels against real servers on the loopback interface."""

import hashlib
import hmac
import logging
import ssl
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from engine.alerts.channels import SIGNATURE, Channel, PagerDuty, Slack, Webhook, channels_of
from engine.alerts.failure import DeliveryFailed
from engine.alerts.posting import Post
from engine.alerts.settings import PAGERDUTY_URL, AlertSettings
from engine.errors import BadSettings
from tests.engine.alerts.loopback import Answer, service
from tests.engine.alerts.small import an_alert

SECRET = "T0K3N-of-the-hook"
PATH = f"/services/{SECRET}"


def slack_at(url: str, timeout: float = 5.0) -> Slack:
    return Slack(Post("slack", SecretStr(url), timeout))


def failure(channel: Channel) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        channel.send(an_alert())
    return caught.value


def test_slack_is_posted_blocks() -> None:
    with service() as slack:
        slack_at(slack.url).send(an_alert(), "trigger")
    (request,) = slack.requests
    assert (request.path, request.headers["Content-Type"]) == ("/hook", "application/json")
    assert request.json()["blocks"][0]["text"]["text"] == "RED: churn has drifted"


def test_the_signature_of_a_webhook_is_the_hmac_of_its_body() -> None:
    with service() as server:
        post = Post("webhook", SecretStr(server.url), 5.0)
        Webhook(post, SecretStr("shared")).send(an_alert(title="Kündigung"), "resolve")
        Webhook(post).send(an_alert())
    signed, plain = server.requests
    expected = hmac.new(b"shared", signed.body, hashlib.sha256).hexdigest()
    assert signed.headers[SIGNATURE] == f"sha256={expected}"
    assert (signed.json()["event"], signed.json()["alert"]["title"]) == ("resolve", "Kündigung")
    assert SIGNATURE not in plain.headers


def test_pagerduty_hears_all_three_events_under_one_key() -> None:
    with service(Answer(202, b'{"status": "success"}')) as server:
        channel = PagerDuty(Post("pagerduty", SecretStr(server.url), 5.0), SecretStr("R0UTE"))
        for event in ("trigger", "acknowledge", "resolve"):
            channel.send(an_alert(), event)
    told = [request.json() for request in server.requests]
    assert [event["event_action"] for event in told] == ["trigger", "acknowledge", "resolve"]
    assert {event["dedup_key"] for event in told} == {"drift:mon_1"}
    assert {event["routing_key"] for event in told} == {"R0UTE"}


@pytest.mark.parametrize(
    ("status", "transient"), [(429, True), (500, True), (503, True), (400, False), (403, False), (404, False)]
)
def test_only_too_many_requests_and_server_errors_may_pass(status: int, transient: bool) -> None:
    with service(Answer(status, b"<html>no</html>")) as server:
        failed = failure(slack_at(server.url))
    assert (failed.transient, failed.why, failed.code) == (transient, f"it answered {status}", "delivery_failed")


def test_the_word_that_slack_says_is_told() -> None:
    with service(Answer(404, b"no_service")) as server:
        assert failure(slack_at(server.url)).why == "it answered 404 (no_service)"


def test_a_redirect_is_not_followed() -> None:
    with service() as elsewhere, service(Answer(302, b"", {"Location": elsewhere.url})) as server:
        failed = failure(slack_at(server.url))
    assert (failed.transient, failed.why, elsewhere.requests) == (False, "it answered 302", [])


def test_what_a_service_asks_to_wait_is_read_as_seconds_or_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    waits = [{"Retry-After": "7"}, {"Retry-After": later}, {"Retry-After": "soon"}, {}]
    with service(*(Answer(429, headers=headers) for headers in waits)) as server:
        seconds, date, nonsense, none = (failure(slack_at(server.url)).retry_after for _ in waits)
    assert (seconds, nonsense, none) == (7.0, None, None)
    assert date == pytest.approx(30, abs=5)


def test_a_slow_service_and_one_that_is_not_there_may_come_back() -> None:
    with service(Answer(delay=5)) as server:
        slow = failure(slack_at(server.url, timeout=0.1))
    gone = failure(slack_at(server.url))
    assert (slow.transient, slow.why) == (True, "no answer within 0.1 seconds")
    assert (gone.transient, gone.why) == (True, "the connection failed (ConnectError)")


def test_a_certificate_that_nobody_trusts_is_a_final_failure(pem: Path) -> None:
    with service(tls=_server_side(pem)) as server:
        failed = failure(slack_at(server.url))
    assert (failed.transient, failed.why) == (False, "its certificate is not trusted: self-signed certificate")
    assert server.requests == []


def test_a_certificate_that_is_trusted_is_taken(trusted: Path) -> None:
    with service(tls=_server_side(trusted)) as server:
        slack_at(server.url).send(an_alert())
    assert len(server.requests) == 1


def test_no_secret_is_in_a_log_an_error_or_a_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with service(Answer(), Answer(404, PATH.encode()), Answer(delay=5), path=PATH) as server:
        channel = slack_at(server.url, timeout=0.3)
        channel.send(an_alert())
        failures = [failure(channel), failure(channel)]
    failures.append(failure(channel))
    shown = [text for error in failures for text in traceback.format_exception(error)]
    told = [caplog.text, *map(str, failures), *map(repr, failures), repr(channel), *shown]
    assert len(server.requests) == 3
    assert "127.0.0.1" in caplog.text  # that the connections are logged shows that the log was listened to
    assert SECRET not in "".join(told)
    assert all(error.__suppress_context__ and error.__cause__ is None for error in failures[1:])


def test_a_secret_that_is_repeated_as_a_word_is_not_told() -> None:
    with service(Answer(400, b"the_secret_word"), path="/services/the_secret_word") as server:
        assert failure(slack_at(server.url)).why == "it answered 400"


def test_others_who_use_the_same_library_are_logged_as_before(caplog: pytest.LogCaptureFixture) -> None:
    import httpx

    caplog.set_level(logging.INFO)
    with service() as server:
        slack_at(server.url).send(an_alert())
        httpx.post(server.url, content=b"{}")
    assert caplog.text.count("HTTP Request: POST") == 1


def test_other_threads_are_logged_while_an_alert_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with service(Answer(delay=0.5)) as server, ThreadPoolExecutor(1) as pool:
        sent = pool.submit(slack_at(server.url).send, an_alert())
        while not server.requests:
            time.sleep(0.01)
        logging.getLogger("httpx").info("of another thread")
        assert not sent.done()
    assert "of another thread" in caplog.text


def test_settings_make_the_channels_that_they_describe() -> None:
    assert channels_of(AlertSettings()) == ()
    made = channels_of(
        AlertSettings(
            slack_webhook=SecretStr("https://hooks.example/x"),
            webhook_url=SecretStr("http://127.0.0.1:1/x"),
            pagerduty_key=SecretStr("R0UTE"),
            smtp_host="mail.example",
            email_from="mw@x.org",
            email_to=("a@x.org",),
        )
    )
    assert [channel.name for channel in made] == ["slack", "webhook", "email", "pagerduty"]
    assert AlertSettings().pagerduty_url == PAGERDUTY_URL
    assert "R0UTE" not in repr(made)
    assert "hooks.example" not in repr(made)


@pytest.mark.parametrize("address", ["hooks.example/x", "ftp://hooks.example", "https://", "http://x:no", "\n"])
@pytest.mark.parametrize("setting", ["slack_webhook", "webhook_url", "public_url"])
def test_what_is_no_address_is_refused_without_being_shown(setting: str, address: str) -> None:
    with pytest.raises(BadSettings, match=f"alerts.{setting} is not an http") as caught:
        channels_of(AlertSettings.model_validate({setting: address}))
    assert "hooks" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"webhook_secret": "s"}, "webhook_url"),
        ({"smtp_host": "mail.example"}, "email_from"),
        ({"email_to": "a@x.org"}, "smtp_host"),
        ({"smtp_password": "p"}, "smtp_host"),
        ({"smtp_host": "m", "email_from": "a@x", "email_to": "b@x", "smtp_user": "u"}, "smtp_password"),
        ({"smtp_host": "m", "email_from": "a@x", "email_to": "b@x", "smtp_password": "p"}, "smtp_user"),
    ],
)
def test_a_setting_that_would_be_ignored_is_an_error(given: dict[str, str], missing: str) -> None:
    with pytest.raises(BadSettings, match=f"alerts.{missing} is not"):
        channels_of(AlertSettings.model_validate(given))


def test_a_password_does_not_cross_the_network_unencrypted() -> None:
    settings = {"smtp_host": "mail.example", "email_from": "a@x", "email_to": "b@x", "smtp_security": "none"}
    channels_of(AlertSettings.model_validate(settings))
    with pytest.raises(BadSettings, match="unencrypted"):
        channels_of(AlertSettings.model_validate({**settings, "smtp_user": "u", "smtp_password": "p"}))


def _server_side(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
