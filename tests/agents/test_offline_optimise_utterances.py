"""What people say about smaller and faster models, and the call that it must come to.

'Optimised' is after `optimise it`: mdl_1 was optimised, mdl_2 is what came of it.
"""

from collections.abc import Callable
from typing import Any

from tests.agents.saying import BENCH, EXPORT, OPTIMISE, PROMOTE, SHOW, TRAIN, Row, problem

INT8 = ["onnx-int8-dynamic", "onnx-int8-static", "onnx-int8-qat", "onnx-int8-weights"]
CUDA = ["cuda", "cuda-bf16", "cuda-compile"]
ROWS: list[Row] = [
    # what is to be held
    (
        "trained",
        "make it answer in 5 ms and lose at most 1 % f1",
        OPTIMISE,
        {"model": "mdl_1", "max_latency_ms": 5.0, "max_drop": 0.01, "metric": "f1", "budget_seconds": None},
    ),
    ("trained", "optimise the churn model for production", OPTIMISE, {"model": "mdl_1", "metric": None}),
    ("trained", "optimise it", OPTIMISE, {"model": "mdl_1", "max_drop": None, "prefer": None, "variants": None}),
    ("trained", "can it be smaller than 2 MB?", OPTIMISE, {"max_size_mb": 2.0, "prefer": None}),
    (
        "trained",
        "compress the model, but accuracy must not fall by more than half a percent",
        OPTIMISE,
        {"max_drop": 0.005, "metric": "accuracy", "prefer": "size"},
    ),
    ("trained", "optimise it and lose no more than 0.02 of f1", OPTIMISE, {"max_drop": 0.02, "metric": "f1"}),
    ("trained", "optimise the model with max_drop=0.005, prefer=size", OPTIMISE, {"max_drop": 0.005, "prefer": "size"}),
    ("trained", "it has to answer within half a second", OPTIMISE, {"max_latency_ms": 500.0, "budget_seconds": None}),
    ("trained", "make it answer in 0.02 seconds per row", OPTIMISE, {"max_latency_ms": 20.0}),
    ("trained", "optimise it to predict in 800 microseconds", OPTIMISE, {"max_latency_ms": 0.8}),
    ("trained", "make it predict in 3 ms", OPTIMISE, {"max_latency_ms": 3.0}),
    ("trained", "make it faster without losing accuracy", OPTIMISE, {"max_drop": 0.0, "metric": "accuracy"}),
    ("trained", "shrink the model and keep 99 % of its recall", OPTIMISE, {"max_drop": 0.01, "metric": "recall"}),
    ("trained", "optimise it for memory, two points of roc auc may go", OPTIMISE, {"prefer": "memory"}),
    ("trained", "optimise it within 2 minutes", OPTIMISE, {"budget_seconds": 120.0, "max_latency_ms": None}),
    ("trained", "make it faster, you have 90 seconds", OPTIMISE, {"budget_seconds": 90.0}),
    ("trained", "optimise it, f1 must stay above 0.8", None, {}),
    # smaller, faster
    ("trained", "make it faster", OPTIMISE, {"model": "mdl_1", "prefer": None}),
    ("trained", "make it quicker", OPTIMISE, {"model": "mdl_1", "budget_seconds": None}),
    ("trained", "make a smaller model of it", OPTIMISE, {"prefer": "size"}),
    ("trained", "make it smaller and faster", OPTIMISE, {"prefer": None}),
    ("trained", "I want something faster", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "the model is too big for my phone", OPTIMISE, {"prefer": "size"}),
    ("trained", "could you speed up the predictions?", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "get the model production-ready", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "optimise it for throughput", OPTIMISE, {"prefer": "throughput"}),
    ("trained", "make it handle more rows per second", OPTIMISE, {"prefer": "throughput"}),
    ("trained", "reduce its memory footprint", OPTIMISE, {"prefer": "memory"}),
    # variants
    ("trained", "quantise it", OPTIMISE, {"variants": INT8}),
    ("trained", "int8 please", OPTIMISE, {"variants": INT8}),
    ("trained", "prune it", OPTIMISE, {"variants": ["pruned"]}),
    ("trained", "prune it and quantise it", OPTIMISE, {"variants": [*INT8, "pruned", "pruned-int8"]}),
    (
        "trained",
        "optimise it, only onnx-int8-static and pruned",
        OPTIMISE,
        {"variants": ["onnx-int8-static", "pruned"]},
    ),
    ("trained", "use quantization-aware training on it", OPTIMISE, {"variants": ["onnx-int8-qat"]}),
    ("trained", "try torch.compile", OPTIMISE, {"variants": ["compile"]}),
    (
        "trained",
        "optimise it without pruning",
        OPTIMISE,
        {"variants": ["compile", "bf16", *INT8, *CUDA, "sparse", "student", "student-int8"]},
    ),
    ("trained", "use half precision", OPTIMISE, {"variants": ["bf16"], "metric": None}),
    # calibration
    ("trained", "quantise it and use rows of new.csv for calibration", OPTIMISE, {"calibration": "new.csv"}),
    ("trained", "calibrate the int8 model on june.csv", OPTIMISE, {"calibration": "june.csv", "variants": INT8}),
    ("optimised", "use rows of new.csv for calibration", OPTIMISE, {"model": "mdl_1", "calibration": "new.csv"}),
    # which model
    ("twice", "optimise mdl_1 for 2 ms", OPTIMISE, {"model": "mdl_1", "max_latency_ms": 2.0}),
    ("registered", "optimise the champion", OPTIMISE, {"model": "mdl_1"}),
    ("registered", "optimise telco-Churn for speed", OPTIMISE, {"model": "telco-Churn"}),
    ("trained", "optimise it and call it quick-churn", OPTIMISE, {"model": "mdl_1", "name": "quick-churn"}),
    ("fresh", "make it faster", None, {}),
    ("twice", "optimise it for production", OPTIMISE, {"model": "mdl_2"}),
    # what follows
    ("optimised", "take the smallest one instead", OPTIMISE, {"model": "mdl_1", "prefer": "size"}),
    ("optimised", "2 minutes", OPTIMISE, {"model": "mdl_1", "budget_seconds": 120.0}),
    ("optimised", "3 ms", OPTIMISE, {"model": "mdl_1", "max_latency_ms": 3.0}),
    ("optimised", "only static int8", OPTIMISE, {"model": "mdl_1", "variants": ["onnx-int8-static"]}),
    ("optimised", "again, without the student", OPTIMISE, {"model": "mdl_1"}),
    ("optimised", "prefer memory", OPTIMISE, {"model": "mdl_1", "prefer": "memory"}),
    ("optimised", "optimise it for size", OPTIMISE, {"model": "mdl_1", "prefer": "size"}),
    ("optimised", "predict new.csv", "predict", {"model": "mdl_2", "data": "new.csv"}),
    ("optimised", "put it into production", PROMOTE, {"model": "mdl_2"}),
    ("optimised", "now with recall", OPTIMISE, {"model": "mdl_1", "metric": "recall"}),
    ("optimised", "train it again with recall", TRAIN, {"metric": "recall"}),
    # questions about the table
    ("optimised", "which variant is fastest?", SHOW, {"model": "mdl_2"}),
    ("optimised", "what did quantisation cost?", SHOW, {"model": "mdl_2"}),
    ("optimised", "show the optimisation again", SHOW, {"model": "mdl_2"}),
    ("optimised", "why was pruned refused?", None, {}),
    ("optimised", "why?", None, {}),
    ("optimised", "what was refused?", SHOW, {}),
    ("optimised", "how much smaller is the student?", SHOW, {}),
    ("twice", "show me the optimisation of mdl_1", SHOW, {"model": "mdl_1"}),
    # ONNX
    ("trained", "export it to onnx as model.onnx", EXPORT, {"model": "mdl_1", "out": "model.onnx"}),
    ("trained", "give me an onnx file", EXPORT, {"model": "mdl_1", "out": "mdl_1.onnx"}),
    ("trained", "convert the model to ONNX and save it as out/churn.onnx", EXPORT, {"out": "out/churn.onnx"}),
    ("trained", "export the model", EXPORT, {"model": "mdl_1"}),
    (
        "registered",
        "export the champion to 'my files/a b.onnx'",
        EXPORT,
        {"model": "mdl_1", "out": "my files/a b.onnx"},
    ),
    ("trained", "write churn.onnx again and overwrite the old one", EXPORT, {"out": "churn.onnx", "overwrite": True}),
    ("trained", "load model.onnx", None, {}),
    ("trained", "predict new.csv and export the predictions to out.csv", "predict", {"out": "out.csv"}),
    # times
    ("trained", "how fast is it?", BENCH, {"models": ["mdl_1"]}),
    ("retrained", "benchmark champion against challenger", BENCH, {"models": ["mdl_1", "mdl_9"]}),
    ("twice", "benchmark mdl_1 and mdl_2 for 30 seconds", BENCH, {"models": ["mdl_1", "mdl_2"], "seconds": 30.0}),
    ("twice", "benchmark the models", BENCH, {"models": ["mdl_2", "mdl_1"]}),
    ("twice", "is mdl_1 faster than mdl_2?", BENCH, {"models": ["mdl_1", "mdl_2"]}),
    ("trained", "what is its latency?", BENCH, {"models": ["mdl_1"]}),
    ("trained", "how long does one prediction take?", BENCH, {"models": ["mdl_1"]}),
    ("optimised", "benchmark it against the original", BENCH, {"models": ["mdl_2", "mdl_1"]}),
    # trainings that sound like it
    ("trained", "train a bf16 model on sample:churn", TRAIN, {"dataset": "ds_sample"}),
    ("loaded", "predict which customers answer within 5 ms", None, {}),
    ("trained", "optimise recall", TRAIN, {"metric": "recall"}),
    ("trained", "optimise for precision", TRAIN, {"metric": "precision"}),
    ("trained", "build a faster model from wine.parquet to predict quality", TRAIN, {"dataset": "ds_wine"}),
    # among other requests
    ("optimised", "within 2 minutes", OPTIMISE, {"model": "mdl_1", "budget_seconds": 120.0}),
    (
        "optimised",
        "only onnx-int8-static and pruned",
        OPTIMISE,
        {"model": "mdl_1", "variants": ["onnx-int8-static", "pruned"]},
    ),
    ("optimised", "prefer throughput", OPTIMISE, {"prefer": "throughput"}),
    ("optimised", "0.02 of f1", OPTIMISE, {"max_drop": 0.02, "metric": "f1"}),
    ("optimised", "half a percent", OPTIMISE, {"max_drop": 0.005}),
    ("optimised", "lose at most 1 %", OPTIMISE, {"max_drop": 0.01}),
    ("optimised", "the fastest one", OPTIMISE, {}),
    ("optimised", "with seed 3", OPTIMISE, {"seed": 3}),
    ("optimised", "use new.csv to calibrate", OPTIMISE, {"calibration": "new.csv"}),
    ("optimised", "import wine.parquet", "import_dataset", {}),
    ("optimised", "predict quality in wine.parquet", TRAIN, {"dataset": "ds_wine"}),
    ("optimised", "only lightgbm", TRAIN, {"models": ["lightgbm"]}),
    ("optimised", "drop gender", TRAIN, {"drop": ["gender"]}),
    ("optimised", "what matters most?", "explain_model", {"model": "mdl_2"}),
    ("optimised", "distil it", "distil_model", {"model": "mdl_2"}),
    ("optimised", "list models", "list_models", {}),
    ("trained", "prefer throughput", OPTIMISE, {"prefer": "throughput"}),
    ("trained", "use rows of new.csv for calibration", OPTIMISE, {"calibration": "new.csv"}),
    ("trained", "only onnx-int8-static and pruned", OPTIMISE, {"variants": ["onnx-int8-static", "pruned"]}),
    (
        "trained",
        "optimise it: 5 ms, at most 1 % f1 lost, within 2 minutes, prefer throughput, only onnx-int8-static and "
        "pruned, calibrate with new.csv",
        OPTIMISE,
        {
            "max_latency_ms": 5.0,
            "max_drop": 0.01,
            "budget_seconds": 120.0,
            "prefer": "throughput",
            "variants": ["onnx-int8-static", "pruned"],
            "calibration": "new.csv",
            "metric": "f1",
        },
    ),
    (
        "trained",
        "make it answer in 5 ms. Lose at most 1 % f1. It must be smaller than 1 MB.",
        OPTIMISE,
        {"max_latency_ms": 5.0, "max_drop": 0.01, "max_size_mb": 1.0},
    ),
    ("trained", "optimise it for 5 ms, then promote it, then predict new.csv", "predict", {"model": "mdl_2"}),
    ("trained", "hi, could you please optimise it?", OPTIMISE, {}),
    ("trained", "OPTIMIZE THE MODEL!!!", OPTIMISE, {}),
    ("trained", "what is pruning?", None, {}),
    ("trained", "undo the optimisation", None, {}),
    ("jobs", "cancel the optimisation", "cancel_job", {}),
    ("jobs", "how is the optimisation going?", "job_status", {}),
    ("trained", "evaluate the onnx model", "evaluate_model", {}),
    ("trained", "how accurate is it?", "show_model", {}),
    ("trained", "is it good enough?", "show_model", {}),
    ("distilled", "is the student faster than the teacher?", BENCH, {}),
    ("distilled", "how fast is it?", BENCH, {"models": ["mdl_2"]}),
    ("distilled", "make it smaller", OPTIMISE, {"model": "mdl_2"}),
    ("monitored", "make it faster", OPTIMISE, {"model": "mdl_1"}),
    ("red", "why?", "evaluate_actions", {}),
    ("monitored", "how fast is it?", BENCH, {}),
    ("text model", "quantise it to 8 bits", OPTIMISE, {"variants": INT8}),
    ("text model", "export it", EXPORT, {}),
    (
        "picture model",
        "make it run on a phone: at most 1 MB and 30 ms per image",
        OPTIMISE,
        {"max_size_mb": 1.0, "max_latency_ms": 30.0},
    ),
    ("loaded", "predict churn with less memory", TRAIN, {}),
    ("loaded", "train a network on churn in 5 ms", TRAIN, {}),
    ("fresh", "export it to onnx", None, {}),
    ("fresh", "show the optimisation", None, {}),
]
"""As in saying.Row."""


def test_what_is_said_about_smaller_and_faster_models_comes_to_the_right_call(
    desk_at: Callable[[str], Any],
) -> None:
    problems = [text for row in ROWS if (text := problem(desk_at, row))]
    assert not problems, "\n".join(problems)
