"""How serious something is: four levels, in order."""

from collections.abc import Iterable
from enum import StrEnum


class Level(StrEnum):
    """GREEN < YELLOW < ORANGE < RED. Equal to its own name as text, ordered by seriousness."""

    GREEN = "GREEN"
    YELLOW = "YELLOW"
    ORANGE = "ORANGE"
    RED = "RED"

    @property
    def rank(self) -> int:
        """0 for GREEN to 3 for RED."""
        return _ORDER.index(self.value)

    def __lt__(self, other: str) -> bool:
        return self.rank < Level(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Level(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Level(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Level(other).rank


_ORDER = ("GREEN", "YELLOW", "ORANGE", "RED")


def highest(levels: Iterable[Level]) -> Level:
    """The most serious of `levels`; GREEN when there is none."""
    return max(levels, key=lambda level: level.rank, default=Level.GREEN)
