"""Text of anyone's on a terminal: its letters and lines, and nothing that steers."""

import re

_STEERS = re.compile(
    # control characters but line ends and tabs; marks that turn the direction of a line; separators of lines
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def plain(text: str) -> str:
    """A text without what would steer the terminal: colours, cursor, title, links, direction. Its lines stay."""
    return _STEERS.sub("", text)
