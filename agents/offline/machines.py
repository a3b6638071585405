"""Readers of where networks are trained: the device, and in how many processes."""

import re
from dataclasses import replace

from agents.offline.explicit import asks_place
from agents.offline.slots import Reader, Slots, take
from agents.offline.words import NUMBER, number

_CARD = r"(?:gpus?|cuda|graphics cards?)"
_NAMED = re.compile(r"(?:--)?\bdevice\s*(?:=|:|is)?\s*(auto|cpu|cuda(?::\d+)?)\b", re.IGNORECASE)
_NOT_A_CARD = re.compile(
    r"\b(?:(?:not|never)(?: on| use)?|no|without|(?:don['’]?t|do not) (?:use|train on|run on))\s+"
    rf"(?:(?:the|a|any|my)\s+)?{_CARD}(?!\w)",
    re.IGNORECASE,
)
_CARDS = re.compile(
    rf"\b(?:(?:on|with|using|use|over|across)\s+)?(?P<count>{NUMBER}|both)\s+(?:gpus|graphics cards)\b", re.IGNORECASE
)
_DEVICE = re.compile(
    rf"(?<![\w-])(?:(?P<cpu>cpus?)|(?:(?P<ordinal>first|second|third|fourth) )?{_CARD}"
    r"(?:\s*(?:number|no\.?|device|#|:)?\s*(?P<place>\d+))?)(?![\w-])",
    re.IGNORECASE,
)
_PROCESSES = re.compile(
    rf"\b(?:(?P<asks>in|with|using|use|over|across|on|by|through|into|between|among)\s+)?(?P<count>(?!an?\b){NUMBER})\s+"
    r"(?:parallel |worker |training )?process(?:es)?\b|\bprocesses\s*(?:=|:)\s*(?P<named>\d+)",
    re.IGNORECASE,
)
_ORDINALS = ("first", "second", "third", "fourth")
_BEFORE = re.compile(r"\b(?:on|use|using|with|via)(?:\s+(?:the|a|my|our|one))*\s*$", re.IGNORECASE)


def _cards(slots: Slots) -> Slots:
    """'on two gpus' are two processes, each with a card of its own."""
    match, rest = take(slots, _CARDS, "_device_")
    if match is None or not asks_place(slots.rest, match.start("count"), match.end(), slots.strict):
        return slots
    count = 2 if match.group("count").lower() == "both" else int(number(match.group("count")))
    return replace(slots, device="cuda", processes=count, rest=rest)


def _device(slots: Slots) -> Slots:
    """'on the gpu' is cuda, 'on GPU 1' is cuda:1, 'without the gpu' is cpu."""
    match, rest = take(slots, _NAMED, "_device_")
    if match is not None:
        return replace(slots, device=match.group(1).lower(), rest=rest)
    match, rest = take(slots, _NOT_A_CARD, "_device_")
    if match is not None and asks_place(slots.rest, match.start(), match.end(), slots.strict, asked=True):
        return replace(slots, device="cpu", rest=rest)
    for match in _DEVICE.finditer(slots.rest):
        if asks_place(slots.rest, match.start(), match.end(), slots.strict):
            before = _BEFORE.sub("", slots.rest[: match.start()])
            return replace(slots, device=_name(match), rest=f"{before} _device_ {slots.rest[match.end() :]}")
    return slots


def _name(match: re.Match[str]) -> str:
    if match.group("cpu"):
        return "cpu"
    ordinal = (match.group("ordinal") or "").lower()
    place = str(_ORDINALS.index(ordinal)) if ordinal else match.group("place")
    return f"cuda:{int(place)}" if place else "cuda"


def _processes(slots: Slots) -> Slots:
    match, rest = take(slots, _PROCESSES, "_processes_")
    if match is None:
        return slots
    if match.group("named"):
        return replace(slots, processes=int(match.group("named")), rest=rest)
    if not asks_place(slots.rest, match.start(), match.end(), slots.strict, asked=match.group("asks") is not None):
        return slots
    return replace(slots, processes=int(number(match.group("count"))), rest=rest)


MACHINES: tuple[Reader, ...] = (_cards, _device, _processes)
"""After the amounts: a number behind a device is its own, and no time."""
