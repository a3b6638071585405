"""What people say, and the call that it must come to. Each row: state, words, the last call (or None), its arguments.

Arguments are compared as given; those not named are free, and a value of None means that the argument must be absent.
A row without a call names a piece of the reply instead.
"""

from collections.abc import Callable
from typing import Any

import pytest

TRAIN = "train_model"
ROWS: list[tuple[str, str, str | None, dict[str, Any] | str]] = [
    # data
    ("fresh", "load telco.csv", "import_dataset", {"source": "telco.csv"}),
    ("fresh", "import 'data/telco churn.csv'", "import_dataset", {"source": "data/telco churn.csv"}),
    ("fresh", 'please read "data/telco churn.csv"', "import_dataset", {"source": "data/telco churn.csv"}),
    ("fresh", "telco.csv", "import_dataset", {"source": "telco.csv"}),
    ("fresh", "sample:churn", "import_dataset", {"source": "sample:churn"}),
    ("fresh", "load the churn sample", "import_dataset", {"source": "sample:churn"}),
    ("fresh", "use the sample data", "import_dataset", {"source": "sample:churn"}),
    ("fresh", "open wine.parquet", "import_dataset", {"source": "wine.parquet"}),
    ("fresh", "here is my data: sales.xlsx", "import_dataset", {"source": "sales.xlsx"}),
    ("fresh", "can you upload houses.csv for me?", "import_dataset", {"source": "houses.csv"}),
    ("fresh", "import telco.csv and hold out 30% for testing", "import_dataset", {"test_fraction": 0.3}),
    ("fresh", "load some data", None, "Which data should I use?"),
    ("stored", "list datasets", "list_datasets", {}),
    ("stored", "what data do you have?", "list_datasets", {}),
    ("stored", "which datasets are there", "list_datasets", {}),
    ("stored", "show me my data", "list_datasets", {}),
    ("stored", "are there any datasets?", "list_datasets", {}),
    ("loaded", "describe the data", "profile_dataset", {"dataset": "ds_telco"}),
    ("loaded", "profile it", "profile_dataset", {"dataset": "ds_telco"}),
    ("loaded", "what does the data look like?", "profile_dataset", {"dataset": "ds_telco"}),
    ("loaded", "are there any missing values?", "profile_dataset", {"dataset": "ds_telco"}),
    ("loaded", "what columns are there?", "profile_dataset", {"dataset": "ds_telco"}),
    ("loaded", "how many rows does it have?", "profile_dataset", {"dataset": "ds_telco"}),
    ("loaded", "is the target balanced? show me the class balance", "profile_dataset", {}),
    ("loaded", "sumarize the datset", "profile_dataset", {"dataset": "ds_telco"}),
    ("loaded", "explain the data to me", "profile_dataset", {"dataset": "ds_telco"}),
    ("fresh", "take a look at telco.csv", "profile_dataset", {"dataset": "ds_telco"}),
    ("fresh", "profile houses.csv", "profile_dataset", {"dataset": "ds_houses"}),
    ("fresh", "analyse wine.parquet", "profile_dataset", {"dataset": "ds_wine"}),
    ("fresh", "tell me about spam.csv", "profile_dataset", {"dataset": "ds_spam"}),
    ("stored", "describe the telco dataset", "profile_dataset", {"dataset": "ds_telco"}),
    ("two stored", "profile houses", "profile_dataset", {"dataset": "ds_houses"}),
    # training
    ("fresh", "predict which customers churn in telco.csv", TRAIN, {"dataset": "ds_telco", "target": "Churn"}),
    ("fresh", "train a model on telco.csv to predict Churn", TRAIN, {"target": "Churn"}),
    ("fresh", "I want to know which customers will leave, data is in telco.csv", TRAIN, {"target": "Churn"}),
    ("fresh", "build me a classifier for churn from telco.csv", TRAIN, {"target": "Churn"}),
    ("fresh", "predict the median house value in houses.csv", TRAIN, {"target": "median_house_value"}),
    ("fresh", "predict house prices with houses.csv", TRAIN, {"target": "median_house_value"}),
    ("fresh", "forecast the price in houses.csv", TRAIN, {"target": "median_house_value"}),
    ("fresh", "classify messages in spam.csv as spam", TRAIN, {"target": "label"}),
    ("fresh", "how good is the wine? predict quality from wine.parquet", TRAIN, {"target": "quality"}),
    ("fresh", "train on sample:churn", TRAIN, {"dataset": "ds_sample", "target": "Churn"}),
    ("fresh", "train a model on the diabetes sample", TRAIN, {"dataset": "ds_diab", "target": "target"}),
    ("fresh", "tarin a modle on telco.csv, target Churn", TRAIN, {"target": "Churn"}),
    ("fresh", "pls predcit chrun in telco.csv", TRAIN, {"target": "Churn"}),
    ("fresh", "can you make a model that tells me who is likely to churn? telco.csv", TRAIN, {"target": "Churn"}),
    ("fresh", "fit a model to telco.csv with target=Churn", TRAIN, {"target": "Churn"}),
    ("fresh", "train telco.csv --target Churn", TRAIN, {"target": "Churn"}),
    ("fresh", "estimate MonthlyCharges from telco.csv using a model, train it", TRAIN, {"target": "MonthlyCharges"}),
    ("fresh", "predict monthly charges in telco.csv", TRAIN, {"target": "MonthlyCharges"}),
    ("loaded", "train", None, "Which of the 13 columns should I predict?"),
    ("loaded", "train a model", None, "Which of the 13 columns should I predict?"),
    ("loaded", "predict churn", TRAIN, {"dataset": "ds_telco", "target": "Churn"}),
    ("loaded", "predict Churn within 2 minutes", TRAIN, {"budget_seconds": 120.0}),
    ("loaded", "predict churn in half a minute", TRAIN, {"budget_seconds": 30.0}),
    ("loaded", "predict churn for 90s", TRAIN, {"budget_seconds": 90.0, "target": "Churn"}),
    ("loaded", "predict churn, take an hour", TRAIN, {"budget_seconds": 3600.0}),
    ("loaded", "predict churn with a budget of 45", TRAIN, {"budget_seconds": 45.0}),
    ("loaded", "predict churn in one and a half minutes", TRAIN, {"budget_seconds": 90.0}),
    ("loaded", "predict churn in 1 minute 30 seconds", TRAIN, {"budget_seconds": 90.0}),
    ("loaded", "predict churn, best F1", TRAIN, {"metric": "f1"}),
    ("loaded", "predict churn with the best possible recall", TRAIN, {"metric": "recall", "target": "Churn"}),
    ("loaded", "predict churn optimising balanced accuracy", TRAIN, {"metric": "balanced_accuracy"}),
    ("loaded", "predict churn and maximise the area under the curve", TRAIN, {"metric": "roc_auc"}),
    (
        "loaded",
        "predict TotalCharges, minimise mean absolute error",
        TRAIN,
        {"metric": "mae", "target": "TotalCharges"},
    ),
    ("loaded", "predict churn, only lightgbm", TRAIN, {"models": ["lightgbm"]}),
    ("loaded", "predict churn with random forest and logistic regression", TRAIN, {"models": ["forest", "linear"]}),
    ("loaded", "predict churn but no random forest", TRAIN, {"models": ["linear", "lightgbm"]}),
    ("loaded", "predict churn with gradient boosting", TRAIN, {"models": ["lightgbm"]}),
    ("loaded", "predict churn with xgboost", None, "no candidate for xgboost"),
    ("loaded", "predict churn with catboost", None, "no candidate for catboost"),
    ("loaded", "predict churn with knn", None, "no candidate for nearest neighbours"),
    ("loaded", "predict churn with naive Bayes", None, "network is a neural network"),
    ("loaded", "predict churn with a neural network", TRAIN, {"models": ["network"], "target": "Churn"}),
    ("loaded", "predict churn with a convolutional neural network", TRAIN, {"models": ["resnet"]}),
    ("loaded", "predict churn on the gpu in 2 processes", TRAIN, {"device": "cuda", "processes": 2, "target": "Churn"}),
    ("loaded", "predict churn within 5 minutes, no forest", TRAIN, {"models": ["linear", "lightgbm", "network"]}),
    ("loaded", "predict churn without column gender", TRAIN, {"drop": ["gender"], "target": "Churn"}),
    ("loaded", "predict churn ignoring tenure and MonthlyCharges", TRAIN, {"drop": ["tenure", "MonthlyCharges"]}),
    ("loaded", "predict churn, leave out total charges", TRAIN, {"drop": ["TotalCharges"], "target": "Churn"}),
    ("loaded", "predict churn with seed 3", TRAIN, {"seed": 3}),
    ("loaded", "predict churn, train exactly 5 models", TRAIN, {"max_models": 5, "budget_seconds": "null"}),
    ("loaded", "predict churn and call it retention", TRAIN, {"name": "retention"}),
    (
        "loaded",
        "train a model on ds_telco to predict churn within 2 minutes, best F1, only lightgbm, seed 3, without gender",
        TRAIN,
        {
            "dataset": "ds_telco",
            "target": "Churn",
            "budget_seconds": 120.0,
            "metric": "f1",
            "models": ["lightgbm"],
            "seed": 3,
            "drop": ["gender"],
        },
    ),
    ("loaded", "use Churn as the target and train", TRAIN, {"target": "Churn"}),
    ("loaded", "start training, target is Contract", TRAIN, {"target": "Contract"}),
    ("loaded", "find out who is at risk of churning", TRAIN, {"target": "Churn"}),
    ("stored", "predict churn", TRAIN, {"dataset": "ds_telco", "target": "Churn"}),
    ("two stored", "predict churn with the telco data", TRAIN, {"dataset": "ds_telco", "target": "Churn"}),
    ("two stored", "predict churn", None, "Which dataset should I use?"),
    ("fresh", "predict churn", None, "Which data should I use?"),
    ("fresh", "I need a churn model", None, "Which data should I use?"),
    ("fresh", "predict price in sales.xlsx", None, "list_price, sale_price"),
    ("fresh", "train on houses.csv to predict happiness", None, "Which of the 5 columns"),
    ("fresh", "load telco.csv, then predict churn for 20 seconds", TRAIN, {"target": "Churn", "budget_seconds": 20.0}),
    ("fresh", "load telco.csv and predict churn. Use F1.", TRAIN, {"target": "Churn", "metric": "f1"}),
    ("fresh", "Hi! I have telco.csv. I want to predict churn.", TRAIN, {"target": "Churn"}),
    # estimates
    ("loaded", "how long would it take to predict churn?", "estimate_training", {"target": "Churn"}),
    ("loaded", "estimate the training for churn first", "estimate_training", {"target": "Churn"}),
    ("trained", "how long would it take with 5 minutes and only linear?", "estimate_training", {"models": ["linear"]}),
    ("fresh", "how much time do you need to train on sample:churn?", "estimate_training", {"target": "Churn"}),
    ("trained", "what would it cost with forest?", "estimate_training", {"models": ["forest"]}),
    ("estimated", "go ahead", TRAIN, {"target": "Churn", "budget_seconds": 30.0}),
    ("estimated", "ok, do it", TRAIN, {"target": "Churn", "budget_seconds": 30.0}),
    ("estimated", "yes please", TRAIN, {"target": "Churn"}),
    # follow-ups
    ("trained", "now with F1", TRAIN, {"metric": "f1", "target": "Churn", "budget_seconds": 30.0}),
    ("trained", "use recall instead", TRAIN, {"metric": "recall", "target": "Churn"}),
    ("trained", "drop column gender", TRAIN, {"drop": ["gender"], "target": "Churn"}),
    ("trained", "without tenure please", TRAIN, {"drop": ["tenure"]}),
    ("trained", "try again with 5 minutes", TRAIN, {"budget_seconds": 300.0, "target": "Churn"}),
    ("trained", "only random forest", TRAIN, {"models": ["forest"]}),
    ("trained", "what about random forest?", TRAIN, {"models": ["forest"]}),
    ("trained", "and with lightgbm only", TRAIN, {"models": ["lightgbm"]}),
    ("trained", "same but with seed 7", TRAIN, {"seed": 7, "target": "Churn"}),
    ("trained", "train it again", TRAIN, {"target": "Churn", "budget_seconds": 30.0}),
    ("trained", "give it twice the time", TRAIN, {"budget_seconds": 60.0}),
    ("trained", "optimise for precision", TRAIN, {"metric": "precision"}),
    ("trained", "no forest this time", TRAIN, {"models": ["linear", "lightgbm"]}),
    ("trained", "retrain without gender and with f1", TRAIN, {"drop": ["gender"], "metric": "f1", "target": "Churn"}),
    ("trained", "predict MonthlyCharges instead", TRAIN, {"target": "MonthlyCharges"}),
    ("trained", "now with acuracy", TRAIN, {"metric": "accuracy"}),
    ("twice", "now drop gender too", TRAIN, {"drop": ["gender"], "metric": "recall"}),
    # judging
    ("trained", "why?", "explain_model", {"model": "mdl_1"}),
    ("trained", "what matters most?", "explain_model", {"model": "mdl_1"}),
    ("trained", "which features are important", "explain_model", {"model": "mdl_1"}),
    ("trained", "which columns drive churn?", "explain_model", {"model": "mdl_1"}),
    ("trained", "expalin the model", "explain_model", {"model": "mdl_1"}),
    ("trained", "what are the top 5 features", "explain_model", {"top": 5}),
    ("trained", "how does it decide?", "explain_model", {"model": "mdl_1"}),
    ("trained", "why do customers leave?", "explain_model", {"model": "mdl_1"}),
    ("fresh", "explain mdl_77", "explain_model", {"model": "mdl_77"}),
    ("registered", "explain the champion", "explain_model", {"model": "mdl_1"}),
    ("fresh", "what matters most?", "list_models", {}),
    ("twice", "compare the models", "compare_models", {}),
    ("twice", "which model is better?", "compare_models", {}),
    ("twice", "compare mdl_1 and mdl_2", "compare_models", {"models": ["mdl_1", "mdl_2"]}),
    ("twice", "mdl_1 vs mdl_2", "compare_models", {"models": ["mdl_1", "mdl_2"]}),
    ("twice", "which one is best?", "compare_models", {}),
    ("trained", "show the leaderboard", "show_model", {"model": "mdl_1"}),
    ("trained", "evaluate it on new.csv", "evaluate_model", {"model": "mdl_1", "data": "new.csv"}),
    ("trained", "how well does it do on new.csv?", "evaluate_model", {"data": "new.csv"}),
    ("trained", "test the model on holdout.csv", "evaluate_model", {"data": "holdout.csv"}),
    ("trained", "check the accuracy on march.csv", "evaluate_model", {"data": "march.csv"}),
    ("trained", "evaluate the model", "evaluate_model", {"model": "mdl_1", "data": None}),
    ("trained", "distil it into a small network", "distil_model", {"model": "mdl_1", "student": "network"}),
    ("trained", "distill mdl_1 within 30 s", "distil_model", {"model": "mdl_1", "budget_seconds": 30.0}),
    # using
    ("trained", "predict new.csv", "predict", {"model": "mdl_1", "data": "new.csv"}),
    (
        "trained",
        "predict the rows in new.csv and save them to out.csv",
        "predict",
        {"data": "new.csv", "out": "out.csv"},
    ),
    ("trained", "score new.csv with the champion", "predict", {"model": "mdl_1", "data": "new.csv"}),
    ("trained", "make predictions for new.csv", "predict", {"data": "new.csv"}),
    ("trained", "predict churn for new.csv", "predict", {"data": "new.csv"}),
    ("trained", "apply the model to new.csv", "predict", {"data": "new.csv"}),
    (
        "trained",
        "predict tenure=3, Contract=Two year",
        "predict",
        {"rows": [{"tenure": 3, "Contract": "Two year", "MonthlyCharges": None}]},
    ),
    (
        "trained",
        "what would it say for a customer with tenure = 3 and contract: Month-to-month?",
        "predict",
        {"rows": [{"tenure": 3, "Contract": "Month-to-month", "MonthlyCharges": None}]},
    ),
    (
        "trained",
        'predict {"tenure": 5, "MonthlyCharges": 70.5}',
        "predict",
        {"rows": [{"tenure": 5, "Contract": None, "MonthlyCharges": 70.5}]},
    ),
    ("trained", "predict", None, "Which rows should I predict?"),
    ("registered", "predict new.csv with mdl_2", "predict", {"model": "mdl_2"}),
    ("trained", "list models", "list_models", {}),
    ("trained", "which models do I have?", "list_models", {}),
    ("trained", "show me all models", "list_models", {}),
    ("trained", "show model mdl_1", "show_model", {"model": "mdl_1"}),
    ("trained", "where is the report?", "show_model", {"model": "mdl_1"}),
    ("trained", "how good is it?", "show_model", {"model": "mdl_1"}),
    ("trained", "tell me more about the model", "show_model", {"model": "mdl_1"}),
    ("trained", "what is its accuracy?", "show_model", {"model": "mdl_1"}),
    ("trained", "make it the champion", "promote_model", {"model": "mdl_1", "alias": "champion"}),
    ("trained", "promote it", "promote_model", {"model": "mdl_1", "alias": "champion"}),
    ("trained", "set this model as challenger", "promote_model", {"alias": "challenger"}),
    ("twice", "promote mdl_1 to champion", "promote_model", {"model": "mdl_1"}),
    ("trained", "put it into production", "promote_model", {"alias": "champion"}),
    ("models", "explain the second one", "explain_model", {"model": "mdl_1"}),
    ("models", "what about the second one?", "show_model", {"model": "mdl_1"}),
    ("models", "promote the first one", "promote_model", {"model": "mdl_2"}),
    # jobs
    ("jobs", "how is it going?", "job_status", {"job": "job_aa11"}),
    ("jobs", "status", "job_status", {"job": "job_aa11"}),
    ("jobs", "is it done yet?", "job_status", {"job": "job_aa11"}),
    ("jobs", "how far is job_cc33?", "job_status", {"job": "job_cc33"}),
    ("idle", "status of the training", "job_status", {"job": "job_bb22"}),
    ("jobs", "list jobs", "list_jobs", {}),
    ("jobs", "what is running?", "list_jobs", {}),
    ("jobs", "cancel it", "cancel_job", {"job": "job_aa11"}),
    ("jobs", "stop the training", "cancel_job", {"job": "job_aa11"}),
    ("jobs", "abort job_bb22", "cancel_job", {"job": "job_bb22"}),
    ("idle", "cancel the job", "list_jobs", {}),
    # talk
    ("fresh", "hello", None, "No language model is configured"),
    ("fresh", "help", None, "I can:"),
    ("fresh", "hlep", None, "I can:"),
    ("fresh", "what can you do?", None, "I can:"),
    ("fresh", "who are you?", None, "No language model is configured; I am the offline planner"),
    ("fresh", "are you chatgpt?", None, "MILLWRIGHT_LLM__PROVIDER"),
    ("fresh", "how do I connect an llm?", None, "MILLWRIGHT_LLM__BASE_URL"),
    ("trained", "thanks, great!", None, "You are welcome"),
    ("fresh", "write me a poem about the sea", None, "I cannot do that without a language model"),
    ("trained", "delete all models", None, "I cannot do that without a language model"),
    ("fresh", "what's the weather tomorrow", None, "I cannot do that without a language model"),
    ("fresh", "lorem ipsum dolor", None, "I cannot do that without a language model"),
]
REACHED = 0.98
"""The share that must hold; the assertion lists what does not."""


def problem(desk_at: Callable[[str], Any], row: tuple[str, str, str | None, dict[str, Any] | str]) -> str | None:
    state, words, tool, expected = row
    desk = desk_at(state)
    reply = desk.say(words)
    if tool is None:
        asked_only_to_look = all(name.startswith(("list", "import")) for name, _ in desk.calls)
        return None if str(expected) in reply and asked_only_to_look else f"{words!r}: {desk.last} {reply!r}"
    assert isinstance(expected, dict)
    if desk.last is None or desk.last[0] != tool:
        return f"{words!r}: {desk.last} instead of {tool}; {reply!r}"
    wrong = {name: desk.last[1].get(name) for name, value in expected.items() if not same(desk.last[1], name, value)}
    return f"{words!r}: {wrong} instead of {expected}" if wrong else None


def same(arguments: dict[str, Any], name: str, value: object) -> bool:
    if value is None:
        return name not in arguments
    if value == "null":
        return name in arguments and arguments[name] is None
    return bool(arguments.get(name) == value)


def test_nearly_all_of_what_people_say_comes_to_the_right_call(desk_at: Callable[[str], Any]) -> None:
    problems = [text for row in ROWS if (text := problem(desk_at, row))]
    share = 1 - len(problems) / len(ROWS)
    assert share >= REACHED, f"{share:.3f} of {len(ROWS)}:\n" + "\n".join(problems)


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len({words for _, words, _, _ in ROWS}) >= 120


@pytest.mark.parametrize("words", ["", "   ", "?", "_source_", "{}", "a" * 5000, "predict " * 300, "\x00\u202e"])
def test_odd_input_gets_an_answer_in_words(desk_at: Callable[[str], Any], words: str) -> None:
    assert desk_at("fresh").say(words)
