"""What an error of a tool means for the user."""

import re
from collections.abc import Mapping


def declined(sentence: str) -> bool:
    """Whether a call's error says that the user did not approve it."""
    return bool(re.match(r"The user (?:declined|rejected|did not approve)", sentence))


def failure(tool: str, sentence: str) -> str:
    """What an error means for the user: what was tried, and the tool's own sentence and hint."""
    return f"I could not {_TRIED.get(tool, 'do that')}. {_error(sentence)}"


def _error(sentence: str) -> str:
    text = " ".join(sentence.split())
    return text if len(text) <= 600 else text[:599] + "…"


_TRIED: Mapping[str, str] = {
    "import_dataset": "load the data",
    "list_datasets": "list the datasets",
    "profile_dataset": "describe the data",
    "estimate_training": "estimate the training",
    "train_model": "train",
    "evaluate_model": "evaluate the model",
    "compare_models": "compare the models",
    "explain_model": "explain the model",
    "distil_model": "distil the model",
    "optimise_model": "optimise the model",
    "show_optimisation": "show the optimisation",
    "export_model": "export the model",
    "benchmark_models": "measure the models",
    "predict": "predict",
    "list_models": "list the models",
    "show_model": "show the model",
    "promote_model": "promote the model",
    "job_status": "see the job",
    "cancel_job": "cancel the job",
    "list_jobs": "list the jobs",
    "check_drift": "check for drift",
    "create_monitor": "watch the model",
    "monitor_status": "see how the monitors stand",
    "drift_report": "write the drift report",
    "evaluate_actions": "say what is to be done",
    "retrain_model": "retrain the model",
    "acknowledge_alert": "acknowledge the alert",
    "log_labels": "log the labels",
    "roll_back_model": "roll back the model",
    "make_plan": "make the plan",
    "edit_plan": "change the plan",
    "show_plan": "show the plan",
    "run_plan": "run the plan",
    "approve_step": "answer for the step",
    "run_crew": "run the crew",
    "research": "look into that",
    "write_code": "write the code",
    "remember": "note that",
    "list_memories": "list the notes",
    "forget": "forget that",
    "test_model": "test the model",
    "plan_deployment": "plan the deployment",
}
