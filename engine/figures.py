"""Figures in words: short, and never rounded to what they are not."""

DIGITS = 4
IN_FULL = 1000
"""From here on the digits before the point all count."""


def figure(value: float) -> str:
    """A number with about four digits that count: 0.8634, 182,345.67. 0.99996 does not become 1, nor 0.00004 0."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    if IN_FULL <= abs(value) < 1e15:
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    for digits in range(DIGITS, 18):
        text = f"{value:.{digits}g}"
        # not a whole number, so it must not look like one
        if abs(value) > 1 or float(text) not in (-1.0, 0.0, 1.0):
            return text
    return repr(value)
