"""An HTTP request to a service whose address is a secret: it reaches no log, no error message and no traceback."""

import email.utils
import logging
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from engine.alerts.failure import DeliveryFailed
from engine.drift.policy import ChannelName

_WORD = re.compile(rb"[a-z]+(_[a-z]+)+")
_MOST_WORD = 60


@dataclass(frozen=True)
class Post:
    """Posts JSON to one address. `timeout` is in seconds, for each step: connecting, sending, waiting."""

    channel: ChannelName
    url: SecretStr
    timeout: float

    def send(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Post a body.

        Raises:
            DeliveryFailed: transient without an answer, at 429 and at 5xx; final at any other answer but 2xx and where
                the certificate is not trusted.
        """
        try:
            with _unlogged(), httpx.Client(timeout=self.timeout) as client:
                self._send(client, body, {"Content-Type": "application/json", **(headers or {})})
        except httpx.HTTPError as error:
            # the client's errors hold the request, and with it the address
            raise self._unanswered(error) from None

    def _send(self, client: httpx.Client, body: bytes, headers: Mapping[str, str]) -> None:
        url = self.url.get_secret_value()
        with client.stream("POST", url, content=body, headers={"User-Agent": "Millwright", **headers}) as answer:
            if answer.is_success:
                return
            status, said = answer.status_code, self._word(answer)
        transient = status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR
        wait = _seconds(answer.headers.get("Retry-After")) if transient else None
        raise DeliveryFailed(self.channel, f"it answered {status}{said}", transient=transient, retry_after=wait)

    def _word(self, answer: httpx.Response) -> str:
        """Slack says in a word what is wrong, such as no_service. Anything else might repeat the address."""
        said = next(answer.iter_raw(_MOST_WORD), b"").strip()
        secret = self.url.get_secret_value().encode()
        return f" ({said.decode()})" if _WORD.fullmatch(said) and said not in secret else ""

    def _unanswered(self, error: httpx.HTTPError) -> DeliveryFailed:
        if isinstance(error, httpx.TimeoutException):
            return DeliveryFailed(self.channel, f"no answer within {self.timeout:g} seconds", transient=True)
        if untrusted := _untrusted(error):
            return DeliveryFailed(self.channel, f"its certificate is not trusted: {untrusted}", transient=False)
        return DeliveryFailed(self.channel, f"the connection failed ({type(error).__name__})", transient=True)


@contextmanager
def _unlogged() -> Iterator[None]:
    """httpx logs the whole address of each request: not those of this thread."""
    logger, mine = logging.getLogger("httpx"), threading.get_ident()

    def of_others(record: logging.LogRecord) -> bool:
        return record.thread != mine

    logger.addFilter(of_others)
    try:
        yield
    finally:
        logger.removeFilter(of_others)


def _untrusted(error: BaseException | None) -> str:
    """What is wrong with the certificate; '' where it is something else."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return ""


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After is a number of seconds or a date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
