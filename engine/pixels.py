"""Columns that are the pixels of one image: 'pixel_0_0' .. 'pixel_7_7', or 'pixel0' .. 'pixel783'."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_TWO = re.compile(r"^(.*?)[_\-. x]?(\d{1,3})[_\-. x](\d{1,3})$")
_ONE = re.compile(r"^(pixel|px|pix)s?[_\-. ]?(\d{1,5})$", re.IGNORECASE)
_NUMBERS = frozenset({"number", "integer", "boolean"})
LEAST_SIDE = 4
LEAST_SHARE = 0.5
"""Share of the places that must have a column: those that are the same in every row may have been dropped."""


@dataclass(frozen=True)
class PixelGrid:
    """`places[row][column]` is the name of the pixel's column, '' where there is none."""

    places: tuple[tuple[str, ...], ...]

    @property
    def height(self) -> int:
        return len(self.places)

    @property
    def width(self) -> int:
        return len(self.places[0])

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns there are, row by row."""
        return tuple(name for row in self.places for name in row if name)


def pixel_grid(names: Iterable[str]) -> PixelGrid | None:
    """The grid that most of these names make, None when they make none of at least 4 x 4."""
    listed = list(names)
    return _from_two(listed) or _from_one(listed)


def kinds_with_pixels(kinds: Mapping[str, str]) -> set[str]:
    """The kinds of columns, given by name, as `usual_families` takes them: pixels of one image are an 'image' too."""
    grid = pixel_grid(name for name, kind in kinds.items() if kind in _NUMBERS)
    return {*kinds.values(), *(("image",) if grid else ())}


def _from_two(names: list[str]) -> PixelGrid | None:
    stems: dict[str, dict[tuple[int, int], str]] = {}
    for name in names:
        match = _TWO.match(name)
        if match:
            stems.setdefault(match[1], {})[int(match[2]), int(match[3])] = name
    if not stems:
        return None
    places = max(stems.values(), key=len)
    first = min(min(place) for place in places)
    height = max(row for row, _ in places) - first + 1
    width = max(column for _, column in places) - first + 1
    return _grid({(row - first, column - first): name for (row, column), name in places.items()}, height, width)


def _from_one(names: list[str]) -> PixelGrid | None:
    numbered = {int(match[2]): name for name in names if (match := _ONE.match(name))}
    if not numbered:
        return None
    first = 1 if 0 not in numbered and max(numbered) ** 0.5 % 1 == 0 else 0
    side = round((max(numbered) - first + 1) ** 0.5)
    if side * side < max(numbered) - first + 1:
        side += 1
    return _grid({divmod(number - first, side): name for number, name in numbered.items()}, side, side)


def _grid(places: dict[tuple[int, int], str], height: int, width: int) -> PixelGrid | None:
    if min(height, width) < LEAST_SIDE or len(places) < LEAST_SHARE * height * width:
        return None
    return PixelGrid(tuple(tuple(places.get((row, column), "") for column in range(width)) for row in range(height)))
