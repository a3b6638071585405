"""Names of the model families, and which of them suit what kinds of columns. Nothing is loaded with them."""

from collections.abc import Collection, Sequence

from engine.errors import BadChoice

CLASSIC = ("linear", "lightgbm", "forest")
"""Cheapest first."""
NETWORKS = ("network", "lstm", "encoder", "resnet")
"""Trained by torch: of all columns together, with an LSTM or a transformer over a text, with a ResNet over an image."""
FAMILIES = (*CLASSIC, *NETWORKS)
"""The kinds a user may choose."""
KINDS = ("dummy", *FAMILIES)
"""All kinds; the dummy baseline is always there."""
NEEDS = {"lstm": "text", "encoder": "text", "resnet": "image"}
"""The kind of column without which a family has nothing to look at."""

NETWORK_BUDGET_S = 120.0
"""Seconds from which a network also tries a table of numbers, and an LSTM texts: below, others use the time better."""


def usual_families(kinds: Collection[str], budget_seconds: float | None = None) -> tuple[str, ...]:
    """The families to try when nobody names any, in the order in which they are tried.

    Args:
        kinds: of the columns to learn from; a grid of pixels counts as 'image'.
        budget_seconds: None for a fixed amount of work.
    """
    long = budget_seconds is not None and budget_seconds >= NETWORK_BUDGET_S
    if "image" in kinds:
        return ("linear", "resnet", "lightgbm", "forest")
    if "text" in kinds:
        return ("linear", "network", *(("lstm",) if long else ()), "lightgbm", "forest")
    return (*CLASSIC, "network") if long else CLASSIC


def check_families(asked: Sequence[str]) -> tuple[str, ...]:
    """The families asked for, each once, cheapest first.

    Raises:
        BadChoice: one is not a family.
    """
    for name in asked:
        if name not in KINDS:
            raise BadChoice("model", name, FAMILIES)
    return tuple(family for family in FAMILIES if family in asked)


def check_needs(families: Sequence[str], kinds: Collection[str]) -> None:
    """Refuse a family that has nothing to look at in columns of these kinds.

    Raises:
        BadChoice: naming the family, and those that fit.
    """
    for name in families:
        if name in NEEDS and NEEDS[name] not in kinds:
            fitting = [family for family in FAMILIES if family not in NEEDS or NEEDS[family] in kinds]
            raise BadChoice(f"model for data without a column of kind {NEEDS[name]}", name, fitting)
