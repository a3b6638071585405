"""What people say about smaller and faster models, in two batches written after the patterns of the first.

At first 25 of the 50 of one batch were understood and, with what they taught, 41 of the 50 of the other. 'Optimised' is
after `optimise it`: mdl_1 was optimised, mdl_2 is what came of it.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.agents.saying import BENCH, EXPORT, OPTIMISE, PROMOTE, SHOW, TRAIN, Row, problem

INT8 = ["onnx-int8-dynamic", "onnx-int8-static", "onnx-int8-qat", "onnx-int8-weights"]
CUDA = ["cuda", "cuda-bf16", "cuda-compile"]
SECOND: list[Row] = [
    (
        "trained",
        "what's the quickest you can get this model without hurting f1?",
        OPTIMISE,
        {"max_drop": 0.0, "metric": "f1"},
    ),
    (
        "trained",
        "latency budget is 10 ms, accuracy budget is 1 percent",
        OPTIMISE,
        {"max_latency_ms": 10.0, "max_drop": 0.01},
    ),
    ("trained", "we deploy on a raspberry pi, get it under 1.5 megabytes", OPTIMISE, {"max_size_mb": 1.5}),
    ("trained", "our p50 has to stay under 2 ms", OPTIMISE, {"max_latency_ms": 2.0}),
    ("trained", "trade up to 3 points of recall for speed", OPTIMISE, {"max_drop": 0.03, "metric": "recall"}),
    ("trained", "cut the model's size in half", OPTIMISE, {"prefer": "size"}),
    ("trained", "give me a version that runs on cpu in under 4 milliseconds", OPTIMISE, {"max_latency_ms": 4.0}),
    ("trained", "predictions are too slow, can you do something about it?", OPTIMISE, {}),
    ("trained", "optimise this for serving, at most 0.3 % worse", OPTIMISE, {"max_drop": 0.003}),
    ("trained", "run all the optimisations you know", OPTIMISE, {"variants": None}),
    ("trained", "can you make the classifier lighter?", OPTIMISE, {"prefer": "size"}),
    (
        "trained",
        "quantize to 8 bit with calibration from june.csv and lose at most half a point",
        OPTIMISE,
        {"calibration": "june.csv", "max_drop": 0.005, "variants": INT8},
    ),
    (
        "trained",
        "try dynamic and static quantization only",
        OPTIMISE,
        {"variants": ["onnx-int8-dynamic", "onnx-int8-static"]},
    ),
    ("trained", "sparsify the weights", OPTIMISE, {"variants": ["sparse"]}),
    ("trained", "weight-only quantisation please", OPTIMISE, {"variants": ["onnx-int8-weights"]}),
    ("trained", "deploy-ready version with less RAM please", OPTIMISE, {"prefer": "memory"}),
    ("trained", "find the best trade-off between speed and accuracy", OPTIMISE, {}),
    ("trained", "how much faster could it get?", OPTIMISE, {}),
    (
        "trained",
        "optimise mdl_1 with a time limit of 5 minutes and seed 3",
        OPTIMISE,
        {"model": "mdl_1", "budget_seconds": 300.0, "seed": 3},
    ),
    ("optimised", "what about the pruned one?", SHOW, {}),
    ("optimised", "what did you choose and why?", None, {}),
    ("optimised", "is there a smaller one in the table?", SHOW, {}),
    ("optimised", "how big is the student?", SHOW, {}),
    ("optimised", "did int8 hurt the f1?", SHOW, {}),
    ("optimised", "why did pruning fail?", None, {}),
    ("optimised", "compare the variants", SHOW, {}),
    ("optimised", "ok, size matters more than speed", OPTIMISE, {"prefer": "size"}),
    ("optimised", "loosen the guard to 3 %", OPTIMISE, {"max_drop": 0.03}),
    ("optimised", "use the sparse one", OPTIMISE, {"variants": ["sparse"]}),
    ("optimised", "how fast is the original?", BENCH, {"models": ["mdl_1"]}),
    ("optimised", "make the new one the champion", PROMOTE, {"model": "mdl_2"}),
    ("optimised", "explain it", "explain_model", {"model": "mdl_2"}),
    ("optimised", "export it as fast.onnx", EXPORT, {"model": "mdl_2", "out": "fast.onnx"}),
    ("trained", "I need the model in onnx format", EXPORT, {"model": "mdl_1"}),
    ("trained", "can I have that as an .onnx?", EXPORT, {"model": "mdl_1"}),
    ("trained", "put churn.onnx into exports/", EXPORT, {}),
    ("trained", "how many rows per second can it score?", BENCH, {"models": ["mdl_1"]}),
    ("trained", "what's the p95 latency?", BENCH, {"models": ["mdl_1"]}),
    ("twice", "race mdl_1 against mdl_2", BENCH, {"models": ["mdl_1", "mdl_2"]}),
    ("twice", "which one is quicker, mdl_1 or mdl_2?", BENCH, {"models": ["mdl_1", "mdl_2"]}),
    ("trained", "profile the inference speed", BENCH, {"models": ["mdl_1"]}),
    ("trained", "time a single prediction", BENCH, {"models": ["mdl_1"]}),
    (
        "fresh",
        "train on sample:churn and then make it answer in 2 ms",
        OPTIMISE,
        {"model": "mdl_1", "max_latency_ms": 2.0},
    ),
    ("fresh", "train on sample:churn, quantise it and promote it", PROMOTE, {"model": "mdl_2"}),
    ("loaded", "predict churn with a small fast model", TRAIN, {"target": "Churn"}),
    ("loaded", "predict which students drop out", None, {}),
    ("fresh", "what is int8?", None, {}),
    ("fresh", "how fast is it?", None, {}),
]
THIRD: list[Row] = [
    ("trained", "please get the response time down to 8 ms", OPTIMISE, {"model": "mdl_1", "max_latency_ms": 8.0}),
    ("trained", "could we have it answer in less than 15 ms with hardly any loss?", OPTIMISE, {"max_latency_ms": 15.0}),
    ("trained", "the app needs an answer within 100 milliseconds", OPTIMISE, {"max_latency_ms": 100.0}),
    ("trained", "make it as small as possible", OPTIMISE, {"prefer": "size"}),
    ("trained", "make it as fast as possible but keep the accuracy", OPTIMISE, {"max_drop": 0.0}),
    ("trained", "a 1 % drop in f1 is fine, just make it fast", OPTIMISE, {"max_drop": 0.01, "metric": "f1"}),
    (
        "trained",
        "I can live with losing 2 % of accuracy if it gets faster",
        OPTIMISE,
        {"max_drop": 0.02, "metric": "accuracy"},
    ),
    ("trained", "it must fit into 300 kB", OPTIMISE, {"max_size_mb": 0.3}),
    ("trained", "minimise memory", OPTIMISE, {"prefer": "memory"}),
    ("trained", "do an 8-bit version", OPTIMISE, {"variants": INT8}),
    ("trained", "can you quantise and prune this model?", OPTIMISE, {"variants": [*INT8, "pruned", "pruned-int8"]}),
    ("trained", "what would quantisation do to it?", OPTIMISE, {"variants": INT8}),
    (
        "trained",
        "optimise everything except the student variants",
        OPTIMISE,
        {"variants": ["compile", "bf16", *INT8, "pruned", "pruned-int8", *CUDA, "sparse"]},
    ),
    ("trained", "optimise the network for inference on cpu", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "tune the model for low latency", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "now optimise it for production, you have five minutes", OPTIMISE, {"budget_seconds": 300.0}),
    ("trained", "optimise it, seed 11", OPTIMISE, {"seed": 11}),
    ("trained", "lower the latency to 1 ms", OPTIMISE, {"max_latency_ms": 1.0}),
    ("optimised", "is 2 ms possible?", OPTIMISE, {"max_latency_ms": 2.0}),
    ("optimised", "what if I allow 3 percent?", OPTIMISE, {"max_drop": 0.03}),
    ("optimised", "try again with 10 ms", OPTIMISE, {"max_latency_ms": 10.0}),
    ("optimised", "I'd rather have the most accurate one", OPTIMISE, {"prefer": "accuracy"}),
    ("optimised", "without qat this time", OPTIMISE, {}),
    ("optimised", "which ones were refused and why?", None, {}),
    ("optimised", "which is the smallest?", SHOW, {}),
    ("optimised", "how much did we gain?", SHOW, {}),
    ("optimised", "where's the report?", SHOW, {}),
    ("optimised", "why int8 and not the pruned model?", None, {}),
    ("optimised", "show the table", SHOW, {}),
    ("optimised", "did we reach the goal?", SHOW, {}),
    ("optimised", "evaluate it on new.csv", "evaluate_model", {"model": "mdl_2", "data": "new.csv"}),
    ("optimised", "deploy it", PROMOTE, {"model": "mdl_2"}),
    ("optimised", "watch it", "create_monitor", {"model": "mdl_2"}),
    ("optimised", "compare it with the original", "compare_models", {}),
    ("trained", "onnx please", EXPORT, {"model": "mdl_1"}),
    ("trained", "save an onnx copy to models/churn_v1.onnx", EXPORT, {"out": "models/churn_v1.onnx"}),
    ("twice", "export mdl_1 to a.onnx and mdl_2 to b.onnx", None, {}),
    ("trained", "download the model as onnx", EXPORT, {"model": "mdl_1"}),
    ("trained", "how quickly does it respond?", BENCH, {"models": ["mdl_1"]}),
    ("trained", "is it fast enough for real time use?", BENCH, {"models": ["mdl_1"]}),
    ("twice", "compare the speed of mdl_1 and mdl_2", BENCH, {"models": ["mdl_1", "mdl_2"]}),
    ("twice", "latency of all models please", BENCH, {"models": ["mdl_2", "mdl_1"]}),
    ("registered", "how fast is telco-Churn?", BENCH, {"models": ["telco-Churn"]}),
    ("trained", "run a benchmark for 10 seconds", BENCH, {"models": ["mdl_1"], "seconds": 10.0}),
    ("loaded", "predict which machines get too slow", None, {}),
    ("trained", "find out which customers respond quickly, target tenure", TRAIN, {"target": "tenure"}),
    ("trained", "train again but faster", TRAIN, {}),
    ("trained", "use a smaller learning set", None, {}),
    ("loaded", "train the smallest model you can for churn", TRAIN, {"target": "Churn"}),
    ("trained", "optimise the hyperparameters", None, {}),
]


@pytest.mark.parametrize("rows", [SECOND, THIRD], ids=["second", "third"])
def test_what_a_later_batch_says_comes_to_the_right_call(desk_at: Callable[[str], Any], rows: list[Row]) -> None:
    problems = [text for row in rows if (text := problem(desk_at, row))]
    assert not problems, "\n".join(problems)
