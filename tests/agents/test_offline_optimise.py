"""Optimising in conversation: what is said of a table, what follows from it, and what is refused in words."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import ToolMessage

from agents.offline import optimising_wording as wording
from agents.offline.reading import read_slots
from agents.offline.variants import mentioned, preference, to_make
from tests.agents.optimising import KEPT, NEAREST, REASON
from tests.agents.saying import BENCH, EXPORT, OPTIMISE, PROMOTE, SHOW

GOAL = "make it answer in 5 ms and lose at most 1 % f1"

# the words of a result


def test_the_choice_comes_first_then_the_goal_the_table_and_the_next_step(desk_at: Callable[[str], Any]) -> None:
    lines = desk_at("trained").say(GOAL).splitlines()
    assert lines[0] == f"Chosen: {REASON}"
    assert lines[1] == "The goal is met: f1 may fall by 0.01, one row in 5 ms at most; latency first."
    assert lines[3] == "| variant | 1 row, ms | times faster | f1 lost | MB | status |"
    assert "| **onnx-int8-static** | 0.41 | 4.1 | 0.0021 | 0.32 | ok |" in lines
    assert "| pruned | 0.31 | 5.42 | 0.0312 | 0.44 | refused |" in lines
    assert "- pruned was refused: it may lose up to 0.0329 of f1." in lines
    assert "- skipped: compile, onnx-int8-qat." in lines
    assert "On the sealed test rows f1 falls by 0.0027." in lines
    assert "It is registered as a new version: mdl_2. 'promote it' makes it the champion." in lines
    assert "Report: models/z/optimisation.html" in lines


def test_the_name_in_the_registry_is_told_where_it_is_known(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("registered")
    desk.say("list models")
    assert "It is registered as a new version of telco-Churn: " in desk.say("optimise mdl_1")
    assert "as a new version of swift: " in desk.say("optimise mdl_1 and call it swift")


def test_where_nothing_is_worth_it_nothing_is_said_to_be_registered(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    desk.chosen = "eager"
    reply = desk.say("optimise it")
    assert reply.startswith(f"Nothing was worth it. {KEPT}")
    assert "Nothing was registered; mdl_1 is what it was." in reply
    assert "promote it" not in reply
    assert "Left to Python" not in reply
    desk.say("predict new.csv")
    assert desk.last == ("predict", {"model": "mdl_1", "data": "new.csv"})


def test_a_goal_that_is_not_met_says_what_comes_nearest(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    desk.met = False
    reply = desk.say("make it answer in 0.1 ms")
    assert "The goal is not met: f1 may fall by 0.01, one row in 0.1 ms at most; latency first." in reply
    assert f"Nearest: {NEAREST}" in reply


def test_of_many_refused_four_are_told_and_the_rest_are_named() -> None:
    rows = [{"name": f"v{place}", "status": "failed", "why": "no"} for place in range(6)]
    told = wording.optimised({"chosen": "eager", "reason": "Kept.", "goal": {"metric": "f1"}, "variants": rows})
    assert [line for line in told.splitlines() if line.startswith("- v")] == [f"- v{n} failed: no." for n in range(4)]
    assert "- refused or failed, too: v4, v5." in told


@pytest.mark.parametrize(
    ("metric", "drop", "words"),
    [
        *(("f1", 0.004, "f1 falls by 0.004"), ("f1", -0.004, "f1 rises by 0.004"), ("f1", 0.0, "f1 stays as it was")),
        *(("rmse", 0.02, "rmse grows by a share of 0.02"), ("mae", -0.02, "mae falls by a share of 0.02")),
    ],
)
def test_a_drop_is_told_in_the_direction_that_its_metric_has(metric: str, drop: float, words: str) -> None:
    result = {"chosen": "onnx", "reason": "onnx is faster.", "goal": {"metric": metric}, "test_drop": drop}
    assert f"On the sealed test rows {words}." in wording.optimised(result)


def test_every_figure_of_the_table_stands_in_the_result_or_is_a_ratio_of_two_that_do(
    desk_at: Callable[[str], Any],
) -> None:
    desk = desk_at("trained")
    reply = desk.say(GOAL)
    told = next(str(message.content) for message in reversed(desk.messages) if isinstance(message, ToolMessage))
    known = [float(number) for number in re.findall(r"\d+\.?\d*", told.replace("1,127", "1127"))]
    ratios = [round(1.68 / value, 2) for value in (1.68, 0.55, 0.47, 0.41, 0.31, 0.57, 0.62)]
    # 5 ms and 0.01 were asked for, noise is told in percent, '1 row' is no figure
    for text in re.findall(r"(?<![\w.-])\d[\d,]*\.?\d*", reply):
        value = float(text.replace(",", "").rstrip("."))
        assert any(abs(value - one) < 1e-9 for one in (*known, *ratios, 95, 4)), text


def test_names_from_results_break_no_table() -> None:
    row = {"name": "a|b\nc", "status": "ok", "latency_ms": {"1": 1.0}}
    lines = wording.table({"goal": {"metric": "f1"}, "variants": [row]})
    assert lines[-1] == "| a/b c | 1 | – | – | – | ok |"


# questions about the table


def test_why_a_variant_was_refused_is_answered_from_the_table_that_was_shown(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("optimised")
    reply = desk.say("why was pruned refused?")
    assert desk.calls == []
    assert "f1 falls by 0.0312 (95 % interval 0.0297 to 0.0329)" in reply
    assert reply.endswith("pruned was refused: it may lose up to 0.0329 of f1.")


def test_why_not_names_what_was_chosen_instead(desk_at: Callable[[str], Any]) -> None:
    reply = desk_at("optimised").say("why not sparse?")
    assert reply.startswith("sparse: f1 falls by 0.0011")
    assert reply.endswith(f"Chosen: {REASON}")


def test_the_fastest_that_may_be_used_is_told_beside_a_faster_one_that_may_not(desk_at: Callable[[str], Any]) -> None:
    reply = desk_at("optimised").say("which variant is fastest?")
    assert reply.startswith("The fastest of those that may be used is onnx-int8-static: f1 falls by 0.0021")
    assert "With 0.31 ms for one row pruned was refused: it may lose up to 0.0329 of f1." in reply


def test_the_smallest_is_told_with_what_was_chosen_instead(desk_at: Callable[[str], Any]) -> None:
    reply = desk_at("optimised").say("which variant is the smallest?")
    assert reply.startswith("The smallest of those that may be used is sparse")
    assert "With 0.11 MB student was refused" in reply
    assert reply.endswith(f"Chosen: {REASON}")


def test_the_cost_of_quantisation_is_that_of_each_variant_in_8_bits(desk_at: Callable[[str], Any]) -> None:
    lines = desk_at("optimised").say("what did quantisation cost?").splitlines()
    assert [line.split(":")[0].split(" ")[0] for line in lines] == [
        *("onnx-int8-dynamic", "onnx-int8-static", "onnx-int8-qat", "onnx-int8-weights")
    ]
    assert "4.1 times as fast (0.41 ms instead of 1.68 ms), 0.32 MB instead of 1.26 MB" in lines[1]


def test_another_model_is_looked_up_and_not_answered_from_the_last_table(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("optimised")
    desk.say("why was pruned refused for mdl_1?")
    assert desk.last == (SHOW, {"model": "mdl_1"})


def test_a_model_that_was_never_optimised_is_told_how_to_be(desk_at: Callable[[str], Any]) -> None:
    reply = desk_at("trained").say("show the optimisation")
    assert reply.startswith("mdl_1 was not optimised yet. Say 'optimise it'")


# what follows


def test_promote_it_and_predict_mean_the_optimised_model(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("optimised")
    desk.say("promote it")
    assert desk.last == (PROMOTE, {"model": "mdl_2", "alias": "champion"})
    desk.say("predict tenure=3")
    assert desk.last[1]["model"] == "mdl_2"


def test_the_goal_is_kept_and_the_original_is_what_is_optimised_again(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    desk.say(f"{GOAL}, only onnx-int8-static")
    desk.say("take the smallest one instead")
    kept = {"model": "mdl_1", "max_latency_ms": 5.0, "max_drop": 0.01, "metric": "f1"}
    assert desk.last == (OPTIMISE, {**kept, "prefer": "size", "variants": ["onnx-int8-static"]})
    desk.say("now the fastest")
    assert desk.last == (OPTIMISE, {**kept, "prefer": "latency", "variants": ["onnx-int8-static"]})
    desk.say("make it smaller than 1 MB")
    assert desk.last == (OPTIMISE, {**kept, "prefer": "latency", "max_size_mb": 1.0})
    desk.say("optimise it")
    assert desk.last == (OPTIMISE, {"model": "mdl_1"})


def test_a_named_variant_that_is_not_chosen_is_told_why(desk_at: Callable[[str], Any]) -> None:
    reply = desk_at("optimised").say("take the pruned one instead")
    assert "Not pruned, which you named: pruned was refused: it may lose up to 0.0329 of f1." in reply


def test_a_training_ends_what_an_optimisation_began(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("optimised")
    desk.say("train it again with recall")
    desk.say("2 minutes")
    assert desk.last[0] == "train_model"


def test_strange_calibration_rows_are_refused_in_the_tools_own_words(desk_at: Callable[[str], Any]) -> None:
    reply = desk_at("trained").say("quantise it, calibrate with january.csv")
    assert reply.startswith("I could not optimise the model. The rows are unlike those that the model was trained on.")


def test_a_misspelt_calibration_file_is_asked_about_and_not_the_model(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    desk.refusals[OPTIMISE] = "File 'newe.csv' does not exist. Did you mean 'new.csv'?"
    desk.say("quantise it, calibrate with newe.csv")
    desk.refusals.clear()
    desk.say("yes")
    assert desk.last[1]["calibration"] == "new.csv"
    assert desk.last[1]["model"] == "mdl_1"


def test_a_misspelt_model_is_offered_by_its_near_name(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    desk.refusals[OPTIMISE] = "There is no model 'telco-Chrun'. Did you mean 'telco-Churn'?"
    desk.say("optimise telco-Chrun")
    desk.refusals.clear()
    desk.say("yes")
    assert desk.last == (OPTIMISE, {"model": "telco-Churn"})


def test_a_floor_under_a_metric_is_refused_and_not_left_out(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    assert desk.say("optimise it but f1 must stay above 0.8").startswith("I hold how much may be lost")
    assert desk.calls == []


# ONNX files and times


def test_an_export_says_where_it_is_how_well_it_agrees_and_how_to_feed_it(desk_at: Callable[[str], Any]) -> None:
    lines = desk_at("trained").say("export it to onnx as model.onnx").splitlines()
    assert lines == [
        "Wrote model.onnx (0.7134 MB), exported by trees.",
        "On 412 rows, real and spoilt ones, its answers differ from those of mdl_1 by 2.1e-07 at most "
        "(1e-05 is allowed).",
        "It is fed with:",
        "- numbers: float64 (rows, columns), NaN for missing; tenure",
        "- texts: strings (rows, columns), '' for missing; Contract, gender",
        "It gives 'answer': float64 (rows, 2), the probabilities of No, Yes.",
        "It takes raw rows whole: nothing is left to Python.",
    ]


def test_a_file_without_a_name_is_called_after_the_model(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("registered")
    desk.say("list models")
    desk.say("export it to onnx")
    assert desk.last == (EXPORT, {"model": "mdl_2", "out": "telco-Churn.onnx"})


def test_two_models_are_not_exported_as_one(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("twice")
    assert desk.say("export mdl_1 and mdl_2 to onnx").startswith("I export one model at a time.")
    assert desk.calls == []


def test_an_export_that_was_declined_changes_nothing(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    desk.refusals[EXPORT] = "The user declined this call."
    assert desk.say("export it as a.onnx") == "You did not approve it, so nothing was changed."


def test_a_benchmark_gives_the_verdict_the_table_and_what_failed(desk_at: Callable[[str], Any]) -> None:
    lines = desk_at("twice").say("benchmark mdl_1 and mdl_2").splitlines()
    assert lines[0] == "mdl_2 is the fastest."
    assert "| mdl_1 | lightgbm | 1.68 | 1.91 | 2.52 | 12,698.41 | 812.5 | 142.3 | 1.26 |" in lines
    assert lines[-1].startswith("Measured on x86_64 Linux, 2 cores")


def test_champion_and_challenger_are_measured_by_the_ids_that_they_have(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("registered")
    assert "No model is the challenger yet." in desk.say("benchmark the champion against the challenger")
    assert BENCH not in [name for name, _ in desk.calls]


# what is read


@pytest.mark.parametrize(
    ("words", "latency", "drop", "size"),
    [
        *(("5 ms", 5.0, None, None), ("250 µs", 0.25, None, None), ("half a second per row", 500.0, None, None)),
        *(("answers in 0.2 s", 200.0, None, None), ("a tenth of a second", 100.0, None, None)),
        *(("lose at most 1 % f1", None, 0.01, None), ("0.02 of f1", None, 0.02, None)),
        *(("accuracy must not fall", None, 0.0, None), ("fall by half a percent", None, 0.005, None)),
        *(("2 MB", None, None, 2.0), ("500 kb", None, None, 0.5), ("keep 98 % of the accuracy", None, 0.02, None)),
        *(("within 2 minutes", None, None, None), ("without losing too much accuracy", None, None, None)),
        *(("predict calls that take more than 5 ms", None, None, None), ("hold out 30% for testing", None, None, None)),
        *(("train with log loss 0.3", None, None, None), ("seed 5", None, None, None)),
    ],
)
def test_amounts_are_read_in_milliseconds_shares_and_megabytes(
    words: str, latency: float | None, drop: float | None, size: float | None
) -> None:
    slots = read_slots(words)
    assert slots.latency_ms == pytest.approx(latency)
    assert slots.max_drop == pytest.approx(drop)
    assert slots.size_mb == pytest.approx(size)


def test_variants_are_read_with_what_is_not_wanted() -> None:
    assert mentioned("the pruned int8 one") == (("pruned-int8",), ())
    assert mentioned("static int8, without pruning or qat") == (("onnx-int8-static",), ("onnx-int8-qat", "pruned"))
    assert to_make("no int8") == ("compile", "bf16", "pruned", "cuda", "cuda-bf16", "cuda-compile", "sparse", "student")
    assert to_make("make it faster") is None
    assert preference("smaller and faster") is None
    assert preference("size matters more than speed") == "size"


@pytest.mark.parametrize(
    "words",
    [
        *("optimise " * 110, "make it " * 120, "lose at most " * 80, "1 % " * 250, "no int8 and " * 90),
        *(
            "which variant " * 70,
            "optimise the a b c d e f g " * 40,
            "how fast is the model-" * 45,
            ("9" * 900) + " ms",
        ),
    ],
)
def test_no_message_takes_long_to_be_read(desk_at: Callable[[str], Any], words: str) -> None:
    desk = desk_at("optimised")
    began = time.perf_counter()
    desk.say(words)
    assert time.perf_counter() - began < 3


def test_a_negative_latency_is_not_taken_for_a_positive_one() -> None:
    assert read_slots("make it answer in -5 ms").latency_ms == -5.0
    assert read_slots("make it answer in 5 ms").latency_ms == 5.0
