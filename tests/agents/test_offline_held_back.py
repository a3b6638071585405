"""Labelled messages that the planner was not made for, and what it takes to liken a message to others."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from agents.offline.labelled import EXAMPLES, read_examples
from agents.offline.meaning import Meaning, embedded, open_meaning
from agents.offline.repertoire import SKILLS
from agents.offline.scoring import score
from agents.offline.understanding import understand
from rag.embed import absence, open_embedder

HELD_BACK = Path(__file__).parent / "utterances" / "held_back.jsonl"
BY_RULES, BY_MEANING = 0.72, 0.83
SLOTS_BY_RULES, SLOTS_BY_MEANING = 0.81, 0.86
"""Floors a little under what was measured (docs/planner.md)."""
ASKED = ("declined", "word_meant", "column_asked", "promotion_asked", "standing")
"""Answers to a refusal, a question or what is to hold from now on, known by their form alone."""
without_weights = pytest.mark.skipif(absence() is not None, reason=absence() or "")


def test_the_set_is_large_enough_and_no_message_is_in_both_parts() -> None:
    shipped, held_back = read_examples(EXAMPLES), read_examples(HELD_BACK)
    assert len(shipped) >= 300
    assert len(held_back) >= 120
    assert not {one.text.lower() for one in shipped} & {one.text.lower() for one in held_back}


def test_every_kind_that_is_labelled_can_be_done_and_nearly_every_skill_is_labelled() -> None:
    kinds = {kind for one in (*read_examples(EXAMPLES), *read_examples(HELD_BACK)) for kind in one.intents}
    assert kinds <= SKILLS.keys()
    assert SKILLS.keys() - kinds == {"never_mind", "unknown", *ASKED}


def test_by_rules_alone_most_held_back_messages_are_understood() -> None:
    found = score(read_examples(HELD_BACK), understand)
    assert found.accuracy >= BY_RULES
    assert found.f1 >= SLOTS_BY_RULES


@without_weights
def test_by_meaning_more_of_them_are() -> None:
    found = score(read_examples(HELD_BACK), partial(understand, meaning=open_meaning()))
    assert found.accuracy >= BY_MEANING
    assert found.f1 >= SLOTS_BY_MEANING


@without_weights
def test_the_vectors_that_ship_are_those_of_the_examples() -> None:
    meaning, embedder = open_meaning(), open_embedder()
    assert isinstance(meaning, Meaning)
    assert embedder is not None
    some = meaning.examples[::9]
    assert np.abs(embedded(embedder, some) - meaning.vectors[::9]).max() < 2e-3


@without_weights
def test_likeness_is_the_same_every_time() -> None:
    first, second = (open_meaning.__wrapped__() for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.likeness("who walks away") == second.likeness("who walks away")


def test_the_planner_reads_a_message_without_importing_torch() -> None:
    code = (
        "import sys; from agents.offline import OfflinePlanner; "
        "OfflinePlanner().invoke('I wonder who walks away'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=90)
    assert done.stdout.strip() == "False"
