"""Secrets are looked for in a time that grows with the text, whatever stands in it, whole or in pieces."""

import json
from collections.abc import Iterator

import pytest

from engine import redaction
from engine.redaction import HIDDEN, Pieces, keep_out, redacted_text
from tests.engine.growing import growth
from tests.engine.test_redaction import told_of

KEY = "MIIEowIBAAKCAQEA7" * 1500
WORST = {
    "addresses": "://",
    "addresses with users": "://a:b",
    "addresses at": "a://b:c@",
    "hooks": "https://hook",
    "keys": "sk-",
    "aws": "AKIA",
    "google": "AIza-",
    "telegram": "123456:A",
    "tokens": "eyJabcd-",
    "names": "secret=",
    "names of passwords": "password ",
    "names in words": "secret is ",
    "quoted": 'secret="',
    "quoted both": "secret='secret=\"",
    "equals": "=",
    "spaces": " ",
    "lines": "\n",
    "quotes": '"',
    "backslashes": "\\",
    "bearers": "bearer ",
    "basics": "basic ",
    "colons": "a:",
    "parameters": "?key=",
    "private keys": "-----BEGIN PRIVATE KEY-----",
    "ends of keys": "-----END ",
    "whole keys": "-----BEGIN PRIVATE KEY-----a-----END PRIVATE KEY-----",
    "dashes": "-",
    "upper": "A",
}
BEGUN = ("", 'Set secret=" ', "password ", "-----BEGIN PRIVATE KEY-----\n", "https://a.b/")


@pytest.fixture(autouse=True)
def _own_secrets() -> Iterator[None]:
    before = redaction._exact
    yield
    redaction._exact = before


@pytest.mark.parametrize("unit", WORST.values(), ids=WORST)
@pytest.mark.parametrize("end", ["", "! x"])
def test_whole_texts_of_the_worst_kind(unit: str, end: str) -> None:
    assert growth(lambda text: told_of([text]), unit, end) < 3


@pytest.mark.parametrize("begun", BEGUN)
@pytest.mark.parametrize("unit", ["word ", "ab/c", "token is "])
def test_texts_of_the_worst_kind_in_pieces_of_four(begun: str, unit: str) -> None:
    def streamed(text: str) -> None:
        told_of([begun, *(text[place : place + 4] for place in range(0, len(text), 4))])

    assert growth(streamed, unit) < 3


@pytest.mark.parametrize("size", [4, 7, 300, 9_000, 50_000])
@pytest.mark.parametrize(
    ("begin", "secret", "end"),
    [
        ("-----BEGIN RSA PRIVATE KEY-----\n", KEY, "\n-----END RSA PRIVATE KEY-----"),
        ('so client_secret="', "correct horse " * 2000, '"'),
        ("so client_secret=", KEY, ""),
        ("Authorization: Bearer ", KEY, ""),
    ],
)
def test_a_secret_longer_than_any_wait_is_blotted_out_and_what_follows_is_told(
    size: int, begin: str, secret: str, end: str
) -> None:
    text = f"Look: {begin}{secret}{end} That was it, at 12:30."
    pieces = [text[place : place + size] for place in range(0, len(text), size)]
    told = told_of(pieces)
    assert len(told) == len(pieces)
    # the first letters, before it is known what they begin, may be there
    head = len(f"Look: {begin}")
    assert len("".join(told)) < head + 50
    assert secret[:8] not in "".join(told)
    assert "".join(told)[-30:].endswith(" That was it, at 12:30.")


def test_what_waits_is_told_before_the_end_of_a_long_text() -> None:
    stream = Pieces()
    told = stream.add('Set secret="')
    for _ in range(3_000):
        told += stream.add("word ")
    assert len(told) > 1_500
    assert HIDDEN in "".join(told)
    assert "word" not in "".join([*told, *stream.end()])


@pytest.mark.parametrize("secret", ['pa"ss\\word-9Q', "pä\nss-word-9Q", "C:\\new\\table"])
def test_an_exact_secret_is_found_as_json_writes_it(secret: str) -> None:
    keep_out([secret])
    for ascii_ in (True, False):
        once = json.dumps({"a": f"it is {secret}!"}, ensure_ascii=ascii_)
        for text in (once, json.dumps({"b": once}, ensure_ascii=ascii_)):
            assert redaction.may_hold_secret(text)
            assert redacted_text(text) == text.replace(text[text.index("it is ") + 6 : text.index("!")], HIDDEN)
