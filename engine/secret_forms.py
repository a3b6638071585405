"""The usual forms of secrets: how they look in a text, and how one looks that is not yet whole at its end.

No search here takes more than a constant time for each character, whatever the text: a run that may be gone through
again from another place in it is bounded, or is looked at in the last word only.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_RUN = 2_000
"""Characters of a key, or of a password in an address, at most, where the search for one may begin inside another."""

Sign = tuple[str, str]
"""What a secret is quickly found by: the letters that it may begin with, rare ones, and a pattern of the rest."""


def _any_of(signs: Iterable[Sign]) -> str:
    """A pattern of any of the signs, each by its first letter: so the search skips what begins none of them."""
    rests: dict[str, list[str]] = {}
    for letters, rest in dict.fromkeys(signs):
        for letter in letters:
            rests.setdefault(letter, []).append(rest)
    branches = (f"{re.escape(letter)}(?:{'|'.join(rest)})" for letter, rest in rests.items())
    return f"(?:{'|'.join(branches)})"


def _ending(words: Iterable[str], length: int) -> Sign:
    """A sign of the words in any case, by their end of `length` letters, which all of them share."""
    words = tuple(words)
    end, behind = words[0][-length:], "|".join(f"(?<=(?i:{word}))" for word in words)
    return f"{end[0]}{end[0].upper()}", f"(?i:{end[1:]})(?:{behind})"


_OWNERS = (
    *("api", "access", "account", "auth", "encryption", "master", "private", "routing", "secret", "shared", "signing"),
    "subscription",
)
_GAPS = ("", "[ _-]", "[ _-]{2}")
_PASSWORDS = (
    *(_ending(["password"], 4), _ending(["passwort"], 4), _ending(["passwd", "pwd"], 2), _ending(["passphrase"], 6)),
    _ending([f"{owner}{gap}key" for owner in ("api", "access") for gap in _GAPS[:2]], 3),
)
_NAMES = (
    *_PASSWORDS,
    _ending([f"{owner}{gap}key" for owner in _OWNERS for gap in _GAPS], 3),
    *(_ending(["secret"], 4), _ending(["token"], 3), _ending(["authorization"], 6)),
    *(_ending(["credentials"], 11), _ending(["credential"], 10)),
)
_NAME, _PASSWORD = _any_of(_NAMES), _any_of(_PASSWORDS)
_GIVES = r"[:=]+>?"
_IS = r"\b(?i:is|ist|lautet)\b"
_WORDS = (
    r"(?!(?i:set|not|no|missing|expired|invalid|wrong|required|needed|empty|given|there|here|kept|used|read|hidden|the"
    r"|a|an|of|for|in|bearer|basic)\b)"
)
_START = r"(?:\b|(?<=\\[bfnrt]))"
"""The beginning of a word, also in JSON, where the letter of an escaped line break stands before it."""
_KEY_SIGNS = (
    (
        "_-",
        r"(?:(?<=[sprSPR]k.)|(?<=gh[pousr].)|(?<=github.)|(?<=glpat.)|(?<=xox[abeoprs].)|(?<=xapp.)|(?<=hf.)|(?<=gsk.)"
        r"|(?<=nvapi.)|(?<=npm.)|(?<=pypi.)|(?<=dop.)|(?<=lsv2.)|(?<=xai.)|(?<=pplx.)|(?<=r8.))",
    ),
    ("S", r"G\."),
    ("y", r"a29\."),
)
_KEY_START = (
    rf"{_START}(?:sk-(?!learn)|sk_(?:live|test)_|[pr]k[_-](?:live|test|lf)[_-]|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-"
    r"|xapp-|hf_|gsk_|nvapi-|npm_|pypi-|dop_v1_|lsv2_|xai-|pplx-|r8_|ya29\.|SG\.)"
)
_PRIVATE = r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
_PRIVATE_ENDS = re.compile("-----END [A-Z ]*PRIVATE KEY-----")


@dataclass(frozen=True)
class Form:
    """A kind of secret. The group of `pattern` is what is blotted out, all of it where it has none; text with none of
    `signs`, of which `sign` is the pattern, is not searched."""

    what: str
    signs: tuple[Sign, ...]
    sign: re.Pattern[str]
    pattern: re.Pattern[str]


def _form(what: str, signs: Iterable[Sign], pattern: str, flags: int = 0) -> Form:
    signs = tuple(signs)
    return Form(what, signs, re.compile(_any_of(signs)), re.compile(pattern, flags))


_ADDRESS = (":", "//")
_BEARER, _BASIC = _ending(["bearer"], 6), _ending(["basic"], 5)


FORMS = (
    _form(
        "a private key",
        [("K", "EY(?<=PRIVATE KEY)")],
        rf"{_PRIVATE}.*?(?:{_PRIVATE_ENDS.pattern}|\Z)",
        re.DOTALL,
    ),
    _form("a bearer token", [_BEARER], rf"{_START}(?i:bearer)\s+([\w.~+/=\-]{{8,}})"),
    # the words 'basic statistics' are no Base64
    _form(
        "a password",
        [_BASIC],
        rf"{_START}(?i:basic)\s+((?=\S*(?:[0-9+/=]|[a-z][A-Z]))[A-Za-z0-9+/\-_]{{8,}}=*)",
    ),
    _form(
        "a webhook's address",
        [("kK", "(?<=(?i:hook))"), (".", "(?:logic.azure|powerplatform).com")],
        r"https?://([^\s\"'<>\\]{0,400}(?:hooks?\.|/hooks?/|webhook|\.logic\.azure\.com|\.powerplatform\.com)[^\s\"'<>\\]*)",
        re.IGNORECASE,
    ),
    _form("an address with a password", [_ADDRESS], rf"://[^\s\"'<>:@/]{{0,400}}:([^\s\"'<>]{{1,{LONGEST_RUN}}})@"),
    _form("an address with a key", [_ADDRESS], r"[sSpP]://([^\s\"'<>:@/]{8,})@"),
    _form(
        "an address with a password", [("@", r"(?=[\w\-])")], r":(?<=[\w.+\-]:)(?<!mailto:)([^\s:@/\"'<>]{3,})@[\w\-]"
    ),
    _form("an API key", _KEY_SIGNS, rf"{_KEY_START}[\w.\-]{{10,}}"),
    _form("an API key", [("A", "(?:KIA|SIA|Iza)")], rf"{_START}A(?:(?:KIA|SIA)[A-Z0-9]{{16}}\b|Iza[\w\-]{{20,}})"),
    _form("an API key", [(":", r"A(?<=\d:A)")], r"(?<!\d)\d{6,12}:[A-Za-z0-9_\-]{30,}"),
    _form("a token", [("J", "(?<=eyJ)")], rf"{_START}eyJ[\w\-]{{4,{LONGEST_RUN}}}+\.[\w\-.]+"),
    _form(
        "an address with a key",
        [("?&", "(?:key|sig|signature|code|auth)=")],
        r"[?&](?:key|sig|signature|code|auth)=([^\s&\"'<>\\]{4,})",
    ),
    _form(
        "a password or key",
        _NAMES,
        rf"(?:{_NAME})\b[\\\"']*\s*(?:{_GIVES}\s*(?:\\?\"([^\"\\]{{4,}})|\\?'([^'\\]{{4,}}))"
        rf"|(?:{_GIVES}|{_IS})\s*{_WORDS}[\\\"']*([^\s\"',;&)\]}}\\]{{4,}}))",
    ),
    _form("a password or key", _PASSWORDS, rf"(?:{_PASSWORD})\s+(?=\S*\d)([^\s\"',;]{{6,}})"),
)
SIGN = re.compile(_any_of([*(sign for form in FORMS for sign in form.signs), (":", r"(?:\Z|(?<=\w:)(?=\w))")]))
"""What a text has that may hold a secret, or the beginning of one at its end."""
FIELD = re.compile(rf".*(?:{_NAME})")
_MORE = f"{{0,{LONGEST_RUN}}}+"
_LAST_WORD = re.compile(
    rf"://|(?:{_NAME})[\\\"']*(?:{_GIVES}|{_IS})"
    r"|(?::(?<=[\w.+\-]:)[^\s:/]+"
    rf"|{_KEY_START}[\w.\-]{_MORE}|\bA(?:KIA|SIA)[A-Z0-9]*|\bAIza[\w\-]{_MORE}|\beyJ[\w\-.]{_MORE})\Z"
)
"""What begins a secret in the last word of a text."""
_LAST_WORDS = re.compile(
    rf"(?:(?:(?i:bearer|basic)|{_PASSWORD})\s++\S*+"
    rf"|(?:{_NAME})[\\\"']*+(?:\s++(?:[:=]++>?+|{_IS})\s*+|(?:[:=]++>?+|{_IS})\s++)\S*+"
    rf"|(?:{_NAME})[\\\"']*\s*(?:[:=]++>?+|{_IS})\s*(?:\\?\"[^\"]*+|\\?'[^']*+))\Z"
)
"""What begins a secret before the last word, and goes on to the end."""
_PRIVATE_BEGINS = re.compile(_PRIVATE)


def unfinished(text: str) -> int | None:
    """Where the end of a text begins that may be the beginning of a secret of a usual form."""
    end = max((found.end() for found in _PRIVATE_ENDS.finditer(text)), default=0)
    found = [_PRIVATE_BEGINS.search(text, end), _LAST_WORDS.search(text)]
    if text and not text[-1].isspace():
        found.append(_LAST_WORD.search(text, len(text) - len(text.rsplit(None, 1)[-1])))
    return min((match.start() for match in found if match), default=None)
