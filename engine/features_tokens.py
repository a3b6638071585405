"""Free text as token ids for a network. The tokeniser is trained on the training rows and kept inside the plan.

Byte-level byte-pair encoding (Sennrich, Haddow and Birch 2016, over UTF-8 bytes): pairs of neighbouring pieces that
occur together most often become a piece, so that frequent words are one token and any other text is a few.
"""

import json
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from engine.features_layout import TextBlock

MAX_TOKENS = 256
MAX_VOCABULARY = 8_000
MIN_VOCABULARY = 500
WORDS_A_TOKEN = 20
"""Words of training text for each place in the vocabulary, since a token needs examples to be learned from."""

FIT_ROWS = 20_000
LONG = 0.99
"""Share of the training texts that are kept whole where the limit of tokens allows it."""

CHUNK = 1_024
_CHARACTERS = 64
"""Characters a token that are looked at: what lies beyond cannot be among the tokens that are kept."""

_PADDING, _UNKNOWN = "[PAD]", "[UNK]"


class TokenStep(BaseModel):
    """One text column: `length` token ids a row. 0 is padding at the end, 1 a byte that no training text had.

    `truncated` is the share of the training texts that are longer. `tokeniser` is the JSON of the tokenizers library.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    step: Literal["tokens"] = "tokens"
    vocabulary: int
    length: int
    truncated: float
    tokeniser: str

    @classmethod
    def fit(cls, series: pd.Series, most: int = MAX_TOKENS) -> "TokenStep":
        """Train a tokeniser on (an even sample of) the texts; keep as many tokens as most of them have, at most `most`.

        The same texts give the same tokeniser to the byte.
        """
        known = series.dropna().astype("str")
        rows = np.linspace(0, max(len(known) - 1, 0), min(len(known), FIT_ROWS)).astype(int)
        texts = [text[: most * _CHARACTERS] for text in known.iloc[rows]]
        tokeniser = _trained(texts)
        counts = np.array([len(encoding.ids) for encoding in tokeniser.encode_batch_fast(texts)] or [1])
        length = max(1, min(most, int(np.ceil(np.quantile(counts, LONG)))))
        return cls(
            column=str(series.name), vocabulary=tokeniser.get_vocab_size(), length=length,
            truncated=float((counts > length).mean()), tokeniser=tokeniser.to_str(),
        )  # fmt: skip

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.column} token {place}" for place in range(self.length))

    def block(self, start: int) -> TextBlock:
        """What the features are, from place `start` on."""
        return TextBlock(column=self.column, start=start, width=self.length, vocabulary=self.vocabulary)

    def apply(self, series: pd.Series) -> NDArray[np.float32]:
        """Token ids (n, length); a missing or empty text is all padding."""
        out = np.zeros((len(series), self.length), dtype=np.float32)
        cells = series.astype("str").fillna("").tolist()
        for start in range(0, len(cells), CHUNK):
            texts = [text[: self.length * _CHARACTERS] for text in cells[start : start + CHUNK]]
            for row, encoding in enumerate(self._tokeniser.encode_batch_fast(texts), start=start):
                ids = encoding.ids[: self.length]
                out[row, : len(ids)] = ids
        return out

    @cached_property
    def _tokeniser(self) -> Tokenizer:
        """Built once: reading the JSON takes longer than encoding a row."""
        return Tokenizer.from_str(self.tokeniser)


def _trained(texts: list[str]) -> Tokenizer:
    tokeniser = Tokenizer(BPE(unk_token=_UNKNOWN))
    tokeniser.pre_tokenizer = ByteLevel(add_prefix_space=True)
    words = sum(len(text.split()) for text in texts)
    size = min(MAX_VOCABULARY, max(MIN_VOCABULARY, words // WORDS_A_TOKEN))
    trainer = BpeTrainer(vocab_size=size, min_frequency=2, special_tokens=[_PADDING, _UNKNOWN], show_progress=False)
    tokeniser.train_from_iterator(texts, trainer, length=len(texts))
    # a text that holds "[PAD]" is a text: the two names stay in the vocabulary but are not looked for
    return Tokenizer.from_str(json.dumps(json.loads(tokeniser.to_str()) | {"added_tokens": []}))
