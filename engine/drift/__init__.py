"""Drift detection: a profile of the rows that a model was made from, and how later rows differ from it.

The names of this package are loaded when they are first asked for, so that its light parts (`levels`, `policy`,
`found`) can be imported without the numeric libraries.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.drift.compare import compare as compare
    from engine.drift.found import DriftReport as DriftReport
    from engine.drift.levels import Level as Level
    from engine.drift.policy import Policy as Policy
    from engine.drift.profile import Profile as Profile
    from engine.drift.profile import fit_profile as fit_profile

__all__ = ["DriftReport", "Level", "Policy", "Profile", "compare", "fit_profile"]

_HOMES = {
    "DriftReport": "found",
    "Level": "levels",
    "Policy": "policy",
    "Profile": "profile",
    "compare": "compare",
    "fit_profile": "profile",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


class _Package(ModuleType):
    """The function `compare` is in a module of that name, which Python would put in its place when it is loaded."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
