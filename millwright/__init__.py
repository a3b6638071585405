"""Say what you want from your data; agents plan and run the machine-learning work for real.

>>> import millwright
>>> with millwright.open_workshop() as workshop:  # doctest: +SKIP
...     workshop.call("list_datasets")

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import engine  # noqa: F401  sets the switches that libraries read at import

if TYPE_CHECKING:
    from millwright.compose import open_workshop
    from millwright.crewing import crew
    from millwright.settings import Settings
    from millwright.talk import chat, run

__all__ = ["Settings", "chat", "crew", "open_workshop", "run"]

try:
    __version__ = version("millwright")
except PackageNotFoundError:  # used from a checkout that was never installed
    __version__ = "0"

_WHERE = {
    "open_workshop": "millwright.compose",
    "Settings": "millwright.settings",
    "run": "millwright.talk",
    "chat": "millwright.talk",
    "crew": "millwright.crewing",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  a module's names are of any type
    if name not in _WHERE:
        raise AttributeError(f"module 'millwright' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
