"""E-mail over SMTP. Certificates are checked; the system's own, or those of SSL_CERT_FILE, are trusted."""

import email.utils
import smtplib
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from typing import ClassVar

from pydantic import SecretStr

from engine.alerts.failure import DeliveryFailed
from engine.alerts.message import Alert, Event
from engine.alerts.render import as_email
from engine.alerts.settings import Security
from engine.drift.policy import ChannelName

_PERMANENT = 500


@dataclass(frozen=True)
class Email:
    """One message to all receivers. `login` is user and password; `timeout` is in seconds, for each step."""

    host: str
    port: int
    security: Security
    sender: str
    receivers: tuple[str, ...]
    login: tuple[str, SecretStr] | None
    timeout: float

    name: ClassVar[ChannelName] = "email"
    events: ClassVar[frozenset[Event]] = frozenset({"trigger", "resolve"})

    def send(self, alert: Alert, event: Event = "trigger") -> str:
        """Send an alert; returns who was refused while others were not, '' for nobody.

        Raises:
            DeliveryFailed: nobody was sent to. Final where trying again cannot help.
        """
        message = self._message(alert, event)
        try:
            with closing(self._connected()) as server:
                refused = server.send_message(message)
                # it has taken the message: what it says to a farewell does not matter
                with suppress(smtplib.SMTPException):
                    server.quit()
        except UnicodeError:
            # the error holds what it could not encode, which is the password
            raise self._failed("user and password must be ASCII", transient=False) from None
        except OSError as error:
            why, transient = _reason(error)
            raise self._failed(why, transient=transient) from None
        return f"Refused: {', '.join(refused)}." if refused else ""

    def _message(self, alert: Alert, event: Event) -> EmailMessage:
        message = as_email(alert, event)
        message["From"], message["To"] = self.sender, ", ".join(self.receivers)
        message["Date"] = email.utils.formatdate()
        # the same whenever it is sent, so that a mailbox can tell a message that came twice
        message["Message-ID"] = f"<{alert.id}.{event}@{self.sender.rpartition('@')[2]}>"
        return message

    def _connected(self) -> smtplib.SMTP:
        server = self._open()
        try:
            if self.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self.login is not None:
                server.login(self.login[0], self.login[1].get_secret_value())
        except BaseException:
            server.close()
            raise
        return server

    def _open(self) -> smtplib.SMTP:
        if self.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=self.timeout)

    def _failed(self, why: str, *, transient: bool) -> DeliveryFailed:
        return DeliveryFailed(self.name, why, transient=transient)


def _reason(error: OSError) -> tuple[str, bool]:
    """Why the server did not take a message, and whether it may take it later (codes 4xx: RFC 5321, 4.2.1)."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"the mail server's certificate is not trusted: {error.verify_message}", False
        case smtplib.SMTPAuthenticationError():
            code = error.smtp_code
            return f"the mail server refused user and password ({code})", code < _PERMANENT
        case smtplib.SMTPResponseException():
            return f"the mail server answered {error.smtp_code}", error.smtp_code < _PERMANENT
        case smtplib.SMTPRecipientsRefused():
            codes = sorted({code for code, _ in error.recipients.values()})
            return f"the mail server refused every receiver ({', '.join(map(str, codes))})", min(codes) < _PERMANENT
        case smtplib.SMTPNotSupportedError():
            return "the mail server offers no STARTTLS, no login or no such address", False
        case TimeoutError():
            return "no answer from the mail server in time", True
        case ssl.SSLError() if not isinstance(error, ssl.SSLEOFError):
            return "TLS could not be agreed on: is smtp_security right for this port?", False
        case _:
            return f"the connection to the mail server failed ({type(error).__name__})", True
