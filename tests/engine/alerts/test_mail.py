"""E-mail against a real SMTP server on the loopback interface."""

import socket
import ssl
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from pydantic import SecretStr

from engine.alerts.failure import DeliveryFailed
from engine.alerts.mail import Email
from engine.alerts.settings import Security
from tests.engine.alerts.small import an_alert

PASSWORD = "S3CR3T-of-ann"


class Mailbox:
    """Takes what it is sent, and refuses the receivers that are told to be refused."""

    def __init__(self, **refused: str) -> None:
        self.refused = refused
        self.messages: list[EmailMessage] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if answer := self.refused.get(address.partition("@")[0]):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return self.refused.get("DATA", "250 OK")


def only_ann(server: Any, session: Any, envelope: Any, mechanism: str, given: LoginPassword) -> AuthResult:
    return AuthResult(success=given == LoginPassword(b"ann", PASSWORD.encode()), handled=False)


@contextmanager
def mail_server(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def email_at(
    port: int, security: Security = "none", password: str | None = None, to: tuple[str, ...] = ("a@x.org",)
) -> Email:
    login = ("ann", SecretStr(password)) if password is not None else None
    return Email("127.0.0.1", port, security, "mw@mw.example", to, login, timeout=5.0)


def failure(email: Email) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        email.send(an_alert())
    return caught.value


def tls(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_an_alert_arrives_as_text_and_html() -> None:
    with mail_server(mailbox := Mailbox()) as port:
        assert (
            email_at(port, to=("a@x.org", "b@x.org")).send(an_alert(title="Kündigung drifted", id=f"alr_{1:012}")) == ""
        )
    (message,) = mailbox.messages
    assert (message["Subject"], message["From"]) == ("RED: Kündigung drifted", "mw@mw.example")
    assert (message["To"], message["Message-ID"]) == ("a@x.org, b@x.org", "<alr_000000000001.trigger@mw.example>")
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message["Date"] is not None


def test_user_and_password_are_given_where_they_are_needed(trusted: Path) -> None:
    options = {"authenticator": only_ann, "auth_required": True, "tls_context": tls(trusted)}
    with mail_server(mailbox := Mailbox(), **options) as port:
        email_at(port, "starttls", PASSWORD).send(an_alert())
        wrong, missing = failure(email_at(port, "starttls", "wrong")), failure(email_at(port, "starttls"))
    assert len(mailbox.messages) == 1
    assert (wrong.transient, wrong.why) == (False, "the mail server refused user and password (535)")
    assert (missing.transient, missing.why) == (False, "the mail server answered 530")


def test_tls_is_spoken_from_the_start_or_from_starttls_on(trusted: Path) -> None:
    mailbox, context = Mailbox(), tls(trusted)
    with mail_server(mailbox, tls_context=context, require_starttls=True, authenticator=only_ann) as port:
        email_at(port, "starttls", PASSWORD).send(an_alert())
    with mail_server(mailbox, ssl_context=context) as port:
        email_at(port, "tls").send(an_alert())
    assert len(mailbox.messages) == 2


@pytest.mark.parametrize(("security", "option"), [("starttls", "tls_context"), ("tls", "ssl_context")])
def test_a_certificate_that_nobody_trusts_is_a_final_failure(pem: Path, security: Security, option: str) -> None:
    with mail_server(mailbox := Mailbox(), **{option: tls(pem)}) as port:
        failed = failure(email_at(port, security, PASSWORD))
    assert (failed.transient, mailbox.messages) == (False, [])
    assert failed.why == "the mail server's certificate is not trusted: self-signed certificate"


def test_a_server_without_starttls_is_not_given_the_password() -> None:
    with mail_server(mailbox := Mailbox(), authenticator=only_ann, auth_require_tls=False) as port:
        failed = failure(email_at(port, "starttls", PASSWORD))
    assert (failed.transient, mailbox.messages) == (False, [])
    assert "offers no STARTTLS" in failed.why


def test_tls_to_a_port_that_speaks_none_says_what_to_check() -> None:
    with mail_server(Mailbox()) as port:
        failed = failure(email_at(port, "tls"))
    assert (failed.transient, failed.why) == (
        False,
        "TLS could not be agreed on: is smtp_security right for this port?",
    )


def test_a_receiver_who_is_refused_is_named_and_the_others_are_sent_to() -> None:
    with mail_server(mailbox := Mailbox(b="550 unknown")) as port:
        assert email_at(port, to=("a@x.org", "b@x.org")).send(an_alert()) == "Refused: b@x.org."
    assert len(mailbox.messages) == 1


@pytest.mark.parametrize(("answer", "transient"), [("450 later", True), ("550 unknown", False)])
def test_when_every_receiver_is_refused_the_code_says_whether_it_may_pass(answer: str, transient: bool) -> None:
    with mail_server(Mailbox(a=answer)) as port:
        failed = failure(email_at(port))
    assert (failed.transient, failed.why) == (transient, f"the mail server refused every receiver ({answer[:3]})")


@pytest.mark.parametrize(("answer", "transient"), [("451 later", True), ("554 spam", False)])
def test_what_the_server_answers_says_whether_it_may_pass(answer: str, transient: bool) -> None:
    with mail_server(Mailbox(DATA=answer)) as port:
        failed = failure(email_at(port))
    assert (failed.transient, failed.why) == (transient, f"the mail server answered {answer[:3]}")


def test_a_server_that_is_not_there_or_says_nothing_may_come_back() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        refused = failure(email_at(port))
        deaf.listen()
        silent = failure(Email("127.0.0.1", port, "none", "mw@x", ("a@x",), None, timeout=0.1))
    assert (refused.transient, silent.transient) == (True, True)
    assert refused.why == "the connection to the mail server failed (ConnectionRefusedError)"


def test_no_password_is_in_an_error() -> None:
    options = {"authenticator": only_ann, "auth_require_tls": False}
    with mail_server(Mailbox(), **options) as port:
        failures = [failure(email_at(port, password=f"{PASSWORD}{end}")) for end in ("x", "ü")]
    assert failures[1].why == "user and password must be ASCII"
    assert all(error.__suppress_context__ and error.__cause__ is None for error in failures)
    shown = [text for error in failures for text in traceback.format_exception(error)]
    assert PASSWORD not in "".join([*map(repr, failures), *shown, repr(email_at(1, password=PASSWORD))])
