"""Counting tokens: exact only where an encoding is on disk, never too few, never a download."""

import inspect
from hashlib import sha1
from pathlib import Path

import pytest
import tiktoken
import tiktoken_ext.openai_public
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agents.tokens import (
    _SHAPES,
    ESTIMATE,
    MESSAGE_TOKENS,
    Exact,
    answer_tokens,
    counter,
    definitions_tokens,
    messages_tokens,
)

COUNTED: tuple[tuple[str, int], ...] = (
    ("Which customers churn within 30 seconds, and why?", 11),
    ("Trained in 41.2 s: lightgbm predicts Churn best; the model is mdl_1.", 24),
    ("On the sealed test rows: roc_auc 0.8634 (95 % interval 0.8471 to 0.879, 1,409 rows).", 34),
    ('{"name":"roc_auc","value":0.86341,"ci":[0.8471,0.879],"rows":1409}', 29),
    ("0.844422,0.757954,0.420572,0.258917,0.511275,0.404934", 29),
    ("| full | 1.00 / 1.00 | 0.993 / 0.988 | 26-28 (bs 8: 34) | 1.3-1.65 |", 45),
    ("mdl_3f9a0c1b77de run_1b2d4e3f9a0c ses_84c31aa0", 33),
    ("InternetService OnlineSecurity MonthlyCharges median_house_value", 10),
    ("def look(messages, digest, settings, count, limit=None) -> View:\n    return View(told, tuple(shown))\n", 26),
    ("Die Übertragung der Schlüsselinformationen ist größtenteils abgeschlossen.", 19),
    ("请用这个数据集训练一个模型,预测哪些客户会流失。", 26),
    ("このデータセットでモデルを訓練してください。", 20),
    ("Пожалуйста, обучи модель на этих данных.", 18),
    ("이 데이터로 모델을 학습해 주세요.", 14),
    ("🚀🔥👍🏽 well done 🎉", 17),
    ("https://example.com/a/b?x=1&y=22#z /tmp/data/telco churn.csv", 24),
)
"""Texts, and the larger of what cl100k_base and o200k_base make of them, counted by tiktoken 0.14."""
CL100K = sha1(b"https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken").hexdigest()


@pytest.mark.parametrize(("text", "tokens"), COUNTED)
def test_an_estimate_is_never_too_low_and_not_wildly_too_high(text: str, tokens: int) -> None:
    assert tokens <= ESTIMATE.text(text) <= 3 * tokens


def test_an_estimate_grows_with_the_text() -> None:
    assert ESTIMATE.text("") == 0
    assert ESTIMATE.text("word " * 100) == pytest.approx(10 * ESTIMATE.text("word " * 10), rel=0.1)
    assert not ESTIMATE.exact


@pytest.mark.parametrize("model", [None, "no-such-model", "anthropic:claude-sonnet-4-5", "gpt2"])
def test_a_model_without_an_encoding_here_is_estimated(model: str | None) -> None:
    assert not counter(model).exact


@pytest.mark.parametrize(
    "content", [None, b"", b"aGVsbG8= 0\n", b"\x00garbage"], ids=["absent", "empty", "other", "bytes"]
)
def test_a_file_that_is_not_the_encoding_is_left_alone_and_nothing_is_fetched(
    content: bytes | None, tmp_path: Path
) -> None:
    file = tmp_path / CL100K
    if content is not None:
        file.write_bytes(content)
    assert not counter("gpt-4", tmp_path).exact
    assert (file.read_bytes() if file.exists() else None) == content
    assert sorted(tmp_path.iterdir()) == ([file] if content is not None else [])


def test_what_we_know_of_the_encodings_is_what_tiktoken_knows() -> None:
    source = inspect.getsource(tiktoken_ext.openai_public)
    for shape in _SHAPES.values():
        assert shape.sha256 in source
        assert all(f"{number}" in source for number in shape.special.values())
    assert _SHAPES["cl100k_base"].pattern in source
    for piece in _SHAPES["o200k_base"].pattern.split("|[^")[0].split("(?i:")[:1]:
        assert piece in source


def test_every_part_of_a_conversation_costs() -> None:
    hello = HumanMessage("hello there")
    asked = AIMessage("", tool_calls=[{"name": "add", "args": {"a": 1, "b": 2}, "id": "c1"}])
    told = ToolMessage('{"value": 3.0}', tool_call_id="c1")
    costs = [messages_tokens(ESTIMATE, parts) for parts in ([], [hello], [hello, asked], [hello, asked, told])]
    assert costs == sorted(set(costs))
    assert costs[1] - costs[0] == MESSAGE_TOKENS + ESTIMATE.text("hello there")
    assert answer_tokens(ESTIMATE, asked) > ESTIMATE.text("add")
    small, large = {"name": "add"}, {"name": "add", "parameters": {"a": {"type": "number", "description": "First."}}}
    assert 0 < definitions_tokens(ESTIMATE, [small]) < definitions_tokens(ESTIMATE, [large])


def test_an_encoding_counts_marks_in_a_text_as_the_text_that_they_are() -> None:
    letters = {bytes([number]): number for number in range(256)}
    encoding = tiktoken.Encoding(
        name="letters", pat_str=r"\S+|\s+", mergeable_ranks=letters, special_tokens={"<|endoftext|>": 256}
    )
    assert Exact(encoding).exact
    assert Exact(encoding).text("hello world") == 11
    assert Exact(encoding).text("<|endoftext|>") == 13
