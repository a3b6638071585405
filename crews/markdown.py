"""Markdown from results. Text that comes from data or from a model is shown as it is, never read as markup."""

import re
from collections.abc import Iterable, Sequence

from engine.figures import figure

_SPECIAL = re.compile(
    r"([\\`*{}\[\]<>#|~&]|(?<!\w)_|_(?!\w)|(?<=:)/(?=/)|(?<=www)\.)", re.IGNORECASE
)  # an underscore inside a word is none; an address is not pressed by mistake
_KEPT = re.compile(r"~~(.*?)~~ (\(not in the results\))")


def plain(value: object) -> str:
    """A value in running text or in a cell; '-' for none."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return figure(value)
    return _escaped(" ".join(str(value).split()))


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; one without rows is a dash."""
    lines = ["| " + " | ".join(plain(cell) for cell in row) + " |" for row in rows]
    if not lines:
        return "-"
    return "\n".join(["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings), *lines])


def bullets(texts: Iterable[object]) -> str:
    """A list; an empty one is a dash."""
    return "\n".join(f"- {plain(text)}" for text in texts) or "-"


def code(lines: Iterable[str]) -> str:
    """Commands, fenced; a fence inside them cannot close it."""
    return "\n".join(["```", *(line.replace("```", "'''") for line in lines), "```"])


def quoted(words: str) -> str:
    """An agent's words as a block quote. Of markup only what marks a struck figure counts."""
    lines = words.strip().splitlines() or ["(nothing)"]
    return "\n".join(f"> {_spoken(line)}" for line in lines)


def _spoken(line: str) -> str:
    out, end = [], 0
    for match in _KEPT.finditer(line):
        before, struck, why = (_escaped(part) for part in (line[end : match.start()], match[1], match[2]))
        out.append(f"{before}~~{struck}~~ {why}")
        end = match.end()
    return "".join([*out, _escaped(line[end:])])


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"\\{found.group()}", text)


def section(heading: str, *parts: str) -> str:
    """A section of a page."""
    return "\n\n".join([f"## {heading}", *filter(None, parts)])


def page(title: str, *sections: str) -> str:
    """A whole page."""
    return "\n\n".join([f"# {title}", *filter(None, sections)]) + "\n"
