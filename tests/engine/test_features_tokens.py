"""Texts as token ids: a tokeniser that follows from the texts alone and comes back whole from JSON."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.features_layout import TextBlock
from engine.features_tokens import MAX_TOKENS, TokenStep

WORDS = ["late", "refund", "great", "never", "again", "thanks", "été", "断線", "FREE", "50%"]


def texts(rows: int = 200, words: int = 9) -> pd.Series:
    rng = np.random.default_rng(1)
    return pd.Series([" ".join(rng.choice(WORDS, rng.integers(1, words))) for _ in range(rows)], dtype="str", name="t")


STEP = TokenStep.fit(texts())


def digest(step: TokenStep) -> str:
    return hashlib.sha256(step.tokeniser.encode()).hexdigest()


def test_the_same_texts_give_the_same_tokeniser_in_every_process(tmp_path: Path) -> None:
    texts().to_frame().to_json(tmp_path / "t.json", force_ascii=False)
    script = (
        "import sys, pandas, hashlib; from engine.features_tokens import TokenStep\n"
        "texts = pandas.read_json(sys.argv[1], dtype='str')['t'].astype('str')\n"
        "print(hashlib.sha256(TokenStep.fit(texts).tokeniser.encode()).hexdigest())"
    )
    found = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", script, str(tmp_path / "t.json")],
            capture_output=True,
            text=True,
            check=True,
        )
        for _ in range(2)
    ]
    assert [run.stdout.strip() for run in found] == [digest(STEP)] * 2
    assert [run.stderr for run in found] == ["", ""]


def test_a_step_read_back_gives_the_same_bits() -> None:
    again = TokenStep.model_validate(json.loads(STEP.model_dump_json()))
    assert again == STEP
    assert again.apply(texts()).tobytes() == STEP.apply(texts()).tobytes()


def test_frequent_words_are_one_token_and_others_a_few() -> None:
    ids = STEP.apply(pd.Series(["refund refund", "refused"], dtype="str"))
    assert ids[0][:3].tolist() == [ids[0][0], ids[0][0], 0]
    assert (ids[1] > 0).sum() > 1


def test_case_is_kept() -> None:
    ids = STEP.apply(pd.Series(["FREE", "free"], dtype="str"))
    assert not np.array_equal(ids[0], ids[1])


@given(st.lists(st.one_of(st.none(), st.text(max_size=60)), min_size=1, max_size=4))
def test_padding_stands_only_at_the_end_and_ids_are_within_the_vocabulary(cells: list[str | None]) -> None:
    ids = STEP.apply(pd.Series(cells, dtype="object").map(_encodable, na_action="ignore"))
    assert ids.shape == (len(cells), STEP.length)
    assert ids.max() < STEP.vocabulary
    assert (ids == np.rint(ids)).all()
    lengths = (ids > 0).sum(axis=1)
    assert all((row[:length] > 0).all() for row, length in zip(ids, lengths, strict=True))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("cell", [None, "", np.nan])
def test_a_missing_or_empty_text_is_all_padding(cell: object) -> None:
    assert not STEP.apply(pd.Series([cell], dtype="str")).any()


def test_the_names_of_padding_and_unknown_are_words_like_any_other() -> None:
    ids = STEP.apply(pd.Series(["[PAD] late", "[UNK]"], dtype="str"))
    assert ids[0].argmin() >= 2
    assert ids[0, 0] != 0


def test_a_byte_that_no_training_text_had_is_unknown() -> None:
    ids = STEP.apply(pd.Series(["~"], dtype="str"))
    assert 1 in ids[0]


def test_long_texts_are_cut_and_their_share_is_told() -> None:
    long = pd.concat([texts(90), pd.Series(["never again " * 400] * 10, dtype="str")], ignore_index=True)
    step = TokenStep.fit(long.rename("t"))
    assert (step.length, step.truncated) == (MAX_TOKENS, 0.1)
    assert (step.apply(long)[95] > 0).all()
    assert TokenStep.fit(long.rename("t"), most=16).length == 16


def test_a_text_far_beyond_the_limit_is_cut_alike() -> None:
    endless = pd.Series(["great " * 400_000, "great " * 40], dtype="str")
    ids = STEP.apply(endless)
    assert np.array_equal(ids[0], ids[1])


def test_rows_are_transformed_alike_alone_and_together() -> None:
    alone = np.concatenate([STEP.apply(texts().iloc[[row]]) for row in range(9)])
    assert STEP.apply(texts().iloc[:9]).tobytes() == alone.tobytes()


def test_the_block_says_what_the_features_are() -> None:
    block = TextBlock(column="t", start=5, width=STEP.length, vocabulary=STEP.vocabulary)
    assert STEP.block(5) == block
    assert len(STEP.names) == STEP.length


def test_texts_of_nothing_but_gaps_still_make_a_step() -> None:
    step = TokenStep.fit(pd.Series([None, None], dtype="str", name="t"))
    assert step.apply(pd.Series(["words"], dtype="str")).shape == (1, 1)
