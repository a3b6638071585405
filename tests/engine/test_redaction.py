"""Secrets are blotted out wherever they stand, and nothing else is."""

import json
import logging
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import redaction
from engine.errors import JobFailed
from engine.redaction import HIDDEN, Pieces, guard_logs, keep_out, kind_of_secret, redacted, scrub, without_secrets

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7hunter\n-----END RSA PRIVATE KEY-----"
PLANTED = {
    "openai": ("the key sk-proj-Zq81mNopQrStUvWx is mine", "sk-proj-Zq81mNopQrStUvWx"),
    "anthropic": ("sk-ant-api03-Zq81mNopQrStUvWx", "Zq81mNopQrStUvWx"),
    "stripe": ("sk_live_Zq81mNopQrSt", "Zq81mNopQrSt"),
    "github": ("clone with ghp_abcdefghijklmnopqrstuvwxyz0123", "abcdefghijklmnopqrstuvwxyz0123"),
    "github fine": ("github_pat_11ABCDEFG0123456789_x", "11ABCDEFG0123456789"),
    "gitlab": ("glpat-Zq81mNopQrStUvWx12", "Zq81mNopQrStUvWx12"),
    "slack": ("xoxb-123456789012-abcdefGHIJKL", "123456789012-abcdefGHIJKL"),
    "hugging face": ("hf_AbCdEfGhIjKlMnOpQrSt", "AbCdEfGhIjKlMnOpQrSt"),
    "google": ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "SyA1234567890abcdefghijklmnopqrstuv"),
    "groq": ("gsk_Zq81mNopQrStUvWx", "Zq81mNopQrStUvWx"),
    "langsmith": ("lsv2_pt_Zq81mNopQrStUvWx", "Zq81mNopQrStUvWx"),
    "aws id": ("id AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
    "aws secret": ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI/K7MDENG"),
    "telegram": ("bot 123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0q", "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0q"),
    "bearer": ("Authorization: Bearer abcdef.ghijkl-1234", "abcdef.ghijkl-1234"),
    "basic": ("authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
    "jwt": ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def", "eyJzdWIiOiIxIn0"),
    "private key": (f"use {KEY} now", "MIIEowIBAAKCAQEA7hunter"),
    "database": ("read postgresql://me:hunter22@db.local/x now", "hunter22"),
    "database odd": ("read x+y://me:12/hunt?er22@db.local/x", "12/hunt?er22"),
    "web": ("http://ann:hunter22@example.com/a", "hunter22"),
    "web token": ("https://0123456789abcdef@sentry.example/1", "0123456789abcdef"),
    "host": ("ssh anna:hunter22@db.local", "hunter22"),
    "slack hook": ("https://hooks.slack.com/services/T0/B0/xyzxyz", "T0/B0/xyzxyz"),
    "discord hook": ("https://discord.com/api/webhooks/123/AbC-dEf", "123/AbC-dEf"),
    "teams hook": ("https://acme.webhook.office.com/webhookb2/ab-12@cd", "ab-12"),
    "teams flow": ("https://prod-1.westeurope.logic.azure.com/workflows/ab12/x", "ab12"),
    "other hook": ("post to https://alerts.example/hooks/ab12cd", "ab12cd"),
    "signed": ("https://x.example/blob?sv=1&sig=abcd%2Bdd", "abcd%2Bdd"),
    "field": ("password=hunter22 and target=churn", "hunter22"),
    "field said": ("my password is correcthorse", "correcthorse"),
    "field german": ("das Passwort lautet geheim", "geheim"),
    "field spaced": ("password hunter2hunter", "hunter2hunter"),
    "variable": ("PGPASSWORD=hunter22 psql", "hunter22"),
    "json": ('{"api_key": "abcd,efgh"}', "abcd,efgh"),
    "json in json": (r'{"text": "{\"client_secret\": \"abcdefgh\"}"}', "abcdefgh"),
    "repr": ("{'x-api-key': 'abcd efgh'}", "abcd efgh"),
    "camel": ('"accessToken":"abcdefgh"', "abcdefgh"),
}
HARMLESS = (
    "the target is churn, at 10:30 each day, ratio 3:1",
    "the column password holds no values, and the token column is a text",
    "mail anna@example.com or mailto:anna@example.com about it",
    "see https://example.com/data?x=1 and https://example.com/@user/post",
    "customerID is the key of the table; pk_customer_identifier and sk_customer_number are too",
    "Basic statistics of the data, by basic understanding",
    "llm.api_key is set but llm.provider is 'offline'",
    "The token is missing. The secret is not given.",
    "use sk-learn-contrib and roc_auc_score, task-specific, disk_usage_total_bytes",
    "prompt_tokens: 1234, completion_tokens=12345, max_tokens=4096",
    '{"sequence":5,"kind":"text","text":"a: b = c"}',
    "sqlite:////home/somebody/shop.db, file:///data/x.csv",
)


@pytest.fixture(autouse=True)
def _own_secrets() -> Iterator[None]:
    before = redaction._exact
    yield
    redaction._exact = before


@pytest.mark.parametrize(("text", "secret"), PLANTED.values(), ids=PLANTED)
def test_a_secret_is_blotted_out_of_text_lists_and_keys(text: str, secret: str) -> None:
    assert secret in text
    assert kind_of_secret(text) is not None
    for value in (text, [text], {"a": {"b": (text, 1)}}, {text: 1}, json.dumps(f"a\n{text}\nb")):
        assert json.dumps(secret)[1:-1] not in str(redacted(value)).replace("\\\\", "\\")
        assert HIDDEN in str(redacted(value))
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert redacted(text) == text
    assert kind_of_secret(text) is None


def test_what_stands_under_a_name_of_a_secret_is_blotted_out_whatever_it_is() -> None:
    given = {"api_key": "abcd", "dbPassword": ["x", "y"], "tokens": 3, "token": "", "authorization": {"a": "b"}}
    kept = {"api_key": HIDDEN, "dbPassword": [HIDDEN, HIDDEN], "tokens": 3, "token": "", "authorization": {"a": "b"}}
    assert redacted(given) == kept


def test_the_exact_secrets_of_the_process_are_blotted_out_and_short_ones_are_not() -> None:
    keep_out(["violet-harbour", "violet-harbour-seven", "short"])
    assert redacted("a short walk to violet-harbour-seven, violet-harbour") == f"a short walk to {HIDDEN}, {HIDDEN}"
    assert kind_of_secret("x violet-harbour") == "a secret of the settings"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("postgresql://ann:hunter2@host/shop?sslpassword=x", "postgresql://ann:***@host/shop"),
        ("postgresql://ann@host/shop@x", "postgresql://***"),
        ("postgresql://ann:x@host:none/shop", "postgresql://***"),
        ("data/a@b.csv", "data/a@b.csv"),
        ("file:///x.csv", "file:///x.csv"),
    ],
)
def test_a_source_is_shown_without_password_and_parameters(source: str, shown: str) -> None:
    assert without_secrets(source) == shown


def in_pieces(text: str, cuts: list[int]) -> list[str]:
    ends = [0, *sorted({cut % (len(text) + 1) for cut in cuts}), len(text)]
    return [text[begin:end] for begin, end in pairwise(ends)]


def told_of(pieces: list[str]) -> list[str]:
    stream, told = Pieces(), []
    for piece in pieces:
        told += stream.add(piece)
    return told + stream.end()


def longest_shared(text: str, secret: str) -> int:
    lengths = (n for n in range(len(secret), 0, -1) for i in range(len(secret) - n + 1) if secret[i : i + n] in text)
    return next(lengths, 0)


words = st.sampled_from(
    ["the", "model", "has", "roc_auc", "0.86.", "at", "12:30", "a", "key", "token", "is", "\n", "="]
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(PLANTED)),
    st.lists(words, max_size=6),
    st.lists(words, max_size=6),
    st.lists(st.integers(0, 10_000), max_size=30),
)
def test_a_secret_that_is_spread_over_pieces_is_told_by_none(
    name: str, before: list[str], after: list[str], cuts: list[int]
) -> None:
    said, secret = PLANTED[name]
    text = " ".join([*before, said, *after])
    pieces = in_pieces(text, cuts)
    told = told_of(pieces)
    assert len(told) == len(pieces)
    # the first letters of a key, before it is known as one, may be there
    assert longest_shared("".join(told), secret) <= 4


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(HARMLESS), st.lists(st.integers(0, 10_000), max_size=40))
def test_plain_text_comes_out_in_the_pieces_that_went_in(text: str, cuts: list[int]) -> None:
    pieces = in_pieces(text, cuts)
    assert told_of(pieces) == pieces


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 10_000), max_size=30))
def test_an_exact_secret_that_is_spread_over_pieces_is_told_by_none(cuts: list[int]) -> None:
    redaction._exact = ()
    keep_out(["violet harbour seven"])
    told = "".join(told_of(in_pieces("say violet hat, then violet harbour seven aloud", cuts)))
    assert longest_shared(told.replace("violet hat", ""), "violet harbour seven") <= 4
    assert told.startswith("say violet hat, then ")


def test_ordinary_words_are_told_at_once() -> None:
    stream = Pieces()
    for piece in ("The", "best", "model", "is", "a", "forest", "with", "a", "roc_auc", "of", "0.864,", "on", "500"):
        assert stream.add(f"{piece} ") == [f"{piece} "]


def test_no_log_record_holds_a_secret_whoever_writes_it(caplog: pytest.LogCaptureFixture) -> None:
    before = logging.getLogRecordFactory()
    guard_logs()
    guard_logs()
    try:
        log = logging.getLogger("somebody.else")
        log.error("GET %s as %s", "postgresql://me:hunter22@host/db", "ann")
        log.error("password=%s", "hunter22")
        log.error("%(password)s", {"password": "hunter22"})
        log.error("plain %d", 3)
        try:
            raise RuntimeError("password is hunter22")
        except RuntimeError:
            log.exception("it broke")
    finally:
        logging.setLogRecordFactory(before)
    assert "hunter22" not in caplog.text
    assert caplog.records[0].args == ("postgresql://me:***@host/db", "ann")
    assert caplog.records[3].args == (3,)
    assert "RuntimeError: password is ***" in caplog.text


def test_an_error_keeps_its_class_and_loses_its_secrets() -> None:
    error = JobFailed("The database postgresql://me:hunter22@host said no.", "Use another than hunter=1.", "odd")
    scrub(error)
    assert (str(error), error.code) == (
        "The database postgresql://me:***@host said no. Use another than hunter=1.",
        "odd",
    )
    plain = ValueError("password=hunter22", 3)
    scrub(plain)
    assert plain.args == ("password=***", 3)
