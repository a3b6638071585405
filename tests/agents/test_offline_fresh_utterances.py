"""Words that the planner's patterns were not written for, kept since then so that they stay understood.

They were written in two batches after the patterns and measured before anything was changed for them: 64 % of the
first 80 and 73 % of the next 44 came to the right call. That is the honest figure for words
nobody foresaw; the assertion below holds what was reached afterwards.
"""

from collections.abc import Callable
from typing import Any

TRAIN = "train_model"
ROWS: list[tuple[str, str, str | None, dict[str, Any]]] = [
    ("fresh", "Could you please ingest telco.csv", "import_dataset", {"source": "telco.csv"}),
    ("fresh", "let's work with houses.csv", "import_dataset", {"source": "houses.csv"}),
    ("fresh", "bring in the breast cancer sample", "import_dataset", {"source": "sample:breast_cancer"}),
    ("fresh", "add wine.parquet to the workspace", "import_dataset", {"source": "wine.parquet"}),
    ("stored", "what have I imported so far?", "list_datasets", {}),
    ("stored", "display the datasets", "list_datasets", {}),
    ("stored", "datasets", "list_datasets", {}),
    ("loaded", "give me an overview of the data", "profile_dataset", {}),
    ("loaded", "what's in the file?", "profile_dataset", {}),
    ("loaded", "do we have outliers?", "profile_dataset", {}),
    ("loaded", "anything strange in the data?", "profile_dataset", {}),
    ("loaded", "show some statistics of the table", "profile_dataset", {}),
    ("loaded", "how much of it is missing?", "profile_dataset", {}),
    ("fresh", "check telco.csv for missing values", "profile_dataset", {"dataset": "ds_telco"}),
    ("fresh", "Given telco.csv, who is going to churn?", TRAIN, {"target": "Churn"}),
    ("fresh", "I'd like to forecast the sale price from sales.xlsx", TRAIN, {"target": "sale_price"}),
    ("fresh", "detect spam using spam.csv", TRAIN, {"target": "label"}),
    ("fresh", "set up a regression for median_house_value on houses.csv", TRAIN, {"target": "median_house_value"}),
    ("fresh", "what drives wine quality? train on wine.parquet first", TRAIN, {"target": "quality"}),
    ("fresh", "get me the best churn model you can in 20 seconds from telco.csv", TRAIN, {"budget_seconds": 20.0}),
    ("fresh", "learn to predict Contract from telco.csv", TRAIN, {"target": "Contract"}),
    ("fresh", "my boss wants to know which clients are leaving us, see telco.csv", TRAIN, {"target": "Churn"}),
    ("fresh", "run automl on telco.csv with Churn as target", TRAIN, {"target": "Churn"}),
    ("loaded", "let's train something for Churn, max 3 min", TRAIN, {"target": "Churn", "budget_seconds": 180.0}),
    ("loaded", "go for churn, optimise auc", TRAIN, {"target": "Churn", "metric": "roc_auc"}),
    ("loaded", "model TotalCharges", TRAIN, {"target": "TotalCharges"}),
    ("loaded", "the target is Churn", TRAIN, {"target": "Churn"}),
    ("loaded", "predict Churn using everything except gender and Partner", TRAIN, {"drop": ["gender", "Partner"]}),
    ("loaded", "predict churn with just a linear model", TRAIN, {"models": ["linear"], "target": "Churn"}),
    ("loaded", "predict churn, quick one, ten seconds", TRAIN, {"budget_seconds": 10.0}),
    ("loaded", "predict churn; don't use tenure", TRAIN, {"drop": ["tenure"], "target": "Churn"}),
    ("loaded", "please traain a modell for chrun", TRAIN, {"target": "Churn"}),
    ("loaded", "can we predict internet service?", TRAIN, {"target": "InternetService"}),
    ("loaded", "will training for churn take long?", "estimate_training", {}),
    ("loaded", "roughly how many minutes for a churn model?", "estimate_training", {"target": "Churn"}),
    ("loaded", "give me a time estimate for predicting churn", "estimate_training", {"target": "Churn"}),
    ("estimated", "sounds good, start", TRAIN, {"target": "Churn", "budget_seconds": 30.0}),
    ("trained", "can you redo that with f1 score", TRAIN, {"metric": "f1", "target": "Churn"}),
    ("trained", "hmm, what if we leave out gender", TRAIN, {"drop": ["gender"]}),
    ("trained", "let it run longer", TRAIN, {"budget_seconds": 60.0}),
    ("trained", "switch to balanced accuracy", TRAIN, {"metric": "balanced_accuracy"}),
    ("trained", "try only the forest", TRAIN, {"models": ["forest"]}),
    ("trained", "once more, 2 min, seed 11", TRAIN, {"budget_seconds": 120.0, "seed": 11}),
    ("trained", "exclude MonthlyCharges and rerun", TRAIN, {"drop": ["MonthlyCharges"]}),
    ("trained", "I care more about recall", TRAIN, {"metric": "recall"}),
    ("trained", "do the same for Contract", TRAIN, {"target": "Contract"}),
    ("trained", "What are the main reasons for churn?", "explain_model", {}),
    ("trained", "feature importances please", "explain_model", {}),
    ("trained", "which variables does the model use most", "explain_model", {}),
    ("trained", "can you justify that?", "explain_model", {}),
    ("trained", "what influences the prediction the most", "explain_model", {}),
    ("twice", "which of the two is better?", "compare_models", {}),
    ("twice", "put the models next to each other", "compare_models", {}),
    ("twice", "did the second model improve on the first?", "compare_models", {}),
    ("trained", "how did the individual candidates do?", "show_model", {}),
    ("trained", "how accurate is it on january.csv", "evaluate_model", {"data": "january.csv"}),
    ("trained", "validate against new_labels.parquet", "evaluate_model", {"data": "new_labels.parquet"}),
    ("trained", "run the model over new.csv", "predict", {"data": "new.csv"}),
    ("trained", "I need predictions for new.csv in results.csv", "predict", {"data": "new.csv"}),
    ("trained", "score these customers: new.csv", "predict", {"data": "new.csv"}),
    ("trained", "would someone with tenure=1 and MonthlyCharges=99 churn?", "predict", {}),
    ("trained", "what models are available", "list_models", {}),
    ("trained", "models", "list_models", {}),
    ("trained", "details of mdl_1", "show_model", {"model": "mdl_1"}),
    ("trained", "what score did we get?", "show_model", {}),
    ("trained", "where did you save the report", "show_model", {}),
    ("trained", "crown it", "promote_model", {"alias": "champion"}),
    ("trained", "mark mdl_1 as the champion", "promote_model", {"model": "mdl_1"}),
    ("trained", "this one should be the new champion", "promote_model", {"alias": "champion"}),
    ("jobs", "where are we with the training?", "job_status", {}),
    ("jobs", "any progress?", "job_status", {}),
    ("jobs", "how much longer?", "job_status", {}),
    ("jobs", "show all jobs", "list_jobs", {}),
    ("jobs", "please stop", "cancel_job", {}),
    ("jobs", "kill it", "cancel_job", {}),
    ("fresh", "good morning!", None, {}),
    ("fresh", "what do you know how to do?", None, {}),
    ("fresh", "is there a human here?", None, {}),
    ("fresh", "ok cool thank you", None, {}),
    ("fresh", "deploy a kubernetes cluster for me", None, {}),
    # a second batch, written after the first was understood
    ("fresh", "please get telco.csv into the system", "import_dataset", {}),
    ("fresh", "I want to work on wine.parquet today", "import_dataset", {}),
    ("stored", "which files did we load already?", "list_datasets", {}),
    ("loaded", "show me a summary", "profile_dataset", {}),
    ("loaded", "what kind of data is this?", "profile_dataset", {}),
    ("loaded", "are the classes skewed?", "profile_dataset", {}),
    ("fresh", "build a spam filter from spam.csv", TRAIN, {}),
    ("fresh", "can you guess the house value? use houses.csv", TRAIN, {"target": "median_house_value"}),
    ("loaded", "train for churn, 40 secs, f1", TRAIN, {"metric": "f1", "budget_seconds": 40.0}),
    (
        "loaded",
        "I need to predict which customer cancels his contract, target column Churn",
        TRAIN,
        {"target": "Churn"},
    ),
    ("loaded", "give me a quick baseline model for Churn", TRAIN, {"target": "Churn"}),
    (
        "loaded",
        "predict Churn; optimise recall; max 2 minutes; skip PaymentMethod",
        TRAIN,
        {"metric": "recall", "drop": ["PaymentMethod"]},
    ),
    ("loaded", "how many seconds would training for Churn take?", "estimate_training", {}),
    ("loaded", "before you start, what would training Churn cost me?", "estimate_training", {}),
    ("trained", "try f1", TRAIN, {"metric": "f1"}),
    ("trained", "more time: 10 minutes", TRAIN, {"budget_seconds": 600.0}),
    ("trained", "and without MonthlyCharges?", TRAIN, {"drop": ["MonthlyCharges"]}),
    ("trained", "run it again but with another seed, 42", TRAIN, {}),
    ("trained", "let's use accuracy as the metric", TRAIN, {"metric": "accuracy"}),
    ("trained", "what happens if you only use linear models?", TRAIN, {"models": ["linear"]}),
    ("trained", "which factors lead to churn?", "explain_model", {}),
    ("trained", "explain the result to me", "explain_model", {}),
    ("trained", "show feature importance", "explain_model", {}),
    ("trained", "what did the model learn?", "explain_model", {}),
    ("twice", "who wins, mdl_1 or mdl_2?", "compare_models", {}),
    ("twice", "compare both", "compare_models", {}),
    ("trained", "show me all candidates that were trained", "show_model", {}),
    ("trained", "does it also work on april.csv?", "evaluate_model", {"data": "april.csv"}),
    ("trained", "evaluate mdl_1 with april.csv", "evaluate_model", {"data": "april.csv"}),
    ("trained", "use it on new.csv", "predict", {"data": "new.csv"}),
    ("trained", "please score new.csv and write the result to scored.csv", "predict", {"out": "scored.csv"}),
    ("trained", "what's the prediction for tenure 12 and contract One year?", "predict", {}),
    ("trained", "do I have any models?", "list_models", {}),
    ("trained", "show the model card", "show_model", {}),
    ("trained", "how well did it do?", "show_model", {}),
    ("trained", "use this one in production", "promote_model", {}),
    ("trained", "make mdl_1 challenger", "promote_model", {"alias": "challenger"}),
    ("jobs", "is my training still running?", "job_status", {}),
    ("jobs", "which jobs are there", "list_jobs", {}),
    ("jobs", "stop it now", "cancel_job", {}),
    ("fresh", "hey there", None, {}),
    ("fresh", "what are my options?", None, {}),
    ("fresh", "tell me a joke", None, {}),
    ("fresh", "cheers!", None, {}),
]
REACHED = 0.97


def right(desk_at: Callable[[str], Any], row: tuple[str, str, str | None, dict[str, Any]]) -> bool:
    state, words, tool, expected = row
    desk = desk_at(state)
    desk.say(words)
    if tool is None or desk.last is None:
        return tool is None and not [name for name, _ in desk.calls if not name.startswith("list")]
    return desk.last[0] == tool and all(desk.last[1].get(name) == value for name, value in expected.items())


def test_most_of_what_was_not_foreseen_comes_to_the_right_call(desk_at: Callable[[str], Any]) -> None:
    wrong = [row[1] for row in ROWS if not right(desk_at, row)]
    share = 1 - len(wrong) / len(ROWS)
    assert share >= REACHED, f"{share:.3f} of {len(ROWS)}; not understood: " + "; ".join(wrong)
