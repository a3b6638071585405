"""Tables of what people say: the state of the conversation, the words, and the call that they must come to."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tools import drift, optimise
from tools.models import PromoteModelRequest, RollBackModelRequest
from tools.spec import ToolRequest

CHECK, WATCH, STATUS, REPORT = "check_drift", "create_monitor", "monitor_status", "drift_report"
ADVISE, RETRAIN, ACK, LABELS = "evaluate_actions", "retrain_model", "acknowledge_alert", "log_labels"
BACK, TRAIN, PROMOTE = "roll_back_model", "train_model", "promote_model"
OPTIMISE, SHOW, EXPORT, BENCH = "optimise_model", "show_optimisation", "export_model", "benchmark_models"
REQUESTS: Mapping[str, type[ToolRequest]] = {
    CHECK: drift.CheckDriftRequest,
    WATCH: drift.CreateMonitorRequest,
    STATUS: drift.MonitorStatusRequest,
    REPORT: drift.DriftReportRequest,
    ADVISE: drift.EvaluateActionsRequest,
    RETRAIN: drift.RetrainModelRequest,
    ACK: drift.AcknowledgeAlertRequest,
    LABELS: drift.LogLabelsRequest,
    BACK: RollBackModelRequest,
    PROMOTE: PromoteModelRequest,
    OPTIMISE: optimise.OptimiseModelRequest,
    SHOW: optimise.ShowOptimisationRequest,
    EXPORT: optimise.ExportModelRequest,
    BENCH: optimise.BenchmarkModelsRequest,
}
Row = tuple[str, str, str | None, dict[str, Any]]
"""A value of None means that the argument must be absent; without a tool nothing but looking is allowed."""


def problem(desk_at: Callable[[str], Any], row: Row) -> str | None:
    """What came instead, or None where the words came to the right call. Every call is one that its tool takes."""
    state, words, tool, expected = row
    desk = desk_at(state)
    reply = desk.say(words)
    for name, arguments in desk.calls:
        if name in REQUESTS:
            REQUESTS[name].model_validate_json(json.dumps(arguments))
    if tool is None:
        did = [name for name, _ in desk.calls if not name.startswith(("list", "monitor_status"))]
        return f"{words!r}: {did}" if did else None
    if desk.last is None or desk.last[0] != tool:
        return f"{words!r}: {desk.last} instead of {tool}; {reply!r}"
    got = {name: desk.last[1].get(name) for name in expected}
    return None if got == expected else f"{words!r}: {got} instead of {expected}"
