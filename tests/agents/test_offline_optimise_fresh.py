"""What people say about smaller and faster models: phrasings that were written before the patterns, and not read again
while the patterns were written. 'Optimised' is after `optimise it`: mdl_1 was optimised, mdl_2 is what came of it.
"""

from collections.abc import Callable
from typing import Any

from tests.agents.saying import BENCH, EXPORT, OPTIMISE, PROMOTE, SHOW, Row, problem

INT8 = ["onnx-int8-dynamic", "onnx-int8-static", "onnx-int8-qat", "onnx-int8-weights"]
CUDA = ["cuda", "cuda-bf16", "cuda-compile"]
ROWS: list[Row] = [
    ("trained", "I need predictions in under 20 ms", OPTIMISE, {"model": "mdl_1", "max_latency_ms": 20.0}),
    ("trained", "get it below 500 KB", OPTIMISE, {"max_size_mb": 0.5}),
    (
        "trained",
        "speed the model up, but don't give up more than 0.5 points of accuracy",
        OPTIMISE,
        {"max_drop": 0.005, "metric": "accuracy"},
    ),
    ("trained", "can you try int8 on it?", OPTIMISE, {"variants": INT8}),
    (
        "trained",
        "shrink it as far as you can with no loss in accuracy",
        OPTIMISE,
        {"prefer": "size", "max_drop": 0.0, "metric": "accuracy"},
    ),
    ("trained", "prepare the model for deployment on a small device, 1 MB at most", OPTIMISE, {"max_size_mb": 1.0}),
    ("optimised", "how much accuracy did int8 lose?", SHOW, {}),
    ("optimised", "why not the student?", None, {}),
    ("optimised", "then take the pruned one", OPTIMISE, {"model": "mdl_1", "variants": ["pruned"]}),
    ("optimised", "go for throughput instead", OPTIMISE, {"model": "mdl_1", "prefer": "throughput"}),
    ("optimised", "promote it", PROMOTE, {"model": "mdl_2", "alias": "champion"}),
    ("optimised", "how much memory does each variant need?", SHOW, {}),
    ("trained", "turn it into ONNX", EXPORT, {"model": "mdl_1"}),
    ("trained", "save the model as /tmp/churn.onnx", EXPORT, {"model": "mdl_1", "out": "/tmp/churn.onnx"}),
    ("trained", "how many milliseconds does a prediction take?", BENCH, {"models": ["mdl_1"]}),
    ("twice", "which of the models answers fastest?", BENCH, {"models": ["mdl_2", "mdl_1"]}),
    ("trained", "measure the latency of mdl_1", BENCH, {"models": ["mdl_1"]}),
    (
        "trained",
        "optimize for speed, skip the pruning",
        OPTIMISE,
        {"variants": ["compile", "bf16", *INT8, *CUDA, "sparse", "student", "student-int8"]},
    ),
    ("trained", "make inference twice as fast", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "squeeze it to a tenth of its size", OPTIMISE, {"prefer": "size"}),
    (
        "trained",
        "try static quantisation, calibrate it with june.csv",
        OPTIMISE,
        {"variants": ["onnx-int8-static"], "calibration": "june.csv"},
    ),
    ("trained", "optimise it for at most 90 seconds", OPTIMISE, {"budget_seconds": 90.0, "max_latency_ms": None}),
    ("twice", "optimise mdl_1, 3 ms per row", OPTIMISE, {"model": "mdl_1", "max_latency_ms": 3.0}),
    ("registered", "make the champion cheaper to run", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "it is too slow", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "would bf16 help?", OPTIMISE, {"variants": ["bf16"]}),
    ("optimised", "show me the pareto table", SHOW, {}),
    ("optimised", "is it really faster than the original? measure it", BENCH, {"models": ["mdl_2", "mdl_1"]}),
    ("optimised", "allow a drop of 2 percent", OPTIMISE, {"model": "mdl_1", "max_drop": 0.02}),
    ("fresh", "optimise the model", None, {}),
]
"""As in saying.Row; all 30 were understood at first."""


def test_what_was_written_before_the_patterns_comes_to_the_right_call(desk_at: Callable[[str], Any]) -> None:
    problems = [text for row in ROWS if (text := problem(desk_at, row))]
    assert not problems, "\n".join(problems)
