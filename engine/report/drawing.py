"""What every drawing of a report shares: matplotlib's style, the colours, and the way to an inline SVG.

Colours are written as CSS variables, so one drawing suits light, dark and print; text stays text, so the browser's
own font is used and a name from the data can be found, copied, and never be markup. Equal numbers give equal bytes.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# stand-ins that no plot uses for anything else; `svg` turns each into the variable of the page's style
INK, FAINT, GRID = "#010203", "#010204", "#010205"
MAIN, SECOND, PLAIN, PAPER = "#010206", "#010207", "#010208", "#010209"
GREEN, YELLOW, ORANGE, RED = "#01020a", "#01020b", "#01020c", "#01020d"
_VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    GRID: "var(--grid)",
    MAIN: "var(--main)",
    SECOND: "var(--second)",
    PLAIN: "var(--plain)",
    PAPER: "var(--paper)",
    GREEN: "var(--green)",
    YELLOW: "var(--yellow)",
    ORANGE: "var(--orange)",
    RED: "var(--red)",
}
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "millwright",
    # a column called "$x_1$" is a name, not a formula
    "text.parse_math": False,
    "axes.unicode_minus": False,
    # named in every text of a drawing, so the list is short
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": GRID,
    "xtick.color": FAINT,
    "ytick.color": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


@contextmanager
def drawing() -> Iterator[None]:
    """The style of the reports, for as long as a figure is made."""
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # the browser draws the text: glyphs that our measuring font lacks do not matter
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def svg(figure: Figure, key: str) -> str:
    """The drawing without XML header, metadata or fixed size; `key` keeps ids apart on a page with several."""
    out = io.StringIO()
    empty = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    FigureCanvasSVG(figure).print_svg(out, metadata=empty)
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{key}-", text)
    head, rest = text.split(">", 1)
    width = float(re.search(r'width="([\d.]+)pt"', head)[1])  # type: ignore[index]
    head = re.sub(r'\s(width|height)="[\d.]+pt"', "", head)
    return in_tags(_as_css, f'{head} role="img" style="max-width:{width * 4 / 3:.0f}px">{rest}')


def in_tags(change: Callable[[str], str], text: str) -> str:
    """`text` with its tags changed and the words between them, which may be names from the data, left alone."""
    return re.sub(r"<[^>]*>", lambda tag: change(tag[0]), text)


def short(name: str, most: int = 34) -> str:
    """One printable line that fits beside a plot; control characters, which XML cannot hold, become spaces."""
    line = "".join(character if character.isprintable() else " " for character in name)
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _as_css(text: str) -> str:
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    return text
